//! AES-128-CBC with HMAC-SHA-256: the MAC inside the encryption (RFC 5246 §6.2.3.2), or around it (RFC 7366).

use aes::{Aes128, Block};
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit},
};
use hmac::{Hmac, KeyInit, Mac};
use rand::{Rng, rngs::StdRng};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::{KEY, Place, additional::Additional, constant_time};
use crate::Suite;

/// The keys of both directions.
pub(super) struct Cbc {
    pub(super) suite: Suite,
    pub(super) encrypt_then_mac: bool,
    write: Direction,
    read: Direction,
}

/// What is needed for one direction.
struct Direction {
    mac: [u8; MAC],
    key: [u8; KEY],
}

pub(super) const MAC: usize = 32;
const BLOCK: usize = 16;
const DIRECTION: usize = MAC + KEY;
/// Of the keys as they are written.
pub(super) const LENGTH: usize = 2 * DIRECTION;
/// The IV, the MAC and at most a block of padding.
pub(super) const OVERHEAD: usize = BLOCK + MAC + BLOCK;

impl Cbc {
    pub(super) fn of(suite: Suite, encrypt_then_mac: bool, bytes: &[u8]) -> Option<Self> {
        let (write, read) = bytes.split_at_checked(DIRECTION)?;
        Some(Self { suite, encrypt_then_mac, write: Direction::of(write)?, read: Direction::of(read)? })
    }

    pub(super) fn write(&self, out: &mut Zeroizing<Vec<u8>>) {
        for Direction { mac, key } in [&self.write, &self.read] {
            out.extend_from_slice(mac);
            out.extend_from_slice(key);
        }
    }

    pub(super) fn seal(&self, place: Place<'_>, plaintext: &[u8], random: &mut StdRng, out: &mut Vec<u8>) {
        let inner = place.inner_len(plaintext);
        let (mac_inside, mac_outside) = if self.encrypt_then_mac { (0, MAC) } else { (MAC, 0) };
        let padding = BLOCK - (inner + mac_inside) % BLOCK;
        let encrypted = inner + mac_inside + padding;
        place.write(BLOCK + encrypted + mac_outside, out);
        let mut iv = [0; BLOCK];
        random.fill_bytes(&mut iv);
        let start = out.len();
        out.extend_from_slice(&iv);
        place.write_inner(plaintext, out);
        if !self.encrypt_then_mac {
            let mac = self.write.mac(place, &out[start + BLOCK..]);
            out.extend_from_slice(&mac);
        }
        // RFC 5246 §6.2.3.2: each byte of the padding, and the one that tells its length, is that length.
        let fill = u8::try_from(padding - 1).expect("it is less than a block");
        out.resize(out.len() + padding, fill);
        let (blocks, _) = Block::slice_as_chunks_mut(&mut out[start + BLOCK..]);
        Encryptor::<Aes128>::new(&self.write.key.into(), &iv.into()).encrypt_blocks(blocks);
        if self.encrypt_then_mac {
            let mac = self.write.mac(place, &out[start..]);
            out.extend_from_slice(&mac);
        }
    }

    pub(super) fn open<'a>(&self, place: Place<'_>, body: &'a mut [u8]) -> Option<&'a mut [u8]> {
        if self.encrypt_then_mac { self.open_outside(place, body) } else { self.open_inside(place, body) }
    }

    /// RFC 7366: what does not authenticate is not decrypted.
    fn open_outside<'a>(&self, place: Place<'_>, body: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (protected, mac) = body.split_at_mut_checked(body.len().checked_sub(MAC)?)?;
        if !has_shape(protected, 0) || !bool::from(self.read.mac(place, protected).ct_eq(mac)) {
            return None;
        }
        let text = self.read.decrypt(protected);
        let padding = usize::from(*text.last()?) + 1;
        let inner = text.len().checked_sub(padding)?;
        let (inner, padding) = text.split_at_mut(inner);
        let fill = padding[padding.len() - 1];
        padding.iter().all(|byte| *byte == fill).then_some(inner)
    }

    /// RFC 5246 §6.2.3.2, in a time that tells nothing of the padding: one verdict on both, at the end.
    fn open_inside<'a>(&self, place: Place<'_>, body: &'a mut [u8]) -> Option<&'a mut [u8]> {
        if !has_shape(body, MAC) {
            return None;
        }
        let text = self.read.decrypt(body);
        let unpadded = constant_time::unpad(text, MAC);
        let additional = Additional::new(place, unpadded.length);
        let mac = constant_time::mac(&self.read.mac, additional.as_ref(), text, unpadded.length, MAC);
        let sent = constant_time::cut(text, unpadded.length);
        if bool::from(mac.ct_eq(&sent) & unpadded.good) { Some(&mut text[..unpadded.length]) } else { None }
    }
}

/// Whether it is an IV and whole blocks, room for a MAC of so many bytes and the length of the padding among them.
fn has_shape(protected: &[u8], mac: usize) -> bool {
    protected.len() > BLOCK + mac && protected.len().is_multiple_of(BLOCK)
}

impl Direction {
    fn of(bytes: &[u8]) -> Option<Self> {
        let (mac, key) = bytes.split_at_checked(MAC)?;
        Some(Self { mac: mac.try_into().ok()?, key: key.try_into().ok()? })
    }

    fn mac(&self, place: Place<'_>, text: &[u8]) -> [u8; MAC] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac).expect("HMAC takes keys of any length");
        mac.update(Additional::new(place, text.len()).as_ref());
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// Decrypts what follows the IV.
    fn decrypt<'a>(&self, protected: &'a mut [u8]) -> &'a mut [u8] {
        let (iv, text) = protected.split_at_mut(BLOCK);
        let iv: [u8; BLOCK] = (&*iv).try_into().expect("it was split at a block");
        let (blocks, _) = Block::slice_as_chunks_mut(text);
        Decryptor::<Aes128>::new(&self.key.into(), &iv.into()).decrypt_blocks(blocks);
        text
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.mac.zeroize();
        self.key.zeroize();
    }
}
