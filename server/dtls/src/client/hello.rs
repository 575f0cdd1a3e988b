//! What the client proposes, and what the server makes of it.

use rand::rngs::StdRng;

use super::{Exchange, Handshake, Keyed, State};
use crate::{
    Alert, Connect, Offer, Reason, Saved, Suite, Tag,
    flight::Flight,
    handshake::{Context, Fall, random_array},
    message::{
        CertificateType, ClientHello, ECDSA_SHA256, ECDSA_SHA384, Extensions, Group, HelloVerifyRequest,
        IDENTITY, Message, Reassembly, ServerHello, kind,
    },
    session::Resumption,
    suite::{KeyExchange, Protection},
};

/// How many times a server may ask for its cookie: once more for each secret that is changed meanwhile.
const VERIFICATIONS: u8 = 4;

/// The longest host name (RFC 1035 §2.3.4).
const NAME: usize = 255;

/// LwM2M's curve before the faster one.
const GROUPS: [u8; 4] = two([Group::Secp256r1 as u16, Group::X25519 as u16]);
const SIGNATURES: [u8; 4] = two([ECDSA_SHA256, ECDSA_SHA384]);

/// What stays the same in each ClientHello of a handshake.
pub(super) struct Proposal {
    pub(super) random: [u8; 32],
    /// The session that is to be gone on with.
    resumption: Option<Resumption>,
    cookie: Vec<u8>,
    verifications: u8,
}

/// What the server has chosen.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) suite: Suite,
    pub(super) server_random: [u8; 32],
    /// By which the session can be resumed; empty, if it can't.
    pub(super) session_id: Vec<u8>,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    /// What the server wants to be written to it.
    pub(super) connection_id: Vec<u8>,
    /// What the server's Certificate holds.
    pub(super) server_certificate: CertificateType,
    /// What it wants ours to hold.
    pub(super) client_certificate: CertificateType,
}

impl Proposal {
    pub(super) fn new(connect: &Connect, random: &mut StdRng) -> Self {
        let resumption = connect.resume.as_ref().and_then(Saved::resumption);
        Self { random: random_array(random), resumption, cookie: Vec::new(), verifications: 0 }
    }
}

/// The suites of `connect` that go with its offer.
pub(super) fn suites(connect: &Connect) -> Vec<Suite> {
    let wanted = if connect.suites.is_empty() { &Suite::ALL[..] } else { &connect.suites };
    let fits = |suite: &Suite| match connect.offer {
        Offer::Psk { .. } => suite.key_exchange() != KeyExchange::EcdheEcdsa,
        Offer::RawPublicKey { .. } | Offer::Certificate { .. } => {
            suite.key_exchange() == KeyExchange::EcdheEcdsa
        }
    };
    wanted.iter().copied().filter(fits).collect()
}

/// Whether what the caller gave fits into messages.
pub(super) fn is_sendable(connect: &Connect) -> bool {
    let identity = match &connect.offer {
        Offer::Psk { identity, .. } => (1..=IDENTITY).contains(&identity.len()),
        Offer::RawPublicKey { .. } | Offer::Certificate { .. } => true,
    };
    identity && connect.server_name.as_ref().is_none_or(|name| (1..=NAME).contains(&name.len()))
}

impl Handshake {
    /// Sends a ClientHello, the first or one with the cookie. The transcript begins with the last one.
    pub(super) fn say_hello(&mut self, cx: &mut Context<'_>) {
        let resumption = self.proposal.resumption.as_ref();
        let body = ClientHello::write(
            &self.proposal.random,
            resumption.map_or(&[], |resumption| &resumption.session_id),
            &self.proposal.cookie,
            &self.offered,
            &extensions(&self.connect, &self.offered),
        );
        self.reassembly = Reassembly::new(self.next_message, cx.config.bounds.message);
        self.flight = Flight::default();
        self.transcript.clear();
        self.say(kind::CLIENT_HELLO, &body);
        self.begin_flight(cx);
    }

    /// The server asks whether we are here (RFC 6347 §4.2.1). What can't be read, or comes again, is passed over.
    pub(super) fn verify_hello(&mut self, cx: &mut Context<'_>, body: &[u8]) {
        let Ok(HelloVerifyRequest { cookie }) = HelloVerifyRequest::parse(body) else {
            return;
        };
        if !matches!(self.state, State::Hello)
            || cookie == self.proposal.cookie
            || self.proposal.verifications == VERIFICATIONS
        {
            cx.counters.messages_unexpected += 1;
            return;
        }
        self.proposal.cookie = cookie.to_vec();
        self.proposal.verifications += 1;
        self.say_hello(cx);
    }

    pub(super) fn handle_server_hello(
        &mut self,
        cx: &mut Context<'_>,
        message: &Message,
    ) -> Result<(), Fall> {
        if message.kind != kind::SERVER_HELLO {
            return Err(Fall::unexpected(message.kind));
        }
        let hello = ServerHello::parse(&message.body)?;
        let terms = self.terms(&hello)?;
        // The ClientHello is said again until all of the server's flight is there (RFC 6347 §4.2.4).
        self.transcript.extend_from_slice(&message.whole());
        let Some(resumption) =
            self.proposal.resumption.take_if(|of_old| of_old.session_id == terms.session_id)
        else {
            self.state = State::Exchange(Box::new(Exchange::new(terms)));
            return Ok(());
        };
        // RFC 5246 §7.4.1.3, RFC 7627 §5.3: what was settled stays.
        if resumption.suite != terms.suite
            || resumption.extended_master_secret != terms.extended_master_secret
        {
            return illegal("session");
        }
        let keyed = Keyed::new(self, cx, terms, resumption.master, true);
        self.state = State::Finishing(Box::new(keyed));
        Ok(())
    }

    /// Whose the session is to be.
    pub(super) fn tag(&self) -> Tag {
        self.connect.resume.as_ref().map_or(Tag(0), |saved| saved.tag)
    }

    /// Whether the server has chosen from what was offered (RFC 5246 §7.4.1.3, §7.4.1.4).
    fn terms(&self, hello: &ServerHello<'_>) -> Result<Terms, Fall> {
        let Some(suite) = Suite::of(hello.suite).filter(|suite| self.offered.contains(suite)) else {
            return Err(Fall::new(Reason::NoCommonSuite, Alert::ILLEGAL_PARAMETER));
        };
        let ours = extensions(&self.connect, &self.offered);
        let theirs = &hello.extensions;
        let unasked = theirs.unknown
            || theirs.server_name.is_some() && ours.server_name.is_none()
            || theirs.max_fragment.is_some()
            || theirs.record_size_limit.is_some()
            || theirs.client_certificate_types.is_some() && ours.client_certificate_types.is_none()
            || theirs.server_certificate_types.is_some() && ours.server_certificate_types.is_none()
            || theirs.encrypt_then_mac && !ours.encrypt_then_mac
            || theirs.connection_id.is_some() && ours.connection_id.is_none();
        if unasked {
            return Err(Fall::new(Reason::Malformed { what: "extensions" }, Alert::UNSUPPORTED_EXTENSION));
        }
        // RFC 5746 §3.4.
        if theirs.renegotiation_info.is_some_and(|info| !info.is_empty()) {
            return Err(Fall::new(
                Reason::Malformed { what: "renegotiation_info" },
                Alert::HANDSHAKE_FAILURE,
            ));
        }
        // RFC 7366 §3: it is for CBC alone.
        if theirs.encrypt_then_mac && suite.protection() != Protection::Cbc {
            return illegal("encrypt_then_mac");
        }
        Ok(Terms {
            suite,
            server_random: *hello.random,
            session_id: hello.session_id.to_vec(),
            extended_master_secret: theirs.extended_master_secret,
            encrypt_then_mac: theirs.encrypt_then_mac,
            connection_id: theirs.connection_id.unwrap_or_default().to_vec(),
            server_certificate: certificate_type(theirs.server_certificate_types),
            client_certificate: certificate_type(theirs.client_certificate_types),
        })
    }
}

fn extensions<'a>(connect: &'a Connect, offered: &[Suite]) -> Extensions<'a> {
    let any = |exchange| offered.iter().any(|suite| suite.key_exchange() == exchange);
    let signs = any(KeyExchange::EcdheEcdsa);
    let agrees = signs || any(KeyExchange::EcdhePsk);
    const RAW: &[u8] = &[CertificateType::RawPublicKey as u8];
    let raw = matches!(connect.offer, Offer::RawPublicKey { .. });
    Extensions {
        server_name: connect.server_name.as_deref(),
        groups: agrees.then_some(&GROUPS),
        point_formats: agrees,
        signature_algorithms: signs.then_some(&SIGNATURES),
        client_certificate_types: raw.then_some(RAW),
        server_certificate_types: raw.then_some(RAW),
        encrypt_then_mac: offered.iter().any(|suite| suite.protection() == Protection::Cbc),
        extended_master_secret: true,
        connection_id: connect.connection_id.then_some(&[]),
        ..Extensions::default()
    }
}

/// X.509, where nothing else is said (RFC 7250 §4.2).
fn certificate_type(chosen: Option<&[u8]>) -> CertificateType {
    match chosen {
        Some([kind]) if *kind == CertificateType::RawPublicKey as u8 => CertificateType::RawPublicKey,
        _ => CertificateType::X509,
    }
}

/// RFC 5246 §7.2.2 illegal_parameter.
pub(super) fn illegal<T>(what: &'static str) -> Result<T, Fall> {
    Err(Fall::new(Reason::Malformed { what }, Alert::ILLEGAL_PARAMETER))
}

const fn two(numbers: [u16; 2]) -> [u8; 4] {
    let [[a, b], [c, d]] = [numbers[0].to_be_bytes(), numbers[1].to_be_bytes()];
    [a, b, c, d]
}
