//! The world of the tests: one device, a scripted server, a seeded link, and a clock that jumps to the next event.

use std::{collections::BTreeMap, time::Duration};

use coap::{
    Boot, Code, Config, Endpoint, ExchangeId, Failure, Message, Method, Observe, Request, RequestId,
    Response, Token, Usage,
};
use device::{Account, Device, Event, Output, Profile, Security};
use objects::{
    ContentFormat, Models, Node, Path, Registry, Resource, ResourceInstanceId, Value, Version, codec,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::pulling::Depot;

/// What the link does to a datagram.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    pub(crate) delay: (Duration, Duration),
}

impl Link {
    pub(crate) const PERFECT: Self =
        Self { loss: 0.0, duplication: 0.0, delay: (Duration::from_millis(10), Duration::from_millis(10)) };
    pub(crate) const BAD: Self =
        Self { loss: 0.15, duplication: 0.1, delay: (Duration::from_millis(5), Duration::from_millis(1500)) };
    pub(crate) const CUT: Self = Self { loss: 1.0, ..Self::PERFECT };
}

/// A request of the device's that the server has seen.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Duration,
    pub(crate) request: Request,
}

/// A notification that the server has accepted.
#[derive(Clone, Debug)]
pub(crate) struct Notified {
    pub(crate) at: Duration,
    pub(crate) token: Token,
    pub(crate) confirmable: bool,
    pub(crate) last: bool,
    pub(crate) response: Response,
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) link: Link,
    pub(crate) device: Device,
    pub(crate) server: Endpoint<u8>,
    /// What the server answers to a Register, an Update and a Send, unless it is to answer well.
    pub(crate) answer: BTreeMap<&'static str, Code>,
    /// What the server has been asked.
    pub(crate) asked: Vec<Asked>,
    pub(crate) notified: Vec<Notified>,
    /// What the device has told, and when.
    pub(crate) events: Vec<(Duration, Event)>,
    /// How many datagrams the device has sent.
    pub(crate) sent: usize,
    /// Where firmware is fetched from.
    pub(crate) depot: Depot,
    outcomes: BTreeMap<RequestId, (Token, Result<Response, Failure>)>,
    registrations: u32,
    flying: BTreeMap<(Duration, u64), (Side, u8, Vec<u8>)>,
    /// The session that the device has at present: the server takes each for another peer.
    pub(crate) session: u8,
    /// The sessions that the device has asked for, and when.
    pub(crate) connections: Vec<(Duration, Account)>,
    /// The servers with which no session comes to stand.
    pub(crate) unreachable: Vec<String>,
    /// When the caller says that the session stands, or does not.
    handshake: Option<(Duration, bool)>,
    pub(crate) random: StdRng,
    counter: u64,
}

/// Where a datagram goes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Device,
    Server,
    /// The device, from the depot.
    Fetcher,
    Depot,
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(crate) fn sensor() -> Profile {
    Profile::sensor("node-7", Version::V1_1)
}

pub(crate) fn get(path: &str, format: Option<ContentFormat>) -> Request {
    Request { accept: format.map(|format| format.0), ..Request::new(Method::Get, path) }
}

pub(crate) fn with(
    method: Method,
    path: &str,
    format: ContentFormat,
    payload: impl Into<Vec<u8>>,
) -> Request {
    Request { content_format: Some(format.0), payload: payload.into(), ..Request::new(method, path) }
}

pub(crate) fn attributes(path: &str, queries: &str) -> Request {
    let queries = queries.split_whitespace().map(str::to_owned).collect();
    Request { queries, ..Request::new(Method::Put, path) }
}

pub(crate) fn observe(path: &str) -> Request {
    Request { observe: Some(Observe::Register), ..get(path, None) }
}

pub(crate) const STRUCTURED: [ContentFormat; 3] =
    [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR];
pub(crate) const SINGLE: [ContentFormat; 2] = [ContentFormat::TEXT, ContentFormat::CBOR];

/// A multiple-instance resource.
pub(crate) fn several(values: &[(u16, Value)]) -> Resource {
    Resource::Multiple(values.iter().map(|(id, value)| (ResourceInstanceId(*id), value.clone())).collect())
}

/// The node in an answer, typed by the definitions.
pub(crate) fn node(at: &str, response: &Response) -> Node {
    let registry = Registry::core();
    let models = Models { registry: &registry, versions: &|_| Version::V1_1 };
    let format = ContentFormat(response.content_format.unwrap());
    codec::decode(format, &path(at), &response.payload, &models, 0).unwrap().remove(0).node
}

/// The one value in an answer.
pub(crate) fn value(at: &str, response: &Response) -> Value {
    let node = node(at, response);
    let values = node.values(path(at));
    assert_eq!(values.len(), 1);
    values[0].1.clone()
}

impl World {
    pub(crate) fn new(seed: u64, link: Link, profile: Profile) -> Self {
        Self {
            now: seconds(1000),
            link,
            device: Device::new(profile, seed),
            server: Endpoint::new(Config::default(), Boot { number: 7, seed: [seed as u8; 32] }),
            answer: BTreeMap::new(),
            asked: Vec::new(),
            notified: Vec::new(),
            events: Vec::new(),
            sent: 0,
            depot: Depot::default(),
            outcomes: BTreeMap::new(),
            registrations: 0,
            flying: BTreeMap::new(),
            session: 1,
            connections: Vec::new(),
            unreachable: Vec::new(),
            handshake: None,
            random: StdRng::seed_from_u64(seed),
            counter: 0,
        }
    }

    /// A device that has registered over a perfect link.
    pub(crate) fn registered(profile: Profile) -> Self {
        let mut world = Self::new(1, Link::PERFECT, profile);
        world.call(Device::start);
        world.run(seconds(1));
        assert!(world.device.is_registered());
        world.events.clear();
        world.asked.clear();
        world
    }

    /// Does something with the device and sends what comes of it.
    pub(crate) fn call<T>(&mut self, call: impl FnOnce(&mut Device, Duration) -> T) -> T {
        let result = call(&mut self.device, self.now);
        self.drain_device();
        result
    }

    pub(crate) fn set(&mut self, at: &str, value: Value) {
        self.call(|device, now| device.set(now, path(at), value)).unwrap();
    }

    pub(crate) fn set_temperature(&mut self, value: f64) {
        self.set("/3303/0/5700", Value::Float(value));
    }

    /// Sends a request to the device.
    pub(crate) fn request(&mut self, request: Request) -> RequestId {
        let id = self.server.send_request(self.now, self.session, request).unwrap();
        self.drain_server();
        id
    }

    /// The outcome of a request, if it has one.
    pub(crate) fn take_outcome(&mut self, id: RequestId) -> Option<(Token, Result<Response, Failure>)> {
        self.outcomes.remove(&id)
    }

    /// Sends a request to the device and waits for the outcome.
    pub(crate) fn outcome(&mut self, request: Request) -> (Token, Result<Response, Failure>) {
        let id = self.request(request);
        let until = self.now + 20 * MINUTE;
        loop {
            if let Some(outcome) = self.take_outcome(id) {
                return outcome;
            }
            assert!(self.step(until), "each request has an outcome");
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Response {
        self.outcome(request).1.unwrap()
    }

    pub(crate) fn code(&mut self, request: Request) -> String {
        self.ask(request).code.to_string()
    }

    pub(crate) fn observe(&mut self, at: &str) -> Token {
        let (token, response) = self.outcome(observe(at));
        assert!(response.unwrap().observe.is_some());
        token
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<Duration> {
        let flying = self.flying.keys().next().map(|(at, _)| *at);
        let handshake = self.handshake.map(|(at, _)| at);
        let depot = self.depot.poll_timeout();
        [flying, handshake, depot, self.device.poll_timeout(), self.server.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets one thing happen, if it does before `until`.
    pub(crate) fn step(&mut self, until: Duration) -> bool {
        let Some(next) = self.next().filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        if let Some(due) = self.flying.first_entry().filter(|entry| entry.key().0 <= next) {
            match due.remove() {
                (Side::Device, session, bytes) if session == self.session => {
                    self.device.handle_datagram(self.now, &bytes);
                }
                (Side::Device, ..) => {}
                (Side::Server, session, bytes) => self.server.handle_datagram(self.now, session, &bytes),
                (Side::Fetcher | Side::Depot, session, bytes) if session != self.depot.session => drop(bytes),
                (Side::Fetcher, _, bytes) => self.device.handle_fetch_datagram(self.now, &bytes),
                (Side::Depot, _, bytes) => self.hand_out(&bytes),
            }
        } else if let Some((_, stands)) = self.handshake.take_if(|(at, _)| *at <= next) {
            if stands {
                self.device.connected(self.now);
            } else {
                self.device.connection_failed(self.now);
            }
        } else {
            self.device.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.depot.handle_timeout(self.now);
        }
        self.drain_device();
        self.drain_server();
        true
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Runs until nothing is left to happen, and checks that nothing is left behind (I-18). The device is to be off.
    pub(crate) fn assert_quiescence(&mut self) {
        for token in self.notified.iter().map(|notified| notified.token).collect::<Vec<_>>() {
            self.server.forget_observation(self.now, self.session, &token);
        }
        for _ in 0..100_000 {
            let Some(next) = self.next() else { break };
            self.step(next);
        }
        assert_eq!(self.next(), None, "the world comes to rest");
        assert_eq!(self.device.usage(), Usage::default());
        assert_eq!(self.device.observed().count(), 0);
        let usage = self.server.usage();
        let observing = Usage { observations: usage.observations, peers: usage.peers, ..Usage::default() };
        assert_eq!(usage, observing);
    }

    /// The events of one kind, with the time since the start of the world.
    pub(crate) fn count(&self, wanted: &Event) -> usize {
        self.events.iter().filter(|(_, event)| event == wanted).count()
    }

    /// The methods and paths that the server was asked with.
    pub(crate) fn asked(&self) -> Vec<String> {
        let line = |asked: &Asked| {
            let queries = asked.request.queries.join("&");
            format!("{:?} /{}?{queries}", asked.request.method, asked.request.path.join("/"))
        };
        self.asked.iter().map(line).collect()
    }

    /// When the server was notified, in whole seconds since `start`, and of which number.
    pub(crate) fn notifications(&self, start: Duration, at: &str) -> Vec<(u64, f64)> {
        let number = |notified: &Notified| match value(at, &notified.response) {
            Value::Float(number) => number,
            Value::Integer(number) => number as f64,
            other => panic!("{other:?} is no number"),
        };
        self.notified.iter().map(|notified| ((notified.at - start).as_secs(), number(notified))).collect()
    }

    /// The caller makes a session: without security at once, otherwise after some time.
    fn connect(&mut self, to: Account) {
        self.session += 1;
        let stands = !self.unreachable.contains(&to.uri);
        self.handshake = None;
        if stands && to.security == Security::NoSec {
            self.device.connected(self.now);
        } else {
            self.handshake = Some((self.now + Duration::from_millis(100), stands));
        }
        self.connections.push((self.now, to));
    }

    pub(crate) fn drain_device(&mut self) {
        while let Some(output) = self.device.poll_output() {
            match output {
                Output::Transmit { bytes } => {
                    self.sent += 1;
                    self.fly(Side::Server, self.session, bytes);
                }
                Output::Connect { to } => self.connect(to),
                Output::Fetch(fetch) => self.fetch(fetch),
                Output::Event(event) => self.events.push((self.now, event)),
            }
        }
    }

    fn drain_server(&mut self) {
        while let Some(output) = self.server.poll_output() {
            match output {
                coap::Output::Transmit { peer, bytes } => self.fly(Side::Device, peer, bytes),
                coap::Output::Event(coap::Event::Request { exchange, request, .. }) => {
                    self.serve(exchange, request);
                }
                coap::Output::Event(coap::Event::Response { request, token, outcome, .. }) => {
                    assert!(self.outcomes.insert(request, (token, outcome)).is_none(), "a request ends once");
                }
                coap::Output::Event(coap::Event::Notification {
                    id,
                    token,
                    confirmable,
                    last,
                    response,
                    ..
                }) => {
                    self.server.accept_notification(self.now, id);
                    self.notified.push(Notified { at: self.now, token, confirmable, last, response });
                }
                coap::Output::Event(coap::Event::NotificationSent { .. }) => {}
            }
        }
    }

    /// The script of the server.
    fn serve(&mut self, exchange: ExchangeId, request: Request) {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let (name, code) = match (request.method, path.as_slice()) {
            (Method::Post, ["bs"]) => ("bootstrap", Code::CHANGED),
            (Method::Post, ["rd"]) => ("register", Code::CREATED),
            (Method::Post, ["rd", _]) => ("update", Code::CHANGED),
            (Method::Delete, ["rd", _]) => ("deregister", Code::DELETED),
            (Method::Post, ["dp"]) => ("send", Code::CHANGED),
            other => panic!("a device does not ask for {other:?}"),
        };
        let code = self.answer.get(name).copied().unwrap_or(code);
        let mut response = Response::new(code);
        if code == Code::CREATED {
            self.registrations += 1;
            response.location_path = vec!["rd".into(), self.registrations.to_string()];
        }
        self.asked.push(Asked { at: self.now, request });
        self.server.respond(self.now, exchange, response);
        self.drain_server();
    }

    pub(crate) fn fly(&mut self, to: Side, session: u8, bytes: Vec<u8>) {
        Message::parse(&bytes).expect("both sides send well-formed messages");
        assert!(bytes.len() < 1400, "a datagram fits an MTU");
        if self.random.random_bool(self.link.loss) {
            return;
        }
        let copies = 1 + usize::from(self.random.random_bool(self.link.duplication));
        for _ in 0..copies {
            let delay = self.random.random_range(self.link.delay.0..=self.link.delay.1);
            self.counter += 1;
            self.flying.insert((self.now + delay, self.counter), (to, session, bytes.clone()));
        }
    }
}
