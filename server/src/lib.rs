//! The server: the runtime round the domain, and the one place that constructs the whole.
//!
//! Start with [`Server::start`]. It reads what the store holds, binds the sockets of [`Config`], and runs a shard for the
//! devices (`endpoint`, which speaks LwM2M through `binding`), the console (`web`) and the background work (`tasks`).

mod addresses;
mod binding;
mod clock;
pub mod config;
mod data_dir;
pub mod demo;
mod endpoint;
mod gate;
mod health;
mod http;
mod issuer;
mod listen;
mod models;
pub mod offline;
pub mod probe;
mod seal;
mod secure;
pub mod service;
mod store;
mod tasks;
pub mod telemetry;
#[doc(hidden)]
pub mod testing;
mod tls;
mod webhooks;
mod welcome;

use std::{io, net::SocketAddr, sync::Arc};

use ::fleet::{Feed, Fleet, Library, Limits, NodeId, Roster, ServerKeys, Source, Store};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::{info, warn};
use zeroize::Zeroizing;

pub use addresses::Addresses;
pub use config::Config;
pub use data_dir::DataDirError;
pub use models::ModelsError;
pub use seal::{KeyId, KeySource, SealError, SealKeyError};
pub use secure::OwnKeyError;
pub use store::{Database, OpenError, SqlStore};
pub use tls::{PairError, SelfSignedError, TlsError};
pub use welcome::Welcome;

use crate::{
    clock::Clock,
    data_dir::DataDir,
    endpoint::{
        bootstrap::{BootstrapBounds, BootstrapEndpoint, driver::BootstrapDriver},
        doors::{Doors, Secure},
        driver::{Driver, MAX_BATCHES, ShardHandle},
        shard::Shard,
    },
    gate::FleetGate,
    health::Health,
    issuer::RcgenIssuer,
    seal::{KEY_VARIABLE, SealKey, Sealer},
    tls::Tls,
};

/// A running server. Dropping it ends the process's part in it at once; [`Server::stop`] ends it in order.
pub struct Server {
    welcome: Welcome,
    addresses: Addresses,
    fleet: Arc<Fleet>,
    stop: oneshot::Sender<()>,
    receivers: Vec<JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
    // Held for the life of the server, so that no second one uses the same data.
    _data_dir: DataDir,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address can't be bound.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The folder for the data.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The accounts could not be looked at.
    #[error(transparent)]
    Fleet(#[from] ::fleet::FleetError),
    /// The object definitions.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
    /// The key that devices know the server by.
    #[error(transparent)]
    OwnKey(#[from] OwnKeyError),
    /// The key that seals credentials.
    #[error(transparent)]
    SealKey(#[from] SealKeyError),
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] ::fleet::StoreError),
    /// The console's TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl StartError {
    /// Whether another attempt with the same configuration fails in the same way.
    pub fn is_of_the_configuration(&self) -> bool {
        matches!(
            self,
            Self::Models(_)
                | Self::OwnKey(_)
                | Self::Open(OpenError::Sealed(_))
                | Self::SealKey(_)
                | Self::Tls(_)
        )
    }
}

impl Server {
    /// Starts everything. When it returns, devices and people are served.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let metrics = telemetry::start_metrics();
        let library = Library::new(Arc::new(models::load(&config.models)?));
        let data_dir = DataDir::open(&config.data_dir.0)?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        let tls = Tls::start(config)?.map(Arc::new);
        let console = listen::each(&config.console.listen, http::bind)?;

        let store: Arc<dyn Store> = Arc::new(open_store(config).await?);
        let clock = Clock::start();
        let boot = store.begin_boot().await?;
        let restored = store.restore().await?;
        info!(
            boot,
            devices = restored.devices.len(),
            registrations = restored.registrations.len(),
            "restored"
        );
        if data_dir.seed_is_new() && !restored.registrations.is_empty() {
            warn!(
                "installation.seed was missing: for some minutes devices may mistake new messages for old ones"
            );
        }

        let feed = Feed::new();
        let (shard_handle, calls) = ShardHandle::new();
        let fleet = Fleet::new(
            Arc::clone(&store),
            Arc::new(shard_handle),
            library.clone(),
            models::folder(&config.models),
            feed.clone(),
            Box::new(fill_random),
        );
        let fleet = Arc::new(fleet.with_issuer(Arc::new(RcgenIssuer)));
        fleet.load_models().await?;
        fleet.interrupt_bootstraps(clock.now().wall).await?;
        let setup_link = fleet.setup_link(clock.now().wall).await?;
        let given = secure::given(config)?;
        let made = fleet.own_keys(&[config.public_host.plain()], clock.now().wall).await?;
        let own = given.or_else(|| made.map(|(pair, _)| pair));
        let gate = Arc::new(FleetGate::new(Arc::clone(&fleet), Arc::clone(&store)));
        let dtls = secure::config(config, own.as_ref())?;
        store.begin_sessions(dtls.bounds.reserve).await?;
        let mut doors = Doors::open(config, &Secure { gate, clock, dtls })?;
        let addresses = Addresses::of(&doors);
        let welcome = welcome(config, &addresses, &console, tls.as_deref(), setup_link);

        let health = Arc::new(Health::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped: Stop = stopped.map(|_| ()).boxed().shared();
        let settings = web::Settings {
            cookie_secure: config.console.is_https(),
            profile_banner: (config.profile == config::Profile::Lab).then(|| {
                "Lab profile: devices are served without security, too, on loopback only.".to_owned()
            }),
            places: addresses.for_people(&config.public_host),
            facts: welcome.facts(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: Arc::new(clock::wall),
            entropy: Arc::new(fill_random),
            metrics: Arc::new(move || metrics.render()),
            ready: health::ready(Arc::clone(&health), Arc::clone(&store)),
            stop: stopped.clone(),
        };
        let coap = |domain| coap_endpoint(config, &data_dir, boot, domain);
        let roster = Roster::new(0, NodeId::SINGLE, limits(config));
        let shard = Shard::new(clock.now(), coap(Domain::Management), roster, library, seed()?, restored);
        let names =
            doors.bootstrap.ids().iter().map(|id| (*id, doors.outlets[usize::from(id.0)].name().to_owned()));
        let bootstrap = BootstrapEndpoint::new(
            clock.now(),
            coap(Domain::Bootstrap),
            BootstrapBounds::default(),
            names.collect(),
            seed()?,
        );

        let mut server = Self {
            welcome,
            addresses,
            fleet: Arc::clone(&fleet),
            stop,
            receivers: Vec::new(),
            tasks: Vec::new(),
            _data_dir: data_dir,
        };
        let (batches_in, batches) = mpsc::channel(MAX_BATCHES);
        server.receivers.extend(doors.management.receive(&batches_in));
        let told = Arc::clone(&fleet);
        let driver = Driver {
            shard,
            clock,
            outlets: doors.outlets.clone(),
            incidents: Box::new(move |incident| told.incident(incident)),
            store: Arc::clone(&store),
            health,
            feed,
            batches,
            calls,
        };
        server.tasks.push(tokio::spawn(driver.run(stopped.clone())));

        let (batches_in, batches) = mpsc::channel(MAX_BATCHES);
        server.receivers.extend(doors.bootstrap.receive(&batches_in));
        let outlets =
            doors.bootstrap.ids().iter().map(|id| (*id, Arc::clone(&doors.outlets[usize::from(id.0)])));
        let driver = BootstrapDriver {
            endpoint: bootstrap,
            clock,
            outlets: outlets.collect(),
            fleet: Arc::clone(&fleet),
            settings: Arc::new(
                server.addresses.for_bootstrap(config, own.as_ref().map(ServerKeys::of).unwrap_or_default()),
            ),
            batches,
        };
        server.tasks.push(tokio::spawn(driver.run(stopped.clone())));

        tokio::spawn(secure::restore(Arc::clone(&store), doors.secure()));
        server.tasks.push(tokio::spawn(tasks::run(store, Arc::clone(&fleet), stopped.clone())));
        server.tasks.push(tokio::spawn(webhooks::run(Arc::clone(&fleet), stopped.clone())));
        let console = http::Console { listeners: console, config: config.console.clone(), tls };
        server.tasks.push(tokio::spawn(console.serve(web::router(fleet, settings), stopped)));
        Ok(server)
    }

    /// The verbs.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Where the sockets for devices are bound.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Where everything is.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether all its parts are at work. One that has ended can't be made again without a start.
    pub fn is_whole(&self) -> bool {
        !self.tasks.iter().chain(&self.receivers).any(JoinHandle::is_finished)
    }

    /// Ends it: no more is taken in, and what was under way is stored.
    pub async fn stop(self) {
        drop(self.stop);
        for receiver in self.receivers {
            receiver.abort();
        }
        for task in self.tasks {
            if tokio::time::timeout(STOP_WITHIN, task).await.is_err() {
                break;
            }
        }
    }
}

/// Looks at what a start would look at before it makes or binds anything: all but whether ports and data folder are free.
pub async fn validate(config: &Config) -> Result<(), StartError> {
    models::load(&config.models)?;
    Tls::check(config)?;
    secure::given(config)?;
    let variable = seal_variable();
    let key = SealKey::find(&config.data_dir.0, variable.as_ref().map(|key| key.as_str()))?;
    if SqlStore::holds_secrets(config.database(), key.as_ref().map(Sealer::new).as_ref()).await?
        && key.is_none()
    {
        return Err(SealKeyError::lost(&config.data_dir.0).into());
    }
    Ok(())
}

fn seal_variable() -> Option<Zeroizing<String>> {
    // What is not Unicode is no key, and is told so.
    std::env::var_os(KEY_VARIABLE).map(|key| Zeroizing::new(key.to_string_lossy().into_owned()))
}

/// Ends when the server is to stop.
pub(crate) type Stop = Shared<BoxFuture<'static, ()>>;

const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(8);

async fn open_store(config: &Config) -> Result<SqlStore, StartError> {
    let variable = seal_variable();
    let variable = variable.as_ref().map(|key| key.as_str());
    // Only where there is no key yet does it matter what a new one would not open.
    let has_key = SealKey::find(&config.data_dir.0, variable)?.is_some();
    let may_make = has_key || !SqlStore::holds_secrets(config.database(), None).await?;
    let key = SealKey::load(&config.data_dir.0, variable, may_make)?;
    Ok(SqlStore::open(config.database(), Arc::new(Sealer::new(&key))).await?)
}

fn limits(config: &Config) -> Limits {
    Limits {
        lab: config.profile == config::Profile::Lab,
        max_devices: usize::try_from(config.coap.max_devices).unwrap_or(usize::MAX),
        follow_address_changes: config.coap.follow_address_changes,
        ..Limits::default()
    }
}

/// Who speaks CoAP here: their message ids and tokens must not meet, for a device may speak with both from one port.
#[derive(Clone, Copy)]
enum Domain {
    Management,
    Bootstrap,
}

fn coap_endpoint(config: &Config, data_dir: &DataDir, boot: u64, domain: Domain) -> coap::Endpoint<Source> {
    let mut coap_config = coap::Config::default();
    // RFC 7959 §2.2: 16 bytes are written as 0, 1024 as 6.
    let exponent = config.coap.block_size.bytes().trailing_zeros().saturating_sub(4);
    if let Some(size) = u8::try_from(exponent).ok().and_then(coap::BlockSize::from_exponent) {
        coap_config.block_size = size;
    }
    coap_config.bounds.body_bytes = usize::try_from(config.coap.max_body_bytes).unwrap_or(usize::MAX);
    coap_config.bounds.block_bytes_per_peer = coap_config.bounds.body_bytes.saturating_mul(4);
    // A handshake proves an address.
    if config.coap.listen.is_empty() && config.coap.bootstrap_listen.is_empty() {
        coap_config.bounds.unverified_reply_bytes = usize::MAX;
    }
    // Only the last 16 bits matter: message ids and tokens of two successive starts must not meet.
    let number = u16::try_from(boot & 0xffff).unwrap_or(0);
    let mut seed = data_dir.seed();
    if let Domain::Bootstrap = domain {
        seed[0] = !seed[0];
    }
    coap::Endpoint::new(coap_config, coap::Boot { number, seed })
}

fn seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(StartError::Randomness)?;
    Ok(seed)
}

fn welcome(
    config: &Config,
    addresses: &Addresses,
    console: &[TcpListener],
    tls: Option<&Tls>,
    setup_link: Option<String>,
) -> Welcome {
    let url =
        |listener: &TcpListener| Some(config.console.url(listener.local_addr().ok()?, &config.public_host));
    let mut urls: Vec<String> = console.iter().filter_map(url).collect();
    urls.dedup();
    Welcome {
        profile: config.profile,
        devices: addresses.management_uris(&config.public_host),
        bootstrap: addresses.bootstrap_uris(&config.public_host),
        fingerprint: tls.and_then(Tls::fingerprint),
        data_dir: config.data_dir.0.clone(),
        setup_link: urls.first().zip(setup_link).map(|(url, token)| format!("{url}/setup/{token}")),
        console: urls,
    }
}

fn fill_random(bytes: &mut [u8]) {
    // https://docs.rs/getrandom: once it has worked at start, it does not fail on the systems served.
    getrandom::fill(bytes).expect("the system gave randomness at start");
}
