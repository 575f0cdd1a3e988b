//! The task that owns a secure socket and its engine: it feeds the engine and does what the engine wants done.
//!
//! `handshakes` is what it does for those who want to come in.

mod handshakes;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use dtls::{Computed, Ended, Endpoint, Event, HandshakeId, Output, Saved, SendError, SessionId};
use fleet::{
    CredentialId, DiaryCause, Identity, Incident, ListenerId, Opening, Origin, Purpose, SecureSession,
    SecureSessionId, SessionMark, Source, Timestamp,
};
use tokio::{sync::mpsc, time::Instant};
use tracing::{debug, warn};

use super::{Ask, Gate, Refused, Role, look::Look};
use crate::{
    clock::Clock,
    endpoint::{Batch, Incoming, sessions::Heard, socket::DatagramSocket},
};
use handshakes::{Entering, tag};

/// Runs a secure socket.
pub(crate) struct Doorkeeper {
    id: ListenerId,
    name: String,
    socket: Box<dyn DatagramSocket>,
    purpose: Purpose,
    /// Nobody else keeps what was heard of its sessions.
    keeps_heard: bool,
    gate: Arc<dyn Gate>,
    clock: Clock,
    engine: Endpoint,
    asked: mpsc::Receiver<Ask>,
    ordered: mpsc::UnboundedReceiver<Ask>,
    /// When the session began that began last: of several of a device, the last is known by that.
    newest: Timestamp,
    /// For those who work beside it.
    answers: mpsc::Sender<Answer>,
    answered: mpsc::Receiver<Answer>,
    /// Who has asked something and is not in yet.
    entering: BTreeMap<HandshakeId, Entering>,
    /// Sessions that are being looked up, to tell of them again.
    introduced: BTreeSet<SecureSessionId>,
    /// What the shard has to be told, in order.
    arrived: Batch,
    /// What is to be kept of the sessions: which are over, and where no shard does it how far they were heard.
    ended: Vec<(SecureSessionId, bool)>,
    heard: BTreeMap<SecureSessionId, SessionMark>,
    /// Up to where sequence numbers could not be reserved: tried again with the next tick.
    unreserved: BTreeMap<SessionId, u64>,
    /// Credentials that ended a short while ago: what is brought back of theirs was read before.
    taken_back: BTreeMap<CredentialId, Duration>,
    counted: BTreeMap<&'static str, u64>,
}

/// What those say who work beside it.
enum Answer {
    Identified(HandshakeId, Result<Opening, Refused>),
    Computed(Computed),
    Admitted(HandshakeId, SecureSessionId, Result<(), Refused>),
    Resumed(HandshakeId, Option<SecureSession>),
    Introduced(SecureSessionId, Option<SecureSession>),
    /// Whether numbers up to there are kept.
    Reserved(SessionId, u64, bool),
    /// What could not be kept of those that are over.
    Kept(Vec<(SecureSessionId, bool)>),
}

/// The most datagrams between two looks at the rest of the world.
const BATCH: usize = 64;

/// The longest datagram there is.
const MAX_DATAGRAM: usize = 65_535;

/// How often it keeps what is to be kept in batches, and counts.
const TICK: Duration = Duration::from_secs(1);

/// How long it is remembered that a credential has ended: longer than sessions wait between the store and here.
const TAKEN_BACK_REMEMBERED: Duration = Duration::from_secs(60);

/// How many answers wait; those who give them wait for a place.
const MAX_ANSWERS: usize = 4_096;

impl Doorkeeper {
    #[expect(clippy::too_many_arguments, reason = "called once, by the listener that is its handle")]
    pub(super) fn new(
        id: ListenerId,
        name: String,
        socket: Box<dyn DatagramSocket>,
        role: Role,
        gate: Arc<dyn Gate>,
        clock: Clock,
        engine: Endpoint,
        asked: mpsc::Receiver<Ask>,
        ordered: mpsc::UnboundedReceiver<Ask>,
    ) -> Self {
        let (answers, answered) = mpsc::channel(MAX_ANSWERS);
        Self {
            id,
            name,
            socket,
            purpose: role.purpose(),
            // A shard keeps it, with the effects of what was heard.
            keeps_heard: role != Role::Management,
            gate,
            clock,
            engine,
            asked,
            ordered,
            answers,
            answered,
            entering: BTreeMap::new(),
            introduced: BTreeSet::new(),
            newest: Timestamp(0),
            arrived: Batch::new(),
            ended: Vec::new(),
            heard: BTreeMap::new(),
            unreserved: BTreeMap::new(),
            taken_back: BTreeMap::new(),
            counted: BTreeMap::new(),
        }
    }

    /// Receives until nobody wants the batches any more.
    pub(crate) async fn run(mut self, batches: mpsc::Sender<Batch>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        let mut tick = tokio::time::interval(TICK);
        loop {
            let wake = self.engine.poll_timeout().map_or(TICK, |at| at.saturating_sub(self.now()));
            tokio::select! {
                biased;
                Some(order) = self.ordered.recv() => self.do_as_asked(order),
                Some(answer) = self.answered.recv() => self.take(answer),
                Some(ask) = self.asked.recv() => {
                    self.do_as_asked(ask);
                    self.do_what_waits();
                }
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, address)) => {
                        self.handle(address, &mut buffer[..len]);
                        self.handle_waiting(&mut buffer);
                    }
                    // ICMP errors of earlier sends come up here; the socket goes on.
                    Err(error) => {
                        debug!(%error, "receiving failed");
                        tokio::task::yield_now().await;
                    }
                },
                () = tokio::time::sleep_until(Instant::now() + wake) => self.engine.handle_timeout(self.now()),
                _ = tick.tick() => self.tick(),
                () = batches.closed() => return,
            }
            self.drain();
            let arrived = std::mem::take(&mut self.arrived);
            // Waiting here is the back-pressure: the kernel's buffer fills, and what exceeds it is sent again by CON.
            if !arrived.is_empty() && batches.send(arrived).await.is_err() {
                warn!("a secure socket's shard is gone");
                return;
            }
        }
    }

    fn handle_waiting(&mut self, buffer: &mut [u8]) {
        for _ in 1..BATCH {
            let Ok((len, address)) = self.socket.try_recv_from(buffer) else { return };
            self.handle(address, &mut buffer[..len]);
        }
    }

    fn do_what_waits(&mut self) {
        for _ in 1..BATCH {
            let Ok(ask) = self.asked.try_recv() else { return };
            self.do_as_asked(ask);
        }
    }

    fn handle(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        match Look::at(datagram) {
            Look::Dtls => self.engine.handle_datagram(self.now(), from, datagram),
            Look::Coap => {
                let detail = format!("a message of plain CoAP, {} bytes", datagram.len());
                self.tell(DiaryCause::PlainOnSecurePort, from, from.ip().to_string(), None, detail);
            }
            Look::Garbage => {
                metrics::counter!("muster_dtls_dropped_total", "reason" => "garbage").increment(1);
            }
        }
    }

    fn do_as_asked(&mut self, ask: Ask) {
        let now = self.now();
        match ask {
            Ask::Send(session, bytes) => match self.engine.send(now, SessionId(session.0), &bytes) {
                Ok(()) => {}
                Err(error) => {
                    metrics::counter!("muster_dtls_unsent_total").increment(1);
                    if !matches!(error, SendError::Unknown) {
                        debug!(%error, "a datagram was not sent");
                    }
                }
            },
            Ask::Confirm(session) => self.engine.confirm(SessionId(session.0)),
            Ask::Introduce(session) => self.introduce(session),
            Ask::End(credentials) => {
                for credential in credentials {
                    self.engine.end_tag(now, tag(credential));
                    self.taken_back.insert(credential, now);
                    self.take_back(credential);
                }
            }
            Ask::Replace(session) => self.engine.replace(SessionId(session.0)),
            Ask::Restore(sessions) => {
                for session in sessions {
                    self.restore(session);
                }
            }
        }
    }

    fn restore(&mut self, session: SecureSession) {
        let is_taken_back = self.taken_back.contains_key(&session.identity.credential);
        // Or listeners have changed places since.
        if is_taken_back || session.identity.purpose != self.purpose {
            self.ended.push((session.id, false));
            return;
        }
        let origin = Origin { source: session.source, identity: Some(session.identity) };
        let (id, restored) = (session.id, restored(origin, &session));
        self.newest = self.newest.max(session.began_at);
        match self.engine.restore(self.now(), &saved(session)) {
            Ok(()) => self.arrived.push(restored),
            Err(error) => {
                warn!(%error, "a session could not be brought back");
                self.ended.push((id, false));
            }
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { to, bytes } => self.transmit(to, &bytes),
                Output::Event(event) => self.follow(event),
            }
        }
    }

    fn follow(&mut self, event: Event) {
        match event {
            Event::Received { session, peer, is_certain, received, plaintext, .. } => {
                let (source, session) = (self.source(peer), SecureSessionId(session.0));
                if self.keeps_heard {
                    let at = self.clock.now().wall;
                    self.heard.insert(session, SessionMark { id: session, received, source, is_certain, at });
                }
                let heard = Heard { session, is_certain, received };
                self.arrived.push(Incoming::Datagram(source, Some(heard), plaintext));
            }
            Event::Moved { session, from, to, .. } => {
                let (session, from, to) = (SecureSessionId(session.0), self.source(from), self.source(to));
                self.arrived.push(Incoming::SessionMoved { session, from, to });
            }
            Event::Ended { session, peer, why, .. } => {
                let (name, resumable) = match why {
                    Ended::ByPeer(_) => ("client", true),
                    Ended::ByCaller => ("revoked", false),
                    Ended::Replaced => ("replaced", false),
                    Ended::Idle => ("idle", false),
                    Ended::Room => ("room", false),
                    Ended::UsedUp => ("used_up", false),
                };
                metrics::counter!("muster_dtls_sessions_ended_total", "why" => name).increment(1);
                let session = SecureSessionId(session.0);
                self.heard.remove(&session);
                self.ended.push((session, resumable));
                self.arrived.push(Incoming::SessionEnded(self.source(peer), session));
            }
            Event::Reserve { session, upto } => self.reserve(session, upto),
            Event::Identify { .. }
            | Event::Resume { .. }
            | Event::Compute(_)
            | Event::Opened { .. }
            | Event::Connected { .. }
            | Event::Failed(_) => self.attend(event),
        }
    }

    /// Looks up whose a session is, to tell of it.
    fn introduce(&mut self, session: SecureSessionId) {
        if self.introduced.insert(session) {
            let (gate, purpose) = (Arc::clone(&self.gate), self.purpose);
            self.beside(async move { gate.resumption(purpose, session).await }, move |found| {
                Answer::Introduced(session, found.flatten())
            });
        }
    }

    fn introduce_found(&mut self, id: SecureSessionId, found: Option<SecureSession>) {
        self.introduced.remove(&id);
        let (Some(session), Some(peer)) = (found, self.engine.peer_of(SessionId(id.0))) else { return };
        let origin = Origin { source: self.source(peer), identity: Some(session.identity) };
        self.arrived.push(restored(origin, &session));
    }

    fn reserve(&self, session: SessionId, upto: u64) {
        let gate = Arc::clone(&self.gate);
        self.beside(async move { gate.reserve(SecureSessionId(session.0), upto).await }, move |kept| {
            Answer::Reserved(session, upto, kept.unwrap_or(false))
        });
    }

    fn tick(&mut self) {
        let now = self.now();
        self.taken_back.retain(|_, at| now < *at + TAKEN_BACK_REMEMBERED);
        for (session, upto) in std::mem::take(&mut self.unreserved) {
            self.reserve(session, upto);
        }
        let (heard, ended) = (std::mem::take(&mut self.heard), std::mem::take(&mut self.ended));
        if !heard.is_empty() || !ended.is_empty() {
            let (gate, again) = (Arc::clone(&self.gate), ended.clone());
            self.beside(async move { gate.keep(heard.into_values().collect(), ended).await }, move |kept| {
                Answer::Kept(if kept == Some(true) { Vec::new() } else { again })
            });
        }
        self.count();
    }

    fn count(&mut self) {
        let usage = self.engine.usage();
        metrics::gauge!("muster_dtls_sessions", "listener" => self.name.clone()).set(usage.sessions as f64);
        metrics::gauge!("muster_dtls_handshakes", "listener" => self.name.clone())
            .set(usage.handshakes as f64);
        for (reason, count) in self.engine.counters().iter() {
            let before = self.counted.insert(reason, count).unwrap_or(0);
            metrics::counter!("muster_dtls_dropped_total", "reason" => reason).increment(count - before);
        }
    }

    fn transmit(&self, to: SocketAddr, bytes: &[u8]) {
        if let Err(error) = self.socket.try_send_to(bytes, to) {
            metrics::counter!("muster_datagrams_unsent_total").increment(1);
            debug!(net.peer = %to, %error, "a datagram was not sent");
        }
    }

    fn tell(
        &self,
        cause: DiaryCause,
        from: SocketAddr,
        subject: String,
        identity: Option<Identity>,
        detail: String,
    ) {
        let device = identity.and_then(|identity| identity.device());
        let (at, listener) = (self.clock.now().wall, self.name.clone());
        self.gate.incident(Incident { at, cause, subject, from, listener, device, detail });
    }

    fn source(&self, address: SocketAddr) -> Source {
        Source { listener: self.id, address }
    }

    fn now(&self) -> Duration {
        self.clock.now().mono
    }
}

fn restored(origin: Origin, session: &SecureSession) -> Incoming {
    let SecureSession { id, began_at, .. } = *session;
    Incoming::SessionRestored { origin, session: id, began_at, is_heard: session.was_heard() }
}

fn saved(session: SecureSession) -> Saved {
    Saved {
        id: SessionId(session.id.0),
        tag: tag(session.identity.credential),
        peer: session.source.address,
        reserved: session.reserved,
        received: session.received,
        state: zeroize::Zeroizing::new(session.state.as_bytes().to_vec()),
    }
}
