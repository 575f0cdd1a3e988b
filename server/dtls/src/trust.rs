//! Whom an endpoint believes about certificates: authorities, and what they have taken back.

use std::fmt;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert, ring,
};

use crate::Alert;

/// The authorities that may vouch for peers, and their revocation lists.
#[derive(Default)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    revocations: Vec<CertRevocationList<'static>>,
}

/// Why nothing can be trusted by what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// An authority's certificate can't be read.
    #[error("authority {index} can't be read: {why}")]
    Authority {
        /// Which of those given, from 0.
        index: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A revocation list can't be read.
    #[error("revocation list {index} can't be read: {why}")]
    RevocationList {
        /// Which of those given, from 0.
        index: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// Why no authority vouches for a certificate. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It, or one above it, is past its time.
    #[error("it expired at {not_after}, now is {now}")]
    Expired {
        /// Its end.
        not_after: u64,
        /// When that was looked at.
        now: u64,
    },
    /// It, or one above it, is before its time.
    #[error("it is valid from {not_before}, now is {now}")]
    NotYetValid {
        /// Its begin.
        not_before: u64,
        /// When that was looked at.
        now: u64,
    },
    /// None of the authorities has issued it.
    #[error("its issuer is not trusted")]
    UnknownIssuer,
    /// It, or one above it, was taken back.
    #[error("it was revoked")]
    Revoked,
    /// A signature in the chain is wrong, or of an algorithm that is not taken.
    #[error("a signature in its chain is wrong or of an algorithm that is not taken")]
    BadSignature,
    /// It is for another purpose, or is an authority's own.
    #[error("it is not for clients")]
    NotForClients,
    /// It, or one above it, breaks a rule of RFC 5280.
    #[error("it breaks a rule: {0}")]
    Malformed(String),
}

/// What certificates may be signed with: what constrained devices use, and what authorities of old have.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
    ring::ED25519,
    ring::RSA_PKCS1_2048_8192_SHA256,
    ring::RSA_PKCS1_2048_8192_SHA384,
    ring::RSA_PKCS1_2048_8192_SHA512,
];

impl Trust {
    /// Trust in `anchors` (certificates of authorities in DER), but for what `revocations` (revocation lists in DER) name.
    pub fn new(anchors: &[Vec<u8>], revocations: &[Vec<u8>]) -> Result<Self, TrustError> {
        let authority = |(index, der): (usize, &Vec<u8>)| {
            anchor_from_trusted_cert(&CertificateDer::from(der.as_slice()))
                .map(|anchor| anchor.to_owned())
                .map_err(|error| TrustError::Authority { index, why: error.to_string() })
        };
        let list = |(index, der): (usize, &Vec<u8>)| {
            OwnedCertRevocationList::from_der(der)
                .map(CertRevocationList::from)
                .map_err(|error| TrustError::RevocationList { index, why: error.to_string() })
        };
        Ok(Self {
            anchors: anchors.iter().enumerate().map(authority).collect::<Result<_, _>>()?,
            revocations: revocations.iter().enumerate().map(list).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a chain (in DER, the peer's own certificate first) leads to an authority at that time.
    pub fn verify(&self, chain: &[Vec<u8>], at: UnixTime) -> Result<(), Untrusted> {
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Some((own, above)) = chain.split_first() else {
            return Err(Untrusted::Malformed("an empty chain".to_owned()));
        };
        let lists: Vec<_> = self.revocations.iter().collect();
        // A list says what is revoked even when it is old, and says nothing of what other authorities have issued.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Ignore)
                .build()
        });
        EndEntityCert::try_from(own)?.verify_for_usage(
            ALGORITHMS,
            &self.anchors,
            above,
            at,
            KeyUsage::client_auth(),
            revocation,
            None,
        )?;
        Ok(())
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Trust({} authorities, {} revocation lists)", self.anchors.len(), self.revocations.len())
    }
}

impl Untrusted {
    /// The alert by which a peer is told (RFC 5246 §7.2.2).
    pub fn alert(&self) -> Alert {
        match self {
            Self::Expired { .. } | Self::NotYetValid { .. } => Alert::CERTIFICATE_EXPIRED,
            Self::UnknownIssuer => Alert::UNKNOWN_CA,
            Self::Revoked => Alert::CERTIFICATE_REVOKED,
            Self::BadSignature | Self::Malformed(_) => Alert::BAD_CERTIFICATE,
            Self::NotForClients => Alert::UNSUPPORTED_CERTIFICATE,
        }
    }
}

impl From<Error> for Untrusted {
    fn from(error: Error) -> Self {
        match error {
            Error::CertExpired { time, not_after } => {
                Self::Expired { not_after: not_after.as_secs(), now: time.as_secs() }
            }
            Error::CertNotValidYet { time, not_before } => {
                Self::NotYetValid { not_before: not_before.as_secs(), now: time.as_secs() }
            }
            Error::UnknownIssuer => Self::UnknownIssuer,
            Error::CertRevoked => Self::Revoked,
            Error::InvalidSignatureForPublicKey
            | Error::SignatureAlgorithmMismatch
            | Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Self::BadSignature,
            Error::CaUsedAsEndEntity | Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
                Self::NotForClients
            }
            other => Self::Malformed(other.to_string()),
        }
    }
}
