//! Leshan's client, in the harness of `clients/leshan`: one process a client, commands in, a JSON object a line out.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::SystemTime,
};

use tokio::sync::mpsc;

use super::{Client, Event, Security, Spec};
use crate::Missing;

/// The harness, built if it is not there or older than its sources.
pub fn jar() -> Result<PathBuf, Missing> {
    static JAR: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    JAR.get_or_init(build).clone()
}

pub(super) fn start(server: SocketAddr, spec: &Spec) -> Client {
    assert!(!spec.nameless, "Leshan's client always names itself");
    let jar = jar().expect("the peer was prepared before");
    let mut command = Command::new("java");
    // Only the quick compiler: these processes live for seconds.
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-jar"]).arg(jar);
    let scheme = if spec.security == Security::NoSec { "coap" } else { "coaps" };
    command.args(["--server", &format!("{scheme}://{server}"), "--endpoint", &spec.endpoint]);
    command.args(["--lifetime", &spec.lifetime.to_string(), "--lwm2m", spec.lwm2m, "--retry", "2"]);
    command.args(["--request-timeout", if spec.impatient { "5" } else { "20" }]);
    if spec.impatient {
        command.args(["--update-period", "3"]);
    }
    if spec.queue_mode {
        command.arg("--queue-mode");
    }
    if spec.bootstrap {
        command.arg("--bootstrap");
    }
    if let Security::Psk { identity, key } = &spec.security {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        command.args(["--psk-identity", identity, "--psk-key", &key]);
    }
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(if std::env::var_os("LESHAN_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
        .spawn()
        .expect("java was found before");
    let stdout = process.stdout.take().expect("standard output is piped");
    let mut stdin = process.stdin.take().expect("standard input is piped");
    let (events, incoming) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Ok(event) = serde_json::from_str(&line) {
                drop(events.send(Event(event)));
            }
        }
    });
    let command = move |line: &str| {
        // A client that has ended says so by the end of its events.
        drop(writeln!(stdin, "{line}").and_then(|()| stdin.flush()));
    };
    Client::new(&spec.endpoint, command, incoming, Process(process))
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn build() -> Result<PathBuf, Missing> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/leshan");
    let jar = folder.join("target/leshan-client.jar");
    works("java", "-version", "Java 17, such as openjdk-17-jre-headless")?;
    // The tests of several executables may get here at the same time.
    let lock = File::create(std::env::temp_dir().join("muster-leshan-client.lock"));
    let lock = lock.and_then(|lock| lock.lock().map(|()| lock));
    let _lock =
        lock.map_err(|error| Missing::new(format!("a lock for the build of the Leshan client ({error})")))?;
    let sources = [folder.join("src"), folder.join("pom.xml")];
    if changed(&jar)
        .is_some_and(|built| sources.iter().filter_map(|path| changed(path)).all(|source| source <= built))
    {
        return Ok(jar);
    }
    works("mvn", "-version", "Maven, to build interop-tests/clients/leshan")?;
    let built =
        Command::new("mvn").args(["-q", "-B", "package"]).current_dir(&folder).stdin(Stdio::null()).output();
    match built {
        Ok(output) if output.status.success() && jar.exists() => Ok(jar),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            Err(Missing::new(format!("the Leshan client, which Maven could not build: {}", said.trim())))
        }
        Err(error) => Err(Missing::new(format!("Maven ({error})"))),
    }
}

fn works(program: &str, argument: &str, what: &str) -> Result<(), Missing> {
    let run = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success()).then_some(()).ok_or_else(|| Missing::new(what))
}

/// When the newest file at or below a path was changed.
fn changed(path: &Path) -> Option<SystemTime> {
    if path.is_dir() {
        return std::fs::read_dir(path).ok()?.flatten().filter_map(|entry| changed(&entry.path())).max();
    }
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}
