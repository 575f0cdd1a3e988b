//! Wakaama's example clients, in C: one process a client, found by `WAKAAMA_CLIENT` and `WAKAAMA_CLIENT_DTLS`.
//!
//! They take commands on their standard input and say next to nothing, so a [`Tap`] stands between them and the server,
//! and the events are told from the messages it sees. A bootstrapped client finds the server by itself, without the tap:
//! it tells `registered` and nothing after it, and can't be paused; what it does is to be seen at the console.

mod overheard;
mod process;

use std::{collections::VecDeque, net::SocketAddr, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use self::{overheard::Overheard, process::Process};
use super::{Client, Event, Security, Spec, Transport};
use crate::{Missing, tap::Tap};

/// The client for a transport.
pub(super) fn binary(transport: Transport) -> Result<PathBuf, Missing> {
    let (variable, example) = match transport {
        Transport::Udp => ("WAKAAMA_CLIENT", "examples/client/udp"),
        Transport::Dtls => ("WAKAAMA_CLIENT_DTLS", "examples/client/tinydtls"),
    };
    let missing = |why: &str| {
        let what =
            format!("Wakaama's client (build {example} of Wakaama, and name the result in {variable}){why}");
        Missing::unless_required(REQUIRED, what)
    };
    let path = std::env::var_os(variable).map(PathBuf::from).ok_or_else(|| missing(""))?;
    if path.is_file() { Ok(path) } else { Err(missing(&format!(": {} is no file", path.display()))) }
}

pub(super) fn start(server: SocketAddr, spec: &Spec) -> Client {
    assert!(spec.lwm2m == "1.1" && !spec.queue_mode, "Wakaama's client speaks 1.1 and is always awake");
    assert!(!spec.nameless, "Wakaama's client always names itself");
    let is_known = matches!(spec.security, Security::NoSec | Security::Psk { .. });
    assert!(is_known, "Wakaama's client has no key of its own");
    let tap = Tap::before(server);
    let (events, incoming) = mpsc::unbounded_channel();
    let (commands, commands_out) = mpsc::unbounded_channel();
    let driver = Driver {
        arguments: arguments(tap.address(), spec),
        binary: binary(spec.security.transport()).expect("the peer was prepared before"),
        tap,
        overheard: Overheard::new(spec),
        events,
        said: String::new(),
        is_ready: false,
        waiting: VecDeque::new(),
        under_way: None,
        must_ask: spec.bootstrap,
        short_id: SHORT_ID.to_owned(),
    };
    let task = tokio::spawn(driver.run(commands_out));
    let command = move |line: &str| drop(commands.send(line.to_owned()));
    Client::new(&spec.endpoint, command, incoming, Task(task))
}

const REQUIRED: &str = "WAKAAMA_REQUIRED";

/// What the client calls the server that it was started with.
const SHORT_ID: &str = "123";

/// How often a client is asked what it can't be overheard.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(500);

struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn arguments(server: SocketAddr, spec: &Spec) -> Vec<String> {
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    let mut arguments: Vec<String> =
        ["-4", "-n", &spec.endpoint, "-h", &host, "-p", &port, "-t", &spec.lifetime.to_string()]
            .map(str::to_owned)
            .into();
    if spec.bootstrap {
        arguments.push("-b".to_owned());
    }
    if let Security::Psk { identity, key } = &spec.security {
        let key = key.iter().map(|byte| format!("{byte:02X}")).collect();
        arguments.extend(["-i".to_owned(), identity.clone(), "-s".to_owned(), key]);
    }
    arguments
}

/// What stands around a process.
struct Driver {
    binary: PathBuf,
    arguments: Vec<String>,
    tap: Tap,
    overheard: Overheard,
    events: mpsc::UnboundedSender<Event>,
    /// What the process has said since the command that is under way.
    said: String,
    /// Whether it waits for a command. It reads one at a time: a second one in the same breath would be left lying.
    is_ready: bool,
    waiting: VecDeque<Command>,
    under_way: Option<Command>,
    /// Whether it must be asked whether it has registered, because that is said behind the tap's back.
    must_ask: bool,
    short_id: String,
}

/// A line for the process.
struct Command {
    /// What the scenario has said; nothing for a question of the driver's own.
    asked: Option<String>,
    line: String,
}

impl Driver {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<String>) {
        let mut process = Process::start(&self.binary, &self.arguments);
        let mut question = Instant::now() + BETWEEN_QUESTIONS;
        loop {
            tokio::select! {
                // What is said to the server counts before what is said of it.
                biased;
                datagram = self.tap.next() => {
                    let Some(datagram) = datagram else { return };
                    for event in self.overheard.hear(datagram.from, &datagram.bytes) {
                        self.tell(event);
                    }
                }
                said = process.hear() => match said {
                    Some(said) => self.listen(&said),
                    // The end; nobody will hear more of it, except by the datagrams that are still on their way.
                    None => { self.end_of_process(); process.forget(); }
                },
                command = commands.recv() => match command.as_deref() {
                    Some("register") => {
                        // It has no such command: it is switched off and on again.
                        drop(process);
                        (self.is_ready, self.under_way) = (false, None);
                        self.said.clear();
                        process = Process::start(&self.binary, &self.arguments);
                        self.done("register");
                    }
                    Some(command) => self.obey(command),
                    None => return,
                },
                () = sleep_until(question), if self.must_ask => {
                    self.waiting.push_back(Command { asked: None, line: "list".to_owned() });
                    question = Instant::now() + BETWEEN_QUESTIONS;
                }
            }
            if self.is_ready
                && let Some(next) = self.waiting.pop_front()
            {
                self.said.clear();
                process.say(&next.line);
                (self.is_ready, self.under_way) = (false, Some(next));
            }
        }
    }

    fn obey(&mut self, command: &str) {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let line = match verb {
            "pause" | "resume" => {
                self.tap.lose(verb == "pause");
                return self.done(command);
            }
            "set" => format!("change {rest}"),
            // 0 stands for all servers.
            "send" => format!("send 0 {}", rest.split(' ').next().unwrap_or_default().replace(',', " ")),
            "update" => format!("update {}", self.short_id),
            "deregister" | "stop" | "quit" => "quit".to_owned(),
            _ => {
                let message = format!("`{verb}` is no command of Wakaama's client");
                return self.tell(json!({ "event": "error", "command": command, "message": message }));
            }
        };
        self.waiting.push_back(Command { asked: Some(command.to_owned()), line });
    }

    /// Takes what the process has said; a prompt ends what a command has caused.
    fn listen(&mut self, said: &str) {
        self.said.push_str(said);
        if self.is_ready || !self.said.contains(PROMPT) {
            return;
        }
        self.is_ready = true;
        let Some(command) = self.under_way.take() else { return };
        match command.asked {
            None => self.learn(),
            Some(asked) => match FAILURES.iter().find(|failure| self.said.contains(**failure)) {
                None => self.done(&asked),
                Some(failure) => {
                    self.tell(json!({ "event": "error", "command": asked, "message": failure }));
                }
            },
        }
    }

    /// Reads the answer to `list`: ` - Server ID 1\tstatus: REGISTERED\tlocation: "/rd/x"\tLifetime: 60s`.
    fn learn(&mut self) {
        let servers = self.said.lines().filter_map(|line| line.trim().strip_prefix("- Server ID "));
        let registered = servers.filter(|line| line.contains("status: REGISTERED")).find_map(|line| {
            let location = line.split('"').nth(1)?;
            Some((line.split_whitespace().next()?.to_owned(), location.to_owned()))
        });
        if let Some((short_id, location)) = registered {
            (self.short_id, self.must_ask) = (short_id, false);
            self.tell(json!({ "event": "registered", "location": location }));
        }
    }

    fn end_of_process(&mut self) {
        self.is_ready = false;
        self.must_ask = false;
        match self.under_way.take().and_then(|command| command.asked) {
            // The DTLS client crashes after `quit`; that is how it ends.
            Some(asked) if matches!(asked.as_str(), "deregister" | "stop" | "quit") => self.done(&asked),
            _ => {
                let message = format!("it has ended, and said: {}", self.said.trim());
                self.tell(json!({ "event": "error", "message": message }));
            }
        }
    }

    fn done(&self, command: &str) {
        self.tell(json!({ "event": "done", "command": command }));
    }

    fn tell(&self, event: Value) {
        drop(self.events.send(Event(event)));
    }
}

const PROMPT: &str = "\n> ";

/// How the process says that it can't do what it was told.
const FAILURES: [&str; 6] = [
    "Syntax error !",
    "Object not found !",
    "Failed to change value!",
    "write not supported for specified resource!",
    "Send error:",
    "Registration update error:",
];
