//! Muster's engine: two endpoints in one process.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dtls::{
    Bounds, Claim, Config, Connect, Endpoint, Event, Known, Offer, Output, ServerIdentity, SessionId,
    SigningKey, Suite, Tag, Trust,
};
use interop_tests::{IDENTITY, KEY, Means};
use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

use crate::{
    Kind,
    clock::{Stopwatch, least},
};

/// More sequence numbers than a run uses.
const RESERVE: u64 = 1 << 40;

/// A server, and clients that come one after the other.
pub(crate) struct Pair {
    pub(crate) client: Side,
    pub(crate) server: Side,
    connect: Connect,
}

/// An end of the link.
pub(crate) struct Side {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    /// The newest session.
    pub(crate) session: Option<SessionId>,
    random: SystemRandom,
    tag: u64,
}

/// The processor time of the server in one handshake.
pub(crate) fn handshake(kind: Kind, means: &Means) -> Duration {
    const EACH: u32 = 8;
    let mut pair = Pair::new(kind, means);
    least(200, EACH, || (0..EACH).map(|_| pair.connect()).sum())
}

impl Pair {
    pub(crate) fn new(kind: Kind, means: &Means) -> Self {
        Self {
            client: Side::new(client_config(), SocketAddr::from(([127, 0, 0, 2], 1_024))),
            server: Side::new(server_config(kind, means), SocketAddr::from(([127, 0, 0, 1], 5_684)))
                .trusting(means),
            connect: connect(kind, means),
        }
    }

    /// Opens a session from an address of its own: how long the server's calls took.
    pub(crate) fn connect(&mut self) -> Duration {
        let port = self.client.address.port().checked_add(1).unwrap_or(1_024);
        self.client.address.set_port(port);
        self.server.session = None;
        let mut server = Stopwatch::default();
        self.client.endpoint.connect(NOW, self.server.address, self.connect.clone());
        let mut to_server = self.client.drain();
        while !to_server.is_empty() {
            let mut to_client = Vec::new();
            for mut bytes in to_server {
                to_client.extend(server.time(|| {
                    self.server.endpoint.handle_datagram(NOW, self.client.address, &mut bytes);
                    self.server.drain()
                }));
            }
            for mut bytes in to_client {
                self.client.endpoint.handle_datagram(NOW, self.server.address, &mut bytes);
            }
            to_server = self.client.drain();
        }
        assert!(self.server.session.is_some(), "the handshake came to nothing");
        server.0
    }
}

impl Side {
    fn new(config: Config, address: SocketAddr) -> Self {
        let endpoint = Endpoint::new(config, [7; 32]);
        Self { endpoint, address, session: None, random: SystemRandom::new(), tag: 0 }
    }

    fn trusting(mut self, means: &Means) -> Self {
        let authority = means.authority.certificate.as_slice();
        self.endpoint.set_trust(Trust::new([(authority, None)]).expect("it is an authority's certificate"));
        self
    }

    /// Answers what is asked, and hands out what is to be sent.
    pub(crate) fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { bytes, .. } => sent.push(bytes),
                Output::Event(event) => self.take(event),
            }
        }
        sent
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Identify { handshake, claim, .. } => {
                self.tag += 1;
                let key = matches!(claim, Claim::Psk(_)).then(|| KEY.to_vec().into());
                let known = Known { tag: Tag(self.tag), key, shared: false };
                self.endpoint.identified(NOW, handshake, Ok(known));
            }
            Event::Compute(job) => {
                let computed = job.run(&self.random, UnixTime::now());
                self.endpoint.computed(NOW, computed);
            }
            Event::Opened { handshake, .. } => self.endpoint.admitted(NOW, handshake, Ok(())),
            Event::Connected { session, .. } => self.session = Some(session),
            Event::Failed(failure) => panic!("{failure:?}"),
            _ => {}
        }
    }
}

fn server_config(kind: Kind, means: &Means) -> Config {
    let chain = vec![means.server.certificate.clone()];
    let key = signing_key(&means.server.key);
    let identity = ServerIdentity { names: vec!["localhost".to_owned()], chain, key };
    let bounds = Bounds { reserve: RESERVE, ..Bounds::default() };
    Config { bounds, suites: vec![suite(kind)], identities: vec![identity], ..Config::default() }
}

fn client_config() -> Config {
    Config { bounds: Bounds { reserve: RESERVE, ..Bounds::default() }, ..Config::default() }
}

pub(crate) fn connect(kind: Kind, means: &Means) -> Connect {
    let offer = match kind {
        Kind::Psk => Offer::Psk { identity: IDENTITY.as_bytes().to_vec(), key: KEY.to_vec().into() },
        Kind::Ccm8 | Kind::Gcm => Offer::Certificate {
            chain: vec![means.client.certificate.clone()],
            key: signing_key(&means.client.key),
            server: means.server.certificate.clone(),
        },
    };
    Connect { offer, suites: vec![suite(kind)], server_name: None, connection_id: true, resume: None }
}

fn suite(kind: Kind) -> Suite {
    match kind {
        Kind::Psk => Suite::PskAes128Ccm8,
        Kind::Ccm8 => Suite::EcdheEcdsaAes128Ccm8,
        Kind::Gcm => Suite::EcdheEcdsaAes128GcmSha256,
    }
}

fn signing_key(pkcs8: &[u8]) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_pkcs8(pkcs8, &SystemRandom::new()).expect("it is a key of P-256"))
}

/// Nothing here takes as long as any time-out.
pub(crate) const NOW: Duration = Duration::from_secs(1);
