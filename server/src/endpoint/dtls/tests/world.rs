//! A listener, a gate that is a table, and clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use fleet::{
    CredentialId, DeviceId, DiaryCause, Holder, Identity, Incident, ListenerId, Opening, PskKey, Purpose,
};
use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, conn::DTLSConn};

use super::super::{Bounds, Gate, Refused, SecureListener, record};
use crate::endpoint::{Batch, Incoming, Outlet};

pub(super) const KEY: &str = "7d3b8c0f51a94e6288d1f0c47a5be913";
pub(super) const OTHER_KEY: &str = "0f51a94e6288d1f0c47a5be9137d3b8c";
pub(super) const CCM_8: CipherSuiteId = CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8;
pub(super) const SOON: Duration = Duration::from_secs(20);

pub(super) struct World {
    pub(super) listener: Arc<SecureListener>,
    pub(super) gate: Arc<Table>,
    pub(super) to: SocketAddr,
    batches: mpsc::Receiver<Batch>,
    waiting: std::collections::VecDeque<Incoming>,
    receiving: JoinHandle<()>,
}

/// A gate: identities with their credentials, all of the one key.
pub(super) struct Table {
    known: BTreeMap<Vec<u8>, i64>,
    pub(super) revoked: Mutex<BTreeSet<CredentialId>>,
    incidents: Mutex<Vec<Incident>>,
    /// Each answer to a handshake that is done takes one.
    pub(super) permits: Semaphore,
}

#[async_trait]
impl Gate for Table {
    async fn opening(&self, purpose: Purpose, identity: &[u8]) -> Result<Opening, Refused> {
        if identity == b"node-9" {
            let detail = "the store does not answer".to_owned();
            return Err(Refused { cause: DiaryCause::ServerUnavailable, device: None, detail });
        }
        assert_ne!(identity, b"node-8", "a gate that fails");
        let Some(id) = self.known.get(identity) else {
            let fits = fleet::PskIdentity::new(identity).is_ok();
            let detail =
                if fits { "no credential of this identity" } else { "an identity has 1 to 128 bytes" };
            let detail = detail.to_owned();
            return Err(Refused { cause: DiaryCause::UnknownIdentity, device: None, detail });
        };
        let identity = identity_of(*id, purpose);
        self.check(identity)?;
        Ok(Opening { key: PskKey::from_hex(KEY).unwrap(), identity, endpoint: None })
    }

    async fn opened(&self, identity: Identity, _: SocketAddr) -> Result<(), Refused> {
        self.permits.acquire().await.unwrap().forget();
        self.check(identity)
    }

    fn incident(&self, incident: Incident) {
        self.incidents.lock().unwrap().push(incident);
    }
}

impl Table {
    fn check(&self, identity: Identity) -> Result<(), Refused> {
        if self.revoked.lock().unwrap().contains(&identity.credential) {
            let detail = "taken away".to_owned();
            return Err(Refused { cause: DiaryCause::CredentialRevoked, device: identity.device(), detail });
        }
        Ok(())
    }
}

pub(super) fn identity_of(id: i64, purpose: Purpose) -> Identity {
    Identity { credential: CredentialId(id), holder: Holder::Device(DeviceId(id)), purpose }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::bounded(Bounds::default()).await
    }

    /// A listener that knows `node-0` to `node-7`, panics at `node-8`, and can't look up `node-9`.
    pub(super) async fn bounded(bounds: Bounds) -> Self {
        let gate = Arc::new(Table {
            known: (0..8).map(|id| (format!("node-{id}").into_bytes(), id)).collect(),
            revoked: Mutex::default(),
            incidents: Mutex::default(),
            permits: Semaphore::new(1_000),
        });
        let given: Arc<dyn Gate> = Arc::clone(&gate) as _;
        let any = ([127, 0, 0, 1], 0).into();
        let listener = SecureListener::bind(ListenerId(3), any, Purpose::Management, given, bounds).unwrap();
        let to = listener.address().unwrap();
        let (sender, batches) = mpsc::channel(64);
        let receiving = tokio::spawn(Arc::clone(&listener).receive(sender));
        Self { listener, gate, to, batches, waiting: Default::default(), receiving }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.to)
    }

    /// What the shard gets next.
    pub(super) async fn next(&mut self) -> Incoming {
        while self.waiting.is_empty() {
            self.waiting = timeout(SOON, self.batches.recv()).await.expect("in time").unwrap().into();
        }
        self.waiting.pop_front().unwrap()
    }

    /// What the shard gets next is a datagram; the address and credential of its sender, and its bytes.
    pub(super) async fn datagram(&mut self) -> (SocketAddr, i64, Vec<u8>) {
        loop {
            match self.next().await {
                Incoming::Datagram(origin, bytes) => {
                    assert_eq!(origin.source.listener, ListenerId(3));
                    return (origin.source.address, origin.identity.unwrap().credential.0, bytes);
                }
                Incoming::SessionBegan(_) => {}
                ended @ Incoming::SessionEnded(_) => panic!("{ended:?}"),
            }
        }
    }

    /// Nothing more is handed over to the shard than that sessions have ended.
    pub(super) async fn nothing_but_ends(&mut self) {
        while let Ok(Some(batch)) = timeout(Duration::from_millis(100), self.batches.recv()).await {
            self.waiting.extend(batch);
        }
        for incoming in self.waiting.drain(..) {
            assert!(matches!(incoming, Incoming::SessionEnded(_)), "{incoming:?}");
        }
    }

    pub(super) async fn ended(&mut self) -> SocketAddr {
        loop {
            if let Incoming::SessionEnded(origin) = self.next().await {
                return origin.source.address;
            }
        }
    }

    /// Waits for an incident.
    pub(super) async fn incident(&self, cause: DiaryCause) -> Incident {
        let look = async {
            loop {
                let found = self.incidents().into_iter().find(|incident| incident.cause == cause);
                if let Some(incident) = found {
                    return incident;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(SOON, look).await.unwrap_or_else(|_| panic!("no {cause:?} in {:?}", self.incidents()))
    }

    pub(super) fn incidents(&self) -> Vec<Incident> {
        self.gate.incidents.lock().unwrap().clone()
    }

    /// Waits until so many handshakes are under way.
    pub(super) async fn until_half_open(&self, count: usize) {
        let look = async {
            while self.listener.table().handshakes.len() != count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, look).await.expect("in time");
    }

    /// Waits until a handshake has named a credential.
    pub(super) async fn until_named(&self, credential: CredentialId) {
        let look = async {
            while !self.listener.table().handshakes.is_named(credential) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(SOON, look).await.expect("in time");
    }

    pub(super) fn revoke(&self, id: i64) {
        self.gate.revoked.lock().unwrap().insert(CredentialId(id));
        self.listener.end(&[CredentialId(id)]);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

/// How a client goes about it.
#[derive(Clone)]
pub(super) struct Client {
    to: SocketAddr,
    identity: String,
    key: Vec<u8>,
    suites: Vec<CipherSuiteId>,
}

/// A client that is inside.
pub(super) struct Inside {
    pub(super) dtls: DTLSConn,
    pub(super) socket: Arc<UdpSocket>,
}

impl Client {
    fn new(to: SocketAddr) -> Self {
        let key = PskKey::from_hex(KEY).unwrap().as_bytes().to_vec();
        Self { to, identity: "node-1".into(), key, suites: vec![CCM_8] }
    }

    pub(super) fn named(self, identity: &str) -> Self {
        Self { identity: identity.into(), ..self }
    }

    pub(super) fn with_key(self, hex: &str) -> Self {
        Self { key: PskKey::from_hex(hex).unwrap().as_bytes().to_vec(), ..self }
    }

    pub(super) fn offering(self, suites: &[CipherSuiteId]) -> Self {
        Self { suites: suites.to_vec(), ..self }
    }

    pub(super) async fn connect(self) -> Result<Inside, webrtc_dtls::Error> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        socket.connect(self.to).await.unwrap();
        self.connect_from(socket).await
    }

    pub(super) async fn connect_from(self, socket: Arc<UdpSocket>) -> Result<Inside, webrtc_dtls::Error> {
        let key = self.key;
        let config = Config {
            psk: Some(Arc::new(move |_| Ok(key.clone()))),
            psk_identity_hint: Some(self.identity.into_bytes()),
            cipher_suites: self.suites,
            flight_interval: Duration::from_millis(100),
            ..Config::default()
        };
        let connecting = DTLSConn::new(Arc::clone(&socket) as _, config, true, None);
        let dtls = timeout(SOON, connecting).await.expect("in time")?;
        Ok(Inside { dtls, socket })
    }
}

impl Inside {
    pub(super) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(super) async fn send(&self, bytes: &[u8]) {
        self.dtls.write(bytes, None).await.unwrap();
    }

    pub(super) async fn receive(&self) -> Result<Vec<u8>, webrtc_dtls::Error> {
        let mut buffer = vec![0; 2_000];
        let len = self.dtls.read(&mut buffer, Some(SOON)).await?;
        buffer.truncate(len);
        Ok(buffer)
    }
}

/// A client by hand.
pub(super) struct Raw {
    pub(super) socket: UdpSocket,
    randoms: AtomicU8,
}

impl Raw {
    pub(super) async fn to(world: &World) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(world.to).await.unwrap();
        Self { socket, randoms: AtomicU8::new(8) }
    }

    /// A client's random that this one has not used.
    pub(super) fn random(&self) -> [u8; 32] {
        [self.randoms.fetch_add(1, Ordering::Relaxed); 32]
    }

    pub(super) async fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).await.unwrap();
    }

    pub(super) async fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2_000];
        let len = timeout(SOON, self.socket.recv(&mut buffer)).await.expect("in time").unwrap();
        buffer.truncate(len);
        buffer
    }

    /// The description of the fatal alert that comes next.
    pub(super) async fn alert(&self) -> u8 {
        loop {
            let datagram = self.receive().await;
            if datagram[0] == record::ALERT {
                assert_eq!((datagram.len(), datagram[13]), (15, record::FATAL), "{datagram:?}");
                return datagram[14];
            }
        }
    }

    pub(super) async fn silent(&self) {
        let mut buffer = [0; 2_000];
        let received = timeout(Duration::from_millis(100), self.socket.recv(&mut buffer)).await;
        assert!(received.is_err(), "{received:?}");
    }
}

/// A ClientHello's body.
pub(super) fn hello(version: u16, suites: &[u16], cookie: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.push(cookie.len() as u8);
    body.extend(cookie);
    body.extend((suites.len() as u16 * 2).to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend(tail);
    body
}

/// It as the first datagram of a handshake.
pub(super) fn first(body: &[u8]) -> Vec<u8> {
    record::record(record::HANDSHAKE, 0, 0, &record::message(record::CLIENT_HELLO, 0, body))
}
