//! `load`: many devices against a server on this machine. See [`interop_tests::load`].

use std::{
    fs::File,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

use clap::{CommandFactory as _, Parser, error::ErrorKind};
use interop_tests::{
    Console, Interface, Rest, Settings, Subject, Transport,
    load::{Killer, Load, Options, Phase, Process, Servers, Stored, compare},
};

/// Many devices against a server on this machine, and what it took.
///
/// Without --api a server is started for it, with data of its own: the `muster` beside this program, or MUSTER_BINARY. It is killed
/// with --kill-every, and in the end what it has acknowledged is compared with what it has stored.
#[derive(Parser)]
#[command(name = "load")]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Write the figures there instead of on standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The console of a server that runs, such as http://127.0.0.1:8080.
    #[arg(long, requires_all = ["token", "coap", "coaps", "pid"])]
    api: Option<String>,
    /// A token of its API, for administrators.
    #[arg(long, env = "MUSTER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where it listens for plain CoAP.
    #[arg(long)]
    coap: Option<SocketAddr>,
    /// Where it listens for DTLS.
    #[arg(long)]
    coaps: Option<SocketAddr>,
    /// The number of its process.
    #[arg(long)]
    pid: Option<u32>,
    /// Kill the server that was started so often, as a power cut would.
    #[arg(long, value_name = "SECONDS", conflicts_with = "api", value_parser = clap::value_parser!(u64).range(1..))]
    kill_every: Option<u64>,
    /// An hour of the mixed load with 5 % loss and a kill every five minutes; what is given beside it counts.
    #[arg(long)]
    soak: bool,
}

#[tokio::main]
async fn main() {
    let arguments = with_preset(Arguments::parse(), std::env::args().collect());
    // Before the load: figures that find no place in the end are lost.
    let place =
        arguments.json.as_deref().map(|file| File::create(file).unwrap_or_else(|error| refuse(file, &error)));
    let options = arguments.options.clone();
    let subject = match &arguments.api {
        Some(_) => None,
        None => Some(Subject::start_with(Settings { log: Some("warn"), ..Settings::default() }).await),
    };
    let (rest, process, servers) = reach(&arguments, subject.as_ref()).await;
    let load = Load::new(options, servers, rest, process.clone()).await;
    let mut load = load.unwrap_or_else(|error| panic!("the devices can't be made: {error}"));
    let stop = load.stop();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let seed = arguments.options.seed;
    let every = arguments.kill_every.map(Duration::from_secs);
    let (killer, subject) = match (subject, every) {
        (Some(subject), Some(every)) => {
            (Some(Killer::start(subject, every..=every, seed, process, load.kills())), None)
        }
        (subject, _) => (None, subject),
    };
    let report = load.run().await;
    let text = serde_json::to_string_pretty(&report).expect("figures are JSON");
    if let Some(Err(error)) = place.map(|mut file| file.write_all(text.as_bytes())) {
        eprintln!("the figures could not be written there: {error}");
        println!("{text}");
    } else if arguments.json.is_none() {
        println!("{text}");
    }
    let subject = killer.map(|killer| killer.stop().0).or(subject);
    let is_clean = match subject {
        Some(subject) => is_kept(&mut load, &subject).await,
        None => true,
    };
    if !is_clean || !report.wrong.is_empty() {
        std::process::exit(1);
    }
}

/// Ends it for figures that have no place.
fn refuse(file: &Path, error: &io::Error) -> ! {
    let said = format!("--json {}: {error}", file.display());
    Arguments::command().error(ErrorKind::ValueValidation, said).exit()
}

/// What a soak is, where nothing else is said.
fn with_preset(mut arguments: Arguments, given: Vec<String>) -> Arguments {
    if !arguments.soak {
        return arguments;
    }
    let is_given = |name: &str| given.iter().any(|one| one == name || one.starts_with(&format!("{name}=")));
    let options = &mut arguments.options;
    if !is_given("--phases") {
        options.phases = vec![Phase::Register, Phase::Mixed];
    }
    if !is_given("--seconds") {
        options.seconds = 3_600;
    }
    if !is_given("--loss") {
        options.loss = 0.05;
    }
    if !is_given("--psk") {
        options.psk = 70;
    }
    if !is_given("--rate") && !is_given("--outstanding") {
        options.rate = Some(300.0);
    }
    if arguments.api.is_none() {
        arguments.kill_every.get_or_insert(300);
    }
    arguments
}

async fn reach(arguments: &Arguments, subject: Option<&Subject>) -> (Rest, Process, Servers) {
    if let Some(subject) = subject {
        let console = Console::set_up(subject).await;
        let at = |transport| subject.address(Interface::Management, transport);
        let servers = Servers { coap: at(Transport::Udp), coaps: at(Transport::Dtls) };
        return (Rest::of(subject, &console).await, Process::new(subject.pid()), servers);
    }
    let Arguments { api, token, coap, coaps, pid, .. } = arguments;
    let (api, token) = (api.as_deref().unwrap_or_default(), token.as_deref().unwrap_or_default());
    let servers = coap.zip(*coaps).map(|(coap, coaps)| Servers { coap, coaps });
    let servers = servers.expect("clap asks for both beside --api");
    (Rest::with_token(api, token), Process::new(pid.unwrap_or_default()), servers)
}

/// Whether all that was acknowledged is in the server's store, and nothing else; says so on standard error.
async fn is_kept(load: &mut Load, subject: &Subject) -> bool {
    let silent = load.call_the_roll(Duration::from_secs(93)).await;
    let stored = Stored::read(&subject.database_url()).await;
    let stored = stored.unwrap_or_else(|error| panic!("the database can't be read: {error}"));
    let verdict = compare(load.crowd().records(), &stored);
    eprintln!(
        "{} acknowledged and looked for: {} lost, {} invented, {} doubled; {silent} devices silent; {} handshakes repeated",
        verdict.acknowledged,
        verdict.lost.len(),
        verdict.invented.len(),
        verdict.doubled.len(),
        load.crowd().handshakes_repeated(),
    );
    let said = [("lost", &verdict.lost), ("invented", &verdict.invented), ("doubled", &verdict.doubled)];
    for (what, said) in said {
        said.iter().take(SAID).for_each(|one| eprintln!("{what}: {one}"));
    }
    verdict.is_clean()
}

/// How many of each are told in words.
const SAID: usize = 20;
