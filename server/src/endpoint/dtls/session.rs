//! An established session: it opens and seals records (RFC 6347 §4.1) by the cipher of the engine, which itself has
//! gone. What does not authenticate changes nothing here, and neither does anything in clear.

use std::time::Instant;

use fleet::Identity;
use webrtc_dtls::{
    cipher_suite::{CipherSuite, cipher_suite_for_id},
    content::ContentType,
    record_layer::record_layer_header::{PROTOCOL_VERSION1_2, RecordLayerHeader},
};

use super::record::{self, HEADER, Record};

/// A session after its handshake.
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) heard: Instant,
    /// What the client gets again while it repeats its Finished (RFC 6347 §4.2.4): our last flight, until a record of
    /// application data shows that it has arrived.
    pub(super) last_flight: Option<Box<[u8]>>,
    keys: Keys,
    next: u64,
    window: Window,
}

/// The keys of both directions.
pub(super) struct Keys {
    cipher: Box<dyn CipherSuite + Send + Sync>,
    overhead: usize,
}

/// Which sequence numbers came (RFC 6347 §4.1.2.6).
#[derive(Default)]
struct Window {
    /// One beyond the highest.
    next: u64,
    /// Bit n: the highest but n.
    seen: u64,
}

/// How many records are sent in a session. The engine's cipher draws the explicit nonce of each by chance: so few
/// that one in 2^17 sessions of this length ever draws one twice.
const MAX_RECORDS: u64 = 1 << 24;

/// The longest plaintext (RFC 5246 §6.2.1).
const MAX_PLAINTEXT: usize = 1 << 14;

const EXPLICIT_NONCE: usize = 8;

impl Session {
    /// A session after the client's Finished came in the record of this sequence number, and ours went in that of 0.
    pub(super) fn new(
        identity: Identity,
        keys: Keys,
        finished: u64,
        last_flight: &[u8],
        now: Instant,
    ) -> Self {
        let mut window = Window::default();
        window.enter(finished);
        Self { identity, heard: now, last_flight: Some(last_flight.into()), keys, next: 1, window }
    }

    /// The plaintext of a record that is authentic and new.
    pub(super) fn open(&mut self, record: &Record<'_>) -> Option<Vec<u8>> {
        if record.epoch != 1 || !self.window.is_new(record.sequence) {
            return None;
        }
        let plaintext = self.keys.open(record)?;
        self.window.enter(record.sequence);
        Some(plaintext)
    }

    /// A record of epoch 1; none when the session has sent as many as it may.
    pub(super) fn seal(&mut self, kind: u8, plaintext: &[u8]) -> Option<Vec<u8>> {
        if self.next >= MAX_RECORDS {
            return None;
        }
        let sequence = self.next;
        self.next += 1;
        self.keys.seal(kind, sequence, plaintext)
    }
}

impl Keys {
    /// The key block of a suite (RFC 5246 §6.3).
    pub(super) fn derive(suite: u16, master: &[u8], client: &[u8; 32], server: &[u8; 32]) -> Option<Self> {
        let mut cipher = cipher_suite_for_id(suite.into()).ok()?;
        cipher.init(master, client, server, false).ok()?;
        // RFC 6655 §4: a tag of 8 bytes in CCM_8, of 16 otherwise.
        let tag = if suite == 0xc0a8 { 8 } else { 16 };
        Some(Self { cipher, overhead: EXPLICIT_NONCE + tag })
    }

    /// The plaintext, if the record is authentic. The engine's cipher subtracts lengths without a look: hence ours.
    pub(super) fn open(&self, record: &Record<'_>) -> Option<Vec<u8>> {
        if !(self.overhead..=self.overhead + MAX_PLAINTEXT).contains(&record.body.len())
            || record.kind == record::CHANGE_CIPHER_SPEC
        {
            return None;
        }
        let mut opened = self.cipher.decrypt(record.bytes).ok()?;
        Some(opened.split_off(HEADER))
    }

    pub(super) fn seal(&self, kind: u8, sequence: u64, plaintext: &[u8]) -> Option<Vec<u8>> {
        let header = RecordLayerHeader {
            content_type: ContentType::from(kind),
            protocol_version: PROTOCOL_VERSION1_2,
            epoch: 1,
            sequence_number: sequence,
            content_len: u16::try_from(plaintext.len())
                .ok()
                .filter(|len| usize::from(*len) <= MAX_PLAINTEXT)?,
        };
        self.cipher.encrypt(&header, &record::record(kind, 1, sequence, plaintext)).ok()
    }
}

impl Window {
    fn is_new(&self, sequence: u64) -> bool {
        sequence >= self.next || matches!(self.next - 1 - sequence, age @ 0..64 if self.seen >> age & 1 == 0)
    }

    fn enter(&mut self, sequence: u64) {
        if sequence >= self.next {
            let ahead = u32::try_from(sequence + 1 - self.next).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.next = sequence + 1;
        } else {
            self.seen |= 1 << (self.next - 1 - sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_number_is_new_once_and_not_behind_the_window() {
        let mut window = Window::default();
        let mut take = |sequence| {
            let new = window.is_new(sequence);
            if new {
                window.enter(sequence);
            }
            new
        };
        for (sequence, new) in [
            (0, true),
            (0, false),
            (3, true),
            (1, true),
            (3, false),
            (1, false),
            (66, true),
            (2, false),
            (4, true),
            (66, false),
            (1_000, true),
            (66, false),
            (937, true),
            (936, false),
            (937, false),
            ((1 << 48) - 1, true),
            ((1 << 48) - 1, false),
            (1_000, false),
        ] {
            assert_eq!(take(sequence), new, "{sequence}");
        }
    }
}
