//! Where a session's peer is (RFC 9146 §6, RFC 9853): it moves when it is heard at another address, and again there, by newer
//! records. What it is sent there in between is bounded by what came from there, for the address may be a victim's to which somebody
//! on the path has redirected records. A session whose address turns out to be another's is known by the one where it was heard
//! last, and is bounded there all the same.

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
    /// Whether the address that the session is known by is not proven, either.
    alone: bool,
}

impl Session {
    /// Takes note of a record of so many bytes that has authenticated. Some if it
    /// is to settle at another address ([`Sessions::settle`](crate::sessions::Sessions::settle)).
    pub(crate) fn hear(&mut self, from: SocketAddr, bytes: usize, newest: bool) -> Option<SocketAddr> {
        if from == self.peer {
            match self.candidate() {
                Some(here) if here.address == from => {
                    let received = here.received.saturating_add(bytes);
                    let is_proven = newest && self.confirmed;
                    self.set_candidate((!is_proven).then_some(Candidate { received, again: newest, ..here }));
                }
                // It is back.
                Some(_) if newest => self.set_candidate(None),
                _ => {}
            }
            return None;
        }
        let known = self.candidate().filter(|candidate| candidate.address == from);
        if !newest {
            return None;
        }
        let alone = self.candidate().is_some_and(|candidate| candidate.alone);
        self.set_candidate(Some(match known {
            None => Candidate { address: from, received: bytes, sent: 0, again: false, alone },
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
        let proven = self.proven()?;
        if proven == self.peer {
            self.set_candidate(None);
            return None;
        }
        Some(proven)
    }

    /// Where to send so many bytes, which then count as sent. Nowhere, if no address is proven and more than may go there.
    pub(crate) fn path(&mut self, bytes: usize) -> Option<SocketAddr> {
        let Some(mut candidate) = self.candidate() else { return Some(self.peer) };
        let sent = candidate.sent.saturating_add(bytes);
        if sent > candidate.received.saturating_mul(AMPLIFICATION) {
            // Where it was heard for certain, in case the other was never its own.
            return Some(self.peer).filter(|_| !candidate.alone);
        }
        candidate.sent = sent;
        self.set_candidate(Some(candidate));
        Some(candidate.address)
    }

    /// Whether its peer was heard at its address for certain.
    pub(crate) fn is_certain(&self) -> bool {
        !self.candidate().is_some_and(|candidate| candidate.alone)
    }

    /// Where it was heard last, if that is not its address.
    pub(crate) fn heard_elsewhere(&self) -> Option<SocketAddr> {
        self.candidate().map(|candidate| candidate.address).filter(|address| *address != self.peer)
    }

    /// Its address is another's by now: it is known by the one where it was heard last, which is not proven by that.
    pub(crate) fn give_way(&mut self, to: SocketAddr) {
        self.peer = to;
        let candidate = self.candidate().map(|candidate| Candidate { alone: true, ..candidate });
        self.set_candidate(candidate);
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
