//! DTLS records, handshake messages and alerts as bytes: as much of RFC 6347 §4 as the endpoint reads and writes itself.

use super::malformed::{Malformed, Reader};

/// One record of a datagram (RFC 6347 §4.1).
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    pub(super) epoch: u16,
    pub(super) sequence: u64,
    pub(super) body: &'a [u8],
    /// The whole of it, with its header.
    pub(super) bytes: &'a [u8],
}

/// One handshake message that came in one piece (RFC 6347 §4.2.2).
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) sequence: u16,
    pub(super) body: &'a [u8],
    /// The whole of it, with its header: what the transcript is made of.
    pub(super) bytes: &'a [u8],
}

/// An alert's description (RFC 5246 §7.2, RFC 4279 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alert(pub(super) u8);

/// What a datagram at a port of DTLS looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Dtls,
    /// A message of CoAP (RFC 7252 §3): the first byte of a DTLS record never has its version bits.
    Coap,
    Garbage,
}

pub(super) const HEADER: usize = 13;
pub(super) const MESSAGE_HEADER: usize = 12;
pub(super) const VERSION_1_0: u16 = 0xfeff;
pub(super) const VERSION_1_2: u16 = 0xfefd;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(super) const FINISHED: u8 = 20;

pub(super) const WARNING: u8 = 1;
pub(super) const FATAL: u8 = 2;

impl Alert {
    pub(super) const CLOSE_NOTIFY: Self = Self(0);
    pub(super) const HANDSHAKE_FAILURE: Self = Self(40);
    pub(super) const ACCESS_DENIED: Self = Self(49);
    pub(super) const DECODE_ERROR: Self = Self(50);
    pub(super) const DECRYPT_ERROR: Self = Self(51);
    pub(super) const PROTOCOL_VERSION: Self = Self(70);
    pub(super) const INTERNAL_ERROR: Self = Self(80);
    pub(super) const UNKNOWN_PSK_IDENTITY: Self = Self(115);

    /// Its name, and what it mostly means when a client sends it to this server.
    pub(super) fn explained(self) -> String {
        let (name, meaning) = match self.0 {
            0 => ("close_notify", "the client gave up"),
            10 => ("unexpected_message", "the client takes a message of the handshake for misplaced"),
            20 => ("bad_record_mac", "the client's key is another, or the datagram was altered"),
            40 => ("handshake_failure", "the client takes no suite or parameter that was chosen"),
            47 => ("illegal_parameter", "the client takes a field of the handshake for wrong"),
            50 => ("decode_error", "the client can't read a message of the handshake"),
            51 => ("decrypt_error", "the client's key is another"),
            70 => ("protocol_version", "the client does not speak DTLS 1.2"),
            71 => ("insufficient_security", "the client demands a stronger suite"),
            80 => {
                ("internal_error", "the client failed for reasons of its own: no memory, no key configured")
            }
            90 => ("user_canceled", "the client gave up"),
            110 => ("unsupported_extension", "the client takes an extension for one it has not asked for"),
            115 => ("unknown_psk_identity", "the client has no identity for this server"),
            other => return format!("alert {other}"),
        };
        format!("{name}: {meaning}")
    }

    /// It as a record in clear; never longer than the ClientHello that it answers.
    pub(super) fn in_clear(self, sequence: u64) -> Vec<u8> {
        record(ALERT, 0, sequence, &[FATAL, self.0])
    }
}

impl Look {
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

/// The records of a datagram, up to the first that is none.
pub(super) fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (header, _) = rest.split_at_checked(HEADER)?;
        let version = u16::from_be_bytes([header[1], header[2]]);
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        if version != VERSION_1_0 && version != VERSION_1_2 {
            return None;
        }
        let (bytes, behind) = rest.split_at_checked(HEADER + len)?;
        rest = behind;
        Some(Record {
            kind: header[0],
            epoch: u16::from_be_bytes([header[3], header[4]]),
            sequence: header[5..11].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            body: &bytes[HEADER..],
            bytes,
        })
    })
}

/// A record in clear.
pub(super) fn record(kind: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let [major, minor] = VERSION_1_2.to_be_bytes();
    let mut bytes = vec![kind, major, minor];
    bytes.extend(epoch.to_be_bytes());
    bytes.extend(&sequence.to_be_bytes()[2..]);
    bytes.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// The messages of a handshake record. No message of a PSK handshake needs a second datagram, so that a fragment is
/// refused: putting fragments together is where the engine can be made to overflow its stack.
pub(super) fn messages(body: &[u8]) -> Result<Vec<Message<'_>>, Malformed> {
    let mut found = Vec::new();
    let mut rest = Reader::new(body);
    while !rest.is_empty() {
        let start = rest.rest();
        let kind = rest.u8("handshake header")?;
        let len = rest.u24("handshake header")?;
        let sequence = rest.u16("handshake header")?;
        let (offset, fragment) = (rest.u24("handshake header")?, rest.u24("handshake header")?);
        if offset != 0 || fragment != len {
            return Err(Malformed::Fragmented { kind, len });
        }
        let body = rest.take(len, "handshake message")?;
        found.push(Message { kind, sequence, body, bytes: &start[..MESSAGE_HEADER + len] });
    }
    Ok(found)
}

/// A handshake message in one piece.
pub(super) fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![kind];
    bytes.extend(&len[1..]);
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0; 3]);
    bytes.extend(&len[1..]);
    bytes.extend(body);
    bytes
}
