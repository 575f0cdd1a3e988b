//! The lives of the server, and the devices that outlive it.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicI64},
    time::Duration,
};

use device::{Account as ServerAccount, Event, Factory, FirmwareState, Profile, TestImage, Weather};
use fleet::{
    Actor, ArtefactKind, ClassId, Context, DeviceId, EndpointName, Fleet, FleetError, GivenPsk, Library,
    MemoryBlobs, NewArtefact, NewDevice, NewUpdate, PskIdentity, PskKey, PublicId, RequestId, Sends, Store,
    Timestamp, UpdatePolicy,
    store::{PageRequest, UpdateQuery},
    update::UpdateTerms,
};
use objects::{Registry, Version};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use server::{Assembly, Clock, Config, Entropy, Parts, config};
use tokio::runtime::Builder;

use super::{Account, Behaviour, Field, Report, VERSION};
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
/// It is over then, whatever has not ended.
const LIMIT: Duration = Duration::from_secs(4 * 3_600);
/// How often it is looked whether all updates have ended.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Within which the devices come.
const COME_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct World {
    field: Field,
    random: StdRng,
    bench: Arc<Bench>,
    air: Arc<Air>,
    store: Arc<FaultyStore>,
    blobs: Arc<MemoryBlobs>,
    config: Arc<Config>,
    library: Library,
    devices: Vec<FieldDevice>,
    /// When a device wants time, and which.
    timers: BTreeSet<(Duration, usize)>,
    killed_at: Option<Duration>,
    look_at: Duration,
    is_over: bool,
    lives: u32,
}

struct FieldDevice {
    node: Node,
    endpoint: EndpointName,
    key: [u8; 16],
    behaviour: Behaviour,
    due: Option<Duration>,
    touched: bool,
    starts_at: Option<Duration>,
}

impl World {
    pub(super) fn new(field: &Field) -> Self {
        let bench = Arc::new(Bench::new(0));
        let mut random = StdRng::seed_from_u64(field.seed);
        let store = FaultyStore::new(Arc::clone(&bench), Ground::new(Kind::Sqlite), random.random());
        let mut world = Self {
            field: field.clone(),
            air: Arc::new(Air::new(Arc::clone(&bench))),
            store: Arc::new(store),
            bench,
            blobs: Arc::new(MemoryBlobs::new()),
            config: Arc::new(configuration()),
            library: Library::new(Arc::new(Registry::core())),
            devices: Vec::new(),
            timers: BTreeSet::new(),
            killed_at: None,
            look_at: Duration::ZERO,
            is_over: false,
            lives: 0,
            random,
        };
        (0..field.devices).for_each(|device| world.add_device(device));
        world
    }

    fn add_device(&mut self, number: usize) {
        let behaviour = Behaviour::of(number);
        let name = format!("field-{number}");
        let mut profile = Profile::sensor(&name, Version::V1_1);
        profile.lifetime = 300;
        profile.retry = Duration::from_secs(self.random.random_range(2..20));
        profile.boot_time = Duration::from_millis(self.random.random_range(500..5_000));
        profile.epoch_ms = ORIGIN.0;
        behaviour.equip(&mut profile, self.field.image);
        let key: [u8; 16] = self.random.random();
        let to = SocketAddr::from((SERVER, 5684));
        profile.factory = Factory::management(ServerAccount::psk(&format!("coaps://{to}"), &name, &key));
        let port = u16::try_from(number % 50_000).unwrap_or_default();
        let subnet = u8::try_from(number / 50_000).unwrap_or_default();
        let address = SocketAddr::from((Ipv4Addr::new(10, 1, subnet, 1), 10_000 + port));
        let seed = self.random.random();
        self.air.connect(address, seed);
        self.air.set_weather(number, Weather::lossy(self.field.loss));
        let way = Way { secure: true, connection_id: true, resumes: true, bootstraps: false };
        self.devices.push(FieldDevice {
            node: Node::new(profile, way, address, to, seed),
            endpoint: EndpointName::new(name).expect("the name is short and plain"),
            key,
            behaviour,
            due: None,
            touched: false,
            starts_at: None,
        });
    }

    pub(super) fn play(mut self) -> Report {
        let _watch = panics::watch();
        while !self.is_over && self.bench.violation().is_none() {
            self.lives += 1;
            self.live();
        }
        let accounts = (0..self.devices.len()).map(|device| self.account(device)).collect();
        let violation = self.bench.violation().map(|violation| violation.text);
        Report { accounts, lives: self.lives, lasted: self.bench.now(), violation }
    }

    fn live(&mut self) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without input and output needs nothing of the system");
        runtime.block_on(async {
            self.bench.enter();
            self.live_and_die().await;
            self.bench.die();
            self.air.close();
            self.store.crash();
            self.store.news();
            self.bench.leave();
        });
    }

    async fn live_and_die(&mut self) {
        self.bench.revive();
        self.killed_at = None;
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
            Err(error) => return self.bench.violate("field", format!("the server does not start: {error}")),
        };
        if self.lives == 1
            && let Err(error) = self.set_up(assembly.fleet()).await
        {
            return self.bench.violate("field", format!("the updates can't be begun: {error}"));
        }
        let now = self.bench.now();
        if let Some(kills) = self.field.kills.clone().filter(|kills| now < kills.until) {
            let from = u64::try_from(kills.after.start().as_millis()).unwrap_or(u64::MAX);
            let upto = u64::try_from(kills.after.end().as_millis()).unwrap_or(u64::MAX);
            let after = Duration::from_millis(self.random.random_range(from..=upto));
            self.killed_at = Some(now + after);
        }
        while self.goes_on() {
            if !assembly.is_whole() {
                self.bench.violate("field", "a task of the server has ended by itself");
            }
            self.step().await;
        }
    }

    /// Somebody adds all devices, uploads an image and asks for all updates, before any of them has come. Then a class is not
    /// to have it any more.
    async fn set_up(&mut self, fleet: &Fleet) -> Result<(), FleetError> {
        let context = self.context();
        let forbidden = fleet.add_class(&context, "forbidden").await?.id;
        let takes = |class, unsigned| UpdatePolicy { unsigned, ..UpdatePolicy::new(class) };
        let mut images = Vec::new();
        for class in [ClassId::DEFAULT, forbidden] {
            fleet.set_update_policy(&context, takes(class, true)).await?;
            let mut upload = fleet.begin_upload(&context).await?;
            upload.append(&TestImage::bytes(VERSION, self.field.image)).await?;
            let new = NewArtefact {
                name: "field".to_owned(),
                kind: Some(ArtefactKind::Firmware),
                version: Some(VERSION.to_owned()),
                class,
                not_after: None,
                signed: None,
                sends: Sends::Image,
            };
            images.push((class, fleet.add_artefact(&context, new, Some(upload), None).await?.id, Vec::new()));
        }
        for device in 0..self.devices.len() {
            let of = usize::from(self.devices[device].behaviour == Behaviour::Forbidden);
            let added = self.enrol(fleet, device, images[of].0).await?;
            images[of].2.push(added);
        }
        for (_, artefact, devices) in &images {
            let new = NewUpdate { artefact: *artefact, instance: None, terms: terms(), ticket: None };
            for begun in fleet.begin_updates(&self.context(), &new, devices).await? {
                begun.update?;
            }
        }
        fleet.set_update_policy(&self.context(), takes(forbidden, false)).await?;
        let now = self.bench.now();
        for device in 0..self.devices.len() {
            let after = COME_WITHIN.mul_f64(self.random.random());
            let after = Duration::from_millis(u64::try_from(after.as_millis()).unwrap_or_default());
            if self.devices[device].behaviour.comes() {
                self.devices[device].starts_at = Some(now + after);
                self.set_timer(device);
            }
        }
        Ok(())
    }

    async fn enrol(&self, fleet: &Fleet, device: usize, class: ClassId) -> Result<PublicId, FleetError> {
        let FieldDevice { endpoint, key, .. } = &self.devices[device];
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

    fn context(&self) -> Context {
        let request = RequestId::from_random([9; 16]);
        Context { actor: Actor::COMMAND_LINE, now: ORIGIN.after(self.bench.now()), request }
    }

    /// Sleeps until something happens, and does what is due.
    async fn step(&mut self) {
        let timer = self.timers.first().map(|(at, _)| round_up(*at));
        let due = [self.air.due(), timer, self.killed_at, Some(self.look_at)].into_iter().flatten().min();
        let until = self.bench.instant(due.unwrap_or(self.look_at));
        tokio::select! {
            biased;
            () = self.bench.pulse.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
        let now = self.bench.now();
        drop((self.air.outgoing(), self.store.news()));
        while let Some((arrival, datagram)) = self.air.arrive(now) {
            if let Arrival::Device(device) = arrival {
                self.devices[device].node.handle_datagram(now, datagram.from, datagram.bytes);
                self.drain(device);
            }
        }
        while let Some((_, device)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            let one = &mut self.devices[device];
            if one.starts_at.is_some_and(|at| at <= now) {
                one.starts_at = None;
                one.node.start(now);
            }
            one.node.handle_timeout(now);
            self.drain(device);
        }
        if self.killed_at.is_some_and(|at| at <= now) {
            self.killed_at = None;
            // In the middle of something, sooner or later.
            self.bench.die_after(self.random.random_range(1..20));
        }
        if self.look_at <= now {
            self.look_at = now + LOOK_EVERY;
            self.is_over = now >= LIMIT || self.all_have_ended();
        }
    }

    fn drain(&mut self, device: usize) {
        let one = &mut self.devices[device];
        for happening in one.node.happened() {
            match happening {
                Happening::Sent { to, bytes, .. } => {
                    let from = one.node.address;
                    let datagram = Datagram { from, to, bytes, message: None, life: 0, replayed: false };
                    self.air.send(device, datagram);
                }
                Happening::Told(Event::Firmware { state, .. }) => {
                    one.touched |= state != FirmwareState::Idle;
                }
                _ => {}
            }
        }
        self.set_timer(device);
    }

    fn set_timer(&mut self, device: usize) {
        let one = &mut self.devices[device];
        let due = [one.node.poll_timeout(), one.starts_at].into_iter().flatten().min();
        if due != one.due {
            if let Some(before) = std::mem::replace(&mut one.due, due) {
                self.timers.remove(&(before, device));
            }
            self.timers.extend(due.map(|at| (at, device)));
        }
    }

    fn all_have_ended(&self) -> bool {
        let counts = self.store.durable(|store| store.update_counts(None)).unwrap_or_default();
        let ended: u64 = counts.iter().filter(|(phase, _)| phase.is_final()).map(|(_, count)| count).sum();
        ended == self.devices.len() as u64
    }

    fn account(&self, device: usize) -> Account {
        let FieldDevice { node, endpoint, behaviour, touched, .. } = &self.devices[device];
        let row = self.store.durable(|store| store.device_by_endpoint(endpoint)).ok().flatten();
        let row: DeviceId = row.expect("every device was added").device.id;
        let page = PageRequest { after: None, limit: 10 };
        let query = UpdateQuery { device: Some(row), ..UpdateQuery::all(page) };
        let updates = self.store.durable(|store| store.updates(&query)).map(|page| page.rows);
        let updates = updates.unwrap_or_default();
        let [update] = &updates[..] else { panic!("{endpoint} has {} updates", updates.len()) };
        let firmware = node.device.firmware();
        Account {
            behaviour: *behaviour,
            phase: update.phase,
            detail: update.detail.clone(),
            notes: update.notes.iter().map(|note| note.text.clone()).collect(),
            installs: firmware.map_or(0, |firmware| firmware.installs),
            runs: firmware.map_or_else(|| "1.0".to_owned(), |firmware| firmware.version.to_owned()),
            touched: *touched || firmware.is_some_and(|firmware| firmware.received > 0),
        }
    }

    fn goes_on(&self) -> bool {
        if let Some(panic) = panics::take() {
            self.bench.violate("I-19", panic);
        }
        self.bench.is_alive() && !self.is_over && self.bench.violation().is_none()
    }
}

fn terms() -> UpdateTerms {
    UpdateTerms {
        quiet: Duration::from_secs(120),
        download_within: Duration::from_secs(600),
        install_within: Duration::from_secs(300),
        defer_up_to: Some(Duration::from_secs(600)),
        give_up_after: Duration::from_secs(2 * 3_600),
        ..UpdateTerms::default()
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
