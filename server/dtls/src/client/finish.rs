//! From the keys on: both Finished messages, and the session.

use subtle::ConstantTimeEq as _;

use super::{FATAL, Handshake, State, hello::Terms};
use crate::{
    Alert, Reason,
    cipher::{Keys, Side},
    flight::Flight,
    handshake::{Context, Fall, Next},
    message::{Fragment, Message, Reassembly, kind},
    prf::MasterSecret,
    record::{ALERT, HANDSHAKE, MAX_PLAINTEXT, MAX_SEQUENCE, Record},
    session::{Beginning, LastFlight, Opened, Resumption, Session, Unopened},
};

/// The longest message under the keys: a Finished, and room for what has no place there to be seen as such.
const FINISHED: usize = 64;

/// What a handshake has once its keys are made.
pub(super) struct Keyed {
    pub(super) session: Session,
    resumption: Resumption,
    /// Of messages under the keys.
    reassembly: Reassembly,
    /// Whether it goes on with the keys of an earlier session: then the server's Finished comes first.
    resumed: bool,
}

impl Keyed {
    pub(super) fn new(
        handshake: &Handshake,
        cx: &Context<'_>,
        terms: Terms,
        master: MasterSecret,
        resumed: bool,
    ) -> Self {
        let keys = Keys::derive(
            terms.suite,
            terms.encrypt_then_mac,
            Side::Client,
            &master,
            &handshake.proposal.random,
            &terms.server_random,
        );
        let beginning = Beginning {
            id: handshake.session,
            tag: handshake.tag(),
            // All sessions that this side begins have one tag: they do not make room for each other.
            shared: true,
            peer: handshake.to,
            keys,
            peer_cid: &terms.connection_id,
            own_cid: false,
            max_plaintext: MAX_PLAINTEXT,
            // A client's session does not outlive its process: nothing is reserved ahead.
            reserved: MAX_SEQUENCE,
        };
        let session = Session::new(cx.now, beginning);
        let resumption = Resumption {
            suite: terms.suite,
            shared: true,
            extended_master_secret: terms.extended_master_secret,
            session_id: terms.session_id,
            master,
        };
        let next = handshake.reassembly.next_sequence();
        Self { session, resumption, reassembly: Reassembly::new(next, FINISHED), resumed }
    }

    pub(super) fn master(&self) -> &MasterSecret {
        &self.resumption.master
    }
}

impl Handshake {
    /// Takes a record of epoch 1, which may be the server's Finished. One that comes before there are keys comes again.
    pub(super) fn handle_protected(
        &mut self,
        cx: &mut Context<'_>,
        record: Record<'_>,
    ) -> Result<Next, Fall> {
        let State::Finishing(keyed) = &mut self.state else {
            cx.counters.records_unexpected += 1;
            return Ok(Next::Waits);
        };
        match keyed.session.open(cx.now, record) {
            Ok(Opened { kind: HANDSHAKE, plaintext, .. }) => {
                let mut rest = &*plaintext;
                while let Some(fragment) = Fragment::next(&mut rest)? {
                    keyed.reassembly.take(fragment);
                }
                match keyed.reassembly.pop() {
                    Some(message) => self.finished(cx, &message),
                    None => Ok(Next::Waits),
                }
            }
            Ok(Opened { kind: ALERT, plaintext, .. }) => alert(plaintext).map(|()| Next::Waits),
            Ok(Opened { .. }) => {
                cx.counters.records_unexpected += 1;
                Ok(Next::Waits)
            }
            Err(Unopened::Replayed) => {
                cx.counters.records_replayed += 1;
                Ok(Next::Waits)
            }
            Err(Unopened::Forged) => {
                cx.counters.records_unauthenticated += 1;
                Ok(Next::Waits)
            }
        }
    }

    /// RFC 5246 §7.4.9: what the server vouches for is what came here.
    fn finished(&mut self, cx: &mut Context<'_>, message: &Message) -> Result<Next, Fall> {
        if message.kind != kind::FINISHED {
            return Err(Fall::unexpected(message.kind));
        }
        let State::Finishing(keyed) = &self.state else { return Ok(Next::Waits) };
        let expected = keyed.master().verify_data(b"server finished", &self.hash());
        if !bool::from(expected[..].ct_eq(&message.body)) {
            return Err(Fall::new(Reason::WrongFinished, Alert::DECRYPT_ERROR));
        }
        if keyed.resumed {
            let master = keyed.master().clone();
            self.transcript.extend_from_slice(&message.whole());
            self.flight = Flight::default();
            self.say_finished(&master);
            self.send_flight(cx);
        }
        self.established(cx)
    }

    fn established(&mut self, cx: &mut Context<'_>) -> Result<Next, Fall> {
        let State::Finishing(keyed) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Next::Waits);
        };
        self.retransmission.stop();
        let mut session = keyed.session;
        if keyed.resumed {
            cx.counters.sessions_resumed += 1;
            // RFC 6347 §4.2.4: until the server is heard to have it.
            let flight = std::mem::take(&mut self.flight);
            session.set_last_flight(Some(LastFlight { flight, clear: self.next_record }));
        }
        if !keyed.resumption.session_id.is_empty() {
            session.set_resumption(Some(keyed.resumption));
        }
        Ok(Next::Established(Box::new(session)))
    }
}

/// What a server says that gives up; close_notify is as good as that before there is a session.
pub(super) fn alert(body: &[u8]) -> Result<(), Fall> {
    match *body {
        [level, alert] if level == FATAL || Alert(alert) == Alert::CLOSE_NOTIFY => {
            Err(Fall::silent(Reason::AlertReceived(Alert(alert))))
        }
        _ => Ok(()),
    }
}
