//! The server between its sockets and its store: shards, doors, verbs and background work, on whatever network, clock,
//! randomness and store it is given.
//!
//! [`Server`](crate::Server) gives it the system's; a simulation its own.

use std::sync::Arc;

use ::fleet::{
    Blobs, Feed, Fleet, Issuer, KeyPair, Library, Limits, NodeId, Offers, Roster, ServerKeys, Source, Store,
    update::Scheme,
};
use futures::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::{info, warn};

use crate::{
    Addresses, Config, StartError, Stop,
    clock::Clock,
    config, configuration,
    downloads::{Depot, driver::DownloadDriver},
    endpoint::{
        bootstrap::{BootstrapBounds, BootstrapEndpoint, driver::BootstrapDriver},
        doors::{Common, Doors},
        driver::{Driver, MAX_BATCHES, ShardHandle},
        shard::Shard,
        socket::Network,
    },
    entropy::Entropy,
    gate::FleetGate,
    health::Health,
    models,
    packages::{FleetPackages, Pages},
    secure, tasks, updates, wishes,
};

/// What it is made of.
pub struct Parts<'p> {
    /// What is configured.
    pub config: &'p Config,
    /// The object definitions.
    pub library: Library,
    /// Where sockets are bound.
    pub network: &'p dyn Network,
    /// What is durable.
    pub store: Arc<dyn Store>,
    /// The bytes of artefacts.
    pub blobs: Arc<dyn Blobs>,
    /// Both clocks.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// What message ids and tokens of successive starts are made from; the same at each start.
    pub seed: [u8; 32],
    /// Whether that is new although something may be stored.
    pub seed_is_new: bool,
    /// What makes keys and certificates, if anything does.
    pub issuer: Option<Arc<dyn Issuer>>,
    /// By what devices may fetch packages beside what is bound here: over HTTP.
    pub offers: Offers,
}

/// A running one. Dropping it ends nothing; see [`Assembly::stop`].
pub struct Assembly {
    fleet: Arc<Fleet>,
    addresses: Addresses,
    /// What devices fetch packages from.
    pub(crate) depot: Arc<Depot>,
    /// The key that devices know the server by.
    pub(crate) own: Option<KeyPair>,
    /// The end of the link by which the first administrator is made, while there is none.
    setup_token: Option<String>,
    pub(crate) health: Arc<Health>,
    stop: oneshot::Sender<()>,
    pub(crate) stopped: Stop,
    receivers: Vec<JoinHandle<()>>,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(8);

impl Assembly {
    /// Starts it. When it returns, devices are served.
    pub async fn start(parts: Parts<'_>) -> Result<Self, StartError> {
        let Parts { config, library, network, store, blobs, clock, entropy, seed, .. } = parts;
        let Parts { seed_is_new, issuer, offers, .. } = parts;
        let boot = store.begin_boot().await?;
        let last = store.last_device().await?;
        // Before anything is noted by a clock that may be wrong.
        let believed = tasks::Believed::begin(&*store, clock.now()).await?;
        info!(boot, "started");
        if seed_is_new && last.is_some() {
            warn!(
                "installation.seed was missing: for some minutes devices may mistake new messages for old ones"
            );
        }

        let feed = Feed::new();
        let (shard_handle, calls) = ShardHandle::new();
        let random = entropy.clone();
        let fleet = Fleet::new(
            Arc::clone(&store),
            Arc::new(shard_handle),
            library.clone(),
            models::folder(&config.models),
            feed.clone(),
            Box::new(move |bytes| random.fill(bytes)),
        );
        let fleet = fleet.with_blobs(blobs, config.artefacts.max_bytes);
        let fleet = Arc::new(match issuer {
            Some(issuer) => fleet.with_issuer(issuer),
            None => fleet,
        });
        let now = clock.now().wall;
        let cleared = fleet.clear_uploads().await?;
        if cleared > 0 {
            info!(files = cleared, "uploads of artefacts that were cut off are cleared away");
        }
        fleet.load_models().await?;
        fleet.interrupt_bootstraps(now).await?;
        let setup_token = fleet.setup_link(now).await?;
        let given = secure::given(config)?;
        let made = fleet.own_keys(&[config.public_host.plain()], now).await?;
        let own = given.or_else(|| made.map(|(pair, _)| pair));
        let gate = Arc::new(FleetGate::new(Arc::clone(&fleet), Arc::clone(&store), clock.clone()));
        let dtls = secure::config(config, own.as_ref(), &clock)?;
        store.begin_sessions(dtls.bounds.reserve).await?;
        let common = Common { network, gate, clock: clock.clone(), entropy: entropy.clone(), dtls };
        let mut doors = Doors::open(config, &common)?;
        let addresses = Addresses::of(&doors);
        fleet.offer_downloads(best_first(addresses.offers(config).into_iter().chain(offers)));
        let pages = Arc::new(Pages::default());
        let depot = Arc::new(Depot::new(Arc::clone(&fleet), clock.clone(), Arc::clone(&pages)));

        let health = Arc::new(Health::new(clock.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped: Stop = stopped.map(|_| ()).boxed().shared();
        let coap = |domain| coap_endpoint(config, seed, boot, domain);
        let mut roster = Roster::new(0, NodeId::SINGLE, limits(config));
        if let Some(last) = last {
            roster.begin_after(last);
        }
        let shard = Shard::new(clock.now(), coap(Domain::Management), roster, library, entropy.bytes());
        let names =
            doors.bootstrap.ids().iter().map(|id| (*id, doors.outlets[usize::from(id.0)].name().to_owned()));
        let bootstrap = BootstrapEndpoint::new(
            clock.now(),
            coap(Domain::Bootstrap),
            BootstrapBounds::default(),
            names.collect(),
            entropy.bytes(),
        );

        let mut assembly = Self {
            fleet: Arc::clone(&fleet),
            addresses,
            depot: Arc::clone(&depot),
            own: own.clone(),
            setup_token,
            health: Arc::clone(&health),
            stop,
            stopped: stopped.clone(),
            receivers: Vec::new(),
            tasks: Vec::new(),
        };
        let (batches_in, batches) = mpsc::channel(MAX_BATCHES);
        assembly.receivers.extend(doors.management.receive(&batches_in));
        let told = Arc::clone(&fleet);
        let driver = Driver {
            shard,
            clock: clock.clone(),
            outlets: doors.outlets.clone(),
            incidents: Box::new(move |incident| told.incident(incident)),
            store: Arc::clone(&store),
            packages: Arc::new(FleetPackages::new(Arc::clone(&fleet), clock.clone(), pages)),
            health,
            feed: feed.clone(),
            batches,
            calls,
        };
        assembly.tasks.push(tokio::spawn(driver.run(stopped.clone())));

        let (batches_in, batches) = mpsc::channel(MAX_BATCHES);
        assembly.receivers.extend(doors.bootstrap.receive(&batches_in));
        let outlets =
            doors.bootstrap.ids().iter().map(|id| (*id, Arc::clone(&doors.outlets[usize::from(id.0)])));
        let keys = own.as_ref().map(ServerKeys::of).unwrap_or_default();
        let driver = BootstrapDriver {
            endpoint: bootstrap,
            clock: clock.clone(),
            outlets: outlets.collect(),
            fleet: Arc::clone(&fleet),
            settings: Arc::new(assembly.addresses.for_bootstrap(config, keys)),
            batches,
        };
        assembly.tasks.push(tokio::spawn(driver.run(stopped.clone())));

        let (batches_in, batches) = mpsc::channel(MAX_BATCHES);
        assembly.receivers.extend(doors.downloads.receive(&batches_in));
        let ids = doors.downloads.ids();
        if !ids.is_empty() {
            let outlets = ids.iter().map(|id| (*id, Arc::clone(&doors.outlets[usize::from(id.0)]))).collect();
            let [first, second] = entropy.bytes();
            let first_id = u16::from_be_bytes([first, second]);
            let limit = block_size(config);
            let driver = DownloadDriver::new(depot, clock.clone(), outlets, batches, limit, first_id);
            assembly.tasks.push(tokio::spawn(driver.run(stopped.clone())));
        }

        let (restoring, stop) = (secure::restore(Arc::clone(&store), doors.secure()), stopped.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop => {}
                () = restoring => {}
            }
        });
        let wishing = wishes::run(Arc::clone(&fleet), feed.clone(), clock.clone(), stopped.clone());
        assembly.tasks.push(tokio::spawn(wishing));
        let configuring =
            configuration::run(Arc::clone(&fleet), feed.clone(), clock.clone(), stopped.clone());
        assembly.tasks.push(tokio::spawn(configuring));
        let updating = updates::run(Arc::clone(&fleet), feed, clock.clone(), stopped.clone());
        assembly.tasks.push(tokio::spawn(updating));
        assembly.tasks.push(tokio::spawn(tasks::run(store, fleet, clock, believed, stopped)));
        Ok(assembly)
    }

    /// The verbs.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Where the sockets for devices are bound.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The end of the link by which the first administrator is made, while there is none.
    pub fn setup_token(&self) -> Option<&str> {
        self.setup_token.as_deref()
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
            // Its socket is closed then: another start in this process may bind it.
            let _ = receiver.await;
        }
        for task in self.tasks {
            if tokio::time::timeout(STOP_WITHIN, task).await.is_err() {
                break;
            }
        }
    }
}

/// A device is told of the first that it can.
fn best_first(offers: impl Iterator<Item = (Scheme, String)>) -> Offers {
    let mut offers: Offers = offers.collect();
    offers.sort_by_key(|(scheme, _)| Scheme::ALL.iter().position(|one| one == scheme));
    offers
}

fn block_size(config: &Config) -> coap::BlockSize {
    // RFC 7959 §2.2: 16 bytes are written as 0, 1024 as 6.
    let exponent = config.coap.block_size.bytes().trailing_zeros().saturating_sub(4);
    let size = u8::try_from(exponent).ok().and_then(coap::BlockSize::from_exponent);
    size.unwrap_or_else(|| coap::Config::default().block_size)
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

fn coap_endpoint(config: &Config, mut seed: [u8; 32], boot: u64, domain: Domain) -> coap::Endpoint<Source> {
    let mut coap_config = coap::Config { block_size: block_size(config), ..coap::Config::default() };
    coap_config.bounds.body_bytes = usize::try_from(config.coap.max_body_bytes).unwrap_or(usize::MAX);
    coap_config.bounds.block_bytes_per_peer = coap_config.bounds.body_bytes.saturating_mul(4);
    // A handshake proves an address.
    if config.coap.listen.is_empty() && config.coap.bootstrap_listen.is_empty() {
        coap_config.bounds.unverified_reply_bytes = usize::MAX;
    }
    // Only the last 16 bits matter: message ids and tokens of two successive starts must not meet.
    let number = u16::try_from(boot & 0xffff).unwrap_or(0);
    if let Domain::Bootstrap = domain {
        seed[0] = !seed[0];
    }
    coap::Endpoint::new(coap_config, coap::Boot { number, seed })
}
