//! A server without sockets: a fleet in memory, devices that answer from a script, and the console's router.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use crate::issuer::TestIssuer;
use async_trait::async_trait;
use axum::Router;
use fleet::{
    Binding, Change, ClassId, Commit, Content, CredentialId, Device, DeviceId, DomainId, Downlink, Ending,
    EndpointName, Event, EventKind, Feed, Fleet, Library, Lifetime, ListenerId, NodeId, Observation,
    ObservationToken, Operation, OperationId, OperationState, Order, Outcome, Presence, PublicId, Reading,
    Registration, RegistrationId, ResponseCode, Source, Store, StoreError, StoredReading, Taken,
    TimelineEntry, TimelineKind, Timestamp, WireTrace, store::MemoryStore,
};
use futures::FutureExt;
use objects::{
    ContentFormat, Node, Path, Registry, Sample, Value, Version,
    link::{Discovered, ObjectLinks},
};
use web::{Places, Settings};

/// The moment at which every test begins.
pub(crate) const START: i64 = 1_790_000_000_000;

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) settings: Settings,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) script: Arc<Script>,
    pub(crate) feed: Feed,
    pub(crate) clock: Arc<AtomicI64>,
    stop: Option<futures::channel::oneshot::Sender<()>>,
}

/// A device to register.
pub(crate) struct SampleDevice {
    pub(crate) id: i64,
    pub(crate) endpoint: &'static str,
    pub(crate) lwm2m: Version,
    pub(crate) queue_mode: bool,
    pub(crate) links: &'static str,
}

pub(crate) const LINKS: &str = "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11543\",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>,\
    </4/0>,</5/0>,</6/0>,</19>;ver=1.0,</3303>;ver=1.1,</3303/0>,</3303/1>,</26241>;ver=1.0,</26241/0>,</26241/7>";

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(false, None).await
    }

    pub(crate) async fn with(cookie_secure: bool, profile_banner: Option<String>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let (feed, clock) = (Feed::new(), Arc::new(AtomicI64::new(START)));
        let script = Arc::new(Script::new(Arc::clone(&store), feed.clone(), Arc::clone(&clock)));
        let count = Arc::new(AtomicU64::new(0));
        let entropy = move |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(8) {
                let random = scramble(count.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
                chunk.copy_from_slice(&random[..chunk.len()]);
            }
        };
        let fleet = Fleet::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&script) as Arc<dyn Downlink>,
            Library::new(Arc::new(Registry::core())),
            Box::new(|| Ok(Registry::core())),
            feed.clone(),
            Box::new(entropy.clone()),
        );
        let fleet = Arc::new(fleet.with_issuer(Arc::new(TestIssuer)));
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let now = Arc::clone(&clock);
        let settings = Settings {
            cookie_secure,
            profile_banner,
            places: Places {
                coaps: Some("coaps://muster.test:5684".to_owned()),
                coaps_bootstrap: Some("coaps://muster.test:5784".to_owned()),
                coap: Some("coap://127.0.0.1:5683".to_owned()),
                coap_bootstrap: None,
                short_server_id: 123,
            },
            facts: vec![("Profile".to_owned(), "lab".to_owned())],
            version: "0.0.0-test".to_owned(),
            clock: Arc::new(move || Timestamp(now.load(Ordering::Relaxed))),
            entropy: Arc::new(entropy),
            metrics: Arc::new(|| "muster_up 1\n".to_owned()),
            ready: Arc::new(|| async { Ok(()) }.boxed()),
            restore: None,
            stop: stopped.map(|_| ()).boxed().shared(),
        };
        let router = web::router(Arc::clone(&fleet), settings.clone());
        // Lets the overview's task begin to follow the feed.
        tokio::task::yield_now().await;
        Self { router, settings, fleet, store, script, feed, clock, stop: Some(stop) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Registers a device that is awake.
    pub(crate) async fn register(&self, device: &SampleDevice) {
        let now = self.now();
        let id = DeviceId(device.id);
        let registration = Registration {
            device: id,
            id: RegistrationId(0x00ab_cdef_0000_0000 + u64::try_from(device.id).unwrap()),
            lwm2m: device.lwm2m,
            lifetime: Lifetime(300),
            binding: Binding { transports: "U".to_owned(), queue_mode: device.queue_mode },
            sms_number: None,
            links: Arc::new(ObjectLinks::parse(device.links.as_bytes()).unwrap()),
            extra: vec![("site".to_owned(), "roof <north>".to_owned())],
            source: source(device.id),
            credential: None,
            registered_at: now,
            updated_at: now,
            expires_at: Timestamp(now.0 + 300_000),
            node: NodeId::SINGLE,
            epoch: 1,
        };
        let known = Device {
            id,
            public_id: public_id(device.id),
            domain: DomainId::ROOT,
            class: ClassId::DEFAULT,
            endpoint: EndpointName::new(device.endpoint).unwrap(),
            created_at: now,
            removed_at: None,
        };
        let changes = vec![
            Change::DeviceAdded(known),
            Change::Registered(Box::new(registration)),
            Change::Timeline(TimelineEntry {
                device: id,
                at: now,
                kind: TimelineKind::Registered,
                request: None,
                detail: format!("LwM2M {}, lifetime 300 s, from {}", device.lwm2m, source(device.id).address),
            }),
        ];
        self.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
        self.script.presence(device.id, Presence::Awake);
        self.feed.publish(now, id, public_id(device.id), EventKind::Registered);
    }

    /// A device reports values by itself.
    pub(crate) async fn report(&self, device: i64, values: &[(&str, Value)]) {
        self.script
            .report(DeviceId(device), values.iter().map(|(at, value)| (path(at), value.clone())).collect())
            .await;
    }

    /// Everything the feed says from now on.
    pub(crate) async fn next_event(&self, subscription: &mut fleet::Subscription) -> Arc<Event> {
        match subscription.next().await.unwrap() {
            fleet::Watched::Event(event) => event,
            fleet::Watched::Missed(count) => panic!("{count} events missed"),
        }
    }
}

/// Devices that answer from a table, and keep what was asked of them.
pub(crate) struct Script {
    store: Arc<MemoryStore>,
    feed: Feed,
    clock: Arc<AtomicI64>,
    presence: Mutex<HashMap<DeviceId, Presence>>,
    values: Mutex<BTreeMap<(DeviceId, Path), Value>>,
    outcomes: Mutex<Vec<Outcome>>,
    orders: Mutex<Vec<Order>>,
    /// The row of the next device that is added.
    rows: AtomicI64,
    /// While it is held, no device answers.
    pub(crate) silence: tokio::sync::Mutex<()>,
}

impl Script {
    fn new(store: Arc<MemoryStore>, feed: Feed, clock: Arc<AtomicI64>) -> Self {
        Self {
            store,
            feed,
            clock,
            presence: Mutex::default(),
            values: Mutex::default(),
            outcomes: Mutex::default(),
            orders: Mutex::default(),
            rows: AtomicI64::new(1_000),
            silence: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn presence(&self, device: i64, presence: Presence) {
        self.presence.lock().unwrap().insert(DeviceId(device), presence);
    }

    /// What a device will answer to a Read.
    pub(crate) fn value(&self, device: i64, at: &str, value: Value) {
        self.values.lock().unwrap().insert((DeviceId(device), path(at)), value);
    }

    /// What comes of the next operation, whatever it is.
    pub(crate) fn next_outcome(&self, outcome: Outcome) {
        self.outcomes.lock().unwrap().push(outcome);
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Operation> {
        self.orders.lock().unwrap().iter().map(|order| order.operation.clone()).collect()
    }

    pub(crate) async fn report(&self, device: DeviceId, values: Vec<(Path, Value)>) {
        let now = self.now();
        let readings: Vec<Reading> =
            values.into_iter().map(|(path, value)| Reading { path, value, device_time: None }).collect();
        let report = Change::Report { device, received_at: now, delivery: None, readings: readings.clone() };
        self.store.commit(Commit { changes: vec![report], audit: Vec::new() }).await.unwrap();
        let stored =
            readings.into_iter().map(|reading| StoredReading { reading, received_at: now, sequence: 0 });
        self.feed.publish(now, device, public_id(device.0), EventKind::Readings(stored.collect()));
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    fn answer(&self, order: &Order) -> Outcome {
        if let Some(outcome) = self.outcomes.lock().unwrap().pop() {
            return outcome;
        }
        let success = |detail, content| Outcome::Success { code: ResponseCode { class: 2, detail }, content };
        match &order.operation {
            Operation::Read { path, .. } | Operation::Observe { path, .. } => {
                let values = self.values.lock().unwrap();
                let within =
                    values.iter().filter(|((device, at), _)| *device == order.device && at.is_within(path));
                let found: Vec<(Path, Value)> = within.map(|((_, at), value)| (*at, value.clone())).collect();
                match Node::from_values(*path, found).0 {
                    Some(node) => {
                        success(5, Content::Samples(vec![Sample { time_ms: None, path: *path, node }]))
                    }
                    None => Outcome::Refused {
                        code: ResponseCode { class: 4, detail: 4 },
                        diagnostic: String::new(),
                    },
                }
            }
            Operation::Discover { path } => {
                let text = format!("<{path}>;pmin=10;pmax=60,<{path}/1>,<{path}/2>;dim=2");
                success(5, Content::Links(Discovered::parse(text.as_bytes()).unwrap()))
            }
            Operation::Create { object, instance, .. } => success(
                1,
                Content::Location(Path::Instance(*object, instance.unwrap_or(objects::InstanceId(3)))),
            ),
            Operation::Delete { .. } => success(2, Content::Empty),
            _ => success(4, Content::Empty),
        }
    }

    /// What the shard would make durable of an outcome.
    async fn conclude(&self, order: &Order, outcome: &Outcome) {
        let now = self.now();
        let mut changes = Vec::new();
        let state = outcome.state(&order.operation);
        if order.stored {
            changes.push(Change::OperationSent { id: order.id, at: now });
            changes.push(Change::OperationEnded { id: order.id, state, at: now, result: outcome.result() });
        }
        match (&order.operation, state) {
            (
                Operation::Observe { format, .. } | Operation::ObserveComposite { format, .. },
                OperationState::Done,
            ) => {
                changes.push(Change::ObservationBegan(Observation {
                    device: order.device,
                    target: order.operation.target(),
                    token: ObservationToken::new(&[1, 2, 3]).unwrap(),
                    format: *format,
                    since: now,
                    number: None,
                }));
            }
            (operation, OperationState::Done) if operation.cancels().is_some() => {
                changes.push(Change::ObservationEnded { device: order.device, target: operation.target() });
            }
            _ => {}
        }
        changes.push(Change::Timeline(TimelineEntry {
            device: order.device,
            at: now,
            kind: TimelineKind::Operation,
            request: Some(order.request),
            detail: format!("{} {}: {}", order.operation.name(), order.operation.target(), outcome.result()),
        }));
        self.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
        if let Outcome::Success { content: Content::Samples(samples), .. } = outcome {
            let values = samples.iter().flat_map(|sample| sample.node.values(sample.path));
            self.report(order.device, values.map(|(path, value)| (path, value.clone())).collect()).await;
        }
        let kind = EventKind::Operation { id: order.id, state, changed: false };
        self.feed.publish(now, order.device, public_id(order.device.0), kind);
        self.feed.publish(now, order.device, public_id(order.device.0), EventKind::Observations);
    }
}

#[async_trait]
impl Downlink for Script {
    async fn send(&self, order: Order) -> Taken {
        self.orders.lock().unwrap().push(order.clone());
        let presence = Downlink::presence(self, order.device).await;
        match presence {
            Presence::NotRegistered => return Taken::NotRegistered,
            Presence::Asleep if order.stored => return Taken::Queued,
            Presence::Asleep => return Taken::Asleep,
            Presence::Awake => {}
        }
        drop(self.silence.lock().await);
        let outcome = self.answer(&order);
        self.conclude(&order, &outcome).await;
        Taken::Ended { trace: Some(trace(&order, &outcome)), outcome }
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        true
    }

    async fn presence(&self, device: DeviceId) -> Presence {
        self.presence.lock().unwrap().get(&device).copied().unwrap_or(Presence::NotRegistered)
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        let first = self.rows.fetch_add(i64::try_from(count).unwrap(), Ordering::Relaxed);
        Some((first..).take(count).map(DeviceId).collect())
    }

    async fn follow(&self, _: Arc<Commit>) {}

    async fn end(&self, ending: Ending) -> Result<(), StoreError> {
        let mut commit = ending.commit;
        let registered = self.presence.lock().unwrap().remove(&ending.device).is_some();
        if registered {
            let (device, at) = (ending.device, self.now());
            commit.changes.insert(0, Change::RegistrationEnded { device, at, reason: ending.reason });
        }
        self.store.commit(commit).await.map(drop)
    }

    async fn end_sessions(&self, _: &[CredentialId]) {}
}

fn trace(order: &Order, outcome: &Outcome) -> WireTrace {
    let accept = match &order.operation {
        Operation::Read { format, .. } => format.unwrap_or(ContentFormat::TLV).to_string(),
        _ => "-".to_owned(),
    };
    WireTrace {
        lines: vec![
            format!("→ CON 0x1f3a GET {} Accept: {accept} (14 bytes)", order.operation.path()),
            format!("← ACK 0x1f3a {} (9 bytes)", outcome.result()),
        ],
    }
}

pub(crate) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(crate) fn public_id(device: i64) -> PublicId {
    PublicId::from_random([u8::try_from(device).unwrap(); 16])
}

fn source(device: i64) -> Source {
    let address = SocketAddr::from(([192, 0, 2, u8::try_from(device).unwrap()], 56_830));
    Source { listener: ListenerId(0), address }
}

/// Numbers that look random, the same in each run (SplitMix64).
fn scramble(count: u64) -> u64 {
    let mut z = count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
