//! Secure sessions that outlive the process: what is kept of them, so that devices go on after a restart without a
//! handshake. What stands in [`SecureSession::state`] is the engine's; here it is carried and sealed.

use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use crate::{Identity, Source, Timestamp};

/// Names a secure session, for good: the connection id that devices use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecureSessionId(pub u64);

/// A secure session as it is kept. `Debug` tells no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureSession {
    /// Its name.
    pub id: SecureSessionId,
    /// Whom it was opened by.
    pub identity: Identity,
    /// Where its peer was heard last.
    pub source: Source,
    /// No record of this number or a later one was ever sent. Never goes back: a number that is used twice gives the keys away.
    pub reserved: u64,
    /// Every record below this number counts as received. Never goes back: a replayed one would be taken.
    pub received: u64,
    /// What the engine makes the session of again, its keys among it: sealed by the store.
    pub state: SessionState,
    /// When it was opened.
    pub began_at: Timestamp,
    /// When its peer was heard last.
    pub heard_at: Timestamp,
}

/// What the engine makes a session of again. Zeroed when dropped, prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionState(Zeroizing<Vec<u8>>);

/// That a session was heard: written with what the records did, or in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionMark {
    /// Which.
    pub id: SecureSessionId,
    /// Every record below this number counts as received.
    pub received: u64,
    /// Where its peer was heard.
    pub source: Source,
    /// Whether that is certain: it is not kept otherwise.
    pub is_certain: bool,
    /// When.
    pub at: Timestamp,
}

impl SecureSession {
    /// How long one is kept after its peer was heard last: a device that is heard once a day goes on with it.
    pub const KEPT: Duration = Duration::from_secs(25 * 3_600);
    /// How many are read at one time at most, at the start.
    pub const MAX_READ: usize = 10_000;

    /// Whether anything came in it but the Finished that its numbers begin with.
    pub fn was_heard(&self) -> bool {
        self.received > 1
    }

    /// Takes over what was heard. One that tells of fewer records than are known is late, and changes nothing.
    pub fn heard(&mut self, mark: &SessionMark) {
        if mark.received >= self.received {
            self.received = mark.received;
            if mark.is_certain {
                self.source = mark.source;
            }
            self.heard_at = self.heard_at.max(mark.at);
        }
    }
}

impl SessionState {
    /// How many bytes it has at most.
    pub const MAX_BYTES: usize = 4_096;

    /// Takes the engine's bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The engine's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionState(…)")
    }
}
