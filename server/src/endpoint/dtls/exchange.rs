//! What passes by in a handshake, and the keys that follow from it (RFC 5246 §8, RFC 4279 §2, RFC 7627 §4).
//!
//! The engine does not verify the client's Finished and takes the first record that it can't decrypt for the end. So
//! the keys are derived here too, the Finished is judged here, and the engine sees the client's last flight only if it is right.

use fleet::PskKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    hello::{ClientHello, ServerHello, Unacceptable},
    malformed::{Malformed, Reader},
    record::{self, Message, Record},
    session::Keys,
};

/// The messages of one handshake, as far as they have passed.
#[derive(Default)]
pub(super) struct Exchange {
    /// The suites that the client offers.
    pub(super) offered: Vec<u16>,
    cookie: Vec<u8>,
    client: Option<[u8; 32]>,
    server: Option<ServerHello>,
    /// The ClientHello with the cookie, and our answer to it.
    transcript: Vec<u8>,
    /// How many messages we have sent.
    sent: u16,
    answered: bool,
    amended: bool,
}

/// What a client has to prove.
pub(super) struct Challenge {
    pub(super) keys: Keys,
    master: Zeroizing<[u8; 48]>,
    transcript: Vec<u8>,
    sent: u16,
    amended: bool,
}

/// What is wrong with a Finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotFinished {
    /// It is not sealed by the key.
    WrongKey,
    /// It is, and tells of another handshake than the one that passed here.
    Altered,
}

const VERIFY_DATA: usize = 12;

impl Exchange {
    /// Takes a ClientHello, and gives the message for the engine unless there is nothing in it for the engine.
    pub(super) fn client_hello(&mut self, message: &Message<'_>) -> Result<Option<Vec<u8>>, Unacceptable> {
        let hello = ClientHello::parse(message.body)?;
        hello.acceptable()?;
        let returned = message.sequence > 0;
        if self.answered || returned && (self.cookie.is_empty() || hello.cookie != self.cookie) {
            return Ok(None);
        }
        if returned {
            self.client = Some(hello.random);
            // RFC 6347 §4.2.1: the first ClientHello and the HelloVerifyRequest are not part of it.
            self.transcript = message.bytes.to_vec();
        }
        self.amended = !hello.extended;
        self.offered = hello.suites;
        let mut body = message.body.to_vec();
        if self.amended {
            // Some clients send no extensions, not even an empty block, which the engine can't read.
            body.extend([0, 0]);
        }
        Ok(Some(record::message(message.kind, message.sequence, &body)))
    }

    /// Takes a message of the engine. True if it is one that the client has been sent before.
    pub(super) fn sent(&mut self, message: &Message<'_>) -> Result<bool, Malformed> {
        if message.kind == record::HELLO_VERIFY_REQUEST {
            let mut reader = Reader::new(message.body);
            reader.u16("version")?;
            self.cookie = reader.short("cookie")?.to_vec();
            self.sent = message.sequence + 1;
            return Ok(false);
        }
        if self.answered {
            return Ok(true);
        }
        if message.kind == record::SERVER_HELLO {
            self.server = Some(ServerHello::parse(message.body)?);
        }
        self.transcript.extend(message.bytes);
        self.sent = message.sequence + 1;
        self.answered = message.kind == record::SERVER_HELLO_DONE;
        Ok(false)
    }

    /// Whether the client has got our ServerHelloDone, or will.
    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    /// The suite that was chosen.
    pub(super) fn suite(&self) -> Option<u16> {
        self.server.as_ref().map(|hello| hello.suite)
    }

    /// Takes a ClientKeyExchange: from here on the client has to prove the key.
    pub(super) fn challenge(&self, key_exchange: &Message<'_>, key: &PskKey) -> Option<Challenge> {
        let (client, server) = (self.client?, self.server.as_ref().filter(|_| self.answered)?);
        let transcript = [&self.transcript, key_exchange.bytes].concat();
        let master = master_secret(key, &client, server, &transcript);
        let keys = Keys::derive(server.suite, &*master, &client, &server.random)?;
        Some(Challenge { keys, master, transcript, sent: self.sent, amended: self.amended })
    }
}

impl Challenge {
    /// Judges a record that should hold the client's Finished (RFC 5246 §7.4.9).
    pub(super) fn judge(&mut self, record: &Record<'_>) -> Result<(), NotFinished> {
        let plaintext = self.keys.open(record).ok_or(NotFinished::WrongKey)?;
        let messages = record::messages(&plaintext).map_err(|_| NotFinished::Altered)?;
        let [finished] = &messages[..] else { return Err(NotFinished::Altered) };
        let right = self.verify_data(b"client finished");
        if finished.kind != record::FINISHED || !bool::from(finished.body.ct_eq(&right)) {
            return Err(NotFinished::Altered);
        }
        self.transcript.extend(finished.bytes);
        Ok(())
    }

    /// Our last flight, where the engine's would not do: it has seen another ClientHello than the client has sent. Needs
    /// a Finished that was judged right.
    pub(super) fn own_last_flight(&self, change: &Record<'_>) -> Option<Vec<u8>> {
        if !self.amended {
            return None;
        }
        let finished = record::message(record::FINISHED, self.sent, &self.verify_data(b"server finished"));
        Some([change.bytes, &self.keys.seal(record::HANDSHAKE, 0, &finished)?].concat())
    }

    fn verify_data(&self, label: &[u8]) -> [u8; VERIFY_DATA] {
        let mut data = [0; VERIFY_DATA];
        prf(&*self.master, label, &Sha256::digest(&self.transcript), &mut data);
        data
    }
}

/// The identity in a ClientKeyExchange (RFC 4279 §2), of whatever length.
pub(super) fn identity<'a>(key_exchange: &Message<'a>) -> Result<&'a [u8], Malformed> {
    let mut reader = Reader::new(key_exchange.body);
    let identity = reader.long("PSK identity")?;
    reader.end("PSK identity")?;
    Ok(identity)
}

fn master_secret(
    key: &PskKey,
    client: &[u8; 32],
    server: &ServerHello,
    transcript: &[u8],
) -> Zeroizing<[u8; 48]> {
    let key = key.as_bytes();
    let len = u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes();
    // RFC 4279 §2: as many zeros as the key has bytes, and the key.
    let premaster = Zeroizing::new([&len[..], &vec![0; key.len()], &len[..], key].concat());
    let mut master = Zeroizing::new([0; 48]);
    if server.extended_master_secret {
        prf(&premaster, b"extended master secret", &Sha256::digest(transcript), &mut *master);
    } else {
        prf(&premaster, b"master secret", &[*client, server.random].concat(), &mut *master);
    }
    master
}

/// RFC 5246 §5, by SHA-256, which all suites served take.
fn prf(secret: &[u8], label: &[u8], seed: &[u8], out: &mut [u8]) {
    let hmac = |parts: [&[u8]; 3]| {
        let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        parts.into_iter().fold(mac, Mac::chain_update).finalize().into_bytes()
    };
    let mut a = hmac([label, seed, &[]]);
    for chunk in out.chunks_mut(32) {
        chunk.copy_from_slice(&hmac([&a, label, seed])[..chunk.len()]);
        a = hmac([&a, &[], &[]]);
    }
}
