//! Runs a scenario with every peer over every transport, and compares with what the peers are known not to do.

use std::{collections::BTreeMap, net::SocketAddr, panic::AssertUnwindSafe};

use futures::FutureExt;
use serde::Deserialize;

use crate::{
    Book, Client, Console, Device, Interface, Peer, Places, Record, Security, Settings, Spec, Subject,
    Transport,
};

/// What a scenario plays on: a server with an administrator, and a peer to make clients with.
pub struct Stage {
    /// The peer of this run.
    pub peer: Peer,
    /// What its clients talk by.
    pub transport: Transport,
    /// The server.
    pub subject: Subject,
    /// Its console, with the administrator logged in.
    pub console: Console,
}

impl Stage {
    /// A new server with an administrator.
    pub async fn set(peer: Peer, transport: Transport, settings: Settings) -> Self {
        let subject = Subject::start_with(settings).await;
        let console = Console::set_up(&subject).await;
        Self { peer, transport, subject, console }
    }

    /// Where the peer's clients have what scenarios use.
    pub fn places(&self) -> &'static Places {
        self.peer.places()
    }

    /// A client that is on its way to register, or to be bootstrapped. Over DTLS the server is told its key before.
    pub async fn start(&self, spec: Spec) -> Client {
        let spec = self.with_key(spec);
        if spec.security != Security::NoSec {
            self.console.enrol(&spec).await;
        }
        self.launch(&spec)
    }

    /// With a key, if it needs one here and has none: of its own identity, which is its endpoint name.
    pub fn with_key(&self, spec: Spec) -> Spec {
        match (self.transport, &spec.security) {
            (Transport::Dtls, Security::NoSec) => {
                let identity = spec.endpoint.clone();
                spec.psk(&identity, &KEY)
            }
            _ => spec,
        }
    }

    /// A client that the server is not told of.
    pub fn launch(&self, spec: &Spec) -> Client {
        self.peer.start(self.server_of(spec), spec)
    }

    /// Where such a client finds the server.
    pub fn server_of(&self, spec: &Spec) -> SocketAddr {
        let interface = if spec.bootstrap { Interface::Bootstrap } else { Interface::Management };
        self.subject.address(interface, spec.security.transport())
    }

    /// A client that has registered, and its pages.
    pub async fn registered(&self, spec: Spec) -> (Client, Device) {
        let mut client = self.start(spec).await;
        client.event("registered").await;
        let device = self.console.device(client.endpoint()).await;
        (client, device)
    }
}

/// Plays a scenario with every peer. One that can't be run here is skipped; what a peer can't do is in
/// `expectations.toml`.
///
/// # Panics
/// If the scenario fails with a peer that should play it, or works with one that is listed as unable.
pub fn on_every_peer<F>(scenario: &str, play: impl Fn(Stage) -> F)
where
    F: Future<Output = ()>,
{
    on_peers(scenario, &Peer::ALL, &Transport::ALL, Settings::default(), play);
}

/// The same over DTLS alone.
pub fn on_every_secure_peer<F>(scenario: &str, play: impl Fn(Stage) -> F)
where
    F: Future<Output = ()>,
{
    on_peers(scenario, &Peer::ALL, &[Transport::Dtls], Settings::default(), play);
}

/// The same with these peers over these transports, and a server with these settings.
pub fn on_peers<F>(
    scenario: &str,
    peers: &[Peer],
    transports: &[Transport],
    settings: Settings,
    play: impl Fn(Stage) -> F,
) where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let mut rows = Row::all();
    rows.retain(|row| peers.contains(&row.peer) && transports.contains(&row.transport));
    let runs = rows.iter().map(|row| play_with(scenario, *row, settings.clone(), &play));
    let ended = runtime.block_on(futures::future::join_all(runs));
    let failed: Vec<String> =
        rows.iter().zip(&ended).filter(|(_, good)| !**good).map(|(row, _)| row.name()).collect();
    assert!(failed.is_empty(), "{scenario}: not as expected with {}", failed.join(", "));
}

/// Plays a scenario with a server and no peer: what is sent is made by hand.
///
/// # Panics
/// If it fails.
pub fn alone(scenario: &str, settings: Settings, play: impl AsyncFnOnce(&Subject)) {
    let keep = |outcome: &str| {
        let (scenario, peer) = (scenario.to_owned(), "datagrams".to_owned());
        Record { scenario, peer, outcome: outcome.to_owned(), reason: String::new() }.keep(Book::Scenarios);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    keep("failed");
    let runtime = runtime.expect("a runtime can be built");
    runtime.block_on(async { play(&Subject::start_with(settings).await).await });
    keep("passed");
}

/// The key of all clients; each has an identity of its own, which is its endpoint name.
const KEY: [u8; 16] = [0x6d, 0x75, 0x73, 0x74, 0x65, 0x72, 0, 1, 2, 3, 4, 5, 0xfc, 0xfd, 0xfe, 0xff];

/// One of the ways to play a scenario.
#[derive(Clone, Copy)]
struct Row {
    peer: Peer,
    transport: Transport,
}

impl Row {
    /// All of them, or those that `PEERS` and `TRANSPORTS` name.
    fn all() -> Vec<Self> {
        let is_named = |variable: &str, name: &str| {
            std::env::var(variable).map_or(true, |names| names.split(',').any(|named| named == name))
        };
        let knows = |transport: &Transport| *transport == Transport::Udp || Subject::knows_security();
        let transports = Transport::ALL.into_iter().filter(knows);
        let transports = transports.filter(|transport| is_named("TRANSPORTS", transport.name()));
        let transports: Vec<Transport> = transports.collect();
        let peers = Peer::ALL.into_iter().filter(|peer| is_named("PEERS", peer.name()));
        peers.flat_map(|peer| transports.iter().map(move |&transport| Self { peer, transport })).collect()
    }

    /// As it stands in `RESULTS.md`.
    fn name(self) -> String {
        format!("{} {}", self.peer.name(), self.transport.name())
    }
}

async fn play_with<F: Future<Output = ()>>(
    scenario: &str,
    row: Row,
    settings: Settings,
    play: &impl Fn(Stage) -> F,
) -> bool {
    let name = row.name();
    let keep = |outcome: &str, reason: &str| {
        let (scenario, peer) = (scenario.to_owned(), name.clone());
        Record { scenario, peer, outcome: outcome.to_owned(), reason: reason.to_owned() }
            .keep(Book::Scenarios);
    };
    if let Err(missing) = row.peer.prepare(row.transport) {
        keep("skipped", &missing.what);
        missing.skip(&format!("{scenario} with {name}"));
        return true;
    }
    let unable = Expectations::read().cannot(row, scenario);
    let run = async {
        let stage = Stage::set(row.peer, row.transport, settings).await;
        play(stage).await;
    };
    let passed = AssertUnwindSafe(run).catch_unwind().await.is_ok();
    match (passed, unable) {
        (true, None) => keep("passed", ""),
        (false, Some(reason)) => {
            eprintln!("as expected, {scenario} does not work with {name}: {reason}");
            keep("cannot", &reason);
        }
        (false, None) => {
            eprintln!("{scenario} failed with {name}");
            keep("failed", "");
            return false;
        }
        (true, Some(reason)) => {
            eprintln!("{scenario} works with {name}: take it out of expectations.toml ({reason})");
            keep("passed", "");
            return false;
        }
    }
    true
}

/// What peers can't do: a peer (or peer and transport), scenario, reason.
#[derive(Deserialize)]
#[serde(transparent)]
struct Expectations(BTreeMap<String, BTreeMap<String, String>>);

impl Expectations {
    fn read() -> Self {
        toml::from_str(include_str!("../expectations.toml"))
            .expect("expectations.toml is [peer] scenario = \"reason\"")
    }

    fn cannot(&self, row: Row, scenario: &str) -> Option<String> {
        let names = [row.peer.name().to_owned(), row.name()];
        names.iter().find_map(|name| self.0.get(name)?.get(scenario).cloned())
    }
}
