//! The verbs, on a memory store and a downlink that plays a script.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
};

use async_trait::async_trait;
use futures::executor::block_on;
use objects::{
    DataType, InstanceId, Node, ObjectId, ObjectModel, Operations, Path, Registry, Resource, ResourceId,
    ResourceModel, Value, Version,
    link::{ObjectEntry, ObjectLinks},
};

use super::*;
use crate::{
    Actor, Binding, Change, ClassId, Commit, Content, Device, DeviceId, DomainId, EndpointName, Lifetime,
    ListenerId, NodeId, Operation, Order, Outcome, Registration, RegistrationId, RequestId, ResponseCode,
    Role, Source, Taken, Timestamp, UserId, WireTrace, WriteMode, store::MemoryStore,
};

mod cancel;
mod login;
mod operate;
mod permission;
mod setup;
mod trail;

/// 2023-11-14T22:13:20Z.
const START: Timestamp = Timestamp(1_700_000_000_000);

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
    orders: Mutex<Vec<Sent>>,
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
            orders: Mutex::default(),
        });
        let count = AtomicU8::new(0);
        let entropy = move |bytes: &mut [u8]| bytes.fill_with(|| count.fetch_add(1, Ordering::Relaxed));
        let changes = (1..=2)
            .flat_map(|number| {
                [Change::DeviceAdded(device(number)), Change::Registered(Box::new(registration(number)))]
            })
            .collect();
        block_on(store.commit(Commit { changes, audit: vec![] })).unwrap();
        let fleet = Fleet::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&script) as Arc<dyn Downlink>,
            Arc::new(registry()),
            Feed::new(),
            Box::new(entropy),
        );
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
        self.answers.lock().unwrap().pop_front().unwrap_or(Taken::Queued)
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        *self.cancels.lock().unwrap()
    }

    async fn presence(&self, _: DeviceId) -> Presence {
        *self.presence.lock().unwrap()
    }
}

async fn audited(store: &MemoryStore) -> Vec<String> {
    let page = store.audit(&PageRequest::first(500)).await.map(|page| page.rows).unwrap_or_default();
    let entries = page.into_iter().rev().map(|record| record.entry);
    entries.map(|entry| format!("{} · {} · {}", entry.verb.name(), entry.actor, entry.object)).collect()
}

fn context(role: Role) -> Context {
    let actor = Actor::User { id: UserId(1), name: role.name().into(), role };
    Context { actor, now: START, request: request() }
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
        registered_at: START,
        updated_at: START,
        expires_at: START,
        node: NodeId::SINGLE,
        epoch: 1,
    }
}

/// Lifetime, Reboot and Battery Level.
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
        vec![resource(1, "Lifetime", Operations::RW, Some(DataType::Integer))],
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
