//! What passes through a [`Tap`](super::Tap), in the clear: datagrams as they are, or DTLS 1.2 of one client whose key is known.
//!
//! Of DTLS it reads `TLS_PSK_WITH_AES_128_CCM_8` alone: without a Diffie-Hellman exchange the key opens everything
//! (RFC 4279 §2). It checks nothing but what decryption checks by itself.

use sha2::{Digest, Sha256};
use webrtc_dtls::crypto::crypto_ccm::{CryptoCcm, CryptoCcmTagLen};

use super::Side;
use crate::peer::Security;

/// A conversation that is listened to.
#[derive(Default)]
pub(crate) struct Session(Option<Psk>);

impl Session {
    /// A conversation that is about to begin.
    pub(crate) fn new(security: &Security) -> Self {
        match security {
            Security::NoSec => Self(None),
            Security::Psk { key, .. } => Self(Some(Psk { key: key.clone(), ..Psk::default() })),
            Security::RawPublicKey { .. } | Security::Certificate { .. } => {
                panic!("a session of ephemeral keys can't be read")
            }
        }
    }

    /// The messages in a datagram.
    pub(crate) fn open(&mut self, from: Side, datagram: &[u8]) -> Vec<Vec<u8>> {
        match &mut self.0 {
            None => vec![datagram.to_vec()],
            Some(session) => records(datagram).filter_map(|record| session.record(from, record)).collect(),
        }
    }
}

/// The fatal alert in a datagram of DTLS, if it is in the clear (RFC 5246 §7.2).
pub(crate) fn fatal_alert(datagram: &[u8]) -> Option<u8> {
    records(datagram).find_map(|record| match (record[0], &record[3..5], &record[RECORD_HEADER..]) {
        (ALERT, [0, 0], &[FATAL, description]) => Some(description),
        _ => None,
    })
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Session(PSK)" } else { "Session(NoSec)" })
    }
}

#[derive(Default)]
struct Psk {
    key: Vec<u8>,
    client_random: Vec<u8>,
    server_random: Vec<u8>,
    /// Whether the server takes the extended master secret (RFC 7627).
    is_extended: bool,
    /// The handshake's messages, from the last ClientHello on.
    transcript: Vec<u8>,
    /// Who has sent which of them.
    taken: Vec<(Side, [u8; 2])>,
    /// What opens the records of the client, and of the server.
    open: Option<(CryptoCcm, CryptoCcm)>,
}

impl Psk {
    fn record(&mut self, from: Side, record: &[u8]) -> Option<Vec<u8>> {
        let is_clear = record[3..5] == [0, 0]; // RFC 6347 §4.1: the epoch
        match record[0] {
            HANDSHAKE if is_clear => {
                handshake_messages(&record[RECORD_HEADER..])
                    .for_each(|message| self.handshake(from, message));
                None
            }
            APPLICATION_DATA => {
                let (client, server) = self.open.as_ref()?;
                let opened =
                    if from == Side::Client { client.decrypt(record) } else { server.decrypt(record) };
                opened.ok()?.get(RECORD_HEADER..).map(<[u8]>::to_vec)
            }
            _ => None,
        }
    }

    /// Takes a message that is not fragmented.
    fn handshake(&mut self, from: Side, message: &[u8]) {
        let (kind, number, body) = (message[0], [message[4], message[5]], &message[HANDSHAKE_HEADER..]);
        // RFC 7627 §3: what the server answers without a cookie, and what it answered, does not count.
        if kind == CLIENT_HELLO {
            self.transcript.clear();
            self.taken.clear();
        }
        if kind == HELLO_VERIFY_REQUEST || self.taken.contains(&(from, number)) {
            return;
        }
        self.taken.push((from, number));
        self.transcript.extend(message);
        let random = || body.get(2..34).unwrap_or_default().to_vec();
        match kind {
            CLIENT_HELLO => self.client_random = random(),
            SERVER_HELLO => {
                self.server_random = random();
                self.is_extended = offers_extended_master_secret(body);
            }
            CLIENT_KEY_EXCHANGE => self.derive(),
            _ => {}
        }
    }

    fn derive(&mut self) {
        // RFC 4279 §2
        let length = u16::try_from(self.key.len()).expect("keys are short").to_be_bytes();
        let zeros = vec![0; self.key.len()];
        let premaster = [&length[..], &zeros, &length[..], &self.key].concat();
        let master = if self.is_extended {
            let digest = Sha256::digest(&self.transcript);
            expand(&premaster, &[b"extended master secret", &digest[..]].concat(), 48)
        } else {
            let seed = [b"master secret", &self.client_random[..], &self.server_random[..]].concat();
            expand(&premaster, &seed, 48)
        };
        // RFC 5246 §6.3, RFC 6655 §3: two keys of 16 bytes, two salts of 4.
        let seed = [b"key expansion", &self.server_random[..], &self.client_random[..]].concat();
        let block = expand(&master, &seed, 40);
        let (client, server) = ((&block[..16], &block[32..36]), (&block[16..32], &block[36..40]));
        let reader = |(key, salt): (&[u8], &[u8])| {
            CryptoCcm::new(&CryptoCcmTagLen::CryptoCcm8TagLength, key, salt, key, salt)
        };
        self.open = Some((reader(client), reader(server)));
    }
}

/// The records of a datagram (RFC 6347 §4.1).
fn records(mut datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = datagram.first_chunk::<RECORD_HEADER>()?;
        let len = RECORD_HEADER + usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (record, rest) = datagram.split_at_checked(len)?;
        datagram = rest;
        Some(record)
    })
}

/// The messages of a handshake record (RFC 6347 §4.2.2).
fn handshake_messages(mut record: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = record.first_chunk::<HANDSHAKE_HEADER>()?;
        let len = HANDSHAKE_HEADER + usize::from(u16::from_be_bytes([header[10], header[11]]));
        let (message, rest) = record.split_at_checked(len)?;
        record = rest;
        Some(message)
    })
}

/// Reads the extensions of a ServerHello (RFC 5246 §7.4.1.3).
fn offers_extended_master_secret(body: &[u8]) -> bool {
    let session_id = usize::from(body.get(34).copied().unwrap_or_default());
    let mut rest = body.get(35 + session_id + 2 + 1 + 2..).unwrap_or_default();
    while let Some((header, after)) = rest.split_first_chunk::<4>() {
        if header[..2] == EXTENDED_MASTER_SECRET {
            return true;
        }
        rest = after.get(usize::from(u16::from_be_bytes([header[2], header[3]]))..).unwrap_or_default();
    }
    false
}

/// `P_SHA256` (RFC 5246 §5).
fn expand(secret: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let (mut out, mut a) = (Vec::new(), seed.to_vec());
    while out.len() < len {
        a = hmac(secret, &a);
        out.extend(hmac(secret, &[&a, seed].concat()));
    }
    out.truncate(len);
    out
}

/// HMAC-SHA256 (RFC 2104 §2).
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36)[..], text].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).to_vec()
}

const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
// RFC 5246 §6.2.1 and §7.4, RFC 6347 §4.3.2, RFC 7627 §5.1.
const ALERT: u8 = 21;
const FATAL: u8 = 2;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const EXTENDED_MASTER_SECRET: [u8; 2] = [0, 23];

#[cfg(test)]
mod tests {
    use super::*;

    // The vector that goes with RFC 5246 in the archives of its working group.
    #[test]
    fn secrets_expand_as_the_published_vector_says() {
        let secret =
            [0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35];
        let seed =
            [0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c];
        let out = expand(&secret, &[b"test label", &seed[..]].concat(), 100);
        assert_eq!(out[..8], [0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b]);
    }

    #[test]
    fn a_fatal_alert_is_found_and_a_warning_is_not() {
        let alert = |level, description| [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, level, description];
        assert_eq!(fatal_alert(&alert(2, 115)), Some(115));
        assert_eq!(fatal_alert(&alert(1, 0)), None);
    }

    #[test]
    fn a_server_hello_without_extensions_offers_none() {
        assert!(!offers_extended_master_secret(&[0; 38]));
        let mut hello = vec![0; 38];
        hello.extend([0, 4, 0, 23, 0, 0]);
        assert!(offers_extended_master_secret(&hello));
    }
}
