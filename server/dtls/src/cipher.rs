//! The keys of a session and what they do to records: AES-128-CCM (RFC 6655), -GCM (RFC 5288) and -CBC with HMAC-SHA-256, before
//! (RFC 5246 §6.2.3.2) or after (RFC 7366) the encryption; with connection ids, the layout and additional data of RFC 9146 §4, §5.
//!
//! Keys are held as they are, not expanded: AES-NI does that in the time it takes to load an expanded one from memory.

mod additional;
mod aead;
mod cbc;
mod ccm;
mod constant_time;

use std::fmt;

use rand::rngs::StdRng;
use zeroize::Zeroizing;

use self::{aead::Aead, cbc::Cbc};
use crate::{
    Suite,
    prf::{MasterSecret, prf},
    record::{HEADER, MAX_PLAINTEXT, Record, TLS12_CID, VERSION_1_2, write_header},
    suite::Protection,
};

/// The keys of both directions: 40 bytes, or 96 on the heap for CBC. Zeroed when dropped; prints redacted.
pub(crate) struct Keys(Kind);

enum Kind {
    Aead(Aead),
    Cbc(Box<Cbc>),
}

/// Which side this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) kind: u8,
    pub(crate) epoch: u16,
    pub(crate) sequence: u64,
    /// The receiver's connection id; empty for none, and then the record is not a `tls12_cid` one.
    pub(crate) cid: &'a [u8],
}

impl Keys {
    pub(crate) fn derive(
        suite: Suite,
        encrypt_then_mac: bool,
        side: Side,
        master: &MasterSecret,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        // RFC 5246 §6.3: the client's before the server's in each pair. CBC has no IV there since TLS 1.1.
        let (mac, salt) = match suite.protection() {
            Protection::Ccm { .. } | Protection::Gcm => (0, aead::SALT),
            Protection::Cbc => (cbc::MAC, 0),
        };
        let mut block = Zeroizing::new([0; 2 * (cbc::MAC + KEY)]);
        let block = &mut block[..2 * (mac + KEY + salt)];
        prf(&*master.0, b"key expansion", &[server_random, client_random], block);
        let (macs, rest) = block.split_at(2 * mac);
        let (keys, salts) = rest.split_at(2 * KEY);
        let direction = |side: Side| {
            let of = |pair: &[u8]| match side {
                Side::Client => 0..pair.len() / 2,
                Side::Server => pair.len() / 2..pair.len(),
            };
            [&macs[of(macs)], &keys[of(keys)], &salts[of(salts)]]
        };
        let other = match side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let bytes = Zeroizing::new([direction(side), direction(other)].concat().concat());
        Self::of(suite, encrypt_then_mac, &bytes).expect("the key block was cut to the suite's measure")
    }

    pub(crate) fn suite(&self) -> Suite {
        match &self.0 {
            Kind::Aead(keys) => keys.suite,
            Kind::Cbc(keys) => keys.suite,
        }
    }

    /// For [`Saved`](crate::Saved), and back.
    pub(crate) fn write(&self, out: &mut Zeroizing<Vec<u8>>) {
        out.extend_from_slice(&(self.suite() as u16).to_be_bytes());
        match &self.0 {
            Kind::Aead(keys) => keys.write(out),
            Kind::Cbc(keys) => {
                out.push(u8::from(keys.encrypt_then_mac));
                keys.write(out);
            }
        }
    }

    pub(crate) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let number = bytes.split_off(..2)?;
        let suite = Suite::of(u16::from_be_bytes([number[0], number[1]]))?;
        let (encrypt_then_mac, length) = match suite.protection() {
            Protection::Ccm { .. } | Protection::Gcm => (false, aead::LENGTH),
            Protection::Cbc => match bytes.split_off_first()? {
                0 => (false, cbc::LENGTH),
                1 => (true, cbc::LENGTH),
                _ => return None,
            },
        };
        Self::of(suite, encrypt_then_mac, bytes.split_off(..length)?)
    }

    /// Appends a whole protected record. Randomness is for CBC's IV alone: elsewhere the explicit nonce is epoch and sequence.
    pub(crate) fn seal(&self, place: Place<'_>, plaintext: &[u8], random: &mut StdRng, out: &mut Vec<u8>) {
        out.reserve(HEADER + place.cid.len() + plaintext.len() + self.overhead());
        match &self.0 {
            Kind::Aead(keys) => keys.seal(place, plaintext, out),
            Kind::Cbc(keys) => keys.seal(place, plaintext, random, out),
        }
    }

    /// Opens a record in place: its kind (the inner one of a `tls12_cid` record) and its plaintext. None if it does not authenticate.
    pub(crate) fn open<'a>(&self, record: Record<'a>) -> Option<(u8, &'a mut [u8])> {
        let place =
            Place { kind: record.kind, epoch: record.epoch, sequence: record.sequence, cid: record.cid };
        let inner = match &self.0 {
            Kind::Aead(keys) => keys.open(place, record.body)?,
            Kind::Cbc(keys) => keys.open(place, record.body)?,
        };
        let (kind, plaintext) = match record.kind {
            TLS12_CID => {
                // RFC 9146 §4: the kind is the last byte that is not zero.
                let at = inner.iter().rposition(|byte| *byte != 0)?;
                (inner[at], &mut inner[..at])
            }
            kind => (kind, inner),
        };
        (plaintext.len() <= MAX_PLAINTEXT).then_some((kind, plaintext))
    }

    /// By how much a record is longer than its plaintext, at most, less the header and the connection id.
    pub(crate) fn overhead(&self) -> usize {
        let protection = match &self.0 {
            Kind::Aead(keys) => keys.overhead(),
            Kind::Cbc(_) => cbc::OVERHEAD,
        };
        protection + INNER_KIND
    }

    /// Of the keys as they stand in a state: all of what is written with before all of what is read with.
    fn of(suite: Suite, encrypt_then_mac: bool, bytes: &[u8]) -> Option<Self> {
        Some(Self(match suite.protection() {
            Protection::Ccm { .. } | Protection::Gcm => Kind::Aead(Aead::of(suite, bytes)?),
            Protection::Cbc => Kind::Cbc(Box::new(Cbc::of(suite, encrypt_then_mac, bytes)?)),
        }))
    }
}

impl Place<'_> {
    /// Appends the header of a record whose fragment is of so many bytes.
    fn write(&self, length: usize, out: &mut Vec<u8>) {
        let kind = if self.cid.is_empty() { self.kind } else { TLS12_CID };
        write_header(out, VERSION_1_2, kind, self.epoch, self.sequence, self.cid, length);
    }

    /// Appends what is protected: with a connection id, the kind goes inside (RFC 9146 §4). No padding is added.
    fn write_inner(&self, plaintext: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(plaintext);
        if !self.cid.is_empty() {
            out.push(self.kind);
        }
    }

    fn inner_len(&self, plaintext: &[u8]) -> usize {
        plaintext.len() + if self.cid.is_empty() { 0 } else { INNER_KIND }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?}, …)", self.suite())
    }
}

const KEY: usize = 16;
const INNER_KIND: usize = 1;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
