//! One shard, some devices and a store in memory, on virtual time over a link that may lose, double and delay.

mod faults;
mod orders;
mod packages;
mod seen;
mod sessions;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use device::{Device, Event, Profile};
use fleet::{
    Actor, Cause, Change, ClassId, Commit, Committed, Credential, CredentialId, CredentialKind,
    CredentialState, DeviceId, DiaryCause, DomainId, EndReason, Ending, EndpointName, EventKind, Holder,
    Identity, Library, Limits, ListenerId, NewCredential, NodeId, Now, Observation, Operation, OperationId,
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
    /// What watchers were told.
    pub(super) told: Vec<EventKind>,
    sessions: u64,
    orders: u64,
    transmitted: BTreeMap<Source, usize>,
    packages: packages::Packages,
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
            told: Vec::new(),
            sessions: 0,
            orders: 0,
            transmitted: BTreeMap::new(),
            packages: packages::Packages::default(),
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
                Output::Event { kind, .. } => self.told.push(kind),
                other => self.give_package(other),
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
                    device::Output::Fetch(_) => {
                        let now = self.now;
                        self.nodes[node].device.fetch_failed(now, true);
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
