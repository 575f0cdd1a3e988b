//! A restore under live devices: each handshakes once, none bootstraps, and what was observed goes on.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use device::{Account, Device, Event, Factory, Life, Profile};
use fleet::{Actor, Context, EndpointName, GivenPsk, NewDevice, Operation, PublicId, RequestId, Timestamp};
use objects::Version;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use server::{
    Config, Server,
    backup::{self, Passphrase, Replace},
    config::Addresses,
    demo::{Player, way::Stack},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use zeroize::Zeroizing;

const DEVICES: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_each_device_handshakes_once_and_none_bootstraps() {
    let folder = tempfile::tempdir().unwrap();
    let before = config(folder.path(), "before");
    let server = Server::start(&before).await.unwrap();
    let addresses = server.addresses().clone();
    let mut devices = Vec::new();
    for number in 1..=DEVICES {
        devices.push(Played::start(&server, number).await);
    }
    for device in &devices {
        device.until(|event| matches!(event, Event::Registered { .. }), 1).await;
        device.observe(&server).await;
    }

    let file = folder.path().join("b.muster");
    let passphrase = Passphrase::new(Zeroizing::new("correct horse battery".to_owned())).unwrap();
    backup::create(&before, &file, &passphrase, &()).await.unwrap();
    // More happens, which the restored server knows nothing of.
    for device in &devices {
        device.heard_again(&server).await;
    }
    server.stop().await;

    let after = Config { data_dir: config(folder.path(), "after").data_dir, ..at(before, &addresses) };
    backup::restore(&after, &file, &passphrase, Replace::Never, &()).await.unwrap();
    devices.iter().for_each(|device| device.events.lock().unwrap().clear());
    let server = Server::start(&after).await.unwrap();
    for device in &devices {
        device.until(|event| matches!(event, Event::UpdateAccepted | Event::Registered { .. }), 2).await;
        device.heard_again(&server).await;
        let seen = device.events.lock().unwrap();
        let has = |wanted: fn(&Event) -> bool| seen.iter().any(wanted);
        assert!(!has(|event| matches!(event, Event::Bootstrapped | Event::BootstrapAccepted)), "{seen:?}");
    }
    devices.iter().for_each(|device| device.task.abort());
    server.stop().await;
    assert_eq!(sessions(&after).await, DEVICES, "each device has opened one session, and no other");
}

fn config(folder: &Path, name: &str) -> Config {
    let any = || Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    let mut config = Config::default();
    config.data_dir.0 = folder.join(name);
    config.coaps.listen = any();
    config.coaps.bootstrap_listen = any();
    config.console.listen = any();
    config
}

/// The same where a server was.
fn at(mut config: Config, addresses: &server::Addresses) -> Config {
    config.coaps.listen = Addresses(addresses.coaps.clone());
    config.coaps.bootstrap_listen = Addresses(addresses.coaps_bootstrap.clone());
    config
}

async fn sessions(config: &Config) -> u64 {
    let url = format!("sqlite://{}", config.data_dir.0.join("muster.db").display());
    let database = sea_orm::Database::connect(url).await.unwrap();
    let sql = "SELECT COUNT(*) FROM dtls_session";
    let row = database.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
    row.try_get_by_index::<i64>(0).unwrap().try_into().unwrap()
}

fn context() -> Context {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Timestamp(now.as_millis().try_into().unwrap());
    Context { actor: Actor::Server("test"), now, request: RequestId::from_random([1; 16]) }
}

/// A device that is played, and what has happened to it.
struct Played {
    endpoint: String,
    id: PublicId,
    events: Arc<Mutex<Vec<Event>>>,
    task: JoinHandle<()>,
}

/// How long anything may take: several retransmissions of an Update, and a handshake.
const PATIENCE: Duration = Duration::from_secs(60);

impl Played {
    async fn start(server: &Server, number: u64) -> Self {
        let endpoint = format!("node-{number}");
        let new = NewDevice {
            endpoint: EndpointName::new(endpoint.as_str()).unwrap(),
            class: None,
            bootstrap: Some(GivenPsk::default().into()),
            management: None,
        };
        let enrolled = server.fleet().add_device(&context(), new).await.unwrap();
        let shown = enrolled.shown.first().unwrap();
        let uri = format!("coaps://{}", server.addresses().coaps_bootstrap[0]);
        let key = shown.psk().unwrap();
        let account = Account::psk(&uri, &shown.credential.identity.text(), key.as_bytes());
        let mut profile = Profile::sensor(&endpoint, Version::V1_1);
        profile.factory = Factory::bootstrap(account);
        // As often as it ever does.
        profile.update_percent = 0;
        // It finds out in seconds that nobody knows it any more.
        profile.coap.transmission.ack_timeout = Duration::from_millis(500);
        profile.coap.transmission.max_retransmit = 2;
        profile.retry = Duration::from_secs(1);
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&events);
        let player =
            Player::new(Device::new(profile, number), Life::new(number, Duration::from_millis(500)), None)
                .by(Stack::Engine)
                .telling(move |event| told.lock().unwrap().push(event.clone()));
        Self { endpoint, id: enrolled.device.public_id, events, task: tokio::spawn(player.run()) }
    }

    async fn until(&self, wanted: fn(&Event) -> bool, times: usize) {
        let started = Instant::now();
        while self.events.lock().unwrap().iter().filter(|event| wanted(event)).count() < times {
            assert!(started.elapsed() < PATIENCE, "{}: {:?}", self.endpoint, self.events.lock().unwrap());
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn observe(&self, server: &Server) {
        let observe = Operation::Observe { path: path(), format: None };
        server.fleet().operate(&context(), self.id, observe, None).await.unwrap();
    }

    /// Waits until there is another value than now.
    async fn heard_again(&self, server: &Server) {
        let (value, started) = (self.latest(server).await, Instant::now());
        while self.latest(server).await == value {
            assert!(started.elapsed() < PATIENCE, "{} reports nothing", self.endpoint);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// When its thermometer was heard last.
    async fn latest(&self, server: &Server) -> Option<Timestamp> {
        let values = server.fleet().history(&context(), self.id, path(), 1).await.unwrap();
        values.first().map(|value| value.received_at)
    }
}

fn path() -> objects::Path {
    "/3303/0/5700".parse().unwrap()
}
