//! What a client made by hand is made of: bytes as TLS writes them, and what RFC 5246 and RFC 5288 do with them, by ring.

use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hmac,
};

/// One direction's.
pub(crate) struct Key {
    key: LessSafeKey,
    salt: Vec<u8>,
}

impl Key {
    pub(crate) fn of(key: &[u8], salt: &[u8]) -> Self {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).unwrap());
        Self { key, salt: salt.to_vec() }
    }

    fn nonce(&self, explicit: &[u8]) -> Nonce {
        Nonce::try_assume_unique_for_key(&[&self.salt, explicit].concat()).unwrap()
    }

    pub(crate) fn seal(&self, explicit: &[u8], additional: &[u8], body: &mut Vec<u8>) {
        self.key.seal_in_place_append_tag(self.nonce(explicit), Aad::from(additional), body).unwrap();
    }

    pub(crate) fn open(&self, explicit: &[u8], additional: &[u8], mut body: Vec<u8>) -> Vec<u8> {
        self.key.open_in_place(self.nonce(explicit), Aad::from(additional), &mut body).unwrap().to_vec()
    }
}

/// A handshake message in one piece.
pub(crate) fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind][..], &len[1..], &sequence.to_be_bytes(), &[0; 3], &len[1..], body].concat()
}

/// A record of handshake messages in the clear.
pub(crate) fn clear(number: u64, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[22, 0xfe, 0xfd][..], &number.to_be_bytes(), &length, body].concat()
}

pub(crate) fn vec8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
}

pub(crate) fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

pub(crate) fn vec24(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat()
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest::digest(&digest::SHA256, &parts.concat()).as_ref().to_vec()
}

/// RFC 5246 §5.
pub(crate) fn prf(secret: &[u8], label: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let seed = [label, seed].concat();
    let (mut a, mut out) = (seed.clone(), Vec::new());
    while out.len() < len {
        a = hmac::sign(&key, &a).as_ref().to_vec();
        out.extend_from_slice(hmac::sign(&key, &[&a[..], &seed].concat()).as_ref());
    }
    out.truncate(len);
    out
}
