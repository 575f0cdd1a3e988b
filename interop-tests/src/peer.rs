//! Clients to test with. All of them take the same commands and tell the same events, those of `clients/leshan`, so that
//! a scenario does not know which one it plays with.

mod places;
pub use places::Places;

pub mod leshan;

mod simulated;

mod wakaama;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde_json::Value;
use tokio::sync::mpsc;

use crate::{Deadline, Missing};

/// An implementation of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Eclipse Leshan's client, in Java.
    Leshan,
    /// The simulated device of this workspace, over a socket.
    Simulated,
    /// Eclipse Wakaama's example client, in C.
    Wakaama,
}

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Plain CoAP over UDP.
    Udp,
    /// CoAP over DTLS.
    Dtls,
}

/// How a client and the server know each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    #[default]
    NoSec,
    /// By a key that both have.
    Psk {
        /// Which key it is.
        identity: String,
        /// The key.
        key: Vec<u8>,
    },
    /// By raw public keys (RFC 7250). All of them are files in DER.
    RawPublicKey {
        /// The client's SubjectPublicKeyInfo.
        own: PathBuf,
        /// Its private key, as PKCS #8.
        key: PathBuf,
        /// The server's SubjectPublicKeyInfo.
        server: PathBuf,
    },
    /// By X.509. All of them are files in DER.
    Certificate {
        /// The client's certificate.
        own: PathBuf,
        /// Its private key, as PKCS #8.
        key: PathBuf,
        /// The server's certificate.
        server: PathBuf,
    },
}

/// What kind of client to start.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its endpoint name.
    pub endpoint: String,
    /// The lifetime of its registration, in seconds.
    pub lifetime: u32,
    /// `1.0` or `1.1`.
    pub lwm2m: &'static str,
    /// Whether it registers in queue mode.
    pub queue_mode: bool,
    /// How it is known to the server that it is started with.
    pub security: Security,
    /// Whether that server is a bootstrap server, which tells it where to register.
    pub bootstrap: bool,
    /// Whether it says often that it is there, and finds out in seconds when nobody answers.
    pub impatient: bool,
    /// Whether it leaves its endpoint name out, so that its identity alone tells who it is.
    pub nameless: bool,
    /// Whether it offers a connection id (RFC 9146), where the peer has them.
    pub connection_id: bool,
    /// The certificate of the HTTPS server that it fetches from, in PEM; only Leshan's client has HTTPS.
    pub https_trust: Option<PathBuf>,
}

/// A client that runs. It is killed, without a word to the server, when this is dropped.
pub struct Client {
    endpoint: String,
    commands: Box<dyn FnMut(&str)>,
    incoming: mpsc::UnboundedReceiver<Event>,
    /// Events that nobody has waited for yet.
    waiting: Vec<Event>,
    /// All events so far.
    told: Vec<Event>,
    // Ends the client when it is dropped.
    _life: Box<dyn std::any::Any>,
}

/// Something a client tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Event(pub(crate) Value);

impl Peer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Leshan, Self::Simulated, Self::Wakaama];

    /// As it stands in `expectations.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leshan => "leshan",
            Self::Simulated => "simulated",
            Self::Wakaama => "wakaama",
        }
    }

    /// Where its clients have what scenarios use.
    pub fn places(self) -> &'static Places {
        match self {
            Self::Leshan | Self::Simulated => &Places::USUAL,
            Self::Wakaama => &Places::WAKAAMA,
        }
    }

    /// Makes sure that it can be run over this transport.
    ///
    /// # Errors
    /// If something is missing for it.
    pub fn prepare(self, transport: Transport) -> Result<(), Missing> {
        match self {
            Self::Leshan => leshan::jar().map(drop),
            Self::Simulated => Ok(()),
            Self::Wakaama => wakaama::binary(transport).map(drop),
        }
    }

    /// Starts a client, which registers at once, or after it was bootstrapped.
    ///
    /// # Panics
    /// If its clients are not made for this.
    pub fn start(self, server: SocketAddr, spec: &Spec) -> Client {
        match self {
            Self::Leshan => leshan::start(server, spec),
            Self::Simulated => simulated::start(server, spec),
            Self::Wakaama => wakaama::start(server, spec),
        }
    }
}

impl Transport {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Udp, Self::Dtls];

    /// As it stands in `RESULTS.md`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Dtls => "dtls",
        }
    }
}

impl Security {
    /// What carries the messages of clients that are known this way.
    pub fn transport(&self) -> Transport {
        match self {
            Self::NoSec => Transport::Udp,
            Self::Psk { .. } | Self::RawPublicKey { .. } | Self::Certificate { .. } => Transport::Dtls,
        }
    }
}

impl Spec {
    /// LwM2M 1.1, always awake, 300 s, without security or bootstrap.
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            lifetime: 300,
            lwm2m: "1.1",
            queue_mode: false,
            security: Security::NoSec,
            bootstrap: false,
            nameless: false,
            impatient: false,
            connection_id: true,
            https_trust: None,
        }
    }

    /// With another lifetime, in seconds.
    pub fn lifetime(self, lifetime: u32) -> Self {
        Self { lifetime, ..self }
    }

    /// As a client of LwM2M 1.0.
    pub fn version_1_0(self) -> Self {
        Self { lwm2m: "1.0", ..self }
    }

    /// In queue mode.
    pub fn queue_mode(self) -> Self {
        Self { queue_mode: true, ..self }
    }

    /// With a pre-shared key.
    pub fn psk(self, identity: &str, key: &[u8]) -> Self {
        Self { security: Security::Psk { identity: identity.to_owned(), key: key.to_owned() }, ..self }
    }

    /// With short timers, where the peer lets them be set.
    pub fn impatient(self) -> Self {
        Self { impatient: true, ..self }
    }

    /// Without the offer of a connection id.
    pub fn without_connection_id(self) -> Self {
        Self { connection_id: false, ..self }
    }

    /// Without `ep`.
    pub fn nameless(self) -> Self {
        Self { nameless: true, ..self }
    }

    /// As a client of a bootstrap server.
    pub fn bootstrap(self) -> Self {
        Self { bootstrap: true, ..self }
    }
}

impl Client {
    pub(crate) fn new(
        endpoint: &str,
        commands: impl FnMut(&str) + 'static,
        incoming: mpsc::UnboundedReceiver<Event>,
        life: impl std::any::Any,
    ) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            commands: Box::new(commands),
            incoming,
            waiting: Vec::new(),
            told: Vec::new(),
            _life: Box::new(life),
        }
    }

    /// Its endpoint name.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Gives a command, and waits until it is done.
    ///
    /// # Panics
    /// If the client says that it can't do it.
    pub async fn run(&mut self, command: &str) {
        (self.commands)(command);
        let ends = |event: &Event| matches!(event.name(), "done" | "error");
        let done = self.wait(&format!("the end of `{command}`"), Deadline::usual(), ends).await;
        assert_eq!(done.name(), "done", "`{command}`: {}", done.0);
    }

    /// The next event of this name that was not taken yet.
    pub async fn event(&mut self, name: &str) -> Event {
        self.wait(name, Deadline::usual(), |event| event.name() == name).await
    }

    /// The next event of this name that was not taken yet, which must come before the deadline.
    pub async fn event_by(&mut self, name: &str, deadline: Deadline) -> Event {
        self.wait(name, deadline, |event| event.name() == name).await
    }

    /// The next event of this name about this path.
    pub async fn event_at(&mut self, name: &str, path: &str) -> Event {
        let about = |event: &Event| event.name() == name && event.text("path") == path;
        self.wait(&format!("{name} {path}"), Deadline::usual(), about).await
    }

    /// Whether it registers by itself, in half of the usual time.
    pub async fn tries_again(&mut self) -> bool {
        let deadline = Deadline::after(Deadline::USUAL / 2);
        while !deadline.has_passed() {
            if self.has_told("registered") {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Whether it has told an event of this name until now.
    pub fn has_told(&mut self, name: &str) -> bool {
        while let Ok(event) = self.incoming.try_recv() {
            self.take_note(event);
        }
        self.told.iter().any(|told| told.name() == name)
    }

    /// All events of these names until now, in their order.
    pub fn told(&mut self, names: &[&str]) -> Vec<Event> {
        self.has_told("");
        self.told.iter().filter(|event| names.contains(&event.name())).cloned().collect()
    }

    /// How many events of this name it has told until now.
    pub fn count(&mut self, name: &str) -> usize {
        self.has_told(name);
        self.told.iter().filter(|told| told.name() == name).count()
    }

    async fn wait(&mut self, what: &str, deadline: Deadline, is: impl Fn(&Event) -> bool) -> Event {
        loop {
            if let Some(position) = self.waiting.iter().position(&is) {
                return self.waiting.remove(position);
            }
            match tokio::time::timeout(deadline.left().max(Duration::from_millis(1)), self.incoming.recv())
                .await
            {
                Ok(Some(event)) => self.take_note(event),
                Ok(None) => panic!("{} has ended; waited for {what}", self.endpoint),
                Err(_) => panic!("{}: waited in vain for {what}", self.endpoint),
            }
        }
    }

    fn take_note(&mut self, event: Event) {
        self.told.push(event.clone());
        self.waiting.push(event);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.has_told("");
            eprintln!("what {} has told:", self.endpoint);
            self.told.iter().for_each(|event| eprintln!("  {}", event.0));
        }
    }
}

impl Event {
    /// Its name, such as `registered`.
    pub fn name(&self) -> &str {
        self.text("event")
    }

    /// The text of a field; empty if it is not there, or is no text.
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// A field as it is.
    pub fn value(&self, field: &str) -> &Value {
        &self.0[field]
    }
}
