//! Tokens: what ties a response to its request (RFC 7252 §5.3.1).

use std::fmt;

/// A token of zero to eight bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl Token {
    /// The longest token (RFC 7252 §3); the extended tokens of RFC 8974 are not understood.
    pub const MAX_LEN: usize = 8;

    /// The token with these bytes; nothing if there are more than eight.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut token = Self { len: u8::try_from(bytes.len()).ok()?, bytes: [0; Self::MAX_LEN] };
        token.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(token)
    }

    /// The bytes as they stand on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl From<u64> for Token {
    fn from(value: u64) -> Self {
        Self { len: 8, bytes: value.to_be_bytes() }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_length_and_refuses_a_ninth_byte() {
        assert_eq!(Token::new(&[]), Some(Token::default()));
        assert_ne!(Token::new(&[0]), Token::new(&[0, 0]));
        assert_eq!(Token::new(&[1, 2, 3]).unwrap().as_bytes(), [1, 2, 3]);
        assert_eq!(Token::new(&[0; 9]), None);
    }
}
