//! One device. What the store must hold of it is what the store in memory holds after the commits that were acknowledged.

use std::{sync::Arc, time::Duration};

use fleet::{
    AuditEntry, Binding, Cause, Change, ClassId, Commit, Committed, Credential, CredentialId, CredentialKind,
    CredentialState, Delivery, Device, DeviceId, DomainId, EndReason, EndpointName, Holder, Identity,
    Lifetime, ListenerId, NewCredential, NodeId, Observation, ObservationToken, Operation, OperationId,
    OperationRecord, OperationState, PskIdentity, PskKey, PublicId, Purpose, Reading, Registration,
    RegistrationId, RequestId, Secret, SecureSession, SecureSessionId, Sender, SessionMark, SessionState,
    Source, Store, StoreError, TimelineEntry, TimelineKind, Timestamp, Verb,
    store::{AuditQuery, DeviceView, MemoryStore, PageRequest},
};
use objects::{Value, Version, link::ObjectLinks};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) struct Simulated {
    number: i64,
    /// How many commits were begun: what they hold is named after it, so that nothing comes twice by chance.
    begun: i64,
    /// What was acknowledged.
    model: MemoryStore,
    /// What was begun, and not answered.
    doubt: Option<Commit>,
    pub(crate) acknowledged: u64,
}

/// What a store holds of a device.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    view: Option<DeviceView>,
    latest: Vec<(Reading, Timestamp)>,
    history: Vec<(Reading, Timestamp)>,
    observations: Vec<Observation>,
    operations: Vec<OperationRecord>,
    timeline: Vec<TimelineEntry>,
    audit: Vec<AuditEntry>,
    credentials: Vec<Credential>,
    sessions: Vec<SecureSession>,
}

/// How long an answer is waited for.
const ANSWERED_WITHIN: Duration = Duration::from_millis(300);
/// How many kinds of commits there are after the first.
const KINDS: i64 = 14;

impl Simulated {
    pub(crate) fn new(number: i64) -> Self {
        Self { number, begun: 0, model: MemoryStore::new(), doubt: None, acknowledged: 0 }
    }

    /// Has the store commit something, and believes what it says.
    pub(crate) async fn commit(&mut self, store: &dyn Store, luck: i64) -> Result<Committed, StoreError> {
        let commit =
            if self.acknowledged == 0 { self.enrols() } else { self.commit_of(luck.rem_euclid(KINDS)) };
        self.begun += 1;
        self.doubt = Some(commit.clone());
        // One whose end is not known is answered only when the disk can say what it kept.
        let answer = timeout(ANSWERED_WITHIN, store.commit(commit.clone())).await;
        let answer = answer.unwrap_or(Err(StoreError::Unavailable));
        match &answer {
            Ok(_) => {
                assert_eq!(self.model.commit(commit).await, answer, "of device {}", self.number);
                self.acknowledged += 1;
                self.doubt = None;
            }
            // Nothing was changed.
            Err(StoreError::Conflict) => self.doubt = None,
            Err(_) => {}
        }
        answer
    }

    pub(crate) fn id(&self) -> DeviceId {
        DeviceId(self.number)
    }

    /// Whether what became of its last commit can't be known.
    pub(crate) fn has_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Compares with what is there: all that was acknowledged, and of what was not all or nothing.
    pub(crate) async fn check(&mut self, store: &dyn Store) -> Result<(), String> {
        let found = self.picture(store).await;
        let mut held = self.picture(&self.model).await;
        if found != held
            && let Some(doubt) = self.doubt.take()
        {
            self.model.commit(doubt).await.map_err(|error| format!("it was begun and can't be: {error}"))?;
            self.acknowledged += 1;
            held = self.picture(&self.model).await;
        }
        self.doubt = None;
        if found == held { Ok(()) } else { Err(format!("found {found:#?}\nbut acknowledged {held:#?}")) }
    }

    async fn picture(&self, store: &dyn Store) -> Picture {
        let (device, path) = (self.id(), "/3".parse().unwrap());
        let page = || PageRequest::first(PageRequest::MAX_LIMIT);
        let history = store.history(device, "/3/0/9".parse().unwrap(), 1_000).await.unwrap();
        let stored = |rows: Vec<fleet::StoredReading>| {
            rows.into_iter().map(|row| (row.reading, row.received_at)).collect()
        };
        let query = AuditQuery { device: Some(device), ..AuditQuery::all(page()) };
        let sessions = store.secure_sessions(None, SecureSession::MAX_READ).await.unwrap().into_iter();
        Picture {
            view: store.device_row(device).await.unwrap(),
            latest: stored(store.latest(device, path).await.unwrap()),
            history: stored(history),
            observations: store.observations(device).await.unwrap(),
            operations: store.operations(device, &page()).await.unwrap().rows,
            timeline: store
                .timeline(device, &page())
                .await
                .unwrap()
                .rows
                .into_iter()
                .map(|row| row.entry)
                .collect(),
            audit: store.audit(&query).await.unwrap().rows.into_iter().map(|row| row.entry).collect(),
            credentials: store.credentials(device).await.unwrap(),
            sessions: sessions.filter(|session| session.identity == self.identity()).collect(),
        }
    }

    fn enrols(&self) -> Commit {
        let credential = Credential {
            id: CredentialId(self.number),
            public_id: self.public_id(1),
            holder: Holder::Device(self.id()),
            purpose: Purpose::Management,
            kind: CredentialKind::Psk,
            state: CredentialState::Staged,
            identity: PskIdentity::new(format!("identity-{}", self.number)).unwrap().into(),
            parent: None,
            valid_from: at(0),
            valid_to: None,
            created_by: "somebody".into(),
            created_at: at(0),
            changed_at: at(0),
            last_used_at: None,
        };
        let secret = Secret::Psk(PskKey::new(format!("a key of device {:04}", self.number)).unwrap());
        let device = Device {
            id: self.id(),
            public_id: self.public_id(0),
            domain: DomainId::ROOT,
            class: ClassId::DEFAULT,
            endpoint: EndpointName::new(format!("node-{}", self.number)).unwrap(),
            created_at: at(0),
            removed_at: None,
        };
        let changes = vec![
            Change::DeviceAdded(device),
            Change::CredentialAdded(Box::new(NewCredential { credential, secret })),
            Change::Registered(Box::new(self.registration())),
            Change::Timeline(self.happened()),
        ];
        Commit { changes, audit: vec![self.did(Verb::Operate)] }
    }

    fn commit_of(&self, kind: i64) -> Commit {
        let now = at(self.begun);
        let device = self.id();
        // What an earlier commit may have begun.
        let earlier = (self.begun - 1 - self.begun % 3).max(0);
        let changes = match kind {
            0 => vec![Change::Registered(Box::new(self.registration())), Change::Timeline(self.happened())],
            1 => {
                let expires_at = at(self.begun + 300);
                vec![Change::LeaseRenewed { device, seen_at: now, expires_at }]
            }
            2 => vec![self.report(self.begun, 64), Change::Timeline(self.happened())],
            3 => vec![self.report(self.begun, 4_000)],
            // A retransmission, whose first may have been stored or not.
            4 => vec![self.report(earlier, 64)],
            5 => vec![Change::OperationQueued(Box::new(self.operation()))],
            6 => vec![Change::OperationSent { id: self.operation_id(earlier), at: now }],
            7 => vec![Change::OperationEnded {
                id: self.operation_id(earlier),
                state: OperationState::Done,
                at: now,
                result: "2.04 Changed".into(),
            }],
            8 => vec![Change::SecureSessionOpened(Box::new(self.session()))],
            9 => {
                let id = self.session_id(earlier);
                let upto = u64::try_from(self.begun).unwrap() * 64;
                vec![
                    Change::SecureSessionReserved { id, upto },
                    Change::SecureSessionsHeard(vec![self.mark(id)]),
                ]
            }
            10 => vec![Change::SecureSessionEnded { id: self.session_id(earlier), resumable: false }],
            11 => vec![Change::ObservationBegan(self.observation())],
            12 => vec![Change::ObservationEnded { device, target: self.observation().target }],
            _ => vec![
                Change::RegistrationEnded { device, at: now, reason: EndReason::Deregistered },
                Change::ObservationsEnded { device },
                Change::Timeline(self.happened()),
            ],
        };
        let audit = if kind >= 5 { vec![self.did(Verb::Operate)] } else { vec![] };
        Commit { changes, audit }
    }

    fn unique(&self, number: i64) -> u64 {
        u64::try_from(self.number * 1_000_000 + number).unwrap()
    }

    fn public_id(&self, number: i64) -> PublicId {
        PublicId(Uuid::from_u128(self.unique(number).into()))
    }

    fn operation_id(&self, number: i64) -> OperationId {
        OperationId(Uuid::from_u128((7 << 80) + u128::from(self.unique(number))))
    }

    fn session_id(&self, number: i64) -> SecureSessionId {
        SecureSessionId(self.unique(number))
    }

    fn request(&self) -> RequestId {
        RequestId(Uuid::from_u128(self.unique(self.begun).into()))
    }

    fn source(&self) -> Source {
        let port = 1_024 + u16::try_from(self.begun % 60_000).unwrap();
        Source { listener: ListenerId(0), address: ([127, 0, 0, 1], port).into() }
    }

    fn identity(&self) -> Identity {
        Identity {
            credential: CredentialId(self.number),
            holder: Holder::Device(self.id()),
            purpose: Purpose::Management,
        }
    }

    fn registration(&self) -> Registration {
        Registration {
            device: self.id(),
            id: RegistrationId(self.unique(self.begun)),
            lwm2m: Version::V1_1,
            lifetime: Lifetime(300 + u32::try_from(self.begun).unwrap()),
            binding: Binding { transports: "U".into(), queue_mode: true },
            sms_number: None,
            links: Arc::new(ObjectLinks::parse(b"</1/0>,</3/0>").unwrap()),
            extra: vec![],
            source: self.source(),
            credential: None,
            registered_at: at(self.begun),
            updated_at: at(self.begun),
            expires_at: at(self.begun + 300),
            node: NodeId::SINGLE,
            epoch: self.begun + 1,
        }
    }

    fn report(&self, number: i64, bytes: usize) -> Change {
        let mut value = vec![7; bytes];
        value[..8].copy_from_slice(&number.to_be_bytes());
        let token = number.to_be_bytes().to_vec();
        let source = Source { address: ([127, 0, 0, 1], 5_683).into(), ..self.source() };
        Change::Report {
            device: self.id(),
            received_at: at(number),
            delivery: Some(Delivery {
                sender: Sender::At(source),
                message_id: u16::try_from(number % 65_536).unwrap(),
                token,
                observe: None,
            }),
            readings: vec![Reading {
                path: "/3/0/9".parse().unwrap(),
                value: Value::Opaque(value),
                device_time: None,
            }],
        }
    }

    fn operation(&self) -> OperationRecord {
        OperationRecord {
            id: self.operation_id(self.begun),
            device: self.id(),
            operation: Operation::Execute { path: "/3/0/4".parse().unwrap(), arguments: String::new() },
            requested_by: "somebody".into(),
            request: self.request(),
            state: OperationState::Queued,
            queued_at: at(self.begun),
            sent_at: None,
            ended_at: None,
            expires_at: at(self.begun + 9_000),
            result: None,
            priority: fleet::Priority::Normal,
            superseded_by: None,
        }
    }

    fn session(&self) -> SecureSession {
        SecureSession {
            id: self.session_id(self.begun),
            identity: self.identity(),
            source: self.source(),
            reserved: 64,
            received: 3,
            state: SessionState::new(self.begun.to_be_bytes()),
            began_at: at(self.begun),
            heard_at: at(self.begun),
        }
    }

    fn mark(&self, id: SecureSessionId) -> SessionMark {
        let received = u64::try_from(self.begun).unwrap();
        SessionMark { id, received, source: self.source(), is_certain: true, at: at(self.begun) }
    }

    fn observation(&self) -> Observation {
        Observation {
            device: self.id(),
            target: format!("/3/0/{}", self.begun % 8).parse::<objects::Path>().unwrap().into(),
            token: ObservationToken::new(&self.begun.to_be_bytes()).unwrap(),
            format: None,
            since: at(self.begun),
            number: None,
        }
    }

    fn happened(&self) -> TimelineEntry {
        TimelineEntry {
            device: self.id(),
            at: at(self.begun),
            kind: TimelineKind::Updated,
            request: Some(self.request()),
            detail: format!("commit {}", self.begun),
        }
    }

    fn did(&self, verb: Verb) -> AuditEntry {
        AuditEntry {
            at: at(self.begun),
            actor: "somebody".into(),
            cause: Cause::Console,
            request: self.request(),
            verb,
            device: Some(self.id()),
            object: format!("commit {}", self.begun),
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_700_000_000_000 + seconds * 1_000)
}
