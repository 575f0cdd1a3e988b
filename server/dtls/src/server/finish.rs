//! From the keys on: both Finished messages, and the session.

use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Handshake, State};
use crate::{
    Alert, Event, Known, Reason,
    cipher::{Keys, Side},
    flight::{Flight, Limits},
    handshake::{Context, Fall, Next, Numbers},
    message::{Fragment, Message, Reassembly, kind},
    prf::{MasterSecret, psk_premaster},
    record::{ALERT, HANDSHAKE, Record, TLS12_CID},
    session::{Beginning, Finished, LastFlight, Opened, Resumption, Session, Unopened},
    suite::KeyExchange,
};

/// What a handshake has once its keys are made.
pub(super) struct Keyed {
    session: Session,
    master: MasterSecret,
    /// Of messages under the keys.
    reassembly: Reassembly,
    /// Whether it goes on with the keys of an earlier session: then our Finished goes first.
    resumed: bool,
}

impl Keyed {
    pub(super) fn new(handshake: &Handshake, cx: &Context<'_>, master: MasterSecret, resumed: bool) -> Self {
        let terms = handshake.terms.as_ref().expect("the terms are settled before there are keys");
        let known = handshake.known.as_ref().expect("whose the keys are is known before there are keys");
        let keys = Keys::derive(
            terms.suite,
            terms.encrypt_then_mac,
            Side::Server,
            &master,
            &terms.client_random,
            &terms.random,
        );
        let beginning = Beginning {
            id: handshake.session,
            tag: known.tag,
            shared: known.shared,
            peer: handshake.from,
            keys,
            peer_cid: terms.peer_cid.as_deref().unwrap_or_default(),
            own_cid: terms.peer_cid.is_some(),
            max_plaintext: terms.max_plaintext,
            reserved: cx.config.bounds.reserve,
        };
        let session = Session::new(cx.now, beginning);
        let next = handshake.reassembly.next_sequence();
        Self { session, master, reassembly: Reassembly::new(next, FINISHED), resumed }
    }
}

impl Handshake {
    /// The caller knows the client: the keys are made, and a Finished that waited is looked at.
    pub(super) fn derive(
        &mut self,
        cx: &mut Context<'_>,
        known: Known,
        agreed: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Next, Fall> {
        let terms = self.terms.as_ref().expect("the terms are settled before there are keys");
        let premaster = match (terms.key_exchange(), &known.key, agreed) {
            (KeyExchange::Psk, Some(key), None) => psk_premaster(key, None),
            (KeyExchange::EcdhePsk, Some(key), Some(agreed)) => psk_premaster(key, Some(&agreed)),
            (KeyExchange::EcdheEcdsa, _, Some(agreed)) => agreed,
            _ => return Err(Fall::new(Reason::Computation, Alert::INTERNAL_ERROR)),
        };
        let master = if terms.extended_master_secret {
            MasterSecret::derive_extended(&premaster, &self.session_hash)
        } else {
            MasterSecret::derive(&premaster, &terms.client_random, &terms.random)
        };
        self.known = Some(Known { key: None, ..known });
        let keyed = Keyed::new(self, cx, master, false);
        self.state = State::Finishing(Box::new(keyed));
        for mut early in std::mem::take(&mut self.early) {
            if matches!(self.state, State::Finishing(_)) {
                self.handle_finished(cx, early.record())?;
            }
        }
        Ok(Next::Waits)
    }

    /// Takes a record that may be the client's Finished.
    pub(super) fn handle_finished(&mut self, cx: &mut Context<'_>, record: Record<'_>) -> Result<Next, Fall> {
        let State::Finishing(keyed) = &mut self.state else { return Ok(Next::Waits) };
        let may_be_finished = record.kind == HANDSHAKE || record.kind == TLS12_CID;
        match keyed.session.open(cx.now, record) {
            Ok(Opened { kind: HANDSHAKE, plaintext, .. }) => {
                let mut rest = &*plaintext;
                while let Some(fragment) = Fragment::next(&mut rest)? {
                    keyed.reassembly.take(fragment);
                }
                let Some(message) = keyed.reassembly.pop() else { return Ok(Next::Waits) };
                self.finished(cx, &message)
            }
            Ok(Opened { kind: ALERT, plaintext, .. }) => match *plaintext {
                [FATAL, alert] | [_, alert @ 0] => Err(Fall::silent(Reason::AlertReceived(Alert(alert)))),
                _ => Ok(Next::Waits),
            },
            // Data of a client that does not wait: it comes again.
            Ok(_) => {
                cx.counters.records_unexpected += 1;
                Ok(Next::Waits)
            }
            Err(Unopened::Replayed) => {
                cx.counters.records_replayed += 1;
                Ok(Next::Waits)
            }
            Err(Unopened::Forged) if may_be_finished => {
                cx.counters.finished_undecryptable += 1;
                self.undecryptable += 1;
                // Most clients with another key give up without a word: nobody is to wait a minute to read of it.
                self.ends_at = self.ends_at.min(cx.now + LAST_TRY);
                if self.undecryptable < UNDECRYPTABLE {
                    return Ok(Next::Waits);
                }
                Err(Fall::new(Reason::WrongKey, Alert::DECRYPT_ERROR))
            }
            Err(Unopened::Forged) => {
                cx.counters.records_unauthenticated += 1;
                Ok(Next::Waits)
            }
        }
    }

    /// RFC 5246 §7.4.9: what the client vouches for is what came here.
    fn finished(&mut self, cx: &mut Context<'_>, message: &Message) -> Result<Next, Fall> {
        if message.kind != kind::FINISHED {
            return Err(Fall::unexpected(message.kind));
        }
        let State::Finishing(keyed) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Next::Waits);
        };
        let expected = keyed.master.verify_data(b"client finished", &self.transcript.hash());
        if !bool::from(expected[..].ct_eq(&message.body)) {
            return Err(Fall::new(Reason::WrongFinished, Alert::DECRYPT_ERROR));
        }
        self.transcript.add(&message.whole());
        self.retransmission.stop();
        if keyed.resumed {
            cx.counters.sessions_resumed += 1;
            return Ok(Next::Established(Box::new(keyed.session)));
        }
        self.flight = Flight::default();
        let whole = self.finish_flight(&keyed);
        // The client is to have it after a restart as well, if it is lost.
        self.ask_to_admit(cx, &keyed, &Finished { whole, clear: self.next_record });
        self.state = State::Opening(keyed);
        Ok(Next::Waits)
    }

    /// Ends our flight with the ChangeCipherSpec and our Finished, which is returned.
    pub(super) fn finish_flight(&mut self, keyed: &Keyed) -> Vec<u8> {
        let verify_data = keyed.master.verify_data(b"server finished", &self.transcript.hash());
        let whole = crate::message::write_message(kind::FINISHED, self.next_message, &verify_data);
        self.next_message = self.next_message.wrapping_add(1);
        self.transcript.add(&whole);
        self.flight.change_cipher_spec();
        self.flight.sealed(whole.clone());
        whole
    }

    /// Hands the session out, to be made durable.
    pub(super) fn ask_to_admit(&self, cx: &mut Context<'_>, keyed: &Keyed, finished: &Finished) {
        let terms = self.terms.as_ref().expect("the terms are settled before there are keys");
        let known = self.known.as_ref().expect("whose the keys are is known before there are keys");
        let resumption = Resumption {
            suite: terms.suite,
            shared: known.shared,
            extended_master_secret: terms.extended_master_secret,
            session_id: self.session_id.clone(),
            master: keyed.master.clone(),
        };
        cx.event(Event::Opened {
            handshake: self.id,
            session: keyed.session.save(&resumption, finished),
            resumed: keyed.resumed,
            claim: self.claim.clone(),
            server_name: terms.server_name.clone(),
        });
    }

    /// The session is durable: our flight may leave.
    pub(super) fn open(&mut self, cx: &mut Context<'_>, keyed: Box<Keyed>) -> Result<Next, Fall> {
        let resumed = keyed.resumed;
        self.state = State::Finishing(keyed);
        self.send(cx);
        if resumed {
            return Ok(Next::Waits);
        }
        let State::Finishing(keyed) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Next::Waits);
        };
        let mut session = keyed.session;
        // RFC 6347 §4.2.4: until the client is heard to have it.
        let flight = std::mem::take(&mut self.flight);
        session.set_last_flight(Some(LastFlight { flight, clear: self.next_record }));
        self.retransmission.stop();
        Ok(Next::Established(Box::new(session)))
    }

    /// Sends our flight, which is new.
    pub(super) fn send(&mut self, cx: &mut Context<'_>) {
        self.retransmission.begin(cx.now);
        self.transmit(cx);
    }

    pub(super) fn send_again(&mut self, cx: &mut Context<'_>) {
        cx.counters.retransmissions += 1;
        self.transmit(cx);
    }

    fn transmit(&mut self, cx: &mut Context<'_>) {
        let limits = self.limits(cx);
        let session = match &mut self.state {
            State::Finishing(keyed) => Some(&mut keyed.session),
            _ => None,
        };
        let mut numbers = Numbers { next_record: &mut self.next_record, session, random: &mut *cx.random };
        for datagram in self.flight.datagrams(limits, &mut numbers) {
            cx.transmit(self.from, datagram);
        }
    }

    fn limits(&self, cx: &Context<'_>) -> Limits {
        let plaintext = self.terms.as_ref().map_or(usize::MAX, |terms| terms.max_plaintext);
        Limits { datagram: cx.config.mtu, plaintext }
    }
}

/// How many Finished messages that can't be decrypted end a handshake.
const UNDECRYPTABLE: u8 = 3;

/// How long a client has that sent a Finished which can't be decrypted: time for three more, by the timer of RFC 6347.
const LAST_TRY: Duration = Duration::from_secs(10);

/// The longest message under the keys: a Finished, and room for what has no place there to be seen as such.
const FINISHED: usize = 64;

/// RFC 5246 §7.2.
const FATAL: u8 = 2;
