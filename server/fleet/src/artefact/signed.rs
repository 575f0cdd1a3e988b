//! A manifest with its detached signature, as it is uploaded beside an image: a small JSON file.
//!
//! ```json
//! {"key":"<SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal digits>","manifest":"<base64>","signature":"<base64>"}
//! ```
//!
//! The key says how it signs, not this file. The signature is over the bytes of the manifest: 64 bytes of Ed25519 (RFC 8032), or
//! ECDSA on P-256 with SHA-256 in DER, as OpenSSL writes them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Manifest, ManifestError};
use crate::Fingerprint;

/// A manifest with its detached signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedManifest {
    /// The key that is said to have signed, by SHA-256 of its SubjectPublicKeyInfo.
    pub key: Fingerprint,
    /// The manifest, as it was signed.
    pub manifest: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Why something is no signed manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignedManifestError {
    /// It is too long.
    #[error("a signed manifest has at most {max} bytes, this one has {len}", max = SignedManifest::MAX_BYTES)]
    TooLong {
        /// Its length.
        len: usize,
    },
    /// It is not the JSON that it should be.
    #[error("the signed manifest can't be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// A member holds what it can't.
    #[error("{member} of the signed manifest: {reason}")]
    Member {
        /// Which.
        member: &'static str,
        /// What would do.
        reason: &'static str,
    },
    /// What was signed is no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key: String,
    manifest: String,
    signature: String,
}

impl SignedManifest {
    /// The longest one.
    pub const MAX_BYTES: usize = 8_192;
    /// The longest signature: ECDSA on P-256 in DER.
    pub const MAX_SIGNATURE: usize = 72;

    /// Reads one, with the manifest in it.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Manifest), SignedManifestError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(SignedManifestError::TooLong { len: bytes.len() });
        }
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| SignedManifestError::Unreadable { reason: error.to_string() })?;
        let member = |member, reason| SignedManifestError::Member { member, reason };
        let key = Fingerprint::from_hex(&written.key);
        let base64 = |name, text: &str| STANDARD.decode(text).map_err(|_| member(name, "it is base64"));
        let signed = Self {
            key: key.ok_or_else(|| member("key", "it has 64 hexadecimal digits"))?,
            manifest: base64("manifest", &written.manifest)?,
            signature: base64("signature", &written.signature)?,
        };
        if signed.signature.len() > Self::MAX_SIGNATURE {
            return Err(member("signature", "it has at most 72 bytes"));
        }
        let manifest = Manifest::parse(&signed.manifest)?;
        Ok((signed, manifest))
    }

    /// As it is uploaded.
    pub fn to_bytes(&self) -> Vec<u8> {
        let written = Written {
            key: self.key.to_string(),
            manifest: STANDARD.encode(&self.manifest),
            signature: STANDARD.encode(&self.signature),
        };
        let mut bytes = serde_json::to_vec(&written).expect("texts are JSON");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArtefactKind;

    fn signed() -> (SignedManifest, Manifest) {
        let manifest = Manifest {
            class: "default".into(),
            kind: ArtefactKind::Firmware,
            not_after: None,
            sequence: 1,
            digest: Fingerprint([1; 32]),
            size: 2,
            version: "1".into(),
        };
        let signed = SignedManifest {
            key: Fingerprint([2; 32]),
            manifest: manifest.to_bytes(),
            signature: vec![3; 64],
        };
        (signed, manifest)
    }

    #[test]
    fn a_signed_manifest_is_read_back() {
        let (signed, manifest) = signed();
        assert_eq!(SignedManifest::parse(&signed.to_bytes()), Ok((signed, manifest)));
    }

    #[test]
    fn what_is_none_says_why() {
        let text = String::from_utf8(signed().0.to_bytes()).unwrap();
        let key = "02".repeat(32);
        for (from, to, name) in
            [(key.as_str(), "02", "key"), ("\"AwMD", "\"A-_D", "signature"), ("\"eyJ", "\"*", "manifest")]
        {
            let error = SignedManifest::parse(text.replace(from, to).as_bytes());
            assert!(
                matches!(error, Err(SignedManifestError::Member { member, .. }) if member == name),
                "{error:?}"
            );
        }
        let (long, _) = signed();
        let long = SignedManifest { signature: vec![3; 73], ..long };
        assert!(matches!(SignedManifest::parse(&long.to_bytes()), Err(SignedManifestError::Member { .. })));
        let other = SignedManifest { manifest: b"{}".to_vec(), ..long };
        let other = SignedManifest { signature: vec![3; 64], ..other };
        assert!(matches!(SignedManifest::parse(&other.to_bytes()), Err(SignedManifestError::Manifest(_))));
        for text in ["", "[]", "{}", "null", &text.replace("{", "{\"algorithm\":\"none\",")] {
            assert!(matches!(
                SignedManifest::parse(text.as_bytes()),
                Err(SignedManifestError::Unreadable { .. })
            ));
        }
        let len = SignedManifest::MAX_BYTES + 1;
        assert_eq!(SignedManifest::parse(&vec![b' '; len]), Err(SignedManifestError::TooLong { len }));
    }
}
