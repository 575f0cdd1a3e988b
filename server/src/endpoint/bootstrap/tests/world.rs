//! A bootstrap server with its fleet, and simulated devices, on virtual time over a seeded link.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use device::{Account, Device, Output as DeviceOutput, Profile, Security};
use fleet::{
    Actor, BootstrapSettings, Commit, Context, CredentialId, Downlink, Ending, EndpointName, Feed, Fleet,
    GivenPsk, Identity, Library, NewDevice, OperationId, Order, Presence, Purpose, RequestId, Role,
    ServerKeys, Shown, Store, StoreError, Taken, Timestamp, UserId, store::MemoryStore,
};
use futures::executor::block_on;
use objects::Registry;

use super::super::*;

pub(super) const BOOTSTRAP: &str = "coaps://muster.example:5784";
pub(super) const PLAIN_BOOTSTRAP: &str = "coap://muster.example:5783";
const MANAGEMENT: &str = "coaps://muster.example:5684";
const PLAIN_MANAGEMENT: &str = "coap://muster.example:5683";

/// How long a datagram is under way.
const LATENCY: Duration = Duration::from_millis(20);

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) store: Arc<MemoryStore>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) endpoint: BootstrapEndpoint,
    pub(super) settings: BootstrapSettings,
    pub(super) bounds: BootstrapBounds,
    pub(super) devices: Vec<Sim>,
    /// Records of the sessions that have ended.
    pub(super) ended: Vec<BootstrapRecord>,
    /// What came out for those who are no device.
    pub(super) sent: Vec<(Source, Vec<u8>)>,
    /// After how many more datagrams of its own the server fails and starts anew.
    pub(super) crash_after: Option<usize>,
    /// One of so many datagrams is lost; none if 0.
    pub(super) loses: u32,
    pub(super) incidents: Vec<Incident>,
    starts: u16,
    random: StdRng,
    packets: BTreeMap<(Duration, u64), Packet>,
    next_packet: u64,
    sessions: u64,
    is_saving: BTreeSet<Ticket>,
}

/// A device and where it is.
pub(super) struct Sim {
    pub(super) device: Device,
    pub(super) source: Source,
    at: At,
    /// The session that it speaks in, and how many records it has sent in it.
    pub(super) session: Option<SecureSessionId>,
    received: u64,
    /// The management sessions it has made: by whom.
    pub(super) managed: Vec<Option<Identity>>,
    /// Sessions that it asked for and did not get.
    pub(super) turned_away: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Nobody,
    Bootstrap(Option<Identity>),
    Management,
}

enum Packet {
    ToServer(usize, Incoming),
    ToDevice(usize, At, Vec<u8>),
}

impl World {
    pub(super) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let bounds = BootstrapBounds::default();
        let fleet = fleet_on(&store, 0);
        Self {
            now: Duration::ZERO,
            endpoint: endpoint(0, bounds, Duration::ZERO),
            fleet,
            store,
            settings: settings(),
            bounds,
            devices: Vec::new(),
            ended: Vec::new(),
            sent: Vec::new(),
            crash_after: None,
            loses: 0,
            incidents: Vec::new(),
            starts: 0,
            random: StdRng::from_seed([7; 32]),
            packets: BTreeMap::new(),
            next_packet: 0,
            sessions: 0,
            is_saving: BTreeSet::new(),
        }
    }

    /// The server starts anew on what it had stored.
    pub(super) fn restart(&mut self) {
        self.starts += 1;
        self.fleet = fleet_on(&self.store, self.starts);
        self.endpoint = endpoint(self.starts, self.bounds, self.now);
        self.is_saving.clear();
        // Its sessions are gone: devices make new ones when they get no answer.
        for sim in &mut self.devices {
            if matches!(sim.at, At::Bootstrap(Some(_))) {
                sim.at = At::Nobody;
            }
        }
    }

    pub(super) fn bound(&mut self, bounds: BootstrapBounds) {
        self.bounds = bounds;
        self.endpoint = endpoint(0, bounds, self.now);
    }

    pub(super) fn context(&self) -> Context {
        let actor = Actor::User { id: UserId(1), name: "ada".into(), role: Role::Administrator };
        Context { actor, now: self.moment().wall, request: RequestId::from_random([1; 16]) }
    }

    /// Enrols a device with a bootstrap credential.
    pub(super) fn enrol(&self, name: &str) -> Shown {
        let new = NewDevice {
            endpoint: EndpointName::new(name).unwrap(),
            class: None,
            bootstrap: Some(GivenPsk::default().into()),
            management: None,
        };
        block_on(self.fleet.add_device(&self.context(), new)).unwrap().shown.remove(0)
    }

    /// Turns a device on.
    pub(super) fn start(&mut self, profile: Profile) -> usize {
        let number = self.devices.len();
        let mut device = Device::new(profile, number as u64 + 1);
        device.start(self.now);
        let at = At::Nobody;
        let source = source(number);
        let sim = Sim { device, source, at, session: None, received: 0, managed: Vec::new(), turned_away: 0 };
        self.devices.push(sim);
        number
    }

    pub(super) fn record(&self) -> &BootstrapRecord {
        self.ended.last().expect("a session has ended")
    }

    /// Runs until a condition holds; whether it did within the time.
    pub(super) fn run_until(&mut self, within: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + within;
        loop {
            self.settle();
            if holds(self) {
                return true;
            }
            let packet = self.packets.keys().next().map(|(at, _)| *at);
            let devices = self.devices.iter().filter_map(|sim| sim.device.poll_timeout());
            let next = devices.chain(packet).chain([self.endpoint.poll_timeout()]).min().unwrap_or(end);
            if next > end {
                self.now = end;
                return false;
            }
            self.now = self.now.max(next);
            while let Some(entry) = self.packets.first_entry()
                && entry.key().0 <= self.now
            {
                let packet = entry.remove();
                self.deliver(packet);
            }
            let moment = self.moment();
            self.endpoint.handle_timeout(moment);
            for sim in &mut self.devices {
                sim.device.handle_timeout(self.now);
            }
        }
    }

    pub(super) fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Takes in a datagram of somebody who is no simulated device.
    pub(super) fn hand_in(&mut self, source: Source, bytes: &[u8]) {
        self.endpoint.handle(self.moment(), Incoming::Datagram(source, None, bytes.to_vec()));
        self.settle();
    }

    pub(super) fn moment(&self) -> Now {
        let millis = i64::try_from(self.now.as_millis()).unwrap();
        Now { mono: self.now, wall: Timestamp(1_700_000_000_000 + millis) }
    }

    fn deliver(&mut self, packet: Packet) {
        match packet {
            Packet::ToServer(number, incoming) => {
                let at = self.devices[number].at;
                match (at, incoming) {
                    (At::Bootstrap(_), incoming) => self.endpoint.handle(self.moment(), incoming),
                    (At::Management, Incoming::Datagram(.., bytes)) => self.register(number, &bytes),
                    (At::Management | At::Nobody, _) => {}
                }
            }
            Packet::ToDevice(number, at, bytes) => {
                let sim = &mut self.devices[number];
                if sim.at == at {
                    sim.device.handle_datagram(self.now, &bytes);
                }
            }
        }
        self.settle();
    }

    /// The management server takes whatever it is asked.
    fn register(&mut self, number: usize, bytes: &[u8]) {
        let message = coap::Message::parse(bytes).unwrap();
        let mut answer =
            coap::Message::new(coap::Kind::Acknowledgement, coap::Code::CREATED, message.id, message.token);
        answer.options.push(coap::OptionNumber::LOCATION_PATH, *b"rd");
        answer.options.push(coap::OptionNumber::LOCATION_PATH, *b"1");
        if message.code.is_request() {
            let bytes = answer.to_bytes().unwrap();
            self.post(Packet::ToDevice(number, At::Management, bytes));
        }
    }

    fn post(&mut self, packet: Packet) {
        if self.loses > 0 && self.random.next_u32().is_multiple_of(self.loses) {
            return;
        }
        self.next_packet += 1;
        self.packets.insert((self.now + LATENCY, self.next_packet), packet);
    }

    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.endpoint.poll_output() {
                quiet = false;
                self.output(output);
            }
            for number in 0..self.devices.len() {
                while let Some(output) = self.devices[number].device.poll_output() {
                    quiet = false;
                    match output {
                        DeviceOutput::Connect { to } => self.connect(number, &to),
                        DeviceOutput::Transmit { bytes } => {
                            let sim = &mut self.devices[number];
                            sim.received += 1;
                            let heard = sim.session.map(|session| Heard {
                                session,
                                is_certain: true,
                                received: sim.received,
                            });
                            let incoming = Incoming::Datagram(sim.source, heard, bytes);
                            self.post(Packet::ToServer(number, incoming));
                        }
                        DeviceOutput::Fetch(_) | DeviceOutput::Event(_) => {}
                    }
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn connect(&mut self, number: usize, to: &Account) {
        let (moment, from) = (self.moment(), self.devices[number].source);
        let purpose = if [BOOTSTRAP, PLAIN_BOOTSTRAP].contains(&to.uri.as_str()) {
            Purpose::Bootstrap
        } else {
            Purpose::Management
        };
        let identity = match &to.security {
            Security::NoSec => Ok(None),
            Security::Psk { identity, key } => self.shake_hands(purpose, identity, key, from).map(Some),
        };
        let sim = &mut self.devices[number];
        let Ok(identity) = identity else {
            sim.turned_away += 1;
            sim.at = At::Nobody;
            sim.device.connection_failed(self.now);
            return;
        };
        match purpose {
            Purpose::Bootstrap => {
                sim.at = At::Bootstrap(identity);
                self.sessions += 1;
                sim.session = identity.map(|_| SecureSessionId(self.sessions));
                if let Some(session) = sim.session {
                    let began = Incoming::SessionBegan(Origin { source: from, identity }, session);
                    self.endpoint.handle(moment, began);
                }
            }
            Purpose::Management => {
                sim.at = At::Management;
                sim.session = None;
                sim.managed.push(identity);
            }
        }
        sim.device.connected(self.now);
    }

    fn shake_hands(
        &self,
        purpose: Purpose,
        identity: &[u8],
        key: &[u8],
        from: Source,
    ) -> Result<Identity, ()> {
        let now = self.moment().wall;
        let opening = block_on(self.fleet.opening(purpose, identity, now)).unwrap().map_err(drop)?;
        if opening.key.unwrap().as_bytes() != key {
            return Err(());
        }
        let opened = block_on(self.fleet.opened(opening.identity, from.address, None, None, now)).unwrap();
        opened.map(|()| opening.identity).map_err(drop)
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Transmit { to, bytes, .. } => {
                let number = self.devices.iter().position(|sim| sim.source == to);
                match number {
                    Some(number) => {
                        let at = self.devices[number].at;
                        self.post(Packet::ToDevice(number, at, bytes));
                    }
                    None => self.sent.push((to, bytes)),
                }
                if let Some(left) = &mut self.crash_after {
                    if *left == 0 {
                        self.crash_after = None;
                        self.restart();
                    } else {
                        *left -= 1;
                    }
                }
            }
            Output::Begin { ticket, asked } => {
                let begun = block_on(self.fleet.begin_bootstrap(&asked, &self.settings));
                let moment = self.moment();
                self.endpoint.handle_begun(moment, ticket, begun);
            }
            Output::Save { ticket, record } => {
                assert!(self.is_saving.insert(ticket), "one at a time");
                block_on(self.fleet.save_bootstrap(&record)).unwrap();
                self.is_saving.remove(&ticket);
                self.endpoint.handle_saved(ticket);
            }
            Output::Ended { session, asked } => {
                block_on(self.fleet.end_bootstrap(&session, &asked)).unwrap();
                self.ended.push(session.record().clone());
            }
            Output::Incident(incident) => self.incidents.push(incident),
        }
    }
}

pub(super) fn source(number: usize) -> Source {
    let port = 40_000 + u16::try_from(number).unwrap();
    Source { listener: ListenerId(0), address: ([192, 0, 2, 7], port).into() }
}

pub(in crate::endpoint::bootstrap) fn settings() -> BootstrapSettings {
    BootstrapSettings {
        uri: Some(MANAGEMENT.into()),
        plain_uri: Some(PLAIN_MANAGEMENT.into()),
        bootstrap_uri: Some(BOOTSTRAP.into()),
        short_server_id: 1,
        keys: ServerKeys::default(),
        lab: true,
    }
}

pub(in crate::endpoint::bootstrap) fn endpoint(
    start: u16,
    bounds: BootstrapBounds,
    now: Duration,
) -> BootstrapEndpoint {
    let coap = coap::Endpoint::new(coap::Config::default(), coap::Boot { number: start, seed: [3; 32] });
    let now = Now { mono: now, wall: Timestamp(0) };
    let names = [(ListenerId(0), "coaps://0.0.0.0:5784".to_owned())].into();
    BootstrapEndpoint::new(now, coap, bounds, names, [u8::try_from(start).unwrap(); 32])
}

pub(crate) fn fleet_on(store: &Arc<MemoryStore>, start: u16) -> Arc<Fleet> {
    let random = AtomicU64::new(u64::from(start) << 32);
    let entropy = move |bytes: &mut [u8]| {
        let seed = random.fetch_add(1, Ordering::Relaxed);
        StdRng::seed_from_u64(seed).fill_bytes(bytes);
    };
    Arc::new(Fleet::new(
        Arc::clone(store) as Arc<dyn Store>,
        Arc::new(Rows(AtomicI64::new(i64::from(start) * 1_000 + 1))),
        Library::new(Arc::new(Registry::core())),
        Box::new(|| Ok(Registry::core())),
        Feed::new(),
        Box::new(entropy),
    ))
}

/// Gives rows, and ends nothing.
struct Rows(AtomicI64);

#[async_trait]
impl Downlink for Rows {
    async fn send(&self, _: Order) -> Taken {
        Taken::NotRegistered
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        false
    }

    async fn presence(&self, _: DeviceId) -> Presence {
        Presence::NotRegistered
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        Some((0..count).map(|_| DeviceId(self.0.fetch_add(1, Ordering::Relaxed))).collect())
    }

    async fn follow(&self, _: Arc<Commit>) {}

    async fn end(&self, _: Ending) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn end_sessions(&self, _: &[CredentialId]) {}
}
