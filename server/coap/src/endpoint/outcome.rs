//! Responses to requests of ours, and what else ends one (RFC 7252 §5.2, §5.3).

use std::time::Duration;

use super::Endpoint;
use crate::{
    Event, Failure, Kind, Message, Observe, OptionNumber, Peer, RequestId, Response,
    dedup::{Fate, Fingerprint},
    exchange::{ClientExchange, Outgoing, Purpose, SendId, Step, Work},
    observe::Freshness,
    option::Role,
};

impl<P: Peer> Endpoint<P> {
    /// A response in a message of its own: for a request, for an observation, or for nothing we know.
    pub(super) fn on_separate_response(
        &mut self,
        now: Duration,
        peer: P,
        message: Message,
        fingerprint: Fingerprint,
    ) {
        if let Some(id) = self.request_awaiting(now, peer, &message) {
            // Its effect is over with this response, so a bound on memory is no reason to lose it.
            self.remember(now, peer, message.kind, message.id, fingerprint);
            if message.kind == Kind::Confirmable {
                self.acknowledge(peer, message.id);
                self.settle(peer, message.id, Fate::Acknowledged);
            }
            return self.on_response(now, peer, id, message);
        }
        if self.observes(peer, message.token) {
            return self.on_notification(now, peer, message, fingerprint);
        }
        // RFC 7252 §4.2: a confirmable message that is not expected is rejected. RFC 7641 §3.6: so is a notification,
        // which ends the observation.
        self.counters.responses_unmatched += 1;
        if message.kind == Kind::Confirmable || message.options.get(OptionNumber::OBSERVE).is_some() {
            self.reset(peer, message.id);
        }
    }

    fn request_awaiting(&self, now: Duration, peer: P, message: &Message) -> Option<SendId> {
        let state = self.peers.get(&peer)?;
        let id = *state.requests.get(&message.token)?;
        let outgoing = self.outgoing.get(&id)?;
        let Work::Request(exchange) = &outgoing.work else { return None };
        outgoing.flight.as_ref()?;
        let is_notification = match exchange.request.observe {
            // While an observation is being ended its notifications are still that: the response has no Observe.
            Some(Observe::Deregister) => message.options.get(OptionNumber::OBSERVE).is_some(),
            // While it is asked for again, one that was overtaken is none of the responses (RFC 7641 §3.4).
            Some(Observe::Register) => {
                let known = state.observations.get(&message.token);
                let number = message.options.uint(OptionNumber::OBSERVE);
                let this = number.map(|number| Freshness::new(number, now, Duration::ZERO));
                known.zip(this).is_some_and(|(known, this)| !known.is_new(this))
            }
            None => false,
        };
        (!is_notification).then_some(id)
    }

    /// A response to the message of this request that is under way.
    pub(super) fn on_response(&mut self, now: Duration, peer: P, id: SendId, mut message: Message) {
        // A token of ours came back: the address is no forged one.
        self.peer(now, peer).verified = true;
        match message.options.screen(Role::Response) {
            Ok(ignored) => self.counters.elective_options += ignored as u64,
            Err(number) => {
                self.counters.critical_options += 1;
                return self.fail(now, id, Failure::BadOption(number));
            }
        }
        let max = self.config.bounds.body_bytes;
        let work = self.outgoing.get_mut(&id).map(|outgoing| &mut outgoing.work);
        let Some(Work::Request(exchange)) = work else { return };
        let (was_downloading, before) = (exchange.is_downloading(), exchange.buffered());
        let step = exchange.on_response(&message, max);
        let (downloading, after) = (exchange.is_downloading(), exchange.buffered());
        if after < before {
            self.release_block_bytes(peer, before - after);
        }
        match step {
            Step::Continue => {
                // The bytes are in the exchange already; if they are one too many, `finish` gives all of them back.
                self.count_block_bytes(now, peer, after.saturating_sub(before));
                if let Err(error) = self.check_block_bytes(peer) {
                    return self.fail(now, id, Failure::BlockTransfer(error));
                }
                if downloading && !was_downloading {
                    self.on_first_block(now, peer, id);
                }
                self.advance(now, id);
            }
            Step::Done(response) => self.conclude(now, id, response),
            Step::Failed(failure) => {
                self.count_block_bytes(now, peer, after.saturating_sub(before));
                self.count_failure(failure);
                self.fail(now, id, failure);
            }
            Step::Ignore => self.counters.responses_unmatched += 1,
        }
    }

    /// The first block of a response may establish an observation; the blocks after it need a token of their own.
    fn on_first_block(&mut self, now: Duration, peer: P, id: SendId) {
        let work = self.outgoing.get(&id).map(|outgoing| &outgoing.work);
        let Some(Work::Request(exchange)) = work else { return };
        if exchange.request.observe != Some(Observe::Register) {
            return;
        }
        if let Some(number) = exchange.first_observe() {
            let request = exchange.request.clone();
            let freshness = Freshness::new(number, now, Duration::ZERO);
            self.establish(now, peer, request, freshness, Some(id));
        }
        self.change_token(id);
    }

    /// Ends a request with its response.
    fn conclude(&mut self, now: Duration, id: SendId, mut response: Response) {
        let Some(Outgoing { peer, work: Work::Request(exchange), .. }) = self.finish(now, id) else { return };
        self.end_fetch(peer, id, &exchange);
        if exchange.is_upload() && response.code.is_error() {
            self.peer(now, peer).broken_uploads += 1;
        }
        match exchange.purpose {
            // An error says that there is no such block any more, not that the observation has ended.
            Purpose::Notification(notification) if response.code.is_error() => {
                self.counters.notifications_incomplete += 1;
                self.drop_notification(now, notification);
            }
            Purpose::Notification(notification) => self.complete_notification(notification, response),
            Purpose::Caller => {
                self.conclude_observation(now, peer, &exchange, &mut response);
                self.emit_response(peer, id, &exchange, Ok(response));
            }
        }
        self.tidy(now, peer);
    }

    fn conclude_observation(
        &mut self,
        now: Duration,
        peer: P,
        exchange: &ClientExchange,
        response: &mut Response,
    ) {
        let request = &exchange.request;
        let (Some(observe), Some(token)) = (request.observe, request.token) else { return };
        let number = response.observe.filter(|_| response.code.is_success());
        let (Observe::Register, Some(number)) = (observe, number) else {
            // RFC 7641 §3.1: without the option in the response there is no observation.
            response.observe = None;
            return self.remove_observation(now, peer, token);
        };
        let known = self.peers.get_mut(&peer).and_then(|state| state.observations.get_mut(&token));
        match known {
            // The first block has established it.
            Some(_) if exchange.token() != token => {}
            // It was forgotten while the rest of the response was fetched.
            None if exchange.token() != token => response.observe = None,
            _ => {
                let freshness = Freshness::new(number, now, Duration::ZERO);
                if !self.establish(now, peer, request.clone(), freshness, None) {
                    response.observe = None;
                }
            }
        }
    }

    /// Ends a message of ours without success.
    pub(super) fn fail(&mut self, now: Duration, id: SendId, failure: Failure) {
        let Some(outgoing) = self.finish(now, id) else { return };
        let (peer, token) = (outgoing.peer, outgoing.token());
        match outgoing.work {
            Work::Response(_) => {}
            Work::Notification(_) => {
                self.emit(Event::NotificationSent { peer, id: id.into(), token, outcome: Err(failure) });
            }
            Work::Request(exchange) => {
                self.end_fetch(peer, id, &exchange);
                if exchange.is_upload() {
                    self.peer(now, peer).broken_uploads += 1;
                }
                match exchange.purpose {
                    Purpose::Notification(notification) => {
                        self.counters.notifications_incomplete += 1;
                        self.drop_notification(now, notification);
                    }
                    Purpose::Caller => {
                        if let (Some(_), Some(token)) = (exchange.request.observe, exchange.request.token) {
                            self.remove_observation(now, peer, token);
                        }
                        self.emit_response(peer, id, &exchange, Err(failure));
                    }
                }
            }
        }
        self.tidy(now, peer);
    }

    /// A notification or separate response of ours was acknowledged.
    pub(super) fn delivered(&mut self, now: Duration, id: SendId) {
        let Some(outgoing) = self.finish(now, id) else { return };
        let (peer, token) = (outgoing.peer, outgoing.token());
        if let Work::Notification(_) = outgoing.work {
            self.emit(Event::NotificationSent { peer, id: id.into(), token, outcome: Ok(()) });
        }
        self.tidy(now, peer);
    }

    fn emit_response(
        &mut self,
        peer: P,
        id: SendId,
        exchange: &ClientExchange,
        outcome: Result<Response, Failure>,
    ) {
        let token = exchange.request.token.unwrap_or_else(|| exchange.token());
        self.emit(Event::Response { peer, request: RequestId(id), token, outcome });
    }

    fn count_failure(&mut self, failure: Failure) {
        match failure {
            Failure::TooLarge { .. } => self.counters.body_bytes += 1,
            Failure::BlockTransfer(_) => self.counters.blocks_refused += 1,
            _ => {}
        }
    }
}
