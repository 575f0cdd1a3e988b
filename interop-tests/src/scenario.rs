//! Runs a scenario with every peer, and compares with what the peers are known not to do.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use futures::FutureExt;
use serde::Deserialize;

use crate::{Client, Console, Device, Missing, Peer, Record, Spec, Subject};

/// What a scenario plays on: a server with an administrator, and a peer to make clients with.
pub struct Stage {
    /// The peer of this run.
    pub peer: Peer,
    /// The server.
    pub subject: Subject,
    /// Its console, with the administrator logged in.
    pub console: Console,
}

impl Stage {
    /// A new server with an administrator.
    pub async fn set(peer: Peer) -> Self {
        let subject = Subject::start().await;
        let console = Console::set_up(&subject).await;
        Self { peer, subject, console }
    }

    /// A client that is on its way to register.
    pub fn start(&self, spec: Spec) -> Client {
        self.peer.start(self.subject.coap(), &spec)
    }

    /// A client that has registered, and its pages.
    pub async fn registered(&self, spec: Spec) -> (Client, Device) {
        let mut client = self.start(spec);
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let runs = Peer::ALL.map(|peer| (peer, play_with(scenario, peer, &play)));
    let ended = runtime.block_on(futures::future::join_all(runs.map(|(_, run)| run)));
    let failed: Vec<&str> =
        Peer::ALL.iter().zip(&ended).filter(|(_, good)| !**good).map(|(peer, _)| peer.name()).collect();
    assert!(failed.is_empty(), "{scenario}: not as expected with {}", failed.join(", "));
}

async fn play_with<F: Future<Output = ()>>(scenario: &str, peer: Peer, play: &impl Fn(Stage) -> F) -> bool {
    let keep = |outcome: &str, reason: &str| {
        let (scenario, peer) = (scenario.to_owned(), peer.name().to_owned());
        Record { scenario, peer, outcome: outcome.to_owned(), reason: reason.to_owned() }.keep();
    };
    if let Err(Missing { what }) = peer.prepare() {
        keep("skipped", &what);
        Missing { what }.skip(&format!("{scenario} with {}", peer.name()));
        return true;
    }
    let unable = Expectations::read().cannot(peer, scenario);
    let run = async {
        let stage = Stage::set(peer).await;
        play(stage).await;
    };
    let passed = AssertUnwindSafe(run).catch_unwind().await.is_ok();
    match (passed, unable) {
        (true, None) => keep("passed", ""),
        (false, Some(reason)) => {
            eprintln!("as expected, {scenario} does not work with {}: {reason}", peer.name());
            keep("cannot", &reason);
        }
        (false, None) => {
            eprintln!("{scenario} failed with {}", peer.name());
            keep("failed", "");
            return false;
        }
        (true, Some(reason)) => {
            eprintln!("{scenario} works with {}: take it out of expectations.toml ({reason})", peer.name());
            keep("passed", "");
            return false;
        }
    }
    true
}

/// What peers can't do: peer, scenario, reason.
#[derive(Deserialize)]
#[serde(transparent)]
struct Expectations(BTreeMap<String, BTreeMap<String, String>>);

impl Expectations {
    fn read() -> Self {
        toml::from_str(include_str!("../expectations.toml"))
            .expect("expectations.toml is [peer] scenario = \"reason\"")
    }

    fn cannot(&self, peer: Peer, scenario: &str) -> Option<String> {
        self.0.get(peer.name())?.get(scenario).cloned()
    }
}
