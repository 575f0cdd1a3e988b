//! A device with its way to the server: plain, or through a DTLS client of its own. It lives outside the server and goes on
//! when that dies.

use std::{net::SocketAddr, time::Duration};

use device::{Device, Event, Output, Profile, Security};
use dtls::{Connect, Endpoint, HandshakeId, Offer, Saved, SessionId, Suite};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use zeroize::Zeroizing;

/// A device with its way to the server.
pub struct Node {
    /// The device.
    pub device: Device,
    /// Where it is.
    pub address: SocketAddr,
    /// How it comes.
    pub way: Way,
    /// How often it was turned on: message ids and tokens begin anew with each.
    pub power_cycles: u32,
    random: StdRng,
    dtls: Option<Endpoint>,
    handshake: Option<HandshakeId>,
    session: Option<SessionId>,
    /// Where it sends: the server of the last [`Output::Connect`].
    to: SocketAddr,
    /// The session to go on with, and where.
    saved: Option<(SocketAddr, Saved)>,
    happened: Vec<Happening>,
}

/// How a device comes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Whether through DTLS.
    pub secure: bool,
    /// Whether it uses a connection id (RFC 9146).
    pub connection_id: bool,
    /// Whether it resumes sessions.
    pub resumes: bool,
    /// Whether it begins with nothing but an account of the bootstrap server.
    pub bootstraps: bool,
}

/// What a device did.
#[derive(Debug)]
pub enum Happening {
    /// A datagram leaves, with the message in it if it has one.
    Sent {
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
        /// The message before it was ciphered.
        message: Option<Vec<u8>>,
    },
    /// A message of the server's was heard.
    Heard(Vec<u8>),
    /// What the device says of itself.
    Told(Event),
    /// A handshake has made a session; whether it resumed one is the server's to say.
    Connected,
    /// A handshake came to nothing, for this reason.
    Refused(String),
}

impl Node {
    /// A device that is off.
    pub fn new(profile: Profile, way: Way, address: SocketAddr, plain_server: SocketAddr, seed: u64) -> Self {
        Self {
            device: Device::new(profile, seed),
            address,
            way,
            power_cycles: 0,
            random: StdRng::seed_from_u64(seed),
            dtls: None,
            handshake: None,
            session: None,
            to: plain_server,
            saved: None,
            happened: Vec::new(),
        }
    }

    /// Turns it on.
    pub fn start(&mut self, now: Duration) {
        self.device.start(now);
        self.settle(now);
    }

    /// Turns it off: Deregister first.
    pub fn stop(&mut self, now: Duration) {
        self.device.stop(now);
        self.settle(now);
    }

    /// Its power fails, and comes back after the time it takes to boot, or with [`Self::start`].
    pub fn lose_power(&mut self, now: Duration, comes_back: bool) {
        self.cut();
        if comes_back {
            self.device.reboot(now);
        } else {
            self.device.vanish();
        }
        self.settle(now);
    }

    /// It forgets how to go on with its session.
    pub fn forget_session(&mut self) {
        self.saved = None;
    }

    /// Does something with the device.
    pub fn call<T>(&mut self, now: Duration, call: impl FnOnce(&mut Device, Duration) -> T) -> T {
        let result = call(&mut self.device, now);
        self.settle(now);
        result
    }

    /// Says something that it does not know of, and that its answer means nothing to.
    pub fn say(&mut self, now: Duration, bytes: Vec<u8>) {
        self.transmit(now, bytes, false);
        self.settle(now);
    }

    /// A datagram arrives. A device that is off or asleep does not hear it.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, mut bytes: Vec<u8>) {
        if self.handshake.is_none() && !self.device.hears() {
            return;
        }
        if !self.way.secure {
            self.hear(now, bytes);
        } else if let Some(dtls) = &mut self.dtls {
            dtls.handle_datagram(now, from, &mut bytes);
        }
        self.settle(now);
    }

    /// Takes note that time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        if let Some(dtls) = &mut self.dtls {
            dtls.handle_timeout(now);
        }
        self.device.handle_timeout(now);
        self.settle(now);
    }

    /// When to call [`Self::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let dtls = self.dtls.as_ref().and_then(Endpoint::poll_timeout);
        [dtls, self.device.poll_timeout()].into_iter().flatten().min()
    }

    /// What it did since this was asked last.
    pub fn happened(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happened)
    }

    /// The session is lost with the power; what it can be resumed by may be kept.
    fn cut(&mut self) {
        self.power_cycles += 1;
        (self.dtls, self.handshake, self.session) = (None, None, None);
    }

    fn settle(&mut self, now: Duration) {
        loop {
            let secured = self.drain_dtls(now);
            if !self.drain_device(now) && !secured {
                return;
            }
        }
    }

    fn drain_device(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(output) = self.device.poll_output() {
            any = true;
            match output {
                Output::Transmit { bytes } => self.transmit(now, bytes, true),
                Output::Connect { to } => self.connect(now, &to),
                // There is nobody from whom firmware could be fetched.
                Output::Fetch(_) => self.device.fetch_failed(now, true),
                Output::Event(event) => {
                    // It restarts within the device, which knows of no session.
                    if event == Event::Rebooting {
                        self.cut();
                    }
                    self.happened.push(Happening::Told(event));
                }
            }
        }
        any
    }

    fn drain_dtls(&mut self, now: Duration) -> bool {
        let mut any = false;
        while let Some(output) = self.dtls.as_mut().and_then(Endpoint::poll_output) {
            any = true;
            match output {
                dtls::Output::Transmit { to, bytes } => {
                    self.happened.push(Happening::Sent { to, bytes, message: None });
                }
                dtls::Output::Event(event) => self.follow(now, event),
            }
        }
        any
    }

    fn follow(&mut self, now: Duration, event: dtls::Event) {
        match event {
            dtls::Event::Connected { handshake, session } if self.handshake == Some(handshake) => {
                self.handshake = None;
                self.session = Some(session);
                let saved = self.dtls.as_ref().and_then(|dtls| dtls.save(session));
                self.saved = saved.filter(|_| self.way.resumes).map(|saved| (self.to, saved));
                self.happened.push(Happening::Connected);
                self.device.connected(now);
            }
            dtls::Event::Failed(failure)
                if failure.handshake.is_some() && failure.handshake == self.handshake =>
            {
                self.handshake = None;
                self.saved = None;
                self.happened.push(Happening::Refused(failure.reason.to_string()));
                self.device.connection_failed(now);
            }
            dtls::Event::Ended { session, .. } if self.session == Some(session) => {
                self.session = None;
                self.device.connection_failed(now);
            }
            dtls::Event::Received { session, plaintext, .. } if self.session == Some(session) => {
                self.hear(now, plaintext);
            }
            dtls::Event::Reserve { session, upto } => {
                if let Some(dtls) = &mut self.dtls {
                    dtls.reserved(session, upto);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, now: Duration, bytes: Vec<u8>) {
        self.device.handle_datagram(now, &bytes);
        self.happened.push(Happening::Heard(bytes));
    }

    fn transmit(&mut self, now: Duration, bytes: Vec<u8>, own: bool) {
        if !self.way.secure {
            let message = own.then(|| bytes.clone());
            return self.happened.push(Happening::Sent { to: self.to, bytes, message });
        }
        let (Some(dtls), Some(session)) = (&mut self.dtls, self.session) else { return };
        // What can't be sent is lost, as datagrams are.
        if dtls.send(now, session, &bytes).is_err() {
            return;
        }
        let mut message = own.then_some(bytes);
        // What was sent comes out first: everything before it was drained.
        while let Some(output) = self.dtls.as_mut().and_then(Endpoint::poll_output) {
            match output {
                dtls::Output::Transmit { to, bytes } => {
                    self.happened.push(Happening::Sent { to, bytes, message: message.take() });
                }
                dtls::Output::Event(event) => self.follow(now, event),
            }
        }
    }

    fn connect(&mut self, now: Duration, to: &device::Account) {
        let address = to.uri.split_once("://").and_then(|(_, address)| address.parse().ok());
        let Some(address) = address else {
            return self.device.connection_failed(now);
        };
        (self.to, self.session) = (address, None);
        let Security::Psk { identity, key } = &to.security else {
            self.way.secure = false;
            return self.device.connected(now);
        };
        self.way.secure = true;
        let mut seed = [0; 32];
        self.random.fill(&mut seed);
        // A session of its own each: what was before is not heard any more.
        let dtls = self.dtls.insert(Endpoint::new(dtls::Config::default(), seed));
        let connect = Connect {
            offer: Offer::Psk { identity: identity.clone(), key: Zeroizing::new(key.clone()) },
            // All others compute beside the endpoint, with randomness of the system's.
            suites: vec![Suite::PskAes128Ccm8],
            server_name: None,
            connection_id: self.way.connection_id,
            resume: self.saved.take().filter(|(server, _)| *server == address).map(|(_, saved)| saved),
        };
        self.handshake = Some(dtls.connect(now, address, connect));
    }
}
