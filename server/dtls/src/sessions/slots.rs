//! Where sessions lie, in chunks that never move, linked into rings.

use std::ops::{Index, IndexMut};

use crate::session::Session;

/// All slots. A number names one as long as its session is in.
#[derive(Default)]
pub(super) struct Slots {
    chunks: Vec<Vec<Option<Slot>>>,
    free: Vec<u32>,
    len: usize,
}

/// A session and its places in the rings.
pub(super) struct Slot {
    pub(super) session: Session,
    heard: Links,
    tag: Links,
}

/// A place in a ring.
#[derive(Clone, Copy, Default)]
pub(super) struct Links {
    before: u32,
    after: u32,
}

/// One of the rings.
#[derive(Clone, Copy)]
pub(super) enum Ring {
    /// Of all, the one heard last first.
    Heard,
    /// Of a tag, the oldest first.
    Tag,
}

impl Slots {
    /// Puts a session in, in no ring yet.
    pub(super) fn add(&mut self, session: Session) -> u32 {
        let slot = Some(Slot { session, heard: Links::default(), tag: Links::default() });
        self.len += 1;
        if let Some(number) = self.free.pop() {
            *self.place(number) = slot;
            return number;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("there is one, or one was added");
        chunk.push(slot);
        u32::try_from(before + chunk.len() - 1).expect("memory holds fewer than 2^32 sessions")
    }

    /// Takes a session out, which is in no ring any more.
    pub(super) fn take(&mut self, number: u32) -> Session {
        let slot = self.place(number).take().expect("a slot is taken once");
        self.free.push(number);
        self.len -= 1;
        slot.session
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts a slot into a ring, before its first; a ring that was empty begins with it.
    pub(super) fn link(&mut self, ring: Ring, first: Option<u32>, number: u32) {
        let after = first.unwrap_or(number);
        let before = first.map_or(number, |first| self[first].links(ring).before);
        *self[number].links_mut(ring) = Links { before, after };
        self[before].links_mut(ring).after = number;
        self[after].links_mut(ring).before = number;
    }

    /// Takes a slot out of a ring: its first from now on, or none if it is empty.
    pub(super) fn unlink(&mut self, ring: Ring, first: Option<u32>, number: u32) -> Option<u32> {
        let Links { before, after } = self[number].links(ring);
        self[before].links_mut(ring).after = after;
        self[after].links_mut(ring).before = before;
        match first == Some(number) {
            true => Some(after).filter(|after| *after != number),
            false => first,
        }
    }

    pub(super) fn last(&self, ring: Ring, first: u32) -> u32 {
        self[first].links(ring).before
    }

    /// A ring in order.
    pub(super) fn ring(&self, ring: Ring, first: Option<u32>) -> impl Iterator<Item = u32> {
        std::iter::successors(first, move |number| {
            let after = self[*number].links(ring).after;
            (Some(after) != first).then_some(after)
        })
    }

    #[cfg(test)]
    pub(super) const SLOT_BYTES: usize = size_of::<Option<Slot>>();

    #[cfg(test)]
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    fn place(&mut self, number: u32) -> &mut Option<Slot> {
        let (chunk, place) = split(number);
        &mut self.chunks[chunk][place]
    }
}

impl Slot {
    fn links(&self, ring: Ring) -> Links {
        match ring {
            Ring::Heard => self.heard,
            Ring::Tag => self.tag,
        }
    }

    fn links_mut(&mut self, ring: Ring) -> &mut Links {
        match ring {
            Ring::Heard => &mut self.heard,
            Ring::Tag => &mut self.tag,
        }
    }
}

impl Index<u32> for Slots {
    type Output = Slot;

    fn index(&self, number: u32) -> &Slot {
        let (chunk, place) = split(number);
        self.chunks[chunk][place].as_ref().expect("indexes and rings name slots that are in use")
    }
}

impl IndexMut<u32> for Slots {
    fn index_mut(&mut self, number: u32) -> &mut Slot {
        self.place(number).as_mut().expect("indexes and rings name slots that are in use")
    }
}

fn split(number: u32) -> (usize, usize) {
    let number = usize::try_from(number).expect("an address has 32 bits at least");
    (number / CHUNK, number % CHUNK)
}

/// Slots of a chunk.
const CHUNK: usize = 1_024;
