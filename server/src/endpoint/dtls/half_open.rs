//! Who is about to be inside: the handshakes under way of one listener. No I/O.

use std::{
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use fleet::CredentialId;
use tokio::sync::mpsc;

use super::Bounds;

/// The handshakes under way.
#[derive(Default)]
pub(super) struct Handshakes {
    half_open: HashMap<SocketAddr, HalfOpen>,
    next_ticket: u64,
}

/// A handshake under way, as the listener sees it.
struct HalfOpen {
    ticket: u64,
    datagrams: mpsc::Sender<Vec<u8>>,
    /// When anything came for it. The ClientHello of another handshake does not count: it would keep alive what it wants to
    /// take the place of.
    heard: Instant,
    random: [u8; 32],
    /// Whether the cookie came back: the address is no false one.
    verified: bool,
    credential: Option<CredentialId>,
    received: usize,
    bytes: usize,
}

/// A handshake that has begun.
pub(super) struct Begun {
    pub(super) ticket: u64,
    pub(super) datagrams: mpsc::Receiver<Vec<u8>>,
    /// The bound that was reached, so that a handshake whose cookie had not come back made room.
    pub(super) reached: Option<Full>,
}

/// Which bound stands against one more handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Prefix,
}

/// What comes of a first ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// A handshake begins with it, in place of one under way.
    Anew,
    /// It belongs to the handshake under way.
    UnderWay,
    /// The handshake under way does not give way yet.
    TooSoon,
}

/// How many datagrams wait for a handshake's task.
const QUEUE: usize = 8;

/// How long a handshake has to be silent to give way to its client's next: nobody who sends in the name of an address
/// disturbs one that goes on.
const QUIET: Duration = Duration::from_secs(2);

/// The same before the cookie came back, when it gives way to anybody's who finds no room: a client's first wait (RFC 6347
/// §4.2.4.1), less what a timer may be early by. Not at once, for each ClientHello taken costs 0.2 ms: this bounds how
/// many are taken a second.
const UNVERIFIED_QUIET: Duration = Duration::from_millis(900);

impl Handshakes {
    /// Begins a handshake, in place of one that has to make room.
    pub(super) fn begin(
        &mut self,
        peer: SocketAddr,
        random: [u8; 32],
        now: Instant,
        bounds: &Bounds,
    ) -> Result<Begun, Full> {
        self.half_open.remove(&peer);
        let reached = self.reached(peer, bounds);
        if let Some(full) = reached {
            let silent = self.silent_longest(peer, full, now).ok_or(full)?;
            self.half_open.remove(&silent);
        }
        let (datagrams, received) = mpsc::channel(QUEUE);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let half = HalfOpen {
            ticket,
            datagrams,
            heard: now,
            random,
            verified: false,
            credential: None,
            received: 0,
            bytes: 0,
        };
        self.half_open.insert(peer, half);
        Ok(Begun { ticket, datagrams: received, reached })
    }

    /// Whether a handshake of an address is under way.
    pub(super) fn is_under_way(&self, peer: SocketAddr) -> bool {
        self.half_open.contains_key(&peer)
    }

    /// What comes of a ClientHello of this random. A handshake under way gives way to its client's next, if it has been
    /// silent: the client has rebooted (RFC 6347 §4.2.8).
    pub(super) fn start(&self, peer: SocketAddr, random: &[u8; 32], now: Instant) -> Start {
        let Some(half) = self.half_open.get(&peer) else { return Start::Anew };
        let quiet = if half.verified { QUIET } else { UNVERIFIED_QUIET };
        if half.random == *random {
            Start::UnderWay
        } else if now.duration_since(half.heard) >= quiet {
            Start::Anew
        } else {
            Start::TooSoon
        }
    }

    /// Hands a datagram to the handshake under way, or says what stands against it.
    pub(super) fn deliver(
        &mut self,
        peer: SocketAddr,
        datagram: Vec<u8>,
        now: Instant,
        bounds: &Bounds,
    ) -> Result<(), &'static str> {
        let half = self.half_open.get_mut(&peer).ok_or("stray")?;
        half.received += 1;
        half.bytes += datagram.len();
        half.heard = now;
        if half.received > bounds.datagrams {
            return Err("handshake_datagrams");
        }
        if half.bytes > bounds.bytes {
            return Err("handshake_bytes");
        }
        half.datagrams.try_send(datagram).map_err(|_| "handshake_queue")
    }

    /// Notes that the cookie came back.
    pub(super) fn verify(&mut self, peer: SocketAddr, ticket: u64) {
        if let Some(half) = self.half_open.get_mut(&peer).filter(|half| half.ticket == ticket) {
            half.verified = true;
        }
    }

    /// Notes whose handshake it is. False if it was taken back.
    pub(super) fn name(&mut self, peer: SocketAddr, ticket: u64, credential: CredentialId) -> bool {
        let half = self.half_open.get_mut(&peer).filter(|half| half.ticket == ticket);
        half.map(|half| half.credential = Some(credential)).is_some()
    }

    /// A handshake has ended. False if it was taken back before.
    pub(super) fn forget(&mut self, peer: SocketAddr, ticket: u64) -> bool {
        let mine = self.half_open.get(&peer).is_some_and(|half| half.ticket == ticket);
        mine && self.half_open.remove(&peer).is_some()
    }

    /// Takes back those of credentials.
    pub(super) fn revoke(&mut self, credentials: &BTreeSet<&CredentialId>) {
        self.half_open
            .retain(|_, half| half.credential.is_none_or(|credential| !credentials.contains(&credential)));
    }

    /// Takes back all.
    pub(super) fn clear(&mut self) {
        self.half_open.clear();
    }

    /// How many handshakes are under way.
    pub(super) fn len(&self) -> usize {
        self.half_open.len()
    }

    /// Whether a handshake has named a credential.
    #[cfg(test)]
    pub(super) fn is_named(&self, credential: CredentialId) -> bool {
        self.half_open.values().any(|half| half.credential == Some(credential))
    }

    /// The bound that one more handshake would break; that of its network first, so that who makes room is of it.
    fn reached(&self, peer: SocketAddr, bounds: &Bounds) -> Option<Full> {
        let network = network(peer.ip());
        let of_network = self.half_open.keys().filter(|other| self::network(other.ip()) == network).count();
        if of_network >= bounds.half_open_of_prefix {
            Some(Full::Prefix)
        } else {
            (self.half_open.len() >= bounds.half_open).then_some(Full::All)
        }
    }

    /// Which handshake makes room: of those whose cookie has not come back, the one that was silent longest, if it was so
    /// for long enough. Whoever floods from false addresses thus gets each place for a moment only.
    fn silent_longest(&self, peer: SocketAddr, full: Full, now: Instant) -> Option<SocketAddr> {
        let network = network(peer.ip());
        let within = |other: SocketAddr| full == Full::All || self::network(other.ip()) == network;
        let unverified = self.half_open.iter().filter(|(other, half)| !half.verified && within(**other));
        let (other, half) = unverified.min_by_key(|(_, half)| half.heard)?;
        (now.duration_since(half.heard) >= UNVERIFIED_QUIET).then_some(*other)
    }
}

/// The network that an address shares its share of handshakes with: /24 of IPv4, /56 of IPv6.
pub(super) fn network(address: IpAddr) -> (IpAddr, u8) {
    match address {
        IpAddr::V4(address) => (IpAddr::V4((u32::from(address) & !0xff).into()), 24),
        IpAddr::V6(address) => (IpAddr::V6((u128::from(address) & !((1 << 72) - 1)).into()), 56),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_gives_way_to_its_clients_next_after_a_silence() {
        let (peer, bounds) = (([192, 0, 2, 1], 5_684).into(), Bounds::default());
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut handshakes = Handshakes::default();
        assert_eq!(handshakes.start(peer, &[1; 32], begun), Start::Anew);
        let Begun { ticket, datagrams: _datagrams, .. } =
            handshakes.begin(peer, [1; 32], begun, &bounds).unwrap();
        assert_eq!(handshakes.start(peer, &[1; 32], at(60_000)), Start::UnderWay);
        assert_eq!(handshakes.start(peer, &[2; 32], at(899)), Start::TooSoon);
        assert_eq!(handshakes.start(peer, &[2; 32], at(900)), Start::Anew);
        handshakes.verify(peer, ticket + 1);
        assert_eq!(handshakes.start(peer, &[2; 32], at(900)), Start::Anew);
        handshakes.verify(peer, ticket);
        assert_eq!(handshakes.start(peer, &[2; 32], at(1_999)), Start::TooSoon);
        assert_eq!(handshakes.start(peer, &[3; 32], at(2_000)), Start::Anew);
        handshakes.deliver(peer, vec![], at(1_500), &bounds).unwrap();
        assert_eq!(handshakes.start(peer, &[3; 32], at(3_499)), Start::TooSoon);
        assert_eq!(handshakes.start(peer, &[3; 32], at(3_500)), Start::Anew);
        // Its place is the new one's, and it takes no second.
        let bounds = Bounds { half_open: 1, ..bounds };
        handshakes.begin(peer, [3; 32], at(3_500), &bounds).unwrap();
        assert!(!handshakes.forget(peer, ticket));
        assert_eq!(handshakes.start(peer, &[4; 32], at(4_399)), Start::TooSoon);
    }

    #[test]
    fn without_room_the_silent_make_room_unless_their_cookie_came_back() {
        let bounds = Bounds { half_open: 3, half_open_of_prefix: 2, ..Bounds::default() };
        let peer = |network, host| SocketAddr::from(([192, 0, network, host], 5_684));
        let first = Instant::now();
        let at = |millis| first + Duration::from_millis(millis);
        let mut handshakes = Handshakes::default();
        let begin = |handshakes: &mut Handshakes, peer, millis| {
            handshakes.begin(peer, [1; 32], at(millis), &bounds).map(|begun| (begun.ticket, begun.reached))
        };
        let (verified, _) = begin(&mut handshakes, peer(1, 1), 0).unwrap();
        handshakes.verify(peer(1, 1), verified);
        assert_eq!(begin(&mut handshakes, peer(2, 1), 100), Ok((1, None)));
        assert_eq!(begin(&mut handshakes, peer(1, 2), 200), Ok((2, None)));
        // Too soon, for a network and for all.
        assert_eq!(begin(&mut handshakes, peer(1, 3), 1_099), Err(Full::Prefix));
        assert_eq!(begin(&mut handshakes, peer(3, 1), 999), Err(Full::All));
        // The one that was silent longest, of all and of the network.
        assert_eq!(begin(&mut handshakes, peer(3, 1), 1_000), Ok((3, Some(Full::All))));
        assert!(!handshakes.is_under_way(peer(2, 1)));
        assert_eq!(begin(&mut handshakes, peer(1, 3), 1_100), Ok((4, Some(Full::Prefix))));
        assert!(!handshakes.is_under_way(peer(1, 2)));
        handshakes.verify(peer(1, 3), 4);
        assert_eq!(begin(&mut handshakes, peer(1, 4), 60_000), Err(Full::Prefix));
        assert!(handshakes.is_under_way(peer(1, 1)) && handshakes.is_under_way(peer(3, 1)));
        assert_eq!(handshakes.len(), 3);
    }

    #[test]
    fn a_share_belongs_to_a_network() {
        for (address, expected) in
            [("203.0.113.77", ("203.0.113.0", 24)), ("2001:db8:1:2fe:3:4:5:6", ("2001:db8:1:200::", 56))]
        {
            let (network, bits) = network(address.parse().unwrap());
            assert_eq!((network.to_string().as_str(), bits), expected);
        }
    }
}
