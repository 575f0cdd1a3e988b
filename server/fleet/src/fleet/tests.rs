//! The verbs, on a memory store and a downlink that plays a script.

use std::{
    collections::VecDeque,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::{channel::oneshot, executor::block_on};
use objects::{
    DataType, InstanceId, Node, ObjectId, ObjectModel, Operations, Path, Registry, Resource, ResourceId,
    ResourceModel, Value, Version,
    link::{ObjectEntry, ObjectLinks},
};

use super::*;
use crate::{
    Actor, Binding, Change, ClassId, Commit, Content, CredentialId, Device, DeviceId, DomainId, Ending,
    EndpointName, Failure, Lifetime, ListenerId, NodeId, Operation, Order, Outcome, PasswordHash,
    Registration, RegistrationId, RequestId, ResponseCode, Role, Source, StoreError, Taken, Timestamp, User,
    UserId, WireTrace, WriteMode, store::MemoryStore,
};

mod accounts;
mod artefacts;
mod cancel;
mod certificates;
mod claims;
mod class_policy;
mod configuration;
mod credentials;
mod diary;
mod downloads;
mod enrol;
mod groups;
mod handshake;
mod hostile;
mod import;
mod issuer;
mod login;
mod models;
mod operate;
mod permission;
mod plans;
mod queues;
mod secrets;
mod secure_sessions;
mod setup;
mod submission;
mod tokens;
mod trail;
mod webhooks;
mod wishes;

/// 2023-11-14T22:13:20Z.
const START: Timestamp = Timestamp(1_700_000_000_000);
const HERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// A fleet with devices 1 and 2, both registered.
struct Bench {
    fleet: Fleet,
    store: Arc<MemoryStore>,
    script: Arc<Script>,
}

/// A downlink that gives the answers it was told to, and notes what it was asked.
struct Script {
    store: Arc<MemoryStore>,
    answers: Mutex<VecDeque<Taken>>,
    presence: Mutex<Presence>,
    /// Whether an operation can be taken out of the queue.
    cancels: Mutex<bool>,
    /// The next order waits until it is taken out.
    held: Mutex<Option<oneshot::Receiver<()>>>,
    taken_out: Mutex<Option<oneshot::Sender<()>>>,
    orders: Mutex<Vec<Sent>>,
    next_device: AtomicI64,
    /// How many devices there may still be.
    room: Mutex<usize>,
    followed: Mutex<Vec<Arc<Commit>>>,
    endings: Mutex<Vec<Ending>>,
    /// The credentials whose sessions were ended, in order.
    ended: Mutex<Vec<CredentialId>>,
}

/// An order as it was handed over, and what was durable at that moment.
#[derive(Clone, Debug)]
struct Sent {
    order: Order,
    state: Option<crate::OperationState>,
    audited: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let script = Arc::new(Script {
            store: Arc::clone(&store),
            answers: Mutex::default(),
            presence: Mutex::new(Presence::Awake),
            cancels: Mutex::new(true),
            held: Mutex::default(),
            taken_out: Mutex::default(),
            orders: Mutex::default(),
            next_device: AtomicI64::new(1_000),
            room: Mutex::new(usize::MAX),
            followed: Mutex::default(),
            endings: Mutex::default(),
            ended: Mutex::default(),
        });
        let changes: Vec<Change> = (1..=2)
            .flat_map(|number| {
                [Change::DeviceAdded(device(number)), Change::Registered(Box::new(registration(number)))]
            })
            .collect();
        block_on(store.commit(Commit { changes, audit: vec![] })).unwrap();
        let fleet = Fleet::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&script) as Arc<dyn Downlink>,
            Library::new(Arc::new(registry())),
            Box::new(|| Ok(registry())),
            Feed::new(),
            entropy(),
        );
        let fleet = fleet.with_issuer(Arc::new(issuer::Maker));
        Self { fleet, store, script }
    }

    /// The next order will be taken so.
    fn answer(&self, taken: Taken) {
        self.script.answers.lock().unwrap().push_back(taken);
    }

    fn operate(&self, role: Role, operation: Operation) -> Result<Operated, FleetError> {
        block_on(self.fleet.operate(&context(role), public_id(1), operation, None))
    }

    fn orders(&self) -> Vec<Sent> {
        self.script.orders.lock().unwrap().clone()
    }

    fn row(&self, id: OperationId) -> Option<OperationRecord> {
        block_on(self.store.operation(id)).unwrap()
    }

    /// Makes it durable, whatever rules the verbs have.
    fn commit(&self, changes: Vec<Change>) {
        block_on(self.store.commit(Commit { changes, audit: vec![] })).unwrap();
    }

    /// What the timeline of a device says, the oldest first.
    fn timeline(&self, device: DeviceId) -> Vec<String> {
        let page = block_on(self.store.timeline(device, &PageRequest::first(500))).unwrap();
        let line = |record: &TimelineRecord| format!("{}: {}", record.entry.kind.name(), record.entry.detail);
        page.rows.iter().rev().map(line).collect()
    }

    /// The credentials whose sessions were ended since it was asked last.
    fn ended(&self) -> Vec<CredentialId> {
        std::mem::take(&mut *self.script.ended.lock().unwrap())
    }

    /// What the audit log holds, the oldest first: verb, actor, object.
    fn audit(&self) -> Vec<String> {
        block_on(audited(&self.store))
    }
}

#[async_trait]
impl Downlink for Script {
    async fn send(&self, order: Order) -> Taken {
        let audited = audited(&self.store).await;
        let state = self.store.operation(order.id).await.ok().flatten().map(|record| record.state);
        self.orders.lock().unwrap().push(Sent { order, state, audited });
        let held = self.held.lock().unwrap().take();
        if let Some(taken_out) = held {
            taken_out.await.unwrap();
            return Taken::Ended { outcome: Outcome::Failed(Failure::Cancelled), trace: None };
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Taken::Queued)
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        if let Some(taken_out) = self.taken_out.lock().unwrap().take() {
            taken_out.send(()).unwrap();
        }
        *self.cancels.lock().unwrap()
    }

    async fn presence(&self, _: DeviceId) -> Presence {
        *self.presence.lock().unwrap()
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        let mut room = self.room.lock().unwrap();
        *room = room.checked_sub(count)?;
        Some((0..count).map(|_| DeviceId(self.next_device.fetch_add(1, Ordering::Relaxed))).collect())
    }

    async fn follow(&self, commit: Arc<Commit>) {
        self.followed.lock().unwrap().push(commit);
    }

    async fn end(&self, ending: Ending) -> Result<(), StoreError> {
        let Ending { device, reason, mut commit, .. } = ending.clone();
        let at = START;
        commit.changes.insert(0, Change::RegistrationEnded { device, at, reason });
        self.store.commit(commit).await?;
        self.ended.lock().unwrap().extend(&ending.credentials);
        self.endings.lock().unwrap().push(ending);
        Ok(())
    }

    async fn end_sessions(&self, credentials: &[CredentialId]) {
        self.ended.lock().unwrap().extend(credentials);
    }
}

/// Bytes that look random and are the same each time.
fn entropy() -> Entropy {
    let state = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    Box::new(move |bytes| {
        bytes.fill_with(|| {
            let next = |old: u64| Some(old.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1));
            let old = state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap();
            u8::try_from(old >> 56).unwrap()
        });
    })
}

async fn audited(store: &MemoryStore) -> Vec<String> {
    let page = store
        .audit(&AuditQuery::all(PageRequest::first(500)))
        .await
        .map(|page| page.rows)
        .unwrap_or_default();
    let entries = page.into_iter().rev().map(|record| record.entry);
    entries.map(|entry| format!("{} · {} · {}", entry.verb.name(), entry.actor, entry.object)).collect()
}

fn context(role: Role) -> Context {
    let id = match role {
        Role::Viewer => 1,
        Role::Operator => 2,
        Role::Administrator => 3,
    };
    let actor = Actor::User { id: UserId(id), name: role.name().into(), role };
    Context { actor, now: START, request: request() }
}

const PASSWORD: &str = "correct horse battery";

/// A password's hash, made once: that takes a while.
fn hash() -> PasswordHash {
    static HASH: LazyLock<PasswordHash> =
        LazyLock::new(|| PasswordHash::make("", PASSWORD, [3; 16]).unwrap());
    HASH.clone()
}

/// With the accounts 1 to 3: viewer, operator, administrator.
fn with_users() -> Bench {
    let bench = Bench::new();
    let user = |(id, role): (i64, Role)| {
        Change::UserAdded(User {
            id: UserId(id),
            public_id: public_id(100 + u8::try_from(id).unwrap()),
            name: role.name().into(),
            role,
            password: hash(),
            created_at: START,
            disabled_at: None,
            sessions_from: START,
        })
    };
    bench.commit((1..).zip(Role::ALL).map(user).collect());
    bench
}

fn request() -> RequestId {
    RequestId::from_random([9; 16])
}

fn public_id(number: u8) -> PublicId {
    PublicId::from_random([number; 16])
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn read() -> Operation {
    Operation::Read { path: path("/3/0/9"), format: None }
}

fn write() -> Operation {
    let node = Node::Resource(Resource::Single(Value::Integer(60)));
    Operation::Write { path: path("/1/0/1"), mode: WriteMode::Replace, node, format: None }
}

fn success() -> Outcome {
    Outcome::Success { code: ResponseCode { class: 2, detail: 5 }, content: Content::Empty }
}

fn ended() -> Taken {
    let trace = WireTrace { lines: vec!["→ CON GET /3/0/9".into()] };
    Taken::Ended { outcome: success(), trace: Some(trace) }
}

fn device(number: u8) -> Device {
    Device {
        id: DeviceId(number.into()),
        public_id: public_id(number),
        domain: DomainId::ROOT,
        class: ClassId::DEFAULT,
        endpoint: EndpointName::new(format!("node-{number}")).unwrap(),
        created_at: START,
        removed_at: None,
    }
}

fn registration(number: u8) -> Registration {
    let entry = || ObjectEntry { instances: [InstanceId(0)].into(), ..ObjectEntry::default() };
    let links = ObjectLinks {
        objects: [(ObjectId(1), entry()), (ObjectId(3), entry())].into(),
        ..ObjectLinks::default()
    };
    Registration {
        device: DeviceId(number.into()),
        id: RegistrationId(number.into()),
        lwm2m: Version::V1_1,
        lifetime: Lifetime(300),
        binding: Binding { transports: "U".into(), queue_mode: false },
        sms_number: None,
        links: Arc::new(links),
        extra: vec![],
        source: Source { listener: ListenerId(0), address: "127.0.0.1:5683".parse().unwrap() },
        credential: None,
        registered_at: START,
        updated_at: START,
        expires_at: START,
        node: NodeId::SINGLE,
        epoch: 1,
    }
}

/// Lifetime, Bootstrap-Request Trigger, Reboot and Battery Level.
fn registry() -> Registry {
    let resource = |id, name: &str, operations, data_type| ResourceModel {
        id: ResourceId(id),
        name: name.into(),
        operations,
        multiple: false,
        mandatory: false,
        data_type,
        range: String::new(),
        units: String::new(),
        description: String::new(),
    };
    let object = |id, name: &str, resources: Vec<ResourceModel>| ObjectModel {
        id: ObjectId(id),
        version: Version::V1_0,
        lwm2m_version: Version::V1_0,
        name: name.into(),
        urn: String::new(),
        description: String::new(),
        multiple: id == 1,
        mandatory: true,
        resources: resources.into_iter().map(|resource| (resource.id, resource)).collect(),
    };
    let mut registry = Registry::empty();
    registry.insert(object(
        1,
        "Server",
        vec![
            resource(1, "Lifetime", Operations::RW, Some(DataType::Integer)),
            resource(9, "Bootstrap-Request Trigger", Operations::E, None),
        ],
    ));
    registry.insert(object(
        3,
        "Device",
        vec![
            resource(4, "Reboot", Operations::E, None),
            resource(9, "Battery Level", Operations::R, Some(DataType::Integer)),
        ],
    ));
    registry
}
