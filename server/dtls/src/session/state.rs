//! Sessions as their caller keeps them.

use std::{fmt, net::SocketAddr, time::Duration};

use zeroize::Zeroizing;

use super::{Beginning, LastFlight, Session};
use crate::{
    SessionId, Suite, Tag,
    cipher::Keys,
    flight::Flight,
    prf::{MASTER_SECRET, MasterSecret},
    replay::Window,
};

/// A session as the caller keeps it. What changes stands beside what does not: `state` is written once, and is to be sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub tag: Tag,
    /// Where its peer was.
    pub peer: SocketAddr,
    /// The sequence number from which on records have not been sent, for certain.
    pub reserved: u64,
    /// The number below which every record counts as received.
    pub received: u64,
    /// Suite, keys, connection ids, and the master secret by which it can be resumed; in a format of its own with a version.
    pub state: Zeroizing<Vec<u8>>,
}

/// Why a session can't be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Its state is not what was handed out, or of a later version.
    #[error("the state of a session can't be read")]
    Unreadable,
    /// It is there already.
    #[error("the session is there already")]
    Known,
    /// Another session is at its address, and it has no connection id to be found by.
    #[error("another session is at the address of the session")]
    Displaced,
    /// There are as many as may be.
    #[error("there are {max} sessions already")]
    TooMany {
        /// The bound.
        max: usize,
    },
}

/// What a session can be resumed by (RFC 5246 §7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resumption {
    pub(crate) suite: Suite,
    pub(crate) master: MasterSecret,
    /// Whether the master secret is an extended one (RFC 7627 §5.3).
    pub(crate) extended_master_secret: bool,
    pub(crate) shared: bool,
    /// At most 32 bytes; empty if it can't be resumed.
    pub(crate) session_id: Vec<u8>,
}

/// This side's Finished, if it was the last message of the handshake: it is sent again after a restart as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finished {
    /// The message with its header; empty for none.
    pub(crate) whole: Vec<u8>,
    /// The next sequence number in the clear.
    pub(crate) clear: u64,
}

impl Session {
    /// As it is to be kept.
    pub(crate) fn save(&self, resumption: &Resumption, finished: &Finished) -> Saved {
        // Of the right size at once: a buffer that grows leaves copies behind.
        let mut state = Zeroizing::new(Vec::with_capacity(MAX_STATE));
        let flags =
            [(OWN_CID, self.own_cid), (EXTENDED, resumption.extended_master_secret), (SHARED, self.shared)];
        state.push(VERSION);
        state.push(flags.into_iter().filter(|(_, set)| *set).fold(0, |flags, (flag, _)| flags | flag));
        state.extend_from_slice(&self.max_plaintext.to_be_bytes());
        self.keys.write(&mut state);
        write_short(&mut state, self.peer_cid());
        state.extend_from_slice(&*resumption.master.0);
        write_short(&mut state, &resumption.session_id);
        write_short(&mut state, &finished.whole);
        state.extend_from_slice(&finished.clear.to_be_bytes());
        state.extend_from_slice(&self.received().to_be_bytes());
        let Self { id, tag, peer, reserved, .. } = *self;
        Saved { id, tag, peer, reserved, received: self.received(), state }
    }

    /// As it was kept, with `reserve` sequence numbers that the caller has added to its `reserved` since, and that are
    /// durable: they are what it seals with.
    pub(crate) fn restore(now: Duration, saved: &Saved, reserve: u64) -> Result<Self, RestoreError> {
        let state = State::read(&saved.state).ok_or(RestoreError::Unreadable)?;
        let mut session = Self::new(
            now,
            Beginning {
                id: saved.id,
                tag: saved.tag,
                shared: state.resumption.shared,
                peer: saved.peer,
                keys: state.keys,
                peer_cid: state.peer_cid,
                own_cid: state.own_cid,
                max_plaintext: usize::from(state.max_plaintext),
                reserved: saved.reserved,
            },
        );
        session.next = session.reserved.saturating_sub(reserve);
        session.window = Window::restored(saved.received);
        #[cfg(planted)]
        if planted::is(planted::Fault::WindowForgotten) {
            session.window = Window::new();
        }
        #[cfg(planted)]
        if planted::is(planted::Fault::NonceRepeated) {
            session.next = session.reserved.saturating_sub(2 * reserve);
        }
        session.confirmed = false;
        session.resumes = true;
        // Once data has come, the peer has our Finished.
        if !state.finished.whole.is_empty() && saved.received == state.received {
            let mut flight = Flight::default();
            flight.change_cipher_spec();
            flight.sealed(state.finished.whole);
            session.set_last_flight(Some(LastFlight { flight, clear: state.finished.clear + CLEAR_RESERVE }));
        }
        Ok(session)
    }
}

impl Saved {
    /// What it can be resumed by. None if it can't be.
    pub(crate) fn resumption(&self) -> Option<Resumption> {
        let resumption = State::read(&self.state)?.resumption;
        (!resumption.session_id.is_empty()).then_some(resumption)
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, tag, peer, reserved, received, state: _ } = self;
        f.debug_struct("Saved")
            .field("id", id)
            .field("tag", tag)
            .field("peer", peer)
            .field("reserved", reserved)
            .field("received", received)
            .finish_non_exhaustive()
    }
}

/// What stands in a state.
struct State<'a> {
    own_cid: bool,
    max_plaintext: u16,
    keys: Keys,
    peer_cid: &'a [u8],
    resumption: Resumption,
    finished: Finished,
    /// The number below which all counted as received when it was written.
    received: u64,
}

impl<'a> State<'a> {
    fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let flags = match read(bytes)? {
            [VERSION, flags] if flags & !(OWN_CID | EXTENDED | SHARED) == 0 => flags,
            _ => return None,
        };
        let max_plaintext = u16::from_be_bytes(read(bytes)?);
        let keys = Keys::read(bytes)?;
        let peer_cid = read_short(bytes)?;
        let master = MasterSecret(Zeroizing::new(read::<MASTER_SECRET>(bytes)?));
        let session_id = read_short(bytes)?.to_vec();
        let whole = read_short(bytes)?.to_vec();
        let clear = u64::from_be_bytes(read(bytes)?);
        let received = u64::from_be_bytes(read(bytes)?);
        if !bytes.is_empty() || clear > crate::record::MAX_SEQUENCE - CLEAR_RESERVE {
            return None;
        }
        Some(Self {
            own_cid: flags & OWN_CID != 0,
            max_plaintext,
            peer_cid,
            resumption: Resumption {
                suite: keys.suite(),
                master,
                extended_master_secret: flags & EXTENDED != 0,
                shared: flags & SHARED != 0,
                session_id,
            },
            keys,
            finished: Finished { whole, clear },
            received,
        })
    }
}

fn read<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    bytes.split_off(..N)?.try_into().ok()
}

fn read_short<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let [length] = read(bytes)?;
    bytes.split_off(..usize::from(length))
}

fn write_short(out: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    out.push(
        u8::try_from(bytes.len()).expect("connection ids, session ids and a Finished are shorter than 2^8"),
    );
    out.extend_from_slice(bytes);
}

/// Of the format. Another one is another number: what is written by an earlier version stays readable.
const VERSION: u8 = 1;
const OWN_CID: u8 = 1;
const EXTENDED: u8 = 2;
const SHARED: u8 = 4;
/// How many records in the clear may have been sent between the saving and a restart.
const CLEAR_RESERVE: u64 = 1_024;
/// Room for the longest connection id and the keys of CBC.
pub(super) const MAX_STATE: usize = 2 + 2 + 3 + 96 + 256 + MASTER_SECRET + 33 + 256 + 8 + 8;
