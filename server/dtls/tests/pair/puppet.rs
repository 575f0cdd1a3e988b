//! A client made by hand, of primitives alone: it says what it is told to, in any order, with any bytes, and has the keys to
//! seal it. It speaks the GCM suites, and is written apart from the engine: where both agree, both are right.

use std::net::SocketAddr;

use ring::{
    agreement::{self, EphemeralPrivateKey, UnparsedPublicKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};

use crate::{
    pki::Pki,
    primitives::{Key, clear, message, prf, sha256, vec8, vec16, vec24},
    simulation::{IDENTITY, KEY, Pair, known, records},
};

/// How it proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Psk,
    EcdhePsk,
    RawPublicKey,
    Certificate,
}

/// What its ClientHello says.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) session_id: Vec<u8>,
    pub(crate) suites: Vec<u16>,
    /// Each with its number and length.
    pub(crate) extensions: Vec<Vec<u8>>,
}

pub(crate) struct Puppet {
    pub(crate) from: SocketAddr,
    pub(crate) mode: Mode,
    /// Of the next message and of the next record in the clear.
    pub(crate) message: u16,
    pub(crate) record: u64,
    /// Of the next record under the keys.
    pub(crate) sealed: u64,
    /// All messages of both sides, as they are signed and hashed.
    pub(crate) transcript: Vec<u8>,
    /// The ClientHello with its cookie, as it was sent.
    pub(crate) hello: Vec<u8>,
    /// The server's first flight: kinds and bodies.
    pub(crate) flight: Vec<(u8, Vec<u8>)>,
    /// Records under the keys that came with it: of a server that goes on with a session.
    early: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) key: Vec<u8>,
    /// The master secret of the session that it goes on with.
    pub(crate) resumes: Option<Vec<u8>>,
    /// The connection id that its records carry, if any.
    pub(crate) cid: Option<Vec<u8>>,
    extended: bool,
    random: [u8; 32],
    private: Option<EphemeralPrivateKey>,
    public: Vec<u8>,
    agreed: Option<Vec<u8>>,
    /// RFC 7627 §3: set by the ClientKeyExchange.
    session_hash: Option<Vec<u8>>,
}

pub(crate) const MODES: [Mode; 4] = [Mode::Psk, Mode::EcdhePsk, Mode::RawPublicKey, Mode::Certificate];

pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(crate) const FINISHED: u8 = 20;

pub(crate) const EXTENDED_MASTER_SECRET: [u8; 4] = [0, 0x17, 0, 0];

impl Mode {
    pub(crate) fn signs(self) -> bool {
        matches!(self, Self::RawPublicKey | Self::Certificate)
    }

    /// What a good client says after the server's flight.
    pub(crate) fn path(self) -> &'static [u8] {
        match self.signs() {
            true => &[CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY, FINISHED],
            false => &[CLIENT_KEY_EXCHANGE, FINISHED],
        }
    }

    pub(crate) fn hello(self) -> Hello {
        let suite = match self {
            Self::Psk => 0x00a8,
            Self::EcdhePsk => 0xd001,
            Self::RawPublicKey | Self::Certificate => 0xc02b,
        };
        // supported_groups, ec_point_formats, signature_algorithms.
        let mut extensions = vec![
            EXTENDED_MASTER_SECRET.to_vec(),
            vec![0, 0x0a, 0, 4, 0, 2, 0, 0x17],
            vec![0, 0x0b, 0, 2, 1, 0],
            vec![0, 0x0d, 0, 4, 0, 2, 4, 3],
        ];
        if self == Self::RawPublicKey {
            extensions.extend([vec![0, 0x13, 0, 2, 1, 2], vec![0, 0x14, 0, 2, 1, 2]]);
        }
        Hello { version: 0xfefd, session_id: Vec::new(), suites: vec![suite], extensions }
    }
}

impl Hello {
    pub(crate) fn body(&self, random: &[u8; 32], cookie: &[u8]) -> Vec<u8> {
        let suites: Vec<u8> = self.suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
        let extensions = self.extensions.concat();
        [
            &self.version.to_be_bytes()[..],
            random,
            &vec8(&self.session_id),
            &vec8(cookie),
            &vec16(&suites),
            &[1, 0],
            &vec16(&extensions),
        ]
        .concat()
    }
}

impl Puppet {
    /// Says both ClientHellos, and takes the server's flight.
    pub(crate) fn begin(pair: &mut Pair, from: SocketAddr, mode: Mode) -> Self {
        Self::say_hello(pair, from, mode, &mode.hello())
    }

    pub(crate) fn say_hello(pair: &mut Pair, from: SocketAddr, mode: Mode, hello: &Hello) -> Self {
        let private = EphemeralPrivateKey::generate(&agreement::ECDH_P256, &SystemRandom::new()).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        // No two are alike.
        let random = sha256(&[&public]).try_into().unwrap();
        let mut puppet = Self {
            from,
            mode,
            message: 0,
            record: 0,
            sealed: 0,
            transcript: Vec::new(),
            hello: Vec::new(),
            flight: Vec::new(),
            early: Vec::new(),
            resumes: None,
            key: KEY.to_vec(),
            cid: None,
            extended: hello.extensions.contains(&EXTENDED_MASTER_SECRET.to_vec()),
            random,
            private: Some(private),
            public,
            agreed: None,
            session_hash: None,
        };
        puppet.say(pair, 1, &hello.body(&random, &[]));
        let cookie = pair.seen.last().expect("it is asked for a cookie").bytes[28..].to_vec();
        puppet.transcript.clear();
        puppet.hello = puppet.record_of(1, &hello.body(&random, &cookie));
        puppet.say(pair, 1, &hello.body(&random, &cookie));
        puppet.take_flight(pair);
        puppet
    }

    /// Takes what the server has said in the clear, and forgets the rest of what was sent to anyone.
    fn take_flight(&mut self, pair: &mut Pair) {
        for sent in std::mem::take(&mut pair.seen).into_iter().filter(|sent| sent.to == self.from) {
            for (header, body) in records(&sent.bytes) {
                match (header[0], &header[3..5], body[0]) {
                    (22, [0, 0], 3) => {}
                    // Fragments come in order here.
                    (22, [0, 0], kind) if body[6..9] == [0; 3] => {
                        self.flight.push((kind, body[12..].to_vec()))
                    }
                    (22, [0, 0], _) => self.flight.last_mut().unwrap().1.extend_from_slice(&body[12..]),
                    (_, [0, 1], _) => self.early.push((header, body)),
                    _ => {}
                }
            }
        }
        for (sequence, (kind, body)) in (1..).zip(&self.flight) {
            self.transcript.extend(message(*kind, sequence, body));
        }
    }

    /// The next message, in the clear.
    pub(crate) fn say(&mut self, pair: &mut Pair, kind: u8, body: &[u8]) {
        let bytes = self.record_of(kind, body);
        self.transcript.extend_from_slice(&bytes[13..]);
        self.message += 1;
        self.record += 1;
        if kind == CLIENT_KEY_EXCHANGE {
            self.session_hash = Some(sha256(&[&self.transcript]));
        }
        pair.inject(self.from, &bytes);
    }

    fn record_of(&self, kind: u8, body: &[u8]) -> Vec<u8> {
        clear(self.record, &message(kind, self.message, body))
    }

    /// The body that a good client gives to a message of its own. Those of a server it makes up.
    pub(crate) fn body(&mut self, pki: &Pki, kind: u8) -> Vec<u8> {
        match kind {
            2 => [&[0xfe, 0xfd][..], &[8; 32], &[0, 0, 0xa8, 0]].concat(),
            3 => [&[0xfe, 0xff, 16][..], &[7; 16]].concat(),
            4 => vec![0, 0, 0, 9, 0, 1, 7],
            CERTIFICATE if self.mode == Mode::RawPublicKey => vec24(pki.device_key.public()),
            CERTIFICATE => vec24(&vec24(&pki.device_certificate())),
            SERVER_KEY_EXCHANGE => [&[3, 0, 0x17][..], &vec8(&self.public)].concat(),
            13 => vec![1, 64, 0, 2, 4, 3, 0, 0],
            CERTIFICATE_VERIFY => [&[4, 3][..], &vec16(&sign(pki, &self.transcript))].concat(),
            CLIENT_KEY_EXCHANGE => self.key_exchange(IDENTITY),
            _ => Vec::new(),
        }
    }

    pub(crate) fn key_exchange(&self, identity: &[u8]) -> Vec<u8> {
        match self.mode {
            Mode::Psk => vec16(identity),
            Mode::EcdhePsk => [vec16(identity), vec8(&self.public)].concat(),
            Mode::RawPublicKey | Mode::Certificate => vec8(&self.public),
        }
    }

    /// Says a kind of message as a good client says it: a ClientHello again, a Finished under the keys, the others in the clear.
    pub(crate) fn say_kind(&mut self, pair: &mut Pair, pki: &Pki, kind: u8) {
        match kind {
            1 => pair.inject(self.from, &self.hello),
            FINISHED => {
                let verify_data = self.verify_data();
                self.say_finished(pair, &verify_data);
            }
            kind => {
                let body = self.body(pki, kind);
                self.say(pair, kind, &body);
            }
        }
    }

    pub(crate) fn say_finished(&mut self, pair: &mut Pair, verify_data: &[u8]) {
        let finished = message(FINISHED, self.message, verify_data);
        self.message += 1;
        self.transcript.extend_from_slice(&finished);
        self.send(pair, 22, &finished);
    }

    pub(crate) fn verify_data(&mut self) -> Vec<u8> {
        let master = self.master();
        prf(&master, b"client finished", &sha256(&[&self.transcript]), 12)
    }

    /// Sends a record under the keys.
    pub(crate) fn send(&mut self, pair: &mut Pair, kind: u8, plaintext: &[u8]) {
        let bytes = self.seal(kind, plaintext);
        pair.inject(self.from, &bytes);
    }

    pub(crate) fn seal(&mut self, kind: u8, plaintext: &[u8]) -> Vec<u8> {
        let number = (1 << 48 | self.sealed).to_be_bytes();
        self.sealed += 1;
        let [key, _] = self.keys();
        let (mut body, mut outer, cid) = (plaintext.to_vec(), kind, self.cid.clone().unwrap_or_default());
        let mut additional = number.to_vec();
        if self.cid.is_some() {
            // RFC 9146 §4, §5.
            (outer, additional) = (25, [&[0xff; 8][..], &[25, 8, 25, 0xfe, 0xfd], &number, &cid].concat());
            body.push(kind);
        } else {
            additional.extend([kind, 0xfe, 0xfd]);
        }
        additional.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        key.seal(&number, &additional, &mut body);
        let body = vec16(&[&number[..], &body].concat());
        [&[outer, 0xfe, 0xfd][..], &number, &cid, &body].concat()
    }

    /// Opens what the server has sent to it under the keys: kinds and plaintexts.
    pub(crate) fn opened(&mut self, pair: &Pair) -> Vec<(u8, Vec<u8>)> {
        let sent = pair.seen.iter().filter(|sent| sent.to == self.from);
        let protected =
            sent.flat_map(|sent| records(&sent.bytes)).filter(|(header, _)| header[3..5] == [0, 1]);
        protected.collect::<Vec<_>>().into_iter().map(|record| self.open(record)).collect()
    }

    fn open(&mut self, (header, body): (Vec<u8>, Vec<u8>)) -> (u8, Vec<u8>) {
        let [_, key] = self.keys();
        let (explicit, sealed) = body.split_at(8);
        let length = u16::try_from(sealed.len() - 16).unwrap().to_be_bytes();
        let additional = [&header[3..11], &header[..3], &length].concat();
        (header[0], key.open(explicit, &additional, sealed.to_vec()))
    }

    /// Takes the Finished of a server that goes on with a session: it must tell of what was said.
    pub(crate) fn take_finished(&mut self) {
        let record = self.early.pop().expect("the server's Finished comes first");
        let (kind, finished) = self.open(record);
        let master = self.master();
        let verify_data = prf(&master, b"server finished", &sha256(&[&self.transcript]), 12);
        assert_eq!((kind, &finished), (22, &message(FINISHED, 2, &verify_data)));
        self.transcript.extend(finished);
    }

    /// The session id that the server has given.
    pub(crate) fn session_id(&self) -> Vec<u8> {
        let hello = &self.flight[0].1;
        hello[35..35 + usize::from(hello[34])].to_vec()
    }

    pub(crate) fn master(&mut self) -> Vec<u8> {
        if let Some(master) = &self.resumes {
            return master.clone();
        }
        if self.mode != Mode::Psk && self.agreed.is_none() {
            let (_, exchange) = self
                .flight
                .iter()
                .find(|(kind, _)| *kind == SERVER_KEY_EXCHANGE)
                .expect("the server has a point");
            // Behind an empty hint, if there is one: curve type, curve, length, point.
            let params = if self.mode == Mode::EcdhePsk { &exchange[2..] } else { &exchange[..] };
            let peer = UnparsedPublicKey::new(&agreement::ECDH_P256, &params[4..4 + usize::from(params[3])]);
            let private = self.private.take().unwrap();
            self.agreed = Some(agreement::agree_ephemeral(private, &peer, <[u8]>::to_vec).unwrap());
        }
        let premaster = match (self.mode, &self.agreed) {
            (Mode::Psk, _) => [vec16(&vec![0; self.key.len()]), vec16(&self.key)].concat(),
            (Mode::EcdhePsk, Some(agreed)) => [vec16(agreed), vec16(&self.key)].concat(),
            (_, agreed) => agreed.clone().unwrap(),
        };
        if self.extended {
            let hash = self.session_hash.clone().unwrap_or_else(|| sha256(&[&self.transcript]));
            prf(&premaster, b"extended master secret", &hash, 48)
        } else {
            prf(&premaster, b"master secret", &[self.random, self.server_random()].concat(), 48)
        }
    }

    fn server_random(&self) -> [u8; 32] {
        self.flight[0].1[2..34].try_into().unwrap()
    }

    /// The client's, and the server's.
    fn keys(&mut self) -> [Key; 2] {
        let master = self.master();
        let block = prf(&master, b"key expansion", &[self.server_random(), self.random].concat(), 40);
        [0, 1].map(|side| Key::of(&block[side * 16..][..16], &block[32 + side * 4..][..4]))
    }
}

/// A server for all modes, whose bounds are far, and whose datagrams go nowhere.
pub(crate) fn server(pki: &Pki) -> Pair {
    let bounds = dtls::Bounds {
        handshakes: 1 << 20,
        handshakes_of_network: 1 << 20,
        sessions_of_tag: None,
        ..dtls::Bounds::default()
    };
    // Nothing of its is cut.
    let mut pair = Pair::with(dtls::Config { bounds, mtu: 8_192, ..pki.config() });
    pair.server.endpoint.set_trust(pki.trust());
    pair.server.caller.lets_in = Some(known(None));
    pair.link.fate = Box::new(|_, _| Vec::new());
    pair
}

fn sign(pki: &Pki, transcript: &[u8]) -> Vec<u8> {
    let random = SystemRandom::new();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pki.device_pkcs8(), &random).unwrap();
    pair.sign(&random, transcript).unwrap().as_ref().to_vec()
}
