//! One handshake: a task that stands between a client and the engine until the client has proved its key.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fleet::{DiaryCause, Identity, PskIdentity};
use tokio::sync::mpsc;
use tracing::debug;

use super::{
    SecureListener,
    engine::{Engine, Said},
    exchange::{self, Challenge, Exchange, NotFinished},
    failure::{Failure, Step},
    gate::Refused,
    hello,
    record::{self, Alert, Message, Record},
    session::Session,
};

/// A handshake under way.
pub(super) struct Handshake {
    listener: Arc<SecureListener>,
    peer: SocketAddr,
    ticket: u64,
    datagrams: mpsc::Receiver<Vec<u8>>,
    engine: Engine,
    exchange: Exchange,
    step: Step,
    begun: Instant,
    /// The identity that the client named, for the diary.
    named: Option<PskIdentity>,
    proving: Option<Proving>,
    /// The next sequence number of epoch 0, for an alert.
    next: u64,
    /// When a repeated flight may leave again, and how long after it the next.
    repeat: (Instant, Duration),
    /// What went wrong without ending it: anybody can send anything in the name of an address. It ends it if nothing better comes.
    noted: Option<Failure>,
    /// When a wrong key is told, unless the right one comes before.
    suspicion: Option<Instant>,
    /// Whether it was.
    told: bool,
    deadline: Instant,
}

/// From the ClientKeyExchange on.
struct Proving {
    identity: Identity,
    challenge: Challenge,
    key_exchange: Vec<u8>,
    /// How many records were no Finished of this key.
    wrong: u32,
    /// The sequence number of the record that was.
    proved: Option<u64>,
    last_flight: Option<Vec<u8>>,
}

/// How many Finished that can't be decrypted are taken for a wrong key: fewer may be forged or damaged.
const WRONG_KEYS: u32 = 3;

/// How long a Finished that can't be decrypted waits for one that can, until a person is told of a wrong key.
const SUSPICION: Duration = Duration::from_secs(1);

/// How long a handshake goes on after the client seems to have given up: an alert in clear may be forged.
const GRACE: Duration = Duration::from_secs(2);

/// The engine repeats its flight every second; RFC 6347 §4.2.4.1 wants each wait twice as long as the one before: this
/// is the second one, less what a timer may be early by.
const SECOND_WAIT: Duration = Duration::from_millis(1_900);

impl Handshake {
    /// A handshake that `datagrams` begin, from the ClientHello on.
    pub(super) fn new(
        listener: Arc<SecureListener>,
        peer: SocketAddr,
        ticket: u64,
        datagrams: mpsc::Receiver<Vec<u8>>,
    ) -> Self {
        let begun = Instant::now();
        let deadline = begun + listener.bounds.cookie_time.min(listener.bounds.handshake_time);
        Self {
            listener,
            peer,
            ticket,
            datagrams,
            engine: Engine::start(peer),
            exchange: Exchange::default(),
            step: Step::Cookie,
            begun,
            named: None,
            proving: None,
            next: 0,
            repeat: (begun, SECOND_WAIT),
            noted: None,
            suspicion: None,
            told: false,
            deadline,
        }
    }

    /// Runs to its end.
    pub(super) async fn run(mut self) {
        let outcome = self.negotiate().await;
        self.listener.forget(self.peer, self.ticket);
        if let Err(failure) = outcome {
            self.fail(&failure);
        }
    }

    async fn negotiate(&mut self) -> Result<(), Failure> {
        loop {
            let wake = self.suspicion.map_or(self.deadline, |at| at.min(self.deadline));
            tokio::select! {
                biased;
                said = self.engine.said() => match said {
                    Said::Datagram(datagram) => self.handle_said(&datagram)?,
                    Said::Done => return self.establish().await,
                    Said::Failed { reason, panic } => return Err(Failure::Engine { reason, panic }),
                },
                datagram = self.datagrams.recv() => {
                    let datagram = datagram.ok_or_else(|| self.taken_back())?;
                    for record in record::records(&datagram) {
                        self.handle_record(&record).await?;
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => match self.suspicion.take() {
                    Some(at) if at < self.deadline => {
                        let failure = self.silence();
                        self.tell(&failure);
                    }
                    _ => return Err(self.silence()),
                },
            }
        }
    }

    async fn handle_record(&mut self, record: &Record<'_>) -> Result<(), Failure> {
        match (record.epoch, record.kind) {
            (0, record::HANDSHAKE) => match record::messages(record.body) {
                Ok(messages) => {
                    for message in &messages {
                        self.handle_message(record, message).await?;
                    }
                }
                Err(malformed) => self.note(malformed.into()),
            },
            (0, record::ALERT) => {
                if let [record::FATAL, description] | [_, description @ 0] = *record.body {
                    self.note(Failure::Aborted(Alert(description), self.step));
                    self.deadline = self.deadline.min(Instant::now() + GRACE);
                }
            }
            (1, record::HANDSHAKE) => self.handle_finished(record)?,
            // A ChangeCipherSpec says nothing that the Finished does not.
            _ => {}
        }
        Ok(())
    }

    async fn handle_message(&mut self, record: &Record<'_>, message: &Message<'_>) -> Result<(), Failure> {
        match message.kind {
            record::CLIENT_HELLO => match self.exchange.client_hello(message) {
                Ok(Some(hello)) => {
                    if message.sequence > 0 && self.step == Step::Cookie {
                        self.step = Step::KeyExchange;
                        self.listener.verify(self.peer, self.ticket);
                        self.deadline = self.begun + self.listener.bounds.handshake_time;
                    }
                    self.engine.feed(record::record(record::HANDSHAKE, 0, record.sequence, &hello));
                }
                Ok(None) => {}
                Err(unacceptable) => self.note(Failure::Unacceptable(unacceptable)),
            },
            record::CLIENT_KEY_EXCHANGE if self.proving.is_none() && self.exchange.is_answered() => {
                match exchange::identity(message) {
                    Ok(identity) => self.ask(record, message, identity).await?,
                    Err(malformed) => self.note(malformed.into()),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks for the key before the engine does, which can't wait for an answer.
    async fn ask(
        &mut self,
        record: &Record<'_>,
        message: &Message<'_>,
        identity: &[u8],
    ) -> Result<(), Failure> {
        self.named = PskIdentity::new(identity).ok();
        let opening = self.listener.gate.opening(self.listener.purpose, identity);
        let opening = tokio::time::timeout_at(self.deadline.into(), opening)
            .await
            .map_err(|_| self.silence())?
            .map_err(|refused| self.refused(refused, identity))?;
        // From here on a revocation finds it.
        if !self.listener.name(self.peer, self.ticket, opening.identity.credential) {
            return Err(Failure::TakenBack);
        }
        let challenge = self.exchange.challenge(message, &opening.key).ok_or_else(|| Failure::Engine {
            reason: "no keys follow from the hellos".into(),
            panic: false,
        })?;
        self.engine.prove(opening.key);
        self.step = Step::Finished;
        self.proving = Some(Proving {
            identity: opening.identity,
            challenge,
            key_exchange: record::record(record::HANDSHAKE, 0, record.sequence, message.bytes),
            wrong: 0,
            proved: None,
            last_flight: None,
        });
        Ok(())
    }

    fn handle_finished(&mut self, record: &Record<'_>) -> Result<(), Failure> {
        let Some(proving) = self.proving.as_mut().filter(|proving| proving.proved.is_none()) else {
            return Ok(());
        };
        match proving.challenge.judge(record) {
            Ok(()) => {
                proving.proved = Some(record.sequence);
                self.suspicion = None;
                let sequence =
                    record::records(&proving.key_exchange).next().map_or(0, |first| first.sequence);
                self.engine.feed(proving.key_exchange.clone());
                self.engine.feed(record::record(record::CHANGE_CIPHER_SPEC, 0, sequence + 1, &[1]));
                self.engine.feed(record.bytes.to_vec());
                Ok(())
            }
            Err(NotFinished::Altered) => Err(Failure::Altered),
            Err(NotFinished::WrongKey) => {
                proving.wrong += 1;
                if proving.wrong < WRONG_KEYS {
                    if proving.wrong == 1 {
                        self.suspicion = Some(Instant::now() + SUSPICION);
                    }
                    return Ok(());
                }
                Err(Failure::WrongKey(proving.identity.device()))
            }
        }
    }

    fn handle_said(&mut self, datagram: &[u8]) -> Result<(), Failure> {
        let mut repeated = false;
        for record in record::records(datagram) {
            match (record.epoch, record.kind) {
                (0, record::CHANGE_CIPHER_SPEC) => {
                    // Held back until the gate has said yes: no client believes itself inside before it is.
                    let proving = self.proving.as_mut().filter(|proving| proving.proved.is_some());
                    let proving = proving.ok_or_else(|| Failure::Engine {
                        reason: "the engine is ahead of the client".into(),
                        panic: false,
                    })?;
                    let own = proving.challenge.own_last_flight(&record);
                    proving.last_flight = Some(own.unwrap_or_else(|| datagram.to_vec()));
                    return Ok(());
                }
                (0, record::HANDSHAKE) => {
                    for message in record::messages(record.body)? {
                        repeated |= self.exchange.sent(&message)?;
                    }
                }
                _ => {}
            }
            self.next = self.next.max(record.sequence + 1);
        }
        if repeated {
            let (at, wait) = self.repeat;
            if Instant::now() < at {
                return Ok(());
            }
            self.repeat = (Instant::now() + wait, wait * 2);
        }
        self.listener.transmit(self.peer, datagram);
        Ok(())
    }

    async fn establish(&mut self) -> Result<(), Failure> {
        let Some(Proving {
            identity, challenge, proved: Some(finished), last_flight: Some(last_flight), ..
        }) = self.proving.take()
        else {
            return Err(Failure::Engine { reason: "the engine ended early".into(), panic: false });
        };
        let opened = self.listener.gate.opened(identity, self.peer);
        tokio::time::timeout_at(self.deadline.into(), opened)
            .await
            .map_err(|_| self.silence())?
            .map_err(|refused| Failure::Refused { refused, proved: true })?;
        let session = Session::new(identity, challenge.keys, finished, &last_flight, Instant::now());
        if !self.listener.establish(self.peer, self.ticket, session) {
            return Err(Failure::TakenBack);
        }
        self.listener.transmit(self.peer, &last_flight);
        debug!(net.peer = %self.peer, "a secure session is open");
        Ok(())
    }

    /// A no before anything is proved, with what was wrong of an identity that can't be anybody's.
    fn refused(&self, mut refused: Refused, identity: &[u8]) -> Failure {
        if self.named.is_none() {
            refused.detail.push_str(&format!("; the one that the client named has {}", identity.len()));
        }
        Failure::Refused { refused, proved: false }
    }

    fn note(&mut self, failure: Failure) {
        metrics::counter!("muster_dtls_dropped_total", "reason" => "unfit_for_handshake").increment(1);
        self.noted = Some(failure);
    }

    /// What it means that nothing more comes.
    fn silence(&mut self) -> Failure {
        if let Some(Proving { identity, wrong: 1.., proved: None, .. }) = &self.proving {
            return Failure::WrongKey(identity.device());
        }
        self.noted.take().unwrap_or(Failure::TimedOut(self.step))
    }

    /// What it means that no datagrams will come any more.
    fn taken_back(&mut self) -> Failure {
        if self.listener.has_begun_anew(self.peer) {
            Failure::BegunAnew(Box::new(self.silence()))
        } else {
            Failure::TakenBack
        }
    }

    fn fail(&mut self, failure: &Failure) {
        if let Some(alert) = failure.alert() {
            self.listener.transmit(self.peer, &alert.in_clear(self.next));
        }
        self.tell(failure);
    }

    fn tell(&mut self, failure: &Failure) {
        let Some(cause) = failure.cause() else { return };
        if cause == DiaryCause::WrongKey && std::mem::replace(&mut self.told, true) {
            return;
        }
        if matches!(failure, Failure::Engine { panic: true, .. }) {
            metrics::counter!("muster_dtls_panics_total").increment(1);
        }
        let mut detail = failure.detail();
        if let (Some(suite), true) = (self.exchange.suite(), cause != DiaryCause::NoCommonSuite) {
            let (suite, offered) = (hello::names(&[suite]), hello::names(&self.exchange.offered));
            detail.push_str(&format!("; suite {suite} of the offered {offered}"));
        }
        let subject = self.named.as_ref().map(PskIdentity::text);
        self.listener.tell(cause, self.peer, subject, failure.device(), detail);
    }
}
