//! What the caller sends in sessions, and the sequence numbers it takes.

use std::time::Duration;

use super::Endpoint;
use crate::{Ended, Event, SessionId, record::APPLICATION_DATA, session::Unsealed};

/// Why data can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no such session.
    #[error("there is no such session")]
    Unknown,
    /// All sequence numbers that may be used are: [`Event::Reserve`] is to be answered first.
    #[error("more sequence numbers are to be reserved first")]
    NotReserved,
    /// The peer takes no records as long as that.
    #[error("the peer takes at most {max} bytes")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// There are no more sequence numbers: the session has ended.
    #[error("the session is used up")]
    UsedUp,
}

impl Endpoint {
    /// Sends data, as one record in one datagram.
    pub fn send(&mut self, _now: Duration, session: SessionId, plaintext: &[u8]) -> Result<(), SendError> {
        let sent = self.seal(session, APPLICATION_DATA, plaintext);
        if sent == Err(SendError::UsedUp) {
            self.drop_session(session, Ended::UsedUp);
        }
        sent
    }

    /// Answers [`Event::Reserve`]: sequence numbers below `upto` are durably this session's.
    pub fn reserved(&mut self, session: SessionId, upto: u64) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.extend(upto);
        }
    }

    /// Seals a record, and sends it where the session's peer is.
    pub(super) fn seal(&mut self, id: SessionId, kind: u8, plaintext: &[u8]) -> Result<(), SendError> {
        let session = self.sessions.get_mut(id).ok_or(SendError::Unknown)?;
        let mut bytes = Vec::with_capacity(session.overhead() + plaintext.len());
        let sealed = session.seal(kind, plaintext, &mut self.random, &mut bytes);
        let sealed = sealed.map(|()| session.path(bytes.len()));
        let wish = session.wish(self.config.bounds.reserve);
        self.counters.reserve += u64::from(sealed == Err(Unsealed::NotReserved));
        self.ask_to_reserve(id, wish);
        // What may go nowhere is lost, as datagrams are.
        if let Some(to) = sealed? {
            self.transmit(to, bytes);
        }
        Ok(())
    }

    /// Sends a record that was sealed in a session.
    pub(super) fn transmit_to(&mut self, id: SessionId, bytes: Vec<u8>) {
        if let Some(session) = self.sessions.get_mut(id) {
            let (to, wish) = (session.path(bytes.len()), session.wish(self.config.bounds.reserve));
            self.ask_to_reserve(id, wish);
            if let Some(to) = to {
                self.transmit(to, bytes);
            }
        }
    }

    fn ask_to_reserve(&mut self, id: SessionId, upto: Option<u64>) {
        if let Some(upto) = upto {
            self.event(Event::Reserve { session: id, upto });
        }
    }
}

impl From<Unsealed> for SendError {
    fn from(unsealed: Unsealed) -> Self {
        match unsealed {
            Unsealed::NotReserved => Self::NotReserved,
            Unsealed::TooLong { max } => Self::TooLong { max },
            Unsealed::UsedUp => Self::UsedUp,
        }
    }
}
