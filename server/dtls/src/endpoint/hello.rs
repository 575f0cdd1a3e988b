//! The door: ClientHellos are asked for a cookie, and nothing is kept of who does not bring it back (RFC 6347 §4.2.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use super::{Endpoint, handshakes::Handshake, receive::Arrival};
use crate::{
    Event, Failure, HandshakeId, Output, Reason, Step,
    handshake::{Fall, Next},
    message::{ClientHelloStart, Fragment, HelloVerifyRequest, kind, write_message},
    record::{self, HANDSHAKE, MAX_SEQUENCE, VERSION_1_0},
    server,
};

/// Where handshakes come from, as far as one of its addresses is as good as another: /24 of IPv4, /56 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network([u8; 8]);

impl Network {
    pub(super) fn of(address: SocketAddr) -> Self {
        let mut network = [0; 8];
        match address.ip().to_canonical() {
            // 0xff begins no unicast address of IPv6.
            IpAddr::V4(ip) => {
                network[0] = 0xff;
                network[1..4].copy_from_slice(&ip.octets()[..3]);
            }
            IpAddr::V6(ip) => network[..7].copy_from_slice(&ip.octets()[..7]),
        }
        Self(network)
    }

    /// The first and the last address of that of an address.
    fn range(address: SocketAddr) -> RangeInclusive<SocketAddr> {
        let [first, last]: [IpAddr; 2] = match address.ip() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                [Ipv4Addr::new(a, b, c, 0).into(), Ipv4Addr::new(a, b, c, 255).into()]
            }
            IpAddr::V6(ip) => {
                let host = u128::MAX >> 56;
                [
                    Ipv6Addr::from_bits(ip.to_bits() & !host).into(),
                    Ipv6Addr::from_bits(ip.to_bits() | host).into(),
                ]
            }
        };
        SocketAddr::new(first, 0)..=SocketAddr::new(last, u16::MAX)
    }
}

impl Endpoint {
    /// A ClientHello, or its first fragment.
    pub(super) fn handle_hello(&mut self, arrival: &mut Arrival, record: u64, fragment: Fragment<'_>) {
        let Ok(start) = ClientHelloStart::parse(fragment.bytes) else {
            self.counters.messages_malformed += 1;
            return;
        };
        // Our records are numbered from there on.
        if record > MAX_SEQUENCE - ROOM {
            self.counters.records_unexpected += 1;
            return;
        }
        let good = !start.cookie.is_empty()
            && self.cookies.is_good(arrival.now, arrival.from, start.before_cookie, start.cookie);
        if !good {
            self.counters.cookies_bad += u64::from(!start.cookie.is_empty());
            return self.ask_for_cookie(arrival, record, fragment.header.sequence, &start);
        }
        if self.recent.has(arrival.now, start.random) {
            self.counters.hellos_late += 1;
            return;
        }
        let under_way = self.serving.get(&arrival.from).copied();
        if let Some(id) = under_way {
            let Some(Handshake::Server(handshake)) = self.handshakes.get(&id) else { return };
            if handshake.client_random() == start.random {
                if handshake.awaits_hello() {
                    self.hand_fragment_over(arrival, id, record, fragment);
                } else if self.count(arrival, id) {
                    self.step(arrival.now, id, |handshake, cx| {
                        handshake.repeat(cx);
                        Ok(Next::Waits)
                    });
                }
                return;
            }
            // It has forgotten what it began: it was restarted.
            self.fall(arrival.now, id, Fall::silent(Reason::BegunAnew));
        }
        if let Some(id) = self.begin(arrival, record, fragment, &start) {
            self.hand_fragment_over(arrival, id, record, fragment);
        }
    }

    fn ask_for_cookie(
        &mut self,
        arrival: &mut Arrival,
        record: u64,
        sequence: u16,
        start: &ClientHelloStart<'_>,
    ) {
        let cookie = self.cookies.make(arrival.now, arrival.from, start.before_cookie);
        let message = write_message(
            kind::HELLO_VERIFY_REQUEST,
            sequence,
            &HelloVerifyRequest { cookie: &cookie }.write(),
        );
        let mut bytes = Vec::with_capacity(record::HEADER + message.len());
        record::write_plain_as(&mut bytes, VERSION_1_0, HANDSHAKE, record, &message);
        // One answer a datagram, and never more than was heard from there, for that may be somebody else.
        if bytes.len() > arrival.budget {
            return;
        }
        arrival.budget = 0;
        self.counters.cookies_sent += 1;
        self.transmit(arrival.from, bytes);
    }

    /// Makes room for a handshake, if the bounds allow it.
    fn begin(
        &mut self,
        arrival: &Arrival,
        record: u64,
        fragment: Fragment<'_>,
        start: &ClientHelloStart<'_>,
    ) -> Option<HandshakeId> {
        let bounds = self.config.bounds;
        let network = Network::of(arrival.from);
        let is_full = |of: &Self| {
            of.serving.len() >= bounds.handshakes
                || of.networks.get(&network).is_some_and(|count| *count >= bounds.handshakes_of_network)
        };
        if is_full(self)
            && let Some(silent) = self.silent(arrival)
        {
            self.counters.handshakes_evicted += 1;
            self.fall(arrival.now, silent, Fall::silent(Reason::TooMany { what: "handshakes" }));
        }
        let too_many = if self.serving.len() >= bounds.handshakes {
            self.counters.handshakes += 1;
            Some("handshakes")
        } else if self.networks.get(&network).is_some_and(|count| *count >= bounds.handshakes_of_network) {
            self.counters.handshakes_of_network += 1;
            Some("handshakes of one network")
        } else {
            None
        };
        if let Some(what) = too_many {
            self.counters.handshakes_failed += 1;
            self.outputs.push_back(Output::Event(Event::Failed(Box::new(Failure {
                handshake: None,
                from: arrival.from,
                step: Step::ClientHello,
                reason: Reason::TooMany { what },
                claim: None,
                tag: None,
                offered: Vec::new(),
            }))));
            return None;
        }
        let id = self.next_handshake();
        let begin = server::Begin {
            id,
            session: self.next_session(),
            from: arrival.from,
            client_random: *start.random,
            message: fragment.header.sequence,
            record,
        };
        let handshake = server::Handshake::begin(&self.context(arrival.now), begin);
        self.timers.set(id, handshake.due());
        self.handshakes.insert(id, Handshake::Server(Box::new(handshake)));
        self.serving.insert(arrival.from, id);
        *self.networks.entry(network).or_default() += 1;
        self.counters.handshakes_begun += 1;
        Some(id)
    }

    /// A handshake that can make room: the oldest whose peer has said nothing since its ClientHello, of the same host if there
    /// is one, or else of the same network, or else, where all are too many, of anywhere.
    fn silent(&self, arrival: &Arrival) -> Option<HandshakeId> {
        let time = self.config.bounds.handshake_time;
        let is_silent = |id: &HandshakeId| match self.handshakes.get(id) {
            Some(Handshake::Server(handshake)) => handshake
                .silent_since(time)
                .is_some_and(|since| arrival.now.saturating_sub(since) >= SILENT_FOR),
            _ => false,
        };
        let oldest = |range: RangeInclusive<SocketAddr>| {
            self.serving.range(range).map(|(_, id)| *id).filter(is_silent).min()
        };
        let ip = arrival.from.ip();
        let of_host = SocketAddr::new(ip, 0)..=SocketAddr::new(ip, u16::MAX);
        oldest(of_host).or_else(|| oldest(Network::range(arrival.from))).or_else(|| {
            let all_are_too_many = self.serving.len() >= self.config.bounds.handshakes;
            let mut oldest = self.handshakes.keys().take(if all_are_too_many { LOOKED_AT } else { 0 });
            oldest.find(|id| is_silent(id)).copied()
        })
    }
}

/// How long a peer is waited for in any case: a round trip over a slow link.
const SILENT_FOR: Duration = Duration::from_secs(3);

/// Of how many of the oldest handshakes one is looked for that can make room.
const LOOKED_AT: usize = 256;

/// How many records a handshake of ours may take.
const ROOM: u64 = 1 << 20;
