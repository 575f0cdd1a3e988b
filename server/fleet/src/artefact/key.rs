//! Keys that may sign updates of a class.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::{
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519},
    prelude::{FromDer as _, SubjectPublicKeyInfo},
};

use crate::{CertificateError, ClassId, Fingerprint, Timestamp, certificate};

/// A key that may sign updates of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateKey {
    /// Of which class.
    pub class: ClassId,
    /// SHA-256 of its SubjectPublicKeyInfo: its name in URLs and in what it has signed.
    pub id: Fingerprint,
    /// What people call it.
    pub name: String,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// Its SubjectPublicKeyInfo, in DER.
    pub public_key: Vec<u8>,
    /// Who added it, by name.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Since when nothing that it has signed is sent.
    pub revoked_at: Option<Timestamp>,
}

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// RFC 8032.
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5).
    EcdsaP256,
}

/// Why something is no key that may sign updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateKeyError {
    /// It is no public key.
    #[error(transparent)]
    Unreadable(#[from] CertificateError),
    /// It is of another kind.
    #[error("updates are signed by Ed25519 or ECDSA on P-256: this is the public key of something else")]
    NotServed,
}

impl UpdateKey {
    /// How many a class has, the revoked ones included.
    pub const MAX: usize = 32;
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;

    /// Reads a public key (PEM, DER, or DER in hexadecimal digits or base64), and gives it in DER.
    pub fn read(given: &[u8]) -> Result<(KeyAlgorithm, Vec<u8>), UpdateKeyError> {
        let der = certificate::any_public_key(given)?;
        let (algorithm, _) = parts(&der).ok_or(UpdateKeyError::NotServed)?;
        Ok((algorithm, der))
    }

    /// Whether it is trusted.
    pub fn is_trusted(&self) -> bool {
        self.revoked_at.is_none()
    }

    /// Whether it has signed a message, as OpenSSL writes signatures: 64 bytes of Ed25519, or ECDSA in DER.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify(message, signature, &signature::ECDSA_P256_SHA256_ASN1)
    }

    /// Whether it has signed a message, as COSE writes signatures: 64 bytes (RFC 9053 §2.1, §2.2).
    pub(crate) fn has_signed_for_cose(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify(message, signature, &signature::ECDSA_P256_SHA256_FIXED)
    }

    fn verify(&self, message: &[u8], signature: &[u8], ecdsa: &'static dyn VerificationAlgorithm) -> bool {
        let Some((algorithm, key)) = parts(&self.public_key) else { return false };
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            KeyAlgorithm::Ed25519 => &signature::ED25519,
            KeyAlgorithm::EcdsaP256 => ecdsa,
        };
        UnparsedPublicKey::new(verification, key).verify(message, signature).is_ok()
    }
}

impl KeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::EcdsaP256];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
        }
    }
}

/// What a SubjectPublicKeyInfo names (RFC 8410 §4, RFC 5480 §2.1.1): the kind of key, and the key.
fn parts(der: &[u8]) -> Option<(KeyAlgorithm, Vec<u8>)> {
    let (_, key) = SubjectPublicKeyInfo::from_der(der).ok()?;
    let kind = &key.algorithm.algorithm;
    let bytes = key.subject_public_key.data.to_vec();
    if *kind == OID_SIG_ED25519 {
        return (bytes.len() == 32).then_some((KeyAlgorithm::Ed25519, bytes));
    }
    let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    let is_p256 = *kind == OID_KEY_TYPE_EC_PUBLIC_KEY && curve.is_some_and(|curve| curve == OID_EC_P256);
    // An uncompressed point (SEC 1 §2.3.3): what the library of cryptography takes.
    (is_p256 && bytes.len() == 65 && bytes.first() == Some(&4)).then_some((KeyAlgorithm::EcdsaP256, bytes))
}
