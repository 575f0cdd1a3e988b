//! A fleet on a memory store, with a downlink that only counts.

use super::*;

pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);
pub(super) const WINDOW: std::time::Duration = std::time::Duration::from_secs(86_400);

pub(super) struct World {
    pub(super) fleet: Fleet,
    pub(super) store: Arc<MemoryStore>,
    pub(super) settings: BootstrapSettings,
    rows: Arc<Rows>,
    now: AtomicI64,
}

#[derive(Default)]
struct Rows {
    next: AtomicI64,
    followed: AtomicU64,
    /// Revoked when the next commit is followed.
    revokes: Mutex<Option<CredentialId>>,
    store: Mutex<Option<Arc<MemoryStore>>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), 0)
    }

    /// A server that starts on what is there.
    pub(super) fn on(store: Arc<MemoryStore>, run: u64) -> Self {
        let rows = Arc::new(Rows::default());
        rows.next.store(i64::try_from(run).unwrap() * 1_000 + 10, Ordering::Relaxed);
        *rows.store.lock().unwrap() = Some(Arc::clone(&store));
        // splitmix64: keys and identities differ, and are the same each time.
        let state = AtomicU64::new(run << 32);
        let entropy = move |bytes: &mut [u8]| {
            for byte in bytes {
                let mut z = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                *byte = (z >> 24) as u8;
            }
        };
        let fleet = Fleet::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&rows) as Arc<dyn Downlink>,
            Library::new(Arc::new(Registry::core())),
            Box::new(|| Ok(Registry::core())),
            Feed::new(),
            Box::new(entropy),
        );
        let settings = BootstrapSettings {
            uri: Some("coaps://muster.example.com:5684".into()),
            plain_uri: Some("coap://muster.example.com:5683".into()),
            bootstrap_uri: Some("coaps://muster.example.com:5784".into()),
            short_server_id: 1,
            keys: ServerKeys::default(),
            lab: true,
        };
        Self { fleet, store, settings, rows, now: AtomicI64::new(START.0) }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }

    pub(super) fn wait(&self, time: std::time::Duration) {
        self.now.store(self.now().after(time).0, Ordering::Relaxed);
    }

    pub(super) fn context(&self) -> Context {
        let actor = Actor::User { id: UserId(1), name: "ada".into(), role: Role::Administrator };
        Context { actor, now: self.now(), request: RequestId::from_random([1; 16]) }
    }

    /// Adds a device with a bootstrap credential.
    pub(super) fn add(&self, name: &str) -> Shown {
        let new = NewDevice {
            endpoint: EndpointName::new(name).unwrap(),
            class: None,
            bootstrap: Some(GivenPsk::default().into()),
            management: None,
        };
        let mut enrolled = block_on(self.fleet.add_device(&self.context(), new)).unwrap();
        enrolled.shown.remove(0)
    }

    pub(super) fn claim(&self, quota: u32) -> Shown {
        let new = NewClaim {
            name: "batch".into(),
            class: ClassId::DEFAULT,
            quota,
            opens_at: self.now(),
            closes_at: self.now().after(WINDOW),
            credential: GivenPsk::default(),
        };
        block_on(self.fleet.add_claim(&self.context(), new)).unwrap().1
    }

    pub(super) fn claims(&self) -> Vec<fleet::Claim> {
        block_on(self.store.claims(&PageRequest::first(9))).unwrap().rows
    }

    pub(super) fn asked(&self, name: &str, by: Option<&Shown>) -> BootstrapAsked {
        let source = Source { listener: ListenerId(0), address: "192.0.2.7:40000".parse().unwrap() };
        BootstrapAsked {
            origin: Origin { source, identity: by.map(device_identity) },
            listener: "coaps://0.0.0.0:5784".into(),
            request: BootstrapRequest {
                endpoint: (!name.is_empty()).then(|| EndpointName::new(name).unwrap()),
                preferred_format: None,
            },
            id: RequestId::from_random([2; 16]),
            at: self.now(),
        }
    }

    pub(super) fn begin(&self, name: &str, by: Option<Shown>) -> Result<Session, Refusal> {
        block_on(self.fleet.begin_bootstrap(&self.asked(name, by.as_ref()), &self.settings))
    }

    /// Runs a session with a device that takes everything.
    pub(super) fn finish(&self, mut session: Session) {
        let asked = self.asked(session.prepared().endpoint.clone().as_str(), None);
        let mut client = Client::fresh();
        while let fleet::Next::Step(step) = session.next(self.now()) {
            session.answered(self.now(), client.take(&step));
        }
        assert_eq!(session.record().result, BootstrapResult::Finished, "{:?}", session.record());
        block_on(self.fleet.end_bootstrap(&session, &asked)).unwrap();
    }

    /// A handshake that proves the key.
    pub(super) fn open(&self, purpose: Purpose, identity: &PskIdentity) -> Result<PskKey, DiaryCause> {
        let opening = block_on(self.fleet.opening(purpose, identity.as_bytes(), self.now())).unwrap();
        let opening = opening.map_err(|closed| closed.cause)?;
        let from = "192.0.2.7:40000".parse().unwrap();
        let opened = block_on(self.fleet.opened(opening.identity, from, None, None, self.now())).unwrap();
        opened.map_err(|closed| closed.cause)?;
        Ok(opening.key.unwrap())
    }

    pub(super) fn device(&self, name: &str) -> DeviceId {
        self.view(name).device.id
    }

    pub(super) fn public_id(&self, name: &str) -> fleet::PublicId {
        self.view(name).device.public_id
    }

    fn view(&self, name: &str) -> fleet::store::DeviceView {
        block_on(self.store.device_by_endpoint(&EndpointName::new(name).unwrap())).unwrap().unwrap()
    }

    /// Newest first.
    pub(super) fn timeline(&self, device: DeviceId) -> Vec<String> {
        let page = block_on(self.store.timeline(device, &PageRequest::first(99))).unwrap();
        page.rows.into_iter().map(|record| record.entry.detail).collect()
    }

    pub(super) fn audit(&self) -> Vec<fleet::AuditEntry> {
        let page = block_on(self.store.audit(&AuditQuery::all(PageRequest::first(99)))).unwrap();
        page.rows.into_iter().map(|record| record.entry).collect()
    }

    /// Cause and subject, in the order of the causes.
    pub(super) fn diary(&self) -> Vec<(DiaryCause, String)> {
        let mut entries: Vec<_> =
            self.diary_entries().into_iter().map(|entry| (entry.cause, entry.subject)).collect();
        entries.sort_by_key(|(cause, _)| cause.name());
        entries
    }

    pub(super) fn diary_ids(&self) -> Vec<fleet::DiaryId> {
        self.diary_entries().into_iter().map(|entry| entry.id).collect()
    }

    fn diary_entries(&self) -> Vec<fleet::DiaryEntry> {
        block_on(self.fleet.flush_diary(self.now())).unwrap();
        block_on(self.store.diary(&DiaryQuery::all(PageRequest::first(99)))).unwrap().rows
    }

    pub(super) fn revoke(&self, id: CredentialId) {
        block_on(self.store.commit(revocation(id))).unwrap();
    }

    pub(super) fn revoke_when_followed(&self, id: CredentialId) {
        *self.rows.revokes.lock().unwrap() = Some(id);
    }

    pub(super) fn followed(&self) -> u64 {
        self.rows.followed.load(Ordering::Relaxed)
    }
}

/// Who a handshake with a credential makes of its sender.
pub(super) fn device_identity(shown: &Shown) -> Identity {
    let credential = &shown.credential;
    Identity { credential: credential.id, holder: credential.holder, purpose: credential.purpose }
}

#[async_trait]
impl Downlink for Rows {
    async fn send(&self, _: Order) -> Taken {
        Taken::NotRegistered
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        false
    }

    async fn presence(&self, _: DeviceId) -> Presence {
        Presence::NotRegistered
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        Some((0..count).map(|_| DeviceId(self.next.fetch_add(1, Ordering::Relaxed))).collect())
    }

    async fn follow(&self, _: Arc<Commit>) {
        self.followed.fetch_add(1, Ordering::Relaxed);
        let revokes = self.revokes.lock().unwrap().take();
        let store = self.store.lock().unwrap().clone().unwrap();
        if let Some(id) = revokes {
            store.commit(revocation(id)).await.unwrap();
        }
    }

    async fn end(&self, ending: Ending) -> Result<(), StoreError> {
        let store = self.store.lock().unwrap().clone().unwrap();
        Store::commit(&*store, ending.commit).await.map(drop)
    }

    async fn end_sessions(&self, _: &[CredentialId]) {}
}

fn revocation(id: CredentialId) -> Commit {
    let change = Change::CredentialEnded { id, state: CredentialState::Revoked, at: START };
    Commit { changes: vec![change], audit: vec![] }
}
