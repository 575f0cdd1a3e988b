//! The engine's own client on a socket.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use dtls::{Config, Connect, Endpoint, Event, Failure, Offer, Output, Saved, SessionId, SigningKey};
use fleet::PskKey;
use rcgen::{CertificateParams, KeyPair};
use ring::rand::SystemRandom;
use rustls::pki_types::UnixTime;
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout},
};

use super::{
    gate::KEY,
    world::{SOON, World},
};

/// A client that is inside.
pub(super) struct Own {
    engine: Endpoint,
    socket: UdpSocket,
    to: SocketAddr,
    begun: Instant,
    session: Option<SessionId>,
    failure: Option<Box<Failure>>,
    ended: bool,
    received: VecDeque<Vec<u8>>,
    /// What was sent last.
    pub(super) last: Vec<u8>,
}

/// A key of somebody's, and a certificate over it.
pub(super) struct Proof {
    pub(super) key: Arc<SigningKey>,
    pub(super) certificate: Vec<u8>,
}

impl Proof {
    pub(super) fn new(name: &str) -> Self {
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap().der().to_vec();
        let key = SigningKey::from_pkcs8(&pair.serialize_der(), &SystemRandom::new()).unwrap();
        Self { key: Arc::new(key), certificate }
    }

    pub(super) fn raw(&self, server: &Self) -> Connect {
        by(Offer::RawPublicKey { key: Arc::clone(&self.key), server: server.key.public().to_vec() })
    }

    pub(super) fn certified(&self, server: &Self) -> Connect {
        by(Offer::Certificate {
            chain: vec![self.certificate.clone()],
            key: Arc::clone(&self.key),
            server: server.certificate.clone(),
        })
    }
}

pub(super) fn psk(identity: &str) -> Connect {
    let key = PskKey::from_hex(KEY).unwrap().as_bytes().to_vec();
    by(Offer::Psk { identity: identity.into(), key: key.into() })
}

fn by(offer: Offer) -> Connect {
    Connect { offer, suites: Vec::new(), server_name: None, connection_id: true, resume: None }
}

impl Own {
    pub(super) async fn inside(world: &World, connect: Connect) -> Self {
        Self::connect(world, connect).await.unwrap()
    }

    pub(super) async fn connect(world: &World, connect: Connect) -> Result<Self, Box<Failure>> {
        let mut seed = [0; 32];
        crate::fill_random(&mut seed);
        let mut own = Self {
            engine: Endpoint::new(Config::default(), seed),
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            to: world.to,
            begun: Instant::now(),
            session: None,
            failure: None,
            ended: false,
            received: VecDeque::new(),
            last: Vec::new(),
        };
        own.engine.connect(Duration::ZERO, own.to, connect);
        own.until(|own| own.session.is_some() || own.failure.is_some()).await;
        own.failure.take().map_or(Ok(own), Err)
    }

    /// It is somewhere else from now on, as NATs like it.
    pub(super) async fn rebind(&mut self) {
        self.socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(super) fn saved(&self) -> Saved {
        self.engine.save(self.session.unwrap()).unwrap()
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        let now = self.begun.elapsed();
        self.engine.send(now, self.session.unwrap(), bytes).unwrap();
        self.drain().await;
    }

    pub(super) async fn receive(&mut self) -> Vec<u8> {
        self.until(|own| !own.received.is_empty()).await;
        self.received.pop_front().unwrap()
    }

    pub(super) async fn say_good_bye(&mut self) {
        self.engine.end(self.begun.elapsed(), self.session.unwrap());
        self.drain().await;
    }

    pub(super) async fn until_ended(&mut self) {
        self.until(|own| own.ended).await;
    }

    async fn until(&mut self, condition: impl Fn(&Self) -> bool) {
        let run = async {
            self.drain().await;
            let mut buffer = vec![0; 2_000];
            while !condition(self) {
                let due = self.engine.poll_timeout().unwrap_or(SOON);
                let heard =
                    tokio::time::timeout_at(self.begun + due, self.socket.recv_from(&mut buffer)).await;
                let now = self.begun.elapsed();
                match heard {
                    Ok(heard) => {
                        let (len, from) = heard.unwrap();
                        self.engine.handle_datagram(now, from, &mut buffer[..len]);
                    }
                    Err(_) => self.engine.handle_timeout(now),
                }
                self.drain().await;
            }
        };
        timeout(SOON, run).await.expect("in time");
    }

    async fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { to, bytes } => {
                    self.socket.send_to(&bytes, to).await.unwrap();
                    self.last = bytes;
                }
                Output::Event(Event::Compute(job)) => {
                    let computed = job.run(&SystemRandom::new(), UnixTime::now());
                    self.engine.computed(self.begun.elapsed(), computed);
                }
                Output::Event(Event::Connected { session, .. }) => self.session = Some(session),
                Output::Event(Event::Failed(failure)) => self.failure = Some(failure),
                Output::Event(Event::Received { plaintext, .. }) => self.received.push_back(plaintext),
                Output::Event(Event::Reserve { session, upto }) => self.engine.reserved(session, upto),
                Output::Event(Event::Ended { .. }) => self.ended = true,
                Output::Event(other) => panic!("{other:?}"),
            }
        }
    }
}
