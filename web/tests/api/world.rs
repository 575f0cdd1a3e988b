//! A server without sockets: a fleet in memory, devices that answer from a script, and the router.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::issuer::TestIssuer;
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use fleet::{
    Actor, Binding, Change, ClassId, Commit, Content, Context, Device, DeviceId, DomainId, Downlink, Ending,
    EndpointName, Feed, Fleet, Library, Lifetime, ListenerId, NodeId, Operation, OperationId, OperationState,
    Order, Outcome, PasswordHash, Presence, PublicId, Reading, Registration, RegistrationId, RequestId,
    ResponseCode, Role, Source, Store, StoreError, Taken, Timestamp, User, WireTrace, store::MemoryStore,
};
use futures::FutureExt;
use objects::{Node, Path, Registry, Sample, Value, Version, link::ObjectLinks};
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use web::{Places, Settings, api::v1::types::Problem};

/// The moment at which every test begins.
pub(crate) const START: i64 = 1_790_000_000_000;

const LINKS: &str = "</>;rt=\"oma.lwm2m\",</1/0>,</3>;ver=1.1,</3/0>,</5/0>,</3303>;ver=1.1,</3303/0>";

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) script: Arc<Script>,
    pub(crate) feed: Feed,
    pub(crate) admin: User,
    /// A token of the administrator with every scope.
    pub(crate) token: String,
    clock: Arc<AtomicI64>,
    stop: Option<futures::channel::oneshot::Sender<()>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A request to make.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let (feed, clock) = (Feed::new(), Arc::new(AtomicI64::new(START)));
        let script = Arc::new(Script { store: Arc::clone(&store), ..Script::default() });
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
            cookie_secure: false,
            profile_banner: None,
            places: Places::default(),
            facts: Vec::new(),
            version: "0.0.0-test".to_owned(),
            clock: Arc::new(move || Timestamp(now.load(Ordering::Relaxed))),
            entropy: Arc::new(entropy),
            metrics: Arc::new(String::new),
            ready: Arc::new(|| async { Ok(()) }.boxed()),
            restore: None,
            stop: stopped.map(|_| ()).boxed().shared(),
        };
        let router = web::router(Arc::clone(&fleet), settings);
        tokio::task::yield_now().await;
        let context = Context { actor: Actor::COMMAND_LINE, now: Timestamp(START), request: request() };
        let admin = fleet.add_user(&context, "ada", Role::Administrator, password()).await.unwrap();
        let mut world =
            Self { router, fleet, store, script, feed, admin, token: String::new(), clock, stop: Some(stop) };
        world.token = world.token_of(&world.admin.clone(), Role::Administrator, None).await;
        world
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn context(&self, user: &User) -> Context {
        Context { actor: user.actor(), now: self.now(), request: request() }
    }

    pub(crate) async fn user(&self, name: &str, role: Role) -> User {
        let context = self.context(&self.admin);
        self.fleet.add_user(&context, name, role, password()).await.unwrap()
    }

    pub(crate) async fn token_of(&self, user: &User, scope: Role, expires_in: Option<Duration>) -> String {
        self.fleet.add_token(&self.context(user), "test", scope, expires_in).await.unwrap().1
    }

    /// Registers a device that is awake.
    pub(crate) async fn register(&self, number: u8, endpoint: &str) -> PublicId {
        let (now, device) = (self.now(), DeviceId(i64::from(number)));
        let public_id = PublicId::from_random([number; 16]);
        let known = Device {
            id: device,
            public_id,
            domain: DomainId::ROOT,
            class: ClassId::DEFAULT,
            endpoint: EndpointName::new(endpoint).unwrap(),
            created_at: now,
            removed_at: None,
        };
        let registration = Registration {
            device,
            id: RegistrationId(u64::from(number)),
            lwm2m: Version::V1_1,
            lifetime: Lifetime(300),
            binding: Binding { transports: "U".to_owned(), queue_mode: false },
            sms_number: None,
            links: Arc::new(ObjectLinks::parse(LINKS.as_bytes()).unwrap()),
            extra: vec![("site".to_owned(), "roof".to_owned())],
            source: Source {
                listener: ListenerId(0),
                address: SocketAddr::from(([192, 0, 2, number], 56_830)),
            },
            credential: None,
            registered_at: now,
            updated_at: now,
            expires_at: now.after(Duration::from_secs(300)),
            node: NodeId::SINGLE,
            epoch: 1,
        };
        let changes = vec![Change::DeviceAdded(known), Change::Registered(Box::new(registration))];
        self.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
        self.script.presence.lock().unwrap().insert(device, Presence::Awake);
        public_id
    }

    /// A device reports a value by itself.
    pub(crate) async fn report(&self, number: u8, path: &str, value: Value) {
        let readings = vec![Reading { path: path.parse().unwrap(), value, device_time: None }];
        let device = DeviceId(i64::from(number));
        let report = Change::Report { device, received_at: self.now(), delivery: None, readings };
        self.store.commit(Commit { changes: vec![report], audit: Vec::new() }).await.unwrap();
        let id = PublicId::from_random([number; 16]);
        self.feed.publish(self.now(), device, id, fleet::EventKind::Updated { changed: false });
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let response = self.begin(ask).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.into()).unwrap(),
        }
    }

    /// Asks, and reads nothing of the body.
    pub(crate) async fn begin(&self, ask: Ask) -> axum::response::Response {
        let mut request = Request::builder().method(ask.method).uri(&ask.path);
        if let Some(token) = &ask.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        self.router.clone().oneshot(request.body(Body::from(ask.body)).unwrap()).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Ask::new(Method::GET, path).by(&self.token)).await
    }

    pub(crate) async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        self.send(Ask::new(Method::POST, path).by(&self.token).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: serde_json::Value) -> Answer {
        self.send(Ask::new(Method::PUT, path).by(&self.token).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Ask::new(Method::DELETE, path).by(&self.token)).await
    }
}

impl Ask {
    /// A request of a path below `/api/v1`.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: format!("{}{path}", web::api::v1::BASE),
            token: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.with("content-type", content_type) }
    }

    pub(crate) fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub(crate) fn body<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    #[track_caller]
    pub(crate) fn done(&self) {
        assert_eq!(self.status, StatusCode::NO_CONTENT, "{}", self.text);
        assert_eq!(self.text, "");
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The problem, which every error is.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, word: &str) -> Problem {
        let problem: Problem = self.body(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem.kind, format!("urn:muster:problem:{word}"), "{}", self.text);
        assert_eq!(problem.status, status);
        assert!(!problem.title.is_empty() && !problem.detail.is_empty(), "{}", self.text);
        let id = problem.instance.strip_prefix("urn:uuid:").unwrap().replace('-', "");
        assert_eq!(id, self.header("x-request-id"));
        assert!(self.header("cache-control").contains("no-store"));
        problem
    }

    /// What stands in Location, below `/api/v1`.
    pub(crate) fn location(&self) -> &str {
        self.header("location").strip_prefix(web::api::v1::BASE).unwrap()
    }
}

/// Devices that answer from a table.
#[derive(Default)]
pub(crate) struct Script {
    store: Arc<MemoryStore>,
    pub(crate) presence: Mutex<BTreeMap<DeviceId, Presence>>,
    pub(crate) values: Mutex<BTreeMap<Path, Value>>,
    pub(crate) outcomes: Mutex<Vec<Outcome>>,
    pub(crate) asked: Mutex<Vec<Operation>>,
    /// No device answers while it is set.
    pub(crate) silent: AtomicBool,
    /// The port panics.
    pub(crate) broken: AtomicBool,
    /// The port answers nothing at all.
    pub(crate) stuck: AtomicBool,
    rows: AtomicI64,
}

impl Script {
    fn answer(&self, order: &Order) -> Outcome {
        if let Some(outcome) = self.outcomes.lock().unwrap().pop() {
            return outcome;
        }
        let success = |detail, content| Outcome::Success { code: ResponseCode { class: 2, detail }, content };
        match &order.operation {
            Operation::Read { path, .. } => {
                let values = self.values.lock().unwrap();
                let within = values.iter().filter(|(at, _)| at.is_within(path));
                let found: Vec<_> = within.map(|(at, value)| (*at, value.clone())).collect();
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
            Operation::Create { object, instance, .. } => success(
                1,
                Content::Location(Path::Instance(*object, instance.unwrap_or(objects::InstanceId(3)))),
            ),
            _ => success(4, Content::Empty),
        }
    }
}

#[async_trait]
impl Downlink for Script {
    async fn send(&self, order: Order) -> Taken {
        self.asked.lock().unwrap().push(order.operation.clone());
        match Downlink::presence(self, order.device).await {
            Presence::NotRegistered => return Taken::NotRegistered,
            Presence::Asleep if order.stored => return Taken::Queued,
            Presence::Asleep => return Taken::Asleep,
            Presence::Awake => {}
        }
        while self.silent.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let outcome = self.answer(&order);
        if order.stored {
            let state = outcome.state(&order.operation);
            let changes = vec![
                Change::OperationSent { id: order.id, at: Timestamp(START) },
                Change::OperationEnded {
                    id: order.id,
                    state,
                    at: Timestamp(START),
                    result: outcome.result(),
                },
            ];
            assert!(state != OperationState::Queued);
            self.store.commit(Commit { changes, audit: Vec::new() }).await.unwrap();
        }
        let line = format!("→ CON {} {}", order.operation.name(), order.operation.path());
        Taken::Ended { outcome, trace: Some(WireTrace { lines: vec![line] }) }
    }

    async fn cancel(&self, _: DeviceId, _: OperationId) -> bool {
        true
    }

    async fn presence(&self, device: DeviceId) -> Presence {
        assert!(!self.broken.load(Ordering::Relaxed), "this panic is meant");
        if self.stuck.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.presence.lock().unwrap().get(&device).copied().unwrap_or(Presence::NotRegistered)
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        let count = i64::try_from(count).unwrap();
        let first = 1_000 + self.rows.fetch_add(count, Ordering::Relaxed);
        Some((first..first + count).map(DeviceId).collect())
    }

    async fn follow(&self, _: Arc<Commit>) {}

    async fn end(&self, ending: Ending) -> Result<(), StoreError> {
        self.store.commit(ending.commit).await.map(drop)
    }

    async fn end_sessions(&self, _: &[fleet::CredentialId]) {}
}

fn request() -> RequestId {
    RequestId::from_random([7; 16])
}

/// Made once: it takes tens of milliseconds.
fn password() -> PasswordHash {
    static HASH: std::sync::OnceLock<PasswordHash> = std::sync::OnceLock::new();
    HASH.get_or_init(|| PasswordHash::make("nobody", "correct horse battery", [7; 16]).unwrap()).clone()
}

/// Numbers that look random, the same in each run (SplitMix64).
fn scramble(count: u64) -> u64 {
    let mut z = count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
