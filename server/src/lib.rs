//! The server: the runtime round the domain, and the one place that constructs the whole.
//!
//! Start with [`Server::start`]. It reads what the store holds, binds the sockets of [`Config`], and runs a shard for the
//! devices (`endpoint`, which speaks LwM2M through `binding`), the console (`web`) and the background work (`tasks`).

mod binding;
mod clock;
pub mod config;
mod data_dir;
mod endpoint;
mod health;
mod http;
mod listen;
mod models;
pub mod probe;
#[cfg_attr(not(test), expect(dead_code, reason = "the store is about to seal credentials"))]
mod seal;
pub mod service;
mod store;
mod tasks;
pub mod telemetry;
mod tls;
mod welcome;

use std::{io, net::SocketAddr, sync::Arc};

use ::fleet::{Feed, Fleet, NodeId, Restored, Roster, Store};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tracing::{info, warn};
use zeroize::Zeroizing;

pub use config::Config;
pub use data_dir::DataDirError;
pub use models::ModelsError;
pub use seal::{KeySource, SealKeyError};
pub use store::{Database, OpenError, SqlStore};
pub use tls::{PairError, SelfSignedError, TlsError};
pub use welcome::Welcome;

use crate::{
    clock::Clock,
    data_dir::DataDir,
    endpoint::{
        driver::{Driver, MAX_BATCHES, ShardHandle},
        shard::Shard,
        udp::Listener,
    },
    health::Health,
    seal::{KEY_VARIABLE, SealKey},
    tls::Tls,
};

/// A running server. Dropping it ends the process's part in it at once; [`Server::stop`] ends it in order.
pub struct Server {
    welcome: Welcome,
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
        matches!(self, Self::Models(_) | Self::SealKey(_) | Self::Tls(_))
    }
}

impl Server {
    /// Starts everything. When it returns, devices and people are served.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let metrics = telemetry::start_metrics();
        let registry = Arc::new(models::load(&config.models)?);
        let data_dir = DataDir::open(&config.data_dir.0)?;
        for warning in config.warnings() {
            warn!("{warning}");
        }
        let tls = Tls::start(config)?.map(Arc::new);
        let (listeners, console) = bind(config)?;
        // Nothing is sealed in the database yet, so a key that is missing is a first start.
        SealKey::load(&config.data_dir.0, seal_variable().as_ref().map(|key| key.as_str()), true)?;

        let store: Arc<dyn Store> = Arc::new(SqlStore::open(config.database()).await?);
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
        let fleet = Arc::new(Fleet::new(
            Arc::clone(&store),
            Arc::new(shard_handle),
            Arc::clone(&registry),
            feed.clone(),
            Box::new(fill_random),
        ));
        let setup_link = fleet.setup_link(clock.now().wall).await?;

        let host = &config.public_host;
        let coap: Vec<SocketAddr> = listeners.iter().filter_map(|listener| listener.address().ok()).collect();
        let mut urls: Vec<String> = console
            .iter()
            .filter_map(|listener| Some(config.console.url(listener.local_addr().ok()?, host)))
            .collect();
        urls.dedup();
        let welcome = Welcome {
            profile: config.profile,
            devices: welcome::uris("coap", host, &coap),
            bootstrap: Vec::new(),
            fingerprint: tls.as_ref().and_then(|tls| tls.fingerprint()),
            data_dir: config.data_dir.0.clone(),
            setup_link: urls.first().zip(setup_link).map(|(url, token)| format!("{url}/setup/{token}")),
            console: urls,
        };
        let health = Arc::new(Health::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped: Stop = stopped.map(|_| ()).boxed().shared();
        let settings = web::Settings {
            cookie_secure: config.console.is_https(),
            profile_banner: (config.profile == config::Profile::Lab)
                .then(|| "Lab profile: devices are served without security, on loopback only.".to_owned()),
            coap_uri: welcome.devices.first().cloned().unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: Arc::new(clock::wall),
            entropy: Arc::new(fill_random),
            metrics: Arc::new(move || metrics.render()),
            ready: health::ready(Arc::clone(&health), Arc::clone(&store)),
            stop: stopped.clone(),
        };
        let shard = shard(config, clock, &data_dir, boot, Arc::clone(&registry), restored)?;

        let mut server =
            Self { welcome, stop, receivers: Vec::new(), tasks: Vec::new(), _data_dir: data_dir };
        let (batches_in, batches) = tokio::sync::mpsc::channel(MAX_BATCHES);
        for listener in &listeners {
            server.receivers.push(tokio::spawn(Arc::clone(listener).receive(batches_in.clone())));
        }
        drop(batches_in);
        let driver =
            Driver { shard, clock, listeners, store: Arc::clone(&store), health, feed, batches, calls };
        server.tasks.push(tokio::spawn(driver.run(stopped.clone())));
        server.tasks.push(tokio::spawn(tasks::run(store, Arc::clone(&fleet), stopped.clone())));
        let console = http::Console { listeners: console, config: config.console.clone(), tls };
        server.tasks.push(tokio::spawn(console.serve(web::router(fleet, settings), stopped)));
        Ok(server)
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

/// Looks at what a start would look at before it makes or binds anything.
pub fn validate(config: &Config) -> Result<(), StartError> {
    models::load(&config.models)?;
    Tls::check(config)?;
    SealKey::find(&config.data_dir.0, seal_variable().as_ref().map(|key| key.as_str()))?;
    Ok(())
}

fn seal_variable() -> Option<Zeroizing<String>> {
    // What is not Unicode is no key, and is told so.
    std::env::var_os(KEY_VARIABLE).map(|key| Zeroizing::new(key.to_string_lossy().into_owned()))
}

/// Ends when the server is to stop.
pub(crate) type Stop = Shared<BoxFuture<'static, ()>>;

const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(8);

fn bind(config: &Config) -> Result<(Vec<Arc<Listener>>, Vec<TcpListener>), StartError> {
    let mut ids = (0..).map(::fleet::ListenerId);
    let listeners = listen::each(&config.coap.listen, |address| {
        let id = ids.next().expect("there are more numbers than listeners");
        Listener::bind(id, address).map(Arc::new)
    })?;
    Ok((listeners, listen::each(&config.console.listen, http::bind)?))
}

fn shard(
    config: &Config,
    clock: Clock,
    data_dir: &DataDir,
    boot: u64,
    registry: Arc<objects::Registry>,
    restored: Restored,
) -> Result<Shard, StartError> {
    let mut coap_config = coap::Config::default();
    // RFC 7959 §2.2: 16 bytes are written as 0, 1024 as 6.
    let exponent = config.coap.block_size.bytes().trailing_zeros().saturating_sub(4);
    if let Some(size) = u8::try_from(exponent).ok().and_then(coap::BlockSize::from_exponent) {
        coap_config.block_size = size;
    }
    coap_config.bounds.body_bytes = usize::try_from(config.coap.max_body_bytes).unwrap_or(usize::MAX);
    coap_config.bounds.block_bytes_per_peer = coap_config.bounds.body_bytes.saturating_mul(4);
    // Only the last 16 bits matter: message ids and tokens of two successive starts must not meet.
    let number = u16::try_from(boot & 0xffff).unwrap_or(0);
    let endpoint = coap::Endpoint::new(coap_config, coap::Boot { number, seed: data_dir.seed() });
    let limits = ::fleet::Limits {
        lab: config.profile == config::Profile::Lab,
        max_devices: usize::try_from(config.coap.max_devices).unwrap_or(usize::MAX),
        follow_address_changes: config.coap.follow_address_changes,
        ..::fleet::Limits::default()
    };
    let roster = Roster::new(0, NodeId::SINGLE, limits);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(StartError::Randomness)?;
    Ok(Shard::new(clock.now(), endpoint, roster, registry, seed, restored))
}

fn fill_random(bytes: &mut [u8]) {
    // https://docs.rs/getrandom: once it has worked at start, it does not fail on the systems served.
    getrandom::fill(bytes).expect("the system gave randomness at start");
}
