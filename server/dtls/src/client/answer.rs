//! The client's second flight: its certificate, its key exchange, its proof, and its Finished.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Exchange, Handshake, Keyed, State, hello::Terms};
use crate::{
    Offer, SigningKey,
    flight::Flight,
    handshake::{Context, Next},
    job::Work,
    message::{CertificateVerify, ClientKeyExchange, ECDSA_SHA256, kind, write_chain, write_raw_key},
    prf::{MasterSecret, psk_premaster},
    suite::KeyExchange,
};

/// The flight waits for our signature.
pub(super) struct Signing {
    terms: Terms,
    master: MasterSecret,
}

impl Handshake {
    /// Answers where the key alone is the secret (RFC 4279 §2).
    pub(super) fn answer_by_key(&mut self, cx: &mut Context<'_>, terms: Terms) {
        let (identity, key) = self.psk();
        let premaster = psk_premaster(&key, None);
        self.flight = Flight::default();
        let master = self.say_key(&terms, &ClientKeyExchange::Psk { identity: &identity }, &premaster);
        self.finish_flight(cx, terms, master);
    }

    /// Our half of the agreement is there, and the server has proved itself.
    pub(super) fn agreed(
        &mut self,
        cx: &mut Context<'_>,
        exchange: Exchange,
        public: &[u8],
        secret: &[u8],
    ) -> Next {
        let terms = exchange.terms;
        self.flight = Flight::default();
        if terms.suite.key_exchange() == KeyExchange::EcdhePsk {
            let (identity, key) = self.psk();
            let premaster = psk_premaster(&key, Some(secret));
            let master = self.say_key(
                &terms,
                &ClientKeyExchange::EcdhePsk { identity: &identity, public },
                &premaster,
            );
            self.finish_flight(cx, terms, master);
            return Next::Waits;
        }
        let key = exchange.wants_certificate.and_then(|can_prove| self.say_certificate(can_prove));
        let master = self.say_key(&terms, &ClientKeyExchange::EcdheEcdsa { public }, secret);
        match key {
            Some(key) => {
                // RFC 5246 §7.4.8: over all messages up to here.
                self.compute(cx, Work::Sign { key, message: self.transcript.clone() });
                self.state = State::Signing(Box::new(Signing { terms, master }));
            }
            None => self.finish_flight(cx, terms, master),
        }
        Next::Waits
    }

    /// Our signature is there.
    pub(super) fn signed(&mut self, cx: &mut Context<'_>, signing: Signing, signature: &[u8]) -> Next {
        let verify = CertificateVerify { algorithm: ECDSA_SHA256, signature };
        self.say(kind::CERTIFICATE_VERIFY, &verify.write());
        self.finish_flight(cx, signing.terms, signing.master);
        Next::Waits
    }

    /// Says our certificate, or that there is none. With the key that is to prove it.
    fn say_certificate(&mut self, can_prove: bool) -> Option<Arc<SigningKey>> {
        let (key, body) = match &self.connect.offer {
            Offer::RawPublicKey { key, .. } if can_prove => (Some(key), write_raw_key(key.public())),
            Offer::Certificate { key, chain, .. } if can_prove => (Some(key), write_chain(chain)),
            _ => (None, write_chain(&[])),
        };
        let key = key.cloned();
        self.say(kind::CERTIFICATE, &body);
        key
    }

    /// Says our key exchange. With the master secret that comes of it.
    fn say_key(&mut self, terms: &Terms, exchange: &ClientKeyExchange<'_>, premaster: &[u8]) -> MasterSecret {
        self.say(kind::CLIENT_KEY_EXCHANGE, &exchange.write());
        if terms.extended_master_secret {
            MasterSecret::derive_extended(premaster, &self.hash())
        } else {
            MasterSecret::derive(premaster, &self.proposal.random, &terms.server_random)
        }
    }

    /// Ends the flight by our Finished, and sends it.
    fn finish_flight(&mut self, cx: &mut Context<'_>, terms: Terms, master: MasterSecret) {
        self.say_finished(&master);
        let keyed = Keyed::new(self, cx, terms, master, false);
        self.state = State::Finishing(Box::new(keyed));
        self.begin_flight(cx);
    }

    /// ChangeCipherSpec and Finished.
    pub(super) fn say_finished(&mut self, master: &MasterSecret) {
        let verify_data = master.verify_data(b"client finished", &self.hash());
        let finished = self.write(kind::FINISHED, &verify_data);
        self.flight.change_cipher_spec();
        self.flight.sealed(finished);
    }

    fn psk(&self) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
        match &self.connect.offer {
            Offer::Psk { identity, key } => (identity.clone(), key.clone()),
            Offer::RawPublicKey { .. } | Offer::Certificate { .. } => {
                unreachable!("suites by PSK are offered with a PSK alone")
            }
        }
    }
}
