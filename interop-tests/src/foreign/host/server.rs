//! The thread of a host: the socket, the engine, and what is kept for it.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use coap::{Code, Kind, Message, OptionNumber};
use dtls::{
    Alert, Claim, Config, Endpoint, Event, Known, Output, Saved, ServerIdentity, SessionId, SigningKey, Tag,
    Trust,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls_pki_types::UnixTime;

use super::Seen;
use crate::foreign::{Cell, Feature, IDENTITY, KEY, Means, Proof, Task};

/// An order to begin anew with what was kept, and whom to tell when it is done.
pub(super) struct Restart(pub(super) mpsc::Sender<()>);

pub(super) struct Server {
    socket: UdpSocket,
    config: Config,
    authority: Vec<u8>,
    endpoint: Endpoint,
    random: SystemRandom,
    began: Instant,
    /// The raw public key of the client that is let in.
    known_key: Vec<u8>,
    kept: BTreeMap<SessionId, Saved>,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(super) fn new(cell: Cell, means: &Means, seen: Arc<Mutex<Seen>>) -> Self {
        let random = SystemRandom::new();
        let key = SigningKey::from_pkcs8(&means.server.key, &random).expect("it is a key of P-256");
        let key = Arc::new(key);
        let mut config =
            Config { suites: vec![cell.suite], raw_key: Some(Arc::clone(&key)), ..Config::default() };
        // GnuTLS would rather have a certificate than the raw key that it takes too.
        if cell.proof != Proof::RawPublicKey {
            let chain = vec![means.server.certificate.clone()];
            config.identities.push(ServerIdentity { names: vec!["localhost".to_owned()], chain, key });
        }
        if cell.feature == Feature::SmallDatagrams {
            config.mtu = Task::SMALL_MTU;
        }
        let authority = means.authority.certificate.clone();
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").expect("a port is free"),
            endpoint: endpoint(&config, &authority, &random),
            config,
            authority,
            random,
            began: Instant::now(),
            known_key: means.client.public.clone(),
            kept: BTreeMap::new(),
            seen,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// Runs until nobody can order a restart any more.
    pub(super) fn run(mut self, orders: &mpsc::Receiver<Restart>) {
        let mut buffer = vec![0; 65_536];
        self.socket.set_read_timeout(Some(Duration::from_millis(5))).expect("it is not zero");
        loop {
            match orders.try_recv() {
                Ok(Restart(done)) => {
                    self.restart();
                    done.send(()).expect("whoever orders it waits");
                }
                Err(mpsc::TryRecvError::Empty) => {}
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                self.see(|seen| {
                    seen.by_connection_id += usize::from(buffer[0] == TLS12_CID);
                    seen.longest.1 = seen.longest.1.max(len);
                });
                self.endpoint.handle_datagram(self.began.elapsed(), from, &mut buffer[..len]);
            }
            if self.endpoint.poll_timeout().is_some_and(|at| at <= self.began.elapsed()) {
                self.endpoint.handle_timeout(self.began.elapsed());
            }
            while let Some(output) = self.endpoint.poll_output() {
                match output {
                    Output::Transmit { to, bytes } => {
                        self.see(|seen| seen.longest.0 = seen.longest.0.max(bytes.len()));
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
            Event::Received { session, received, plaintext, .. } => {
                if let Some(kept) = self.kept.get_mut(&session) {
                    kept.received = received;
                }
                self.endpoint.confirm(session);
                if self.endpoint.send(now, session, &answer(&plaintext)).is_ok() {
                    self.see(|seen| seen.answered += 1);
                }
            }
            Event::Reserve { session, upto } => {
                if let Some(kept) = self.kept.get_mut(&session) {
                    kept.reserved = upto;
                }
                self.endpoint.reserved(session, upto);
            }
            Event::Failed(failure) => self.see(|seen| seen.failures.push(*failure)),
            Event::Moved { .. } => self.see(|seen| seen.moved += 1),
            Event::Connected { .. } | Event::Ended { .. } => {}
        }
    }

    fn restart(&mut self) {
        self.endpoint = endpoint(&self.config, &self.authority, &self.random);
        for kept in self.kept.values_mut() {
            kept.reserved += self.config.bounds.reserve;
            let restored = self.endpoint.restore(self.began.elapsed(), kept);
            restored.expect("the engine takes over what it has handed out");
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

/// A new engine, with secrets of its own.
fn endpoint(config: &Config, authority: &[u8], random: &SystemRandom) -> Endpoint {
    let mut seed = [0; 32];
    random.fill(&mut seed).expect("the system has randomness");
    let mut endpoint = Endpoint::new(config.clone(), seed);
    endpoint.set_trust(Trust::new([(authority, None)]).expect("it is an authority's certificate"));
    endpoint
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
