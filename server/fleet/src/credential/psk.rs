//! Pre-shared keys and what they are named by (LwM2M Transport 1.1.1 §5.2.8.1).

use std::fmt;

use zeroize::Zeroizing;

use super::hex::{from_hex, hex};

/// A PSK identity: 1 to 128 bytes (LwM2M Transport 1.1.1 §5.2.8.1), mostly text, to be shown with care.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PskIdentity(Vec<u8>);

/// A pre-shared key: 1 to 64 bytes (LwM2M Transport 1.1.1 §5.2.8.1). Zeroed when dropped, prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PskKey(Zeroizing<Vec<u8>>);

/// Why bytes are no PSK identity or key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PskError {
    /// The identity is empty or longer than [`PskIdentity::MAX_BYTES`].
    #[error("a PSK identity has 1 to {max} bytes, this one has {len}", max = PskIdentity::MAX_BYTES)]
    IdentityLength {
        /// Its length.
        len: usize,
    },
    /// The key is shorter than [`PskKey::MIN_BYTES`] or longer than [`PskKey::MAX_BYTES`].
    #[error("a key has {min} to {max} bytes, this one has {len}", min = PskKey::MIN_BYTES, max = PskKey::MAX_BYTES)]
    KeyLength {
        /// Its length.
        len: usize,
    },
    /// The key is not written in hexadecimal digits.
    #[error("a key is written in hexadecimal digits, two a byte")]
    NotHex,
    /// The key is one that everybody knows, such as all zeros.
    #[error("this key is one that anybody would try first; make a random one")]
    WellKnown,
}

impl PskIdentity {
    /// The longest identity every server must take.
    pub const MAX_BYTES: usize = 128;

    /// Takes bytes that fit.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PskError> {
        let bytes = bytes.into();
        let fits = (1..=Self::MAX_BYTES).contains(&bytes.len());
        if fits { Ok(Self(bytes)) } else { Err(PskError::IdentityLength { len: bytes.len() }) }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text where it is printable UTF-8, and as `hex:…` otherwise.
    pub fn text(&self) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.chars().any(char::is_control) && !text.starts_with("hex:") => text.to_owned(),
            _ => format!("hex:{}", hex(&self.0)),
        }
    }

    /// The reverse of [`PskIdentity::text`].
    pub fn from_text(text: &str) -> Result<Self, PskError> {
        match text.strip_prefix("hex:") {
            Some(digits) => Self::new(from_hex(digits).ok_or(PskError::NotHex)?),
            None => Self::new(text),
        }
    }
}

impl fmt::Debug for PskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

impl fmt::Display for PskIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl PskKey {
    /// The shortest key that is taken: 128 bits, as strong as the cipher suites served.
    pub const MIN_BYTES: usize = 16;
    /// The longest key every server must take.
    pub const MAX_BYTES: usize = 64;
    /// The length of the keys made here.
    pub const MADE_BYTES: usize = 16;

    /// Takes bytes that fit.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PskError> {
        let bytes = Zeroizing::new(bytes.into());
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&bytes.len()) {
            return Err(PskError::KeyLength { len: bytes.len() });
        }
        // The same byte over and over, or counting up: what examples are full of.
        let steps = || bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        if steps().all(|step| step == 0) || steps().all(|step| step == 1) || steps().all(|step| step == 0x11)
        {
            return Err(PskError::WellKnown);
        }
        Ok(Self(bytes))
    }

    /// Takes hexadecimal digits, two a byte, in either case.
    pub fn from_hex(text: &str) -> Result<Self, PskError> {
        Self::new(from_hex(text).ok_or(PskError::NotHex)?)
    }

    /// The bytes, for the store and the handshake.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As hexadecimal digits, for whoever is shown it once.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(&self.0))
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PskKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_so_that_it_can_be_read_back() {
        for bytes in [&b"node-7"[..], b"\x00\xff", b"hex:41", "ä".as_bytes(), b"a\nb"] {
            let identity = PskIdentity::new(bytes).unwrap();
            assert_eq!(PskIdentity::from_text(&identity.text()).unwrap(), identity, "{}", identity.text());
            assert!(!identity.text().chars().any(char::is_control));
        }
        assert_eq!(PskIdentity::new(""), Err(PskError::IdentityLength { len: 0 }));
        assert_eq!(PskIdentity::new([7; 129]), Err(PskError::IdentityLength { len: 129 }));
    }

    #[test]
    fn a_key_is_long_enough_and_not_the_one_of_the_example() {
        let key = PskKey::from_hex("00112233445566778899aabbccddeef0").unwrap();
        assert_eq!(key.to_hex().as_str(), "00112233445566778899aabbccddeef0");
        assert_eq!(format!("{key:?}"), "PskKey(…)");
        for (text, error) in [
            ("00112233445566778899aabbccddeeff", PskError::WellKnown),
            ("000102030405060708090a0b0c0d0e0f", PskError::WellKnown),
            ("00000000000000000000000000000000", PskError::WellKnown),
            ("0011223344556677", PskError::KeyLength { len: 8 }),
            ("xy", PskError::NotHex),
            ("abc", PskError::NotHex),
        ] {
            assert_eq!(PskKey::from_hex(text), Err(error), "{text}");
        }
    }
}
