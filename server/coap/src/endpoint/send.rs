//! Messages of ours: queued behind NSTART, repeated until they are acknowledged (RFC 7252 §4.2, §4.7).

use std::time::Duration;

use super::{Endpoint, Timer};
use crate::{
    Failure, Kind, Message, Peer, Request, RequestId, SendError, Token,
    block::Block,
    exchange::{ClientExchange, Flight, Outgoing, SendId, Work},
    transmission::Backoff,
};

impl<P: Peer> Endpoint<P> {
    /// Sends a request, or queues it while another one to this peer is under way. It ends with exactly one
    /// [`crate::Event::Response`].
    ///
    /// # Errors
    /// If a bound is reached, or the request cannot be put into messages.
    pub fn send_request(
        &mut self,
        now: Duration,
        peer: P,
        mut request: Request,
    ) -> Result<RequestId, SendError> {
        let len = request.payload.len();
        let size = request.block_size.unwrap_or(self.config.block_size).min(self.config.block_size);
        if len > self.config.bounds.body_bytes || Block::at(len, false, size).is_none() {
            self.counters.body_bytes += 1;
            return Err(SendError::BodyTooLarge { len });
        }
        if let Some(number) = request.oversized_option() {
            return Err(SendError::OptionTooLong(number));
        }
        self.check_queue(peer)?;
        let token = request.token.unwrap_or_else(|| self.numbering.next_token());
        if self.peers.get(&peer).is_some_and(|state| state.requests.contains_key(&token)) {
            return Err(SendError::TokenInUse(token));
        }
        request.token = Some(token);
        let exchange = ClientExchange::new(request, token, self.config.block_size);
        let id = self.enqueue(
            now,
            Outgoing { peer, work: Work::Request(Box::new(exchange)), flight: None },
            false,
        );
        Ok(RequestId(id))
    }

    /// Takes a request back. It ends with [`Failure::Cancelled`] at once; a response that comes later is rejected.
    pub fn cancel_request(&mut self, now: Duration, request: RequestId) {
        if matches!(self.outgoing.get(&request.0).map(|outgoing| &outgoing.work), Some(Work::Request(_))) {
            self.fail(now, request.0, Failure::Cancelled);
        }
    }

    /// Whether the bounds leave room for one more message to this peer.
    pub(super) fn check_queue(&mut self, peer: P) -> Result<(), SendError> {
        let bounds = &self.config.bounds;
        if self.peers.get(&peer).is_some_and(|state| state.outgoing().len() >= bounds.queue_per_peer) {
            self.counters.queue_per_peer += 1;
            return Err(SendError::QueueFull { max: bounds.queue_per_peer });
        }
        if self.outgoing.len() >= bounds.queue_total {
            self.counters.queue_total += 1;
            return Err(SendError::Overloaded { max: bounds.queue_total });
        }
        Ok(())
    }

    /// Puts an answer before what else waits for this peer.
    pub(super) fn enqueue_first(&mut self, now: Duration, outgoing: Outgoing<P>) {
        self.enqueue(now, outgoing, true);
    }

    pub(super) fn enqueue(&mut self, now: Duration, outgoing: Outgoing<P>, first: bool) -> SendId {
        let id = SendId(self.next_id());
        let peer = outgoing.peer;
        let token = matches!(outgoing.work, Work::Request(_)).then(|| outgoing.token());
        let state = self.peer(now, peer);
        if let Some(token) = token {
            state.requests.insert(token, id);
        }
        if first {
            state.queue.push_front(id);
        } else {
            state.queue.push_back(id);
        }
        self.outgoing.insert(id, Box::new(outgoing));
        self.start_next(now, peer);
        id
    }

    /// Sends what is next for a peer, as far as NSTART and the message ids allow.
    pub(super) fn start_next(&mut self, now: Duration, peer: P) {
        let nstart = self.config.transmission.nstart;
        loop {
            let Some(state) = self.peers.get(&peer) else { return };
            if state.active.len() >= nstart || state.queue.is_empty() {
                return;
            }
            if let Some(at) = self.message_ids_spent_until(now, peer) {
                self.counters.message_ids_per_lifetime += 1;
                self.timers.set(Timer::MessageIds(peer), at);
                return;
            }
            let state = self.peer(now, peer);
            let Some(id) = state.queue.pop_front() else { return };
            state.active.push(id);
            self.launch(now, peer, id);
        }
    }

    fn launch(&mut self, now: Duration, peer: P, id: SendId) {
        let message_id = self.next_message_id(now, peer);
        let broken_uploads = self.peer(now, peer).broken_uploads;
        let Some(outgoing) = self.outgoing.get_mut(&id) else { return };
        let message = match &mut outgoing.work {
            Work::Request(exchange) => {
                exchange.set_request_tag(broken_uploads);
                exchange.message(message_id)
            }
            Work::Response(message) | Work::Notification(message) => {
                Message { id: message_id, ..message.clone() }
            }
        };
        let bytes = message.to_bytes().expect("options are bounded when a message is made");
        let backoff = Backoff::start(&self.config.transmission, &mut self.random);
        outgoing.flight = Some(Flight { message_id, bytes: bytes.clone(), backoff, acknowledged: false });
        if message.kind == Kind::Confirmable {
            self.timers.set(Timer::Retransmit(id), now + backoff.timeout());
        } else {
            self.timers.set(Timer::Response(id), now + self.config.response_timeout);
        }
        self.peer(now, peer).in_flight.insert(message_id, id);
        self.transmit(peer, bytes);
    }

    pub(super) fn retransmit(&mut self, now: Duration, id: SendId) {
        let Some(outgoing) = self.outgoing.get_mut(&id) else { return };
        let Some(flight) = &mut outgoing.flight else { return };
        if !flight.backoff.again(&self.config.transmission) {
            self.counters.transmissions_timed_out += 1;
            return self.fail(now, id, Failure::TimedOut { acknowledged: false });
        }
        let (peer, bytes) = (outgoing.peer, flight.bytes.clone());
        self.timers.set(Timer::Retransmit(id), now + flight.backoff.timeout());
        self.counters.retransmissions += 1;
        self.transmit(peer, bytes);
    }

    /// The request was acknowledged and is not repeated; its place is free for the next one (RFC 7252 §4.7).
    pub(super) fn await_response(&mut self, now: Duration, id: SendId) {
        let Some(outgoing) = self.outgoing.get_mut(&id) else { return };
        let Some(flight) = &mut outgoing.flight else { return };
        flight.acknowledged = true;
        let peer = outgoing.peer;
        self.ground(id);
        self.timers.set(Timer::Response(id), now + self.config.response_timeout);
        self.start_next(now, peer);
    }

    pub(super) fn miss_response(&mut self, now: Duration, id: SendId) {
        let flight = self.outgoing.get(&id).and_then(|outgoing| outgoing.flight.as_ref());
        let Some(acknowledged) = flight.map(|flight| flight.acknowledged) else { return };
        self.counters.responses_timed_out += 1;
        self.fail(now, id, Failure::TimedOut { acknowledged });
    }

    /// Sends the next message of a block-wise transfer, before what else waits.
    pub(super) fn advance(&mut self, now: Duration, id: SendId) {
        self.ground(id);
        let Some(outgoing) = self.outgoing.get_mut(&id) else { return };
        outgoing.flight = None;
        let peer = outgoing.peer;
        self.peer(now, peer).queue.push_front(id);
        self.start_next(now, peer);
    }

    /// Takes away a message that has come to its end.
    pub(super) fn finish(&mut self, now: Duration, id: SendId) -> Option<Outgoing<P>> {
        self.ground(id);
        let outgoing = *self.outgoing.remove(&id)?;
        let (peer, token) = (outgoing.peer, outgoing.token());
        if let Work::Request(exchange) = &outgoing.work {
            self.release_block_bytes(peer, exchange.buffered());
        }
        if let Some(state) = self.peers.get_mut(&peer) {
            state.queue.retain(|other| *other != id);
            remove_token(state, token, id);
        }
        self.start_next(now, peer);
        Some(outgoing)
    }

    /// Takes a message off its timers and its NSTART place.
    fn ground(&mut self, id: SendId) {
        self.timers.cancel(Timer::Retransmit(id));
        self.timers.cancel(Timer::Response(id));
        let Some(outgoing) = self.outgoing.get(&id) else { return };
        let Some(state) = self.peers.get_mut(&outgoing.peer) else { return };
        state.active.retain(|active| *active != id);
        if let Some(flight) = &outgoing.flight
            && state.in_flight.get(&flight.message_id) == Some(&id)
        {
            state.in_flight.remove(&flight.message_id);
        }
    }

    /// Gives a request another token from now on.
    pub(super) fn change_token(&mut self, id: SendId) {
        let token = self.numbering.next_token();
        let Some(Outgoing { peer, work: Work::Request(exchange), .. }) =
            self.outgoing.get_mut(&id).map(Box::as_mut)
        else {
            return;
        };
        let old = exchange.token();
        exchange.set_token(token);
        if let Some(state) = self.peers.get_mut(peer) {
            remove_token(state, old, id);
            state.requests.insert(token, id);
        }
    }
}

fn remove_token(state: &mut super::peer::PeerState, token: Token, id: SendId) {
    if state.requests.get(&token) == Some(&id) {
        state.requests.remove(&token);
    }
}
