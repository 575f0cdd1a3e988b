//! Certificates and the authorities that issue them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;
use crate::pem;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Its subject.
    #[schema(example = "CN=Muster")]
    pub subject: String,
    /// Its issuer.
    #[schema(example = "CN=Muster")]
    pub issuer: String,
    /// Its serial number, in hexadecimal digits without leading zeros.
    #[schema(example = "abc")]
    pub serial: String,
    /// When it begins to be good.
    pub valid_from: Time,
    /// Until when it is good.
    pub valid_to: Time,
    /// Its SHA-256, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub fingerprint: String,
    /// The certificate, as PEM.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    pub pem: String,
}

/// A certificate that a device has come with last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenCertificate {
    /// Its subject.
    #[schema(example = "CN=node-7")]
    pub subject: String,
    /// Its issuer.
    #[schema(example = "CN=Muster")]
    pub issuer: String,
    /// Its serial number, in hexadecimal digits without leading zeros.
    #[schema(example = "abc")]
    pub serial: String,
    /// When it begins to be good.
    pub valid_from: Time,
    /// Until when it is good.
    pub valid_to: Time,
    /// Its SHA-256, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub fingerprint: String,
    /// When it was seen for the first time.
    pub seen_at: Time,
}

/// A raw public key (RFC 7250).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// The SHA-256 of its SubjectPublicKeyInfo, in hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub fingerprint: String,
    /// Its SubjectPublicKeyInfo, as PEM.
    #[schema(example = "-----BEGIN PUBLIC KEY-----\nMFkw…\n-----END PUBLIC KEY-----\n")]
    pub pem: String,
    /// The same in DER, in hexadecimal digits.
    #[schema(example = "3059301306072a8648ce3d0201")]
    pub hex: String,
}

/// How devices know this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerKeys {
    /// Its certificate, for devices that trust its authority; none if it has none.
    pub certificate: Option<Certificate>,
    /// Its raw public key; none if it has none.
    pub public_key: Option<PublicKey>,
}

/// An authority that is trusted to say which device is which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What people call it.
    #[schema(example = "Factory")]
    pub name: String,
    /// Whether it is the server's own one.
    pub own: bool,
    /// Its certificate.
    pub certificate: Certificate,
    /// What it has taken back, if it has said so.
    pub revocation_list: Option<RevocationList>,
    /// Who added it.
    #[schema(example = "ada")]
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

/// What an authority has taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevocationList {
    /// Its number, in hexadecimal digits; none if it has none.
    #[schema(example = "1f")]
    pub number: Option<String>,
    /// When it was made.
    pub this_update: Time,
    /// When there is to be another one; past that it is stale.
    pub next_update: Option<Time>,
    /// How many certificates it takes back.
    #[schema(example = 3)]
    pub revoked: u32,
}

/// An authority to trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAuthority {
    /// What people call it: 1 to 64 characters, unique.
    #[schema(example = "Factory")]
    pub name: String,
    /// Its certificate: PEM, or DER in hexadecimal digits or base64.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    pub certificate: String,
}

impl Certificate {
    /// Of one in DER; none where that can't be read.
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let facts = fleet::Certificate::parse(der).ok()?;
        Some(Self {
            subject: facts.subject,
            issuer: facts.issuer,
            serial: facts.serial,
            valid_from: facts.not_before.into(),
            valid_to: facts.not_after.into(),
            fingerprint: fleet::Fingerprint::of(der).to_string(),
            pem: pem::certificate(der),
        })
    }
}

impl PublicKey {
    /// Of a SubjectPublicKeyInfo in DER.
    pub(crate) fn of(der: &[u8]) -> Self {
        Self {
            fingerprint: fleet::Fingerprint::of(der).to_string(),
            pem: pem::public_key(der),
            hex: pem::hex(der),
        }
    }
}

impl From<fleet::SeenCertificate> for SeenCertificate {
    fn from(seen: fleet::SeenCertificate) -> Self {
        Self {
            subject: seen.subject,
            issuer: seen.issuer,
            serial: seen.serial,
            valid_from: seen.not_before.into(),
            valid_to: seen.not_after.into(),
            fingerprint: seen.fingerprint.to_string(),
            seen_at: seen.seen_at.into(),
        }
    }
}

impl From<fleet::ServerKeys> for ServerKeys {
    fn from(keys: fleet::ServerKeys) -> Self {
        Self {
            certificate: keys.certificate.as_deref().and_then(Certificate::of),
            public_key: keys.public_key.as_deref().map(PublicKey::of),
        }
    }
}

impl Authority {
    /// None where its certificate, which was read when it was added, can't be read any more.
    pub(crate) fn of(authority: fleet::Authority) -> Option<Self> {
        Some(Self {
            id: authority.public_id.to_string(),
            name: authority.name,
            own: authority.own,
            certificate: Certificate::of(&authority.certificate)?,
            revocation_list: authority.revocations.map(RevocationList::from),
            created_by: authority.created_by,
            created_at: authority.created_at.into(),
        })
    }
}

impl From<fleet::RevocationList> for RevocationList {
    fn from(list: fleet::RevocationList) -> Self {
        Self {
            number: list.number,
            this_update: list.this_update.into(),
            next_update: list.next_update.map(Time::from),
            revoked: list.revoked,
        }
    }
}
