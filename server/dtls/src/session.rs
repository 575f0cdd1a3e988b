//! An established session: as it is held (compact), and as it is kept ([`Saved`]).
//!
//! A million of them are held at once, so what few need is on the heap ([`Rare`]), and what none needs until it resumes, the
//! master secret, is only in what is kept.

mod path;
mod state;

use std::{fmt, net::SocketAddr, time::Duration};

use rand::rngs::StdRng;

use self::path::Candidate;
pub(crate) use self::state::{Finished, Resumption};
pub use self::state::{RestoreError, Saved};
use crate::{
    SessionId, Tag,
    cipher::{Keys, Place},
    flight::Flight,
    record::{MAX_SEQUENCE, Record, TLS12_CID},
    replay::Window,
};

/// An established session, or one whose keys are known and whose Finished is under way.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) tag: Tag,
    peer: SocketAddr,
    keys: Keys,
    window: Window,
    /// The next sequence number to seal with, and the first that may not be used yet.
    next: u64,
    reserved: u64,
    /// When it was heard last, in milliseconds since the origin.
    heard_ms: u64,
    rare: Option<Box<Rare>>,
    short_cid: [u8; SHORT_CID],
    short_cid_len: u8,
    max_plaintext: u16,
    /// Whether the peer sends `id` as connection id.
    own_cid: bool,
    shared: bool,
    /// Whether the peer is known to be alive since the session began here, or was restored.
    confirmed: bool,
    /// Whether more sequence numbers were asked for.
    asked: bool,
    /// Nothing has come since it was restored.
    resumes: bool,
}

/// What a session begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) id: SessionId,
    pub(crate) tag: Tag,
    pub(crate) shared: bool,
    pub(crate) peer: SocketAddr,
    pub(crate) keys: Keys,
    /// The connection id that the peer wants to be sent; empty for none.
    pub(crate) peer_cid: &'a [u8],
    /// Whether the peer is to send `id` as connection id.
    pub(crate) own_cid: bool,
    /// The longest plaintext that the peer takes.
    pub(crate) max_plaintext: usize,
    /// Below which sequence number it may seal.
    pub(crate) reserved: u64,
}

/// What few sessions need, or all only for a while.
#[derive(Default)]
struct Rare {
    /// A connection id longer than [`SHORT_CID`].
    long_cid: Option<Box<[u8]>>,
    candidate: Option<Candidate>,
    last_flight: Option<LastFlight>,
    /// Of a client, which keeps its sessions itself.
    resumption: Option<Resumption>,
}

/// This side's last flight, until the peer is known to have it (RFC 6347 §4.2.4).
#[derive(Clone, Debug)]
pub(crate) struct LastFlight {
    pub(crate) flight: Flight,
    /// The next sequence number in the clear.
    pub(crate) clear: u64,
}

/// A record that was opened.
pub(crate) struct Opened<'a> {
    pub(crate) kind: u8,
    pub(crate) plaintext: &'a mut [u8],
    /// Whether it is newer than all before.
    pub(crate) newest: bool,
}

/// Why a record was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// It does not authenticate, or is not of this session.
    Forged,
    /// Its number was seen, or is too old to know; or newer ones came for so long that it was held back.
    Replayed,
}

/// Why a record can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealed {
    /// More sequence numbers are to be reserved first.
    NotReserved,
    /// The peer takes no longer ones than that.
    TooLong {
        /// The most.
        max: usize,
    },
    /// There are no more sequence numbers.
    UsedUp,
}

impl Session {
    pub(crate) fn new(now: Duration, beginning: Beginning<'_>) -> Self {
        let Beginning { id, tag, shared, peer, keys, peer_cid, own_cid, max_plaintext, reserved } = beginning;
        let mut session = Self {
            id,
            tag,
            peer,
            keys,
            window: Window::new(),
            next: 0,
            reserved: reserved.min(MAX_SEQUENCE),
            heard_ms: 0,
            rare: None,
            short_cid: [0; SHORT_CID],
            short_cid_len: 0,
            max_plaintext: u16::try_from(max_plaintext).unwrap_or(u16::MAX),
            own_cid,
            shared,
            confirmed: true,
            asked: false,
            resumes: false,
        };
        session.set_peer_cid(peer_cid);
        session.set_heard(now);
        session
    }

    /// Appends a record.
    pub(crate) fn seal(
        &mut self,
        kind: u8,
        plaintext: &[u8],
        random: &mut StdRng,
        out: &mut Vec<u8>,
    ) -> Result<(), Unsealed> {
        let max = self.max_plaintext();
        if plaintext.len() > max {
            return Err(Unsealed::TooLong { max });
        }
        if self.next >= MAX_SEQUENCE {
            return Err(Unsealed::UsedUp);
        }
        if self.next >= self.reserved {
            return Err(Unsealed::NotReserved);
        }
        let sequence = self.next;
        self.next += 1;
        let place = Place { kind, epoch: EPOCH, sequence, cid: self.peer_cid() };
        self.keys.seal(place, plaintext, random, out);
        Ok(())
    }

    /// Opens a record in place. Nothing changes unless it authenticates.
    pub(crate) fn open<'a>(&mut self, now: Duration, record: Record<'a>) -> Result<Opened<'a>, Unopened> {
        let Record { kind, epoch, sequence, cid, .. } = record;
        // RFC 9146 §3: once an id is agreed on, records without it are not taken.
        let of_this_session = match kind == TLS12_CID {
            true => self.own_cid && cid == self.id.0.to_be_bytes(),
            false => !self.own_cid,
        };
        if epoch != EPOCH || !of_this_session {
            return Err(Unopened::Forged);
        }
        if !self.window.is_new(sequence) {
            return Err(Unopened::Replayed);
        }
        let newest = self.window.is_newest(sequence);
        if !newest && now > self.heard() + MAX_LATENCY {
            return Err(Unopened::Replayed);
        }
        let (kind, plaintext) = self.keys.open(record).ok_or(Unopened::Forged)?;
        if std::mem::take(&mut self.resumes) {
            // What came before it and was not kept is not known: it is not to come again.
            self.window = Window::restored(sequence);
        }
        self.window.enter(sequence);
        Ok(Opened { kind, plaintext, newest })
    }

    /// Up to where to reserve, once when half of `reserve` is left.
    pub(crate) fn wish(&mut self, reserve: u64) -> Option<u64> {
        let wanted = !self.asked && self.reserved < MAX_SEQUENCE && self.reserved - self.next <= reserve / 2;
        self.asked |= wanted;
        wanted.then(|| (self.reserved + reserve).min(MAX_SEQUENCE))
    }

    /// From now on numbers below `upto` may be used.
    pub(crate) fn extend(&mut self, upto: u64) {
        self.reserved = self.reserved.max(upto.min(MAX_SEQUENCE));
        self.asked = false;
    }

    pub(crate) fn set_heard(&mut self, now: Duration) {
        self.heard_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    }

    /// This side's last flight, to be sent again if the peer repeats its own. None: the peer has it.
    pub(crate) fn set_last_flight(&mut self, last: Option<LastFlight>) {
        self.set_rare(last, |rare| &mut rare.last_flight);
    }

    pub(crate) fn last_flight(&mut self) -> Option<&mut LastFlight> {
        self.rare.as_mut()?.last_flight.as_mut()
    }

    /// Keeps with a client's session what it can be resumed by.
    pub(crate) fn set_resumption(&mut self, resumption: Option<Resumption>) {
        self.set_rare(resumption, |rare| &mut rare.resumption);
    }

    pub(crate) fn resumption(&self) -> Option<&Resumption> {
        self.rare.as_ref()?.resumption.as_ref()
    }

    /// Where its peer is known to be.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(crate) fn heard(&self) -> Duration {
        Duration::from_millis(self.heard_ms)
    }

    /// The number below which every record counts as received once this is all that is known.
    pub(crate) fn received(&self) -> u64 {
        self.window.next()
    }

    pub(crate) fn max_plaintext(&self) -> usize {
        usize::from(self.max_plaintext)
    }

    /// By how much a record is longer than its plaintext, at most: with header, connection id and inner type.
    pub(crate) fn overhead(&self) -> usize {
        crate::record::HEADER + self.peer_cid().len() + self.keys.overhead()
    }

    /// Whether the peer sends this side's connection id, so that it is found at whatever address.
    pub(crate) fn own_cid(&self) -> bool {
        self.own_cid
    }

    /// Whether many peers prove themselves by the same.
    pub(crate) fn shared(&self) -> bool {
        self.shared
    }

    fn peer_cid(&self) -> &[u8] {
        match self.rare.as_ref().and_then(|rare| rare.long_cid.as_ref()) {
            Some(cid) => cid,
            None => &self.short_cid[..usize::from(self.short_cid_len)],
        }
    }

    fn set_peer_cid(&mut self, cid: &[u8]) {
        match self.short_cid.get_mut(..cid.len()) {
            Some(short) => {
                short.copy_from_slice(cid);
                self.short_cid_len = u8::try_from(cid.len()).expect("it fits SHORT_CID");
            }
            None => self.set_rare(Some(cid.into()), |rare| &mut rare.long_cid),
        }
    }

    /// Sets one of the rare things; the box goes with the last of them.
    fn set_rare<T>(&mut self, value: Option<T>, of: impl FnOnce(&mut Rare) -> &mut Option<T>) {
        if value.is_some() {
            *of(self.rare.get_or_insert_default()) = value;
        } else if let Some(rare) = &mut self.rare {
            *of(rare) = None;
            if rare.is_empty() {
                self.rare = None;
            }
        }
    }
}

impl Rare {
    fn is_empty(&self) -> bool {
        let Self { long_cid, candidate, last_flight, resumption } = self;
        long_cid.is_none() && candidate.is_none() && last_flight.is_none() && resumption.is_none()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tag, peer, keys, .. } = self;
        f.debug_struct("Session")
            .field("id", id)
            .field("tag", tag)
            .field("peer", peer)
            .field("keys", keys)
            .finish()
    }
}

/// How long a datagram is on its way at most (RFC 7252 §4.8.2).
const MAX_LATENCY: Duration = Duration::from_secs(100);

/// Sessions are in epoch 1 for all of their life: there is no renegotiation.
const EPOCH: u16 = 1;
/// Connection ids up to here are held in place.
const SHORT_CID: usize = 8;

#[cfg(test)]
mod tests;
