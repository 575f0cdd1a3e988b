//! A handshake as the client.
//!
//! ```text
//! Hello ─▶ Exchange ─▶ Agreeing ─▶ Signing ─▶ Finishing ─▶ established
//!   │         └───────────┴────────────────────▲
//!   └──────── the session is gone on with ─────┘
//! ```
//!
//! `hello` proposes and takes the server's choice, `exchange` the server's flight up to its ServerHelloDone, `answer` makes
//! ours, `finish` has the keys: both Finished messages and the session.

mod answer;
mod exchange;
mod finish;
mod hello;

use std::{net::SocketAddr, time::Duration};

use self::{answer::Signing, exchange::Exchange, finish::Keyed, hello::Proposal};
use crate::{
    Connect, Event, Failure, HandshakeId, Job, Reason, SessionId, Step, Suite,
    flight::{Flight, Limits, Retransmission},
    handshake::{Context, Fall, Next, Numbers},
    job::{Done, Fault, Work},
    message::{Fragment, Message, Reassembly, kind, write_message},
    prf::Transcript,
    record::{ALERT, HANDSHAKE, MAX_PLAINTEXT, Record},
};

/// RFC 5246 §7.2: the level of alerts that end things.
const FATAL: u8 = 2;

/// A handshake under way.
pub(crate) struct Handshake {
    id: HandshakeId,
    to: SocketAddr,
    /// The session it is to make.
    session: SessionId,
    ends_at: Duration,
    connect: Connect,
    /// The suites that are offered.
    offered: Vec<Suite>,
    state: State,
    proposal: Proposal,
    reassembly: Reassembly,
    /// The messages so far: to be hashed, and to be signed.
    transcript: Vec<u8>,
    /// Of the next message of ours.
    next_message: u16,
    /// Of the next record of ours in the clear.
    next_record: u64,
    flight: Flight,
    retransmission: Retransmission,
}

/// What is awaited.
enum State {
    /// A HelloVerifyRequest or the ServerHello.
    Hello,
    /// The rest of the server's flight.
    Exchange(Box<Exchange>),
    /// Our ephemeral key, the agreement, and what the server's signature is worth.
    Agreeing(Box<Exchange>),
    /// Our signature.
    Signing(Box<Signing>),
    /// The server's Finished.
    Finishing(Box<Keyed>),
    /// Nothing: a step took it and fell, or the session is there.
    Over,
}

impl Handshake {
    /// Sends the ClientHello. Fails where no suite goes with what is offered.
    pub(crate) fn begin(
        cx: &mut Context<'_>,
        id: HandshakeId,
        session: SessionId,
        to: SocketAddr,
        connect: Connect,
    ) -> Result<Self, Box<Failure>> {
        let mut handshake = Self {
            id,
            to,
            session,
            ends_at: cx.now + cx.config.bounds.handshake_time,
            offered: hello::suites(&connect),
            state: State::Hello,
            proposal: Proposal::new(&connect, cx.random),
            connect,
            reassembly: Reassembly::new(0, cx.config.bounds.message),
            transcript: Vec::new(),
            next_message: 0,
            next_record: 0,
            flight: Flight::default(),
            retransmission: Retransmission::idle(),
        };
        if handshake.offered.is_empty() {
            return Err(Box::new(handshake.fallen(Reason::NoCommonSuite)));
        }
        if !hello::is_sendable(&handshake.connect) {
            return Err(Box::new(
                handshake.fallen(Reason::TooMany { what: "bytes of an identity or a name" }),
            ));
        }
        handshake.say_hello(cx);
        Ok(handshake)
    }

    /// Takes a record from the server.
    pub(crate) fn handle_record(&mut self, cx: &mut Context<'_>, record: Record<'_>) -> Result<Next, Fall> {
        match (record.epoch, record.kind) {
            (0, HANDSHAKE) => self.handle_fragments(cx, record.body),
            // A server that gives up says so in the clear, as long as it has no keys or ours are others. If it was not the
            // server, it is this handshake alone that is harmed.
            (0, ALERT) => finish::alert(record.body).map(|()| Next::Waits),
            (1, _) => self.handle_protected(cx, record),
            // A ChangeCipherSpec says nothing that the epoch does not (RFC 6347 §4.1).
            _ => Ok(Next::Waits),
        }
    }

    /// What came of a job.
    pub(crate) fn computed(&mut self, cx: &mut Context<'_>, done: Result<Done, Fault>) -> Result<Next, Fall> {
        let done = done?;
        match (std::mem::replace(&mut self.state, State::Over), done) {
            (State::Agreeing(exchange), Done::Answered { public, secret }) => {
                Ok(self.agreed(cx, *exchange, &public, &secret))
            }
            (State::Signing(signing), Done::Signed { signature }) => {
                Ok(self.signed(cx, *signing, &signature))
            }
            (state, _) => {
                self.state = state;
                Ok(Next::Waits)
            }
        }
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Result<Next, Fall> {
        if self.ends_at <= cx.now {
            cx.counters.handshake_time += 1;
            return Err(Fall::silent(Reason::TimedOut));
        }
        if self.retransmission.due().is_some_and(|due| due <= cx.now) {
            self.retransmission.back_off(cx.now);
            cx.counters.retransmissions += 1;
            self.send_flight(cx);
        }
        Ok(Next::Waits)
    }

    /// When to call [`Self::handle_timeout`].
    pub(crate) fn due(&self) -> Duration {
        self.retransmission.due().map_or(self.ends_at, |due| due.min(self.ends_at))
    }

    /// The number of a record in the clear: of an alert.
    pub(crate) fn next_record(&mut self) -> u64 {
        let record = self.next_record;
        self.next_record += 1;
        record
    }

    pub(crate) fn to(&self) -> SocketAddr {
        self.to
    }

    pub(crate) fn fallen(&self, reason: Reason) -> Failure {
        Failure {
            handshake: Some(self.id),
            from: self.to,
            step: match &self.state {
                _ if reason == Reason::WrongFinished => Step::ServerFinished,
                State::Hello | State::Exchange(_) | State::Over => Step::ServerHello,
                State::Agreeing(_) | State::Signing(_) => Step::Caller,
                State::Finishing(_) => Step::ServerFinished,
            },
            reason,
            claim: None,
            tag: Some(self.tag()),
            offered: self.offered.iter().map(|suite| *suite as u16).collect(),
        }
    }

    fn handle_fragments(&mut self, cx: &mut Context<'_>, plaintext: &[u8]) -> Result<Next, Fall> {
        let mut rest = plaintext;
        // The rest of a record that can't be read is dropped: anyone may have sent it.
        while let Ok(Some(fragment)) = Fragment::next(&mut rest) {
            if fragment.header.kind == kind::HELLO_VERIFY_REQUEST && fragment.is_whole() {
                self.verify_hello(cx, fragment.bytes);
                continue;
            }
            // A Finished is never in the clear.
            if fragment.header.kind == kind::FINISHED
                || !matches!(self.state, State::Hello | State::Exchange(_))
            {
                cx.counters.messages_unexpected += 1;
                continue;
            }
            self.reassembly.take(fragment);
            while matches!(self.state, State::Hello | State::Exchange(_))
                && let Some(message) = self.reassembly.pop()
            {
                self.handle_message(cx, &message)?;
            }
        }
        Ok(Next::Waits)
    }

    fn handle_message(&mut self, cx: &mut Context<'_>, message: &Message) -> Result<(), Fall> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Hello => self.handle_server_hello(cx, message),
            State::Exchange(exchange) => self.handle_exchange(cx, exchange, message),
            _ => Err(Fall::unexpected(message.kind)),
        }
    }

    /// Writes a message of ours, of the number that is next, into the transcript.
    fn write(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let whole = write_message(kind, self.next_message, body);
        self.next_message = self.next_message.wrapping_add(1);
        self.transcript.extend_from_slice(&whole);
        whole
    }

    /// The same, as a part of the flight.
    fn say(&mut self, kind: u8, body: &[u8]) {
        let whole = self.write(kind, body);
        self.flight.message(whole);
    }

    fn hash(&self) -> [u8; 32] {
        let mut transcript = Transcript::default();
        transcript.add(&self.transcript);
        transcript.hash()
    }

    fn compute(&self, cx: &mut Context<'_>, work: Work) {
        cx.event(Event::Compute(Job { handshake: self.id, work }));
    }

    /// Sends the flight for the first time.
    fn begin_flight(&mut self, cx: &mut Context<'_>) {
        self.retransmission.begin(cx.now);
        self.send_flight(cx);
    }

    fn send_flight(&mut self, cx: &mut Context<'_>) {
        let limits = Limits { datagram: cx.config.mtu, plaintext: MAX_PLAINTEXT };
        let session = match &mut self.state {
            State::Finishing(keyed) => Some(&mut keyed.session),
            _ => None,
        };
        let mut numbers = Numbers { next_record: &mut self.next_record, session, random: &mut *cx.random };
        for datagram in self.flight.datagrams(limits, &mut numbers) {
            cx.transmit(self.to, datagram);
        }
    }
}
