//! A client and a server, each an endpoint with a caller that answers what it is asked, and a wire between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use dtls::{
    Alert, Claim, Config, Connect, Ended, Endpoint, Event, Failure, HandshakeId, Known, Offer, Output, Saved,
    SessionId, Tag,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use ring::rand::SystemRandom;
use rustls_pki_types::UnixTime;

pub(crate) const IDENTITY: &[u8] = b"node-7";
pub(crate) const KEY: &[u8] = b"0123456789abcdef";
pub(crate) const TAG: Tag = Tag(7);
/// 2026-01-01.
pub(crate) const TODAY: u64 = 1_767_225_600;

pub(crate) struct Pair {
    pub(crate) now: Duration,
    pub(crate) client: Side,
    pub(crate) server: Side,
    pub(crate) link: Link,
    wire: BTreeMap<(Duration, u64), Datagram>,
    sent: u64,
    /// Everything that was sent, in order.
    pub(crate) seen: Vec<Datagram>,
}

pub(crate) struct Side {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    pub(crate) config: Config,
    pub(crate) caller: Caller,
}

/// What answers an endpoint, and takes notes.
#[derive(Default)]
pub(crate) struct Caller {
    pub(crate) known: BTreeMap<Vec<u8>, Known>,
    /// Whether it lets those in that prove themselves by a key of their own.
    pub(crate) lets_in: Option<Known>,
    /// What is durable.
    pub(crate) store: BTreeMap<SessionId, Saved>,
    pub(crate) received: Vec<Vec<u8>>,
    pub(crate) connected: Vec<SessionId>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) resumed: usize,
    pub(crate) failures: Vec<Failure>,
    pub(crate) ended: Vec<(SessionId, Ended)>,
    pub(crate) moved: Vec<(SocketAddr, SocketAddr)>,
    /// Questions that it is told to leave unanswered, for a while.
    pub(crate) holds: bool,
    pub(crate) held: Vec<Event>,
    /// Whether it grants what sessions would like to reserve.
    pub(crate) grants: bool,
    /// What it says where it can't make a session durable.
    pub(crate) refuses: Option<Alert>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// What becomes of a datagram: when each of its copies arrives.
type Fate = Box<dyn FnMut(u64, &Datagram) -> Vec<Duration>>;

pub(crate) struct Link {
    pub(crate) fate: Fate,
}

pub(crate) const DELAY: Duration = Duration::from_millis(10);

impl Link {
    pub(crate) fn good() -> Self {
        Self { fate: Box::new(|_, _| vec![DELAY]) }
    }

    /// Loses, doubles and delays, each of `percent` datagrams of a hundred.
    pub(crate) fn bad(seed: u64, percent: u32) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        Self {
            fate: Box::new(move |_, _| {
                let mut chance = || random.random_range(0..100) < percent;
                let (lost, doubled, late) = (chance(), chance(), chance());
                let delay = if late { 30 * DELAY } else { DELAY };
                match (lost, doubled) {
                    (true, _) => vec![],
                    (_, true) => vec![delay, 7 * DELAY],
                    _ => vec![delay],
                }
            }),
        }
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn psk(identity: &[u8], key: &[u8]) -> Connect {
    Connect {
        offer: Offer::Psk { identity: identity.to_vec(), key: key.to_vec().into() },
        suites: Vec::new(),
        server_name: None,
        connection_id: true,
        resume: None,
    }
}

pub(crate) fn known(key: Option<&[u8]>) -> Known {
    Known { tag: TAG, key: key.map(|key| key.to_vec().into()), shared: false }
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut server = Side::new(config, 1, "192.0.2.1:5684");
        server.caller.known.insert(IDENTITY.to_vec(), known(Some(KEY)));
        Self {
            now: Duration::from_secs(1_000),
            client: Side::new(Config { node: 2, ..Config::default() }, 2, "198.51.100.7:40000"),
            server,
            link: Link::good(),
            wire: BTreeMap::new(),
            sent: 0,
            seen: Vec::new(),
        }
    }

    pub(crate) fn connect(&mut self, connect: Connect) -> HandshakeId {
        let id = self.client.endpoint.connect(self.now, self.server.address, connect);
        self.drain();
        id
    }

    /// A session by the pre-shared key.
    pub(crate) fn connected() -> Self {
        let mut pair = Self::new();
        pair.connect(psk(IDENTITY, KEY));
        pair.run(5);
        pair.assert_connected();
        pair
    }

    pub(crate) fn assert_connected(&self) {
        assert_eq!(self.client.caller.failures, []);
        assert_eq!(self.server.caller.failures, []);
        assert!(!self.client.caller.connected.is_empty(), "the client has no session");
        assert!(!self.server.caller.connected.is_empty(), "the server has no session");
    }

    /// Sends both ways, and looks at what comes.
    pub(crate) fn assert_talks(&mut self) {
        let (client, server) = (self.client_session(), self.server_session());
        let (up, down) = (self.server.caller.received.len(), self.client.caller.received.len());
        self.client.endpoint.send(self.now, client, b"up").unwrap();
        self.run(2);
        self.server.endpoint.send(self.now, server, b"down").unwrap();
        self.run(2);
        assert_eq!(self.server.caller.received[up..], [b"up".to_vec()]);
        assert_eq!(self.client.caller.received[down..], [b"down".to_vec()]);
    }

    pub(crate) fn client_session(&self) -> SessionId {
        *self.client.caller.connected.last().unwrap()
    }

    pub(crate) fn server_session(&self) -> SessionId {
        *self.server.caller.connected.last().unwrap()
    }

    /// Lets so much time pass, from one thing to the next.
    pub(crate) fn run(&mut self, seconds: u64) {
        self.run_for(Duration::from_secs(seconds));
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        for _ in 0..100_000 {
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let due = [arrival, self.client.endpoint.poll_timeout(), self.server.endpoint.poll_timeout()];
            let Some(next) = due.into_iter().flatten().min().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = next.max(self.now);
            if arrival == Some(next) {
                let (_, datagram) = self.wire.pop_first().unwrap();
                self.deliver(datagram);
            }
            self.client.endpoint.handle_timeout(self.now);
            self.server.endpoint.handle_timeout(self.now);
            self.drain();
        }
        panic!("it does not come to rest");
    }

    /// Hands a datagram to whoever is at its address.
    pub(crate) fn deliver(&mut self, Datagram { from, to, mut bytes }: Datagram) {
        for side in [&mut self.client, &mut self.server] {
            if side.address == to {
                side.endpoint.handle_datagram(self.now, from, &mut bytes);
                break;
            }
        }
        self.drain();
    }

    /// Takes what is on its way next, to be delivered by hand.
    pub(crate) fn pop_sent(&mut self) -> Option<Datagram> {
        let ((at, _), datagram) = self.wire.pop_first()?;
        self.now = self.now.max(at);
        Some(datagram)
    }

    /// A datagram from anywhere to the server.
    pub(crate) fn inject(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.deliver(Datagram { from, to: self.server.address, bytes: bytes.to_vec() });
    }

    /// Takes what the endpoints have to say, until they are silent.
    pub(crate) fn drain(&mut self) {
        let mut sent = Vec::new();
        sent.extend(self.client.drain(self.now));
        sent.extend(self.server.drain(self.now));
        for datagram in sent {
            self.sent += 1;
            for (copy, delay) in (self.link.fate)(self.sent - 1, &datagram).into_iter().enumerate() {
                self.wire.insert((self.now + delay, self.sent * 8 + copy as u64), datagram.clone());
            }
            self.seen.push(datagram);
        }
    }

    /// The client's process ends and begins again, with nothing.
    pub(crate) fn restart_client(&mut self) {
        self.client.endpoint = Endpoint::new(self.client.config.clone(), [self.sent as u8 + 3; 32]);
        self.client.caller = Caller { grants: true, ..Caller::default() };
    }

    /// The server's process ends and begins again, with what is durable.
    pub(crate) fn restart_server(&mut self) {
        let (reserve, caller) = (self.server.config.bounds.reserve, std::mem::take(&mut self.server.caller));
        self.server.endpoint = Endpoint::new(self.server.config.clone(), [self.sent as u8; 32]);
        self.server.caller = Caller { held: Vec::new(), ..caller };
        // Those that are over are kept to go on with, and are not live.
        let over: BTreeSet<_> = self.server.caller.ended.iter().map(|(id, _)| *id).collect();
        for saved in self.server.caller.store.values_mut().filter(|saved| !over.contains(&saved.id)) {
            saved.reserved += reserve;
            self.server.endpoint.restore(self.now, saved).unwrap();
        }
    }

    /// No sequence number was used twice by either side under the newest keys.
    pub(crate) fn assert_no_nonce_twice_a_session(&self) {
        for side in [&self.client, &self.server] {
            let mut ledger = BTreeSet::new();
            let begun =
                self.seen.iter().rposition(|sent| sent.from == self.client.address && begins(&sent.bytes));
            let begun = begun.unwrap();
            for datagram in self.seen[begun..].iter().filter(|datagram| datagram.from == side.address) {
                ledger_add(&mut ledger, &datagram.bytes);
            }
            assert!(!ledger.is_empty());
        }
    }
}

/// Whether it is a ClientHello without a cookie.
fn begins(datagram: &[u8]) -> bool {
    datagram[0] == 22 && datagram[13] == 1 && datagram[60 + usize::from(datagram[59])] == 0
}

/// Adds the protected records of a datagram to what was sent: none is there already.
pub(crate) fn ledger_add(ledger: &mut BTreeSet<Vec<u8>>, datagram: &[u8]) {
    for (header, _) in records(datagram).into_iter().filter(|(header, _)| header[3..5] != [0, 0]) {
        assert!(ledger.insert(header[3..11].to_vec()), "{:x?} was sent twice", &header[3..11]);
    }
}

impl Side {
    fn new(config: Config, seed: u8, at: &str) -> Self {
        Self {
            endpoint: Endpoint::new(config.clone(), [seed; 32]),
            address: address(at),
            config,
            caller: Caller { grants: true, ..Caller::default() },
        }
    }

    fn drain(&mut self, now: Duration) -> Vec<Datagram> {
        let mut sent = Vec::new();
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Transmit { to, bytes } => sent.push(Datagram { from: self.address, to, bytes }),
                Output::Event(event) => self.note(now, event),
            }
        }
        sent
    }

    pub(crate) fn answer_held(&mut self, now: Duration) {
        self.caller.holds = false;
        for event in std::mem::take(&mut self.caller.held) {
            self.note(now, event);
        }
    }

    fn note(&mut self, now: Duration, event: Event) {
        let asks = matches!(
            event,
            Event::Identify { .. } | Event::Resume { .. } | Event::Compute(_) | Event::Opened { .. }
        );
        let caller = &mut self.caller;
        if caller.holds && asks {
            return caller.held.push(event);
        }
        match event {
            Event::Identify { handshake, claim, .. } => {
                caller.claims.push(claim.clone());
                let known = match &claim {
                    Claim::Psk(identity) => {
                        caller.known.get(identity).cloned().ok_or(Alert::UNKNOWN_PSK_IDENTITY)
                    }
                    Claim::Certificate { trusted: Err(why), .. } => Err(why.alert()),
                    _ => caller.lets_in.clone().ok_or(Alert::ACCESS_DENIED),
                };
                self.endpoint.identified(now, handshake, known);
            }
            Event::Resume { handshake, session } => {
                self.endpoint.resumed(now, handshake, caller.store.get(&session));
            }
            Event::Compute(job) => {
                let at = UnixTime::since_unix_epoch(Duration::from_secs(TODAY));
                self.endpoint.computed(now, job.run(&SystemRandom::new(), at));
            }
            Event::Opened { handshake, session, resumed, .. } => {
                if let Some(alert) = caller.refuses {
                    return self.endpoint.admitted(now, handshake, Err(alert));
                }
                caller.resumed += usize::from(resumed);
                caller.store.insert(session.id, session);
                self.endpoint.admitted(now, handshake, Ok(()));
            }
            Event::Connected { session, .. } => caller.connected.push(session),
            Event::Failed(failure) => caller.failures.push(*failure),
            Event::Received { session, received, plaintext, .. } => {
                if let Some(saved) = caller.store.get_mut(&session) {
                    saved.received = saved.received.max(received);
                }
                caller.received.push(plaintext);
            }
            Event::Moved { session, from, to, .. } => {
                if let Some(saved) = caller.store.get_mut(&session) {
                    saved.peer = to;
                }
                caller.moved.push((from, to));
            }
            Event::Reserve { session, upto } => {
                if caller.grants {
                    if let Some(saved) = caller.store.get_mut(&session) {
                        saved.reserved = upto;
                    }
                    self.endpoint.reserved(session, upto);
                }
            }
            Event::Ended { session, why, .. } => {
                caller.ended.push((session, why));
            }
        }
    }
}

/// The records of a datagram: header and body. Those with a connection id are of eight bytes of it, from the client, or none.
pub(crate) fn records(datagram: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (mut rest, mut records) = (datagram, Vec::new());
    while !rest.is_empty() {
        let header = if rest[0] == 25 { 21 } else { 13 };
        let len = usize::from(u16::from_be_bytes([rest[header - 2], rest[header - 1]]));
        records.push((rest[..header].to_vec(), rest[header..header + len].to_vec()));
        rest = &rest[header + len..];
    }
    records
}
