//! Flights (RFC 6347 §4.2.4): what one side sends at once, and again until it is answered.

use std::time::Duration;

use crate::{
    message::{HEADER, Header, Reader, Writer},
    record::{self, CHANGE_CIPHER_SPEC, HANDSHAKE},
};

/// §4.2.4.1: the first wait for an answer.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// §4.2.4.1: the longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where records get their numbers and their protection: a new number each time, also for what is sent again.
pub(crate) trait Records {
    /// Appends a record in the clear (epoch 0).
    fn plain(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>);
    /// Appends a record under the new keys (epoch 1). False if no number is left for it: then nothing is appended.
    fn sealed(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> bool;
    /// By how much a sealed record is longer than its plaintext, at most: with header, connection id and inner type.
    fn sealed_overhead(&self) -> usize;
}

/// How large things may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// A datagram.
    pub(crate) datagram: usize,
    /// A record's plaintext.
    pub(crate) plaintext: usize,
}

/// What is sent at once, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flight {
    parts: Vec<Part>,
}

/// When a flight is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retransmission {
    wait: Duration,
    due: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Part {
    /// With its header, as the transcript has it.
    Message(Vec<u8>),
    ChangeCipherSpec,
    /// A message in epoch 1.
    Sealed(Vec<u8>),
}

// === impl Flight ===

impl Flight {
    /// Adds a message, with its header, to go in the clear.
    pub(crate) fn message(&mut self, whole: Vec<u8>) {
        self.parts.push(Part::Message(whole));
    }

    pub(crate) fn change_cipher_spec(&mut self) {
        self.parts.push(Part::ChangeCipherSpec);
    }

    /// Adds a message, with its header, to go under the new keys.
    pub(crate) fn sealed(&mut self, whole: Vec<u8>) {
        self.parts.push(Part::Sealed(whole));
    }

    /// The datagrams of it: as few as may be, and a message is cut only where it is too long for one of its own, for many
    /// constrained clients take no fragments. Ends early where no number is left to seal with.
    pub(crate) fn datagrams(&self, limits: Limits, records: &mut impl Records) -> Vec<Vec<u8>> {
        let mut pack = Pack { limits, done: Vec::new(), open: Vec::new() };
        for part in &self.parts {
            let sent = match part {
                Part::Message(whole) => pack.message(whole, record::HEADER, |body, out| {
                    records.plain(HANDSHAKE, body, out);
                    true
                }),
                Part::ChangeCipherSpec => {
                    pack.make_room(record::HEADER + 1);
                    records.plain(CHANGE_CIPHER_SPEC, &[1], &mut pack.open);
                    true
                }
                Part::Sealed(whole) => {
                    let overhead = records.sealed_overhead();
                    pack.message(whole, overhead, |body, out| records.sealed(HANDSHAKE, body, out))
                }
            };
            if !sent {
                break;
            }
        }
        pack.close();
        pack.done
    }
}

/// Datagrams that are being filled.
struct Pack {
    limits: Limits,
    done: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Pack {
    /// Adds a message in as many fragments as it takes. False if `seal` had no number.
    fn message(
        &mut self,
        whole: &[u8],
        overhead: usize,
        mut seal: impl FnMut(&[u8], &mut Vec<u8>) -> bool,
    ) -> bool {
        let (header, body) = split(whole);
        let overhead = overhead + HEADER;
        let of_record = self.limits.plaintext.saturating_sub(HEADER).max(1);
        let mut offset = 0;
        loop {
            let piece = (body.len() - offset).min(of_record);
            self.make_room(overhead + piece);
            // Where even an empty datagram is too small, a byte at a time gets there in the end.
            let room = self.limits.datagram.saturating_sub(self.open.len() + overhead).max(1);
            let piece = &body[offset..offset + piece.min(room)];
            let mut out = Writer::default();
            Header { offset, fragment: piece.len(), ..header }.write(&mut out);
            out.bytes(piece);
            if !seal(&out.done(), &mut self.open) {
                return false;
            }
            offset += piece.len();
            if offset == body.len() {
                return true;
            }
        }
    }

    /// Begins a new datagram if the open one has no room for so many bytes.
    fn make_room(&mut self, len: usize) {
        if self.open.len() + len > self.limits.datagram {
            self.close();
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
    }
}

/// A message of this side's, taken apart again.
fn split(whole: &[u8]) -> (Header, &[u8]) {
    const OWN: &str = "a message of one's own has a header";
    let mut reader = Reader::new(whole);
    let kind = reader.u8(OWN).expect(OWN);
    let len = reader.u24(OWN).expect(OWN);
    let sequence = reader.u16(OWN).expect(OWN);
    (Header { kind, len, sequence, offset: 0, fragment: len }, &whole[HEADER..])
}

// === impl Retransmission ===

impl Retransmission {
    /// Nothing waits for an answer.
    pub(crate) fn idle() -> Self {
        Self { wait: FIRST_WAIT, due: None }
    }

    /// A flight that is new has been sent.
    pub(crate) fn begin(&mut self, now: Duration) {
        *self = Self { wait: FIRST_WAIT, due: Some(now + FIRST_WAIT) };
    }

    /// The flight has been sent again, by the timer: the next wait is twice as long.
    pub(crate) fn back_off(&mut self, now: Duration) {
        let wait = (2 * self.wait).min(LONGEST_WAIT);
        *self = Self { wait, due: Some(now + wait) };
    }

    /// The flight was answered.
    pub(crate) fn stop(&mut self) {
        self.due = None;
    }

    /// When it is to be sent again.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.due
    }
}

#[cfg(test)]
mod tests;
