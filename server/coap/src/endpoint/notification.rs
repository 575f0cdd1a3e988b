//! Observations of resources of peers, and notifications of ours (RFC 7641).

use std::time::Duration;

use super::{Endpoint, LastNotification};
use crate::{
    Block, Event, Failure, Kind, Message, MessageId, NotificationId, OptionNumber, Peer, Request, Response,
    SendError, SentNotificationId, Token, block,
    dedup::{Fate, Fingerprint, Waiting},
    exchange::{ClientExchange, Outgoing, Purpose, SendId, Work},
    observe::{Freshness, Observation, Pending},
    option::Role,
};

impl<P: Peer> Endpoint<P> {
    /// Takes note of an observation that is known from before a restart, so that its notifications match. `request` is
    /// the one that started it. `false` where a bound forbids it.
    pub fn observe_restored(
        &mut self,
        now: Duration,
        peer: P,
        token: Token,
        request: Request,
        last: Option<LastNotification>,
    ) -> bool {
        let accepted = last.map(|last| Freshness::new(last.number, now, last.age));
        self.insert_observation(now, peer, token, Observation::new(request, accepted))
    }

    /// Whether an observation with this token is known.
    pub fn observes(&self, peer: P, token: Token) -> bool {
        self.peers.get(&peer).is_some_and(|state| state.observations.contains_key(&token))
    }

    /// Forgets an observation. The next notification with its token is reset, which ends it at the peer too
    /// (RFC 7641 §3.6).
    pub fn forget_observation(&mut self, now: Duration, peer: P, token: &Token) {
        self.remove_observation(now, peer, *token);
        self.tidy(now, peer);
    }

    /// Accepts a notification: a confirmable one is acknowledged, now and as often as it comes again.
    pub fn accept_notification(&mut self, now: Duration, id: NotificationId) {
        let Some(pending) = self.take_notification(id) else { return };
        let (peer, message_id) = (pending.peer, pending.message_id);
        if pending.confirmable {
            self.settle(peer, message_id, Fate::Acknowledged);
            self.acknowledge(peer, message_id);
        } else {
            self.settle(peer, message_id, Fate::Silence);
        }
        match (pending.freshness, self.observation_mut(peer, pending.token)) {
            (Some(freshness), Some(observation)) => observation.accept(freshness),
            (None, Some(_)) => self.remove_observation(now, peer, pending.token),
            (_, None) => {}
        }
        self.tidy(now, peer);
    }

    /// Leaves a notification, e.g. because it could not be stored. Nothing is sent and nothing is remembered, so that
    /// its retransmission is a new try.
    pub fn drop_notification(&mut self, now: Duration, id: NotificationId) {
        let Some(pending) = self.take_notification(id) else { return };
        self.forget_message(pending.peer, pending.message_id);
        self.tidy(now, pending.peer);
    }

    /// Rejects a notification with a reset, which ends the observation on both sides.
    pub fn reject_notification(&mut self, now: Duration, id: NotificationId) {
        let Some(pending) = self.take_notification(id) else { return };
        let (peer, message_id) = (pending.peer, pending.message_id);
        self.settle(peer, message_id, Fate::Reset);
        self.reset(peer, message_id);
        self.remove_observation(now, peer, pending.token);
        self.tidy(now, peer);
    }

    /// Notifies a peer that observes a resource of ours; `token` is the one of its request and `response.observe` the
    /// sequence number. A confirmable one is queued and repeated like a request; one that still waits in the queue when
    /// the next one comes ends with [`Failure::Cancelled`]. What becomes of it is told by
    /// [`Event::NotificationSent`]. A body that needs several blocks goes with its first one; the peer asks for the
    /// others as for any resource.
    ///
    /// # Errors
    /// If a bound is reached or the response cannot be put into a message.
    pub fn notify(
        &mut self,
        now: Duration,
        peer: P,
        token: Token,
        response: &Response,
        confirmable: bool,
    ) -> Result<SentNotificationId, SendError> {
        let len = response.payload.len();
        let (block, payload) = block::slice(&response.payload, None, self.config.block_size)
            .ok_or(SendError::BodyTooLarge { len })?;
        if response.has_oversized_option() {
            return Err(SendError::OptionTooLong(OptionNumber::LOCATION_PATH));
        }
        let kind = if confirmable { Kind::Confirmable } else { Kind::NonConfirmable };
        let mut message = Message::new(kind, response.code, MessageId(0), token);
        message.options = response.options();
        message.payload = payload.to_vec();
        if block.more {
            if response.etag.is_none() {
                message.options.push(OptionNumber::ETAG, block::etag_of(&response.payload));
            }
            message.options.push_block(OptionNumber::BLOCK2, block);
            message.options.push_uint(OptionNumber::SIZE2, len as u32);
        }
        self.supersede(now, peer, token);
        if block.more {
            self.end_served(now, peer);
        }
        if confirmable {
            self.check_queue(peer)?;
            let id =
                self.enqueue(now, Outgoing { peer, work: Work::Notification(message), flight: None }, false);
            return Ok(id.into());
        }
        let id = SendId(self.next_id());
        message.id = self.next_message_id(now, peer);
        let state = self.peer(now, peer);
        state.sent_notifications.push_back((message.id, id, token));
        if state.sent_notifications.len() > RESETTABLE {
            state.sent_notifications.pop_front();
        }
        self.transmit_message(peer, &message);
        Ok(id.into())
    }

    /// Takes notifications of older states out of the queue (RFC 7641 §4.5.2): sent late they would look new.
    fn supersede(&mut self, now: Duration, peer: P, token: Token) {
        let Some(state) = self.peers.get(&peer) else { return };
        let older = |id: &&SendId| {
            let outgoing = self.outgoing.get(*id);
            outgoing.is_some_and(|item| matches!(item.work, Work::Notification(_)) && item.token() == token)
        };
        for id in state.queue.iter().filter(older).copied().collect::<Vec<_>>() {
            self.fail(now, id, Failure::Cancelled);
        }
    }

    /// Bodies that are kept for a peer may be of older states than the one whose first block goes there now: the others are asked
    /// of the caller.
    fn end_served(&mut self, now: Duration, peer: P) {
        let kept = self.peers.get(&peer).map(|state| state.served.clone()).unwrap_or_default();
        for id in kept {
            self.end_transfer(now, id);
        }
    }

    /// Takes note that a non-confirmable notification of ours was reset; `false` if the id is none of theirs.
    pub(super) fn on_reset_of_notification(&mut self, peer: P, message_id: MessageId) -> bool {
        let Some(state) = self.peers.get_mut(&peer) else { return false };
        let Some(at) = state.sent_notifications.iter().position(|(id, ..)| *id == message_id) else {
            return false;
        };
        let Some((_, id, token)) = state.sent_notifications.remove(at) else { return false };
        self.emit(Event::NotificationSent { peer, id: id.into(), token, outcome: Err(Failure::Reset) });
        true
    }

    pub(super) fn on_notification(
        &mut self,
        now: Duration,
        peer: P,
        mut message: Message,
        fingerprint: Fingerprint,
    ) {
        match message.options.screen(Role::Response) {
            Ok(ignored) => self.counters.elective_options += ignored as u64,
            Err(_) => {
                // RFC 7252 §5.4.1: a response with such an option is rejected, which ends the observation.
                self.counters.critical_options += 1;
                self.reset(peer, message.id);
                return self.remove_observation(now, peer, message.token);
            }
        }
        let number = message.options.uint(OptionNumber::OBSERVE).filter(|_| message.code.is_success());
        let freshness = number.map(|number| Freshness::new(number, now, Duration::ZERO));
        let confirmable = message.kind == Kind::Confirmable;
        let Some(observation) = self.observation_mut(peer, message.token) else { return };
        // What is older than an accepted one is acknowledged, so that it is not repeated, and goes no further.
        let older = |than: Freshness| freshness.is_some_and(|this| !this.is_newer_than(than));
        #[cfg(planted)]
        let older = |than: Freshness| older(than) && !planted::is(planted::Fault::OlderAccepted);
        if observation.accepted.is_some_and(older) {
            self.counters.notifications_stale += 1;
            self.remember(now, peer, message.kind, message.id, fingerprint);
            if confirmable {
                self.settle(peer, message.id, Fate::Acknowledged);
                self.acknowledge(peer, message.id);
            }
            return;
        }
        let newest = observation.pending.last().copied();
        let fetch = observation.fetch;
        // A value that is being fetched or committed may yet fail, so nothing is said about an older one.
        let fetches_first = fetch.is_some() && newest.is_none_or(|id| !self.is_fetching(fetch, id));
        let newest = newest.and_then(|id| self.notifications.get(&id)?.freshness);
        if fetches_first || newest.is_some_and(older) {
            self.counters.notifications_deferred += 1;
            return;
        }
        if self.peer(now, peer).notifications >= self.config.bounds.notifications_per_peer {
            self.counters.notifications_per_peer += 1;
            return;
        }
        if !self.remember(now, peer, message.kind, message.id, fingerprint) {
            return;
        }
        // A newer notification makes the rest of the one before it worthless (RFC 7959 §3.4).
        if let Some(fetch) = fetch {
            self.fail(now, fetch, Failure::Cancelled);
        }
        let id = NotificationId(self.next_id());
        let pending = Pending { peer, token: message.token, message_id: message.id, confirmable, freshness };
        self.notifications.insert(id, pending);
        self.peer(now, peer).notifications += 1;
        self.set_waiting(peer, message.id, Waiting::Notification(id));
        if let Some(observation) = self.observation_mut(peer, message.token) {
            observation.pending.push(id);
        }
        match message.options.block(OptionNumber::BLOCK2) {
            Some(None) => {
                self.counters.blocks_refused += 1;
                self.drop_notification(now, id);
            }
            Some(Some(Block { more: true, .. })) => self.fetch_rest(now, peer, &message, id),
            _ => self.complete_notification(id, Response::from_message(&message)),
        }
    }

    /// Fetches the blocks of a notification after the first with a token of their own (RFC 7959 §3.4).
    fn fetch_rest(&mut self, now: Duration, peer: P, first: &Message, id: NotificationId) {
        let token = self.numbering.next_token();
        let (max, limit) = (self.config.bounds.body_bytes, self.config.block_size);
        let Some(observation) = self.observation_mut(peer, first.token) else { return };
        let resumed = ClientExchange::resume(&observation.request, token, limit, first, id, max);
        let taken = self.check_queue(peer).is_ok();
        let exchange = match resumed {
            Ok(exchange) if taken => exchange,
            _ => {
                self.counters.notifications_incomplete += 1;
                return self.drop_notification(now, id);
            }
        };
        if self.reserve_block_bytes(now, peer, exchange.buffered()).is_err() {
            return self.drop_notification(now, id);
        }
        let work = Work::Request(Box::new(exchange));
        let fetch = self.enqueue(now, Outgoing { peer, work, flight: None }, false);
        if let Some(observation) = self.observation_mut(peer, first.token) {
            observation.fetch = Some(fetch);
        }
    }

    /// Hands a notification with its whole body to the caller.
    pub(super) fn complete_notification(&mut self, id: NotificationId, mut response: Response) {
        let Some(pending) = self.notifications.get(&id) else { return };
        let (peer, token) = (pending.peer, pending.token);
        if pending.freshness.is_none() {
            response.observe = None;
        }
        let event = Event::Notification {
            peer,
            id,
            token,
            message_id: pending.message_id,
            confirmable: pending.confirmable,
            last: pending.freshness.is_none(),
            response,
        };
        self.emit(event);
    }

    /// Takes note that the rest of an observation's first response, or of a notification, is not being fetched any more.
    pub(super) fn end_fetch(&mut self, peer: P, id: SendId, exchange: &ClientExchange) {
        let observation = exchange.request.token.and_then(|token| self.observation_mut(peer, token));
        if let Some(observation) = observation.filter(|observation| observation.fetch == Some(id)) {
            observation.fetch = None;
        }
    }

    fn is_fetching(&self, fetch: Option<SendId>, id: NotificationId) -> bool {
        let fetching = fetch.and_then(|fetch| self.outgoing.get(&fetch));
        let Some(Work::Request(exchange)) = fetching.map(|outgoing| &outgoing.work) else {
            return false;
        };
        exchange.purpose == Purpose::Notification(id)
    }

    /// Takes a notification away from the caller.
    pub(super) fn take_notification(&mut self, id: NotificationId) -> Option<Pending<P>> {
        let pending = self.notifications.remove(&id)?;
        if let Some(state) = self.peers.get_mut(&pending.peer) {
            state.notifications -= 1;
        }
        if let Some(observation) = self.observation_mut(pending.peer, pending.token) {
            observation.pending.retain(|other| *other != id);
        }
        Some(pending)
    }

    /// Takes note of an observation that a response has established; `false` where a bound forbids it.
    pub(super) fn establish(
        &mut self,
        now: Duration,
        peer: P,
        request: Request,
        freshness: Freshness,
        fetch: Option<SendId>,
    ) -> bool {
        let Some(token) = request.token else { return false };
        let observation = Observation { fetch, ..Observation::new(request, Some(freshness)) };
        self.insert_observation(now, peer, token, observation)
    }

    fn insert_observation(
        &mut self,
        now: Duration,
        peer: P,
        token: Token,
        mut observation: Observation,
    ) -> bool {
        observation.request.token = Some(token);
        if let Some(known) = self.observation_mut(peer, token) {
            let pending = std::mem::take(&mut known.pending);
            *known = Observation { pending, ..observation };
            return true;
        }
        if self.observations >= self.config.bounds.observations_total {
            self.counters.observations_total += 1;
            return false;
        }
        let bound = self.config.bounds.observations_per_peer;
        let state = self.peer(now, peer);
        if state.observations.len() >= bound {
            self.counters.observations_per_peer += 1;
            return false;
        }
        state.observations.insert(token, Box::new(observation));
        self.observations += 1;
        true
    }

    pub(super) fn remove_observation(&mut self, now: Duration, peer: P, token: Token) {
        let removed = self.peers.get_mut(&peer).and_then(|state| state.observations.remove(&token));
        let Some(observation) = removed else { return };
        self.observations -= 1;
        if let Some(fetch) = observation.fetch
            && observation.pending.iter().any(|id| self.is_fetching(Some(fetch), *id))
        {
            self.fail(now, fetch, Failure::Cancelled);
        }
    }

    fn observation_mut(&mut self, peer: P, token: Token) -> Option<&mut Observation> {
        self.peers.get_mut(&peer)?.observations.get_mut(&token).map(Box::as_mut)
    }
}

/// How many non-confirmable notifications of ours to one peer a reset can still be matched to.
const RESETTABLE: usize = 16;
