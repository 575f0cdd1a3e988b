//! The engine on a socket: it lets in whom it knows, and answers whatever it is told.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use coap::{Code, Kind, Message, OptionNumber};
use dtls::{
    Alert, Claim, Config, Endpoint, Event, Failure, Known, Output, Saved, ServerIdentity, SessionId,
    SigningKey, Suite, Tag, Trust,
};
use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

use super::{Cell, Feature, IDENTITY, KEY, Means, Proof, Task};

/// A server of one suite. It ends when this is dropped.
#[derive(Debug)]
pub struct Host {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the server has seen of its clients.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Who said who they were: how, and by which suite.
    pub claims: Vec<(Proof, Suite)>,
    /// For each session that was opened, whether it went on with the keys of an earlier one.
    pub opened: Vec<bool>,
    /// How many messages were answered.
    pub answered: usize,
    /// How often a session was known by another address from then on.
    pub moved: usize,
    /// How many records came by a connection id: those have a type of their own (RFC 9146 §4).
    pub by_connection_id: usize,
    /// The longest datagram that was sent.
    pub longest: usize,
    /// Handshakes that came to nothing.
    pub failures: Vec<Failure>,
}

impl Host {
    /// A server for a cell, that knows these.
    ///
    /// # Panics
    /// If no port is free.
    pub fn start(cell: Cell, means: &Means) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        let address = socket.local_addr().expect("it is bound");
        let random = SystemRandom::new();
        let key = SigningKey::from_pkcs8(&means.server.key, &random).expect("it is a key of P-256");
        let key = Arc::new(key);
        let chain = vec![means.server.certificate.clone()];
        let names = vec!["localhost".to_owned()];
        let mut config =
            Config { suites: vec![cell.suite], raw_key: Some(Arc::clone(&key)), ..Config::default() };
        // GnuTLS would rather have a certificate than the raw key that it takes too.
        if cell.proof != Proof::RawPublicKey {
            config.identities.push(ServerIdentity { names, chain, key });
        }
        if cell.feature == Feature::SmallDatagrams {
            config.mtu = Task::SMALL_MTU;
        }
        let mut endpoint = Endpoint::new(config, [7; 32]);
        let authorities = [means.authority.certificate.clone()];
        endpoint.set_trust(Trust::new(&authorities, &[]).expect("it is an authority's certificate"));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let server = Server {
            socket,
            endpoint,
            random,
            began: Instant::now(),
            known_key: means.client.public.clone(),
            kept: BTreeMap::new(),
            seen: Arc::clone(&seen),
        };
        let until = Arc::clone(&is_over);
        let thread = Some(std::thread::spawn(move || server.run(&until)));
        Self { address, seen, is_over, thread }
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen until now.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        // A client that waits for an answer would only say that there was none.
        assert!(
            std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()),
            "the engine has panicked"
        );
    }
}

struct Server {
    socket: UdpSocket,
    endpoint: Endpoint,
    random: SystemRandom,
    began: Instant,
    /// The raw public key of the client that is let in.
    known_key: Vec<u8>,
    kept: BTreeMap<SessionId, Saved>,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn run(mut self, until: &AtomicBool) {
        let mut buffer = vec![0; 65_536];
        self.socket.set_read_timeout(Some(Duration::from_millis(5))).expect("it is not zero");
        while !until.load(Ordering::Relaxed) {
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                self.see(|seen| seen.by_connection_id += usize::from(buffer[0] == TLS12_CID));
                self.endpoint.handle_datagram(self.began.elapsed(), from, &mut buffer[..len]);
            }
            if self.endpoint.poll_timeout().is_some_and(|at| at <= self.began.elapsed()) {
                self.endpoint.handle_timeout(self.began.elapsed());
            }
            while let Some(output) = self.endpoint.poll_output() {
                match output {
                    Output::Transmit { to, bytes } => {
                        self.see(|seen| seen.longest = seen.longest.max(bytes.len()));
                        drop(self.socket.send_to(&bytes, to));
                    }
                    Output::Event(event) => self.take(event),
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        let now = self.began.elapsed();
        match event {
            Event::Identify { handshake, claim, suite, .. } => {
                let known = self.identify(&claim);
                let proof = match claim {
                    Claim::Psk(_) => Proof::Psk,
                    Claim::RawPublicKey(_) => Proof::RawPublicKey,
                    Claim::Certificate { .. } => Proof::Certificate,
                };
                self.see(|seen| seen.claims.push((proof, suite)));
                self.endpoint.identified(now, handshake, known);
            }
            Event::Resume { handshake, session } => {
                self.endpoint.resumed(now, handshake, self.kept.get(&session));
            }
            Event::Compute(job) => {
                let computed = job.run(&self.random, UnixTime::now());
                self.endpoint.computed(now, computed);
            }
            Event::Opened { handshake, session, resumed, .. } => {
                self.see(|seen| seen.opened.push(resumed));
                self.kept.insert(session.id, session);
                self.endpoint.admitted(now, handshake, Ok(()));
            }
            Event::Received { session, plaintext, .. } => {
                self.endpoint.confirm(session);
                if self.endpoint.send(now, session, &answer(&plaintext)).is_ok() {
                    self.see(|seen| seen.answered += 1);
                }
            }
            Event::Reserve { session, upto } => self.endpoint.reserved(session, upto),
            Event::Failed(failure) => self.see(|seen| seen.failures.push(*failure)),
            Event::Moved { .. } => self.see(|seen| seen.moved += 1),
            Event::Connected { .. } | Event::Ended { .. } => {}
        }
    }

    fn identify(&self, claim: &Claim) -> Result<Known, Alert> {
        let known = |key: Option<&[u8]>| Known {
            tag: Tag(1),
            key: key.map(|key| key.to_vec().into()),
            shared: false,
        };
        match claim {
            Claim::Psk(identity) if identity == IDENTITY.as_bytes() => Ok(known(Some(KEY))),
            Claim::Psk(_) => Err(Alert::UNKNOWN_PSK_IDENTITY),
            Claim::RawPublicKey(key) if *key == self.known_key => Ok(known(None)),
            Claim::RawPublicKey(_) => Err(Alert::ACCESS_DENIED),
            Claim::Certificate { trusted: Ok(()), .. } => Ok(known(None)),
            Claim::Certificate { trusted: Err(untrusted), .. } => Err(untrusted.alert()),
        }
    }

    fn see(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A Register gets a location, an Update 2.04, any other request a text, and what is no request of CoAP comes back as it is.
fn answer(plaintext: &[u8]) -> Vec<u8> {
    let Some(request) = Message::parse(plaintext).ok().filter(|message| message.code.is_request()) else {
        return plaintext.to_vec();
    };
    let mut response = Message::new(Kind::Acknowledgement, Code::CONTENT, request.id, request.token);
    let path = request.options.strings(OptionNumber::URI_PATH).unwrap_or_default();
    if path.len() > 1 {
        response.code = Code::CHANGED;
    } else if path == ["rd"] {
        response.code = Code::CREATED;
        response.options.push(OptionNumber::LOCATION_PATH, "rd");
        response.options.push(OptionNumber::LOCATION_PATH, "1");
    } else {
        response.payload = Task::TEXT.as_bytes().to_vec();
    }
    response.to_bytes().expect("it is short")
}

/// The type of a record with a connection id (RFC 9146 §4).
const TLS12_CID: u8 = 25;
