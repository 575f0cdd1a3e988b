//! Leshan's client, in the harness of `clients/leshan`: one process a client, commands in, a JSON object a line out.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use tokio::sync::mpsc;

use super::{Client, Event, Security, Spec};
use crate::{Missing, maven};

/// The harness, built if it is not there or older than its sources.
pub fn jar() -> Result<PathBuf, Missing> {
    static JAR: OnceLock<Result<PathBuf, Missing>> = OnceLock::new();
    JAR.get_or_init(|| maven::jar("leshan")).clone()
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
    if !spec.connection_id {
        command.arg("--no-connection-id");
    }
    if let Some(certificate) = &spec.https_trust {
        command.arg("--https-trust").arg(certificate);
    }
    match &spec.security {
        Security::NoSec => {}
        Security::Psk { identity, key } => {
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            command.args(["--psk-identity", identity, "--psk-key", &key]);
        }
        Security::RawPublicKey { own, key, server } => {
            command.arg("--raw-public-key").arg(own).arg("--private-key").arg(key);
            command.arg("--server-key").arg(server);
        }
        Security::Certificate { own, key, server } => {
            command.arg("--certificate").arg(own).arg("--private-key").arg(key);
            command.arg("--server-key").arg(server);
        }
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
