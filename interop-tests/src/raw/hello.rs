//! The ClientHello of DTLS (RFC 6347 §4.2.1), made by hand: proper ones, and such as no client sends.

/// A ClientHello. Every field can be set to what it should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The version in the header of the record.
    pub record_version: [u8; 2],
    /// The newest version that the client speaks.
    pub version: [u8; 2],
    /// The number of its first record.
    pub sequence: u64,
    /// What makes it differ from others.
    pub random: [u8; 32],
    /// What the server has answered, if it has.
    pub cookie: Vec<u8>,
    /// The suites, the best first.
    pub suites: Vec<u16>,
    /// The bytes of the extensions, without the length before them; nothing for none, not even the length.
    pub extensions: Option<Vec<u8>>,
}

impl ClientHello {
    /// A proper one: `TLS_PSK_WITH_AES_128_CCM_8` and the extended master secret.
    pub fn psk() -> Self {
        Self {
            record_version: DTLS_1_0, // RFC 6347 §4.2.1: what the first record should say.
            version: DTLS_1_2,
            sequence: 0,
            random: std::array::from_fn(|at| u8::try_from(at).unwrap_or_default()),
            cookie: Vec::new(),
            suites: vec![PSK_AES_128_CCM_8],
            extensions: Some(EXTENDED_MASTER_SECRET.to_vec()),
        }
    }

    /// One that has no suite in common with a server of constrained devices: TLS_RSA alone.
    pub fn rsa_only() -> Self {
        Self { suites: RSA.to_vec(), ..Self::psk() }
    }

    /// One of a client that speaks nothing newer than DTLS 1.0.
    pub fn dtls_1_0() -> Self {
        Self { version: DTLS_1_0, ..Self::psk() }
    }

    /// One whose extensions are one byte, too short for any extension.
    pub fn with_a_byte_of_extensions() -> Self {
        Self { extensions: Some(vec![0]), ..Self::psk() }
    }

    /// With the cookie of a HelloVerifyRequest; nothing if the datagram is none.
    pub fn with_cookie_of(self, datagram: &[u8]) -> Option<Self> {
        let cookie = hello_verify_cookie(datagram)?.to_vec();
        // Beyond the records of the first one, in however many fragments it was.
        Some(Self { cookie, sequence: 256, ..self })
    }

    /// As one datagram.
    pub fn datagram(&self) -> Vec<u8> {
        let body = self.body();
        self.record(0, &self.fragment(&body, 0, body.len()))
    }

    /// In fragments of so many bytes, each in a datagram of its own (RFC 6347 §4.2.3).
    pub fn fragments(&self, len: usize) -> Vec<Vec<u8>> {
        let body = self.body();
        let starts = (0..body.len()).step_by(len.max(1));
        let fragment = |(number, start): (u64, usize)| {
            self.record(number, &self.fragment(&body, start, len.min(body.len() - start)))
        };
        (0..).zip(starts).map(fragment).collect()
    }

    fn body(&self) -> Vec<u8> {
        let mut body = [&self.version[..], &self.random, &[0]].concat();
        body.push(u8::try_from(self.cookie.len()).expect("a cookie has at most 255 bytes"));
        body.extend(&self.cookie);
        body.extend(u16_of(self.suites.len() * 2));
        self.suites.iter().for_each(|suite| body.extend(suite.to_be_bytes()));
        body.extend([1, 0]); // No compression.
        if let Some(extensions) = &self.extensions {
            body.extend(u16_of(extensions.len()));
            body.extend(extensions);
        }
        body
    }

    /// The header of the handshake message, and a part of it (RFC 6347 §4.2.2).
    fn fragment(&self, body: &[u8], start: usize, len: usize) -> Vec<u8> {
        // RFC 6347 §4.2.2: the first message has number 0, the one with the cookie 1.
        let number = [0, u8::from(!self.cookie.is_empty())];
        let parts =
            [u24_of(body.len()).to_vec(), number.to_vec(), u24_of(start).to_vec(), u24_of(len).to_vec()];
        [&[CLIENT_HELLO][..], &parts.concat(), &body[start..start + len]].concat()
    }

    /// A record of epoch 0 (RFC 6347 §4.1).
    fn record(&self, number: u64, content: &[u8]) -> Vec<u8> {
        let sequence = (self.sequence + number).to_be_bytes();
        let header = [&[HANDSHAKE][..], &self.record_version, &sequence, &u16_of(content.len())].concat();
        [header, content.to_vec()].concat()
    }
}

/// The cookie of a HelloVerifyRequest (RFC 6347 §4.2.1).
fn hello_verify_cookie(datagram: &[u8]) -> Option<&[u8]> {
    let message = datagram.get(RECORD_HEADER..).filter(|_| datagram[0] == HANDSHAKE)?;
    let body = message.get(HANDSHAKE_HEADER..).filter(|_| message[0] == HELLO_VERIFY_REQUEST)?;
    body.get(3..3 + usize::from(*body.get(2)?))
}

fn u16_of(len: usize) -> [u8; 2] {
    u16::try_from(len).expect("a ClientHello is short").to_be_bytes()
}

fn u24_of(len: usize) -> [u8; 3] {
    let [high, low] = u16_of(len);
    [0, high, low]
}

const DTLS_1_0: [u8; 2] = [0xfe, 0xff];
const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];
const PSK_AES_128_CCM_8: u16 = 0xc0a8;
/// With AES-128-CBC-SHA, AES-256-CBC-SHA and AES-128-GCM-SHA256.
const RSA: [u16; 3] = [0x002f, 0x0035, 0x009c];
const EXTENDED_MASTER_SECRET: [u8; 4] = [0, 23, 0, 0];
const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_hello_is_as_long_as_its_headers_say() {
        let datagram = ClientHello::psk().datagram();
        assert_eq!(datagram[..11], [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(datagram[11..13], u16_of(datagram.len() - RECORD_HEADER));
        assert_eq!(
            datagram[13..17],
            [1, 0, 0, 48],
            "2 version, 32 random, 1 + 1, 2 + 2 suites, 2 compression, 2 + 4"
        );
        assert_eq!(datagram[22..25], [0, 0, 48], "one fragment");
    }

    #[test]
    fn fragments_make_up_the_whole() {
        let hello = ClientHello::psk();
        let fragments = hello.fragments(10);
        assert_eq!(fragments.len(), 5);
        let bodies: Vec<u8> = fragments
            .iter()
            .flat_map(|datagram| datagram[RECORD_HEADER + HANDSHAKE_HEADER..].to_vec())
            .collect();
        assert_eq!(bodies, hello.body());
        assert_eq!(
            fragments[4][RECORD_HEADER..][6..12],
            [0, 0, 40, 0, 0, 8],
            "offset and length of the last"
        );
        assert_eq!(fragments[4][10], 4, "each record has a number of its own");
    }

    #[test]
    fn the_second_hello_carries_the_cookie_of_the_answer() {
        let answer =
            [&[22, 0xfe, 0xff][..], &[0; 8], &[0, 18, 3], &[0; 11], &[0xfe, 0xff, 3, 7, 8, 9]].concat();
        let hello = ClientHello::psk().with_cookie_of(&answer).unwrap();
        assert_eq!(hello.cookie, [7, 8, 9]);
        assert_eq!(hello.datagram()[17..19], [0, 1], "it is the second message");
        assert_eq!(ClientHello::psk().with_cookie_of(&answer[..26]), None);
    }
}
