//! The server: the runtime round the domain, and the one place that constructs the whole.
//!
//! Start with [`Server::start`]. It reads what the store holds, binds the sockets of [`Config`], and runs a shard for the
//! devices (`endpoint`, which speaks LwM2M through `binding`), the console (`web`) and the background work (`tasks`).

mod addresses;
mod assembly;
pub mod backup;
mod binding;
mod blobs;
mod clock;
pub mod config;
mod configuration;
mod data_dir;
pub mod demo;
mod downloads;
mod endpoint;
mod entropy;
mod gate;
mod groups;
mod health;
mod http;
mod issuer;
pub mod limit;
mod listen;
mod models;
pub mod offline;
mod packages;
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
mod updates;
mod webhooks;
mod welcome;
mod wishes;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use ::fleet::{Fleet, Issuer, Library, Store, store::Trouble};
use futures::future::{BoxFuture, Shared};
use tokio::{net::TcpListener, sync::Notify};
use tracing::warn;
use zeroize::Zeroizing;

pub use addresses::Addresses;
pub use assembly::{Assembly, Parts};
pub use clock::Clock;
pub use config::Config;
pub use data_dir::DataDirError;
pub use endpoint::socket::{DatagramSocket, Network};
pub use entropy::Entropy;
pub use models::ModelsError;
pub use seal::{KeyId, KeySource, SealError, SealKeyError};
pub use secure::OwnKeyError;
pub use store::{
    CopiedTable, CopyError, CopyHow, Database, OpenError, PostgresError, PostgresUrl, PostgresUrlError,
    SqlStore,
};
pub use tls::{PairError, SelfSignedError, TlsError};
pub use welcome::Welcome;

use crate::{
    blobs::FileBlobs,
    data_dir::DataDir,
    downloads::web::WebDownloads,
    endpoint::socket::SystemNetwork,
    issuer::RcgenIssuer,
    seal::{KEY_VARIABLE, SealKey, Sealer},
    tls::Tls,
};

/// A running server. Dropping it ends the process's part in it at once; [`Server::stop`] ends it in order.
pub struct Server {
    welcome: Welcome,
    assembly: Assembly,
    start_again: Arc<Notify>,
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
    Open(OpenError),
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Randomness(getrandom::Error),
    /// There is no fleet where there was one: whoever is acknowledged by an empty server has lost it.
    #[error(
        "{} shows that a server has lived here, but the database {database} is empty or not there: {}. For a new, empty \
         server name another `data_dir`, or move this one aside",
        sign.display(),
        match database {
            Database::File(_) => "put that server's file back, or restore a backup (`muster restore --replace`)",
            Database::Postgres(_) => "look whether `database.url` names the right one, or fill it by `muster db copy`",
        }
    )]
    LostDatabase {
        /// Which.
        database: Database,
        /// What shows it.
        sign: PathBuf,
    },
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
    /// The store does not take what is written.
    #[error("{0}")]
    Trouble(Trouble),
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        error.trouble().map_or_else(|| Self::Open(error), Self::Trouble)
    }
}

impl StartError {
    /// With what the store knows of why it failed.
    fn of(self, store: &dyn Store) -> Self {
        match self {
            Self::Fleet(_) | Self::Store(_) => store.trouble().map_or(self, Self::Trouble),
            error => error,
        }
    }

    /// Whether another attempt with the same configuration fails in the same way.
    pub fn is_of_the_configuration(&self) -> bool {
        matches!(
            self,
            Self::Models(_)
                | Self::OwnKey(_)
                | Self::LostDatabase { .. }
                | Self::Open(OpenError::CopiedAway { .. } | OpenError::Sealed(_) | OpenError::Unfinished(_))
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
        let web_downloads = WebDownloads::bind(config)?;

        let store: Arc<dyn Store> = Arc::new(open_store(config).await?);
        let io_error = |source| DataDirError::Io { path: config.data_dir.0.join(blobs::FOLDER), source };
        let blobs = FileBlobs::open(&config.data_dir.0).map_err(io_error)?;
        let issuer: Arc<dyn Issuer> = Arc::new(RcgenIssuer);
        let mut assembly = Assembly::start(Parts {
            config,
            library,
            network: &SystemNetwork,
            store: Arc::clone(&store),
            blobs: Arc::new(blobs),
            clock: Clock::start(),
            entropy: Entropy::system().map_err(StartError::Randomness)?,
            seed: data_dir.seed()?,
            seed_is_new: data_dir.seed_is_new(),
            issuer: Some(issuer),
            offers: web_downloads.offers(config),
        })
        .await
        .map_err(|error| error.of(&*store))?;
        let welcome = welcome(config, &assembly, &console, tls.as_deref());
        let (fleet, stopped) = (Arc::clone(assembly.fleet()), assembly.stopped.clone());
        let start_again = Arc::new(Notify::new());
        let settings = web::Settings {
            cookie_secure: config.console.is_https(),
            profile_banner: (config.profile == config::Profile::Lab).then(|| {
                "Lab profile: devices are served without security, too, on loopback only.".to_owned()
            }),
            places: assembly.addresses().for_people(config),
            facts: welcome.facts(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock: Arc::new(clock::wall),
            entropy: Arc::new(fill_random),
            metrics: Arc::new(move || metrics.render()),
            ready: health::ready(Arc::clone(&assembly.health), store),
            restore: matches!(config.database(), Database::File(_))
                .then(|| backup::receiver(config, Arc::clone(&start_again))),
            stop: stopped.clone(),
        };
        assembly.tasks.push(tokio::spawn(groups::run(Arc::clone(&fleet), stopped.clone())));
        assembly.tasks.push(tokio::spawn(webhooks::run(Arc::clone(&fleet), stopped.clone())));
        let downloads = web_downloads.serve(config, &assembly)?;
        assembly.tasks.extend(downloads);
        let console = http::Console { listeners: console, config: config.console.clone(), tls };
        assembly.tasks.push(tokio::spawn(console.serve(web::router(fleet, settings), stopped)));
        Ok(Self { welcome, assembly, start_again, _data_dir: data_dir })
    }

    /// The verbs.
    pub fn fleet(&self) -> &Arc<Fleet> {
        self.assembly.fleet()
    }

    /// Where the sockets for devices are bound.
    pub fn addresses(&self) -> &Addresses {
        self.assembly.addresses()
    }

    /// Where everything is.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Whether all its parts are at work. One that has ended can't be made again without a start.
    pub fn is_whole(&self) -> bool {
        self.assembly.is_whole()
    }

    /// Waits until it has data of another server, which it takes up when it is started again.
    pub async fn restored(&self) {
        self.start_again.notified().await;
    }

    /// Ends it: no more is taken in, and what was under way is stored.
    pub async fn stop(self) {
        self.assembly.stop().await;
    }
}

/// Looks at what a start would look at before it makes or binds anything: all but whether ports and data folder are free.
pub async fn validate(config: &Config) -> Result<(), StartError> {
    models::load(&config.models)?;
    Tls::check(config)?;
    secure::given(config)?;
    let variable = seal_variable();
    let key = SealKey::find(&config.data_dir.0, variable.as_ref().map(|key| key.as_str()))?;
    is_fresh(config).await?;
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

async fn open_store(config: &Config) -> Result<SqlStore, StartError> {
    let variable = seal_variable();
    let variable = variable.as_ref().map(|key| key.as_str());
    // Only where there is no key yet does it matter what a new one would not open.
    let has_key = SealKey::find(&config.data_dir.0, variable)?.is_some();
    if is_fresh(config).await? {
        // Before the key: where there is one, there was a database.
        SqlStore::make(config.database()).await?;
    }
    let may_make = has_key || !SqlStore::holds_secrets(config.database(), None).await?;
    let key = SealKey::load(&config.data_dir.0, variable, may_make)?;
    Ok(SqlStore::open(config.database(), Arc::new(Sealer::new(&key))).await?)
}

/// Whether a database has never been started on; an error if there was another here.
async fn is_fresh(config: &Config) -> Result<bool, StartError> {
    let database = config.database();
    let fresh = SqlStore::is_fresh(&database).await?;
    match data_dir::sign_of_life(&config.data_dir.0, &database) {
        Some(sign) if fresh => Err(StartError::LostDatabase { database, sign }),
        _ => Ok(fresh),
    }
}

fn welcome(config: &Config, assembly: &Assembly, console: &[TcpListener], tls: Option<&Tls>) -> Welcome {
    let addresses = assembly.addresses();
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
        setup_link: urls
            .first()
            .zip(assembly.setup_token())
            .map(|(url, token)| format!("{url}/setup/{token}")),
        downloads: assembly.fleet().downloads().iter().map(|(_, base)| base.clone()).collect(),
        console: urls,
    }
}

fn fill_random(bytes: &mut [u8]) {
    // https://docs.rs/getrandom: once it has worked at start, it does not fail on the systems served.
    getrandom::fill(bytes).expect("the system gave randomness at start");
}
