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
    BootstrapAsked, BootstrapRecord, BootstrapResult, DeviceId, DiaryCause, Incident, ListenerId, Next, Now,
    Origin, Refusal, RequestId, Session, Source, Step, StepAnswer,
};
use objects::Models;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tracing::{debug, info};

pub(crate) mod driver;

use crate::binding::{self, rejection::Rejection};

/// The bootstrap server.
pub(crate) struct BootstrapEndpoint {
    coap: coap::Endpoint<Source>,
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

    /// Takes a datagram in.
    pub(crate) fn handle_datagram(&mut self, now: Now, origin: Origin, bytes: &[u8]) {
        let source = origin.source;
        for ticket in self.at(source) {
            match self.running.get_mut(&ticket) {
                // Another device has this address by now.
                Some(running) if running.asked.origin != origin => {
                    self.abandon(now, ticket, None, "another device has come from the same address");
                }
                _ => {}
            }
        }
        self.coap.handle_datagram(now.mono, source, bytes);
        self.drain_coap(now, Some(origin));
    }

    /// A secure session begins: nothing that was there before goes on.
    pub(crate) fn handle_session_began(&mut self, now: Now, origin: Origin) {
        self.forget(now, origin.source, None, "the device has made a new connection");
    }

    /// A secure session has ended, by the device or because its credential was revoked.
    pub(crate) fn handle_session_ended(&mut self, now: Now, origin: Origin) {
        let is_its = |asked: &BootstrapAsked| asked.origin == origin;
        let tickets = self.at(origin.source);
        if tickets.iter().any(|ticket| self.asked(*ticket).is_some_and(is_its)) {
            let cause = Some(DiaryCause::BootstrapTimedOut);
            self.forget(now, origin.source, cause, "the connection ended before the bootstrap had");
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
        self.drain_coap(now, None);
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
        self.drain_coap(now, None);
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
        self.drain_coap(now, None);
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

    // === What comes in ===

    fn drain_coap(&mut self, now: Now, origin: Option<Origin>) {
        while let Some(output) = self.coap.poll_output() {
            match output {
                coap::Output::Transmit { peer, bytes } => {
                    self.outputs.push_back(Output::Transmit { to: peer, bytes });
                }
                coap::Output::Event(coap::Event::Request { exchange, request, peer, .. }) => {
                    // A request comes with the datagram that completes it.
                    let origin = origin.unwrap_or_else(|| Origin::from(peer));
                    self.request(now, origin, exchange, &request);
                }
                coap::Output::Event(coap::Event::Response { request, outcome, .. }) => {
                    if let Some(ticket) = self.by_request.remove(&request) {
                        self.answered(now, ticket, binding::bootstrap::answer(outcome));
                    }
                }
                // Nothing is observed here.
                coap::Output::Event(coap::Event::Notification { id, .. }) => {
                    self.coap.reject_notification(now.mono, id);
                }
                coap::Output::Event(coap::Event::NotificationSent { .. }) => {}
            }
        }
    }

    fn request(&mut self, now: Now, origin: Origin, exchange: coap::ExchangeId, request: &coap::Request) {
        let source = origin.source;
        let listener = self.names.get(&source.listener).cloned().unwrap_or_default();
        let request = match binding::bootstrap::request(request) {
            Ok(request) => request,
            Err(rejection) => {
                if let Some(cause) = rejection.cause {
                    self.outputs.push_back(Output::Incident(Incident {
                        at: now.wall,
                        cause,
                        subject: source.address.to_string(),
                        from: source.address,
                        listener,
                        device: origin.identity.and_then(|identity| identity.device()),
                        detail: format!("{} {}", rejection.code, rejection.reason),
                    }));
                }
                self.coap.respond(now.mono, exchange, rejection.response());
                return;
            }
        };
        let here = self.at(source);
        if here.iter().any(|ticket| self.beginning.contains_key(ticket)) {
            turned_away("bootstrap_begins_per_source");
            // Silence: a confirmable message comes again.
            self.coap.drop_exchange(now.mono, exchange);
            return;
        }
        let at_address = self.by_address.get(&source.address.ip()).copied().unwrap_or(0);
        let bound = if self.beginning.len() + self.running.len() >= self.bounds.sessions + here.len() {
            Some("bootstrap_sessions")
        } else if at_address >= self.bounds.sessions_per_address + here.len() {
            Some("bootstrap_sessions_per_address")
        } else {
            None
        };
        if let Some(bound) = bound {
            turned_away(bound);
            let busy = Rejection::new(coap::Code::SERVICE_UNAVAILABLE, "too many bootstraps are under way");
            self.coap.respond(now.mono, exchange, busy.response());
            return;
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let id = RequestId::from_random(self.random());
        let asked = BootstrapAsked { origin, listener, request, id, at: now.wall };
        self.by_source.entry(source).or_default().insert(ticket);
        *self.by_address.entry(source.address.ip()).or_default() += 1;
        self.beginning.insert(ticket, Beginning { asked: asked.clone(), exchange, is_void: false });
        self.outputs.push_back(Output::Begin { ticket, asked });
    }

    fn answered(&mut self, now: Now, ticket: Ticket, answer: StepAnswer) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.request = None;
        let is_first = running.session.record().steps.len() == 1;
        let settles = now.mono.saturating_sub(running.began_at) < Self::SETTLES_WITHIN;
        // A Reset says that nothing was done (RFC 7252 §4.2): Leshan's client sends it to what comes before it has taken
        // note of the answer to its own request.
        if answer == StepAnswer::Reset && is_first && settles {
            running.again_at = Some(now.mono + Self::TICK);
            return;
        }
        running.step = None;
        running.session.answered(now.wall, answer);
        self.go_on(now, ticket);
    }

    // === Sessions ===

    fn begin(
        &mut self,
        now: Now,
        ticket: Ticket,
        exchange: coap::ExchangeId,
        asked: BootstrapAsked,
        session: Session,
    ) {
        let source = asked.origin.source;
        let device = session.prepared().device;
        let before = self.at(source).into_iter().chain(self.by_device.get(&device).copied());
        for before in before.collect::<BTreeSet<_>>() {
            self.abandon(now, before, None, "the device has begun anew");
        }
        info!(
            request.id = %asked.id, device.endpoint = %session.prepared().endpoint,
            net.peer = %source.address, "bootstrap began"
        );
        self.coap.respond(now.mono, exchange, coap::Response::new(coap::Code::CHANGED));
        self.by_device.insert(device, ticket);
        let running = Running {
            session,
            asked,
            began_at: now.mono,
            step: None,
            request: None,
            again_at: None,
            is_saving: false,
            is_unsaved: false,
        };
        self.running.insert(ticket, running);
        self.go_on(now, ticket);
    }

    /// Asks what is next, or ends.
    fn go_on(&mut self, now: Now, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        match running.session.next(now.wall) {
            Next::Step(step) => {
                running.step = Some(step);
                self.send(now, ticket);
                self.save(ticket);
            }
            Next::Nothing if running.session.has_ended() => self.conclude(ticket),
            Next::Nothing => {}
        }
    }

    fn send(&mut self, now: Now, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.again_at = None;
        let Some(step) = &running.step else { return };
        debug!(request.id = %running.asked.id, step = %step, "bootstrap step");
        let models = Models::newest(&running.session.prepared().registry);
        let sent = binding::bootstrap::step(step, &models).and_then(|request| {
            let source = running.asked.origin.source;
            self.coap.send_request(now.mono, source, request).map_err(|error| error.to_string())
        });
        match sent {
            Ok(request) => {
                running.request = Some(request);
                self.by_request.insert(request, ticket);
            }
            Err(reason) => {
                running.step = None;
                running.session.answered(now.wall, StepAnswer::Broken { reason });
                // It ends within its steps: each call takes one.
                self.go_on(now, ticket);
            }
        }
    }

    fn save(&mut self, ticket: Ticket) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        if running.is_saving {
            running.is_unsaved = true;
            return;
        }
        running.is_saving = true;
        let record = Box::new(running.session.record().clone());
        self.outputs.push_back(Output::Save { ticket, record });
    }

    /// Ends what goes on at an address.
    fn forget(&mut self, now: Now, source: Source, cause: Option<DiaryCause>, reason: &str) {
        for ticket in self.at(source) {
            if let Some(beginning) = self.beginning.get_mut(&ticket) {
                beginning.is_void = true;
            }
            self.abandon(now, ticket, cause, reason);
        }
        self.coap.forget_peer(now.mono, source);
        self.drain_coap(now, None);
    }

    fn abandon(&mut self, now: Now, ticket: Ticket, cause: Option<DiaryCause>, reason: &str) {
        let Some(running) = self.running.get_mut(&ticket) else { return };
        running.session.abandon(now.wall, cause, reason);
        if let Some(request) = running.request.take() {
            self.by_request.remove(&request);
            self.coap.cancel_request(now.mono, request);
        }
        self.conclude(ticket);
    }

    fn conclude(&mut self, ticket: Ticket) {
        let Some(Running { session, asked, .. }) = self.running.remove(&ticket) else { return };
        let (record, prepared) = (session.record(), session.prepared());
        if self.by_device.get(&prepared.device) == Some(&ticket) {
            self.by_device.remove(&prepared.device);
        }
        self.release(ticket, asked.origin.source);
        let result = record.result.name();
        metrics::counter!("muster_bootstraps_total", "result" => result).increment(1);
        match record.result {
            BootstrapResult::Finished => {
                info!(request.id = %asked.id, device.endpoint = %prepared.endpoint, "bootstrap finished");
            }
            _ => info!(
                request.id = %asked.id, device.endpoint = %prepared.endpoint, reason = record.reason,
                "bootstrap failed"
            ),
        }
        self.outputs.push_back(Output::Ended { session: Box::new(session), asked });
    }

    /// Gives the place of a session free.
    fn release(&mut self, ticket: Ticket, source: Source) {
        if let Some(here) = self.by_source.get_mut(&source) {
            here.remove(&ticket);
            if here.is_empty() {
                self.by_source.remove(&source);
            }
        }
        let address = source.address.ip();
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    fn at(&self, source: Source) -> Vec<Ticket> {
        self.by_source.get(&source).into_iter().flatten().copied().collect()
    }

    fn asked(&self, ticket: Ticket) -> Option<&BootstrapAsked> {
        let beginning = self.beginning.get(&ticket).map(|beginning| &beginning.asked);
        beginning.or_else(|| self.running.get(&ticket).map(|running| &running.asked))
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
mod tests;
