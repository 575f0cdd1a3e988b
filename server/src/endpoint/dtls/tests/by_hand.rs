//! A client whose every datagram is the test's to send, to lose and to repeat. Its keys are derived here, so that what
//! the listener answers is checked and not only taken.

use std::time::Duration;

use fleet::PskKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use webrtc_dtls::{
    cipher_suite::{CipherSuite, cipher_suite_for_id},
    content::ContentType,
    record_layer::record_layer_header::{PROTOCOL_VERSION1_2, RecordLayerHeader},
};

use super::{
    clients::Raw,
    gate::KEY,
    wire::{self, HEADER, first, hello, second},
    world::World,
};

/// No extensions, and not even an empty block of them.
pub(super) const NONE: &[u8] = &[];
/// RFC 7627.
pub(super) const EXTENDED_MASTER_SECRET: &[u8] = &[0, 4, 0, 23, 0, 0];

/// A client that has sent its last flight.
pub(super) struct Device {
    pub(super) raw: Raw,
    /// ClientKeyExchange, ChangeCipherSpec, Finished.
    pub(super) last_flight: Vec<u8>,
    cipher: Box<dyn CipherSuite + Send + Sync>,
    master: Vec<u8>,
    transcript: Vec<u8>,
    next: u64,
}

impl Device {
    /// Goes as far as the last flight, without sending it.
    pub(super) async fn ready(world: &World, identity: &str, extensions: &[u8]) -> Self {
        Self::ready_by(Raw::to(world).await, KEY, identity, extensions).await
    }

    /// The same from a socket that may have been used before, and by this key.
    pub(super) async fn ready_by(raw: Raw, key: &str, identity: &str, extensions: &[u8]) -> Self {
        let (random, cookie) = cookie(&raw, extensions).await;
        let body = hello_of(random, &cookie, extensions);
        raw.send(&second(&body)).await;

        let mut transcript = wire::message(wire::CLIENT_HELLO, 1, &body);
        let mut server = [0; 32];
        let mut extended = false;
        let mut answered = false;
        while !answered {
            let datagram = raw.receive().await;
            for record in wire::records(&datagram) {
                for message in wire::messages(record.body) {
                    if message.kind == wire::HELLO_VERIFY_REQUEST {
                        continue;
                    }
                    if message.kind == wire::SERVER_HELLO {
                        server.copy_from_slice(&message.body[2..34]);
                        extended = message.body.windows(4).any(|bytes| bytes == [0, 23, 0, 0]);
                    }
                    transcript.extend(message.bytes);
                    answered = message.kind == wire::SERVER_HELLO_DONE;
                }
            }
        }
        assert_eq!(extended, extensions == EXTENDED_MASTER_SECRET);

        let mut named = (identity.len() as u16).to_be_bytes().to_vec();
        named.extend(identity.as_bytes());
        let key_exchange = wire::message(wire::CLIENT_KEY_EXCHANGE, 2, &named);
        transcript.extend(&key_exchange);
        let key = PskKey::from_hex(key).unwrap();
        let premaster = [&[0, 16][..], &[0; 16], &[0, 16], key.as_bytes()].concat();
        let master = if extended {
            prf(&premaster, "extended master secret", &Sha256::digest(&transcript), 48)
        } else {
            prf(&premaster, "master secret", &[random, server].concat(), 48)
        };
        let mut cipher = cipher_suite_for_id(0xc0a8.into()).unwrap();
        cipher.init(&master, &random, &server, true).unwrap();

        let finished = prf(&master, "client finished", &Sha256::digest(&transcript), 12);
        let finished = wire::message(wire::FINISHED, 3, &finished);
        let mut device = Self { raw, last_flight: Vec::new(), cipher, master, transcript, next: 0 };
        let sealed = device.seal(wire::HANDSHAKE, &finished);
        device.transcript.extend(&finished);
        device.last_flight = [
            wire::record(wire::HANDSHAKE, 0, 2, &key_exchange),
            wire::record(wire::CHANGE_CIPHER_SPEC, 0, 3, &[1]),
            sealed,
        ]
        .concat();
        device
    }

    /// Goes all the way.
    pub(super) async fn inside(world: &World, identity: &str, extensions: &[u8]) -> Self {
        let device = Self::ready(world, identity, extensions).await;
        device.raw.send(&device.last_flight).await;
        device.take_last_flight().await;
        device
    }

    /// Receives the listener's last flight and verifies its Finished.
    pub(super) async fn take_last_flight(&self) {
        let datagram = loop {
            let datagram = self.raw.receive().await;
            if datagram[0] == wire::CHANGE_CIPHER_SPEC {
                break datagram;
            }
        };
        let finished = wire::records(&datagram).nth(1).unwrap();
        let opened = self.cipher.decrypt(finished.bytes).unwrap();
        let right = prf(&self.master, "server finished", &Sha256::digest(&self.transcript), 12);
        assert_eq!(opened[HEADER + wire::MESSAGE_HEADER..], right);
    }

    pub(super) fn seal(&mut self, kind: u8, plaintext: &[u8]) -> Vec<u8> {
        let sequence_number = self.next;
        self.next += 1;
        let header = RecordLayerHeader {
            content_type: ContentType::from(kind),
            protocol_version: PROTOCOL_VERSION1_2,
            epoch: 1,
            sequence_number,
            content_len: plaintext.len() as u16,
        };
        self.cipher.encrypt(&header, &wire::record(kind, 1, sequence_number, plaintext)).unwrap()
    }

    /// Sends application data, and gives the datagram.
    pub(super) async fn send(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let datagram = self.seal(wire::APPLICATION_DATA, plaintext);
        self.raw.send(&datagram).await;
        datagram
    }
}

/// Begins a handshake, by a ClientHello with another random each time until one is taken; its random, and the cookie.
async fn cookie(raw: &Raw, extensions: &[u8]) -> ([u8; 32], Vec<u8>) {
    loop {
        let random = Raw::random();
        raw.send(&first(&hello_of(random, &[], extensions))).await;
        let answer = async {
            loop {
                // What else comes is a handshake's before.
                let datagram = raw.receive().await;
                if let Some(cookie) = wire::cookie(&datagram) {
                    return cookie.to_vec();
                }
            }
        };
        if let Ok(cookie) = timeout(Duration::from_millis(500), answer).await {
            return (random, cookie);
        }
    }
}

fn hello_of(random: [u8; 32], cookie: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = hello(wire::VERSION_1_2, &[0xc0a8], cookie, extensions);
    body[2..34].copy_from_slice(&random);
    body
}

fn prf(secret: &[u8], label: &str, seed: &[u8], len: usize) -> Vec<u8> {
    let hmac = |bytes: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.chain_update(bytes).finalize().into_bytes().to_vec()
    };
    let seed = [label.as_bytes(), seed].concat();
    let mut a = hmac(&seed);
    let mut out = Vec::new();
    while out.len() < len {
        out.extend(hmac(&[&a[..], &seed].concat()));
        a = hmac(&a);
    }
    out.truncate(len);
    out
}
