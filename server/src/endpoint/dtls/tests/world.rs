//! A listener with its gate, and what its shard would get.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use dtls::{Bounds, Config};
use fleet::{
    CredentialId, DiaryCause, Incident, ListenerId, Purpose, SecureSession, SecureSessionId, SessionMark,
    Source,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::{
    super::{Gate, Role, SecureListener},
    clients::Client,
    gate::Table,
};
use crate::{
    clock::{self, Clock},
    endpoint::{Batch, Incoming, Outlet, sessions::Heard, socket::SystemNetwork},
};

pub(super) const SOON: Duration = Duration::from_secs(20);
pub(super) const LISTENER: ListenerId = ListenerId(3);

pub(super) struct World {
    pub(super) listener: Arc<SecureListener>,
    pub(super) gate: Arc<Table>,
    pub(super) to: SocketAddr,
    config: Config,
    purpose: Purpose,
    batches: mpsc::Receiver<Batch>,
    waiting: VecDeque<Incoming>,
    receiving: JoinHandle<()>,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) async fn bounded(bounds: Bounds) -> Self {
        Self::with(Config { bounds, ..Config::default() })
    }

    pub(super) fn with(config: Config) -> Self {
        Self::of(Purpose::Management, config)
    }

    pub(super) fn of(purpose: Purpose, config: Config) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), Arc::new(Table::new()), purpose, config)
    }

    fn at(address: SocketAddr, gate: Arc<Table>, purpose: Purpose, config: Config) -> Self {
        let given: Arc<dyn Gate> = Arc::clone(&gate) as _;
        let mut seed = [0; 32];
        crate::fill_random(&mut seed);
        let clock = Clock::start();
        let (listener, doorkeeper) = SecureListener::bind(
            &SystemNetwork,
            LISTENER,
            address,
            if purpose == Purpose::Bootstrap { Role::Bootstrap } else { Role::Management },
            given,
            clock,
            config.clone(),
            seed,
        )
        .unwrap();
        let to = listener.address();
        let (sender, batches) = mpsc::channel(64);
        let receiving = tokio::spawn(doorkeeper.run(sender));
        Self { listener, gate, to, config, purpose, batches, waiting: VecDeque::new(), receiving }
    }

    /// The process ends, and begins again with what is kept.
    pub(super) async fn restart(&mut self) {
        self.stop().await;
        self.start();
        self.listener.restore(self.kept()).await;
    }

    pub(super) async fn stop(&mut self) {
        self.receiving.abort();
        let _ = (&mut self.receiving).await;
    }

    /// Begins again: each session that is kept may have used all numbers that it had reserved.
    pub(super) fn start(&mut self) {
        for session in self.gate.sessions.lock().unwrap().values_mut() {
            session.reserved += self.config.bounds.reserve;
        }
        *self = Self::at(self.to, Arc::clone(&self.gate), self.purpose, self.config.clone());
    }

    pub(super) fn kept(&self) -> Vec<SecureSession> {
        self.gate.sessions.lock().unwrap().values().cloned().collect()
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.to)
    }

    /// What the shard gets next. What was heard is kept, as a shard does.
    pub(super) async fn next(&mut self) -> Incoming {
        while self.waiting.is_empty() {
            self.waiting = timeout(SOON, self.batches.recv()).await.expect("in time").unwrap().into();
        }
        let next = self.waiting.pop_front().unwrap();
        if let Incoming::Datagram(source, Some(Heard { session, is_certain, received }), _) = next
            && self.purpose == Purpose::Management
        {
            self.gate.heard(&SessionMark { id: session, received, source, is_certain, at: clock::wall() });
        }
        next
    }

    /// What the shard gets next is a datagram; the address and credential of its sender, and its bytes.
    pub(super) async fn datagram(&mut self) -> (SocketAddr, i64, Vec<u8>) {
        loop {
            match self.next().await {
                Incoming::Datagram(source, heard, bytes) => {
                    assert_eq!(source.listener, LISTENER);
                    let session = heard.unwrap().session;
                    let credential = self.gate.sessions.lock().unwrap()[&session].identity.credential;
                    return (source.address, credential.0, bytes);
                }
                Incoming::SessionBegan(..) | Incoming::SessionRestored { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Nothing more is handed over to the shard than that sessions have ended.
    pub(super) async fn nothing_but_ends(&mut self) {
        while let Ok(Some(batch)) = timeout(Duration::from_millis(100), self.batches.recv()).await {
            self.waiting.extend(batch);
        }
        for incoming in self.waiting.drain(..) {
            assert!(matches!(incoming, Incoming::SessionEnded(..)), "{incoming:?}");
        }
    }

    pub(super) async fn ended(&mut self) -> SocketAddr {
        loop {
            if let Incoming::SessionEnded(source, _) = self.next().await {
                return source.address;
            }
        }
    }

    pub(super) async fn began(&mut self) -> SecureSessionId {
        loop {
            if let Incoming::SessionBegan(_, session) = self.next().await {
                return session;
            }
        }
    }

    pub(super) async fn moved(&mut self) -> (SecureSessionId, SocketAddr, SocketAddr) {
        loop {
            if let Incoming::SessionMoved { session, from, to } = self.next().await {
                return (session, from.address, to.address);
            }
        }
    }

    /// Sends in the newest session of an address.
    pub(super) fn send(&self, to: SocketAddr, bytes: &[u8]) {
        let kept = self.kept();
        let there =
            kept.iter().filter(|session| session.source == Source { listener: LISTENER, address: to });
        let session = there.max_by_key(|session| session.began_at).map(|session| session.id);
        self.listener.send(to, session, bytes);
    }

    /// Waits for an incident.
    pub(super) async fn incident(&self, cause: DiaryCause) -> Incident {
        let find = || self.incidents().into_iter().find(|incident| incident.cause == cause);
        self.until(|| find().is_some()).await;
        find().unwrap()
    }

    pub(super) fn incidents(&self) -> Vec<Incident> {
        self.gate.incidents.lock().unwrap().clone()
    }

    /// Waits until a handshake has named a credential.
    pub(super) async fn until_named(&self, credential: i64) {
        self.until(|| self.gate.asked.lock().unwrap().contains(&credential)).await;
    }

    /// Waits until so many sessions are to be kept.
    pub(super) async fn until_opening(&self, count: usize) {
        self.until(|| self.gate.opening.lock().unwrap().len() == count).await;
    }

    /// Waits until so many sessions are kept.
    pub(super) async fn until_kept(&self, count: usize) {
        self.until(|| self.gate.sessions.lock().unwrap().len() == count).await;
    }

    pub(super) async fn until(&self, condition: impl Fn() -> bool) {
        let look = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = timeout(SOON, look).await;
        waited.unwrap_or_else(|_| panic!("not in time: {:?}, {:?}", self.incidents(), self.kept()));
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
