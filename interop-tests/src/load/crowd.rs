//! The crowd: all devices, their sessions and their timers, on one socket.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::pin,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use coap::Usage;
use device::{Account, Device, Output, Security};
use dtls::{Connect, Endpoint, Offer, Suite};
use zeroize::Zeroizing;

use super::{
    Deed, Done, Options, Record, Standing, Traffic, keys,
    member::Member,
    wire::{Datagram, Wire},
};

/// Where the server listens for devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Servers {
    /// By plain CoAP.
    pub coap: SocketAddr,
    /// Over DTLS.
    pub coaps: SocketAddr,
}

/// Many devices that talk to one server.
///
/// All sessions are in one DTLS engine. It knows peers by their addresses, and the server has but one: so each session goes by the
/// address of its device.
pub struct Crowd {
    servers: Servers,
    origin: Instant,
    /// The number of the first member.
    first: u32,
    members: Vec<Member>,
    engine: Endpoint,
    wire: Wire,
    timers: BinaryHeap<Reverse<(Duration, u32)>>,
    under_way: usize,
    done: Vec<Done>,
    wrong: Vec<String>,
    handshakes: u64,
    repeated: u64,
}

impl Crowd {
    /// Devices that are off.
    ///
    /// # Errors
    /// If a server is not on this machine, or there is no socket.
    pub fn new(options: &Options, servers: Servers) -> io::Result<Self> {
        for server in [servers.coap, servers.coaps] {
            if !server.ip().is_loopback() || !server.is_ipv4() {
                let refused = format!("{server} is no IPv4 address of this machine's loopback");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, refused));
            }
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let epoch_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let template = Member::template(options, epoch_ms);
        let mut config = dtls::Config::default();
        config.bounds.sessions = options.devices as usize;
        config.bounds.sessions_of_tag = None;
        config.bounds.handshake_time = HANDSHAKE_WITHIN;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&options.seed.to_be_bytes());
        Ok(Self {
            servers,
            origin: Instant::now(),
            first: options.first,
            members: (0..options.devices)
                .map(|number| Member::new(&template, options, servers, number))
                .collect(),
            engine: Endpoint::new(config, seed),
            wire: Wire::open(options.weather(), options.seed)?,
            timers: BinaryHeap::new(),
            under_way: 0,
            done: Vec::new(),
            wrong: Vec::new(),
            handshakes: 0,
            repeated: 0,
        })
    }

    /// The time since the crowd was made.
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// How many devices there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether a device can do that now.
    pub fn can(&self, device: u32, deed: Deed) -> bool {
        self.member(device).can(deed)
    }

    /// Whether a device is one of those that come and go among others that stay.
    pub fn comes_and_goes(&self, device: u32) -> bool {
        self.member(device).comes_and_goes()
    }

    /// Whether the server observes a device.
    pub fn is_observed(&self, device: u32) -> bool {
        self.member(device).is_observed
    }

    /// Has a device do what it [can](Self::can).
    pub fn begin(&mut self, device: u32, deed: Deed, due: Duration) {
        let now = self.now();
        let member = &mut self.members[device as usize];
        member.begin(now, deed, due);
        self.under_way += usize::from(member.under_way.is_some());
        self.settle(now, device);
        self.settle_engine(now);
    }

    /// Lets the devices live until this time, or for one round if something happens before. Nothing is lost if it is
    /// cancelled.
    pub async fn live(&mut self, until: Duration) {
        let now = self.now();
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let next =
            [timer, self.engine.poll_timeout(), self.wire.next(), Some(until)].into_iter().flatten().min();
        let next = next.unwrap_or(until);
        if next > now {
            tokio::select! {
                () = self.wire.readable() => {}
                () = tokio::time::sleep_until((self.origin + next).into()) => {}
            }
        }
        self.receive();
        self.pass_time();
        // Others of this thread have their turn, also where every round has something to do.
        tokio::task::yield_now().await;
    }

    /// Lets the devices live while something else is done.
    pub async fn live_while<T>(&mut self, task: impl Future<Output = T>) -> T {
        let mut task = pin!(task);
        loop {
            let until = self.now() + TICK;
            tokio::select! {
                biased;
                done = &mut task => return done,
                () = self.live(until) => {}
            }
        }
    }

    /// What is over since the last time.
    pub fn take_done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// How many deeds are under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// What the server answered that it should not have, in words: the first of them.
    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }

    /// How many handshakes were begun.
    pub fn handshakes(&self) -> u64 {
        self.handshakes
    }

    /// How many of them were begun by devices that had a session: the server would not know it any more, or has not answered.
    pub fn handshakes_repeated(&self) -> u64 {
        self.repeated
    }

    /// How often devices sent a message again, since they were last turned on.
    pub fn retransmissions(&self) -> u64 {
        let of_coap: u64 =
            self.members.iter().map(|member| member.device.coap_counters().retransmissions).sum();
        of_coap + self.engine.counters().retransmissions
    }

    /// What went over the wire.
    pub fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }

    /// What a device holds at the moment.
    pub fn usage(&self, device: u32) -> Usage {
        self.member(device).device.usage()
    }

    /// A device.
    pub fn device(&self, device: u32) -> &Device {
        &self.member(device).device
    }

    /// The records of all devices, by their endpoint names and numbers.
    pub fn records(&self) -> impl Iterator<Item = (String, u32, &Record)> {
        (self.first..).zip(&self.members).map(|(number, member)| {
            let endpoint = keys::endpoint(number);
            (endpoint, number, &member.record)
        })
    }

    fn member(&self, device: u32) -> &Member {
        &self.members[device as usize]
    }

    /// Which device that address is of.
    fn at(&self, address: Ipv4Addr) -> Option<u32> {
        keys::device_at(address)?.checked_sub(self.first).filter(|device| *device < self.len())
    }

    fn named(&self, name: SocketAddr) -> Option<u32> {
        match name.ip() {
            IpAddr::V4(address) => self.at(address),
            IpAddr::V6(_) => None,
        }
    }

    fn receive(&mut self) {
        for _ in 0..BATCHES {
            let now = self.now();
            let mut arrived = Vec::new();
            let more = self.wire.receive(now, &mut arrived);
            for datagram in arrived {
                self.take(now, datagram);
            }
            if !more {
                return;
            }
        }
    }

    fn take(&mut self, now: Duration, datagram: Datagram) {
        let Datagram { device, server, mut bytes, .. } = datagram;
        if server == self.servers.coaps {
            self.engine.handle_datagram(now, name(device.into()), &mut bytes);
            return self.settle_engine(now);
        }
        let number = self.at(device).filter(|_| server == self.servers.coap);
        if let Some(number) = number {
            self.members[number as usize].device.handle_datagram(now, &bytes);
            self.settle(now, number);
            self.settle_engine(now);
        }
    }

    fn pass_time(&mut self) {
        let now = self.now();
        self.engine.handle_timeout(now);
        while let Some(Reverse((at, device))) =
            self.timers.peek().copied().filter(|Reverse((at, _))| *at <= now)
        {
            self.timers.pop();
            let member = &mut self.members[device as usize];
            // An entry that is not the newest is of no use any more.
            if member.timer == Some(at) {
                member.timer = None;
                member.device.handle_timeout(now);
                self.settle(now, device);
            }
        }
        self.settle_engine(now);
    }

    /// Does what a device wants done.
    fn settle(&mut self, now: Duration, device: u32) {
        while let Some(output) = self.members[device as usize].device.poll_output() {
            match output {
                Output::Transmit { bytes } => self.transmit(now, device, bytes),
                Output::Connect { to } => self.connect(now, device, &to),
                // A crowd has one socket for all.
                Output::Fetch(_) => self.members[device as usize].device.fetch_failed(now, true),
                Output::Event(event) => {
                    let (done, wrong) = self.members[device as usize].follow(now, &event);
                    self.end(done);
                    self.wrong.extend(wrong.filter(|_| self.wrong.len() < WRONG));
                }
            }
        }
        let member = &mut self.members[device as usize];
        let timer = member.device.poll_timeout();
        if timer != member.timer {
            member.timer = timer;
            self.timers.extend(timer.map(|at| Reverse((at, device))));
        }
    }

    fn transmit(&mut self, now: Duration, device: u32, bytes: Vec<u8>) {
        let member = self.member(device);
        match member.session {
            // One that can't be sent is lost, as datagrams are.
            Some(session) => drop(self.engine.send(now, session, &bytes)),
            None if member.is_secure => {}
            None => self.wire.send(now, keys::address(self.first + device), self.servers.coap, bytes),
        }
    }

    /// Makes a session, unless there is one that nothing speaks against.
    fn connect(&mut self, now: Duration, device: u32, to: &Account) {
        let member = &mut self.members[device as usize];
        if member.session.is_some() && !member.is_session_doubted {
            return member.device.connected(now);
        }
        let Security::Psk { identity, key } = &to.security else { return member.device.connected(now) };
        self.handshakes += 1;
        self.repeated += u64::from(member.session.take().is_some());
        let offer = Offer::Psk { identity: identity.clone(), key: Zeroizing::new(key.clone()) };
        let suites = vec![Suite::PskAes128Ccm8];
        let connect = Connect { offer, suites, server_name: None, connection_id: true, resume: None };
        self.engine.connect(now, name(keys::address(self.first + device).into()), connect);
    }

    /// Does what the engine wants done.
    fn settle_engine(&mut self, now: Duration) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                dtls::Output::Transmit { to, bytes } => {
                    if let IpAddr::V4(device) = to.ip() {
                        self.wire.send(now, device, self.servers.coaps, bytes);
                    }
                }
                dtls::Output::Event(event) => self.on_event(now, event),
            }
        }
    }

    fn on_event(&mut self, now: Duration, event: dtls::Event) {
        use dtls::Event as E;
        match event {
            E::Connected { session, .. } => {
                let Some(device) = self.engine.peer_of(session).and_then(|peer| self.named(peer)) else {
                    return;
                };
                let member = &mut self.members[device as usize];
                member.session = Some(session);
                member.is_session_doubted = false;
                member.device.connected(now);
                self.settle(now, device);
            }
            E::Received { session, peer, plaintext, .. } => {
                let Some(device) = self.named(peer) else { return };
                let member = &mut self.members[device as usize];
                if member.session == Some(session) {
                    member.device.handle_datagram(now, &plaintext);
                    self.settle(now, device);
                }
            }
            E::Reserve { session, upto } => self.engine.reserved(session, upto),
            E::Failed(failure) => {
                let Some(device) = self.named(failure.from) else { return };
                let done = self.members[device as usize].no_session(now, &format!("{:?}", failure.reason));
                self.end(done);
                self.members[device as usize].device.connection_failed(now);
                self.settle(now, device);
            }
            E::Ended { session, peer, .. } => {
                let Some(device) = self.named(peer) else { return };
                let member = &mut self.members[device as usize];
                if member.session == Some(session) {
                    member.is_session_doubted = true;
                    member.record.standing = Standing::Uncertain;
                    member.device.connection_failed(now);
                    self.settle(now, device);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, done: Option<Done>) {
        self.under_way -= usize::from(done.is_some());
        self.done.extend(done);
    }
}

/// By what the engine knows the server, as this device sees it.
fn name(device: IpAddr) -> SocketAddr {
    SocketAddr::new(device, 5684)
}

/// How long the devices live without a look at what else is to be done.
const TICK: Duration = Duration::from_millis(50);

/// How many batches are received before time is looked at again.
const BATCHES: usize = 64;

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(20);

/// How many wrong answers are kept in words.
const WRONG: usize = 100;
