//! Credentials of devices.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operation, SeenCertificate, Time};
use crate::pem;

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
        #[serde(rename = "rpk")]
        RawPublicKey,
        /// An X.509 certificate.
        #[serde(rename = "x509")]
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
    /// What a handshake names it by. Of a pre-shared key: its identity, as text, or as `hex:` and digits where it is not
    /// printable. Of a raw public key: `spki:` and the SHA-256 of its SubjectPublicKeyInfo. Of a certificate: what
    /// stands in it, as `cn:…`, `san:…`, `serial:…`, or `spki:…` of its key.
    #[schema(example = "node-7")]
    pub identity: String,
    /// The id of the one that it replaces; none if it replaces none, or was made for a device that came with a claim.
    pub replaces: Option<String>,
    /// The certificate that the device has come with last, if it has come with one.
    pub certificate: Option<SeenCertificate>,
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
    /// Its pre-shared key, as hexadecimal digits. Shown this once; none in a replayed answer.
    #[schema(example = "9f3b2c11aa07d84e5b6c7d8e9f001122")]
    pub key: Option<String>,
    /// Its private key, if it was made here: PKCS#8 as PEM. Shown this once; none in a replayed answer.
    pub private_key: Option<String>,
    /// The public part of a raw key pair that was made here, as PEM.
    pub public_key: Option<String>,
    /// The certificates that were issued, the device's own first, as PEM.
    pub certificate: Option<String>,
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

/// Declares a credential as somebody gives it: the fields of all kinds, after those of its own.
macro_rules! given {
    ($(#[$meta:meta])* $name:ident { $($(#[$own:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name {
            $($(#[$own])* pub $field: $type,)*
            /// Of which kind it is: `psk` if nothing is said.
            pub kind: Option<CredentialKind>,
            /// Of a pre-shared key: the identity, text, or `hex:` and digits; 1 to 128 bytes.
            #[schema(example = "node-7")]
            pub identity: Option<String>,
            /// Of a pre-shared key: the key, as hexadecimal digits; 16 to 64 bytes.
            #[schema(example = "9f3b2c11aa07d84e5b6c7d8e9f001122")]
            pub key: Option<String>,
            /// Of a raw public key, or for a certificate that is issued: the public key of the device, which then keeps
            /// its private one to itself. PEM, or a SubjectPublicKeyInfo in DER as hexadecimal digits or base64.
            pub public_key: Option<String>,
            /// Of a certificate that is pinned, whoever has issued it: PEM, or DER as hexadecimal digits or base64.
            pub certificate: Option<String>,
            /// Of certificates that trusted authorities issue: what names the device in them, where its class looks for
            /// it. A certificate that is neither pinned nor named is issued by the server's own authority.
            pub name: Option<String>,
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut printed = f.debug_struct(stringify!($name));
                $(printed.field(stringify!($field), &self.$field);)*
                printed.field("kind", &self.kind).field("identity", &self.identity);
                printed.field("name", &self.name).finish_non_exhaustive()
            }
        }
    };
}

given! {
    /// A credential for a device; what is left out is made, and shown once. Prints without the key.
    #[derive(Default)]
    #[schema(example = json!({"kind": "psk", "identity": "node-7"}))]
    GivenCredential {}
}

given! {
    /// A credential to add to a device; what is left out is made, and shown once. Prints without the key.
    #[schema(example = json!({"purpose": "management", "kind": "psk", "identity": "node-7"}))]
    NewCredential {
        /// What it is to open.
        purpose: Purpose,
    }
}

/// How a credential is being rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "rotation", rename_all = "kebab-case")]
pub enum Rotation {
    /// A new one waits for the device's first handshake with it, and is to be given to the device by hand.
    Shown(Box<ShownCredential>),
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
            replaces: None,
            certificate: None,
            valid_from: credential.valid_from.into(),
            valid_to: credential.valid_to.map(Time::from),
            created_by: credential.created_by,
            created_at: credential.created_at.into(),
            changed_at: credential.changed_at.into(),
            last_used_at: credential.last_used_at.map(Time::from),
        }
    }
}

impl Credential {
    /// The credentials of a device, with what was seen of their certificates.
    pub(crate) fn all(
        credentials: Vec<fleet::Credential>,
        seen: Vec<(fleet::CredentialId, fleet::SeenCertificate)>,
    ) -> Vec<Self> {
        let ids: HashMap<_, _> = credentials.iter().map(|one| (one.id, one.public_id.to_string())).collect();
        let mut seen: HashMap<_, _> = seen.into_iter().collect();
        let with_facts = |credential: fleet::Credential| Self {
            replaces: credential.parent.and_then(|parent| ids.get(&parent).cloned()),
            certificate: seen.remove(&credential.id).map(SeenCertificate::from),
            ..Self::from(credential)
        };
        credentials.into_iter().map(with_facts).collect()
    }
}

impl NewCredential {
    /// What it opens, and what it is.
    pub(crate) fn split(self) -> (Purpose, GivenCredential) {
        let Self { purpose, kind, identity, key, public_key, certificate, name } = self;
        (purpose, GivenCredential { kind, identity, key, public_key, certificate, name })
    }
}

impl From<fleet::Shown> for ShownCredential {
    fn from(shown: fleet::Shown) -> Self {
        let chain = shown.chain();
        let certificate = (!chain.is_empty()).then(|| pem::chain(chain));
        let pair = shown.secret.key_pair();
        Self {
            key: shown.psk().map(|key| key.to_hex().to_string()),
            private_key: pair.map(|pair| pem::private_key(pair.private.as_bytes())),
            public_key: pair.and_then(|pair| match &pair.public {
                fleet::Public::Key(key) => Some(pem::public_key(key)),
                fleet::Public::Chain(_) => None,
            }),
            certificate,
            credential: shown.credential.into(),
        }
    }
}

impl ShownCredential {
    /// The same without its keys, for whoever asks again.
    #[must_use]
    pub(crate) fn without_key(&self) -> Self {
        Self { key: None, private_key: None, ..self.clone() }
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
