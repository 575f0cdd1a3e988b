//! A yard: one server that is killed and started again, and devices that outlive it. What runs have in common in which one thing
//! happens on purpose, to many devices, instead of everything by a seed.
//!
//! A [`Play`] says what is played; [`Yard::live_through`] plays it.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64},
    time::Duration,
};

use device::{Account, Event, Factory, Profile, Weather};
use fleet::{
    Actor, ClassId, Context, EndpointName, Fleet, FleetError, GivenPsk, Library, MemoryBlobs, NewDevice,
    PskIdentity, PskKey, PublicId, RequestId, Store, Timestamp,
};
use objects::Registry;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use server::{Assembly, Clock, Config, Entropy, Parts, config};
use tokio::runtime::Builder;

use crate::{
    bench::Bench,
    network::{Air, Arrival, Datagram, Wire},
    node::{Happening, Node, Way},
    panics,
    store::{FaultyStore, Ground, Kind},
    world::round_up,
};

/// 2026-01-01.
const ORIGIN: Timestamp = Timestamp(1_767_225_600_000);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// When the server is killed.
#[derive(Clone, Debug)]
pub struct Kills {
    /// How long it lives.
    pub after: RangeInclusive<Duration>,
    /// How long that goes on: what lives for seconds never learns that a device does not answer.
    pub until: Duration,
}

/// What is played in a yard.
pub(crate) trait Play {
    /// How often it is looked at.
    const LOOK_EVERY: Duration;

    /// Somebody sets the world up, in the first life of the server.
    async fn set_up(&mut self, yard: &mut Yard, fleet: &Fleet) -> Result<(), FleetError>;

    /// A device tells of something.
    fn told(&mut self, yard: &mut Yard, device: usize, event: &Event);

    /// Looks at how it stands, and does what people do. Whether it is over.
    async fn look(&mut self, yard: &mut Yard, fleet: &Fleet) -> Result<bool, FleetError>;
}

/// The server, whenever it lives, and the devices.
pub(crate) struct Yard {
    pub(crate) random: StdRng,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) lives: u32,
    pub(crate) bench: Arc<Bench>,
    air: Arc<Air>,
    blobs: Arc<MemoryBlobs>,
    config: Arc<Config>,
    library: Library,
    residents: Vec<Resident>,
    /// When a device wants time, and which.
    timers: BTreeSet<(Duration, usize)>,
    kills: Option<Kills>,
    killed_at: Option<Duration>,
    /// It is about to die: nobody asks it anything any more.
    is_doomed: bool,
    look_at: Duration,
    is_over: bool,
}

/// A device.
pub(crate) struct Resident {
    pub(crate) node: Node,
    pub(crate) endpoint: EndpointName,
    key: [u8; 16],
    due: Option<Duration>,
    starts_at: Option<Duration>,
}

impl Yard {
    /// One without devices, on SQLite.
    pub(crate) fn new(seed: u64, kills: Option<Kills>) -> Self {
        let bench = Arc::new(Bench::new(0));
        let mut random = StdRng::seed_from_u64(seed);
        let store = FaultyStore::new(Arc::clone(&bench), Ground::new(Kind::Sqlite), random.random());
        Self {
            air: Arc::new(Air::new(Arc::clone(&bench))),
            store: Arc::new(store),
            bench,
            blobs: Arc::new(MemoryBlobs::new()),
            config: Arc::new(configuration()),
            library: Library::new(Arc::new(Registry::core())),
            residents: Vec::new(),
            timers: BTreeSet::new(),
            kills,
            killed_at: None,
            is_doomed: false,
            look_at: Duration::ZERO,
            is_over: false,
            lives: 0,
            random,
        }
    }

    /// A device that is off, behind a network that loses so much of what it is given.
    pub(crate) fn add(&mut self, mut profile: Profile, loss: f64) {
        let number = self.residents.len();
        profile.epoch_ms = ORIGIN.0;
        let key: [u8; 16] = self.random.random();
        let to = SocketAddr::from((SERVER, 5684));
        profile.factory =
            Factory::management(Account::psk(&format!("coaps://{to}"), &profile.endpoint, &key));
        let endpoint = EndpointName::new(profile.endpoint.clone()).expect("its name is short and plain");
        let port = u16::try_from(number % 50_000).unwrap_or_default();
        let subnet = u8::try_from(number / 50_000).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::new(10, 1, subnet, 1), 10_000 + port));
        let seed = self.random.random();
        self.air.connect(address, seed);
        self.air.set_weather(number, Weather::lossy(loss));
        let way = Way { secure: true, connection_id: true, resumes: true, bootstraps: false };
        let node = Node::new(profile, way, address, to, seed);
        self.residents.push(Resident { node, endpoint, key, due: None, starts_at: None });
    }

    /// Adds a device to the fleet.
    pub(crate) async fn enrol(
        &self,
        fleet: &Fleet,
        device: usize,
        class: ClassId,
    ) -> Result<PublicId, FleetError> {
        let Resident { endpoint, key, .. } = &self.residents[device];
        let identity = PskIdentity::new(endpoint.as_str().as_bytes()).expect("an identity is short");
        let psk =
            GivenPsk { identity: Some(identity), key: Some(PskKey::new(*key).expect("16 bytes are a key")) };
        let new = NewDevice {
            endpoint: endpoint.clone(),
            class: Some(class),
            bootstrap: None,
            management: Some(psk.into()),
        };
        Ok(fleet.add_device(&self.context(), new).await?.device.public_id)
    }

    /// Turns a device on, at some moment within that time.
    pub(crate) fn start_within(&mut self, device: usize, within: Duration) {
        let after = within.mul_f64(self.random.random());
        self.residents[device].starts_at = Some(round_up(self.bench.now() + after));
        self.set_timer(device);
    }

    pub(crate) fn context(&self) -> Context {
        let request = RequestId::from_random([9; 16]);
        Context { actor: Actor::COMMAND_LINE, now: ORIGIN.after(self.bench.now()), request }
    }

    pub(crate) fn now(&self) -> Duration {
        self.bench.now()
    }

    pub(crate) fn devices(&self) -> &[Resident] {
        &self.residents
    }

    /// Does something with a device.
    pub(crate) fn call<T>(
        &mut self,
        play: &mut impl Play,
        device: usize,
        call: impl FnOnce(&mut device::Device, Duration) -> T,
    ) -> T {
        let now = self.bench.now();
        let result = self.residents[device].node.call(now, call);
        self.drain(play, device);
        result
    }

    /// Plays it to its end, or until something is wrong.
    pub(crate) fn live_through(&mut self, play: &mut impl Play) {
        let _watch = panics::watch();
        while !self.is_over && self.bench.violation().is_none() {
            self.lives += 1;
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.expect("a runtime without input and output needs nothing of the system");
            runtime.block_on(async {
                self.bench.enter();
                self.live_and_die(play).await;
                self.bench.die();
                self.air.close();
                self.store.crash();
                self.store.news();
                self.bench.leave();
            });
        }
    }

    async fn live_and_die<P: Play>(&mut self, play: &mut P) {
        self.bench.revive();
        (self.killed_at, self.is_doomed) = (None, false);
        let wire = Wire(Arc::clone(&self.air));
        let random = Mutex::new(StdRng::seed_from_u64(self.random.random()));
        let origin = self.bench.instant(self.bench.now());
        let parts = Parts {
            config: &Arc::clone(&self.config),
            library: self.library.clone(),
            network: &wire,
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            blobs: Arc::clone(&self.blobs) as Arc<dyn fleet::Blobs>,
            clock: Clock::simulated(origin, ORIGIN.after(self.bench.now()), Arc::new(AtomicI64::new(0))),
            entropy: Entropy::new(move |bytes| {
                random.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
            }),
            seed: [7; 32],
            seed_is_new: false,
            offers: Vec::new(),
            issuer: None,
        };
        let assembly = match Assembly::start(parts).await {
            Ok(assembly) => assembly,
            Err(error) => return self.bench.violate("yard", format!("the server does not start: {error}")),
        };
        if self.lives == 1
            && let Err(error) = play.set_up(self, assembly.fleet()).await
        {
            return self.bench.violate("yard", format!("it can't be set up: {error}"));
        }
        let now = self.bench.now();
        if let Some(kills) = self.kills.clone().filter(|kills| now < kills.until) {
            let from = u64::try_from(kills.after.start().as_millis()).unwrap_or(u64::MAX);
            let upto = u64::try_from(kills.after.end().as_millis()).unwrap_or(u64::MAX);
            let after = Duration::from_millis(self.random.random_range(from..=upto));
            self.killed_at = Some(now + after);
        }
        while self.goes_on() {
            if !assembly.is_whole() {
                self.bench.violate("yard", "a task of the server has ended by itself");
            }
            self.step(play).await;
            let now = self.bench.now();
            if self.look_at <= now && !self.is_doomed && self.goes_on() {
                self.look_at = now + P::LOOK_EVERY;
                match play.look(self, assembly.fleet()).await {
                    Ok(is_over) => self.is_over = is_over,
                    Err(error) => self.bench.violate("yard", format!("what people ask is refused: {error}")),
                }
            }
        }
    }

    /// Sleeps until something happens, and does what is due.
    async fn step(&mut self, play: &mut impl Play) {
        let timer = self.timers.first().map(|(at, _)| round_up(*at));
        let look_at = Some(self.look_at).filter(|_| !self.is_doomed);
        let due = [self.air.due(), timer, self.killed_at, look_at].into_iter().flatten().min();
        let until = self.bench.instant(due.unwrap_or_else(|| self.bench.now() + Duration::from_secs(1)));
        tokio::select! {
            biased;
            () = self.bench.pulse.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
        let now = self.bench.now();
        drop((self.air.outgoing(), self.store.news()));
        while let Some((arrival, datagram)) = self.air.arrive(now) {
            if let Arrival::Device(device) = arrival {
                self.residents[device].node.handle_datagram(now, datagram.from, datagram.bytes);
                self.drain(play, device);
            }
        }
        while let Some((_, device)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            let one = &mut self.residents[device];
            if one.starts_at.is_some_and(|at| at <= now) {
                one.starts_at = None;
                one.node.start(now);
            }
            one.node.handle_timeout(now);
            self.drain(play, device);
        }
        if self.killed_at.is_some_and(|at| at <= now) {
            (self.killed_at, self.is_doomed) = (None, true);
            // In the middle of something, sooner or later.
            self.bench.die_after(self.random.random_range(1..20));
        }
    }

    fn drain(&mut self, play: &mut impl Play, device: usize) {
        let one = &mut self.residents[device];
        let mut told = Vec::new();
        for happening in one.node.happened() {
            match happening {
                Happening::Sent { to, bytes, .. } => {
                    let from = one.node.address;
                    let datagram = Datagram { from, to, bytes, message: None, life: 0, replayed: false };
                    self.air.send(device, datagram);
                }
                Happening::Told(event) => told.push(event),
                _ => {}
            }
        }
        for event in told {
            play.told(self, device, &event);
        }
        self.set_timer(device);
    }

    fn set_timer(&mut self, device: usize) {
        let one = &mut self.residents[device];
        let due = [one.node.poll_timeout(), one.starts_at].into_iter().flatten().min();
        if due != one.due {
            if let Some(before) = std::mem::replace(&mut one.due, due) {
                self.timers.remove(&(before, device));
            }
            self.timers.extend(due.map(|at| (at, device)));
        }
    }

    fn goes_on(&self) -> bool {
        if let Some(panic) = panics::take() {
            self.bench.violate("I-19", panic);
        }
        self.bench.is_alive() && !self.is_over && self.bench.violation().is_none()
    }
}

fn configuration() -> Config {
    let mut configuration = Config::lab();
    configuration.public_host = SERVER.to_string().parse().expect("an address is a host");
    configuration.coaps.listen = config::Addresses(vec![SocketAddr::from((SERVER, 5684))]);
    configuration.coaps.bootstrap_listen = config::Addresses(Vec::new());
    configuration.coap.listen = config::Addresses(Vec::new());
    configuration.coap.bootstrap_listen = config::Addresses(Vec::new());
    configuration
}
