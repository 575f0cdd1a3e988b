//! A shard: some of the fleet's devices, their exchanges and their hot state, as one state machine.
//!
//! Start with [`Shard::handle_datagram`] and [`Shard::poll_output`]. What a device says becomes [`Work`] under its
//! [`Subject`]; a subject has at most one commit in flight and the rest waits, so that decisions are made on what is
//! durable. A reply leaves when its commit has returned, and what follows it leaves after it.
//! Time, randomness and the results of commits are handed in.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use coap::LastNotification;
use fleet::{
    ArtefactId, Change, Commit, Committed, CredentialId, DeviceId, DiaryCause, EventKind, Failure, Library,
    ListenerId, Now, ObservationToken, Operation, OperationId, Order, Outcome, Presence, Priority, PublicId,
    RequestId, Roster, SecureSessionId, Source, StoreError, Subject, Taken,
};
use rand::{Rng, SeedableRng, rngs::StdRng};

mod downlink;
mod events;
mod pressure;
mod push;
mod queue;
pub(crate) use pressure::Backlog;
mod restoring;
mod session;
mod uplink;
mod wire;
mod work;

use super::{Incoming, paths::Paths, sessions::Sessions};
use crate::binding;
use restoring::Restoring;
use work::{After, InFlight, UnderWay, Work};

/// One shard.
pub(crate) struct Shard {
    coap: coap::Endpoint<Source>,
    roster: Roster,
    library: Library,
    sessions: Sessions,
    /// Addresses in the clear.
    paths: Paths,
    /// Credentials that ended a short while ago: what arrives under them was sent before that was known everywhere.
    ended: BTreeMap<CredentialId, Duration>,
    random: StdRng,
    /// Subjects with a commit in flight, and what waits for its end.
    busy: BTreeMap<Subject, VecDeque<Work>>,
    commits: BTreeMap<Ticket, InFlight>,
    next_ticket: u64,
    requests: BTreeMap<coap::RequestId, UnderWay>,
    pushes: push::Pushes,
    /// Who waits for an order's outcome.
    callers: BTreeMap<OperationId, OrderTicket>,
    /// What devices have rejected that had just registered, at most one a device: sent again every second.
    too_early: Vec<Order>,
    /// Facts that the store did not take when they came; tried again every second.
    unrecorded: VecDeque<Commit>,
    /// Sleeping devices that had registered anew, and were not observed again, when the server stopped.
    to_observe_again: BTreeSet<DeviceId>,
    /// The places of the newest notifications of devices that were not heard since they were brought back, and when that was.
    notified: BTreeMap<DeviceId, (Duration, BTreeMap<ObservationToken, u32>)>,
    /// When a device has registered, as long as that is not longer ago than [`Self::SETTLES_WITHIN`].
    registered_at: BTreeMap<DeviceId, Duration>,
    /// When the last rejection of a device went to its timeline.
    last_rejection: BTreeMap<DeviceId, Duration>,
    next_tick: Duration,
    /// While the fleet comes back.
    restoring: Option<Restoring>,
    outputs: VecDeque<Output>,
}

/// What a shard wants done.
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
    /// The device at the other end of a session is there for certain.
    Confirm {
        /// At which socket.
        at: ListenerId,
        /// Which.
        session: SecureSessionId,
    },
    /// Something came in a session that is not known here.
    Introduce {
        /// At which socket.
        at: ListenerId,
        /// Which.
        session: SecureSessionId,
    },
    /// Make this durable, then call [`Shard::handle_committed`]. Commits are to be begun in this order.
    Commit {
        /// Names it in the result.
        ticket: Ticket,
        /// What.
        commit: Commit,
    },
    /// Say whether a device may be given an artefact, and how long it is: see [`Shard::handle_opened`].
    Open {
        /// By which operation.
        operation: OperationId,
        /// To which device.
        device: DeviceId,
        /// Which artefact.
        artefact: ArtefactId,
        /// Which instance of the object takes it.
        instance: u16,
    },
    /// Read bytes of what was opened: see [`Shard::handle_read`].
    Read {
        /// By which operation.
        operation: OperationId,
        /// From which byte on.
        offset: usize,
        /// How many.
        len: usize,
    },
    /// A device has got more of a package.
    Progress {
        /// By which operation.
        operation: OperationId,
        /// How many bytes it has.
        sent: u64,
    },
    /// What was opened is not read any more.
    Close {
        /// By which operation.
        operation: OperationId,
    },
    /// Tell whoever gave an order what became of it.
    Taken {
        /// Names the order.
        ticket: OrderTicket,
        /// What became of it.
        taken: Taken,
    },
    /// Tell a verb what became of what it takes from a device.
    Ended {
        /// Names it.
        ticket: EndTicket,
        /// Whether it is durable.
        result: Result<(), StoreError>,
    },
    /// End the sessions of these credentials, and their handshakes.
    EndSessions(Vec<CredentialId>),
    /// End a session, whose device has a newer one.
    EndSession {
        /// Whose session it is.
        at: ListenerId,
        /// Which.
        session: SecureSessionId,
    },
    /// Something did not get in.
    Incident {
        /// Why.
        cause: DiaryCause,
        /// Who.
        subject: String,
        /// From where.
        source: Source,
        /// The device, where it is known.
        device: Option<DeviceId>,
        /// What was seen.
        detail: String,
    },
    /// Tell who watches.
    Event {
        /// To whom it happened.
        device: DeviceId,
        /// Its public name.
        public_id: PublicId,
        /// What happened.
        kind: EventKind,
    },
}

/// Names a commit in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// Names an order whose giver waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderTicket(pub(crate) u64);

/// Names what a verb takes from a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EndTicket(pub(crate) u64);

impl Shard {
    /// How many messages of one device wait while a commit of it is in flight; one more meets silence and is sent again.
    const MAX_WAITING: usize = 16;
    /// How many facts are kept for a store that does not take them; the oldest gives way.
    const MAX_UNRECORDED: usize = 10_000;
    /// How often liveness is written and deadlines of seconds are looked at.
    const TICK: Duration = Duration::from_secs(1);
    /// How long a device may take after its Register until it knows what it is asked.
    const SETTLES_WITHIN: Duration = Duration::from_secs(10);
    /// How long it is remembered that a credential has ended: longer than anything waits between a socket and here.
    const ENDED_REMEMBERED: Duration = Duration::from_secs(60);

    /// Knows nobody yet: what was live when the server stopped comes by [`Shard::handle_restored`].
    pub(crate) fn new(
        now: Now,
        coap: coap::Endpoint<Source>,
        roster: Roster,
        library: Library,
        seed: [u8; 32],
    ) -> Self {
        Self {
            coap,
            roster,
            library,
            sessions: Sessions::default(),
            paths: Paths::default(),
            ended: BTreeMap::new(),
            random: StdRng::from_seed(seed),
            busy: BTreeMap::new(),
            commits: BTreeMap::new(),
            next_ticket: 0,
            requests: BTreeMap::new(),
            pushes: push::Pushes::default(),
            callers: BTreeMap::new(),
            too_early: Vec::new(),
            unrecorded: VecDeque::new(),
            to_observe_again: BTreeSet::new(),
            notified: BTreeMap::new(),
            registered_at: BTreeMap::new(),
            last_rejection: BTreeMap::new(),
            next_tick: now.mono + Self::TICK,
            outputs: VecDeque::new(),
            restoring: Some(Restoring::default()),
        }
    }

    /// Takes in what came at a listener.
    pub(crate) fn handle(&mut self, now: Now, incoming: Incoming) {
        match incoming {
            Incoming::Datagram(source, heard, bytes) => self.handle_datagram(now, source, heard, &bytes),
            Incoming::SessionBegan(origin, id) => self.handle_session_began(now, origin, id),
            Incoming::SessionRestored { origin, session, began_at, is_heard } => {
                self.handle_session_restored(now, origin, session, began_at, is_heard);
            }
            Incoming::SessionMoved { session, from, to } => self.handle_session_moved(now, session, from, to),
            Incoming::SessionEnded(source, id) => self.handle_session_ended(now, source, id),
        }
    }

    /// To be called when [`Shard::poll_timeout`] has come.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.coap.handle_timeout(now.mono);
        self.drain_coap(now);
        if now.mono >= self.next_tick {
            self.next_tick = now.mono + Self::TICK;
            self.tick(now);
        }
    }

    /// Takes in what the store said of a commit.
    pub(crate) fn handle_committed(
        &mut self,
        now: Now,
        ticket: Ticket,
        result: Result<Committed, StoreError>,
    ) {
        let Some(InFlight { subject, commit, after, .. }) = self.commits.remove(&ticket) else { return };
        #[cfg(planted)]
        let result = result.or_else(|error| {
            planted::is(planted::Fault::FailureAcknowledged).then(Committed::default).ok_or(error)
        });
        match result {
            Ok(committed) => self.conclude(now, &commit, after.into_stored(committed)),
            Err(error) => self.abandon(now, commit, after, &error),
        }
        self.drain_coap(now);
        if let Some(subject) = subject {
            self.release(now, subject);
        }
    }

    /// Takes an order for a device. Its giver is told by [`Output::Taken`].
    pub(crate) fn handle_order(&mut self, now: Now, ticket: OrderTicket, order: Order) {
        self.take_order(now, Some(ticket), order);
        self.drain_coap(now);
    }

    /// Takes an order in whose outcome nobody waits for.
    pub(crate) fn hand_over(&mut self, now: Now, order: Order) -> Taken {
        let turned_away = self.take_in(now, None, order);
        self.drain_coap(now);
        turned_away.unwrap_or(Taken::Queued)
    }

    /// Takes an order back that waits for its device, or breaks a package off that is on its way.
    pub(crate) fn cancel_order(&mut self, now: Now, device: DeviceId, operation: OperationId) -> bool {
        if self.break_off_push(now, operation) {
            return true;
        }
        let cancelled = self.roster.cancel_order(device, operation);
        if cancelled {
            metrics::counter!("muster_operations_cancelled_total").increment(1);
            self.tell_caller(
                operation,
                Taken::Ended { outcome: Outcome::Failed(Failure::Cancelled), trace: None },
            );
        }
        cancelled
    }

    /// The server stops: what is written in batches is written now. No datagram is to be handed in any more.
    pub(crate) fn handle_stop(&mut self, now: Now) {
        self.write_batches(now, usize::MAX);
    }

    /// Whether a device can be reached now.
    pub(crate) fn presence(&self, now: Now, device: DeviceId) -> Presence {
        self.roster.presence(now, device)
    }

    /// The next thing to do, until there is none.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Shard::handle_timeout`] next. It may change with every other call.
    pub(crate) fn poll_timeout(&self) -> Duration {
        self.coap.poll_timeout().map_or(self.next_tick, |timeout| timeout.min(self.next_tick))
    }

    /// What the CoAP endpoint counted.
    pub(crate) fn coap_counters(&self) -> &coap::Counters {
        self.coap.counters()
    }

    /// How many devices are registered.
    pub(crate) fn registered(&self) -> usize {
        self.roster.registered()
    }

    /// How many operations of a priority wait for their devices.
    pub(crate) fn waiting_of(&self, priority: Priority) -> usize {
        self.roster.waiting_of(priority)
    }

    /// How many requests of ours have no answer yet.
    pub(crate) fn under_way(&self) -> usize {
        self.requests.len()
    }

    // The device goes on notifying under the token it knows.
    fn restore_observations(&mut self, now: Now, device: DeviceId) {
        #[cfg(planted)]
        if planted::is(planted::Fault::ObservationsForgotten) {
            return;
        }
        let registry = self.library.current();
        let Some(registration) = self.roster.registration(device) else { return };
        let (since, notified) = self.notified.remove(&device).unwrap_or_default();
        for observation in self.roster.observations(device) {
            let Some(token) = coap::Token::new(observation.token.as_bytes()) else { continue };
            if self.coap.observes(registration.source, token) {
                continue;
            }
            let operation = Operation::observe(observation.target.clone(), observation.format);
            let request = binding::with_models(&registry, registration, |models| {
                binding::downlink::request(&operation, registration, models, Some(observation))
            });
            let last = notified.get(&observation.token);
            let last =
                last.map(|number| LastNotification { number: *number, age: now.mono.saturating_sub(since) });
            if let Ok(request) = request {
                self.coap.observe_restored(now.mono, registration.source, token, request, last);
            }
        }
    }

    fn tick(&mut self, now: Now) {
        // Liveness waits in memory for a store that is slow: one batch of it is as good as ten.
        self.write_batches(now, self.room(now));
        for order in std::mem::take(&mut self.too_early) {
            self.submit(now, Subject::Device(order.device), Work::Send(order));
        }
        self.go_on_pushing(now);
        self.expire_orders(now);
        for device in self.roster.expired(now, self.room(now)) {
            self.submit(now, Subject::Device(device), Work::Expire(device));
        }
        self.registered_at.retain(|_, at| now.mono.saturating_sub(*at) < Self::SETTLES_WITHIN);
        self.last_rejection.retain(|_, at| now.mono.saturating_sub(*at) < Self::TICK);
        self.ended.retain(|_, at| now.mono.saturating_sub(*at) < Self::ENDED_REMEMBERED);
        self.tidy_paths(now);
        self.drain_coap(now);
    }

    fn write_batches(&mut self, now: Now, room: usize) {
        if room == 0 {
            return;
        }
        let mut changes = self.roster.take_leases();
        let marks = self.sessions.take_all_heard();
        if !marks.is_empty() {
            changes.push(Change::SecureSessionsHeard(marks));
        }
        if !changes.is_empty() {
            self.commit(now, None, Commit { changes, audit: Vec::new() }, After::Nothing);
        }
        for commit in self.unrecorded.drain(..self.unrecorded.len().min(room)).collect::<Vec<_>>() {
            self.commit(now, None, commit, After::Nothing);
        }
    }

    /// Where a registered device is reached.
    fn source_of(&self, device: DeviceId) -> Option<Source> {
        self.roster.registration(device).map(|registration| registration.source)
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    fn request_id(&mut self) -> RequestId {
        RequestId::from_random(self.random())
    }
}

#[cfg(test)]
mod tests;
