//! Credentials of devices.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operation, Time};

words! {
    /// What a credential opens.
    Purpose = Purpose {
        /// The bootstrap server.
        Bootstrap,
        /// The management server.
        Management,
    }
}

words! {
    /// What kind of proof a credential is.
    CredentialKind = CredentialKind {
        /// A pre-shared key.
        Psk,
        /// A raw public key.
        RawPublicKey,
        /// An X.509 certificate.
        Certificate,
    }
}

words! {
    /// Where a credential stands.
    CredentialState = CredentialState {
        /// Made, and accepted; no handshake has proved it yet.
        Staged,
        /// It has proved itself.
        Live,
        /// Another one that has proved itself took its place.
        Retired,
        /// It was taken away.
        Revoked,
    }
}

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What it opens.
    pub purpose: Purpose,
    /// What kind of proof it is.
    pub kind: CredentialKind,
    /// Where it stands.
    pub state: CredentialState,
    /// The PSK identity: text, or `hex:` and digits where it is not printable.
    #[schema(example = "node-7")]
    pub identity: String,
    /// Refused before.
    pub valid_from: Time,
    /// Refused from then on.
    pub valid_to: Option<Time>,
    /// Who made it.
    #[schema(example = "ada")]
    pub created_by: String,
    /// When it was made.
    pub created_at: Time,
    /// When its state changed last.
    pub changed_at: Time,
    /// When it opened a session last.
    pub last_used_at: Option<Time>,
}

/// A credential with its secret. Prints without it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownCredential {
    /// The credential.
    pub credential: Credential,
    /// Its key, as hexadecimal digits. Shown this once; none in a replayed answer.
    #[schema(example = "9f3b2c11aa07d84e5b6c7d8e9f001122")]
    pub key: Option<String>,
}

/// A pre-shared key; what is left out is made. Prints without the key.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPsk {
    /// The identity: text, or `hex:` and digits; 1 to 128 bytes.
    #[schema(example = "node-7")]
    pub identity: Option<String>,
    /// The key, as hexadecimal digits; 16 to 64 bytes.
    #[schema(example = "9f3b2c11aa07d84e5b6c7d8e9f001122")]
    pub key: Option<String>,
}

/// A credential to add to a device; what is left out is made. Prints without the key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCredential {
    /// What it is to open.
    pub purpose: Purpose,
    /// The identity: text, or `hex:` and digits; 1 to 128 bytes.
    #[schema(example = "node-7")]
    pub identity: Option<String>,
    /// The key, as hexadecimal digits; 16 to 64 bytes.
    #[schema(example = "9f3b2c11aa07d84e5b6c7d8e9f001122")]
    pub key: Option<String>,
}

/// How a credential is being rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rotation", rename_all = "kebab-case")]
pub enum Rotation {
    /// A new one waits for the device's first handshake with it, and is to be given to the device by hand.
    Shown(ShownCredential),
    /// The device was asked to bootstrap anew, which gives it a new one.
    Triggered {
        /// The operation that asked it.
        operation: Box<Operation>,
    },
    /// The device was asked, and has not answered yet. If a new credential is staged then, its key was shown to nobody:
    /// revoke it and rotate once more.
    UnderWay,
}

/// Why something is taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In a few words; it stands in the audit log.
    #[schema(example = "stolen from the roof")]
    pub reason: String,
}

impl From<fleet::Credential> for Credential {
    fn from(credential: fleet::Credential) -> Self {
        Self {
            id: credential.public_id.to_string(),
            purpose: credential.purpose.into(),
            kind: credential.kind.into(),
            state: credential.state.into(),
            identity: credential.identity.text(),
            valid_from: credential.valid_from.into(),
            valid_to: credential.valid_to.map(Time::from),
            created_by: credential.created_by,
            created_at: credential.created_at.into(),
            changed_at: credential.changed_at.into(),
            last_used_at: credential.last_used_at.map(Time::from),
        }
    }
}

impl From<fleet::Shown> for ShownCredential {
    fn from(shown: fleet::Shown) -> Self {
        let key = shown.psk().map(|key| key.to_hex().to_string());
        Self { credential: shown.credential.into(), key }
    }
}

impl ShownCredential {
    /// The same without its key, for whoever asks again.
    #[must_use]
    pub(crate) fn without_key(&self) -> Self {
        Self { credential: self.credential.clone(), key: None }
    }
}

impl fmt::Debug for ShownCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCredential").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewPsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPsk").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printed = f.debug_struct("NewCredential");
        printed.field("purpose", &self.purpose).field("identity", &self.identity).finish_non_exhaustive()
    }
}
