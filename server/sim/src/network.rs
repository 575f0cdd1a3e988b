//! The network between the server and the devices: every datagram of either side goes through one queue, ordered by when it
//! arrives, and what happens on the way is the seed's.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use device::{Link, Weather};
use server::{DatagramSocket, Network};

use crate::bench::Bench;

/// The network.
pub struct Air {
    bench: Arc<Bench>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    flying: BTreeMap<(Duration, u64), Datagram>,
    sent: u64,
    sockets: BTreeMap<SocketAddr, Arc<Inbox>>,
    /// To the server and from it, by the device.
    links: Vec<[Link; 2]>,
    /// Whose an address is.
    owners: BTreeMap<SocketAddr, usize>,
    /// How many datagrams have arrived at the server or at a device.
    arrived: u64,
    /// What the server has sent since that was asked last.
    outgoing: Vec<Datagram>,
}

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Where it comes from.
    pub from: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What the model knows the message in it by, if it is one of a device's.
    pub message: Option<usize>,
    /// In which life of the server it was sent, if it is the server's.
    pub life: u32,
    /// Whether a stranger has recorded it, and sends it again.
    pub replayed: bool,
}

/// Where a datagram arrives.
pub enum Arrival {
    /// At the server, as so many-th of all.
    Server(u64),
    /// At a device.
    Device(usize),
    /// Nowhere: nobody has that address now.
    Nowhere,
}

/// What waits at a socket of the server.
#[derive(Default)]
struct Inbox {
    inner: Mutex<Waiting>,
}

/// What waits to be read, and who is to be told of it.
#[derive(Default)]
struct Waiting {
    datagrams: VecDeque<(SocketAddr, Vec<u8>)>,
    reader: Option<Waker>,
}

/// A socket of the server.
struct Socket {
    address: SocketAddr,
    air: Arc<Air>,
    inbox: Arc<Inbox>,
}

/// The network as the server knows it.
pub struct Wire(pub Arc<Air>);

/// Where hosts are that are nobody's devices; each has a port of its own.
pub const STRANGERS: [u8; 4] = [10, 9, 0, 1];

/// How long a stranger's datagram takes.
const STRANGERS_DELAY: Duration = Duration::from_millis(5);

/// What a kernel would hold.
const INBOX: usize = 1_024;

impl Air {
    /// One without anybody.
    pub fn new(bench: Arc<Bench>) -> Self {
        Self { bench, inner: Mutex::default() }
    }

    /// Connects a device, and says its number.
    pub fn connect(&self, address: SocketAddr, seed: u64) -> usize {
        let mut inner = self.lock();
        let number = inner.links.len();
        inner.links.push([0, 1].map(|way| Link::new(Weather::CLEAR, seed ^ way)));
        inner.owners.insert(address, number);
        number
    }

    /// What happens from now on between a device and the server.
    pub fn set_weather(&self, device: usize, weather: Weather) {
        for link in &mut self.lock().links[device] {
            link.weather = weather;
        }
    }

    /// A device has another address from now on; the old one may become another's.
    pub fn rebind(&self, device: usize, from: SocketAddr, to: SocketAddr) {
        let mut inner = self.lock();
        if inner.owners.get(&from) == Some(&device) {
            inner.owners.remove(&from);
        }
        inner.owners.insert(to, device);
    }

    /// A device sends.
    pub fn send(&self, device: usize, datagram: Datagram) {
        let now = self.bench.now();
        self.lock().fly(now, device, 0, datagram);
    }

    /// A stranger sends.
    pub fn throw(&self, datagram: Datagram) {
        let at = self.bench.now() + STRANGERS_DELAY;
        let mut inner = self.lock();
        inner.sent += 1;
        let key = (at, inner.sent);
        inner.flying.insert(key, datagram);
    }

    /// The server is gone, and its sockets with it.
    pub fn close(&self) {
        self.lock().sockets.clear();
    }

    /// When the next datagram arrives.
    pub fn due(&self) -> Option<Duration> {
        self.lock().flying.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next datagram that has arrived by now.
    pub fn arrive(&self, now: Duration) -> Option<(Arrival, Datagram)> {
        let mut inner = self.lock();
        let first = inner.flying.first_entry().filter(|first| first.key().0 <= now)?;
        let datagram = first.remove();
        inner.arrived += 1;
        let arrival = match (inner.sockets.get(&datagram.to), inner.owners.get(&datagram.to)) {
            (Some(inbox), _) => {
                inbox.push(datagram.from, &datagram.bytes);
                Arrival::Server(inner.arrived)
            }
            (None, Some(device)) => Arrival::Device(*device),
            (None, None) => Arrival::Nowhere,
        };
        Some((arrival, datagram))
    }

    /// What the server has sent since this was asked last, whatever becomes of it.
    pub fn outgoing(&self) -> Vec<Datagram> {
        std::mem::take(&mut self.lock().outgoing)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody's device is there.
pub fn is_stranger(address: SocketAddr) -> bool {
    address.ip() == IpAddr::from(STRANGERS)
}

impl Inner {
    fn fly(&mut self, now: Duration, device: usize, way: usize, datagram: Datagram) {
        for delay in self.links[device][way].deliveries() {
            // The runtime's timers know milliseconds.
            let delay = Duration::from_millis(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).max(1));
            self.sent += 1;
            self.flying.insert((now + delay, self.sent), datagram.clone());
        }
    }
}

impl Inbox {
    fn push(&self, from: SocketAddr, bytes: &[u8]) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.datagrams.len() < INBOX {
            inner.datagrams.push_back((from, bytes.to_vec()));
        }
        if let Some(waker) = inner.reader.take() {
            waker.wake();
        }
    }

    fn pop(&self, buffer: &mut [u8], waker: Option<&Waker>) -> Option<(usize, SocketAddr)> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.datagrams.pop_front() {
            Some((from, bytes)) => {
                let len = bytes.len().min(buffer.len());
                buffer[..len].copy_from_slice(&bytes[..len]);
                Some((len, from))
            }
            None => {
                if let Some(waker) = waker {
                    inner.reader = Some(waker.clone());
                }
                None
            }
        }
    }
}

impl Network for Wire {
    fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn DatagramSocket>> {
        let inbox = Arc::<Inbox>::default();
        if self.0.lock().sockets.insert(address, Arc::clone(&inbox)).is_some() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(Box::new(Socket { address, air: Arc::clone(&self.0), inbox }))
    }
}

impl DatagramSocket for Socket {
    fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        match self.inbox.pop(buffer, Some(context.waker())) {
            Some(received) => Poll::Ready(Ok(received)),
            None => Poll::Pending,
        }
    }

    fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.inbox.pop(buffer, None).ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        if self.air.bench.reach() {
            let (now, life) = (self.air.bench.now(), self.air.bench.life());
            let (from, bytes) = (self.address, bytes.to_vec());
            let datagram = Datagram { from, to, bytes, message: None, life, replayed: false };
            let mut inner = self.air.lock();
            inner.outgoing.push(datagram.clone());
            self.air.bench.pulse.notify_one();
            if let Some(&device) = inner.owners.get(&to) {
                inner.fly(now, device, 1, datagram);
            }
        }
        Ok(())
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
