//! The world: one life of the server after the other, and everything round it.
//!
//! Each life has a runtime of its own on paused time, in which the server's own tasks run. The world is that runtime's main
//! future: it sleeps until something is due outside the server, does it, and drains what came of it. When the server dies, the
//! runtime is dropped with all its tasks; the store, the network and the devices stay.

mod acts;
mod life;
mod people;
mod strangers;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use device::{Account, Factory, Profile};
use fleet::{Fleet, Library, Timestamp};
use objects::{ContentFormat, Registry, Version};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use server::{Config, config};

use crate::{
    bench::{Bench, note},
    gauges::Gauges,
    invariants::{Checks, View},
    model::{Known, Model},
    network::{Air, Arrival, Datagram, is_stranger},
    node::{Happening, Node, Way},
    seed::{Plan, Trouble},
    store::{FaultyStore, Ground},
    verbs::{Answers, Psk},
};
use acts::Act;
pub(crate) use life::run;
use strangers::Strangers;

/// Everything of a run.
struct World {
    plan: Plan,
    random: StdRng,
    bench: Arc<Bench>,
    air: Arc<Air>,
    store: Arc<FaultyStore>,
    gauges: Gauges,
    config: Arc<Config>,
    library: Library,
    model: Model,
    checks: Checks,
    nodes: Vec<Node>,
    keys: Vec<Psk>,
    answers: Answers,
    /// How far the wall clock is off, in milliseconds.
    wall_off: Arc<AtomicI64>,
    /// What is to be done, and when.
    agenda: BTreeMap<(Duration, u64), Act>,
    acts: u64,
    /// Whether things go wrong no more.
    calm: bool,
    ended: bool,
    /// The number of the last Send.
    sends: u64,
    /// The last octets of the addresses that were given.
    addresses: u16,
    abandoned: Vec<SocketAddr>,
    /// The verbs of the server, while it is up.
    fleet: Option<Arc<Fleet>>,
    /// Whether somebody stops the server.
    stops: bool,
    strangers: Strangers,
    /// Devices that were added.
    enrolled: BTreeSet<usize>,
    /// The last time, and how many steps were done at it.
    still: (Duration, u32),
}

/// 2026-01-01, when the run begins.
const ORIGIN: Timestamp = Timestamp(1_767_225_600_000);

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// How long things are well before it is looked whether all is well.
const QUIET: Duration = Duration::from_secs(720);

/// How much may happen at one moment.
const STEPS_AT_ONCE: u32 = 10_000;

fn at_server(port: u16) -> SocketAddr {
    SocketAddr::from((SERVER, port))
}

impl World {
    fn new(plan: Plan, keep: usize, gauges: Gauges, inner: Ground) -> Self {
        let mut random = StdRng::seed_from_u64(plan.draws);
        let bench = Arc::new(Bench::new(keep));
        let store = FaultyStore::new(Arc::clone(&bench), inner, random.random());
        if let Some(failure) = plan.failure {
            store.fail(failure);
        }
        let mut world = Self {
            random: StdRng::seed_from_u64(random.random()),
            air: Arc::new(Air::new(Arc::clone(&bench))),
            store: Arc::new(store),
            bench,
            gauges,
            config: Arc::new(configuration()),
            library: Library::new(Arc::new(Registry::core())),
            model: Model::default(),
            checks: Checks::default(),
            nodes: Vec::new(),
            keys: Vec::new(),
            answers: Answers::default(),
            wall_off: Arc::default(),
            agenda: BTreeMap::new(),
            acts: 0,
            calm: false,
            ended: false,
            // Above what any value is that a device comes with.
            sends: 1_000,
            addresses: 0,
            abandoned: Vec::new(),
            fleet: None,
            stops: false,
            strangers: Strangers::default(),
            enrolled: BTreeSet::new(),
            still: (Duration::ZERO, 0),
            plan,
        };
        for _ in 0..world.plan.devices {
            world.add_device();
        }
        world.plan_acts();
        world
    }

    fn add_device(&mut self) {
        let number = self.nodes.len();
        let (endpoint, random) = (format!("node-{number}"), &mut self.random);
        let version = if random.random_bool(0.2) { Version::V1_0 } else { Version::V1_1 };
        let mut profile = if random.random_bool(0.3) {
            Profile::sleeper(&endpoint, version)
        } else {
            Profile::sensor(&endpoint, version)
        };
        profile.lifetime = [60, 120, 300, 600][random.random_range(0..4)];
        profile.retry = Duration::from_secs(random.random_range(2..10));
        profile.boot_time = Duration::from_millis(random.random_range(0..5_000));
        profile.confirmable_notifications = random.random_bool(0.5);
        profile.epoch_ms = ORIGIN.0;
        if version >= Version::V1_1 && random.random_bool(0.3) {
            profile.preferred_format = ContentFormat::SENML_CBOR;
        }
        let secure = random.random_bool(0.8);
        let way = Way {
            secure,
            connection_id: random.random_bool(0.6),
            resumes: random.random_bool(0.6),
            bootstraps: secure && random.random_bool(0.3),
        };
        let key: [u8; 16] = random.random();
        let seed = random.random();
        let account = |port| Account::psk(&format!("coaps://{}", at_server(port)), &endpoint, &key);
        if way.bootstraps {
            profile.factory = Factory::bootstrap(account(5784));
        } else if secure {
            profile.factory = Factory::management(account(5684));
        }
        let address = self.next_address();
        note!(self.bench, "{endpoint}: {version} lt={} {way:?} at {address}", profile.lifetime);
        self.air.connect(address, seed);
        self.nodes.push(Node::new(profile, way, address, at_server(5683), seed));
        self.keys.push(Psk { identity: endpoint.clone(), key });
        self.model.devices.push(Known::named(endpoint));
    }

    fn next_address(&mut self) -> SocketAddr {
        self.addresses += 1;
        SocketAddr::from((Ipv4Addr::new(10, 1, self.random.random_range(0..4), 1), 20_000 + self.addresses))
    }

    /// What the wall clock of the server shows.
    fn wall(&self) -> Timestamp {
        Timestamp(ORIGIN.after(self.bench.now()).0 + self.wall_off.load(Ordering::Relaxed))
    }

    /// When something outside the server is due.
    fn due(&self) -> Duration {
        let nodes = self.nodes.iter().filter_map(Node::poll_timeout).min().map(round_up);
        let acts = self.agenda.first_key_value().map(|((at, _), _)| *at);
        [self.air.due(), nodes, acts].into_iter().flatten().min().unwrap_or(Duration::MAX)
    }

    /// Sleeps until something happens, and does what is due.
    async fn step(&mut self) {
        let due = self.bench.instant(self.due());
        tokio::select! {
            biased;
            () = self.bench.pulse.notified() => {}
            () = tokio::time::sleep_until(due) => {}
        }
        let now = self.bench.now();
        self.still = if self.still.0 == now { (now, self.still.1 + 1) } else { (now, 0) };
        if self.still.1 > STEPS_AT_ONCE {
            self.bench.violate("I-19", "time stands still: something is due for ever");
        }
        self.take_news();
        while let Some((arrival, datagram)) = self.air.arrive(now) {
            self.arrive(now, &arrival, datagram);
        }
        for device in 0..self.nodes.len() {
            if self.nodes[device].poll_timeout().is_some_and(|due| due <= now) {
                self.nodes[device].handle_timeout(now);
                self.drain(device, None, 0);
            }
        }
        while let Some(act) =
            self.agenda.first_entry().filter(|act| act.key().0 <= now).map(|act| act.remove())
        {
            self.act(now, act);
        }
    }

    fn arrive(&mut self, now: Duration, arrival: &Arrival, datagram: Datagram) {
        if let Arrival::Server(_) = arrival {
            if self.has(Trouble::Strangers) && !is_stranger(datagram.from) {
                self.overheard(&datagram);
            }
            self.check(|checks, view| checks.received(view, &datagram));
        }
        let Datagram { from, to, bytes, message, life, .. } = datagram;
        match arrival {
            Arrival::Server(order) => {
                note!(self.bench, "{from} > {} {}", to.port(), short(&bytes));
                if let Some(message) = message {
                    let in_the_clear = (to.port() == 5683).then_some(from);
                    self.model.arrived(message, *order, self.bench.life(), now, in_the_clear);
                }
            }
            Arrival::Device(device) => {
                note!(self.bench, "{} > {to} (node-{device}) {}", from.port(), short(&bytes));
                self.nodes[*device].handle_datagram(now, from, bytes);
                self.drain(*device, None, life);
            }
            Arrival::Nowhere => {}
        }
    }

    /// Takes note of what a device did, and lets its datagrams fly. What is heard came in this life of the server; what is said
    /// anew may be the Send of this number.
    fn drain(&mut self, device: usize, send: Option<u64>, life: u32) {
        for happening in self.nodes[device].happened() {
            let power_cycles = self.nodes[device].power_cycles;
            match happening {
                Happening::Sent { to, bytes, message } => {
                    if let Some(message) = &message {
                        self.checks.said(device, message);
                    }
                    let said =
                        message.and_then(|message| self.model.said(device, power_cycles, &message, send));
                    let from = self.nodes[device].address;
                    let stranger = self.redirects(device, &bytes);
                    let from = stranger.unwrap_or(from);
                    let datagram = Datagram { from, to, bytes, message: said, life: 0, replayed: false };
                    match stranger {
                        Some(_) => self.air.throw(datagram),
                        None => self.air.send(device, datagram),
                    }
                }
                Happening::Heard(bytes) => {
                    if let Some(text) = self.model.heard(device, power_cycles, life, &bytes) {
                        self.bench.violate("I-7", text);
                    }
                    self.check(|checks, view| checks.heard(view, device, life, &bytes));
                }
                Happening::Told(event) => {
                    note!(self.bench, "node-{device}: {event:?}");
                    self.check(|checks, view| checks.told(view, device, &event));
                    if self.model.told(device, &event) {
                        self.check(|checks, view| checks.acknowledged(view, device));
                    }
                }
                Happening::Connected => note!(self.bench, "node-{device}: connected"),
                Happening::Refused(why) => note!(self.bench, "node-{device}: handshake failed: {why}"),
            }
        }
    }

    fn take_news(&mut self) {
        for datagram in self.air.outgoing() {
            self.check(|checks, view| checks.sent(view, &datagram));
        }
        for news in self.store.news() {
            self.check(|checks, view| checks.durable(view, &news));
        }
        for done in self.answers.take() {
            self.told(done);
        }
    }

    fn check(&mut self, check: impl FnOnce(&mut Checks, &mut View<'_>)) {
        let mut view = View {
            bench: &self.bench,
            store: &self.store,
            model: &mut self.model,
            nodes: &self.nodes,
            gauges: &self.gauges,
        };
        check(&mut self.checks, &mut view);
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.plan.has(trouble) && !self.calm
    }
}

fn configuration() -> Config {
    let listen = |port| config::Addresses(vec![at_server(port)]);
    let mut configuration = Config::lab();
    configuration.public_host = SERVER.to_string().parse().expect("an address is a host");
    (configuration.coaps.listen, configuration.coaps.bootstrap_listen) = (listen(5684), listen(5784));
    (configuration.coap.listen, configuration.coap.bootstrap_listen) = (listen(5683), listen(5783));
    configuration.coap.follow_address_changes = true;
    configuration
}

/// Runtimes know milliseconds.
pub(crate) fn round_up(at: Duration) -> Duration {
    let millis = at.as_nanos().div_ceil(1_000_000);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// A datagram in a few words.
fn short(bytes: &[u8]) -> String {
    match coap::Message::parse(bytes) {
        Ok(message) => {
            let path = message.options.strings(coap::OptionNumber::URI_PATH).unwrap_or_default().join("/");
            format!("{:?} {} mid={} /{path}", message.kind, message.code, message.id.0)
        }
        Err(_) => {
            let head: String = bytes.iter().take(13).map(|byte| format!("{byte:02x}")).collect();
            format!("dtls {head} {} bytes", bytes.len())
        }
    }
}
