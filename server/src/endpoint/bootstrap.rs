//! The bootstrap server's side of the sessions: which device is where, one step of each under way, as one state machine.
//!
//! Start with [`BootstrapEndpoint::handle_datagram`] and [`BootstrapEndpoint::poll_output`]. What is written and why is
//! decided by [`fleet::Session`]; who may come, by [`fleet::Fleet::begin_bootstrap`], which [`driver`] calls. Time,
//! randomness and what became of these calls are handed in.
//!
//! No session is idle for EXCHANGE_LIFETIME: one request is always under way, and [`coap`] ends it before.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use fleet::{
    BootstrapAsked, BootstrapRecord, DeviceId, DiaryCause, Incident, ListenerId, Now, Origin, Refusal,
    SecureSessionId, Session, Source, Step, Timestamp,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tracing::info;

pub(crate) mod driver;
mod incoming;
mod running;

use super::{
    Incoming,
    paths::Paths,
    sessions::{Heard, Hearing, Secure, Sessions},
};
use crate::binding::rejection::Rejection;

/// The bootstrap server.
pub(crate) struct BootstrapEndpoint {
    coap: coap::Endpoint<Source>,
    sessions: Sessions,
    /// Addresses in the clear. A session begins with a small question (Discover), which proves its address.
    paths: Paths,
    bounds: BootstrapBounds,
    /// What the listeners are called.
    names: BTreeMap<ListenerId, String>,
    random: StdRng,
    /// Requests that the fleet decides on.
    beginning: BTreeMap<Ticket, Beginning>,
    running: BTreeMap<Ticket, Running>,
    /// Where each of both is, and which device the running ones are of: one at a time.
    by_source: BTreeMap<Source, BTreeSet<Ticket>>,
    by_device: BTreeMap<DeviceId, Ticket>,
    by_request: BTreeMap<coap::RequestId, Ticket>,
    by_address: BTreeMap<IpAddr, usize>,
    next_ticket: u64,
    next_tick: Duration,
    outputs: VecDeque<Output>,
}

/// The bounds. What exceeds one is answered 5.03, or with silence, and counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BootstrapBounds {
    /// Sessions at one time, those included that are about to begin.
    pub(crate) sessions: usize,
    /// The same of one network address: behind one there may be many devices.
    pub(crate) sessions_per_address: usize,
}

/// What it wants done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send a datagram.
    Transmit {
        /// From which socket, to which address.
        to: Source,
        /// In which session, if one is there.
        session: Option<SecureSessionId>,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Ask the fleet, then call [`BootstrapEndpoint::handle_begun`].
    Begin {
        /// Names it in the result.
        ticket: Ticket,
        /// Who asks for what.
        asked: BootstrapAsked,
    },
    /// Keep how far a session is, then call [`BootstrapEndpoint::handle_saved`]. To be begun in this order.
    Save {
        /// Names it in the result.
        ticket: Ticket,
        /// How far it is.
        record: Box<BootstrapRecord>,
    },
    /// Keep how a session has ended.
    Ended {
        /// The session.
        session: Box<Session>,
        /// What it began with.
        asked: BootstrapAsked,
    },
    /// Note what did not get in.
    Incident(Incident),
}

/// Names a session, from the moment it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

struct Beginning {
    asked: BootstrapAsked,
    exchange: coap::ExchangeId,
    /// Whoever asked is not there any more.
    is_void: bool,
}

struct Running {
    session: Session,
    asked: BootstrapAsked,
    began_at: Duration,
    /// What the device is asked at the moment.
    step: Option<Step>,
    request: Option<coap::RequestId>,
    /// When to ask the first step again: it came before the device had taken note of the answer to its request.
    again_at: Option<Duration>,
    is_saving: bool,
    is_unsaved: bool,
}

impl Default for BootstrapBounds {
    fn default() -> Self {
        Self { sessions: 10_000, sessions_per_address: 1_000 }
    }
}

impl BootstrapEndpoint {
    /// How long a device may take after its request until it knows what it is asked.
    const SETTLES_WITHIN: Duration = Duration::from_secs(10);
    /// How often deadlines are looked at.
    const TICK: Duration = Duration::from_secs(1);

    /// One without any session. `names` is what the listeners are called.
    pub(crate) fn new(
        now: Now,
        coap: coap::Endpoint<Source>,
        bounds: BootstrapBounds,
        names: BTreeMap<ListenerId, String>,
        seed: [u8; 32],
    ) -> Self {
        Self {
            coap,
            sessions: Sessions::default(),
            paths: Paths::default(),
            bounds,
            names,
            random: StdRng::from_seed(seed),
            beginning: BTreeMap::new(),
            running: BTreeMap::new(),
            by_source: BTreeMap::new(),
            by_device: BTreeMap::new(),
            by_request: BTreeMap::new(),
            by_address: BTreeMap::new(),
            next_ticket: 0,
            next_tick: now.mono + Self::TICK,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what came at a listener.
    pub(crate) fn handle(&mut self, now: Now, incoming: Incoming) {
        match incoming {
            Incoming::Datagram(source, heard, bytes) => self.handle_datagram(now, source, heard, &bytes),
            Incoming::SessionBegan(origin, id) => self.handle_session_began(now, origin, id),
            // What was under way in it has ended with the server that it was there before.
            Incoming::SessionRestored { origin, session, began_at, .. } => {
                self.enter(origin, session, began_at);
            }
            Incoming::SessionMoved { session, from, to } => self.handle_session_moved(now, session, from, to),
            Incoming::SessionEnded(source, id) => self.handle_session_ended(now, source, id),
        }
    }

    fn handle_datagram(&mut self, now: Now, source: Source, heard: Option<Heard>, bytes: &[u8]) {
        if self.sessions.hear(source, heard, now.wall) == Hearing::NotThere {
            turned_away("ended_sessions");
            return;
        }
        if heard.is_none() && !self.paths.hear(now.mono, source, bytes.len()) {
            turned_away("unverified_addresses");
            return;
        }
        self.coap.handle_datagram(now.mono, source, bytes);
        self.drain_coap(now);
    }

    /// A secure session begins: nothing that was there before goes on.
    fn handle_session_began(&mut self, now: Now, origin: Origin, id: SecureSessionId) {
        self.forget(now, origin.source, None, "the device has made a new connection");
        self.enter(origin, id, now.wall);
    }

    /// A session is somewhere else, and with it what is under way (RFC 9146 §6).
    fn handle_session_moved(&mut self, now: Now, id: SecureSessionId, from: Source, to: Source) {
        self.forget(now, to, None, "another device has come to the same address");
        let Some(secure) = self.sessions.at(from).filter(|secure| secure.id == id).copied() else { return };
        self.sessions.remove(from);
        self.sessions.insert(to, secure);
        self.coap.move_peer(now.mono, from, to);
        self.follow(from, to);
        self.drain_coap(now);
    }

    /// A secure session has ended, by the device or because its credential was revoked.
    fn handle_session_ended(&mut self, now: Now, source: Source, id: SecureSessionId) {
        if self.sessions.at(source).is_some_and(|secure| secure.id == id) {
            self.sessions.remove(source);
            let cause = Some(DiaryCause::BootstrapTimedOut);
            self.forget(now, source, cause, "the connection ended before the bootstrap had");
        }
    }

    fn enter(&mut self, origin: Origin, id: SecureSessionId, began_at: Timestamp) {
        if let Some(identity) = origin.identity {
            let secure = Secure { id, identity, began_at, is_doubtful: false, is_heard: false };
            self.sessions.insert(origin.source, secure);
        }
    }

    /// What the fleet says to a request.
    pub(crate) fn handle_begun(&mut self, now: Now, ticket: Ticket, begun: Result<Session, Refusal>) {
        let Some(Beginning { asked, exchange, is_void }) = self.beginning.remove(&ticket) else { return };
        match begun {
            Err(refusal) => {
                self.release(ticket, asked.origin.source);
                let rejection = Rejection::from(&refusal);
                info!(
                    request.id = %asked.id, net.peer = %asked.origin.source.address,
                    coap.code = %rejection.code, reason = rejection.reason, "bootstrap refused"
                );
                self.coap.respond(now.mono, exchange, rejection.response());
            }
            Ok(mut session) if is_void => {
                self.release(ticket, asked.origin.source);
                self.coap.drop_exchange(now.mono, exchange);
                session.abandon(now.wall, None, "the device went away before it was answered");
                self.outputs.push_back(Output::Ended { session: Box::new(session), asked });
            }
            Ok(session) => self.begin(now, ticket, exchange, asked, session),
        }
        self.drain_coap(now);
    }

    /// The record of a session is kept, or could not be: the next one is newer.
    pub(crate) fn handle_saved(&mut self, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.is_saving = false;
        if std::mem::take(&mut running.is_unsaved) {
            self.save(ticket);
        }
    }

    /// To be called when [`BootstrapEndpoint::poll_timeout`] has come.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.coap.handle_timeout(now.mono);
        self.drain_coap(now);
        if now.mono < self.next_tick {
            return;
        }
        self.next_tick = now.mono + Self::TICK;
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now.mono);
        let again = self.running.iter().filter(|(_, running)| due(running.again_at));
        let again: Vec<Ticket> = again.map(|(ticket, _)| *ticket).collect();
        for ticket in again {
            self.send(now, ticket);
        }
        let (sessions, by_source) = (&self.sessions, &self.by_source);
        self.paths.tidy(now.mono, |source| sessions.at(source).is_none() && by_source.contains_key(&source));
        self.drain_coap(now);
    }

    /// The next thing to do, until there is none.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`BootstrapEndpoint::handle_timeout`] next. It may change with every other call.
    pub(crate) fn poll_timeout(&self) -> Duration {
        self.coap.poll_timeout().map_or(self.next_tick, |timeout| timeout.min(self.next_tick))
    }

    /// How many sessions are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.running.len()
    }

    /// What the CoAP endpoint counted.
    pub(crate) fn coap_counters(&self) -> &coap::Counters {
        self.coap.counters()
    }

    fn at(&self, source: Source) -> Vec<Ticket> {
        self.by_source.get(&source).into_iter().flatten().copied().collect()
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill_bytes(&mut bytes);
        bytes
    }
}

/// Counts what a named bound turned away.
fn turned_away(bound: &'static str) {
    metrics::counter!("muster_messages_turned_away_total", "bound" => bound).increment(1);
}

#[cfg(test)]
pub(crate) mod tests;
