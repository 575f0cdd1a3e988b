//! Where a session's peer is (RFC 9146 §6, RFC 9853): it moves when it is heard at another address, and again there, by newer
//! records. What it is sent there in between is bounded by what came from there, for the address may be a victim's to which somebody
//! on the path has redirected records.

use std::net::SocketAddr;

use super::Session;

/// An address where a session's peer was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    address: SocketAddr,
    received: usize,
    sent: usize,
    /// Whether it was heard there again.
    again: bool,
}

impl Session {
    /// Takes note of a record of so many bytes that has authenticated. Some if it
    /// is to settle at another address ([`Sessions::settle`](crate::sessions::Sessions::settle)).
    pub(crate) fn hear(&mut self, from: SocketAddr, bytes: usize, newest: bool) -> Option<SocketAddr> {
        if from == self.peer {
            if newest && self.candidate().is_some() {
                // It is back.
                self.set_candidate(None);
            }
            return None;
        }
        let known = self.candidate().filter(|candidate| candidate.address == from);
        if !newest {
            return None;
        }
        self.set_candidate(Some(match known {
            None => Candidate { address: from, received: bytes, sent: 0, again: false },
            Some(known) => Candidate { received: known.received.saturating_add(bytes), again: true, ..known },
        }));
        #[cfg(planted)]
        if planted::is(planted::Fault::PathUnproved) {
            return Some(from);
        }
        self.proven()
    }

    /// The peer has answered something that this side made up since the session began here: its records are no recorded ones.
    /// Some if it is to settle at another address by that.
    pub(crate) fn confirm(&mut self) -> Option<SocketAddr> {
        self.confirmed = true;
        self.proven()
    }

    /// Where to send so many bytes, which then count as sent.
    pub(crate) fn path(&mut self, bytes: usize) -> SocketAddr {
        let Some(mut candidate) = self.candidate() else { return self.peer };
        let sent = candidate.sent.saturating_add(bytes);
        if sent > candidate.received.saturating_mul(AMPLIFICATION) {
            // Where it was heard for certain, in case the other was never its own.
            return self.peer;
        }
        candidate.sent = sent;
        self.set_candidate(Some(candidate));
        candidate.address
    }

    /// It has moved there.
    pub(crate) fn set_peer(&mut self, peer: SocketAddr) {
        self.peer = peer;
        self.set_candidate(None);
    }

    fn proven(&self) -> Option<SocketAddr> {
        let candidate = self.candidate().filter(|candidate| candidate.again && self.confirmed)?;
        Some(candidate.address)
    }

    fn candidate(&self) -> Option<Candidate> {
        self.rare.as_ref()?.candidate
    }

    fn set_candidate(&mut self, candidate: Option<Candidate>) {
        self.set_rare(candidate, |rare| &mut rare.candidate);
    }
}

/// How many bytes may go to an address for one that came from there (RFC 9853 §4).
const AMPLIFICATION: usize = 3;
