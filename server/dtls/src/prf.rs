//! The pseudo-random function of TLS 1.2 (RFC 5246 §5) and what is derived by it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// The hash over the handshake messages so far.
#[derive(Clone, Default)]
pub(crate) struct Transcript(Sha256);

/// 48 bytes that a session's keys come from (RFC 5246 §8.1).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterSecret(pub(crate) Zeroizing<[u8; MASTER_SECRET]>);

pub(crate) const MASTER_SECRET: usize = 48;
pub(crate) const VERIFY_DATA: usize = 12;

impl Transcript {
    pub(crate) fn add(&mut self, message: &[u8]) {
        self.0.update(message);
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}

impl MasterSecret {
    /// RFC 5246 §8.1.
    pub(crate) fn derive(premaster: &[u8], client_random: &[u8; 32], server_random: &[u8; 32]) -> Self {
        Self::expand(premaster, b"master secret", &[client_random, server_random])
    }

    /// RFC 7627 §4: over everything up to and including the ClientKeyExchange.
    pub(crate) fn derive_extended(premaster: &[u8], transcript: &[u8; 32]) -> Self {
        Self::expand(premaster, b"extended master secret", &[transcript])
    }

    /// `label` is `client finished` or `server finished`.
    pub(crate) fn verify_data(&self, label: &[u8], transcript: &[u8; 32]) -> [u8; VERIFY_DATA] {
        let mut data = [0; VERIFY_DATA];
        prf(&*self.0, label, &[transcript], &mut data);
        data
    }

    fn expand(premaster: &[u8], label: &[u8], seed: &[&[u8]]) -> Self {
        let mut secret = Zeroizing::new([0; MASTER_SECRET]);
        prf(premaster, label, seed, &mut *secret);
        Self(secret)
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret(…)")
    }
}

/// RFC 4279 §2 and RFC 5489 §2: `other` is the ECDHE secret, or none for as many zeros as the key is long.
pub(crate) fn psk_premaster(key: &[u8], other: Option<&[u8]>) -> Zeroizing<Vec<u8>> {
    let length = |bytes: usize| u16::try_from(bytes).expect("keys are far shorter than 2^16").to_be_bytes();
    let other_len = other.map_or(key.len(), <[u8]>::len);
    // Of the right size at once: a buffer that grows leaves copies behind.
    let mut premaster = Zeroizing::new(Vec::with_capacity(4 + other_len + key.len()));
    premaster.extend_from_slice(&length(other_len));
    match other {
        Some(other) => premaster.extend_from_slice(other),
        None => premaster.resize(2 + other_len, 0),
    }
    premaster.extend_from_slice(&length(key.len()));
    premaster.extend_from_slice(key);
    premaster
}

/// P_SHA256 (RFC 5246 §5) of the label and the seed, which is given in parts.
pub(crate) fn prf(secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    // Its inner and outer pads are hashed once and cloned from then on.
    let keyed = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    let add_seed = |mac: &mut Hmac<Sha256>| {
        mac.update(label);
        seed.iter().for_each(|part| mac.update(part));
    };

    let mut first = keyed.clone();
    add_seed(&mut first);
    let mut a = first.finalize().into_bytes();
    let mut blocks = out.chunks_mut(32).peekable();
    while let Some(chunk) = blocks.next() {
        let mut mac = keyed.clone();
        mac.update(&a);
        add_seed(&mut mac);
        let mut block = mac.finalize().into_bytes();
        chunk.copy_from_slice(&block[..chunk.len()]);
        block.zeroize();
        if blocks.peek().is_some() {
            let mut mac = keyed.clone();
            mac.update(&a);
            a = mac.finalize().into_bytes();
        }
    }
    a.zeroize();
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn the_function_gives_the_published_bytes() {
        // The vector of the TLS working group for P_SHA256 (ietf.org/mail-archive/web/tls/current/msg03416.html).
        let mut out = [0; 100];
        prf(
            &hex!("9bbe436ba940f017b17652849a71db35"),
            b"test label",
            &[&hex!("a0ba9f936cda3118 27a6f796ffd5198c")],
            &mut out,
        );
        assert_eq!(
            out,
            hex!(
                "e3f229ba727be17b8d122620557cd453 c2aab21d07c3d495329b52d4e61edb5a 6b301791e90d35c9c9a46b4e14baf9af"
                "0fa022f7077def17abfd3797c0564bab 4fbc91666e9def9b97fce34f796789ba a48082d122ee42c5a72e5a5110fff701"
                "87347b66"
            )
        );
    }

    #[test]
    fn what_a_session_begins_with_is_what_another_implementation_makes_of_it() {
        // By Python's hmac, from the formulas of RFC 5246 §8.1, §7.4.9 and RFC 7627 §4.
        let premaster = psk_premaster(&hex!("000102030405060708090a0b0c0d0e0f"), None);
        let transcript = Sha256::digest(b"transcript").into();
        assert_eq!(
            *MasterSecret::derive(&premaster, &[0xc1; 32], &[0x51; 32]).0,
            hex!(
                "7fd2cd480f3a8eaaecf203c4d76f218d44dbd68fb447069683a114386e926cd9"
                "82f787b751180e501998d84683ed9f11"
            )
        );
        let extended = MasterSecret::derive_extended(&premaster, &transcript);
        assert_eq!(
            *extended.0,
            hex!(
                "86ce1eeab5d5a23c5b030e8af493dbcc9cb935e6ddb6b8a9888556c1b92eb430"
                "6b8af8349d14e8dc73cc1823b703802c"
            )
        );
        assert_eq!(extended.verify_data(b"client finished", &transcript), hex!("8349b0384c20d6d1417bf99a"));
        assert_eq!(extended.verify_data(b"server finished", &transcript), hex!("f9fe9fe3f6112107a9518e8f"));
    }

    #[test]
    fn a_seed_in_parts_is_the_seed_in_one() {
        for len in [0, 1, 31, 32, 33, 64, 65] {
            let (mut parts, mut whole) = (vec![0; len], vec![0; len]);
            prf(b"secret", b"label", &[b"one", b"", b"two"], &mut parts);
            prf(b"secret", b"labelonetwo", &[], &mut whole);
            assert_eq!(parts, whole);
        }
    }

    #[test]
    fn a_plain_premaster_secret_has_zeros_for_the_other() {
        assert_eq!(*psk_premaster(&hex!("aabbcc"), None), hex!("0003 000000 0003 aabbcc"));
        assert_eq!(*psk_premaster(&hex!("aabb"), Some(&hex!("112233"))), hex!("0003 112233 0002 aabb"));
        assert_eq!(*psk_premaster(&[], None), hex!("0000 0000"));
    }

    #[test]
    fn a_transcript_can_be_read_and_gone_on_with() {
        let mut transcript = Transcript::default();
        transcript.add(b"a");
        let first = transcript.hash();
        transcript.add(b"bc");
        assert_ne!(transcript.hash(), first);
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            transcript.hash(),
            hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
    }

    #[test]
    fn no_secret_is_printed() {
        let secret = MasterSecret::derive(b"premaster", &[1; 32], &[2; 32]);
        assert_eq!(format!("{secret:?}"), "MasterSecret(…)");
    }
}
