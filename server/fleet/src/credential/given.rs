//! Credentials as people and programs give them; what is left out is made.

use super::{CredentialKind, PskIdentity, PskKey};

/// A credential that somebody gives to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenCredential {
    /// A pre-shared key.
    Psk(GivenPsk),
    /// A raw public key.
    RawPublicKey(GivenKey),
    /// An X.509 certificate.
    Certificate(GivenCertificate),
}

/// A pre-shared key that somebody gives; what is left out is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenPsk {
    /// Its identity.
    pub identity: Option<PskIdentity>,
    /// Its key.
    pub key: Option<PskKey>,
}

/// A raw public key that somebody gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenKey {
    /// The key pair is made here, and shown once.
    Generated,
    /// The device holds the key: its public part, as [`public_key`](crate::certificate::public_key) reads it.
    Public(Vec<u8>),
}

/// What makes a certificate one of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenCertificate {
    /// One of a trusted authority that names the device as its class says.
    Mapped {
        /// What the certificate says there: the common name, the subject alternative name or the serial number. The endpoint
        /// name if it is left out, but for a serial number.
        value: Option<String>,
    },
    /// This one, whoever has issued it: a certificate as [`certificate`](crate::certificate::certificate) reads it.
    Pinned(Vec<u8>),
    /// One that the server's own authority issues.
    Issued {
        /// For this public key, as [`public_key`](crate::certificate::public_key) reads it; for a key pair that is made here
        /// and shown once if it is left out.
        public_key: Option<Vec<u8>>,
    },
}

impl GivenCredential {
    /// Of what kind it is.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Psk(_) => CredentialKind::Psk,
            Self::RawPublicKey(_) => CredentialKind::RawPublicKey,
            Self::Certificate(_) => CredentialKind::Certificate,
        }
    }

    /// One of a kind with all of it made here.
    pub fn made(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Psk => Self::Psk(GivenPsk::default()),
            CredentialKind::RawPublicKey => Self::RawPublicKey(GivenKey::Generated),
            CredentialKind::Certificate => Self::Certificate(GivenCertificate::Issued { public_key: None }),
        }
    }
}

impl From<GivenPsk> for GivenCredential {
    fn from(given: GivenPsk) -> Self {
        Self::Psk(given)
    }
}
