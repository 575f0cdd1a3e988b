//! What is remembered of messages and bodies, and how much of it.

use std::time::Duration;

use super::{Endpoint, Timer};
use crate::{
    Kind, MessageId, Peer,
    block::{BlockError, TransferId},
    dedup::{Fate, Fingerprint, Received, Waiting},
};

impl<P: Peer> Endpoint<P> {
    /// Remembers a message whose duplicates meet silence until its fate is known. `false` where a bound forbids it: then
    /// the message must have no effect.
    pub(super) fn remember(
        &mut self,
        now: Duration,
        peer: P,
        kind: Kind,
        id: MessageId,
        fingerprint: Fingerprint,
    ) -> bool {
        let bounds = &self.config.bounds;
        if self.remembered >= bounds.remembered_total {
            self.counters.remembered_total += 1;
            return false;
        }
        if self.reply_bytes >= bounds.reply_bytes_total {
            self.counters.reply_bytes_total += 1;
            return false;
        }
        let known = self.peers.get(&peer).map_or(0, |state| state.received.len());
        if known >= bounds.remembered_per_peer {
            self.counters.remembered_per_peer += 1;
            return false;
        }
        // RFC 7252 §4.8.2
        let lifetime = match kind {
            Kind::Confirmable => self.config.transmission.exchange_lifetime(),
            _ => self.config.transmission.non_lifetime(),
        };
        self.forget_message(peer, id);
        self.remembered += 1;
        let received = Received { fingerprint, fate: Fate::Silence, waiting: None };
        self.peer(now, peer).received.insert(id, received);
        self.timers.set(Timer::Forget(peer, id), now + lifetime);
        true
    }

    /// Decides what duplicates of a remembered message meet; nothing of it waits for the caller any longer.
    pub(super) fn settle(&mut self, peer: P, id: MessageId, fate: Fate) {
        let Some(received) = self.received_mut(peer, id) else { return };
        received.waiting = None;
        self.set_fate(peer, id, fate);
    }

    /// Decides what duplicates of a remembered message meet.
    pub(super) fn set_fate(&mut self, peer: P, id: MessageId, fate: Fate) {
        let added = fate.reply_len();
        let Some(received) = self.received_mut(peer, id) else { return };
        let removed = std::mem::replace(&mut received.fate, fate).reply_len();
        self.reply_bytes = self.reply_bytes + added - removed;
    }

    pub(super) fn set_waiting(&mut self, peer: P, id: MessageId, waiting: Waiting) {
        if let Some(received) = self.received_mut(peer, id) {
            received.waiting = Some(waiting);
        }
    }

    /// Forgets a message, so that the next one with its id is a new one. What of it waits for the caller is given up.
    pub(super) fn forget_message(&mut self, peer: P, id: MessageId) {
        self.timers.cancel(Timer::Forget(peer, id));
        if let Some(received) = self.peers.get_mut(&peer).and_then(|state| state.received.remove(&id)) {
            self.release_received(received);
        }
    }

    /// Gives back what a remembered message held, once it is taken out of its peer's state.
    pub(super) fn release_received(&mut self, received: Received) {
        self.remembered -= 1;
        self.reply_bytes -= received.fate.reply_len();
        match received.waiting {
            Some(Waiting::Exchange(id)) => drop(self.take_exchange(id)),
            Some(Waiting::Notification(id)) => drop(self.take_notification(id)),
            None => {}
        }
    }

    fn received_mut(&mut self, peer: P, id: MessageId) -> Option<&mut Received> {
        self.peers.get_mut(&peer)?.received.get_mut(&id)
    }

    /// Sets bytes of bodies aside for a peer.
    pub(super) fn reserve_block_bytes(
        &mut self,
        now: Duration,
        peer: P,
        bytes: usize,
    ) -> Result<(), BlockError> {
        if self.block_bytes + bytes > self.config.bounds.block_bytes_total {
            self.counters.block_bytes_total += 1;
            return Err(BlockError::NoMemory);
        }
        let bound = self.config.bounds.block_bytes_per_peer;
        let state = self.peer(now, peer);
        if state.block_bytes + bytes > bound {
            self.counters.block_bytes_per_peer += 1;
            return Err(BlockError::NoMemory);
        }
        state.block_bytes += bytes;
        self.block_bytes += bytes;
        Ok(())
    }

    /// Counts bytes of a body that a peer has sent already.
    pub(super) fn count_block_bytes(&mut self, now: Duration, peer: P, bytes: usize) {
        self.block_bytes += bytes;
        self.peer(now, peer).block_bytes += bytes;
    }

    /// Whether the bodies of a peer, and all of them, stay within their bounds.
    pub(super) fn check_block_bytes(&mut self, peer: P) -> Result<(), BlockError> {
        if self.block_bytes > self.config.bounds.block_bytes_total {
            self.counters.block_bytes_total += 1;
            return Err(BlockError::NoMemory);
        }
        let of_peer = self.peers.get(&peer).map_or(0, |state| state.block_bytes);
        if of_peer > self.config.bounds.block_bytes_per_peer {
            self.counters.block_bytes_per_peer += 1;
            return Err(BlockError::NoMemory);
        }
        Ok(())
    }

    pub(super) fn release_block_bytes(&mut self, peer: P, bytes: usize) {
        self.block_bytes -= bytes;
        if let Some(state) = self.peers.get_mut(&peer) {
            state.block_bytes -= bytes;
        }
    }

    /// Ends the transfer of a request body to us, or of a response body from us.
    pub(super) fn end_transfer(&mut self, now: Duration, id: TransferId) {
        self.timers.cancel(Timer::Idle(id));
        let (peer, bytes) = if let Some(incoming) = self.incoming.remove(&id) {
            (incoming.peer, incoming.assembly.len() + incoming.key.len())
        } else if let Some(served) = self.served.remove(&id) {
            (served.peer, served.response.payload.len() + served.key.len())
        } else {
            return;
        };
        self.release_block_bytes(peer, bytes);
        if let Some(state) = self.peers.get_mut(&peer) {
            state.incoming.retain(|other| *other != id);
            state.served.retain(|other| *other != id);
        }
        self.tidy(now, peer);
    }
}
