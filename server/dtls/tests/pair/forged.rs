//! Messages that lack something, or say something else than a good client would: none is let in. Each is otherwise a good
//! client's, with the keys and the Finished that belong to it (CVE-2021-34433, CVE-2022-21449).

use dtls::{Alert, Claim, Reason};

use crate::{
    pki::Pki,
    primitives::{clear, message, vec8, vec16, vec24},
    puppet::{CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, MODES, Mode, Puppet, server},
    simulation::{IDENTITY, KEY, Pair, address, known},
};

/// A server, and puppets that each have an address of their own.
struct Stage {
    pki: Pki,
    pair: Pair,
    played: u16,
}

impl Stage {
    fn new() -> Self {
        let pki = Pki::new();
        Self { pair: server(&pki), pki, played: 0 }
    }

    fn puppet(&mut self, mode: Mode) -> Puppet {
        self.played += 1;
        self.pair.server.caller.failures.clear();
        Puppet::begin(&mut self.pair, address(&format!("192.0.2.9:{}", self.played)), mode)
    }

    /// Plays the path of a mode, with the message of that kind changed.
    fn play(&mut self, mode: Mode, changed: u8, change: impl FnOnce(&mut Vec<u8>)) -> Option<Reason> {
        let mut puppet = self.puppet(mode);
        let mut change = Some(change);
        for kind in mode.path() {
            let mut body = match *kind {
                FINISHED => puppet.verify_data(),
                kind => puppet.body(&self.pki, kind),
            };
            if let Some(change) = change.take_if(|_| *kind == changed) {
                change(&mut body);
            }
            match *kind {
                FINISHED => puppet.say_finished(&mut self.pair, &body),
                kind => puppet.say(&mut self.pair, kind, &body),
            }
        }
        self.pair.server.caller.failures.pop().map(|failure| failure.reason)
    }

    fn assert_nobody_is_in(&mut self) {
        assert_eq!(self.pair.server.caller.connected, []);
        self.pair.run(130);
        let usage = self.pair.server.endpoint.usage();
        assert_eq!(usage, dtls::Usage::default());
    }
}

/// What an ECDSA signature must not be: r and s of 0, one of them, the order of P-256, negative, none.
fn nothing_signed() -> Vec<Vec<u8>> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let integer = |bytes: &[u8]| [&[2][..], &vec8(bytes)].concat();
    let numbers = [vec![0], vec![1], [&[0][..], &ORDER].concat(), vec![0xff], Vec::new()];
    let pairs = numbers.iter().flat_map(|r| numbers.iter().map(move |s| [integer(r), integer(s)].concat()));
    pairs
        .map(|pair| [&[0x30][..], &vec8(&pair)].concat())
        .chain([Vec::new(), vec![0; 64], vec![0x30, 0]])
        .collect()
}

#[test]
fn a_message_that_is_emptied_cut_anywhere_or_longer_lets_nobody_in() {
    let mut stage = Stage::new();
    for mode in MODES {
        for kind in mode.path() {
            let whole = match *kind {
                FINISHED => 12,
                kind => stage.puppet(mode).body(&stage.pki, kind).len(),
            };
            // A certificate's inner bytes are cut below.
            for cut in (1..=whole).filter(|cut| *cut < 80 || cut % 16 == 0) {
                let reason = stage.play(mode, *kind, |body| body.truncate(body.len().saturating_sub(cut)));
                assert!(reason.is_some(), "{mode:?}, message {kind} without its last {cut} bytes");
            }
            let reason = stage.play(mode, *kind, Vec::clear);
            assert!(reason.is_some(), "{mode:?}, message {kind} of no bytes");
            let reason = stage.play(mode, *kind, |body| body.push(0));
            assert!(reason.is_some(), "{mode:?}, message {kind} with a byte more");
            let reason = stage.play(mode, *kind, |body| body.fill(0));
            assert!(reason.is_some(), "{mode:?}, message {kind} of zeros");
        }
    }
    stage.assert_nobody_is_in();
}

#[test]
fn fields_that_are_emptied_let_nobody_in() {
    let mut stage = Stage::new();
    let point = |body: &mut Vec<u8>| *body = vec8(&[]);
    for (mode, kind, body) in [
        (Mode::Psk, CLIENT_KEY_EXCHANGE, vec16(&[])),
        (Mode::EcdhePsk, CLIENT_KEY_EXCHANGE, [vec16(&[]), vec8(&[4; 65])].concat()),
        (Mode::EcdhePsk, CLIENT_KEY_EXCHANGE, [vec16(IDENTITY), vec8(&[])].concat()),
        (Mode::EcdhePsk, CLIENT_KEY_EXCHANGE, [vec16(IDENTITY), vec8(&[4; 65])].concat()),
        (Mode::EcdhePsk, CLIENT_KEY_EXCHANGE, [vec16(IDENTITY), vec8(&[0])].concat()),
        (Mode::Certificate, CERTIFICATE, vec24(&[])),
        (Mode::Certificate, CERTIFICATE, vec24(&vec24(&[]))),
        (Mode::RawPublicKey, CERTIFICATE, vec24(&[])),
        (Mode::Certificate, CERTIFICATE_VERIFY, [&[4, 3][..], &vec16(&[])].concat()),
        (Mode::RawPublicKey, CERTIFICATE_VERIFY, [&[4, 3][..], &vec16(&[])].concat()),
    ] {
        let reason = stage.play(mode, kind, |old| *old = body.clone());
        assert!(reason.is_some(), "{mode:?}: {kind} {body:x?}");
    }
    for mode in [Mode::RawPublicKey, Mode::Certificate] {
        assert!(stage.play(mode, CLIENT_KEY_EXCHANGE, point).is_some());
    }
    stage.assert_nobody_is_in();
}

#[test]
fn cve_2022_21449_no_signature_of_nothing_proves_a_key() {
    let mut stage = Stage::new();
    for mode in [Mode::RawPublicKey, Mode::Certificate] {
        for signature in nothing_signed() {
            for algorithm in [[4, 3], [5, 3]] {
                let body = [&algorithm[..], &vec16(&signature)].concat();
                let reason = stage.play(mode, CERTIFICATE_VERIFY, |old| *old = body);
                assert_eq!(reason, Some(Reason::WrongSignature), "{mode:?}, {algorithm:?}, {signature:x?}");
            }
        }
        // A good one of another algorithm: RSA, SHA-1, SHA-384, Ed25519, none.
        for algorithm in [[4, 1], [2, 3], [5, 3], [8, 7], [0, 3], [4, 0]] {
            let reason = stage.play(mode, CERTIFICATE_VERIFY, |old| old[..2].copy_from_slice(&algorithm));
            assert_eq!(reason, Some(Reason::WrongSignature), "{mode:?}, {algorithm:?}");
        }
        for bit in 0..8 {
            let reason = stage.play(mode, CERTIFICATE_VERIFY, |old| *old.last_mut().unwrap() ^= 1 << bit);
            assert_eq!(reason, Some(Reason::WrongSignature));
        }
    }
    assert_eq!(stage.pair.server.caller.claims, []);
    stage.assert_nobody_is_in();
}

#[test]
fn cve_2022_21449_no_certificate_that_is_signed_by_nothing_is_trusted() {
    let mut stage = Stage::new();
    for signature in nothing_signed() {
        let forged = signed_by(&stage.pki.device_certificate(), &signature);
        let reason = stage.play(Mode::Certificate, CERTIFICATE, |body| *body = vec24(&vec24(&forged)));
        assert!(matches!(reason, Some(Reason::Refused(_))), "{reason:?}");
        let claim = stage.pair.server.caller.claims.pop();
        let why = Err(dtls::Untrusted::BadSignature);
        assert!(matches!(claim, Some(Claim::Certificate { trusted, .. }) if trusted == why));
    }
    stage.assert_nobody_is_in();
}

/// The certificate with another signature.
fn signed_by(certificate: &[u8], signature: &[u8]) -> Vec<u8> {
    // Behind the outer header.
    let inner = &certificate[4..];
    let tbs = match inner[1] {
        0x81 => 3 + usize::from(inner[2]),
        _ => 4 + usize::from(u16::from_be_bytes([inner[2], inner[3]])),
    };
    // The algorithm is ecdsa-with-SHA256, of 12 bytes.
    let bits = [&[3][..], &vec8(&[&[0][..], signature].concat())].concat();
    let content = [&inner[..tbs + 12], &bits].concat();
    let length = match content.len() {
        128..256 => [&[0x81][..], &content.len().to_be_bytes()[7..]].concat(),
        _ => [&[0x82][..], &content.len().to_be_bytes()[6..]].concat(),
    };
    [&[0x30][..], &length, &content].concat()
}

#[test]
fn a_certificate_that_is_cut_anywhere_is_none() {
    let mut stage = Stage::new();
    let whole = stage.pki.device_certificate();
    for len in 1..whole.len() {
        let reason = stage.play(Mode::Certificate, CERTIFICATE, |body| *body = vec24(&vec24(&whole[..len])));
        assert_eq!(reason, Some(Reason::Malformed { what: "certificate" }), "{len} bytes");
    }
    assert_eq!(stage.pair.server.caller.claims, []);
    stage.assert_nobody_is_in();
}

#[test]
fn a_finished_with_any_bit_turned_or_of_the_other_side_lets_nobody_in() {
    let mut stage = Stage::new();
    for mode in [Mode::Psk, Mode::Certificate] {
        for bit in 0..96 {
            let reason = stage.play(mode, FINISHED, |body| body[bit / 8] ^= 1 << (bit % 8));
            assert_eq!(reason, Some(Reason::WrongFinished));
        }
    }
    stage.assert_nobody_is_in();
}

#[test]
fn who_has_another_key_is_not_let_in_whatever_the_mode() {
    let mut stage = Stage::new();
    for mode in [Mode::Psk, Mode::EcdhePsk] {
        let mut puppet = stage.puppet(mode);
        puppet.key = b"another".to_vec();
        puppet.say_kind(&mut stage.pair, &stage.pki, CLIENT_KEY_EXCHANGE);
        for _ in 0..3 {
            assert_eq!(stage.pair.server.caller.failures, []);
            let verify_data = puppet.verify_data();
            puppet.say_finished(&mut stage.pair, &verify_data);
        }
        assert_eq!(stage.pair.server.caller.failures[0].reason, Reason::WrongKey);
        let told = stage.pair.seen.last().unwrap();
        assert_eq!((told.bytes[0], &told.bytes[13..]), (21, &[2, Alert::DECRYPT_ERROR.0][..]));
    }
    stage.assert_nobody_is_in();
}

#[test]
fn identities_of_no_bytes_or_more_than_128_are_not_asked_for() {
    let mut stage = Stage::new();
    let longest = vec![b'x'; 128];
    stage.pair.server.caller.known.insert(longest.clone(), known(Some(KEY)));
    for mode in [Mode::Psk, Mode::EcdhePsk] {
        for len in [0, 129, 130, 255, 256, 4_000] {
            let mut puppet = stage.puppet(mode);
            let body = puppet.key_exchange(&vec![b'x'; len]);
            puppet.say(&mut stage.pair, CLIENT_KEY_EXCHANGE, &body);
            assert!(matches!(stage.pair.server.caller.failures[0].reason, Reason::Malformed { .. }), "{len}");
        }
        // A length that is not there.
        let mut puppet = stage.puppet(mode);
        puppet.say(&mut stage.pair, CLIENT_KEY_EXCHANGE, &[0xff, 0xff, b'x']);
        assert!(matches!(stage.pair.server.caller.failures[0].reason, Reason::Malformed { .. }));
    }
    assert_eq!(stage.pair.server.caller.claims, []);
    stage.assert_nobody_is_in();
    // The longest one, and bytes that are no text, are asked for as they are.
    for identity in [longest, vec![0, 0xff, b'\n', 0], b"NO_SEC".to_vec()] {
        let mut puppet = stage.puppet(Mode::Psk);
        let body = puppet.key_exchange(&identity);
        puppet.say(&mut stage.pair, CLIENT_KEY_EXCHANGE, &body);
        assert_eq!(stage.pair.server.caller.claims.pop(), Some(Claim::Psk(identity)));
    }
}

#[test]
fn a_cookie_with_any_bit_turned_cut_or_longer_begins_nothing() {
    let mut stage = Stage::new();
    let (from, mode) = (address("192.0.2.9:9"), Mode::Psk);
    let hello = mode.hello();
    stage.pair.inject(from, &clear(0, &message(1, 0, &hello.body(&[7; 32], &[]))));
    let cookie = stage.pair.seen[0].bytes[28..].to_vec();
    let turned = (0..128).map(|bit| {
        let mut cookie = cookie.clone();
        cookie[bit / 8] ^= 1 << (bit % 8);
        cookie
    });
    let cut = (1..16).map(|len| cookie[..len].to_vec());
    let longer = [16, 32, 200].map(|more| [&cookie[..], &vec![0; more]].concat());
    for wrong in turned.chain(cut).chain(longer) {
        stage.pair.inject(from, &clear(1, &message(1, 1, &hello.body(&[7; 32], &wrong))));
    }
    // Nor does the good one from another port, or with another random, session id or version.
    let hello_with_it = clear(1, &message(1, 1, &hello.body(&[7; 32], &cookie)));
    stage.pair.inject(address("192.0.2.9:10"), &hello_with_it);
    stage.pair.inject(from, &clear(1, &message(1, 1, &hello.body(&[8; 32], &cookie))));
    for other in [(0xfefd, vec![1]), (0xfeff, vec![])] {
        let hello = crate::puppet::Hello { version: other.0, session_id: other.1, ..mode.hello() };
        stage.pair.inject(from, &clear(1, &message(1, 1, &hello.body(&[7; 32], &cookie))));
    }
    assert_eq!(stage.pair.server.endpoint.counters().cookies_bad, 128 + 15 + 3 + 4);
    assert_eq!(stage.pair.server.endpoint.usage(), dtls::Usage::default());
    stage.pair.inject(from, &hello_with_it);
    assert_eq!(stage.pair.server.endpoint.usage().handshakes, 1);
}
