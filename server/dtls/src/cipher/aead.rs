//! AES-128-CCM and -GCM (RFC 6655 §3, RFC 5288 §3): a nonce of four bytes that are kept and eight that are sent, which are the epoch and
//! the sequence number. So no nonce comes twice under one key as long as no sequence number does.
//!
//! GCM is ring's: without link-time optimisation it takes half as long as RustCrypto's, key expansion included, and with it as
//! long. CCM it has not.

use aes::cipher::consts::{U8, U16};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::{Zeroize, Zeroizing};

use super::{KEY, Place, additional::Additional, ccm};
use crate::{Suite, record::number, suite::Protection};

/// The keys of both directions.
pub(super) struct Aead {
    pub(super) suite: Suite,
    write: Direction,
    read: Direction,
}

/// What is needed for one direction.
struct Direction {
    key: [u8; KEY],
    salt: [u8; SALT],
}

pub(super) const SALT: usize = 4;
const EXPLICIT: usize = 8;
const NONCE: usize = SALT + EXPLICIT;
const DIRECTION: usize = KEY + SALT;
/// Of the keys as they are written.
pub(super) const LENGTH: usize = 2 * DIRECTION;

impl Aead {
    pub(super) fn of(suite: Suite, bytes: &[u8]) -> Option<Self> {
        let (write, read) = bytes.split_at_checked(DIRECTION)?;
        Some(Self { suite, write: Direction::of(write)?, read: Direction::of(read)? })
    }

    pub(super) fn write(&self, out: &mut Zeroizing<Vec<u8>>) {
        for Direction { key, salt } in [&self.write, &self.read] {
            out.extend_from_slice(key);
            out.extend_from_slice(salt);
        }
    }

    pub(super) fn seal(&self, place: Place<'_>, plaintext: &[u8], out: &mut Vec<u8>) {
        let inner = place.inner_len(plaintext);
        let explicit = number(place.epoch, place.sequence);
        place.write(EXPLICIT + inner + self.tag(), out);
        out.extend_from_slice(&explicit);
        let start = out.len();
        place.write_inner(plaintext, out);
        let nonce = self.write.nonce(explicit);
        let additional = Additional::new(place, inner);
        let text = &mut out[start..];
        match self.suite.protection() {
            Protection::Ccm { tag: 8 } => {
                let tag = ccm::encrypt::<U8>(&self.write.key, nonce, additional.as_ref(), text);
                out.extend_from_slice(&tag);
            }
            Protection::Ccm { .. } => {
                let tag = ccm::encrypt::<U16>(&self.write.key, nonce, additional.as_ref(), text);
                out.extend_from_slice(&tag);
            }
            Protection::Gcm | Protection::Cbc => {
                let tag = self
                    .write
                    .gcm()
                    .seal_in_place_separate_tag(
                        Nonce::assume_unique_for_key(nonce),
                        Aad::from(&additional),
                        text,
                    )
                    .expect("a record is far shorter than the cipher's limit");
                out.extend_from_slice(tag.as_ref());
            }
        }
    }

    pub(super) fn open<'a>(&self, place: Place<'_>, body: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (explicit, rest) = body.split_at_mut_checked(EXPLICIT)?;
        let length = rest.len().checked_sub(self.tag())?;
        let nonce = self.read.nonce((&*explicit).try_into().expect("it was split at 8"));
        let additional = Additional::new(place, length);
        match self.suite.protection() {
            Protection::Ccm { tag: 8 } => {
                ccm::decrypt::<U8>(&self.read.key, nonce, additional.as_ref(), rest)
            }
            Protection::Ccm { .. } => ccm::decrypt::<U16>(&self.read.key, nonce, additional.as_ref(), rest),
            Protection::Gcm | Protection::Cbc => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                self.read.gcm().open_in_place(nonce, Aad::from(&additional), rest).ok()
            }
        }
    }

    pub(super) fn overhead(&self) -> usize {
        EXPLICIT + self.tag()
    }

    fn tag(&self) -> usize {
        match self.suite.protection() {
            Protection::Ccm { tag } => tag,
            Protection::Gcm | Protection::Cbc => 16,
        }
    }
}

impl Direction {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (key, salt) = bytes.split_at_checked(KEY)?;
        Some(Self { key: key.try_into().ok()?, salt: salt.try_into().ok()? })
    }

    fn nonce(&self, explicit: [u8; EXPLICIT]) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        nonce[..SALT].copy_from_slice(&self.salt);
        nonce[SALT..].copy_from_slice(&explicit);
        nonce
    }

    fn gcm(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &self.key).expect("the key is of AES-128"))
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}
