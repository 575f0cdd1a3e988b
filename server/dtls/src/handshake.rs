//! What the handshakes of both roles have in common: what they may use, and how a step of theirs ends.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use rand::{Rng, rngs::StdRng};

use crate::{
    Alert, Config, Counters, Event, Output, Reason, Trust, flight::Records, job::Fault, message::Malformed,
    record, session::Session,
};

/// What a handshake may use of its endpoint.
pub(crate) struct Context<'a> {
    pub(crate) now: Duration,
    pub(crate) config: &'a Config,
    pub(crate) trust: &'a Arc<Trust>,
    pub(crate) random: &'a mut StdRng,
    pub(crate) counters: &'a mut Counters,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

/// Where a flight's records get their numbers and their protection, while there is a session for it.
pub(crate) struct Numbers<'a> {
    /// Of the next record in the clear.
    pub(crate) next_record: &'a mut u64,
    pub(crate) session: Option<&'a mut Session>,
    pub(crate) random: &'a mut StdRng,
}

/// How a step ends that has nothing against its peer.
pub(crate) enum Next {
    /// Something else is to come.
    Waits,
    /// The handshake is done.
    Established(Box<Session>),
}

/// How a handshake ends that comes to nothing.
#[derive(Debug)]
pub(crate) struct Fall {
    pub(crate) reason: Reason,
    /// What the peer is told.
    pub(crate) alert: Option<Alert>,
}

impl Context<'_> {
    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn transmit(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.counters.datagrams_sent += 1;
        self.outputs.push_back(Output::Transmit { to, bytes });
    }
}

impl Records for Numbers<'_> {
    fn plain(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) {
        record::write_plain(out, kind, *self.next_record, body);
        *self.next_record += 1;
    }

    fn sealed(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> bool {
        self.session.as_mut().is_some_and(|session| session.seal(kind, body, self.random, out).is_ok())
    }

    fn sealed_overhead(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.overhead())
    }
}

impl Fall {
    pub(crate) fn new(reason: Reason, alert: Alert) -> Self {
        Self { reason, alert: Some(alert) }
    }

    /// RFC 5246 §7.2.2 decode_error.
    pub(crate) fn malformed(what: &'static str) -> Self {
        Self::new(Reason::Malformed { what }, Alert::DECODE_ERROR)
    }

    /// A message came where it may not.
    pub(crate) fn unexpected(kind: u8) -> Self {
        Self::new(Reason::Unexpected { kind }, Alert::UNEXPECTED_MESSAGE)
    }

    /// Without a word to the peer.
    pub(crate) fn silent(reason: Reason) -> Self {
        Self { reason, alert: None }
    }
}

impl From<Malformed> for Fall {
    fn from(malformed: Malformed) -> Self {
        Self::malformed(malformed.what)
    }
}

impl From<Fault> for Fall {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Signature => Self::new(Reason::WrongSignature, Alert::DECRYPT_ERROR),
            Fault::Key => Self::new(Reason::Malformed { what: "certificate" }, Alert::BAD_CERTIFICATE),
            Fault::Point => Self::new(Reason::Malformed { what: "public key" }, Alert::ILLEGAL_PARAMETER),
            Fault::Own => Self::new(Reason::Computation, Alert::INTERNAL_ERROR),
        }
    }
}

/// So many bytes at random.
pub(crate) fn random_array<const N: usize>(random: &mut StdRng) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill_bytes(&mut bytes);
    bytes
}
