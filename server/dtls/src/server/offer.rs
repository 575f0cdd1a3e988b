//! The ClientHello, and the flight that answers it.

use ring::agreement::EphemeralPrivateKey;
use subtle::ConstantTimeEq;

use super::{Exchange, Handshake, Keyed, State, Terms, terms::Credential};
use crate::{
    Alert, Event, Job, Known, Reason, Saved, SessionId,
    handshake::{Context, Fall, Next, random_array},
    job::{Signed, Work},
    message::{
        CertificateRequest, ClientHello, ECDSA_SHA256, ECDSA_SHA384, ECDSA_SIGN, EcdhParams, Message,
        ServerKeyExchange, kind, write_chain, write_message, write_raw_key,
    },
    record::VERSION_1_2,
    session::{Finished, Resumption},
    suite::KeyExchange,
};

/// Our session ids: the [`SessionId`], and as many bytes at random.
pub(super) const SESSION_ID: usize = 16;

impl Handshake {
    pub(super) fn handle_hello(&mut self, cx: &mut Context<'_>, message: Message) -> Result<Next, Fall> {
        let hello = ClientHello::parse(&message.body)?;
        self.offered = hello.suites().collect();
        // RFC 6347 §4.2.1: later versions are smaller numbers.
        if hello.version > VERSION_1_2 {
            return Err(Fall::new(Reason::Version(hello.version), Alert::PROTOCOL_VERSION));
        }
        self.transcript.add(&message.whole());
        let named = hello.session_id.first_chunk().filter(|_| hello.session_id.len() == SESSION_ID);
        let Some(named) = named.filter(|_| cx.config.resumption) else { return self.choose(cx, &message) };
        let session = SessionId(u64::from_be_bytes(*named));
        cx.event(Event::Resume { handshake: self.id, session });
        self.state = State::Resuming(message);
        Ok(Next::Waits)
    }

    /// The full handshake.
    fn choose(&mut self, cx: &mut Context<'_>, message: &Message) -> Result<Next, Fall> {
        let hello = ClientHello::parse(&message.body)?;
        let terms = Terms::of(&hello, cx.config, random_array(cx.random))?;
        if cx.config.resumption {
            self.session_id = [self.session.0.to_be_bytes(), random_array(cx.random)].concat();
        }
        if terms.key_exchange() == KeyExchange::EcdheEcdsa {
            self.messages = Some(message.whole());
        }
        let signed = terms.credential.as_ref().map(|credential| Signed {
            key: credential.key().clone(),
            randoms: [terms.client_random, terms.random]
                .concat()
                .try_into()
                .expect("two randoms are of 64 bytes"),
        });
        let group = terms.group;
        self.terms = Some(terms);
        let Some(group) = group else { return self.offer(cx, None, None) };
        self.state = State::Offering;
        cx.event(Event::Compute(Job { handshake: self.id, work: Work::Offer { group, signed } }));
        Ok(Next::Waits)
    }

    /// Our first flight.
    pub(super) fn offer(
        &mut self,
        cx: &mut Context<'_>,
        share: Option<(EphemeralPrivateKey, Vec<u8>)>,
        signature: Option<Vec<u8>>,
    ) -> Result<Next, Fall> {
        let terms = self.terms.take().expect("the terms are settled before anything is offered");
        let (private, public) = share.unzip();
        self.say(kind::SERVER_HELLO, &terms.server_hello(&self.session_id, &self.session.0.to_be_bytes()));
        match &terms.credential {
            Some(Credential::Certificate { chain, .. }) => self.say(kind::CERTIFICATE, &write_chain(chain)),
            Some(Credential::Raw(key)) => self.say(kind::CERTIFICATE, &write_raw_key(key.public())),
            None => {}
        }
        if let (Some(group), Some(public)) = (terms.group, &public) {
            let bytes = EcdhParams::write(group, public);
            let params = EcdhParams { group, public, bytes: &bytes };
            let exchange = match &signature {
                Some(signature) => {
                    ServerKeyExchange::EcdheEcdsa { params, algorithm: ECDSA_SHA256, signature }
                }
                None => ServerKeyExchange::EcdhePsk { hint: &[], params },
            };
            self.say(kind::SERVER_KEY_EXCHANGE, &exchange.write());
        }
        if terms.credential.is_some() {
            let algorithms = [ECDSA_SHA256.to_be_bytes(), ECDSA_SHA384.to_be_bytes()].concat();
            let request = CertificateRequest { types: &[ECDSA_SIGN], algorithms: &algorithms };
            self.say(kind::CERTIFICATE_REQUEST, &request.write());
        }
        self.say(kind::SERVER_HELLO_DONE, &[]);
        self.terms = Some(terms);
        self.state = State::Exchange { private, exchange: Exchange::default() };
        self.send(cx);
        Ok(Next::Waits)
    }

    /// Goes on with a session of old, if it is the one the client names and all is as it was; else makes a full handshake.
    pub(super) fn go_on(
        &mut self,
        cx: &mut Context<'_>,
        message: &Message,
        saved: Option<&Saved>,
    ) -> Result<Next, Fall> {
        let hello = ClientHello::parse(&message.body)?;
        let fits = |old: &Resumption| {
            let same: bool = old.session_id.as_slice().ct_eq(hello.session_id).into();
            // RFC 7627 §5.3.
            let extended = old.extended_master_secret == hello.extensions.extended_master_secret;
            same && extended && hello.offers(old.suite) && cx.config.suites.contains(&old.suite)
        };
        let old = saved.and_then(|saved| Some((saved.tag, saved.resumption().filter(fits)?)));
        let Some((tag, old)) = old else {
            cx.counters.resumptions_refused += 1;
            return self.choose(cx, message);
        };
        let terms = Terms::resuming(old.suite, &hello, cx.config, random_array(cx.random))?;
        self.session_id.clone_from(&old.session_id);
        self.say(kind::SERVER_HELLO, &terms.server_hello(&self.session_id, &self.session.0.to_be_bytes()));
        self.terms = Some(terms);
        self.known = Some(Known { tag, key: None, shared: old.shared });
        let keyed = Keyed::new(self, cx, old.master, true);
        self.finish_flight(&keyed);
        self.ask_to_admit(cx, &keyed, &Finished::default());
        self.state = State::Opening(Box::new(keyed));
        Ok(Next::Waits)
    }

    /// Adds a message of ours to the flight.
    pub(super) fn say(&mut self, kind: u8, body: &[u8]) {
        let whole = write_message(kind, self.next_message, body);
        self.next_message = self.next_message.wrapping_add(1);
        self.hear(&whole);
        self.flight.message(whole);
    }

    /// Takes a message, of either side, into what both Finished messages vouch for.
    pub(super) fn hear(&mut self, whole: &[u8]) {
        self.transcript.add(whole);
        if let Some(messages) = &mut self.messages {
            messages.extend_from_slice(whole);
        }
    }
}
