//! The demonstration: a server with nothing in it but a handful of simulated devices, which bootstrap over DTLS with keys
//! of their own, register, report, take what is written, sleep and reboot. Everything is gone when it ends.

mod depot;
pub use depot::Depot;

mod player;
pub use player::Player;

pub mod way;

use std::{net::SocketAddr, time::Duration};

use ::device::{Account, Delivery, Device, Factory, Firmware, Life, Profile};
use ::fleet::{
    Actor, Context, EndpointName, EventKind, Fleet, FleetError, GivenPsk, NewDevice, Operation,
    PasswordError, PasswordHash, PublicId, RequestId, Watched,
};
use objects::Version;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{
    Config, Server, StartError, clock,
    config::{self, Addresses, DownloadsConfig},
    fill_random,
};

/// A running demonstration.
pub struct Demo {
    server: Server,
    tasks: Vec<JoinHandle<()>>,
    password: String,
    // Its data goes with it.
    _folder: TempDir,
}

/// Why there is no demonstration.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A device could not be added.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// There is no room for temporary data.
    #[error("no temporary folder can be made: {0}")]
    Folder(std::io::Error),
    /// The administrator could not be made.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// The account that a demonstration is looked at with.
pub const USER: &str = "demo";

/// A kind of device in the demonstration.
struct Kind {
    endpoint: &'static str,
    lwm2m: Version,
    behaviour: Behaviour,
    /// How its firmware can be updated, if it can.
    firmware: Option<Delivery>,
}

#[derive(Clone, Copy)]
enum Behaviour {
    /// It is observed.
    Observed,
    /// It sends by itself.
    Sends,
    /// It is in queue mode: it sends by itself and sleeps in between.
    Sleeps,
}

const KINDS: [Kind; 5] = [
    kind("greenhouse-1", Version::V1_1, Behaviour::Observed, Some(Delivery::Both)),
    kind("greenhouse-2", Version::V1_1, Behaviour::Sends, Some(Delivery::Pull)),
    kind("boiler-room", Version::V1_0, Behaviour::Observed, None),
    kind("cold-store", Version::V1_1, Behaviour::Observed, Some(Delivery::Both)),
    kind("buoy-17", Version::V1_1, Behaviour::Sleeps, None),
];

const fn kind(
    endpoint: &'static str,
    lwm2m: Version,
    behaviour: Behaviour,
    firmware: Option<Delivery>,
) -> Kind {
    Kind { endpoint, lwm2m, behaviour, firmware }
}

impl Demo {
    /// How often a device's values change, and how often those that send by themselves send.
    const PERIOD: Duration = Duration::from_secs(2);

    /// Starts a server as configured, but on loopback and with data of its own, and its devices.
    pub async fn start(config: &Config) -> Result<Self, DemoError> {
        let folder = tempfile::tempdir().map_err(DemoError::Folder)?;
        let server = Server::start(&config.for_demo(folder.path())).await?;
        let fleet = server.fleet();
        let password = make_administrator(fleet, server.welcome().setup_link.as_deref()).await?;
        let mut demo = Self { tasks: Vec::new(), password, server, _folder: folder };
        for (kind, seed) in KINDS.iter().zip(1..) {
            let player = demo.enrol(kind, seed).await?;
            demo.tasks.push(tokio::spawn(player.run()));
        }
        demo.tasks.push(tokio::spawn(observe_thermometers(std::sync::Arc::clone(demo.server.fleet()))));
        Ok(demo)
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The password of [`USER`].
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Ends it.
    pub async fn stop(self) {
        for task in self.tasks {
            task.abort();
        }
        self.server.stop().await;
    }

    async fn enrol(&self, kind: &Kind, seed: u64) -> Result<Player, DemoError> {
        let endpoint = EndpointName::new(kind.endpoint).expect("the names above are well-formed");
        let bootstrap = Some(GivenPsk::default().into());
        let new = NewDevice { endpoint, class: None, bootstrap, management: None };
        let enrolled = self.server.fleet().add_device(&context(), new).await?;
        let shown = enrolled.shown.first().expect("a credential was asked for");
        let server = self.server.addresses().coaps_bootstrap.first().copied();
        let server = server.expect("a demonstration has a bootstrap server");
        let identity = shown.credential.identity.text();
        let key = shown.psk().expect("a pre-shared key was asked for");
        let account = Account::psk(&format!("coaps://{server}"), &identity, key.as_bytes());

        let mut profile = Profile::sensor(kind.endpoint, kind.lwm2m);
        profile.factory = Factory::bootstrap(account);
        profile.epoch_ms = clock::wall().0;
        if let Some(delivery) = kind.firmware {
            profile.firmware = Some(Firmware { delivery, ..Firmware::default() });
            profile.boot_time = BOOT_TIME;
        }
        let sends = !matches!(kind.behaviour, Behaviour::Observed);
        if matches!(kind.behaviour, Behaviour::Sleeps) {
            profile.queue_mode = true;
            profile.awake = Duration::from_secs(10);
        }
        let life = Life::new(seed, Self::PERIOD);
        Ok(Player::new(Device::new(profile, seed), life, sends.then_some(SEND_PERIOD)))
    }
}

/// A sleeper is asleep for most of this.
const SEND_PERIOD: Duration = Duration::from_secs(20);

/// How long it takes to start anew.
const BOOT_TIME: Duration = Duration::from_secs(3);

impl Config {
    /// For a demonstration: on loopback, with DTLS alone, and with data of its own.
    pub fn for_demo(&self, folder: &std::path::Path) -> Self {
        let mut changed = self.clone();
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        changed.profile = config::Profile::Production;
        changed.data_dir.0 = folder.join("data");
        changed.database.url = None;
        changed.coaps.listen = Addresses(vec![at(5684)]);
        changed.coaps.bootstrap_listen = Addresses(vec![at(5784)]);
        changed.coap.listen = Addresses(Vec::new());
        changed.coap.bootstrap_listen = Addresses(Vec::new());
        changed.downloads = DownloadsConfig::default();
        changed.downloads.coaps.listen = Addresses(vec![at(5685)]);
        changed
    }
}

async fn make_administrator(fleet: &Fleet, setup_link: Option<&str>) -> Result<String, DemoError> {
    let mut random = [0; 28];
    fill_random(&mut random);
    let (salt, secret) = random.split_at(16);
    let salt: [u8; 16] = std::array::from_fn(|at| salt[at]);
    let password: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = setup_link.and_then(|link| link.rsplit('/').next()).unwrap_or_default();
    let made = password.clone();
    let hash = tokio::task::spawn_blocking(move || PasswordHash::make(USER, &made, salt)).await;
    let hash = hash.expect("hashing does not panic")?;
    fleet.complete_setup(token, USER, hash, clock::wall(), request()).await?;
    Ok(password)
}

/// Observes the thermometer of each device that has registered, but of those that send by themselves.
async fn observe_thermometers(fleet: std::sync::Arc<Fleet>) {
    let Ok(mut events) = fleet.subscribe(&context()).await else { return };
    while let Some(watched) = events.next().await {
        let Watched::Event(event) = watched else { continue };
        if event.kind == EventKind::Registered {
            tokio::spawn(observe(std::sync::Arc::clone(&fleet), event.public_id));
        }
    }
}

async fn observe(fleet: std::sync::Arc<Fleet>, device: PublicId) {
    let Ok(detail) = fleet.device(&context(), device).await else { return };
    let sends = |kind: &Kind| {
        kind.endpoint == detail.view.device.endpoint.as_str()
            && !matches!(kind.behaviour, Behaviour::Observed)
    };
    if KINDS.iter().any(sends) {
        return;
    }
    let path = "/3303/0/5700".parse().expect("the path is well-formed");
    if let Err(error) =
        fleet.operate(&context(), device, Operation::Observe { path, format: None }, None).await
    {
        tracing::debug!(%error, "a device of the demonstration is not observed");
    }
}

fn context() -> Context {
    Context { actor: Actor::Server("demo"), now: clock::wall(), request: request() }
}

fn request() -> RequestId {
    let mut random = [0; 16];
    fill_random(&mut random);
    RequestId::from_random(random)
}
