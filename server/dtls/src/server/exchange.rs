//! The client's flight, up to where the keys can be made.

use zeroize::Zeroizing;

use super::{Handshake, State};
use crate::{
    Alert, Claim, Event, Job, Reason, Untrusted,
    handshake::{Context, Fall, Next},
    job::{Agreement, Chain, PeerKey, Proof, Work},
    message::{
        CertificateType, CertificateVerify, ClientKeyExchange, ECDSA_SHA256, ECDSA_SHA384, Message, chain,
        kind, raw_key,
    },
    record::Record,
    suite::KeyExchange,
};

/// What has come of the client's flight.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Its certificate or raw key; what it is worth is not known yet.
    claim: Option<Claim>,
    /// Its point.
    public: Option<Vec<u8>>,
    /// What its CertificateVerify is to sign.
    signed: Vec<u8>,
}

/// A record under keys that are not there yet.
pub(super) struct Early {
    kind: u8,
    sequence: u64,
    cid: Vec<u8>,
    body: Vec<u8>,
}

impl Exchange {
    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.claim.is_none() && self.public.is_none()
    }
}

impl Handshake {
    pub(super) fn handle_exchange(&mut self, cx: &mut Context<'_>, message: Message) -> Result<Next, Fall> {
        let State::Exchange { private, exchange } = &mut self.state else { return Ok(Next::Waits) };
        let terms = self.terms.as_ref().expect("the terms are settled before anything is offered");
        let how = terms.key_exchange();
        match (how, message.kind) {
            (KeyExchange::EcdheEcdsa, kind::CERTIFICATE) if exchange.claim.is_none() => {
                exchange.claim = Some(certificate(terms.client_type, &message.body)?);
                self.hear(&message.whole());
                Ok(Next::Waits)
            }
            (KeyExchange::EcdheEcdsa, kind::CERTIFICATE_VERIFY) if exchange.public.is_some() => {
                let CertificateVerify { algorithm, signature } = CertificateVerify::parse(&message.body)?;
                if ![ECDSA_SHA256, ECDSA_SHA384].contains(&algorithm) {
                    return Err(Fall::new(Reason::WrongSignature, Alert::ILLEGAL_PARAMETER));
                }
                let claim = exchange.claim.take().expect("the certificate came before the key");
                let proof = Proof {
                    key: claim_key(&claim),
                    algorithm,
                    message: std::mem::take(&mut exchange.signed),
                    signature: signature.to_vec(),
                };
                let chain = match &claim {
                    Claim::Certificate { chain, .. } => {
                        Some(Chain { certificates: chain.clone(), trust: cx.trust.clone() })
                    }
                    _ => None,
                };
                let public = exchange.public.take().expect("it was seen above");
                let private = private.take().expect("a point of ours was offered");
                self.hear(&message.whole());
                self.claim = Some(claim);
                self.accept(cx, Agreement { private, public }, Some(proof), chain)
            }
            (_, kind::CLIENT_KEY_EXCHANGE)
                if exchange.public.is_none()
                    && (how == KeyExchange::EcdheEcdsa) == exchange.claim.is_some() =>
            {
                let key = ClientKeyExchange::parse(how, &message.body)?;
                match key {
                    ClientKeyExchange::Psk { identity } => {
                        self.claim = Some(Claim::Psk(identity.to_vec()));
                        self.hear_key(&message);
                        self.identify(cx, None)
                    }
                    ClientKeyExchange::EcdhePsk { identity, public } => {
                        let private = private.take().expect("a point of ours was offered");
                        self.claim = Some(Claim::Psk(identity.to_vec()));
                        let agreement = Agreement { private, public: public.to_vec() };
                        self.hear_key(&message);
                        self.accept(cx, agreement, None, None)
                    }
                    ClientKeyExchange::EcdheEcdsa { public } => {
                        exchange.public = Some(public.to_vec());
                        let mut messages = self.messages.take().unwrap_or_default();
                        messages.extend_from_slice(&message.whole());
                        exchange.signed = messages;
                        self.hear_key(&message);
                        Ok(Next::Waits)
                    }
                }
            }
            (_, kind) => Err(Fall::unexpected(kind)),
        }
    }

    /// Takes the ClientKeyExchange, up to which the session hash goes (RFC 7627 §3).
    fn hear_key(&mut self, message: &Message) {
        self.hear(&message.whole());
        self.session_hash = self.transcript.hash();
    }

    fn accept(
        &mut self,
        cx: &mut Context<'_>,
        agreement: Agreement,
        proof: Option<Proof>,
        chain: Option<Chain>,
    ) -> Result<Next, Fall> {
        self.state = State::Accepting;
        self.retransmission.stop();
        cx.event(Event::Compute(Job { handshake: self.id, work: Work::Accept { agreement, proof, chain } }));
        Ok(Next::Waits)
    }

    /// The agreement is made, and the proof was good.
    pub(super) fn accepted(
        &mut self,
        cx: &mut Context<'_>,
        secret: Zeroizing<Vec<u8>>,
        verdict: Option<Result<(), Untrusted>>,
    ) -> Result<Next, Fall> {
        if let (Some(Claim::Certificate { trusted, .. }), Some(verdict)) = (&mut self.claim, verdict) {
            *trusted = verdict;
        }
        self.identify(cx, Some(secret))
    }

    fn identify(&mut self, cx: &mut Context<'_>, agreed: Option<Zeroizing<Vec<u8>>>) -> Result<Next, Fall> {
        let terms = self.terms.as_ref().expect("the terms are settled before anything is offered");
        self.state = State::Identifying { agreed };
        self.retransmission.stop();
        cx.event(Event::Identify {
            handshake: self.id,
            from: self.from,
            claim: self.claim.clone().expect("who came so far has claimed something"),
            server_name: terms.server_name.clone(),
            suite: terms.suite,
        });
        Ok(Next::Waits)
    }
}

impl Early {
    /// Keeps a record, unless there are enough: who sends more sends them again.
    pub(super) fn keep(kept: &mut Vec<Self>, record: Record<'_>) {
        if kept.len() < RECORDS && record.body.len() <= BYTES {
            let (cid, body) = (record.cid.to_vec(), record.body.to_vec());
            kept.push(Self { kind: record.kind, sequence: record.sequence, cid, body });
        }
    }

    pub(super) fn record(&mut self) -> Record<'_> {
        Record { kind: self.kind, epoch: 1, sequence: self.sequence, cid: &self.cid, body: &mut self.body }
    }
}

/// A Certificate message of the client's: it must have one.
fn certificate(kind: CertificateType, body: &[u8]) -> Result<Claim, Fall> {
    let none = || Fall::new(Reason::NoCertificate, Alert::HANDSHAKE_FAILURE);
    match kind {
        CertificateType::X509 => {
            let chain: Vec<_> = chain(body)?.into_iter().map(<[u8]>::to_vec).collect();
            if chain.is_empty() {
                return Err(none());
            }
            // Nothing vouches for it until a job has looked.
            Ok(Claim::Certificate { chain, trusted: Err(Untrusted::UnknownIssuer) })
        }
        CertificateType::RawPublicKey => {
            let key = raw_key(body)?;
            if key.is_empty() { Err(none()) } else { Ok(Claim::RawPublicKey(key.to_vec())) }
        }
    }
}

fn claim_key(claim: &Claim) -> PeerKey {
    match claim {
        Claim::Certificate { chain, .. } => PeerKey::Certificate(chain[0].clone()),
        Claim::RawPublicKey(key) | Claim::Psk(key) => PeerKey::Raw(key.clone()),
    }
}

/// How many records are kept until there are keys, and how long each may be: a Finished, sent again a few times.
const RECORDS: usize = 4;
const BYTES: usize = 256;
