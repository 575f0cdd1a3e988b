//! The server under test: the `muster` binary, with a configuration and data of its own.

mod welcome;

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{OnceLock, mpsc},
};

use tempfile::TempDir;

use self::welcome::Welcome;
use crate::{Deadline, Transport, until};

/// A server in a process of its own. It ends when this is dropped.
pub struct Subject {
    folder: TempDir,
    process: Child,
    welcome: Welcome,
    settings: Settings,
}

/// Lines for the server's configuration, beside where it listens.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// For `[coap]`, such as `max_devices = 1`.
    pub coap: String,
    /// For `[coaps]`, such as `handshake_timeout_s = 2`.
    pub coaps: String,
    /// Tables such as `[downloads.coaps]`.
    pub tables: String,
    /// The URL of a PostgreSQL database, instead of SQLite.
    pub database: Option<String>,
    /// The lowest level that is logged, instead of `debug`.
    pub log: Option<&'static str>,
    /// Another program that serves, instead of `muster`: it is given `--config` and a file.
    pub binary: Option<PathBuf>,
}

/// Whom the server listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Devices that register.
    Management,
    /// Devices that want to be bootstrapped.
    Bootstrap,
}

impl Subject {
    /// Starts a server with nothing in it, on ports that are free: in the lab profile, for every interface by every
    /// transport. A server that knows no security speaks plain CoAP alone.
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// The same with other settings.
    pub async fn start_with(settings: Settings) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let interfaces = [Interface::Management, Interface::Bootstrap];
        let all = interfaces.map(|interface| Transport::ALL.map(|transport| (interface, transport, any)));
        let listen = if Self::knows_security() { all.as_flattened() } else { &all.as_flattened()[..1] };
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        configure(folder.path(), &Welcome::of(any, listen), &settings);
        let (process, welcome) = spawn(folder.path(), &settings);
        let subject = Self { folder, process, welcome, settings };
        subject.ready().await;
        subject
    }

    /// Whether the server to test has devices with credentials.
    pub fn knows_security() -> bool {
        static KNOWS: OnceLock<bool> = OnceLock::new();
        *KNOWS.get_or_init(|| {
            let keys = Command::new(binary()).arg("--print-config").output();
            let keys = keys.unwrap_or_else(|error| panic!("{}", cannot_run(&error)));
            String::from_utf8_lossy(&keys.stdout).contains("[coaps]")
        })
    }

    /// Kills it as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("the server has ended");
    }

    /// Starts it again after [`Self::kill`], with the same data and at the same addresses.
    pub async fn start_again(&mut self) {
        configure(self.folder.path(), &self.welcome, &self.settings);
        let (process, welcome) = spawn(self.folder.path(), &self.settings);
        assert_eq!(welcome.devices, self.welcome.devices, "devices reach it where they did");
        (self.process, self.welcome) = (process, welcome);
        self.ready().await;
    }

    /// Where devices register by plain CoAP.
    pub fn coap(&self) -> SocketAddr {
        self.address(Interface::Management, Transport::Udp)
    }

    /// Where devices reach it.
    ///
    /// # Panics
    /// If it does not listen there.
    pub fn address(&self, interface: Interface, transport: Transport) -> SocketAddr {
        let found = self.welcome.device_address(interface, transport);
        found
            .unwrap_or_else(|| panic!("the server does not listen for {interface:?} by {}", transport.name()))
    }

    /// The address of its console.
    pub fn console_url(&self) -> String {
        format!("http://{}", self.welcome.console)
    }

    /// Where the first administrator is made, while there is none.
    pub fn setup_link(&self) -> Option<&str> {
        self.welcome.setup_link.as_deref()
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its database, as a URL to read it by.
    pub fn database_url(&self) -> String {
        if let Some(url) = &self.settings.database {
            return url.clone();
        }
        format!("sqlite://{}?mode=ro", self.folder.path().join("data/muster.db").display())
    }

    /// Where its configuration and its data are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.process.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_file(self.folder.path())).unwrap_or_default()
    }

    async fn ready(&self) {
        let url = format!("{}/readyz", self.console_url());
        until("the server to be ready", Deadline::usual(), async || {
            reqwest::get(&url).await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        if std::thread::panicking() {
            let log = self.log();
            // Without the pages that the test itself has loaded.
            let last: Vec<&str> =
                log.lines().filter(|line| !line.contains("web::headers")).rev().take(LOG_LINES).collect();
            eprintln!("the server's last lines:");
            last.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

const LOG_LINES: usize = 40;

fn configure(folder: &Path, addresses: &Welcome, settings: &Settings) {
    let data = folder.join("data");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let listen = |name: &str, interface, transport| {
        let address = addresses.device_address(interface, transport);
        address.map(|address| format!("{name} = [\"{address}\"]\n")).unwrap_or_default()
    };
    let section = |transport| {
        let (management, bootstrap) = (Interface::Management, Interface::Bootstrap);
        listen("listen", management, transport) + &listen("bootstrap_listen", bootstrap, transport)
    };
    let (coap, coaps) = (section(Transport::Udp), section(Transport::Dtls));
    let Settings { coap: more_coap, coaps: more_coaps, tables, database, log, .. } = settings;
    let level = log.unwrap_or("debug");
    let database = database.as_ref().map(|url| format!("[database]\nurl = {url:?}\n")).unwrap_or_default();
    // For a server that knows no security, the file has nothing in it that such a server does not know.
    let secure = !coaps.is_empty();
    let profile = if secure { "profile = \"lab\"\npublic_host = \"127.0.0.1\"\n" } else { "" };
    let coaps = if secure { format!("[coaps]\n{coaps}{more_coaps}\n") } else { coaps };
    let console = addresses.console;
    let console = if secure { format!("[\"{console}\"]") } else { format!("\"{console}\"") };
    let text = format!(
        "{profile}data_dir = {data:?}\n[coap]\n{coap}{more_coap}\n{coaps}{database}[console]\nlisten = {console}\n[models]\nfolder = {models:?}\n[log]\nlevel = \"{level}\"\nformat = \"text\"\n{tables}"
    );
    std::fs::write(folder.join("muster.toml"), text).expect("the configuration can be written");
}

fn spawn(folder: &Path, settings: &Settings) -> (Child, Welcome) {
    let log = File::options().create(true).append(true).open(log_file(folder));
    let mut process = Command::new(settings.binary.clone().unwrap_or_else(binary))
        .arg("--config")
        .arg(folder.join("muster.toml"))
        .env("NO_COLOR", "1")
        .env_remove("MUSTER_BINARY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.expect("the log file can be opened"))
        .spawn()
        .unwrap_or_else(|error| panic!("{}", cannot_run(&error)));
    let stdout = process.stdout.take().expect("standard output is piped");
    let (lines_in, lines) = mpsc::channel();
    // Reads on to the end, so that the server never waits for its standard output.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            drop(lines_in.send(line));
        }
    });
    let welcome = Welcome::read(&lines).unwrap_or_else(|| {
        drop(process.kill());
        let log = std::fs::read_to_string(log_file(folder)).unwrap_or_default();
        panic!("the server did not say where it listens:\n{log}")
    });
    (process, welcome)
}

fn cannot_run(error: &std::io::Error) -> String {
    let binary = binary();
    format!(
        "{} can't be run ({error}): build it with `cargo build -p server`, or name it in MUSTER_BINARY",
        binary.display()
    )
}

/// Beside the executable that this is, or the folder of a test's own, unless `MUSTER_BINARY` names it.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("MUSTER_BINARY") {
        return named.into();
    }
    let own = std::env::current_exe().expect("a program knows its executable");
    let name = format!("muster{}", std::env::consts::EXE_SUFFIX);
    // Tests lie in <target>/<profile>/deps, programs in <target>/<profile>.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(&name));
    beside.into_iter().find(|binary| binary.exists()).unwrap_or_else(|| name.into())
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("muster.log")
}
