//! One shard, some devices and a store in memory, on virtual time over a link that may lose, double and delay.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use device::{Device, Event, Profile};
use fleet::{
    Actor, Cause, Change, ClassId, Commit, Committed, Credential, CredentialId, CredentialKind,
    CredentialState, DeviceId, DiaryCause, DomainId, EndReason, Ending, EndpointName, Holder, Identity,
    Library, Limits, ListenerId, NewCredential, NodeId, Now, Observation, Operation, OperationId,
    OperationRecord, OperationState, Order, Origin, Outcome, Presence, PskIdentity, PskKey, PublicId,
    Purpose, RequestId, Roster, Secret, SecureSession, SecureSessionId, SessionState, Source, Store,
    StoreError, Taken, TimelineEntry, TimelineKind, Timestamp, store::MemoryStore,
};
use futures::executor::block_on;
use objects::{Path, Registry, Value};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::endpoint::{
    Incoming,
    sessions::Heard,
    shard::{Backlog, EndTicket, OrderTicket, Output, Shard, Ticket, work::After},
};

/// What happens to datagrams.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) loss: f64,
    pub(super) doubled: f64,
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) store: Arc<MemoryStore>,
    pub(super) store_delay: Duration,
    pub(super) random: StdRng,
    link: Link,
    shard: Shard,
    boots: u16,
    nodes: Vec<Simulated>,
    due: BTreeMap<(Duration, u64), Due>,
    sequence: u64,
    fails: fn(&Commit) -> bool,
    resets_until: Duration,
    taken: VecDeque<(OrderTicket, Taken)>,
    pub(super) incidents: Vec<DiaryCause>,
    pub(super) ended: Vec<(EndTicket, Result<(), StoreError>)>,
    pub(super) sessions_ended: Vec<CredentialId>,
    pub(super) sessions_outlived: Vec<SecureSessionId>,
    pub(super) confirmed: Vec<SecureSessionId>,
    pub(super) introduced: Vec<SecureSessionId>,
    sessions: u64,
    orders: u64,
    transmitted: BTreeMap<Source, usize>,
    /// The bytes that came from each address in the clear, and those that went there.
    ledger: BTreeMap<Source, [usize; 2]>,
}

struct Simulated {
    source: Source,
    /// Whose session it speaks in, and which that is.
    identity: Option<Identity>,
    session: SecureSessionId,
    /// How many records it has sent in it.
    sent: u64,
    device: Device,
    events: Vec<Event>,
}

/// How a fleet comes back: after which device, so many devices at once, and how often.
#[derive(Clone, Copy)]
struct Slowly {
    after: Option<DeviceId>,
    devices: usize,
    every: Duration,
}

enum Due {
    Uplink(Incoming),
    Downlink(Source, Vec<u8>),
    Commit(Ticket, Commit),
    /// The next part of the fleet comes back, for the shard of this start.
    Part(u16, Slowly),
    /// A commit whose result reaches the shard that made it, if no crash came between.
    Committed(u16, Ticket, Result<Committed, StoreError>),
}

impl Link {
    pub(super) fn perfect() -> Self {
        Self { loss: 0.0, doubled: 0.0, delay: Duration::from_millis(20), jitter: Duration::ZERO }
    }

    pub(super) fn bad() -> Self {
        let jitter = Duration::from_millis(800);
        Self { loss: 0.15, doubled: 0.1, delay: Duration::from_millis(30), jitter }
    }
}

impl World {
    pub(super) fn new(link: Link) -> Self {
        Self::seeded(link, 1)
    }

    pub(super) fn seeded(link: Link, seed: u64) -> Self {
        let store = Arc::new(MemoryStore::new());
        let shard = shard(Duration::ZERO, 1, &store);
        Self {
            now: Duration::ZERO,
            store,
            store_delay: Duration::from_millis(5),
            random: StdRng::seed_from_u64(seed),
            link,
            shard,
            boots: 1,
            nodes: Vec::new(),
            due: BTreeMap::new(),
            sequence: 0,
            fails: |_| false,
            resets_until: Duration::ZERO,
            taken: VecDeque::new(),
            incidents: Vec::new(),
            ended: Vec::new(),
            sessions_ended: Vec::new(),
            sessions_outlived: Vec::new(),
            confirmed: Vec::new(),
            introduced: Vec::new(),
            sessions: 0,
            orders: 0,
            transmitted: BTreeMap::new(),
            ledger: BTreeMap::new(),
        }
    }

    /// A world with one device that has registered.
    pub(super) fn with_one(profile: Profile) -> (Self, usize) {
        let mut world = Self::new(Link::perfect());
        let node = world.add(profile);
        world.run_for(Duration::from_secs(2));
        assert!(world.device(node).is_registered());
        (world, node)
    }

    pub(super) fn add(&mut self, profile: Profile) -> usize {
        let node = self.nodes.len();
        let port = 20_000 + u16::try_from(node).unwrap();
        let source = Source { listener: ListenerId(0), address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let mut device = Device::new(profile, 100 + node as u64);
        device.start(self.now);
        self.nodes.push(Simulated::new(source, None, device));
        self.drain();
        node
    }

    /// A device that is enrolled with a credential and speaks in a secure session.
    pub(super) fn add_secure(&mut self, profile: Profile) -> usize {
        let node = self.nodes.len();
        let number = u8::try_from(node).unwrap() + 1;
        let id = self.shard.reserve(1).unwrap()[0];
        let enrolled = Arc::new(enrolment(id, number, &profile.endpoint));
        block_on(self.store.commit((*enrolled).clone())).unwrap();
        self.shard.handle_followed(self.moment(), &enrolled);
        let port = 30_000 + u16::from(number);
        let source = Source { listener: ListenerId(1), address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let holder = Holder::Device(id);
        let identity =
            Identity { credential: CredentialId(number.into()), holder, purpose: Purpose::Management };
        let mut device = Device::new(profile, 100 + node as u64);
        device.start(self.now);
        self.nodes.push(Simulated::new(source, Some(identity), device));
        self.begin_session(node);
        self.drain();
        node
    }

    /// The device makes a new session from another port; the old one ends a while later.
    pub(super) fn move_to(&mut self, node: usize, port: u16) {
        let Simulated { source, session, .. } = self.nodes[node];
        self.nodes[node].source.address.set_port(port);
        self.begin_session(node);
        self.later(Duration::from_secs(30), Due::Uplink(Incoming::SessionEnded(source, session)));
    }

    /// The device goes on from another port in its session, as behind a network that has given it a new one.
    pub(super) fn rebind(&mut self, node: usize, port: u16) {
        let Simulated { source: from, session, .. } = self.nodes[node];
        self.nodes[node].source.address.set_port(port);
        let to = self.nodes[node].source;
        self.later(Duration::ZERO, Due::Uplink(Incoming::SessionMoved { session, from, to }));
    }

    /// The network gives the address of a device, which it does not hear of, to another, which begins anew there.
    pub(super) fn hand_over(&mut self, from: usize, to: usize) {
        self.nodes[to].source = self.nodes[from].source;
        self.nodes[from].source.address.set_port(50_000);
        if self.nodes[to].identity.is_some() {
            self.begin_session(to);
        } else {
            self.reboot(to);
        }
    }

    /// The device loses its power, and has another port when it is back.
    pub(super) fn begin_anew_at(&mut self, node: usize, port: u16) {
        self.nodes[node].source.address.set_port(port);
        self.reboot(node);
    }

    pub(super) fn begin_session(&mut self, node: usize) {
        self.sessions += 1;
        let id = SecureSessionId(self.sessions);
        let at = self.moment().wall;
        let simulated = &mut self.nodes[node];
        (simulated.session, simulated.sent) = (id, 0);
        let opened = Change::SecureSessionOpened(Box::new(SecureSession {
            id,
            identity: simulated.identity.unwrap(),
            source: simulated.source,
            reserved: 256,
            received: 1,
            state: SessionState::new([]),
            began_at: at,
            heard_at: at,
        }));
        let began = Incoming::SessionBegan(simulated.origin(), id);
        // That of a credential which was taken away is not taken.
        let _ = block_on(self.store.commit(Commit { changes: vec![opened], audit: Vec::new() }));
        self.later(Duration::ZERO, Due::Uplink(began));
    }

    /// The session of a device is unknown from now on.
    pub(super) fn lose_session(&mut self, node: usize) {
        let Simulated { source, session, .. } = self.nodes[node];
        self.shard.handle(self.moment(), Incoming::SessionEnded(source, session));
    }

    pub(super) fn session(&self, node: usize) -> SecureSessionId {
        self.nodes[node].session
    }

    /// Where a device is, and in which session.
    pub(super) fn place(&self, node: usize) -> (Source, SecureSessionId) {
        (self.nodes[node].source, self.nodes[node].session)
    }

    /// Something arrives that was sent in a session while that was at this place.
    pub(super) fn arrive(&mut self, (source, session): (Source, SecureSessionId), bytes: Vec<u8>) {
        let heard = Heard { session, is_certain: true, received: 1_000 };
        self.later(self.link.delay, Due::Uplink(Incoming::Datagram(source, Some(heard), bytes)));
    }

    /// How many records of a device's session count as received, as far as is kept.
    pub(super) fn kept_received(&self, node: usize) -> u64 {
        let session = block_on(self.store.secure_session(self.nodes[node].session)).unwrap();
        session.unwrap().received
    }

    /// How many records a device has sent in its session.
    pub(super) fn sent(&self, node: usize) -> u64 {
        self.nodes[node].sent
    }

    /// A device is to shake hands anew by the credential it has.
    pub(super) fn renew_sessions(&mut self, node: usize) {
        let credential = self.nodes[node].identity.unwrap().credential;
        self.shard.handle_sessions_renewed(self.moment(), &[credential]);
    }

    /// Takes a device's credential away.
    pub(super) fn revoke(&mut self, node: usize) -> EndTicket {
        let credential = self.nodes[node].identity.unwrap().credential;
        let at = self.moment().wall;
        let ended = Change::CredentialEnded { id: credential, state: CredentialState::Revoked, at };
        let ending = Ending {
            device: self.id(node),
            credentials: vec![credential],
            reason: EndReason::Revoked,
            commit: Commit { changes: vec![ended], audit: Vec::new() },
        };
        self.orders += 1;
        let ticket = EndTicket(self.orders);
        self.shard.handle_ending(self.moment(), ticket, ending);
        ticket
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        loop {
            self.drain();
            let due = self.due.first_key_value().map(|((at, _), _)| *at);
            let devices = self.nodes.iter().filter_map(|node| node.device.poll_timeout());
            let next = devices.chain(due).chain([self.shard.poll_timeout()]).min().unwrap_or(until);
            if next > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn step(&mut self) {
        let now = self.now;
        if let Some(entry) = self.due.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Due::Uplink(incoming) => {
                    if let Incoming::Datagram(source, None, bytes) = &incoming {
                        self.ledger.entry(*source).or_default()[0] += bytes.len();
                    }
                    self.shard.handle(self.moment(), incoming);
                }
                Due::Downlink(source, bytes) => {
                    if let Some(node) = self.nodes.iter_mut().find(|node| node.source == source) {
                        node.device.handle_datagram(now, &bytes);
                    }
                }
                Due::Commit(ticket, commit) => {
                    let failed = (self.fails)(&commit);
                    let result = if failed {
                        Err(StoreError::Unavailable)
                    } else {
                        block_on(self.store.commit(commit))
                    };
                    let boot = self.boots;
                    self.later(Duration::ZERO, Due::Committed(boot, ticket, result));
                }
                Due::Committed(boot, ticket, result) if boot == self.boots => {
                    self.shard.handle_committed(self.moment(), ticket, result);
                }
                Due::Part(boot, slowly) if boot == self.boots => self.bring_back(slowly),
                Due::Committed(..) | Due::Part(..) => {}
            }
            return;
        }
        for node in &mut self.nodes {
            if node.device.poll_timeout().is_some_and(|at| at <= now) {
                node.device.handle_timeout(now);
            }
        }
        if self.shard.poll_timeout() <= now {
            self.shard.handle_timeout(self.moment());
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Transmit { to, session, bytes } => {
                    let is_secure = to.listener == ListenerId(1);
                    assert!(is_secure || session.is_none(), "there are none in the clear");
                    if is_secure && session.is_none() {
                        // After a start, as long as the session is not back.
                        continue;
                    }
                    *self.transmitted.entry(to).or_default() += 1;
                    self.ledger.entry(to).or_default()[1] += bytes.len();
                    if let Some(reset) = self.reset(&bytes) {
                        self.later(self.link.delay, Due::Uplink(Incoming::Datagram(to, None, reset)));
                        continue;
                    }
                    self.cross(|bytes| Due::Downlink(to, bytes), &bytes);
                }
                Output::Commit { ticket, commit } => {
                    self.later(self.store_delay, Due::Commit(ticket, commit))
                }
                Output::Taken { ticket, taken } => self.taken.push_back((ticket, taken)),
                Output::Incident { cause, .. } => self.incidents.push(cause),
                Output::Ended { ticket, result } => self.ended.push((ticket, result)),
                Output::EndSessions(credentials) => self.sessions_ended.extend(credentials),
                Output::EndSession { session, .. } => self.sessions_outlived.push(session),
                Output::Confirm { session, .. } => self.confirmed.push(session),
                Output::Introduce { session, .. } => self.introduced.push(session),
                Output::Event { .. } => {}
            }
        }
        for node in 0..self.nodes.len() {
            while let Some(output) = self.nodes[node].device.poll_output() {
                match output {
                    device::Output::Transmit { bytes } => {
                        let (source, heard) = self.nodes[node].heard();
                        self.cross(|bytes| Due::Uplink(Incoming::Datagram(source, heard, bytes)), &bytes);
                    }
                    device::Output::Connect { .. } => {
                        let now = self.now;
                        self.nodes[node].device.connected(now);
                    }
                    device::Output::Event(event) => self.nodes[node].events.push(event),
                }
            }
        }
    }

    fn cross(&mut self, due: impl Fn(Vec<u8>) -> Due, bytes: &[u8]) {
        let copies = if self.random.random_bool(self.link.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            if !self.random.random_bool(self.link.loss) {
                let delay = self.link.delay + self.link.jitter.mul_f64(self.random.random());
                self.later(delay, due(bytes.to_vec()));
            }
        }
    }

    fn later(&mut self, delay: Duration, due: Due) {
        self.sequence += 1;
        self.due.insert((self.now + delay, self.sequence), due);
    }

    /// The process ends at once and starts again: what the store did not have is gone.
    pub(super) fn crash_and_restart(&mut self) {
        self.boots += 1;
        self.due.retain(|_, due| !matches!(due, Due::Commit(..)));
        self.taken.clear();
        self.shard = shard(self.now, self.boots, &self.store);
        self.bring_sessions_back();
    }

    /// The same, and so many devices come back at once, so often.
    pub(super) fn crash_and_restart_slowly(&mut self, devices: usize, every: Duration) {
        self.crash_and_restart();
        self.shard = new_shard(self.now, self.boots, &self.store);
        self.later(every, Due::Part(self.boots, Slowly { after: None, devices, every }));
    }

    fn bring_back(&mut self, slowly: Slowly) {
        let now = self.moment();
        // A store that can't be read is asked again.
        let Ok(part) = block_on(self.store.restore_part(slowly.after, slowly.devices)) else {
            self.later(slowly.every, Due::Part(self.boots, slowly));
            return;
        };
        let after = part.more_after;
        self.shard.handle_restored(now, part);
        match after {
            Some(_) => self.later(slowly.every, Due::Part(self.boots, Slowly { after, ..slowly })),
            None => self.shard.handle_restore_done(now),
        }
    }

    fn bring_sessions_back(&mut self) {
        for session in block_on(self.store.secure_sessions(None, 1_000)).unwrap() {
            let origin = Origin { source: session.source, identity: Some(session.identity) };
            let is_heard = session.was_heard();
            let SecureSession { id, began_at, .. } = session;
            let restored = Incoming::SessionRestored { origin, session: id, began_at, is_heard };
            self.later(Duration::ZERO, Due::Uplink(restored));
        }
    }

    /// A line in the timeline of a device that does not exist.
    pub(super) fn record_of_nobody(&mut self) {
        let entry =
            TimelineEntry::new(DeviceId(99), self.moment().wall, TimelineKind::Rejected, None, "nobody");
        let commit = Commit { changes: vec![Change::Timeline(entry)], audit: Vec::new() };
        self.shard.commit(self.moment(), None, commit, After::Nothing);
    }

    /// What waits for the store is answered now, in its order.
    pub(super) fn let_store_answer(&mut self) {
        let (waiting, due) =
            std::mem::take(&mut self.due).into_iter().partition(|(_, due)| matches!(due, Due::Commit(..)));
        self.due = due;
        let waiting: BTreeMap<(Duration, u64), Due> = waiting;
        for commit in waiting.into_values() {
            self.later(Duration::ZERO, commit);
        }
    }

    pub(super) fn heal(&mut self) {
        self.link = Link::perfect();
    }

    pub(super) fn fail_commits(&mut self, fails: fn(&Commit) -> bool) {
        self.fails = fails;
    }

    /// Whatever the server asks in this time is answered by a Reset and does not reach the device.
    pub(super) fn reset_requests_for(&mut self, duration: Duration) {
        self.resets_until = self.now + duration;
    }

    fn reset(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let message = coap::Message::parse(bytes).ok()?;
        let reset = coap::Message::empty(coap::Kind::Reset, message.id);
        (self.now < self.resets_until && message.code.is_request()).then(|| reset.to_bytes().unwrap())
    }

    pub(super) fn inject(&mut self, node: usize, bytes: Vec<u8>) {
        let (source, heard) = self.nodes[node].heard();
        self.later(self.link.delay, Due::Uplink(Incoming::Datagram(source, heard, bytes)));
    }

    // === Devices ===

    pub(super) fn device(&self, node: usize) -> &Device {
        &self.nodes[node].device
    }

    pub(super) fn set(&mut self, node: usize, path: Path, value: Value) {
        self.nodes[node].device.set(self.now, path, value).unwrap();
    }

    pub(super) fn send(&mut self, node: usize, paths: &[Path]) {
        self.nodes[node].device.send(self.now, paths).unwrap();
    }

    pub(super) fn reboot(&mut self, node: usize) {
        self.nodes[node].device.reboot(self.now);
    }

    /// The device deregisters.
    pub(super) fn leave(&mut self, node: usize) {
        self.nodes[node].device.stop(self.now);
        self.drain();
    }

    pub(super) fn vanish(&mut self, node: usize) {
        self.nodes[node].device.vanish();
    }

    pub(super) fn was_told(&self, node: usize, event: &Event) -> bool {
        self.nodes[node].events.contains(event)
    }

    pub(super) fn rejected(&self, node: usize) -> Vec<coap::Code> {
        let code = |event: &Event| match event {
            Event::Rejected { code, .. } => Some(*code),
            _ => None,
        };
        self.nodes[node].events.iter().filter_map(code).collect()
    }

    pub(super) fn registers(&self, node: usize) -> usize {
        self.nodes[node].events.iter().filter(|event| matches!(event, Event::Registered { .. })).count()
    }

    pub(super) fn location(&self, node: usize) -> String {
        let location = |event: &Event| match event {
            Event::Registered { location } => Some(location.clone()),
            _ => None,
        };
        self.nodes[node].events.iter().rev().find_map(location).unwrap()
    }

    pub(super) fn transmitted_to(&self, node: usize) -> usize {
        self.transmitted.get(&self.nodes[node].source).copied().unwrap_or_default()
    }

    /// How many bytes the server has had from a device's address, and how many it has sent there.
    pub(super) fn ledger(&self, node: usize) -> [usize; 2] {
        self.ledger.get(&self.nodes[node].source).copied().unwrap_or_default()
    }

    // === Orders ===

    /// Gives an order and waits until it has ended.
    pub(super) fn order(&mut self, node: usize, operation: Operation) -> Outcome {
        match self.try_order(node, operation, false) {
            Some(Taken::Ended { outcome, .. }) => outcome,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn try_order(&mut self, node: usize, operation: Operation, stored: bool) -> Option<Taken> {
        let order = self.new_order(node, operation, stored);
        let ticket = self.give(order);
        for _ in 0..400 {
            self.run_for(Duration::from_secs(1));
            if let Some(at) = self.taken.iter().position(|(given, _)| *given == ticket) {
                return self.taken.remove(at).map(|(_, taken)| taken);
            }
        }
        None
    }

    /// Stores an operation as the verb does, and gives the order.
    pub(super) fn store_order(&mut self, node: usize, operation: Operation) -> OperationId {
        let order = self.new_order(node, operation, true);
        let id = order.id;
        let record = OperationRecord {
            id,
            device: order.device,
            operation: order.operation.clone(),
            requested_by: Actor::Server(Cause::Console.name()).name().to_owned(),
            request: order.request,
            state: OperationState::Queued,
            queued_at: self.moment().wall,
            sent_at: None,
            ended_at: None,
            expires_at: order.expires_at,
            result: None,
        };
        let queued = Commit { changes: vec![Change::OperationQueued(Box::new(record))], audit: Vec::new() };
        block_on(self.store.commit(queued)).unwrap();
        self.give(order);
        self.drain();
        id
    }

    /// Gives an order and does not wait.
    pub(super) fn give_order(&mut self, node: usize, operation: Operation) -> OrderTicket {
        let order = self.new_order(node, operation, false);
        let ticket = self.give(order);
        self.drain();
        ticket
    }

    pub(super) fn taken_of(&mut self, ticket: OrderTicket) -> Option<Taken> {
        let at = self.taken.iter().position(|(given, _)| *given == ticket)?;
        self.taken.remove(at).map(|(_, taken)| taken)
    }

    pub(super) fn order_is_refused(&mut self, node: usize, operation: Operation) -> bool {
        self.try_order(node, operation, false) == Some(Taken::NotRegistered)
    }

    pub(super) fn last_taken(&self) -> Option<Taken> {
        self.taken.back().map(|(_, taken)| taken.clone())
    }

    fn give(&mut self, order: Order) -> OrderTicket {
        let ticket = OrderTicket(self.orders);
        self.shard.handle_order(self.moment(), ticket, order);
        ticket
    }

    fn new_order(&mut self, node: usize, operation: Operation, stored: bool) -> Order {
        self.orders += 1;
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.orders.to_be_bytes());
        Order {
            id: OperationId::new(self.moment().wall, random),
            device: self.id(node),
            operation,
            request: RequestId::from_random([7; 16]),
            stored,
            expires_at: self.moment().wall.after(Order::DEFAULT_EXPIRY),
        }
    }

    // === The store ===

    pub(super) fn id(&self, node: usize) -> DeviceId {
        let endpoint = &self.nodes[node].device.profile().endpoint;
        let restored = block_on(self.store.restore()).unwrap();
        restored.devices.iter().find(|device| device.endpoint.as_str() == endpoint).unwrap().id
    }

    pub(super) fn presence(&self, node: usize) -> Presence {
        self.shard.presence(self.moment(), self.id(node))
    }

    pub(super) fn stored_registrations(&self) -> Vec<String> {
        let restored = block_on(self.store.restore()).unwrap();
        let name = |id: DeviceId| {
            restored.devices.iter().find(|device| device.id == id).unwrap().endpoint.to_string()
        };
        restored.registrations.iter().map(|registration| name(registration.device)).collect()
    }

    pub(super) fn stored_observations(&self, node: usize) -> Vec<Observation> {
        block_on(self.store.observations(self.id(node))).unwrap()
    }

    pub(super) fn latest(&self, node: usize, path: Path) -> Option<Value> {
        let latest = block_on(self.store.latest(self.id(node), path)).unwrap();
        latest.first().map(|stored| stored.reading.value.clone())
    }

    pub(super) fn history(&self, node: usize, path: Path) -> usize {
        block_on(self.store.history(self.id(node), path, usize::MAX)).unwrap().len()
    }

    pub(super) fn is_restoring(&self) -> bool {
        self.shard.is_restoring()
    }

    pub(super) fn stored_devices(&self) -> usize {
        block_on(self.store.restore()).unwrap().devices.len()
    }

    pub(super) fn backlog(&self) -> Backlog {
        self.shard.backlog(self.moment())
    }

    pub(super) fn operation(&self, id: OperationId) -> OperationRecord {
        block_on(self.store.operation(id)).unwrap().unwrap()
    }

    /// What the shard still holds of work that should be over.
    pub(super) fn leftovers(&self) -> [usize; 8] {
        let usage = self.shard.coap.usage();
        [
            self.shard.busy.len(),
            self.shard.commits.len(),
            self.shard.requests.len(),
            self.shard.callers.len(),
            self.shard.unrecorded.len(),
            usage.exchanges,
            usage.outgoing,
            usage.notifications,
        ]
    }

    fn moment(&self) -> Now {
        Now { mono: self.now, wall: Timestamp(1_750_000_000_000).after(self.now) }
    }
}

impl Simulated {
    fn new(source: Source, identity: Option<Identity>, device: Device) -> Self {
        Self { source, identity, session: SecureSessionId(0), sent: 0, device, events: Vec::new() }
    }

    /// Where the next datagram comes from, and in which session.
    fn heard(&mut self) -> (Source, Option<Heard>) {
        self.sent += 1;
        let heard = Heard { session: self.session, is_certain: true, received: self.sent + 1 };
        (self.source, self.identity.map(|_| heard))
    }

    fn origin(&self) -> Origin {
        Origin { source: self.source, identity: self.identity }
    }
}

fn enrolment(id: DeviceId, number: u8, endpoint: &str) -> Commit {
    let at = Timestamp(1_750_000_000_000);
    let device = fleet::Device {
        id,
        public_id: PublicId::from_random([number; 16]),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(endpoint).unwrap(),
        created_at: at,
        removed_at: None,
    };
    let credential = Credential {
        id: CredentialId(number.into()),
        public_id: PublicId::from_random([number; 16]),
        holder: Holder::Device(id),
        purpose: Purpose::Management,
        kind: CredentialKind::Psk,
        state: CredentialState::Live,
        identity: PskIdentity::new([number]).unwrap().into(),
        parent: None,
        valid_from: at,
        valid_to: None,
        created_by: "ada".into(),
        created_at: at,
        changed_at: at,
        last_used_at: None,
    };
    let secret = Secret::Psk(PskKey::from_hex("5f1d3c0a99e27b4466018d2fca3b7710").unwrap());
    let added = Change::CredentialAdded(Box::new(NewCredential { credential, secret }));
    Commit { changes: vec![Change::DeviceAdded(device), added], audit: Vec::new() }
}

fn shard(now: Duration, boots: u16, store: &MemoryStore) -> Shard {
    let mut shard = new_shard(now, boots, store);
    let now = Now { mono: now, wall: Timestamp(1_750_000_000_000).after(now) };
    shard.handle_restored(now, block_on(store.restore()).unwrap());
    shard.handle_restore_done(now);
    shard
}

fn new_shard(now: Duration, boots: u16, store: &MemoryStore) -> Shard {
    let now = Now { mono: now, wall: Timestamp(1_750_000_000_000).after(now) };
    let boot = coap::Boot { number: boots, seed: [5; 32] };
    let endpoint = coap::Endpoint::new(coap::Config::default(), boot);
    let mut roster = Roster::new(0, NodeId::SINGLE, Limits { lab: true, ..Limits::default() });
    if let Some(last) = block_on(store.last_device()).unwrap() {
        roster.begin_after(last);
    }
    let library = Library::new(Arc::new(Registry::core()));
    Shard::new(now, endpoint, roster, library, [boots as u8; 32])
}
