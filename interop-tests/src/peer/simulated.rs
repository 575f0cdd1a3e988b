//! The simulated device over a socket, plain or with DTLS. It is given the commands of `clients/leshan` and tells its events, as far as it
//! has them: it does not tell what was read, nor what exactly an Update said.

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use device::{Account, Argument, Device, Factory, Firmware, How, Interaction, Misbehaviour, Output, Profile};
use objects::{DataType, Models, Path, Registry, Value, Version};
use serde_json::json;
use server::demo::{
    Depot,
    way::{News, Stack, Way, WayError},
};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use super::{Client, Event, Security, Spec};

pub(super) fn start(server: SocketAddr, spec: &Spec) -> Client {
    let version = if spec.lwm2m == "1.0" { Version::V1_0 } else { Version::V1_1 };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut profile = Profile::sensor(&spec.endpoint, version);
    profile.lifetime = spec.lifetime;
    profile.queue_mode = spec.queue_mode;
    profile.retry = Duration::from_secs(2);
    profile.names_itself = !spec.nameless;
    profile.firmware = Some(Firmware::default());
    if spec.impatient {
        // Every three seconds of the usual lifetime; an answer is waited for 93 s / 8.
        profile.update_percent = 1;
        profile.coap.transmission.ack_timeout /= 8;
    }
    profile.epoch_ms = i64::try_from(since_epoch.as_millis()).unwrap_or_default();
    // Of an object that the server has no model of.
    let unknown = Path::from_ids(&[3442, 0, 110]).expect("it is a resource");
    profile.objects.set(unknown, Value::String("initial value".to_owned())).expect("no model says otherwise");
    // As Leshan's client, it takes no binding that it does not have.
    let binding = Path::from_ids(&[1, 0, 7]).expect("it is a resource");
    let how = How::AnswerWith(coap::Code::BAD_REQUEST);
    let refuses = Misbehaviour { operation: device::Operation::Write, within: binding, how };
    profile.faults.misbehaviours.push(refuses);
    // Nobody but the server may do anything with the first temperature, as far as somebody asks it.
    for (resource, value) in [(0, 3303), (1, 0), (3, 1)] {
        let path = Path::from_ids(&[2, 0, resource]).expect("it is a resource");
        profile.objects.set(path, Value::Integer(value)).expect("these are whole numbers");
    }
    let rights = Path::from_ids(&[2, 0, 2, 0]).expect("it is a resource instance");
    profile.objects.set(rights, Value::Integer(1)).expect("rights are a whole number");
    let (events_in, events) = mpsc::unbounded_channel();
    let (commands, commands_out) = mpsc::unbounded_channel();
    let seed = u64::from(since_epoch.subsec_nanos());
    let account = account(server, &spec.security);
    profile.factory = if spec.bootstrap { Factory::bootstrap(account) } else { Factory::management(account) };
    let driver = Driver {
        device: Device::new(profile, seed),
        way: Way::Closed,
        depot: Depot::default(),
        origin: Instant::now(),
        events: events_in,
        paused: false,
        was_reset: false,
        is_bootstrapping: spec.bootstrap,
    };
    let task = tokio::spawn(driver.run(commands_out));
    let command = move |line: &str| drop(commands.send(line.to_owned()));
    Client::new(&spec.endpoint, command, events, Task(task))
}

struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a device without I/O needs around it.
struct Driver {
    device: Device,
    way: Way,
    depot: Depot,
    origin: Instant,
    events: mpsc::UnboundedSender<Event>,
    /// Whether all datagrams are lost.
    paused: bool,
    /// Whether the datagram that is being taken is a Reset.
    was_reset: bool,
    /// Whether it has a bootstrap before it, as far as it tells.
    is_bootstrapping: bool,
}

impl Driver {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<String>) {
        let mut buffer = vec![0; 65_536];
        self.device.start(self.now());
        loop {
            self.drain().await;
            let wake = self.device.poll_timeout().map_or(FAR, |at| at.saturating_sub(self.now()));
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.obey(&command),
                    None => return,
                },
                news = self.way.next(&mut buffer) => match news {
                    News::Opened => self.device.connected(self.now()),
                    News::Datagram(len) if !self.paused => {
                        // RFC 7252 §3: the type is in bits 4 and 5, 3 is Reset.
                        self.was_reset = buffer.first().is_some_and(|first| first >> 4 & 3 == 3);
                        self.device.handle_datagram(self.now(), &buffer[..len]);
                    }
                    News::Datagram(_) => {}
                    News::Failed(error) => {
                        let name = match error {
                            WayError::Closed => "connection-closed",
                            _ if self.is_bootstrapping => "bootstrap-failed",
                            _ => "registration-failed",
                        };
                        let told = json!({ "event": name, "cause": error.to_string() });
                        drop(self.events.send(Event(told)));
                        self.device.connection_failed(self.now());
                    }
                },
                news = self.depot.next() => self.depot.tell(self.now(), news, &mut self.device),
                () = tokio::time::sleep(wake) => self.device.handle_timeout(self.now()),
            }
        }
    }

    async fn drain(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Transmit { bytes } if !self.paused => self.way.send(&bytes).await,
                Output::Transmit { .. } => {}
                Output::Connect { to } => self.way = Way::to(&to, Stack::default()),
                Output::Fetch(fetch) => {
                    let now = self.now();
                    self.depot.follow(now, fetch, Stack::default(), &mut self.device).await;
                }
                Output::Event(event) => {
                    self.is_bootstrapping &= event != device::Event::Bootstrapped;
                    self.tell(&event);
                }
            }
        }
    }

    fn obey(&mut self, line: &str) {
        let done = match self.do_command(line) {
            Ok(()) => json!({ "event": "done", "command": line }),
            Err(message) => json!({ "event": "error", "command": line, "message": message }),
        };
        drop(self.events.send(Event(done)));
    }

    fn do_command(&mut self, line: &str) -> Result<(), String> {
        let now = self.now();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "set" => {
                let (path, text) = rest.split_once(' ').ok_or("set PATH VALUE")?;
                let path: Path = path.parse().map_err(|_| "no path")?;
                self.device.set(now, path, parse(path, text)?).map_err(|error| error.to_string())
            }
            "send" => {
                let paths = rest.split(' ').next().unwrap_or_default().split(',').map(str::parse);
                let paths: Vec<Path> = paths.collect::<Result<_, _>>().map_err(|_| "no path")?;
                self.device.send(now, &paths).map_err(|error| error.to_string())
            }
            "register" => {
                self.device.reboot(now);
                Ok(())
            }
            // It has no verb for an Update: time makes it send one.
            "update" => Err("the simulated device sends an Update when one is due".to_owned()),
            "deregister" => {
                self.device.stop(now);
                Ok(())
            }
            "pause" => {
                self.paused = true;
                Ok(())
            }
            "resume" => {
                self.paused = false;
                Ok(())
            }
            "delete" => {
                self.device.remove(now, rest.parse().map_err(|_| "no path")?);
                Ok(())
            }
            _ => Err(format!("`{verb}` is no command of the simulated device")),
        }
    }

    fn tell(&self, event: &device::Event) {
        use device::Event as E;
        let told = match event {
            E::Registered { location } => json!({ "event": "registered", "location": location }),
            E::UpdateAccepted => json!({ "event": "updated" }),
            E::Deregistered => json!({ "event": "deregistered" }),
            E::SendAccepted => json!({ "event": "sent" }),
            E::BootstrapAccepted => json!({ "event": "bootstrap-accepted" }),
            E::Bootstrapped => json!({ "event": "bootstrapped" }),
            E::BootstrapInconsistent { reason } => {
                json!({ "event": "bootstrap-failed", "cause": reason.to_string() })
            }
            E::BootstrapAbandoned => json!({ "event": "bootstrap-failed", "cause": "timeout" }),
            E::Rejected { interaction, code } => {
                json!({ "event": failed(*interaction), "code": code.to_string() })
            }
            E::Unanswered { interaction, .. } => json!({ "event": failed(*interaction), "cause": "timeout" }),
            E::Unsent { interaction, error } => {
                json!({ "event": failed(*interaction), "cause": error.to_string() })
            }
            E::Written { path } => json!({ "event": "write", "path": path.to_string() }),
            E::AttributesWritten { path } => json!({ "event": "write-attributes", "path": path.to_string() }),
            E::Executed { path, arguments } => {
                json!({ "event": "execute", "path": path.to_string(), "arguments": written(arguments) })
            }
            E::Created { path } => json!({ "event": "create", "path": path.to_string() }),
            E::Deleted { path } => json!({ "event": "delete", "path": path.to_string() }),
            E::Observed { path } => json!({ "event": "observe", "path": path.to_string() }),
            E::ObservationEnded { path } => {
                let name = if self.was_reset { "notification-reset" } else { "cancel-observe" };
                json!({ "event": name, "path": path.to_string() })
            }
            E::Notified { path } => json!({ "event": "notified", "path": path.to_string() }),
            E::Asleep => json!({ "event": "asleep" }),
            E::Awake => json!({ "event": "awake" }),
            E::Rebooting => json!({ "event": "rebooting" }),
            E::Firmware { state, result } => {
                json!({ "event": "firmware", "state": *state as u8, "result": *result as u8 })
            }
            E::Software { instance, state, result } => {
                json!({ "event": "software", "instance": instance.0, "state": *state as u8, "result": result.code() })
            }
            E::PackageDelivered { delivered } => {
                json!({ "event": "firmware-package", "image": format!("{delivered:?}") })
            }
        };
        drop(self.events.send(Event(told)));
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

fn account(server: SocketAddr, security: &Security) -> Account {
    match security {
        Security::NoSec => Account::no_sec(&format!("coap://{server}")),
        Security::Psk { identity, key } => Account::psk(&format!("coaps://{server}"), identity, key),
        Security::RawPublicKey { .. } | Security::Certificate { .. } => {
            panic!("a simulated device has no key of its own")
        }
    }
}

const FAR: Duration = Duration::from_secs(3_600);

/// What a command says as a value of the type that the resource has; bytes also as `fill:N`, as in `clients/leshan`.
fn parse(path: Path, text: &str) -> Result<Value, String> {
    if let Some(count) = text.strip_prefix("fill:") {
        let count: usize = count.parse().map_err(|_| "no number")?;
        return Ok(Value::Opaque((0..count).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect()));
    }
    let registry = Registry::core();
    let data_type = Models::newest(&registry).resource_at(&path).and_then(|model| model.data_type);
    let data_type = data_type.unwrap_or(DataType::String);
    Value::parse(data_type, text).map_err(|error| error.to_string())
}

fn written(arguments: &[Argument]) -> String {
    let argument = |argument: &Argument| match &argument.value {
        Some(value) => format!("{}='{value}'", argument.digit),
        None => argument.digit.to_string(),
    };
    arguments.iter().map(argument).collect::<Vec<_>>().join(",")
}

fn failed(interaction: Interaction) -> &'static str {
    match interaction {
        Interaction::Bootstrap => "bootstrap-failed",
        Interaction::Register => "registration-failed",
        Interaction::Update => "update-failed",
        Interaction::Deregister => "deregistration-failed",
        Interaction::Send => "send-failed",
    }
}
