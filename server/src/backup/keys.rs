//! The member `keys.sealed`: the key that the database's secrets are sealed with, itself sealed under a passphrase
//! (argon2id, then XChaCha20-Poly1305). It is bound to the manifest and by it to the other members: a database that somebody
//! has put in the place of the one that was backed up, or another date, comes with keys that do not open.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Passphrase;
use crate::seal::SealKey;

/// What one guess at the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not what this version writes.
    #[error("its keys are not in a form that this version knows")]
    Form,
    /// Another passphrase, or other members than those it was made with.
    #[error("the passphrase is not that of this backup, or the backup was changed")]
    Passphrase,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    kdf: String,
    cost: Cost,
    salt: String,
    nonce: String,
    sealed: String,
}

/// The longest `keys.sealed` that is read.
pub(super) const MAX_BYTES: u64 = 4 << 10;

const KDF: &str = "argon2id+xchacha20poly1305";
const SALT: usize = 16;
const NONCE: usize = 24;
const KEY: usize = 32;

impl Cost {
    /// RFC 9106 §4, the second recommended option.
    pub(crate) const USUAL: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };

    /// For tests that are not about it.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    /// Whoever wrote the file must not make the reader spend what they like.
    const MAX: Self = Self { memory_kib: 1 << 20, passes: 16, lanes: 16 };

    fn params(self) -> Result<Params, KeysError> {
        let Self { memory_kib, passes, lanes } = self;
        if memory_kib > Self::MAX.memory_kib || passes > Self::MAX.passes || lanes > Self::MAX.lanes {
            return Err(KeysError::Form);
        }
        Params::new(memory_kib, passes, lanes, Some(KEY)).map_err(|_| KeysError::Form)
    }
}

/// Seals the key, bound to what the manifest says.
pub(super) fn seal(key: &SealKey, passphrase: &Passphrase, cost: Cost, bound: &[u8]) -> Vec<u8> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    crate::fill_random(&mut salt);
    crate::fill_random(&mut nonce);
    let cipher = cipher(passphrase, cost, &salt).expect("the costs of ours are within the bounds");
    let aad = associated(cost, bound);
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: key.bytes(), aad: &aad })
        .expect("a key is far shorter than the cipher's 256 GiB");
    let sealed = Sealed {
        kdf: KDF.to_owned(),
        cost,
        salt: STANDARD.encode(salt),
        nonce: STANDARD.encode(nonce),
        sealed: STANDARD.encode(sealed),
    };
    serde_json::to_vec_pretty(&sealed).expect("strings and numbers are always JSON")
}

/// Whether it has the form of sealed keys.
pub(super) fn check(bytes: &[u8]) -> Result<(), KeysError> {
    parse(bytes).map(drop)
}

/// Opens what [`seal`] has made. Takes as long as [`Cost`] says: not for an async thread.
pub(super) fn open(bytes: &[u8], passphrase: &Passphrase, bound: &[u8]) -> Result<SealKey, KeysError> {
    let (sealed, salt, nonce) = parse(bytes)?;
    let ciphertext = STANDARD.decode(&sealed.sealed).map_err(|_| KeysError::Form)?;
    let aad = associated(sealed.cost, bound);
    let opened = cipher(passphrase, sealed.cost, &salt)?
        .decrypt(&XNonce::from(nonce), Payload { msg: &ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .map_err(|_| KeysError::Passphrase)?;
    let mut key = Zeroizing::new([0; KEY]);
    if opened.len() != KEY {
        return Err(KeysError::Form);
    }
    key.copy_from_slice(&opened);
    Ok(SealKey::from_bytes(*key))
}

fn parse(bytes: &[u8]) -> Result<(Sealed, [u8; SALT], [u8; NONCE]), KeysError> {
    let sealed: Sealed = serde_json::from_slice(bytes).map_err(|_| KeysError::Form)?;
    sealed.cost.params()?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeysError::Form);
    let salt = decode(&sealed.salt)?.try_into().map_err(|_| KeysError::Form)?;
    let nonce = decode(&sealed.nonce)?.try_into().map_err(|_| KeysError::Form)?;
    if sealed.kdf == KDF { Ok((sealed, salt, nonce)) } else { Err(KeysError::Form) }
}

fn cipher(passphrase: &Passphrase, cost: Cost, salt: &[u8]) -> Result<XChaCha20Poly1305, KeysError> {
    let mut key = Zeroizing::new([0; KEY]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?)
        .hash_password_into(passphrase.bytes(), salt, &mut *key)
        .map_err(|_| KeysError::Form)?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

fn associated(cost: Cost, bound: &[u8]) -> Vec<u8> {
    let Cost { memory_kib, passes, lanes } = cost;
    [format!("{KDF} {memory_kib} {passes} {lanes}\n").as_bytes(), bound].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealKey {
        SealKey::from_bytes(std::array::from_fn(|at| at as u8))
    }

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn keys_open_with_their_passphrase_and_the_members_they_were_sealed_with() {
        let words = passphrase("twelve or more");
        let sealed = seal(&key(), &words, Cost::NONE, b"database 1");
        assert_eq!(open(&sealed, &words, b"database 1").unwrap().bytes(), key().bytes());
        let wrong = |sealed: &[u8], words: &Passphrase, bound: &[u8]| open(sealed, words, bound).err();
        assert_eq!(wrong(&sealed, &passphrase("twelve or less"), b"database 1"), Some(KeysError::Passphrase));
        assert_eq!(wrong(&sealed, &words, b"database 2"), Some(KeysError::Passphrase));
        assert!(!sealed.windows(4).any(|part| part == [4, 5, 6, 7]));
    }

    #[test]
    fn a_file_can_not_make_its_reader_spend_what_it_likes() {
        let text = String::from_utf8(seal(&key(), &passphrase("twelve or more"), Cost::NONE, b"")).unwrap();
        for (from, to) in [
            ("\"memory_kib\": 8", "\"memory_kib\": 1048577"),
            ("\"passes\": 1", "\"passes\": 17"),
            ("\"lanes\": 1", "\"lanes\": 0"),
            ("argon2id+", "argon2i+"),
        ] {
            assert!(text.contains(from), "{text}");
            assert_eq!(check(text.replace(from, to).as_bytes()), Err(KeysError::Form), "{to}");
        }
    }

    #[test]
    fn the_usual_cost_is_within_the_bounds_and_a_passphrase_is_long() {
        Cost::USUAL.params().unwrap();
        let new = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned()));
        assert_eq!(new("eleven char").err(), Some(PassphraseError::TooShort));
        assert_eq!(new(&"x".repeat(1_025)).err(), Some(PassphraseError::TooLong));
        assert!(!format!("{:?}", new("not to be seen").unwrap()).contains("seen"));
    }

    use crate::backup::PassphraseError;
}
