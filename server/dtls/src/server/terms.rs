//! What a server takes of what a client proposes, and what it answers.

use std::sync::Arc;

use crate::{
    Alert, Config, Reason, ServerIdentity, SigningKey, Suite,
    handshake::Fall,
    message::{CertificateType, ClientHello, ECDSA_SHA256, Extensions, Group, MaxFragment, ServerHello},
    record::MAX_PLAINTEXT,
    suite::{KeyExchange, Protection},
};

/// What both sides are to do.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) suite: Suite,
    pub(super) client_random: [u8; 32],
    pub(super) random: [u8; 32],
    pub(super) server_name: Option<String>,
    /// What we prove ourselves by, unless that is a pre-shared key.
    pub(super) credential: Option<Credential>,
    pub(super) client_type: CertificateType,
    pub(super) group: Option<Group>,
    pub(super) extended_master_secret: bool,
    pub(super) encrypt_then_mac: bool,
    /// What our records to the client carry (RFC 9146), and whether its records to us carry one.
    pub(super) peer_cid: Option<Vec<u8>>,
    /// The longest plaintext to send.
    pub(super) max_plaintext: usize,
    /// Answers to what was offered.
    max_fragment: Option<MaxFragment>,
    record_size_limit: bool,
    client_types: bool,
    server_types: bool,
    point_formats: bool,
    renegotiation_info: bool,
}

/// What a server proves itself by.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    Certificate { chain: Vec<Vec<u8>>, key: Arc<SigningKey> },
    Raw(Arc<SigningKey>),
}

/// What one suite needs beside both sides' knowing it.
struct Means {
    credential: Option<Credential>,
    client_type: CertificateType,
    group: Option<Group>,
}

impl Terms {
    /// The first suite of ours that the client offers and that all is there for.
    pub(super) fn of(hello: &ClientHello<'_>, config: &Config, random: [u8; 32]) -> Result<Self, Fall> {
        let mut wanting = None;
        for suite in config.suites.iter().copied().filter(|suite| hello.offers(*suite)) {
            match Means::of(suite, hello, config) {
                Ok(Some(means)) => return Self::by(suite, means, hello, config, random),
                Ok(None) => {}
                Err(what) => wanting = wanting.or(Some(what)),
            }
        }
        let reason = wanting.map_or(Reason::NoCommonSuite, |what| Reason::NoCommon { what });
        // RFC 7250 §4.2.
        let certificate_type = matches!(reason, Reason::NoCommon { what: CERTIFICATE_TYPE });
        let alert = if certificate_type { Alert::UNSUPPORTED_CERTIFICATE } else { Alert::HANDSHAKE_FAILURE };
        Err(Fall::new(reason, alert))
    }

    /// For going on with a session of old, whose suite is `suite`.
    pub(super) fn resuming(
        suite: Suite,
        hello: &ClientHello<'_>,
        config: &Config,
        random: [u8; 32],
    ) -> Result<Self, Fall> {
        let means = Means { credential: None, client_type: CertificateType::X509, group: None };
        Self::by(suite, means, hello, config, random)
    }

    fn by(
        suite: Suite,
        means: Means,
        hello: &ClientHello<'_>,
        config: &Config,
        random: [u8; 32],
    ) -> Result<Self, Fall> {
        let said = &hello.extensions;
        // RFC 5746 §3.6: not empty in a first handshake is an attack.
        if said.renegotiation_info.is_some_and(|info| !info.is_empty()) {
            return Err(Fall::malformed("renegotiation info"));
        }
        let limit = said.record_size_limit.map(usize::from);
        // RFC 8449 §5: it stands in place of max_fragment_length.
        let max_fragment = said.max_fragment.filter(|_| limit.is_none());
        let max_plaintext = limit.or_else(|| max_fragment.map(MaxFragment::len)).unwrap_or(MAX_PLAINTEXT);
        let cbc = suite.protection() == Protection::Cbc;
        let certified = means.credential.is_some();
        Ok(Self {
            suite,
            client_random: *hello.random,
            random,
            server_name: said.server_name.map(str::to_owned),
            extended_master_secret: said.extended_master_secret,
            // RFC 7366 §3: with other suites it is not to be answered.
            encrypt_then_mac: said.encrypt_then_mac && cbc,
            peer_cid: said.connection_id.filter(|_| config.connection_ids).map(<[u8]>::to_vec),
            max_plaintext: max_plaintext.min(MAX_PLAINTEXT),
            max_fragment,
            record_size_limit: limit.is_some(),
            client_types: certified && said.client_certificate_types.is_some(),
            server_types: certified && said.server_certificate_types.is_some(),
            // RFC 8422 §5.2: when such a suite is chosen.
            point_formats: means.group.is_some() && said.point_formats,
            renegotiation_info: hello.knows_renegotiation_info(),
            credential: means.credential,
            client_type: means.client_type,
            group: means.group,
        })
    }

    /// The body of our ServerHello. `cid` is ours.
    pub(super) fn server_hello(&self, session_id: &[u8], cid: &[u8]) -> Vec<u8> {
        let client_type = [self.client_type as u8];
        let server_type = [self.credential.as_ref().map_or(CertificateType::X509, Credential::kind) as u8];
        let extensions = Extensions {
            max_fragment: self.max_fragment,
            record_size_limit: self.record_size_limit.then_some(TAKEN),
            point_formats: self.point_formats,
            client_certificate_types: self.client_types.then_some(&client_type[..]),
            server_certificate_types: self.server_types.then_some(&server_type[..]),
            encrypt_then_mac: self.encrypt_then_mac,
            extended_master_secret: self.extended_master_secret,
            connection_id: self.peer_cid.is_some().then_some(cid),
            renegotiation_info: self.renegotiation_info.then_some(&[][..]),
            ..Extensions::default()
        };
        ServerHello { random: &self.random, session_id, suite: self.suite as u16, extensions }.write()
    }

    pub(super) fn key_exchange(&self) -> KeyExchange {
        self.suite.key_exchange()
    }
}

impl Means {
    /// None, if this side does not serve it at all; an error names what the client would have to offer.
    fn of(suite: Suite, hello: &ClientHello<'_>, config: &Config) -> Result<Option<Self>, &'static str> {
        let exchange = suite.key_exchange();
        let client_type = CertificateType::X509;
        Ok(match exchange {
            KeyExchange::Psk if config.psk => Some(Self { credential: None, client_type, group: None }),
            KeyExchange::EcdhePsk if config.psk => {
                Some(Self { credential: None, client_type, group: Some(group(&hello.extensions)?) })
            }
            KeyExchange::EcdheEcdsa if config.certificates || config.raw_public_keys => {
                let group = Some(group(&hello.extensions)?);
                if !hello.extensions.has_signature(ECDSA_SHA256) {
                    return Err("signature algorithm");
                }
                let Some(credential) = credential(&hello.extensions, config)? else { return Ok(None) };
                let client_type = client_type_of(&hello.extensions, config)?;
                Some(Self { credential: Some(credential), client_type, group })
            }
            _ => None,
        })
    }
}

impl Credential {
    pub(super) fn key(&self) -> &Arc<SigningKey> {
        match self {
            Self::Certificate { key, .. } | Self::Raw(key) => key,
        }
    }

    fn kind(&self) -> CertificateType {
        match self {
            Self::Certificate { .. } => CertificateType::X509,
            Self::Raw(_) => CertificateType::RawPublicKey,
        }
    }
}

/// The client's favourite of ours; who names none has the one that all have (RFC 8422 §4).
fn group(said: &Extensions<'_>) -> Result<Group, &'static str> {
    let Some(groups) = said.groups else { return Ok(Group::Secp256r1) };
    let mut groups = groups.as_chunks().0.iter().map(|number| u16::from_be_bytes(*number));
    groups.find_map(Group::of).ok_or("curve")
}

/// RFC 7250 §4.2: the client's favourite that we have. None, if we have nothing of the kind at all.
fn credential(said: &Extensions<'_>, config: &Config) -> Result<Option<Credential>, &'static str> {
    if config.identities.is_empty() && config.raw_key.is_none() {
        return Ok(None);
    }
    let types = said.server_certificate_types.unwrap_or(&[CertificateType::X509 as u8]);
    let found = types.iter().find_map(|kind| {
        if *kind == CertificateType::RawPublicKey as u8 {
            return config.raw_key.clone().map(Credential::Raw);
        }
        let identity = identity(said.server_name, &config.identities)?;
        let certificate = *kind == CertificateType::X509 as u8;
        certificate.then(|| Credential::Certificate {
            chain: identity.chain.clone(),
            key: Arc::clone(&identity.key),
        })
    });
    found.map(Some).ok_or(CERTIFICATE_TYPE)
}

/// RFC 6066 §3: by name, or the first one.
fn identity<'a>(name: Option<&str>, identities: &'a [ServerIdentity]) -> Option<&'a ServerIdentity> {
    let named = |identity: &&ServerIdentity| {
        name.is_some_and(|name| identity.names.iter().any(|own| own.eq_ignore_ascii_case(name)))
    };
    identities.iter().find(named).or_else(|| identities.first())
}

fn client_type_of(said: &Extensions<'_>, config: &Config) -> Result<CertificateType, &'static str> {
    let types = said.client_certificate_types.unwrap_or(&[CertificateType::X509 as u8]);
    let taken = [
        (CertificateType::X509, config.certificates),
        (CertificateType::RawPublicKey, config.raw_public_keys),
    ];
    let takes = |kind: &u8| taken.iter().find(|(own, on)| *on && *own as u8 == *kind).map(|(own, _)| *own);
    types.iter().find_map(takes).ok_or(CERTIFICATE_TYPE)
}

const CERTIFICATE_TYPE: &str = "certificate type";

/// The longest plaintext this side takes.
const TAKEN: u16 = 1 << 14;
