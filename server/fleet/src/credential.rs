//! Credentials: what a device proves who it is with. Never columns of the device: several may be good at one time, so
//! that a rotation can overlap.
//!
//! A credential is made `staged`, and is `live` from the first handshake with it. `retired` ones were replaced by one that
//! has proved itself, `revoked` ones were taken away; neither opens a session any more.

use crate::{ClaimId, CredentialId, DeviceId, EndpointName, PublicId, Timestamp};

mod given;
pub use given::{GivenCertificate, GivenCredential, GivenKey, GivenPsk};

pub(crate) mod hex;

mod name;
pub(crate) use name::number;
pub use name::{CertificateName, CredentialName, Fingerprint, NameError};

mod psk;
pub use psk::{PskError, PskIdentity, PskKey};

mod secret;
pub use secret::{KeyPair, PrivateKey, Public, Secret};

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its row.
    pub id: CredentialId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// Who holds it.
    pub holder: Holder,
    /// What it opens.
    pub purpose: Purpose,
    /// What kind of proof it is.
    pub kind: CredentialKind,
    /// Where it stands.
    pub state: CredentialState,
    /// What a handshake names it by; of its kind. Unique within the kind among all that are neither retired nor revoked.
    pub identity: CredentialName,
    /// The credential it replaces, or the claim credential it was made for (lineage).
    pub parent: Option<CredentialId>,
    /// Refused before.
    pub valid_from: Timestamp,
    /// Refused from then on.
    pub valid_to: Option<Timestamp>,
    /// Who made it, by name.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state changed last: proved, retired or revoked.
    pub changed_at: Timestamp,
    /// When it opened a session last, by the last written batch.
    pub last_used_at: Option<Timestamp>,
}

/// Who holds a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// One device.
    Device(DeviceId),
    /// All devices of a batch, each for one bootstrap.
    Claim(ClaimId),
}

/// What a credential opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The bootstrap server.
    Bootstrap,
    /// The management server.
    Management,
}

/// What kind of proof a credential is (LwM2M Core 1.1.1 §E.1, Security Mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// A pre-shared key.
    Psk,
    /// A raw public key (RFC 7250).
    RawPublicKey,
    /// An X.509 certificate.
    Certificate,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialState {
    /// Made, and accepted; no handshake has proved it yet.
    Staged,
    /// It has proved itself.
    Live,
    /// Another one that has proved itself took its place.
    Retired,
    /// It was taken away.
    Revoked,
}

/// A credential with its secret, on its way to the store, which seals the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// The credential.
    pub credential: Credential,
    /// Its secret.
    pub secret: Secret,
}

/// What somebody is shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The credential.
    pub credential: Credential,
    /// Its secret, if it was made or given here; nobody is shown it again.
    pub secret: Secret,
    /// A certificate that was issued for a key that only the device holds: DER, the device's own first. Empty otherwise.
    pub issued: Vec<Vec<u8>>,
}

/// Who a secure session was authenticated as. Made by a handshake, believed by the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The credential that opened the session.
    pub credential: CredentialId,
    /// Who holds it.
    pub holder: Holder,
    /// What it opens.
    pub purpose: Purpose,
}

/// The facts of a handshake that names a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The key to prove; none where the peer has proved already that it holds its own.
    pub key: Option<PskKey>,
    /// Who it would be.
    pub identity: Identity,
    /// The endpoint, for the log; none for a claim credential.
    pub endpoint: Option<EndpointName>,
}

impl Shown {
    /// The pre-shared key, if it is one.
    pub fn psk(&self) -> Option<&PskKey> {
        self.secret.psk()
    }

    /// The certificates that belong to it, in DER, the device's own first.
    pub fn chain(&self) -> &[Vec<u8>] {
        match &self.secret {
            Secret::KeyPair(KeyPair { public: Public::Chain(chain), .. }) => chain,
            _ => &self.issued,
        }
    }
}

impl Identity {
    /// The device, unless it is a claim credential.
    pub fn device(&self) -> Option<DeviceId> {
        match self.holder {
            Holder::Device(device) => Some(device),
            Holder::Claim(_) => None,
        }
    }
}

impl CredentialState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Staged, Self::Live, Self::Retired, Self::Revoked];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Live => "live",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a handshake may use it.
    pub fn opens(self) -> bool {
        matches!(self, Self::Staged | Self::Live)
    }
}

impl Purpose {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Bootstrap, Self::Management];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Management => "management",
        }
    }
}

impl CredentialKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Psk, Self::RawPublicKey, Self::Certificate];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::RawPublicKey => "rpk",
            Self::Certificate => "x509",
        }
    }
}
