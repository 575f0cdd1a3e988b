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
    authorities: Vec<Authority>,
}

struct Authority {
    anchor: TrustAnchor<'static>,
    revocations: Option<CertRevocationList<'static>>,
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
    /// Trust in authorities: the certificate of each in DER, and its revocation list in DER if there is one.
    pub fn new<'a>(
        authorities: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<Self, TrustError> {
        let authority = |(index, (certificate, list)): (usize, (&[u8], Option<&[u8]>))| {
            let anchor = anchor_from_trusted_cert(&CertificateDer::from(certificate))
                .map(|anchor| anchor.to_owned())
                .map_err(|error| TrustError::Authority { index, why: error.to_string() })?;
            let revocations = list
                .map(OwnedCertRevocationList::from_der)
                .transpose()
                .map_err(|error| TrustError::RevocationList { index, why: error.to_string() })?;
            Ok(Authority { anchor, revocations: revocations.map(CertRevocationList::from) })
        };
        let authorities = authorities.into_iter().enumerate().map(authority);
        Ok(Self { authorities: authorities.collect::<Result<_, _>>()? })
    }

    /// Whether a chain (in DER, the peer's own certificate first) leads to an authority at that time. Of several that it might
    /// lead to, one is enough; one that has taken it back is enough for the contrary.
    pub fn verify(&self, chain: &[Vec<u8>], at: UnixTime) -> Result<(), Untrusted> {
        let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let Some((own, above)) = chain.split_first() else {
            return Err(Untrusted::Malformed("an empty chain".to_owned()));
        };
        let own = EndEntityCert::try_from(own)?;
        let mut verdict = Err(Untrusted::UnknownIssuer);
        for authority in &self.authorities {
            match (self.verify_by(authority, &own, above, at), &verdict) {
                (Err(Untrusted::Revoked), _) => return Err(Untrusted::Revoked),
                (Ok(()), _) => verdict = Ok(()),
                (Err(_), Ok(())) | (Err(Untrusted::UnknownIssuer), _) => {}
                (Err(why), Err(_)) => verdict = Err(why),
            }
        }
        verdict
    }

    fn verify_by(
        &self,
        authority: &Authority,
        own: &EndEntityCert<'_>,
        above: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Result<(), Untrusted> {
        // Lists are found by the name of who has made them: one of another authority of the same name is not for this one.
        let is_its = |other: &&Authority| {
            std::ptr::eq(*other, authority) || other.anchor.subject != authority.anchor.subject
        };
        let lists: Vec<_> =
            self.authorities.iter().filter(is_its).filter_map(|other| other.revocations.as_ref()).collect();
        // A list says what is revoked even when it is old, and says nothing of what other authorities have issued.
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Ignore)
                .build()
        });
        own.verify_for_usage(
            ALGORITHMS,
            std::slice::from_ref(&authority.anchor),
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
        write!(out, "Trust({} authorities)", self.authorities.len())
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
