//! What is known of one peer, and what happens when its address changes or it is forgotten.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{Endpoint, Timer};
use crate::{
    Failure, MessageId, Peer, Token,
    block::TransferId,
    dedup::{Received, Waiting},
    exchange::{SendId, Work},
    observe::Observation,
};

/// The state of one peer. It goes when nothing is left in it and no message id given out is alive any longer.
#[derive(Debug)]
pub(super) struct PeerState {
    pub(super) ids: MessageIds,
    /// When the last message id given out has outlived EXCHANGE_LIFETIME.
    pub(super) quiet_at: Duration,
    /// Whether a token of ours came back from the address, so that it is not a forged one.
    pub(super) verified: bool,
    /// How many request bodies to the peer were broken off while blocks of them may be under way: the next one is
    /// marked with this number, so that late blocks do not get into it.
    pub(super) broken_uploads: u32,
    /// What takes one of the NSTART places.
    pub(super) active: Vec<SendId>,
    pub(super) queue: VecDeque<SendId>,
    /// By message id: what an acknowledgement or reset would be for.
    pub(super) in_flight: BTreeMap<MessageId, SendId>,
    /// By token: requests that have no response yet.
    pub(super) requests: BTreeMap<Token, SendId>,
    pub(super) received: BTreeMap<MessageId, Received>,
    /// Boxed: most peers have one or two, and a node of the map has room for eleven.
    pub(super) observations: BTreeMap<Token, Box<Observation>>,
    /// Bodies in transfer, the least recently used first.
    pub(super) incoming: Vec<TransferId>,
    pub(super) served: Vec<TransferId>,
    pub(super) block_bytes: usize,
    pub(super) exchanges: usize,
    pub(super) notifications: usize,
    /// The latest non-confirmable notifications of ours, which a reset may still meet.
    pub(super) sent_notifications: VecDeque<(MessageId, SendId, Token)>,
}

/// The message ids given out to an address. They stay with it when its peer moves on: to the address that it comes back to, or
/// another peer gets, no id is given twice within EXCHANGE_LIFETIME (RFC 7252 §4.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageIds {
    next: MessageId,
    /// How many were given since `counting_since`, a span of EXCHANGE_LIFETIME.
    given: u32,
    counting_since: Duration,
}

impl PeerState {
    pub(super) fn new(ids: MessageIds, now: Duration) -> Self {
        Self {
            ids,
            quiet_at: now,
            verified: false,
            broken_uploads: 0,
            active: Vec::new(),
            queue: VecDeque::new(),
            in_flight: BTreeMap::new(),
            requests: BTreeMap::new(),
            received: BTreeMap::new(),
            observations: BTreeMap::new(),
            incoming: Vec::new(),
            served: Vec::new(),
            block_bytes: 0,
            exchanges: 0,
            notifications: 0,
            sent_notifications: VecDeque::new(),
        }
    }

    /// Messages of ours that have not come to their end.
    pub(super) fn outgoing(&self) -> BTreeSet<SendId> {
        self.active.iter().chain(&self.queue).chain(self.requests.values()).copied().collect()
    }

    fn is_empty(&self) -> bool {
        self.active.is_empty()
            && self.queue.is_empty()
            && self.requests.is_empty()
            && self.received.is_empty()
            && self.observations.is_empty()
            && self.incoming.is_empty()
            && self.served.is_empty()
    }

    /// Takes over what an address held that turned out to be the same peer's.
    fn absorb(&mut self, mut other: Self) {
        self.broken_uploads += other.broken_uploads;
        self.quiet_at = self.quiet_at.max(other.quiet_at);
        self.active.append(&mut other.active);
        self.queue.append(&mut other.queue);
        self.block_bytes += other.block_bytes;
        self.exchanges += other.exchanges;
        self.notifications += other.notifications;
        self.incoming.append(&mut other.incoming);
        self.served.append(&mut other.served);
        self.sent_notifications.append(&mut other.sent_notifications);
        for (id, send) in other.in_flight {
            self.in_flight.entry(id).or_insert(send);
        }
        self.requests.append(&mut other.requests);
    }
}

impl<P: Peer> Endpoint<P> {
    /// Takes note that a peer has another address: its observations, pending requests, queue and everything remembered
    /// of its messages follow. What is under way is repeated to the new address when its timer falls due.
    pub fn move_peer(&mut self, now: Duration, from: P, to: P) {
        if from == to {
            return;
        }
        // What the new address has sent is newer than what the old one did under the same message id.
        let both = |ids: &PeerState| -> Vec<MessageId> {
            let newer = self.peers.get(&to).map(|state| &state.received);
            ids.received
                .keys()
                .filter(|id| newer.is_some_and(|known| known.contains_key(id)))
                .copied()
                .collect()
        };
        for message_id in self.peers.get(&from).map(|state| both(state)).unwrap_or_default() {
            self.forget_message(from, message_id);
        }
        let Some(mut state) = self.peers.remove(&from) else { return };
        self.timers.cancel(Timer::MessageIds(from));
        self.peer(now, to);
        let Some(mut there) = self.peers.remove(&to) else { return };
        let left = std::mem::replace(&mut state.ids, there.ids);
        self.leave(now, from, left, state.quiet_at);
        for id in state.outgoing() {
            if let Some(outgoing) = self.outgoing.get_mut(&id) {
                outgoing.peer = to;
            }
        }
        for received in state.received.values() {
            match received.waiting {
                Some(Waiting::Exchange(id)) => {
                    self.exchanges.get_mut(&id).into_iter().for_each(|item| item.peer = to);
                }
                Some(Waiting::Notification(id)) => {
                    self.notifications.get_mut(&id).into_iter().for_each(|item| item.peer = to);
                }
                None => {}
            }
        }
        for id in &state.incoming {
            self.incoming.get_mut(id).into_iter().for_each(|item| item.peer = to);
        }
        for id in &state.served {
            self.served.get_mut(id).into_iter().for_each(|item| item.peer = to);
        }
        for message_id in state.received.keys() {
            let at = self.timers.get(Timer::Forget(from, *message_id)).unwrap_or(now);
            self.timers.cancel(Timer::Forget(from, *message_id));
            self.timers.set(Timer::Forget(to, *message_id), at);
        }
        // The address has to prove itself: whoever had it before may have sent the datagram that moved the peer.
        state.verified = there.verified;
        state.received.append(&mut there.received);
        for (token, observation) in std::mem::take(&mut there.observations) {
            if state.observations.insert(token, observation).is_some() {
                self.observations -= 1;
            }
        }
        state.absorb(*there);
        self.timers.set(Timer::Quiet(to), state.quiet_at);
        self.peers.insert(to, state);
        self.start_next(now, to);
        self.tidy(now, to);
    }

    /// What stays at an address whose peer has moved on, as long as a message id given out there is alive.
    fn leave(&mut self, now: Duration, from: P, ids: MessageIds, quiet_at: Duration) {
        if quiet_at <= now {
            return self.timers.cancel(Timer::Quiet(from));
        }
        let mut left = PeerState::new(ids, now);
        left.quiet_at = quiet_at;
        self.peers.insert(from, Box::new(left));
    }

    /// Forgets what a peer is to do: its observations end, and each pending request ends with
    /// [`Failure::Cancelled`]. What it has asked may still be answered, and its duplicates are still known.
    pub fn forget_peer(&mut self, now: Duration, peer: P) {
        let Some(state) = self.peers.get(&peer) else { return };
        let tokens: Vec<Token> = state.observations.keys().copied().collect();
        for id in state.outgoing() {
            if self.outgoing.get(&id).is_some_and(|outgoing| !matches!(outgoing.work, Work::Response(_))) {
                self.fail(now, id, Failure::Cancelled);
            }
        }
        for token in tokens {
            self.forget_observation(now, peer, &token);
        }
    }

    /// Takes note that a peer may number its notifications anew, as one does that has started anew: what comes next is no older
    /// than what came before.
    pub fn restart_notifications(&mut self, peer: P) {
        let observations =
            self.peers.get_mut(&peer).into_iter().flat_map(|state| state.observations.values_mut());
        for observation in observations {
            observation.accepted = None;
        }
    }

    /// Takes note that a peer has started anew, as a new secure session says: beside all that [`Endpoint::forget_peer`]
    /// forgets, its messages of before are not known any more, so that it may use their ids again. What of them waits for
    /// an answer is not answered.
    pub fn renew_peer(&mut self, now: Duration, peer: P) {
        self.forget_peer(now, peer);
        self.forget_received(now, peer);
    }

    /// Forgets what a peer has sent: it may use its message ids again. What of them waits for an answer is not answered.
    pub fn forget_received(&mut self, now: Duration, peer: P) {
        let Some(state) = self.peers.get(&peer) else { return };
        let ids: Vec<MessageId> = state.received.keys().copied().collect();
        for id in ids {
            self.forget_message(peer, id);
        }
        self.tidy(now, peer);
    }

    /// The state of a peer, made where there is none.
    pub(super) fn peer(&mut self, now: Duration, peer: P) -> &mut PeerState {
        let numbering = &self.numbering;
        self.peers.entry(peer).or_insert_with(|| {
            let next = numbering.first_message_id(&peer);
            Box::new(PeerState::new(MessageIds { next, given: 0, counting_since: now }, now))
        })
    }

    /// Drops the state of a peer if nothing is left in it.
    pub(super) fn tidy(&mut self, now: Duration, peer: P) {
        if self.peers.get(&peer).is_some_and(|state| state.is_empty() && state.quiet_at <= now) {
            self.peers.remove(&peer);
            self.timers.cancel(Timer::Quiet(peer));
            self.timers.cancel(Timer::MessageIds(peer));
        }
    }

    /// The next message id for a peer.
    pub(super) fn next_message_id(&mut self, now: Duration, peer: P) -> MessageId {
        let quiet_at = now + self.config.transmission.exchange_lifetime();
        let state = self.peer(now, peer);
        let mut id = state.ids.next;
        // What came along from another address keeps the id that it has.
        while state.in_flight.contains_key(&id) {
            id = MessageId(id.0.wrapping_add(1));
        }
        state.ids.next = MessageId(id.0.wrapping_add(1));
        state.ids.given += 1;
        state.quiet_at = quiet_at;
        self.timers.set(Timer::Quiet(peer), quiet_at);
        id
    }

    /// Until when no further message id should be given out, since too many were within EXCHANGE_LIFETIME.
    pub(super) fn message_ids_spent_until(&mut self, now: Duration, peer: P) -> Option<Duration> {
        let lifetime = self.config.transmission.exchange_lifetime();
        let bound = self.config.bounds.message_ids_per_lifetime;
        let ids = &mut self.peer(now, peer).ids;
        if now >= ids.counting_since + lifetime {
            ids.counting_since = now;
            ids.given = 0;
        }
        (ids.given >= bound).then_some(ids.counting_since + lifetime)
    }
}
