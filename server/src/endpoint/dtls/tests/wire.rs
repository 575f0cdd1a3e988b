//! Records and messages of DTLS as bytes (RFC 6347 §4), for what is written and read by hand.

/// One record of a datagram (RFC 6347 §4.1).
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) body: &'a [u8],
    /// The whole of it, with its header.
    pub(super) bytes: &'a [u8],
}

/// One handshake message that came in one piece (RFC 6347 §4.2.2).
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    /// The whole of it, with its header: what the transcript is made of.
    pub(super) bytes: &'a [u8],
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

/// The records of a datagram.
pub(super) fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let header = rest.get(..HEADER)?;
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (bytes, behind) = rest.split_at(HEADER + len);
        rest = behind;
        Some(Record { body: &bytes[HEADER..], bytes })
    })
}

/// The messages of a record.
pub(super) fn messages(body: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let header = rest.get(..MESSAGE_HEADER)?;
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let (bytes, behind) = rest.split_at(MESSAGE_HEADER + len);
        rest = behind;
        Some(Message { kind: bytes[0], body: &bytes[MESSAGE_HEADER..], bytes })
    })
}

/// A record.
pub(super) fn record(kind: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap();
    let mut bytes = vec![kind];
    bytes.extend(VERSION_1_2.to_be_bytes());
    bytes.extend(epoch.to_be_bytes());
    bytes.extend(&sequence.to_be_bytes()[2..]);
    bytes.extend(len.to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A handshake message in one piece.
pub(super) fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let mut bytes = vec![kind];
    bytes.extend(&len[1..]);
    bytes.extend(sequence.to_be_bytes());
    bytes.extend([0; 3]);
    bytes.extend(&len[1..]);
    bytes.extend(body);
    bytes
}

/// A ClientHello's body.
pub(super) fn hello(version: u16, suites: &[u16], cookie: &[u8], tail: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.push(u8::try_from(cookie.len()).unwrap());
    body.extend(cookie);
    body.extend((suites.len() as u16 * 2).to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend(tail);
    body
}

/// It as the first datagram of a handshake.
pub(super) fn first(body: &[u8]) -> Vec<u8> {
    record(HANDSHAKE, 0, 0, &message(CLIENT_HELLO, 0, body))
}

/// It as the second, with its cookie.
pub(super) fn second(body: &[u8]) -> Vec<u8> {
    record(HANDSHAKE, 0, 1, &message(CLIENT_HELLO, 1, body))
}

/// The cookie of a HelloVerifyRequest.
pub(super) fn cookie(datagram: &[u8]) -> Option<&[u8]> {
    let asks = datagram.get(HEADER) == Some(&HELLO_VERIFY_REQUEST);
    asks.then(|| &datagram[HEADER + MESSAGE_HEADER + 3..])
}
