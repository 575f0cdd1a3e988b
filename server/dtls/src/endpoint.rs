//! The endpoint: one owner of all handshakes and sessions with all peers.
//!
//! This file holds the state, and what the caller asks for by the way. `receive` takes datagrams apart, `hello` is the door
//! that keeps nothing, `handshakes` drives those under way, `live` is what comes and goes in sessions, `send` what the
//! caller sends.

mod counters;
mod handshakes;
mod hello;
mod live;
mod receive;
mod recent;
mod send;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

pub use self::{counters::Counters, send::SendError};
use self::{handshakes::Handshake, hello::Network, recent::Recent};
use crate::{
    Config, HandshakeId, Output, RestoreError, Saved, ServerIdentity, SessionId, Trust,
    cookie::Cookies,
    handshake::random_array,
    session::{Finished, Session},
    sessions::Sessions,
    timer::Timers,
};

/// A DTLS endpoint that talks to many peers, as the server and as the client.
///
/// `now` is always the time since the origin of one monotonic clock of the caller's; it must not go back. After each call
/// of a method that takes `now`, drain [`Self::poll_output`] and ask [`Self::poll_timeout`] again.
pub struct Endpoint {
    config: Config,
    trust: Arc<Trust>,
    counters: Counters,
    random: StdRng,
    cookies: Cookies,
    outputs: VecDeque<Output>,
    timers: Timers,
    handshakes: BTreeMap<HandshakeId, Handshake>,
    /// Of the server's role, by the client's address.
    serving: BTreeMap<SocketAddr, HandshakeId>,
    /// Of the client's role, by the server's address.
    connecting: BTreeMap<SocketAddr, HandshakeId>,
    /// How many handshakes as the server there are from where.
    networks: BTreeMap<Network, usize>,
    recent: Recent,
    sessions: Sessions,
    last_handshake: u64,
    last_session: u32,
}

/// What an endpoint holds at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Handshakes under way.
    pub handshakes: usize,
    /// Networks they are from.
    pub networks: usize,
    /// Sessions.
    pub sessions: usize,
    /// What waits to be polled.
    pub outputs: usize,
}

impl Endpoint {
    /// An endpoint without any peer. Who knows the seed knows all secrets that are made here.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let mut random = StdRng::from_seed(seed);
        Self {
            config,
            trust: Arc::default(),
            counters: Counters::default(),
            cookies: Cookies::new(random_array(&mut random)),
            outputs: VecDeque::new(),
            timers: Timers::default(),
            handshakes: BTreeMap::new(),
            serving: BTreeMap::new(),
            connecting: BTreeMap::new(),
            networks: BTreeMap::new(),
            recent: Recent::default(),
            sessions: Sessions::new(random.random()),
            last_handshake: 0,
            last_session: random.random(),
            random,
        }
    }

    /// Takes note that time has passed. Too early a call does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(id) = self.timers.first(now) {
            self.step(now, id, Handshake::handle_timeout);
        }
        self.end_idle(now);
    }

    /// When to call [`Self::handle_timeout`] next. The value may change after every call that takes `now`.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let idle = self.sessions.stalest().map(|session| session.heard() + self.config.bounds.idle);
        [self.timers.next(), idle].into_iter().flatten().min()
    }

    /// The next thing to send or to take note of. Call it until it returns nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whom to believe about certificates from now on. Sessions that are there go on: see [`Self::end_tag`].
    pub fn set_trust(&mut self, trust: Trust) {
        self.trust = Arc::new(trust);
    }

    /// The certificates to serve with from now on.
    pub fn set_identities(&mut self, identities: Vec<ServerIdentity>) {
        self.config.identities = identities;
    }

    /// Takes over a session from before a restart.
    ///
    /// The caller has raised what is stored as its `reserved` by [`Bounds::reserve`](crate::Bounds::reserve), durably, and
    /// hands in the raised value: no sequence number below the one before is sent again.
    pub fn restore(&mut self, now: Duration, saved: &Saved) -> Result<(), RestoreError> {
        let max = self.config.bounds.sessions;
        if self.sessions.len() >= max {
            return Err(RestoreError::TooMany { max });
        }
        if self.sessions.get(saved.id).is_some() {
            return Err(RestoreError::Known);
        }
        let session = Session::restore(now, saved, self.config.bounds.reserve)?;
        match self.sessions.at(saved.peer) {
            None => {
                self.sessions.insert(session);
            }
            Some(_) if session.own_cid() => self.sessions.insert_without_address(session),
            Some(_) => return Err(RestoreError::Displaced),
        }
        self.counters.sessions_restored += 1;
        Ok(())
    }

    /// A session of the client's role, by which it can be resumed. None of a server's: [`Event::Opened`](crate::Event::Opened)
    /// has handed it out.
    pub fn save(&self, session: SessionId) -> Option<Saved> {
        let session = self.sessions.get(session)?;
        Some(session.save(session.resumption()?, &Finished::default()))
    }

    /// What was seen and turned away.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What is held at the moment.
    pub fn usage(&self) -> Usage {
        Usage {
            handshakes: self.handshakes.len(),
            networks: self.networks.len(),
            sessions: self.sessions.len(),
            outputs: self.outputs.len(),
        }
    }

    /// The session of a peer's address.
    pub fn session_at(&self, peer: SocketAddr) -> Option<SessionId> {
        self.sessions.at(peer)
    }

    /// The address that a session is known by.
    pub fn peer_of(&self, session: SessionId) -> Option<SocketAddr> {
        self.sessions.get(session).map(|session| session.peer())
    }

    /// A new id of a session: 8 bits of the node, 24 that count, 32 at random.
    fn next_session(&mut self) -> SessionId {
        loop {
            self.last_session = self.last_session.wrapping_add(1) & 0x00ff_ffff;
            let count = u32::from(self.config.node) << 24 | self.last_session;
            let id = SessionId(u64::from(count) << 32 | u64::from(self.random.random::<u32>()));
            if self.sessions.get(id).is_none() {
                return id;
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Endpoint").field("usage", &self.usage()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
