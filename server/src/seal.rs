//! Sealing: how secrets of devices lie in the database.
//!
//! [`SealKey`] is the one secret of the installation: the file `seal.key` in the data folder, or the variable
//! `MUSTER_KEY`. [`Sealer`] seals with it. What is sealed is bound to its row, so that a secret moved to another row of
//! the database opens nowhere.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

mod key;
pub(crate) use key::{KEY_FILE, KEY_VARIABLE, SealKey};
pub use key::{KeySource, SealKeyError};

/// Seals and opens. XChaCha20-Poly1305 by RustCrypto: its 24-byte nonces may be random without a count of them, and ring
/// has no such cipher.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: [u8; KEY_ID],
}

/// Why something sealed does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed with another key than the one at hand.
    #[error(
        "sealed with another key ({theirs}) than this server's ({ours}): restore the `seal.key` it was sealed with"
    )]
    OtherKey {
        /// The id of this server's key.
        ours: KeyId,
        /// The id it was sealed under.
        theirs: KeyId,
    },
    /// Damaged, or moved here from another row.
    #[error("damaged, or sealed for another row")]
    Tampered,
    /// Too short to have been sealed at all.
    #[error("{len} bytes are too short for something sealed")]
    Truncated {
        /// Its length.
        len: usize,
    },
    /// Sealed in a way that this version does not know.
    #[error("sealed in version {0}, which this server does not know")]
    UnknownVersion(u8),
}

/// The first bytes of a key's SHA-256: tells keys apart and nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId([u8; KEY_ID]);

const VERSION: u8 = 1;
const KEY_ID: usize = 4;

/// The length of a nonce, which is random.
pub(crate) const NONCE: usize = 24;

const TAG: usize = 16;
const HEAD: usize = 1 + KEY_ID + NONCE;

impl Sealer {
    pub(crate) fn new(key: &SealKey) -> Self {
        let digest = Sha256::digest(key.bytes());
        let mut key_id = [0; KEY_ID];
        key_id.copy_from_slice(&digest[..KEY_ID]);
        Self { cipher: XChaCha20Poly1305::new(key.bytes().into()), key_id }
    }

    /// The id of its key.
    pub(crate) fn key_id(&self) -> KeyId {
        KeyId(self.key_id)
    }

    /// Seals for a row of a table: version, key id, nonce, ciphertext with its tag. The nonce is random, and used once. The
    /// tables that were the first to have secrets have no name here: their rows are told apart by their numbers.
    pub(crate) fn seal_in(&self, table: &str, row: i64, plain: &[u8], nonce: [u8; NONCE]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(&nonce);
        let aad = associated(&sealed[..1 + KEY_ID], row, table);
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .expect("what is sealed is far shorter than the cipher's 256 GiB");
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what was sealed for a row of a table.
    pub(crate) fn open_in(
        &self,
        table: &str,
        row: i64,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let version = *sealed.first().ok_or(SealError::Truncated { len: 0 })?;
        if version != VERSION {
            return Err(SealError::UnknownVersion(version));
        }
        if sealed.len() < HEAD + TAG {
            return Err(SealError::Truncated { len: sealed.len() });
        }
        let (head, ciphertext) = sealed.split_at(HEAD);
        let mut theirs = [0; KEY_ID];
        theirs.copy_from_slice(&head[1..=KEY_ID]);
        if theirs != self.key_id {
            return Err(SealError::OtherKey { ours: self.key_id(), theirs: KeyId(theirs) });
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&head[1 + KEY_ID..]);
        let aad = associated(&head[..=KEY_ID], row, table);
        self.cipher
            .decrypt(&XNonce::from(nonce), Payload { msg: ciphertext, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| SealError::Tampered)
    }
}

// Version and key id are authenticated with the row.
fn associated(version_and_key: &[u8], row: i64, table: &str) -> Vec<u8> {
    [version_and_key, &row.to_be_bytes(), table.as_bytes()].concat()
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({})", self.key_id())
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(first: u8) -> Sealer {
        let bytes: [u8; 32] = std::array::from_fn(|at| first.wrapping_add((at * at) as u8));
        Sealer::new(&SealKey::from_bytes(bytes))
    }

    #[test]
    fn what_is_sealed_opens_in_its_row() {
        for plain in [&b""[..], b"k", &[7; 300]] {
            let sealed = sealer(1).seal_in("", -3, plain, [9; NONCE]);
            assert_eq!(sealed.len(), HEAD + plain.len() + TAG);
            assert_eq!(sealer(1).open_in("", -3, &sealed).unwrap().as_slice(), plain);
        }
    }

    #[test]
    fn it_does_not_open_in_another_row() {
        let sealed = sealer(1).seal_in("", 7, b"secret", [9; NONCE]);
        for row in [6, 8, -7, 0, i64::MAX] {
            assert_eq!(sealer(1).open_in("", row, &sealed), Err(SealError::Tampered));
        }
    }

    #[test]
    fn it_does_not_open_in_another_table() {
        let sealed = sealer(1).seal_in("own_key", 7, b"secret", [9; NONCE]);
        assert_eq!(sealer(1).open_in("own_key", 7, &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(sealer(1).open_in("dtls_session", 7, &sealed), Err(SealError::Tampered));
        assert_eq!(sealer(1).open_in("", 7, &sealed), Err(SealError::Tampered));
    }

    #[test]
    fn another_key_is_told_from_damage() {
        let sealed = sealer(1).seal_in("", 7, b"secret", [9; NONCE]);
        let error = sealer(2).open_in("", 7, &sealed).unwrap_err();
        assert_eq!(error, SealError::OtherKey { ours: sealer(2).key_id(), theirs: sealer(1).key_id() });
        assert!(error.to_string().starts_with("sealed with another key"), "{error}");
    }

    #[test]
    fn each_bit_that_was_changed_is_noticed() {
        let sealed = sealer(1).seal_in("", 7, b"secret", [9; NONCE]);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                let error = sealer(1).open_in("", 7, &changed).unwrap_err();
                match at {
                    0 => assert_eq!(error, SealError::UnknownVersion(changed[0])),
                    1..=KEY_ID => assert!(matches!(error, SealError::OtherKey { .. })),
                    _ => assert_eq!(error, SealError::Tampered),
                }
            }
        }
        for len in 0..sealed.len() {
            assert!(sealer(1).open_in("", 7, &sealed[..len]).is_err(), "{len} bytes of it");
        }
    }

    #[test]
    fn neither_the_secret_nor_the_key_shows() {
        let sealed = sealer(1).seal_in("", 7, b"a secret of sixteen", [9; NONCE]);
        assert!(
            !sealed.windows(8).any(|window| b"a secret of sixteen".windows(8).any(|part| part == window))
        );
        assert_ne!(sealed, sealer(1).seal_in("", 7, b"a secret of sixteen", [8; NONCE]));
        assert_eq!(format!("{:?}", sealer(1)).len(), "Sealer()".len() + 2 * KEY_ID);
    }
}
