//! Certificates (RFC 5280): the facts that are asked of one, and nothing of trust. Chains are judged by whoever shakes
//! hands; here one learns whom a certificate names, until when it is good, and who has issued it.
//!
//! Start with [`Certificate::parse`]. What people hand in is read by [`certificate`], [`public_key`] and
//! [`revocation_list`], in whichever writing it comes.

use std::fmt;

use x509_parser::{
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384},
    prelude::{FromDer as _, GeneralName, SubjectPublicKeyInfo, X509Certificate},
};

use crate::{CertificateName, Fingerprint, Timestamp, credential::number};

mod read;
pub(crate) use read::any_public_key;
pub use read::{certificate, public_key, revocation_list};

/// The facts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its subject, as text.
    pub subject: String,
    /// The common names of its subject; those longer than a name may be are left out, as in the next.
    pub common_names: Vec<String>,
    /// Its subject alternative names that are DNS names, URIs or mail addresses.
    pub alt_names: Vec<String>,
    /// Its serial number, as [`CertificateName::SerialNumber`] has it.
    pub serial: String,
    /// Its SubjectPublicKeyInfo, in DER.
    pub public_key: Vec<u8>,
    /// Its issuer, as text.
    pub issuer: String,
    /// Of its subject, in DER.
    pub subject_name: Fingerprint,
    /// Of its issuer, in DER.
    pub issuer_name: Fingerprint,
    /// When it begins to be good.
    pub not_before: Timestamp,
    /// Until when it is good, that second included.
    pub not_after: Timestamp,
    /// Whether it may issue others.
    pub is_authority: bool,
}

/// A certificate that a device has come with last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCertificate {
    /// Its subject, as text.
    pub subject: String,
    /// Its issuer, as text.
    pub issuer: String,
    /// Its serial number, as [`CertificateName::SerialNumber`] has it.
    pub serial: String,
    /// When it begins to be good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// Of the certificate.
    pub fingerprint: Fingerprint,
    /// Of its issuer's name, in DER.
    pub issuer_name: Fingerprint,
    /// Of the name, in DER, of who has issued the last certificate of the chain that it came with: mostly the authority.
    pub anchor_name: Fingerprint,
    /// The certificate.
    pub der: Vec<u8>,
    /// When it was seen for the first time.
    pub seen_at: Timestamp,
}

/// Why bytes are no certificate, key or list that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is longer than it may be.
    #[error("it has {len} bytes, and {max} are the most that are taken")]
    TooLong {
        /// How long it may be.
        max: usize,
        /// Its length.
        len: usize,
    },
    /// It can't be read.
    #[error("this is no {what}: give it as PEM, or as DER in hexadecimal digits or base64")]
    Malformed {
        /// What it should be.
        what: &'static str,
    },
    /// It has more names than are looked at.
    #[error("it has more than {max} names", max = Certificate::MAX_NAMES)]
    TooManyNames,
    /// It is for a key that no handshake here is done with.
    #[error("its key is not one on the curve P-256 or P-384, which are the ones that are served")]
    KeyNotServed,
    /// The chain is empty or longer than [`KeyPair::MAX_CHAIN`](crate::KeyPair::MAX_CHAIN).
    #[error("a chain has 1 to {max} certificates, this one has {len}", max = crate::KeyPair::MAX_CHAIN)]
    ChainLength {
        /// Its length.
        len: usize,
    },
}

impl Certificate {
    /// How many bytes a certificate has at most.
    pub const MAX_BYTES: usize = 16 * 1_024;
    /// How many common names and subject alternative names it has at most.
    pub const MAX_NAMES: usize = 32;

    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > Self::MAX_BYTES {
            return Err(CertificateError::TooLong { max: Self::MAX_BYTES, len: der.len() });
        }
        let malformed = CertificateError::Malformed { what: "certificate" };
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| malformed)?;
        if !rest.is_empty() {
            return Err(malformed);
        }
        let alternatives = parsed.subject_alternative_name().map_err(|_| malformed)?;
        let alternatives = alternatives.map_or(&[][..], |extension| &extension.value.general_names[..]);
        let alt_names = alternatives.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
                Some(*name)
            }
            _ => None,
        });
        let common_names = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
        let constraints = parsed.basic_constraints().map_err(|_| malformed)?;
        Ok(Self {
            subject: parsed.subject().to_string(),
            common_names: named(common_names)?,
            alt_names: named(alt_names)?,
            serial: number(parsed.raw_serial()),
            public_key: parsed.public_key().raw.to_vec(),
            issuer: parsed.issuer().to_string(),
            subject_name: Fingerprint::of(parsed.subject().as_raw()),
            issuer_name: Fingerprint::of(parsed.issuer().as_raw()),
            not_before: at(parsed.validity().not_before.timestamp()),
            not_after: at(parsed.validity().not_after.timestamp()),
            is_authority: constraints.is_some_and(|constraints| constraints.value.ca),
        })
    }

    /// Of its key.
    pub fn key_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.public_key)
    }

    /// All that may name its device.
    pub fn names(&self) -> Vec<CertificateName> {
        let common = self.common_names.iter().cloned().map(CertificateName::CommonName);
        let alternative = self.alt_names.iter().cloned().map(CertificateName::SubjectAltName);
        let serial = CertificateName::SerialNumber(self.serial.clone());
        let key = CertificateName::PublicKey(self.key_fingerprint());
        common.chain(alternative).chain([serial, key]).collect()
    }
}

impl SeenCertificate {
    /// What is kept of the chain that a device came with, its own certificate first.
    pub fn of(chain: &[Vec<u8>], now: Timestamp) -> Result<Self, CertificateError> {
        let length = CertificateError::ChainLength { len: chain.len() };
        let (Some(own), Some(last)) = (chain.first(), chain.last()) else { return Err(length) };
        if chain.len() > crate::KeyPair::MAX_CHAIN {
            return Err(length);
        }
        let facts = Certificate::parse(own)?;
        let anchor_name = Certificate::parse(last)?.issuer_name;
        Ok(Self {
            subject: facts.subject,
            issuer: facts.issuer,
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
            fingerprint: Fingerprint::of(own),
            issuer_name: facts.issuer_name,
            anchor_name,
            der: own.clone(),
            seen_at: now,
        })
    }

    /// Whether another one tells nothing new.
    pub fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.anchor_name == other.anchor_name
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate {} of {}, number {}", self.subject, self.issuer, self.serial)
    }
}

/// Whether a SubjectPublicKeyInfo in DER is of a curve that handshakes are done with here (RFC 5480 §2.1.1).
fn is_served(public_key: &SubjectPublicKeyInfo<'_>) -> bool {
    let curve = public_key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    public_key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
        && curve.is_some_and(|curve| curve == OID_EC_P256 || curve == OID_NIST_EC_P384)
}

/// Names of a certificate, each once. One that is too long is nobody's.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>, CertificateError> {
    let mut kept: Vec<String> = Vec::new();
    for (count, name) in names.enumerate() {
        if count == Certificate::MAX_NAMES {
            return Err(CertificateError::TooManyNames);
        }
        let fits = (1..=CertificateName::MAX_BYTES).contains(&name.len());
        if fits && !kept.iter().any(|other| other == name) {
            kept.push(name.to_owned());
        }
    }
    Ok(kept)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000))
}
