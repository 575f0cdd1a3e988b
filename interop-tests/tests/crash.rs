//! `kill -9` again and again under load: what was acknowledged is there afterwards, and nothing else, and no device that had a
//! session needs another handshake.
//!
//! `MUSTER_CRASH_SECONDS` says for how long, instead of [`SECONDS`].

use std::time::Duration;

use interop_tests::{
    Console, Interface, Rest, Settings, Subject, Transport,
    load::{Killer, Load, Options, Phase, Process, Record, Servers, Stored, compare},
};
use pg_cluster::Cluster;

const SECONDS: u64 = 12;

#[test]
fn what_was_acknowledged_under_load_survives_kill_after_kill() {
    play(None);
}

#[test]
fn what_was_acknowledged_under_load_survives_kill_after_kill_on_postgresql() {
    if let Some(cluster) = Cluster::shared("kill after kill on PostgreSQL") {
        play(Some(cluster.url(&cluster.database())));
    }
}

fn play(database: Option<String>) {
    let seconds = std::env::var("MUSTER_CRASH_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let options = Options {
        devices: 300,
        psk: 67,
        rate: Some(150.0),
        outstanding: 32,
        seconds: seconds.unwrap_or(SECONDS),
        // Devices that do not give up while the server is away, and are soon there when it is back.
        ack_timeout_ms: 500,
        max_retransmit: 7,
        ..Options::default()
    };
    let settings = Settings { database, log: Some("info"), ..Settings::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be built").block_on(survive(options, settings));
}

async fn survive(options: Options, settings: Settings) {
    let subject = Subject::start_with(settings).await;
    let console = Console::set_up(&subject).await;
    let rest = Rest::of(&subject, &console).await;
    let at = |transport| subject.address(Interface::Management, transport);
    let servers = Servers { coap: at(Transport::Udp), coaps: at(Transport::Dtls) };
    let process = Process::new(subject.pid());
    let (devices, seed) = (options.devices, options.seed);
    let mut load = Load::new(options, servers, rest, process.clone()).await.expect("there is a socket");
    let registered = load.play(Phase::Register).await;
    assert_eq!(registered.done, u64::from(devices), "{:?}", registered.errors);
    load.observe().await;

    let between = Duration::from_secs(1)..=Duration::from_secs(3);
    let killer = Killer::start(subject, between, seed, process, load.kills());
    let mixed = load.play(Phase::Mixed).await;
    let (mut subject, mut starts) = killer.stop();
    subject.kill();
    subject.start_again().await;
    let silent = load.call_the_roll(Duration::from_secs(60)).await;

    let stored = Stored::read(&subject.database_url()).await.expect("the database can be read");
    let verdict = compare(load.crowd().records(), &stored);
    let (repeated, wrong) = (load.crowd().handshakes_repeated(), load.crowd().wrong());
    starts.sort();
    eprintln!(
        "{} kills, ready again after {:?} at most; {} operations done, {:?}, {} unfinished; {} acknowledged and looked for: \
         {} lost, {} invented, {} doubled; {repeated} handshakes repeated; {silent} silent",
        starts.len(),
        starts.last(),
        mixed.done,
        mixed.errors,
        mixed.unfinished,
        verdict.acknowledged,
        verdict.lost.len(),
        verdict.invented.len(),
        verdict.doubled.len(),
    );
    assert!(starts.len() >= 2, "it was killed under load: {} times", starts.len());
    assert!(mixed.done > u64::from(devices), "there was a load: {mixed:?}");
    let begun = |of: fn(&Record) -> u32| load.crowd().records().map(|(.., record)| of(record)).sum::<u32>();
    assert!(begun(|record| record.lifetimes.begun) > 0, "there were Updates that change something");
    assert!(begun(|record| record.notified.begun) > 0, "there were notifications");
    assert!(begun(|record| record.sent.begun) > 0, "there were Sends");
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!(wrong, [] as [String; 0]);
    assert_eq!((repeated, silent), (0, 0));
}
