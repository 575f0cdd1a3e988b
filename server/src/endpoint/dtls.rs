//! The secure sockets: LwM2M over DTLS 1.2 with pre-shared keys, by webrtc-dtls.
//!
//! Start with [`SecureListener`]: beside [`udp::Listener`], it hands over only what authenticated, each
//! datagram with its [`Origin`](fleet::Origin), and asks a [`Gate`] who may come in. Nothing outside this module knows the engine.
//!
//! A datagram is looked at (`record`), opened by its session (`session`, in the `table`), or handed to the task of a
//! handshake (`handshake`), which reads along (`exchange`, `hello`) with what the engine does (`engine`). The engine is
//! kept for the handshake only. The session lives on by its cipher alone: nothing in clear and nothing forged reaches
//! anything that could end it, and it takes 2.5 kB instead of 35.
//!
//! What this can't do with this engine:
//! * A stateless HelloVerifyRequest: the engine keeps 30 kB and computes for 0.2 ms for a ClientHello whose sender's
//!   address is not proved. [`Bounds::half_open`] is what stands against that. When it is reached, who was silent before
//!   the cookie makes room, so that it takes a flood of 1 100 ClientHellos a second to keep newcomers out.
//! * Connection ids, resumption (a ClientHello with a session id is refused), fragmented handshake messages, suites of
//!   CBC, certificates. Sessions do not outlive the process: [`SecureListener::close`] tells the clients so.

mod engine;
mod exchange;
mod failure;
mod gate;
mod half_open;
mod handshake;
mod hello;
mod malformed;
mod record;
mod session;
mod table;

#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fleet::{CredentialId, DeviceId, DiaryCause, Incident, ListenerId, Purpose, Source};
use futures::FutureExt;
use tokio::{
    net::UdpSocket,
    sync::{Notify, mpsc},
};
use tracing::{debug, error, warn};

pub(crate) use self::gate::{Gate, Refused};
use self::{
    failure::Failure,
    half_open::{Begun, Full, Start},
    handshake::Handshake,
    record::Look,
    session::Session,
    table::{Opened, Table},
};
use super::{Batch, Outlet, udp};
use crate::clock;

/// A bound socket of DTLS.
pub(crate) struct SecureListener {
    id: ListenerId,
    /// As the diary shows it.
    name: String,
    socket: UdpSocket,
    purpose: Purpose,
    gate: Arc<dyn Gate>,
    bounds: Bounds,
    table: Mutex<Table>,
    /// Something has arrived in the table that no datagram brought.
    wake: Notify,
}

/// What clients may make this listener hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Handshakes under way, at 30 kB each.
    pub(crate) half_open: usize,
    /// Handshakes under way from one network: /24 of IPv4, /56 of IPv6.
    pub(crate) half_open_of_prefix: usize,
    /// How long a client has to return the cookie.
    pub(crate) cookie_time: Duration,
    /// How long a handshake may take.
    pub(crate) handshake_time: Duration,
    /// Datagrams of one handshake.
    pub(crate) datagrams: usize,
    /// Bytes of one handshake.
    pub(crate) bytes: usize,
    /// Sessions; the one that was silent longest makes room.
    pub(crate) sessions: usize,
    /// How long a session may be silent.
    pub(crate) idle: Duration,
}

/// The most datagrams between two looks at the rest of the world.
const BATCH: usize = 64;

/// The longest datagram there is.
const MAX_DATAGRAM: usize = 65_535;

/// How often sessions are looked through for silent ones.
const SWEEP: Duration = Duration::from_secs(10);

impl SecureListener {
    /// Binds an address.
    pub(crate) fn bind(
        id: ListenerId,
        address: SocketAddr,
        purpose: Purpose,
        gate: Arc<dyn Gate>,
        bounds: Bounds,
    ) -> io::Result<Arc<Self>> {
        let socket = udp::bind(address)?;
        Ok(Arc::new(Self {
            id,
            name: format!("coaps://{}", socket.local_addr()?),
            socket,
            purpose,
            gate,
            bounds,
            table: Mutex::default(),
            wake: Notify::new(),
        }))
    }

    /// The address it is bound to.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Ends everything, and tells the clients: the keys go with the process, and a client that knows comes back by a
    /// handshake instead of talking to nobody.
    pub(crate) fn close(&self) {
        let goodbyes = self.table().close(self.id);
        self.say(goodbyes);
    }

    /// How many sessions there are.
    #[cfg(test)]
    pub(crate) fn sessions(&self) -> usize {
        self.table().sessions()
    }

    /// Receives until nobody wants the batches any more.
    pub(crate) async fn receive(self: Arc<Self>, batches: mpsc::Sender<Batch>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut sweep = tokio::time::interval(SWEEP.min(self.bounds.idle));
        loop {
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, address)) => {
                        self.handle(address, &buffer[..len]);
                        self.handle_waiting(&mut buffer);
                    }
                    // ICMP errors of earlier sends come up here; the socket goes on.
                    Err(error) => {
                        debug!(%error, "receiving failed");
                        tokio::task::yield_now().await;
                    }
                },
                () = self.wake.notified() => {}
                _ = sweep.tick() => self.sweep(),
                () = batches.closed() => return,
            }
            let arrived = self.table().take_arrived();
            if !arrived.is_empty() && batches.send(arrived).await.is_err() {
                warn!("a secure socket's shard is gone");
                return;
            }
        }
    }

    fn handle_waiting(self: &Arc<Self>, buffer: &mut [u8]) {
        for _ in 1..BATCH {
            let Ok((len, address)) = self.socket.try_recv_from(buffer) else { return };
            self.handle(address, &buffer[..len]);
        }
    }

    fn handle(self: &Arc<Self>, address: SocketAddr, datagram: &[u8]) {
        match Look::at(datagram) {
            Look::Dtls => self.handle_records(Source { listener: self.id, address }, datagram),
            Look::Coap => {
                let detail = format!("a message of plain CoAP, {} bytes", datagram.len());
                self.tell(DiaryCause::PlainOnSecurePort, address, None, None, detail);
            }
            Look::Garbage => self.drop_one("garbage"),
        }
    }

    /// What the session opens is its own; the rest belongs to a handshake.
    fn handle_records(self: &Arc<Self>, source: Source, datagram: &[u8]) {
        let now = Instant::now();
        let mut rest = Vec::new();
        for record in record::records(datagram) {
            let opened = if record.epoch == 0 { Opened::No } else { self.table().open(source, &record, now) };
            match opened {
                Opened::No => rest.extend(record.bytes),
                Opened::Yes | Opened::Ended(None) => {}
                Opened::Again(answer) => self.transmit(source.address, &answer),
                Opened::Ended(Some(answer)) => self.transmit(source.address, &answer),
            }
        }
        if !rest.is_empty() {
            self.handle_handshake(source.address, rest, now);
        }
    }

    fn handle_handshake(self: &Arc<Self>, peer: SocketAddr, records: Vec<u8>, now: Instant) {
        match record::records(&records).next().and_then(|first| hello::beginning(&first)) {
            Some(Ok(random)) => {
                let start = self.table().handshakes.start(peer, &random, now);
                match start {
                    Start::Anew if !self.begin(peer, random, now) => return,
                    Start::Anew | Start::UnderWay => {}
                    Start::TooSoon => return self.drop_one("hello_too_soon"),
                }
            }
            Some(Err(unacceptable)) if !self.table().handshakes.is_under_way(peer) => {
                return self.turn_away(peer, &unacceptable.into());
            }
            _ => {}
        }
        let delivered = self.table().handshakes.deliver(peer, records, now, &self.bounds);
        if let Err(reason) = delivered {
            self.drop_one(reason);
        }
    }

    /// Begins a handshake. False if there is no room.
    fn begin(self: &Arc<Self>, peer: SocketAddr, random: [u8; 32], now: Instant) -> bool {
        let begun = self.table().handshakes.begin(peer, random, now, &self.bounds);
        match begun {
            Ok(Begun { ticket, datagrams, reached }) => {
                if let Some(full) = reached {
                    self.tell_full(peer, full, "one that was silent made room");
                }
                self.negotiate(peer, ticket, datagrams);
                true
            }
            Err(full) => {
                self.tell_full(peer, full, "no more are begun");
                false
            }
        }
    }

    fn negotiate(self: &Arc<Self>, peer: SocketAddr, ticket: u64, datagrams: mpsc::Receiver<Vec<u8>>) {
        let listener = Arc::clone(self);
        let handshake = Handshake::new(Arc::clone(self), peer, ticket, datagrams);
        tokio::spawn(async move {
            if AssertUnwindSafe(handshake.run()).catch_unwind().await.is_err() {
                error!(net.peer = %peer, "the task of a handshake panicked");
                metrics::counter!("muster_dtls_panics_total").increment(1);
                listener.forget(peer, ticket);
                let detail = "the server failed within the handshake; its log says where".to_owned();
                listener.tell(DiaryCause::ServerUnavailable, peer, None, None, detail);
            }
        });
    }

    /// A ClientHello that no handshake begins with. The alert is shorter than what it answers.
    fn turn_away(&self, peer: SocketAddr, failure: &Failure) {
        if let Some(alert) = failure.alert() {
            self.transmit(peer, &alert.in_clear(0));
        }
        if let Some(cause) = failure.cause() {
            self.tell(cause, peer, None, None, failure.detail());
        }
    }

    fn tell_full(&self, peer: SocketAddr, full: Full, outcome: &str) {
        let (network, bits) = half_open::network(peer.ip());
        let network = format!("{network}/{bits}");
        let (reason, bound, detail) = match full {
            Full::All => ("handshakes", self.bounds.half_open, "from everywhere".to_owned()),
            Full::Prefix => (
                "handshakes_of_network",
                self.bounds.half_open_of_prefix,
                format!("from the network {network}"),
            ),
        };
        let detail = format!("{bound} handshakes {detail} are under way, and {outcome}");
        self.drop_one(reason);
        self.tell(DiaryCause::TooManyHandshakes, peer, Some(network), None, detail);
    }

    /// See [`Handshakes::verify`].
    fn verify(&self, peer: SocketAddr, ticket: u64) {
        self.table().handshakes.verify(peer, ticket);
    }

    /// See [`Handshakes::name`].
    fn name(&self, peer: SocketAddr, ticket: u64, credential: CredentialId) -> bool {
        self.table().handshakes.name(peer, ticket, credential)
    }

    /// Whether a handshake that was taken back was so for the next of its client.
    fn has_begun_anew(&self, peer: SocketAddr) -> bool {
        self.table().handshakes.is_under_way(peer)
    }

    /// See [`Handshakes::forget`].
    fn forget(&self, peer: SocketAddr, ticket: u64) -> bool {
        self.table().handshakes.forget(peer, ticket)
    }

    /// Lets a session in. False if its handshake was taken back meanwhile.
    fn establish(&self, peer: SocketAddr, ticket: u64, session: Session) -> bool {
        let mut table = self.table();
        if !table.handshakes.forget(peer, ticket) {
            return false;
        }
        let source = Source { listener: self.id, address: peer };
        let evicted = table.establish(source, session, &self.bounds);
        drop(table);
        self.say(evicted);
        self.wake.notify_one();
        true
    }

    fn sweep(&self) {
        let since = Instant::now().checked_sub(self.bounds.idle);
        let goodbyes = since.map(|since| self.table().sweep(self.id, since)).unwrap_or_default();
        self.say(goodbyes);
        let table = self.table();
        metrics::gauge!("muster_dtls_sessions", "listener" => self.name.clone()).set(table.sessions() as f64);
        metrics::gauge!("muster_dtls_handshakes", "listener" => self.name.clone())
            .set(table.handshakes.len() as f64);
    }

    fn transmit(&self, to: SocketAddr, bytes: &[u8]) {
        if let Err(error) = self.socket.try_send_to(bytes, to) {
            metrics::counter!("muster_datagrams_unsent_total").increment(1);
            debug!(net.peer = %to, %error, "a datagram was not sent");
        }
    }

    fn say(&self, goodbyes: impl IntoIterator<Item = (SocketAddr, Vec<u8>)>) {
        for (peer, bytes) in goodbyes {
            self.transmit(peer, &bytes);
        }
    }

    fn drop_one(&self, reason: &'static str) {
        metrics::counter!("muster_dtls_dropped_total", "reason" => reason).increment(1);
    }

    fn tell(
        &self,
        cause: DiaryCause,
        from: SocketAddr,
        subject: Option<String>,
        device: Option<DeviceId>,
        detail: String,
    ) {
        self.gate.incident(Incident {
            at: clock::wall(),
            cause,
            subject: subject.unwrap_or_else(|| from.ip().to_string()),
            from,
            listener: self.name.clone(),
            device,
            detail,
        });
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Each change of the table is whole before anything that could panic.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outlet for SecureListener {
    fn send(&self, to: SocketAddr, bytes: &[u8]) {
        let sealed = self.table().seal(to, bytes);
        match sealed {
            Some(record) => self.transmit(to, &record),
            None => metrics::counter!("muster_dtls_unsent_total").increment(1),
        }
    }

    // A handshake that has not named its credential yet is refused by `Gate::opened`, if the credential was revoked before.
    // A batch that was handed over before is the shard's to refuse, which orders this.
    fn end(&self, credentials: &[CredentialId]) {
        let goodbyes = self.table().revoke(self.id, credentials);
        self.say(goodbyes);
        self.wake.notify_one();
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            half_open: 1_024,
            half_open_of_prefix: 128,
            // A round trip of a cell at its edge takes ten.
            cookie_time: Duration::from_secs(20),
            handshake_time: Duration::from_secs(60),
            datagrams: 64,
            bytes: 32 << 10,
            sessions: 100_000,
            // Longer than the day that is the default lifetime of a registration.
            idle: Duration::from_secs(25 * 3_600),
        }
    }
}
