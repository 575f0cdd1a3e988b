//! The server under test: the `muster` binary, with a configuration and data of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use tempfile::TempDir;

use crate::{Deadline, until};

/// A server in a process of its own. It ends when this is dropped.
pub struct Subject {
    folder: TempDir,
    process: Child,
    welcome: Welcome,
}

/// What the server says at its start.
#[derive(Clone, Debug)]
struct Welcome {
    coap: SocketAddr,
    console: SocketAddr,
    setup_link: Option<String>,
}

impl Subject {
    /// Starts a server with nothing in it, on ports that are free.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        configure(folder.path(), any, any);
        let (process, welcome) = spawn(folder.path());
        let subject = Self { folder, process, welcome };
        subject.ready().await;
        subject
    }

    /// Kills it as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("the server has ended");
    }

    /// Starts it again after [`Self::kill`], with the same data and at the same addresses.
    pub async fn start_again(&mut self) {
        configure(self.folder.path(), self.welcome.coap, self.welcome.console);
        let (process, welcome) = spawn(self.folder.path());
        assert_eq!(welcome.coap, self.welcome.coap, "devices reach it where they did");
        (self.process, self.welcome) = (process, welcome);
        self.ready().await;
    }

    /// Where devices reach it.
    pub fn coap(&self) -> SocketAddr {
        self.welcome.coap
    }

    /// The address of its console.
    pub fn console_url(&self) -> String {
        format!("http://{}", self.welcome.console)
    }

    /// Where the first administrator is made, while there is none.
    pub fn setup_link(&self) -> Option<&str> {
        self.welcome.setup_link.as_deref()
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

fn configure(folder: &Path, coap: SocketAddr, console: SocketAddr) {
    let data = folder.join("data");
    let text = format!(
        "data_dir = {data:?}\n[coap]\nlisten = [\"{coap}\"]\n[console]\nlisten = \"{console}\"\n[log]\nlevel = \"debug\"\nformat = \"text\"\n"
    );
    std::fs::write(folder.join("muster.toml"), text).expect("the configuration can be written");
}

fn spawn(folder: &Path) -> (Child, Welcome) {
    let binary = binary();
    let log = File::options().create(true).append(true).open(log_file(folder));
    let mut process = Command::new(&binary)
        .arg("--config")
        .arg(folder.join("muster.toml"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.expect("the log file can be opened"))
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{} can't be run ({error}): build it with `cargo build -p server`, or name it in MUSTER_BINARY", binary.display())
        });
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

/// Beside the folder of the test's own executable, unless `MUSTER_BINARY` names it.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("MUSTER_BINARY") {
        return named.into();
    }
    let test = std::env::current_exe().expect("a test knows its executable");
    let built = test.parent().and_then(Path::parent).expect("tests lie in <target>/<profile>/deps");
    built.join(format!("muster{}", std::env::consts::EXE_SUFFIX))
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("muster.log")
}

impl Welcome {
    /// The lines `Devices coap://…`, `Console http://…`, `Data …`, and the set-up link after the sentence that
    /// announces it.
    fn read(lines: &mpsc::Receiver<String>) -> Option<Self> {
        let (mut coap, mut console, mut setup_link) = (None, None, None);
        let deadline = Deadline::usual();
        let mut complete = false;
        // What follows the line that completes it comes in the same breath, or not at all.
        while let Ok(line) = lines.recv_timeout(if complete { SAME_BREATH } else { deadline.left() }) {
            let line = line.trim();
            if let Some(address) = line.strip_prefix("Devices") {
                coap = address.trim().strip_prefix("coap://").and_then(|address| address.parse().ok());
            } else if let Some(address) = line.strip_prefix("Console") {
                console = address.trim().strip_prefix("http://").and_then(|address| address.parse().ok());
            } else if line.starts_with("Data") {
                complete = true;
            } else if line.starts_with("http://") {
                setup_link = Some(line.to_owned());
                break;
            }
        }
        Some(Self { coap: coap?, console: console?, setup_link })
    }
}

const SAME_BREATH: std::time::Duration = std::time::Duration::from_millis(500);
