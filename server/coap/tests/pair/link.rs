//! The world of the tests: endpoints at numbered addresses, a seeded link, and a clock that jumps to the next event.

use std::{collections::BTreeMap, time::Duration};

use coap::{
    Boot, Config, Endpoint, Event, ExchangeId, Failure, Kind, Message, NotificationId, Output, Request,
    RequestId, Response, Token, Usage,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

pub(crate) type Address = u8;

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
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) link: Link,
    pub(crate) endpoints: BTreeMap<Address, Endpoint<Address>>,
    pub(crate) events: Vec<(Address, Event<Address>)>,
    /// Every datagram that was sent: when, from, to, bytes.
    pub(crate) sent: Vec<(Duration, Address, Address, Vec<u8>)>,
    /// Datagrams on this way are lost where the function says so.
    pub(crate) drop: fn(&Message, usize) -> bool,
    flying: BTreeMap<(Duration, u64), (Address, Address, Vec<u8>)>,
    pub(crate) random: StdRng,
    counter: u64,
}

pub(crate) const A: Address = 1;
pub(crate) const B: Address = 2;

impl World {
    pub(crate) fn new(seed: u64, link: Link) -> Self {
        Self::with(seed, link, Config::default(), Config::default())
    }

    pub(crate) fn with(seed: u64, link: Link, a: Config, b: Config) -> Self {
        let boot = |number| Boot { number, seed: [seed as u8; 32] };
        Self {
            now: Duration::from_secs(1000),
            link,
            endpoints: [(A, Endpoint::new(a, boot(1))), (B, Endpoint::new(b, boot(500)))].into(),
            events: Vec::new(),
            sent: Vec::new(),
            drop: |_, _| false,
            flying: BTreeMap::new(),
            random: StdRng::seed_from_u64(seed),
            counter: 0,
        }
    }

    pub(crate) fn perfect() -> Self {
        Self::new(0, Link::PERFECT)
    }

    pub(crate) fn at(&mut self, address: Address) -> &mut Endpoint<Address> {
        self.endpoints.get_mut(&address).unwrap()
    }

    /// Does something at an endpoint and sends what comes of it.
    pub(crate) fn call<T>(
        &mut self,
        address: Address,
        call: impl FnOnce(&mut Endpoint<Address>, Duration) -> T,
    ) -> T {
        let now = self.now;
        let result = call(self.at(address), now);
        self.drain(address);
        result
    }

    pub(crate) fn request(&mut self, from: Address, to: Address, request: Request) -> RequestId {
        self.call(from, |endpoint, now| endpoint.send_request(now, to, request)).unwrap()
    }

    pub(crate) fn respond(&mut self, at: Address, exchange: ExchangeId, response: Response) {
        self.call(at, |endpoint, now| endpoint.respond(now, exchange, response));
    }

    /// Puts a datagram on the link as if `from` had sent it.
    pub(crate) fn inject(&mut self, from: Address, to: Address, bytes: &[u8]) {
        self.call(to, |endpoint, now| endpoint.handle_datagram(now, from, bytes));
    }

    fn drain(&mut self, address: Address) {
        while let Some(output) = self.at(address).poll_output() {
            match output {
                Output::Event(event) => self.events.push((address, event)),
                Output::Transmit { peer, bytes } => self.fly(address, peer, bytes),
            }
        }
    }

    fn fly(&mut self, from: Address, to: Address, bytes: Vec<u8>) {
        let message = Message::parse(&bytes).expect("an endpoint sends well-formed messages");
        assert!(bytes.len() < 1400, "a datagram fits an MTU");
        self.sent.push((self.now, from, to, bytes.clone()));
        if (self.drop)(&message, self.sent.len()) || self.random.random_bool(self.link.loss) {
            return;
        }
        let copies = 1 + usize::from(self.random.random_bool(self.link.duplication));
        for _ in 0..copies {
            let delay = self.random.random_range(self.link.delay.0..=self.link.delay.1);
            self.counter += 1;
            self.flying.insert((self.now + delay, self.counter), (from, to, bytes.clone()));
        }
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<Duration> {
        let flying = self.flying.keys().next().map(|(at, _)| *at);
        let timers = self.endpoints.values().filter_map(Endpoint::poll_timeout).min();
        flying.into_iter().chain(timers).min()
    }

    /// Lets one thing happen, if it does before `until`.
    pub(crate) fn step(&mut self, until: Duration) -> bool {
        let Some(next) = self.next().filter(|next| *next <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(next);
        let due = self.flying.first_entry().filter(|entry| entry.key().0 <= next);
        if let Some(entry) = due {
            let (from, to, bytes) = entry.remove();
            if self.endpoints.contains_key(&to) {
                self.call(to, |endpoint, now| endpoint.handle_datagram(now, from, &bytes));
            }
        } else {
            for address in self.endpoints.keys().copied().collect::<Vec<_>>() {
                self.call(address, |endpoint, now| endpoint.handle_timeout(now));
            }
        }
        true
    }

    /// Runs until the next event, for at most `limit`.
    pub(crate) fn next_event(&mut self, limit: Duration) -> Option<(Address, Event<Address>)> {
        let until = self.now + limit;
        while self.events.is_empty() && self.step(until) {}
        (!self.events.is_empty()).then(|| self.events.remove(0))
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Runs until nothing is left to happen, and checks that nothing is left behind.
    pub(crate) fn assert_quiescence(&mut self) {
        for _ in 0..1_000_000 {
            let Some(next) = self.next() else { break };
            self.step(next);
        }
        assert_eq!(self.next(), None, "the world comes to rest");
        for (address, endpoint) in &self.endpoints {
            let usage = endpoint.usage();
            let observing =
                Usage { observations: usage.observations, peers: usage.peers, ..Usage::default() };
            assert_eq!(usage, observing, "at {address}");
            assert!(usage.peers == 0 || usage.observations > 0, "at {address}");
        }
    }

    // === What tests expect to happen next ===

    pub(crate) fn expect_request(&mut self) -> (ExchangeId, Request) {
        match self.next_event(MINUTES) {
            Some((_, Event::Request { exchange, request, .. })) => (exchange, request),
            other => panic!("a request was due, not {other:?}"),
        }
    }

    pub(crate) fn expect_outcome(&mut self) -> (RequestId, Token, Result<Response, Failure>) {
        match self.next_event(MINUTES) {
            Some((_, Event::Response { request, token, outcome, .. })) => (request, token, outcome),
            other => panic!("a response was due, not {other:?}"),
        }
    }

    pub(crate) fn expect_response(&mut self) -> Response {
        self.expect_outcome().2.expect("the request succeeds")
    }

    pub(crate) fn expect_notification(&mut self) -> (NotificationId, Response, bool) {
        match self.next_event(MINUTES) {
            Some((_, Event::Notification { id, response, last, .. })) => (id, response, last),
            other => panic!("a notification was due, not {other:?}"),
        }
    }

    /// The messages that were sent from an address, taken out of the record.
    pub(crate) fn take_sent(&mut self, from: Address) -> Vec<Message> {
        let sent = std::mem::take(&mut self.sent);
        let (mine, others) = sent.into_iter().partition(|(_, sender, ..)| *sender == from);
        self.sent = others;
        let mine: Vec<(Duration, Address, Address, Vec<u8>)> = mine;
        mine.iter().map(|(.., bytes)| Message::parse(bytes).unwrap()).collect()
    }

    /// Type and code of each message that was sent.
    pub(crate) fn trace(&self) -> Vec<String> {
        let arrow = |from: Address| if from == A { "->" } else { "<-" };
        self.sent
            .iter()
            .map(|(_, from, _, bytes)| {
                let message = Message::parse(bytes).unwrap();
                format!("{} {} {}", arrow(*from), kind(message.kind), message.code)
            })
            .collect()
    }
}

pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Confirmable => "CON",
        Kind::NonConfirmable => "NON",
        Kind::Acknowledgement => "ACK",
        Kind::Reset => "RST",
    }
}

/// A body of bytes that depend on their place and on the salt.
pub(crate) fn body(len: usize, salt: u64) -> Vec<u8> {
    let mix = |place: u64| (salt << 20 ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..len as u64).map(|place| mix(place) as u8).collect()
}

pub(crate) const MINUTES: Duration = Duration::from_secs(600);
