//! What a datagram at a secure port is, before anything opens it.

/// What a datagram looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A record of DTLS.
    Dtls,
    /// A message of plain CoAP.
    Coap,
    /// Neither.
    Garbage,
}

/// The header of a record (RFC 6347 §4.1).
const HEADER: usize = 13;

impl Look {
    /// By the first bytes (RFC 6347 §4.1, RFC 9146 §4, RFC 7252 §3).
    pub(super) fn at(datagram: &[u8]) -> Self {
        match datagram {
            [20..=25, 0xfe, 0xfd | 0xff, ..] if datagram.len() >= HEADER => Self::Dtls,
            [first, code, _, _, ..]
                if first >> 6 == 1 && first & 0xf <= 8 && matches!(code >> 5, 0 | 2..=5) =>
            {
                Self::Coap
            }
            _ => Self::Garbage,
        }
    }
}
