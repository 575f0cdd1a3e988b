//! The table of live sessions: found by id, by address and by tag, and in the order in which they were heard.
//!
//! It is built for a million: slots come in chunks, so that growing copies no session, and the indexes hold slot numbers alone.
//! The orders are linked through the slots.

mod index;
mod slots;

use std::{net::SocketAddr, time::Duration};

use self::{
    index::{Index, Seed},
    slots::{Ring, Slots},
};
use crate::{SessionId, Tag, session::Session};

/// The table.
pub(crate) struct Sessions {
    slots: Slots,
    by_id: Index,
    /// One session an address. One that has a connection id may be without.
    by_address: Index,
    /// The oldest of each tag, with which the ring of its tag begins.
    by_tag: Index,
    /// The one that was heard last, with which the ring of all begins.
    heard: Option<u32>,
    seed: Seed,
}

impl Sessions {
    /// The seed keeps peers from choosing what collides.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            slots: Slots::default(),
            by_id: Index::default(),
            by_address: Index::default(),
            by_tag: Index::default(),
            heard: None,
            seed: Seed(seed),
        }
    }

    /// Adds a session, whose id is new, as the one heard last. If another session loses the address to it: which. That one is
    /// found by its connection id from now on, or if it has none, is to be removed.
    pub(crate) fn insert(&mut self, session: Session) -> Option<SessionId> {
        let (id, at) = (session.id, session.peer());
        self.insert_without_address(session);
        self.settle(id, at)
    }

    /// Adds a session that is found by its id alone until it settles.
    pub(crate) fn insert_without_address(&mut self, session: Session) {
        debug_assert!(self.get(session.id).is_none(), "an id is given once");
        let (id_hash, tag_hash) = (self.seed.of_own(session.id.0), self.seed.of_own(session.tag.0));
        let oldest = self.oldest(session.tag);
        let slot = self.slots.add(session);
        let (slots, seed) = (&self.slots, self.seed);
        self.by_id.insert(id_hash, slot, |slot| seed.of_own(slots[slot].session.id.0));
        if oldest.is_none() {
            self.by_tag.insert(tag_hash, slot, |slot| seed.of_own(slots[slot].session.tag.0));
        }
        // Before the oldest is behind the youngest.
        self.slots.link(Ring::Tag, oldest, slot);
        self.slots.link(Ring::Heard, self.heard, slot);
        self.heard = Some(slot);
    }

    /// A session is at this address from now on. If another one loses it by that: which; see [`insert`](Self::insert).
    pub(crate) fn settle(&mut self, id: SessionId, at: SocketAddr) -> Option<SessionId> {
        let slot = self.slot(id)?;
        let displaced = self.slot_at(at);
        if displaced == Some(slot) {
            return None;
        }
        if let Some(displaced) = displaced {
            self.by_address.remove(self.seed.of(&at), displaced);
        }
        self.forget_address(slot);
        self.slots[slot].session.set_peer(at);
        self.note_address(slot);
        displaced.map(|displaced| self.slots[displaced].session.id)
    }

    /// A session is known by an address where nobody is from now on, which is not proven.
    pub(crate) fn give_way(&mut self, id: SessionId, to: SocketAddr) {
        let Some(slot) = self.slot(id).filter(|_| self.slot_at(to).is_none()) else { return };
        self.forget_address(slot);
        self.slots[slot].session.give_way(to);
        self.note_address(slot);
    }

    /// A session was heard.
    pub(crate) fn touch(&mut self, id: SessionId, now: Duration) {
        let Some(slot) = self.slot(id) else { return };
        self.slots[slot].session.set_heard(now);
        let rest = self.slots.unlink(Ring::Heard, self.heard, slot);
        self.slots.link(Ring::Heard, rest, slot);
        self.heard = Some(slot);
    }

    pub(crate) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let slot = self.slot(id)?;
        self.forget_address(slot);
        self.by_id.remove(self.seed.of_own(id.0), slot);
        let tag = self.slots[slot].session.tag;
        let hash = self.seed.of_own(tag.0);
        let oldest = self.oldest(tag);
        let rest = self.slots.unlink(Ring::Tag, oldest, slot);
        if oldest != rest {
            self.by_tag.remove(hash, slot);
            if let Some(rest) = rest {
                let (slots, seed) = (&self.slots, self.seed);
                self.by_tag.insert(hash, rest, |slot| seed.of_own(slots[slot].session.tag.0));
            }
        }
        self.heard = self.slots.unlink(Ring::Heard, self.heard, slot);
        Some(self.slots.take(slot))
    }

    pub(crate) fn get(&self, id: SessionId) -> Option<&Session> {
        Some(&self.slots[self.slot(id)?].session)
    }

    /// Its id, tag and address are not to be changed by this.
    pub(crate) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let slot = self.slot(id)?;
        Some(&mut self.slots[slot].session)
    }

    /// The session at an address.
    pub(crate) fn at(&self, address: SocketAddr) -> Option<SessionId> {
        Some(self.slots[self.slot_at(address)?].session.id)
    }

    /// The sessions of a tag, the oldest first.
    pub(crate) fn of_tag(&self, tag: Tag) -> impl Iterator<Item = SessionId> {
        self.slots.ring(Ring::Tag, self.oldest(tag)).map(|slot| self.slots[slot].session.id)
    }

    /// The oldest session of a tag that has as many as it may, to make room.
    pub(crate) fn oldest_of_full_tag(&self, tag: Tag, max: usize) -> Option<SessionId> {
        self.of_tag(tag).nth(max.checked_sub(1)?)?;
        self.of_tag(tag).next()
    }

    /// The session that was silent longest.
    pub(crate) fn stalest(&self) -> Option<&Session> {
        Some(&self.slots[self.slots.last(Ring::Heard, self.heard?)].session)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, id: SessionId) -> Option<u32> {
        self.by_id.find(self.seed.of_own(id.0), |slot| self.slots[slot].session.id == id)
    }

    fn slot_at(&self, address: SocketAddr) -> Option<u32> {
        self.by_address.find(self.seed.of(&address), |slot| self.slots[slot].session.peer() == address)
    }

    fn oldest(&self, tag: Tag) -> Option<u32> {
        self.by_tag.find(self.seed.of_own(tag.0), |slot| self.slots[slot].session.tag == tag)
    }

    /// Nothing is changed if the session has no address.
    fn note_address(&mut self, slot: u32) {
        let (slots, seed) = (&self.slots, self.seed);
        let of = |slot: u32| seed.of(&slots[slot].session.peer());
        self.by_address.insert(of(slot), slot, of);
    }

    fn forget_address(&mut self, slot: u32) {
        self.by_address.remove(self.seed.of(&self.slots[slot].session.peer()), slot);
    }
}

#[cfg(test)]
mod tests;
