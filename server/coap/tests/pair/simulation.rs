//! Hundreds of seeds of bad weather: whatever the link does, the promises hold.
//!
//! `A` is the server, `B` the device. `A` posts commands that must have at most one effect, reads and writes bodies of all
//! sizes, observes, cancels and ends observations; `B` posts to `A`. Both answer at once, late, or not at first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coap::{
    BlockSize, Code, Config, Event, ExchangeId, Failure, Kind, Message, MessageId, Method, Observe, Request,
    RequestId, Response, Token,
};
use rand::RngExt;

use crate::link::{A, Address, B, Link, World, body};

const SEEDS: u64 = 300;
const ACTIONS: usize = 60;

#[test]
fn promises_hold_in_any_weather() {
    let mut totals = Totals::default();
    for seed in 0..SEEDS {
        Simulation::new(seed).run(&mut totals);
    }
    // The weather was bad enough, and not so bad that nothing got through.
    assert!(totals.executed > SEEDS && totals.failed > SEEDS, "{totals:?}");
    assert!(totals.notified > SEEDS && totals.transferred > SEEDS, "{totals:?}");
    assert!(totals.retransmissions > SEEDS && totals.duplicates > SEEDS, "{totals:?}");
    assert!(totals.dropped > 0 && totals.incomplete > 0 && totals.stale > 0, "{totals:?}");
}

#[derive(Debug, Default)]
struct Totals {
    executed: u64,
    failed: u64,
    notified: u64,
    transferred: u64,
    dropped: u64,
    retransmissions: u64,
    duplicates: u64,
    incomplete: u64,
    stale: u64,
}

struct Simulation {
    seed: u64,
    world: World,
    /// What each request of ours asked for; it goes with its outcome.
    asked: BTreeMap<(Address, RequestId), Request>,
    /// Commands that were answered, that is, that took effect.
    executed: BTreeSet<Vec<u8>>,
    /// Answers that are due later.
    later: Vec<(Duration, Address, ExchangeId, Response)>,
    /// The state of the device's resource, and who observes it.
    version: u32,
    observers: BTreeSet<Token>,
    /// The newest state that the server has seen, by observation.
    seen: BTreeMap<Token, u32>,
}

/// The body of a version of the resource; its size changes from version to version.
fn state(seed: u64, version: u32) -> Vec<u8> {
    let len = [10, 700, 3000][version as usize % 3];
    [version.to_be_bytes().as_slice(), &body(len, seed << 32 | u64::from(version))].concat()
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let sizes = [BlockSize::B64, BlockSize::B256, BlockSize::B1024];
        let sized = |at: u64| Config { block_size: sizes[at as usize % 3], ..Config::default() };
        // A delay that spreads more than the gap between datagrams reorders them.
        let link = Link {
            loss: (seed % 4) as f64 * 0.1,
            duplication: (seed % 3) as f64 * 0.15,
            delay: (Duration::from_millis(5), Duration::from_millis(50 + 700 * (seed % 5))),
        };
        Self {
            seed,
            world: World::with(seed, link, sized(seed), sized(seed / 3)),
            asked: BTreeMap::new(),
            executed: BTreeSet::new(),
            later: Vec::new(),
            version: 0x00ff_fff0,
            observers: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    fn run(mut self, totals: &mut Totals) {
        for action in 0..ACTIONS {
            self.act(action, totals);
            let pause = self.world.random.random_range(0..6000);
            self.live(Duration::from_millis(pause), totals);
        }
        // The device stops changing; what is under way comes to its end.
        for _ in 0..100 {
            if !self.asked.is_empty() {
                self.live(Duration::from_secs(600), totals);
            }
        }
        self.live(Duration::from_secs(600), totals);
        for token in self.observers.clone().into_iter().chain(self.seen.keys().copied().collect::<Vec<_>>()) {
            self.world.call(A, |endpoint, now| endpoint.forget_observation(now, B, &token));
        }
        assert_eq!(self.asked.len(), 0, "seed {}: each request has one outcome", self.seed);
        self.world.assert_quiescence();
        self.assert_transmissions();
        for endpoint in self.world.endpoints.values() {
            let counters = endpoint.counters();
            totals.retransmissions += counters.retransmissions;
            totals.duplicates += counters.duplicates;
            totals.incomplete += counters.notifications_incomplete;
            totals.stale += counters.notifications_stale;
        }
    }

    fn act(&mut self, action: usize, totals: &mut Totals) {
        let random = &mut self.world.random;
        let mark = [self.seed.to_be_bytes(), (action as u64).to_be_bytes()].concat();
        let len = *[4, 100, 2000].get(random.random_range(0..3)).unwrap();
        let payload = [mark.as_slice(), &body(len, action as u64)].concat();
        match random.random_range(0..10) {
            0..=2 => self.ask(A, Request { payload, ..Request::new(Method::Post, "command") }),
            3 => self.ask(B, Request { payload, ..Request::new(Method::Post, "dp") }),
            4 => self.ask(A, Request::new(Method::Get, "state")),
            5 => self.ask(A, Request { payload, ..Request::new(Method::Fetch, "echo") }),
            6 => self
                .ask(A, Request { observe: Some(Observe::Register), ..Request::new(Method::Get, "state") }),
            7 => {
                let token = self.seen.keys().next().copied();
                let end = Request {
                    observe: Some(Observe::Deregister),
                    token,
                    ..Request::new(Method::Get, "state")
                };
                if token.is_some() && !self.asked.values().any(|asked| asked.token == token) {
                    self.ask(A, end);
                }
            }
            8 => {
                let under_way = self.asked.keys().find(|(at, _)| *at == A).copied();
                if let Some((at, id)) = under_way {
                    self.world.call(at, |endpoint, now| endpoint.cancel_request(now, id));
                }
            }
            _ => {
                self.version += 1;
                let confirmable = self.world.random.random_bool(0.5);
                let state = self.state();
                for token in self.observers.clone() {
                    // A full queue is one way for a notification to be lost.
                    let _ = self
                        .world
                        .call(B, |endpoint, now| endpoint.notify(now, A, token, &state, confirmable));
                }
            }
        }
        self.take_events(totals);
    }

    fn ask(&mut self, at: Address, request: Request) {
        let peer = if at == A { B } else { A };
        let id = self.world.request(at, peer, request.clone());
        self.asked.insert((at, id), request);
    }

    fn state(&self) -> Response {
        Response { observe: Some(self.version & 0x00ff_ffff), ..Response::new(Code::CONTENT) }
            .with_payload(42, state(self.seed, self.version))
    }

    /// Lets time pass, and answers what has been asked.
    fn live(&mut self, span: Duration, totals: &mut Totals) {
        let until = self.world.now + span;
        loop {
            let due = self.later.iter().map(|(at, ..)| *at).min().unwrap_or(until).min(until);
            while self.world.step(due) {
                self.take_events(totals);
            }
            let now = self.world.now;
            let (ready, later) = std::mem::take(&mut self.later).into_iter().partition(|(at, ..)| *at <= now);
            self.later = later;
            let ready: Vec<(Duration, Address, ExchangeId, Response)> = ready;
            for (_, at, exchange, response) in ready {
                self.world.respond(at, exchange, response);
            }
            if self.world.now >= until && self.later.iter().all(|(at, ..)| *at > until) {
                return;
            }
        }
    }

    fn take_events(&mut self, totals: &mut Totals) {
        while !self.world.events.is_empty() {
            let (at, event) = self.world.events.remove(0);
            match event {
                Event::Request { exchange, request, .. } => self.on_request(at, exchange, request, totals),
                Event::Response { request, token, outcome, .. } => {
                    let asked = self.asked.remove(&(at, request)).expect("a request ends once");
                    match outcome {
                        Ok(response) => self.on_response(asked, token, response, totals),
                        Err(_) => totals.failed += 1,
                    }
                    self.forget_ended(token);
                }
                Event::Notification { id, token, response, .. } => {
                    let accept = self.world.random.random_bool(0.8);
                    self.world.call(A, |endpoint, now| match accept {
                        true => endpoint.accept_notification(now, id),
                        false => endpoint.drop_notification(now, id),
                    });
                    if accept {
                        totals.notified += 1;
                        self.see(token, &response.payload);
                    }
                }
                Event::NotificationSent { token, outcome, .. } => {
                    if outcome.is_err_and(|failure| failure != Failure::Cancelled) {
                        self.observers.remove(&token);
                    }
                }
            }
        }
    }

    fn on_request(&mut self, at: Address, exchange: ExchangeId, request: Request, totals: &mut Totals) {
        if self.world.random.random_bool(0.1) {
            totals.dropped += 1;
            self.world.call(at, |endpoint, now| endpoint.drop_exchange(now, exchange));
            return;
        }
        let token = request.token.unwrap();
        let response = match (request.method, request.path[0].as_str()) {
            (Method::Get, "state") => {
                match request.observe {
                    Some(Observe::Register) => drop(self.observers.insert(token)),
                    Some(Observe::Deregister) => drop(self.observers.remove(&token)),
                    None => {}
                }
                let observe =
                    (request.observe == Some(Observe::Register)).then_some(self.version & 0x00ff_ffff);
                Response { observe, ..self.state() }
            }
            (Method::Fetch, _) => Response::new(Code::CONTENT).with_payload(42, request.payload),
            _ => {
                // What took effect does not come again.
                assert!(self.executed.insert(request.payload.clone()), "seed {}: executed twice", self.seed);
                totals.executed += 1;
                Response::new(Code::CHANGED).with_payload(42, request.payload)
            }
        };
        let delay =
            Duration::from_millis(*[0, 0, 300, 4000].get(self.world.random.random_range(0..4)).unwrap());
        if delay.is_zero() {
            self.world.respond(at, exchange, response);
        } else {
            self.later.push((self.world.now + delay, at, exchange, response));
        }
    }

    fn on_response(&mut self, asked: Request, token: Token, response: Response, totals: &mut Totals) {
        match (asked.method, response.code) {
            (Method::Get, Code::CONTENT) => {
                self.assert_whole(&response.payload);
                if response.observe.is_some() {
                    self.see(token, &response.payload);
                }
            }
            (_, Code::CONTENT | Code::CHANGED) => {
                assert_eq!(response.payload, asked.payload, "seed {}: the body came back whole", self.seed);
                if asked.method == Method::Post {
                    assert!(self.executed.contains(&asked.payload));
                }
                totals.transferred += u64::from(asked.payload.len() > 1024);
            }
            // A transfer that was broken off has to start anew; so has one of a body that has meanwhile given way to
            // a shorter one.
            (_, Code::REQUEST_ENTITY_INCOMPLETE | Code::BAD_REQUEST) => totals.failed += 1,
            other => panic!("seed {}: {other:?}", self.seed),
        }
    }

    /// A body is that of one version, never of two.
    fn assert_whole(&self, payload: &[u8]) -> u32 {
        assert!(payload.len() > 4, "seed {}: a state has a version", self.seed);
        let version = u32::from_be_bytes(payload[..4].try_into().unwrap());
        assert_eq!(payload, state(self.seed, version), "seed {}: one version, whole", self.seed);
        version
    }

    /// A state that is seen is newer than the one seen before.
    fn see(&mut self, token: Token, payload: &[u8]) {
        let version = self.assert_whole(payload);
        let before = self.seen.insert(token, version);
        assert!(
            before.is_none_or(|before| before < version),
            "seed {}: {before:?} then {version}",
            self.seed
        );
    }

    fn forget_ended(&mut self, token: Token) {
        if self.world.at(A).usage().observations == 0 {
            self.seen.remove(&token);
        }
    }

    /// At most four retransmissions of the same bytes, gaps that double, one message at a time.
    fn assert_transmissions(&self) {
        type Sent<'a> = Vec<(MessageId, Vec<Duration>, &'a [u8])>;
        let mut ways: BTreeMap<Address, Sent<'_>> = BTreeMap::new();
        let mut begun: BTreeMap<(Address, MessageId), Duration> = BTreeMap::new();
        for (at, from, _, bytes) in &self.world.sent {
            let message = Message::parse(bytes).unwrap();
            if message.kind != Kind::Confirmable {
                continue;
            }
            let way = ways.entry(*from).or_default();
            match way.last_mut() {
                Some((id, times, first)) if *id == message.id => {
                    assert_eq!(first, bytes, "seed {}: a retransmission is the same", self.seed);
                    times.push(*at);
                }
                _ => {
                    // Beyond EXCHANGE_LIFETIME it is another message.
                    let before = begun.insert((*from, message.id), *at);
                    let over = before.is_none_or(|before| before + Duration::from_secs(247) <= *at);
                    assert!(over, "seed {}: a message is over before the next one leaves", self.seed);
                    way.push((message.id, vec![*at], bytes));
                }
            }
        }
        for (_, times, _) in ways.values().flatten() {
            assert!(times.len() <= 5, "seed {}", self.seed);
            let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.windows(2).all(|pair| pair[1] == pair[0] * 2), "seed {}: {gaps:?}", self.seed);
        }
    }
}
