//! A handshake as the server, from the ClientHello whose cookie was good.
//!
//! ```text
//! Hello ─▶ Resuming ─▶ Offering ─▶ Exchange ─▶ Accepting ─▶ Identifying ─▶ Finishing ─▶ Opening ─▶ established
//!             └──────────────▶ Opening ─▶ Finishing ─▶ established
//! ```
//!
//! `terms` chooses what both sides do, `offer` makes our flights, `exchange` takes the client's up to its key, `finish` has
//! the keys: both Finished messages and the session.

mod exchange;
mod finish;
mod offer;
mod terms;

use std::{net::SocketAddr, time::Duration};

use ring::agreement::EphemeralPrivateKey;
use zeroize::Zeroizing;

use self::{
    exchange::{Early, Exchange},
    finish::Keyed,
    terms::Terms,
};
use crate::{
    Alert, Claim, Failure, HandshakeId, Known, Reason, Saved, SessionId, Step,
    flight::{Flight, Retransmission},
    handshake::{Context, Fall, Next},
    job::{Done, Fault},
    message::{Fragment, Message, Reassembly, Taken, kind},
    prf::Transcript,
    record::{HANDSHAKE, Record},
};

/// A handshake under way.
pub(crate) struct Handshake {
    id: HandshakeId,
    from: SocketAddr,
    /// The session it is to make.
    session: SessionId,
    ends_at: Duration,
    /// Of the ClientHello, by which it is known again.
    client_random: [u8; 32],
    state: State,
    terms: Option<Terms>,
    reassembly: Reassembly,
    transcript: Transcript,
    /// The messages themselves, where they are to be signed.
    messages: Option<Vec<u8>>,
    /// Of the next message of ours.
    next_message: u16,
    /// Of the next record of ours in the clear.
    next_record: u64,
    /// The newest record of the client's that took the handshake further.
    heard: u64,
    flight: Flight,
    retransmission: Retransmission,
    early: Vec<Early>,
    /// RFC 7627 §3.
    session_hash: [u8; 32],
    undecryptable: u8,
    datagrams: usize,
    bytes: usize,
    claim: Option<Claim>,
    known: Option<Known>,
    /// By which the session can be resumed; empty, if it can't.
    session_id: Vec<u8>,
    offered: Vec<u16>,
}

/// What is awaited.
enum State {
    /// The rest of the ClientHello.
    Hello,
    /// The caller's answer to [`Event::Resume`](crate::Event::Resume), with the ClientHello.
    Resuming(Message),
    /// Our ephemeral key and signature.
    Offering,
    /// The client's flight up to its key, or its proof.
    Exchange { private: Option<EphemeralPrivateKey>, exchange: Exchange },
    /// The agreement, and what the client's proof is worth.
    Accepting,
    /// The caller's answer to [`Event::Identify`](crate::Event::Identify).
    Identifying { agreed: Option<Zeroizing<Vec<u8>>> },
    /// The client's Finished.
    Finishing(Box<Keyed>),
    /// The caller's answer to [`Event::Opened`](crate::Event::Opened).
    Opening(Box<Keyed>),
    /// Nothing: a step took it and fell.
    Over,
}

/// Where a ClientHello is found good.
#[derive(Clone, Copy)]
pub(crate) struct Begin {
    pub(crate) id: HandshakeId,
    pub(crate) session: SessionId,
    pub(crate) from: SocketAddr,
    pub(crate) client_random: [u8; 32],
    /// Of the ClientHello.
    pub(crate) message: u16,
    /// Of the record it, or its first fragment, came in.
    pub(crate) record: u64,
}

impl Handshake {
    /// A handshake that is to be given the ClientHello, or its first fragment, as any other message.
    pub(crate) fn begin(cx: &Context<'_>, begin: Begin) -> Self {
        Self {
            id: begin.id,
            from: begin.from,
            session: begin.session,
            ends_at: cx.now + cx.config.bounds.handshake_time,
            client_random: begin.client_random,
            state: State::Hello,
            terms: None,
            reassembly: Reassembly::new(begin.message, cx.config.bounds.message),
            transcript: Transcript::default(),
            messages: None,
            // RFC 6347 §4.2.1, §4.2.2: as if the HelloVerifyRequest, of which nothing is kept, was counted.
            next_message: begin.message,
            next_record: begin.record,
            heard: begin.record,
            flight: Flight::default(),
            retransmission: Retransmission::idle(),
            early: Vec::new(),
            session_hash: [0; 32],
            undecryptable: 0,
            datagrams: 0,
            bytes: 0,
            claim: None,
            known: None,
            session_id: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// Takes note of a datagram. False if that is more than may be.
    pub(crate) fn count(&mut self, cx: &mut Context<'_>, bytes: usize) -> bool {
        let bounds = &cx.config.bounds;
        if self.datagrams >= bounds.datagrams {
            cx.counters.datagrams += 1;
            return false;
        }
        if self.bytes + bytes > bounds.bytes {
            cx.counters.bytes += 1;
            return false;
        }
        self.datagrams += 1;
        self.bytes += bytes;
        true
    }

    /// Takes a fragment that came in the clear.
    pub(crate) fn handle_fragment(
        &mut self,
        cx: &mut Context<'_>,
        record: u64,
        fragment: Fragment<'_>,
    ) -> Result<Next, Fall> {
        // A Finished is never in the clear, and once there are keys nothing else is of use.
        let expected = match self.state {
            State::Hello => fragment.header.kind == kind::CLIENT_HELLO,
            State::Exchange { .. } => fragment.header.kind != kind::FINISHED,
            _ => false,
        };
        if !expected {
            cx.counters.messages_unexpected += 1;
            return Ok(Next::Waits);
        }
        match self.reassembly.take(fragment) {
            Taken::Kept => {}
            Taken::Old => {
                cx.counters.messages_unexpected += 1;
                return Ok(Next::Waits);
            }
            Taken::Refused("message length") => cx.counters.message += 1,
            Taken::Refused(_) => cx.counters.messages_malformed += 1,
        }
        let mut next = Next::Waits;
        while matches!((&next, &self.state), (Next::Waits, State::Hello | State::Exchange { .. })) {
            let Some(message) = self.reassembly.pop() else { break };
            self.heard = self.heard.max(record);
            next = self.handle_message(cx, message)?;
        }
        Ok(next)
    }

    fn handle_message(&mut self, cx: &mut Context<'_>, message: Message) -> Result<Next, Fall> {
        match self.state {
            State::Hello => self.handle_hello(cx, message),
            _ => self.handle_exchange(cx, message),
        }
    }

    /// Takes a record of epoch 1, which may be the client's Finished.
    pub(crate) fn handle_protected(
        &mut self,
        cx: &mut Context<'_>,
        record: Record<'_>,
    ) -> Result<Next, Fall> {
        match self.state {
            State::Finishing(_) => self.handle_finished(cx, record),
            State::Exchange { .. } | State::Accepting | State::Identifying { .. } => {
                if record.kind == HANDSHAKE || !record.cid.is_empty() {
                    Early::keep(&mut self.early, record);
                } else {
                    cx.counters.records_unexpected += 1;
                }
                Ok(Next::Waits)
            }
            _ => {
                cx.counters.records_unexpected += 1;
                Ok(Next::Waits)
            }
        }
    }

    /// The ClientHello has come again: so does our flight, if it is the last thing that was sent.
    pub(crate) fn repeat(&mut self, cx: &mut Context<'_>) {
        if self.retransmission.due().is_some() {
            self.send_again(cx);
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
            self.send_again(cx);
        }
        Ok(Next::Waits)
    }

    /// When to call [`Self::handle_timeout`].
    pub(crate) fn due(&self) -> Duration {
        self.retransmission.due().map_or(self.ends_at, |due| due.min(self.ends_at))
    }

    /// What came of a job.
    pub(crate) fn computed(&mut self, cx: &mut Context<'_>, done: Result<Done, Fault>) -> Result<Next, Fall> {
        let done = done?;
        match (&self.state, done) {
            (State::Offering, Done::Offered { private, public, signature }) => {
                self.offer(cx, Some((private, public)), signature)
            }
            (State::Accepting, Done::Accepted { secret, trusted }) => self.accepted(cx, secret, trusted),
            _ => Ok(Next::Waits),
        }
    }

    /// What the caller says of the client's claim.
    pub(crate) fn identified(
        &mut self,
        cx: &mut Context<'_>,
        known: Result<Known, Alert>,
    ) -> Result<Next, Fall> {
        let State::Identifying { agreed } = &mut self.state else { return Ok(Next::Waits) };
        let agreed = agreed.take();
        let known = known.map_err(|alert| Fall::new(Reason::Refused(alert), alert))?;
        self.derive(cx, known, agreed)
    }

    /// What the caller has of the session that the client wants to go on with.
    pub(crate) fn resumed(&mut self, cx: &mut Context<'_>, session: Option<&Saved>) -> Result<Next, Fall> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Resuming(hello) => self.go_on(cx, &hello, session),
            state => {
                self.state = state;
                Ok(Next::Waits)
            }
        }
    }

    /// Whether the session is durable.
    pub(crate) fn admitted(
        &mut self,
        cx: &mut Context<'_>,
        admitted: Result<(), Alert>,
    ) -> Result<Next, Fall> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Opening(keyed) => {
                admitted.map_err(|alert| Fall::new(Reason::Refused(alert), alert))?;
                self.open(cx, keyed)
            }
            state => {
                self.state = state;
                Ok(Next::Waits)
            }
        }
    }

    pub(crate) fn from(&self) -> SocketAddr {
        self.from
    }

    /// The session it is to make, whose connection id its client uses.
    pub(crate) fn session(&self) -> SessionId {
        self.session
    }

    /// By which its ClientHello is known again.
    pub(crate) fn client_random(&self) -> &[u8; 32] {
        &self.client_random
    }

    /// Whether it still takes fragments of its ClientHello.
    pub(crate) fn awaits_hello(&self) -> bool {
        matches!(self.state, State::Hello)
    }

    /// Since when nothing has come of its peer, if that is all since its ClientHello.
    pub(crate) fn silent_since(&self, handshake_time: Duration) -> Option<Duration> {
        let is_silent = match &self.state {
            State::Hello => true,
            State::Exchange { exchange, .. } => exchange.is_empty(),
            _ => false,
        };
        is_silent.then(|| self.ends_at.saturating_sub(handshake_time))
    }

    /// Whose it is, as far as that is known.
    pub(crate) fn tag(&self) -> Option<crate::Tag> {
        self.known.as_ref().map(|known| known.tag)
    }

    /// Whether an alert in the clear may end it: there are no keys yet, and the record is what the client would send next.
    pub(crate) fn believes(&self, record: u64) -> bool {
        let keyed = matches!(self.state, State::Finishing(_) | State::Opening(_));
        !keyed && (self.heard + 1..=self.heard + PLAUSIBLE).contains(&record)
    }

    /// An alert to the client, in the clear.
    pub(crate) fn next_record(&mut self) -> u64 {
        let record = self.next_record;
        self.next_record += 1;
        record
    }

    pub(crate) fn fallen(&self, reason: Reason) -> Failure {
        let reason = match reason {
            // Whose key is another mostly gives up or begins anew before its third Finished.
            Reason::TimedOut | Reason::BegunAnew if self.undecryptable > 0 => Reason::WrongKey,
            reason => reason,
        };
        Failure {
            handshake: Some(self.id),
            from: self.from,
            step: match &self.state {
                _ if matches!(reason, Reason::WrongKey | Reason::WrongFinished) => Step::Finished,
                State::Hello => Step::ClientHello,
                State::Exchange { .. } => Step::ClientKeyExchange,
                State::Finishing(_) => Step::Finished,
                State::Over if self.terms.is_none() => Step::ClientHello,
                _ => Step::Caller,
            },
            reason,
            claim: self.claim.clone(),
            tag: self.tag(),
            offered: self.offered.clone(),
        }
    }
}

/// How many records the one that is believed may be ahead: a flight and what was lost of it.
const PLAUSIBLE: u64 = 64;
