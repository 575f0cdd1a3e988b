//! No key and nonce are used twice: I-11.
//!
//! What is seen of a key on the wire is the address that its records go to, and of a nonce the epoch and sequence number in
//! each record's header (RFC 6347 §4.1, RFC 6655 §3). A new key begins with the Finished of its handshake, in number 0 unless the
//! server was started in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use crate::bench::Bench;

/// The records that were sent.
#[derive(Default)]
pub(super) struct Ledger {
    /// By the address, of the last [`KEYS`] keys there.
    streams: BTreeMap<SocketAddr, Vec<Stream>>,
    /// How many sessions were kept of an address, less the keys that were seen to begin there.
    unseen: BTreeMap<SocketAddr, i64>,
    /// Addresses that several devices had: whose key a record is under can't be seen.
    shared: BTreeSet<SocketAddr>,
}

/// The records under one key: which numbers were used, and what for.
#[derive(Default)]
struct Stream {
    used: BTreeMap<u64, u64>,
}

const HEADER: usize = 13;

/// The content type of a handshake's messages: under a key of its own that is the Finished alone.
const HANDSHAKE: u8 = 22;

/// How many sequence numbers a start reserves.
const BLOCK: u64 = 256;

/// How many keys of an address are known: the live one goes on beside handshakes that come to nothing.
const KEYS: usize = 8;

impl Ledger {
    /// An address is another device's from now on.
    pub(super) fn share(&mut self, address: SocketAddr) {
        self.shared.insert(address);
    }

    /// A device has come to an address, with the key of its session.
    pub(super) fn came(&mut self, to: SocketAddr) {
        *self.unseen.entry(to).or_default() += 1;
    }

    /// A session is kept with whoever is there.
    pub(super) fn opened(&mut self, peer: SocketAddr) {
        *self.unseen.entry(peer).or_default() += 1;
    }

    /// Whether several devices had it.
    pub(super) fn is_shared(&self, address: SocketAddr) -> bool {
        self.shared.contains(&address)
    }

    /// The server has sent a datagram.
    pub(super) fn sent(&mut self, bench: &Bench, to: SocketAddr, mut bytes: &[u8]) {
        while let [20..=25, 0xfe, 0xfd, header @ ..] = bytes {
            let Some(&[e0, e1, s0, s1, s2, s3, s4, s5, l0, l1]) = header.first_chunk() else { return };
            let number = u64::from_be_bytes([e0, e1, s0, s1, s2, s3, s4, s5]);
            let end = HEADER + usize::from(u16::from_be_bytes([l0, l1]));
            let Some(record) = bytes.get(..end) else { return };
            if (e0, e1) != (0, 0) && !self.shared.contains(&to) {
                self.record(bench, to, number, record);
            }
            bytes = &bytes[end..];
        }
    }

    fn record(&mut self, bench: &Bench, to: SocketAddr, number: u64, record: &[u8]) {
        let hash = fnv(record);
        let streams = self.streams.entry(to).or_default();
        let is_first = number & 0xffff_ffff_ffff == 0 || record.first() == Some(&HANDSHAKE);
        let is_repeated = streams.iter().any(|stream| stream.used.get(&number) == Some(&hash));
        if streams.is_empty() || is_first && !is_repeated {
            if streams.len() == KEYS {
                streams.remove(0);
            }
            streams.push(Stream::default());
            if number & 0xffff_ffff_ffff == 0 {
                *self.unseen.entry(to).or_default() -= 1;
            }
        }
        // Records that are not sent leave gaps, so that the key with the number before it comes first and is not the only one.
        let follows = |stream: &Stream| !is_first && stream.used.contains_key(&(number - 1));
        let fits = |stream: &Stream| stream.used.get(&number).is_none_or(|before| *before == hash);
        let follows = streams.iter().rposition(|stream| fits(stream) && follows(stream));
        // A server that died before its Finished left goes on with the session all the same, with a new block of numbers.
        // So does one that has come along from elsewhere.
        let unseen = self.unseen.entry(to).or_default();
        let is_begun = |stream: &Stream| {
            stream.used.range(number - number % BLOCK..=number | (BLOCK - 1)).next().is_some()
        };
        let is_unseen = *unseen > 0 && (number.is_multiple_of(BLOCK) || !streams.iter().any(is_begun));
        match follows.or_else(|| streams.iter().rposition(fits).filter(|_| !is_unseen)) {
            Some(at) => drop(streams[at].used.insert(number, hash)),
            None if is_unseen => {
                *unseen -= 1;
                streams.push(Stream { used: [(number, hash)].into() });
            }
            None => bench
                .violate("I-11", format!("record {number:#x} to {to} was sent with other content before")),
        }
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
