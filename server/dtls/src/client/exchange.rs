//! The server's flight behind its ServerHello: who it is, and its half of the agreement.

use super::{
    Handshake, State,
    hello::{Terms, illegal},
};
use crate::{
    Alert, Offer, Reason,
    handshake::{Context, Fall},
    job::{PeerKey, Proof, Work},
    message::{
        CertificateRequest, CertificateType, ECDSA_SHA256, ECDSA_SIGN, EcdhParams, Group, Message,
        ServerKeyExchange, chain, kind, lists, raw_key,
    },
    suite::KeyExchange,
};

/// What the server has said so far.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) terms: Terms,
    next: Awaited,
    agreement: Option<Agreement>,
    /// Whether it wants our certificate; and if so, whether we have one that it can verify.
    pub(super) wants_certificate: Option<bool>,
}

/// The server's half of an agreement, and its signature.
#[derive(Debug)]
struct Agreement {
    group: Group,
    public: Vec<u8>,
    proof: Option<Proof>,
}

/// The message that is next (RFC 5246 §7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Certificate,
    KeyExchange,
    /// Or the ServerHelloDone.
    CertificateRequest,
    Done,
}

impl Exchange {
    pub(super) fn new(terms: Terms) -> Self {
        let next = match terms.suite.key_exchange() {
            KeyExchange::EcdheEcdsa => Awaited::Certificate,
            KeyExchange::Psk | KeyExchange::EcdhePsk => Awaited::KeyExchange,
        };
        Self { terms, next, agreement: None, wants_certificate: None }
    }
}

impl Handshake {
    pub(super) fn handle_exchange(
        &mut self,
        cx: &mut Context<'_>,
        mut exchange: Box<Exchange>,
        message: &Message,
    ) -> Result<(), Fall> {
        let kx = exchange.terms.suite.key_exchange();
        self.transcript.extend_from_slice(&message.whole());
        exchange.next = match (message.kind, exchange.next) {
            (kind::CERTIFICATE, Awaited::Certificate) => {
                self.check_server(exchange.terms.server_certificate, &message.body)?;
                Awaited::KeyExchange
            }
            (kind::SERVER_KEY_EXCHANGE, Awaited::KeyExchange) => {
                exchange.agreement = self.agreement(&exchange.terms, &message.body)?;
                if kx == KeyExchange::EcdheEcdsa { Awaited::CertificateRequest } else { Awaited::Done }
            }
            (kind::CERTIFICATE_REQUEST, Awaited::CertificateRequest) => {
                exchange.wants_certificate = Some(self.can_prove(&exchange.terms, &message.body)?);
                Awaited::Done
            }
            (kind::SERVER_HELLO_DONE, Awaited::CertificateRequest | Awaited::Done) => {
                return self.done(cx, exchange, message);
            }
            // RFC 4279 §2: a server without a hint says nothing.
            (kind::SERVER_HELLO_DONE, Awaited::KeyExchange) if kx == KeyExchange::Psk => {
                return self.done(cx, exchange, message);
            }
            _ => return Err(Fall::unexpected(message.kind)),
        };
        self.state = State::Exchange(exchange);
        Ok(())
    }

    /// The server has said all.
    fn done(
        &mut self,
        cx: &mut Context<'_>,
        mut exchange: Box<Exchange>,
        message: &Message,
    ) -> Result<(), Fall> {
        if !message.body.is_empty() {
            return Err(Fall::malformed("server hello done"));
        }
        match exchange.agreement.take() {
            Some(Agreement { group, public, proof }) => {
                self.retransmission.stop();
                self.compute(cx, Work::Answer { group, public, proof });
                self.state = State::Agreeing(exchange);
            }
            None => self.answer_by_key(cx, exchange.terms),
        }
        Ok(())
    }

    /// The server is the one that is known, exactly: nobody else vouches for it.
    fn check_server(&self, kind: CertificateType, body: &[u8]) -> Result<(), Fall> {
        let is_known = match (&self.connect.offer, kind) {
            (Offer::RawPublicKey { server, .. }, CertificateType::RawPublicKey) => raw_key(body)? == server,
            (Offer::Certificate { server, .. }, CertificateType::X509) => {
                chain(body)?.first().is_some_and(|own| own == server)
            }
            _ => {
                return Err(Fall::new(
                    Reason::NoCommon { what: "certificate type" },
                    Alert::UNSUPPORTED_CERTIFICATE,
                ));
            }
        };
        if is_known { Ok(()) } else { Err(Fall::new(Reason::WrongServer, Alert::CERTIFICATE_UNKNOWN)) }
    }

    fn agreement(&self, terms: &Terms, body: &[u8]) -> Result<Option<Agreement>, Fall> {
        let of = |params: EcdhParams<'_>, proof| {
            Some(Agreement { group: params.group, public: params.public.to_vec(), proof })
        };
        Ok(match ServerKeyExchange::parse(terms.suite.key_exchange(), body)? {
            ServerKeyExchange::Psk { .. } => None,
            ServerKeyExchange::EcdhePsk { params, .. } => of(params, None),
            ServerKeyExchange::EcdheEcdsa { params, algorithm, signature } => {
                let key = match &self.connect.offer {
                    Offer::Certificate { server, .. } => PeerKey::Certificate(server.clone()),
                    Offer::RawPublicKey { server, .. } => PeerKey::Raw(server.clone()),
                    // No suite that signs is offered with a PSK.
                    Offer::Psk { .. } => return illegal("cipher suite"),
                };
                // RFC 8422 §5.4.
                let message = [&self.proposal.random[..], &terms.server_random, params.bytes].concat();
                of(params, Some(Proof { key, algorithm, message, signature: signature.to_vec() }))
            }
        })
    }

    /// Whether the server can verify what we sign. If not, the certificate we send is none (RFC 5246 §7.4.6).
    fn can_prove(&self, terms: &Terms, body: &[u8]) -> Result<bool, Fall> {
        let request = CertificateRequest::parse(body)?;
        let ours = match self.connect.offer {
            Offer::RawPublicKey { .. } => CertificateType::RawPublicKey,
            Offer::Certificate { .. } | Offer::Psk { .. } => CertificateType::X509,
        };
        Ok(request.types.contains(&ECDSA_SIGN)
            && lists(request.algorithms, ECDSA_SHA256)
            && terms.client_certificate == ours)
    }
}
