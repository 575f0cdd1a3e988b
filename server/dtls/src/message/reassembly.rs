//! Puts the fragments of messages together, in whatever order they come (RFC 6347 §4.2.2, §4.2.3).
//!
//! What a message claims to be long costs nothing: held is what was received, at most as much as the bounds say, and each
//! byte that comes is handled once.

use std::collections::{BTreeMap, VecDeque};

use super::fragment::{Fragment, Message};

/// How many messages may be under way at once, the next one among them. The longest flight has five.
const AHEAD: u16 = 8;

/// How many pieces with gaps between them are held, each of which costs more than its bytes. Fragments that come in order are
/// one, and no handshake has more datagrams than that ([`Bounds::datagrams`](crate::Bounds::datagrams)).
const PIECES: usize = 128;

/// The messages that are still to come from a peer, in order.
#[derive(Debug)]
pub(crate) struct Reassembly {
    next_sequence: u16,
    max_message: usize,
    /// Those from `next_sequence` on.
    partials: VecDeque<Option<Partial>>,
    held: usize,
    pieces: usize,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Kept,
    /// It is of a message that was complete before.
    Old,
    /// It contradicts others, or is beyond a bound: which.
    Refused(&'static str),
}

/// A message of which not all is there.
#[derive(Debug)]
struct Partial {
    kind: u8,
    len: usize,
    have: usize,
    /// By where they begin; they do not overlap.
    pieces: BTreeMap<usize, Vec<u8>>,
}

impl Reassembly {
    /// Begins with the message `next_sequence`.
    pub(crate) fn new(next_sequence: u16, max_message: usize) -> Self {
        Self { next_sequence, max_message, partials: VecDeque::new(), held: 0, pieces: 0 }
    }

    /// Takes a fragment in. Where it overlaps with what is there, what is there stays.
    pub(crate) fn take(&mut self, fragment: Fragment<'_>) -> Taken {
        let header = fragment.header;
        // Numbers wrap: a peer may begin with any.
        let ahead = header.sequence.wrapping_sub(self.next_sequence);
        if ahead > u16::MAX / 2 {
            return Taken::Old;
        }
        if ahead >= AHEAD {
            return Taken::Refused("messages ahead");
        }
        if header.len > self.max_message {
            return Taken::Refused("message length");
        }
        // The next message always has room, so that those behind it can't hold it up.
        if ahead > 0 && self.held + header.fragment > self.max_message {
            return Taken::Refused("bytes ahead");
        }
        if self.pieces >= PIECES {
            return Taken::Refused("pieces");
        }
        let ahead = usize::from(ahead);
        if self.partials.len() <= ahead {
            self.partials.resize_with(ahead + 1, || None);
        }
        let partial = self.partials[ahead].get_or_insert_with(|| Partial::new(header.kind, header.len));
        if (partial.kind, partial.len) != (header.kind, header.len) {
            return Taken::Refused("message header");
        }
        let (have, pieces) = (partial.have, partial.pieces.len());
        partial.add(header.offset, fragment.bytes);
        self.held += partial.have - have;
        self.pieces += partial.pieces.len() - pieces;
        Taken::Kept
    }

    /// The next message, once it is complete.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        if !self.partials.front()?.as_ref()?.is_complete() {
            return None;
        }
        let partial = self.partials.pop_front()??;
        self.held -= partial.have;
        self.pieces -= partial.pieces.len();
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        Some(Message { kind: partial.kind, sequence, body: partial.into_body() })
    }

    /// The number of the message that [`pop`](Self::pop) gives next.
    pub(crate) fn next_sequence(&self) -> u16 {
        self.next_sequence
    }
}

impl Partial {
    fn new(kind: u8, len: usize) -> Self {
        Self { kind, len, have: 0, pieces: BTreeMap::new() }
    }

    /// Fills the gaps that lie within `offset` and the end of `bytes`.
    fn add(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        let mut at = offset;
        // A piece that begins before may reach into this one.
        if let Some((&begin, piece)) = self.pieces.range(..=offset).next_back() {
            at = at.max(begin + piece.len());
        }
        while at < end {
            let (gap, behind) = match self.pieces.range(at..end).next() {
                Some((&begin, piece)) => (begin, begin + piece.len()),
                None => (end, end),
            };
            if at < gap {
                self.fill(at, &bytes[at - offset..gap - offset]);
            }
            at = behind;
        }
    }

    /// Puts bytes where there are none: behind the piece that ends there, or as a new one.
    fn fill(&mut self, at: usize, bytes: &[u8]) {
        self.have += bytes.len();
        match self.pieces.range_mut(..at).next_back() {
            Some((&begin, piece)) if begin + piece.len() == at => piece.extend_from_slice(bytes),
            _ => {
                self.pieces.insert(at, bytes.to_vec());
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.have == self.len
    }

    fn into_body(self) -> Vec<u8> {
        let mut pieces = self.pieces.into_values();
        let mut body = pieces.next().unwrap_or_default();
        pieces.for_each(|piece| body.extend_from_slice(&piece));
        body
    }
}

#[cfg(test)]
mod tests;
