//! What is kept secret of a credential.

use std::fmt;

use zeroize::Zeroizing;

use super::{CredentialKind, PskKey};

/// The secret of a credential, as the store seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// A pre-shared key.
    Psk(PskKey),
    /// A key pair that was made here, until its device has proved that it holds it.
    KeyPair(KeyPair),
    /// Nothing: only the device holds the key.
    None,
}

/// A private key with what is told of it. `Debug` tells no private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The private key.
    pub private: PrivateKey,
    /// What goes with it.
    pub public: Public,
}

/// A private key, PKCS#8 in DER (RFC 5958). Zeroed when dropped, prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

/// The public part of a key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Public {
    /// A SubjectPublicKeyInfo, in DER.
    Key(Vec<u8>),
    /// Certificates, in DER: the one of this key first, then those that lead to its authority.
    Chain(Vec<Vec<u8>>),
}

impl Secret {
    /// The pre-shared key, if it is one.
    pub fn psk(&self) -> Option<&PskKey> {
        match self {
            Self::Psk(key) => Some(key),
            Self::KeyPair(_) | Self::None => None,
        }
    }

    /// The key pair, if it is one.
    pub fn key_pair(&self) -> Option<&KeyPair> {
        match self {
            Self::KeyPair(pair) => Some(pair),
            Self::Psk(_) | Self::None => None,
        }
    }

    /// As the store seals it: a pre-shared key is its bytes, [`Secret::None`] is nothing, which needs no sealing.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Psk(key) => Zeroizing::new(key.as_bytes().to_vec()),
            Self::KeyPair(pair) => pair.to_bytes(),
            Self::None => Zeroizing::default(),
        }
    }

    /// The reverse of [`Secret::to_bytes`]; none where the bytes are no secret of that kind.
    pub fn from_bytes(kind: CredentialKind, bytes: &[u8]) -> Option<Self> {
        match kind {
            _ if bytes.is_empty() => Some(Self::None),
            CredentialKind::Psk => PskKey::new(bytes).ok().map(Self::Psk),
            CredentialKind::RawPublicKey | CredentialKind::Certificate => {
                KeyPair::from_bytes(bytes).map(Self::KeyPair)
            }
        }
    }
}

impl KeyPair {
    /// How many certificates a chain has at most.
    pub const MAX_CHAIN: usize = 8;

    /// The SubjectPublicKeyInfo or the certificate of the key itself, in DER; empty only where the chain is.
    pub fn leaf(&self) -> &[u8] {
        match &self.public {
            Public::Key(key) => key,
            Public::Chain(chain) => chain.first().map_or(&[], Vec::as_slice),
        }
    }

    /// As it is sealed: a byte that tells what the public part is, then each part behind its length (four bytes, big endian).
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (tag, public) = match &self.public {
            Public::Key(key) => (KEY, std::slice::from_ref(key)),
            Public::Chain(chain) => (CHAIN, chain.as_slice()),
        };
        let parts = || std::iter::once(self.private.as_bytes()).chain(public.iter().map(Vec::as_slice));
        // At once, so that no copy of the key is left where the bytes have grown.
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(1 + parts().map(|part| 4 + part.len()).sum::<usize>()));
        bytes.push(tag);
        for part in parts() {
            let len = u32::try_from(part.len()).expect("a key or certificate is no longer than a datagram");
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    /// The reverse of [`KeyPair::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, mut rest) = bytes.split_first()?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (len, tail) = rest.split_at_checked(4)?;
            let len = u32::from_be_bytes(len.try_into().ok()?);
            let (part, tail) = tail.split_at_checked(len.try_into().ok()?)?;
            parts.push(part);
            rest = tail;
        }
        let (private, public) = parts.split_first()?;
        let public = match (*tag, public) {
            (KEY, [key]) => Public::Key(key.to_vec()),
            (CHAIN, chain) if (1..=Self::MAX_CHAIN).contains(&chain.len()) => {
                Public::Chain(chain.iter().map(|one| one.to_vec()).collect())
            }
            _ => return None,
        };
        Some(Self { private: PrivateKey::new(private.to_vec()), public })
    }
}

impl PrivateKey {
    /// Takes PKCS#8 in DER. Nothing is looked at: it is made by an [`Issuer`](crate::Issuer), or was kept here.
    pub fn new(pkcs8: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(pkcs8.into()))
    }

    /// PKCS#8 in DER.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

const KEY: u8 = 1;
const CHAIN: u8 = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_pair_is_written_so_that_it_can_be_read_back() {
        let private = PrivateKey::new([7; 3]);
        for public in [Public::Key(vec![1, 2]), Public::Chain(vec![vec![3], Vec::new()])] {
            let secret = Secret::KeyPair(KeyPair { private: private.clone(), public });
            let bytes = secret.to_bytes();
            assert_eq!(Secret::from_bytes(CredentialKind::Certificate, &bytes), Some(secret));
            for end in 1..bytes.len() {
                let cut = KeyPair::from_bytes(&bytes[..end]);
                assert!(cut.is_none_or(|cut| matches!(cut.public, Public::Chain(chain) if chain.len() == 1)));
            }
        }
        let bytes = KeyPair { private: private.clone(), public: Public::Key(vec![1, 2]) }.to_bytes();
        assert_eq!(bytes.as_slice(), [1, 0, 0, 0, 3, 7, 7, 7, 0, 0, 0, 2, 1, 2]);
        assert_eq!(format!("{private:?}"), "PrivateKey(…)");
    }

    #[test]
    fn a_device_that_keeps_its_key_leaves_nothing_to_seal() {
        assert!(Secret::None.to_bytes().is_empty());
        for kind in CredentialKind::ALL {
            assert_eq!(Secret::from_bytes(kind, &[]), Some(Secret::None));
        }
        let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
        let secret = Secret::Psk(key.clone());
        assert_eq!(
            secret.to_bytes().as_slice(),
            key.as_bytes(),
            "as it was sealed before there were other kinds"
        );
        assert_eq!(Secret::from_bytes(CredentialKind::Psk, &secret.to_bytes()), Some(secret));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes: Vec<u8>) {
            if let Some(pair) = KeyPair::from_bytes(&bytes) {
                prop_assert_eq!(pair.to_bytes().to_vec(), bytes);
            }
        }
    }
}
