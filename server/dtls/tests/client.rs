//! The client against servers that do what none may: flights made by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/pki.rs"]
mod pki;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/simulation.rs"]
mod simulation;

use dtls::{Alert, Connect, Reason, Step, Suite};
use hex_literal::hex;

use crate::{
    pki::{Pki, Proof},
    simulation::{Datagram, IDENTITY, KEY, Link, Pair, psk},
};

const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// A client whose datagrams go nowhere, and a server that is played by hand.
struct Play {
    pair: Pair,
    number: u64,
    sequence: u16,
}

impl Play {
    fn new(connect: Connect) -> Self {
        let mut pair = Pair::new();
        pair.link = Link { fate: Box::new(|_, _| Vec::new()) };
        pair.connect(connect);
        Self { pair, number: 0, sequence: 0 }
    }

    /// The next message of the server's.
    fn say(&mut self, kind: u8, body: &[u8]) {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        let sequence = self.sequence.to_be_bytes();
        self.record(22, &[&[kind][..], &len[1..], &sequence, &[0; 3], &len[1..], body].concat());
        self.sequence += 1;
    }

    fn record(&mut self, kind: u8, body: &[u8]) {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let bytes = [&[kind, 0xfe, 0xfd][..], &self.number.to_be_bytes(), &length, body].concat();
        self.number += 1;
        let (from, to) = (self.pair.server.address, self.pair.client.address);
        self.pair.deliver(Datagram { from, to, bytes });
    }

    /// What the client has sent, each datagram once.
    fn sent(&self) -> Vec<&[u8]> {
        self.pair.seen.iter().map(|sent| &sent.bytes[..]).collect()
    }

    /// Why the handshake fell, and the alert that the client has sent about it.
    fn fell(&self) -> (Reason, Option<Alert>) {
        let [failure] = &self.pair.client.caller.failures[..] else {
            panic!("{:?}", self.pair.client.caller.failures)
        };
        assert_eq!(self.pair.client.endpoint.usage().handshakes, 0);
        let alert = self.sent().last().filter(|last| last[0] == 21).map(|last| Alert(last[14]));
        (failure.reason.clone(), alert)
    }
}

/// Version, random, session id, suite, compression, extensions.
fn server_hello(suite: Suite, extensions: &[u8]) -> Vec<u8> {
    let suite = (suite as u16).to_be_bytes();
    [&hex!("fefd")[..], &[8; 32], &[0], &suite, &[0], extensions].concat()
}

fn ccm8() -> Connect {
    Connect { suites: vec![Suite::PskAes128Ccm8], ..psk(IDENTITY, KEY) }
}

#[test]
fn a_client_hello_is_said_again_with_the_cookie_and_the_next_number() {
    let mut play = Play::new(ccm8());
    play.say(HELLO_VERIFY_REQUEST, &[&hex!("feff 10")[..], &[7; 16]].concat());
    let [first, second] = play.sent()[..] else { panic!() };
    // Message number, then version, random and session id as before, then the cookie.
    assert_eq!((&first[17..19], &second[17..19]), (&[0, 0][..], &[0, 1][..]));
    assert_eq!(first[25..60], second[25..60]);
    assert_eq!(second[59 + 1..77], [&[16][..], &[7; 16]].concat());
    assert_eq!(first[61..], second[77..]);
}

#[test]
fn no_more_than_four_cookies_are_answered_and_none_twice() {
    let mut play = Play::new(ccm8());
    for cookie in [1, 1, 2, 2, 3, 4, 5, 6, 7] {
        play.say(HELLO_VERIFY_REQUEST, &[0xfe, 0xff, 1, cookie]);
    }
    assert_eq!(play.sent().len(), 1 + 4);
}

#[test]
fn the_flight_of_a_server_without_a_cookie_is_answered() {
    let mut play = Play::new(ccm8());
    play.say(SERVER_HELLO, &server_hello(Suite::PskAes128Ccm8, &[]));
    play.say(SERVER_HELLO_DONE, &[]);
    let [_, flight] = play.sent()[..] else { panic!() };
    assert_eq!(flight[13], CLIENT_KEY_EXCHANGE);
    // Its numbers go on from the ClientHello's.
    assert_eq!((flight[10], &flight[17..19]), (1, &[0, 1][..]));
}

#[test]
fn a_hello_that_is_not_answered_is_said_again_and_given_up_after_a_minute() {
    let mut play = Play::new(ccm8());
    play.pair.run(59);
    // At 1, 3, 7, 15 and 31 seconds.
    assert_eq!(play.sent().len(), 1 + 5);
    play.pair.run(2);
    assert_eq!(play.fell(), (Reason::TimedOut, None));
    assert_eq!(play.pair.client.caller.failures[0].step, Step::ServerHello);
}

#[test]
fn the_rest_of_a_flight_that_was_lost_is_asked_for() {
    let mut play = Play::new(ccm8());
    play.say(SERVER_HELLO, &server_hello(Suite::PskAes128Ccm8, &[]));
    play.pair.run(2);
    let [first, again] = play.sent()[..] else { panic!() };
    assert_eq!(first[13..], again[13..]);
}

#[test]
fn what_was_not_offered_is_not_taken() {
    let fell = |suite: Suite, extensions: &[u8]| {
        let connect = Connect { connection_id: false, ..ccm8() };
        let mut play = Play::new(connect);
        play.say(SERVER_HELLO, &server_hello(suite, extensions));
        play.fell()
    };
    assert_eq!(fell(Suite::PskAes128CbcSha256, &[]), (Reason::NoCommonSuite, Some(Alert::ILLEGAL_PARAMETER)));
    let unasked = (Reason::Malformed { what: "extensions" }, Some(Alert::UNSUPPORTED_EXTENSION));
    for extensions in [
        &hex!("0005 0036 0001 00")[..],
        &hex!("0004 0016 0000"),
        &hex!("0004 0000 0000"),
        &hex!("0005 0001 0001 01"),
        &hex!("0005 0014 0001 02"),
        &hex!("0004 0023 0000"),
    ] {
        assert_eq!(fell(Suite::PskAes128Ccm8, extensions), unasked);
    }
    let renegotiated = fell(Suite::PskAes128Ccm8, &hex!("0006 ff01 0002 01 00"));
    assert_eq!(
        renegotiated,
        (Reason::Malformed { what: "renegotiation_info" }, Some(Alert::HANDSHAKE_FAILURE))
    );
}

#[test]
fn messages_out_of_turn_end_the_handshake() {
    let fell = |kinds: &[u8]| {
        let mut play = Play::new(ccm8());
        for kind in kinds {
            let hello = server_hello(Suite::PskAes128Ccm8, &[]);
            play.say(*kind, if *kind == SERVER_HELLO { &hello } else { &[] });
        }
        play.fell()
    };
    for kinds in [
        &[SERVER_HELLO_DONE][..],
        &[SERVER_HELLO, CERTIFICATE],
        &[SERVER_HELLO, SERVER_HELLO],
        &[SERVER_HELLO, 13],
    ] {
        let kind = *kinds.last().unwrap();
        assert_eq!(fell(kinds), (Reason::Unexpected { kind }, Some(Alert::UNEXPECTED_MESSAGE)));
    }
}

#[test]
fn another_server_than_the_known_one_is_refused_by_its_certificate_alone() {
    let pki = Pki::new();
    let mut play = Play::new(pki.connect(Proof::Certificate));
    play.say(SERVER_HELLO, &server_hello(Suite::EcdheEcdsaAes128Ccm8, &[]));
    play.say(CERTIFICATE, &hex!("000006 000003 300100"));
    assert_eq!(play.fell(), (Reason::WrongServer, Some(Alert::CERTIFICATE_UNKNOWN)));
    // A raw key is asked for, and a certificate comes.
    let mut play = Play::new(pki.connect(Proof::RawPublicKey));
    play.say(SERVER_HELLO, &server_hello(Suite::EcdheEcdsaAes128Ccm8, &[]));
    play.say(CERTIFICATE, &hex!("000006 000003 300100"));
    let refused = (Reason::NoCommon { what: "certificate type" }, Some(Alert::UNSUPPORTED_CERTIFICATE));
    assert_eq!(play.fell(), refused);
}

#[test]
fn cve_2021_34433_a_server_key_exchange_that_is_not_there_or_not_signed_proves_nobody() {
    let pki = Pki::new();
    let good_point = [
        &hex!("04 6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")[..],
        &hex!("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
    ]
    .concat();
    let params = [&hex!("03 0017 41")[..], &good_point].concat();
    let nothing = hex!("3006 020100 020100");
    for proof in [Proof::RawPublicKey, Proof::Certificate] {
        let fell = |exchange: Option<&[u8]>| {
            let mut play = Play::new(pki.connect(proof));
            let (types, certificate) = match proof {
                Proof::RawPublicKey => (
                    &hex!("000a 0013 0001 02 0014 0001 02")[..],
                    pki.config().raw_key.unwrap().public().to_vec(),
                ),
                _ => (&[][..], vec24(&pki.server_chain[0])),
            };
            play.say(SERVER_HELLO, &server_hello(Suite::EcdheEcdsaAes128Ccm8, types));
            play.say(CERTIFICATE, &vec24(&certificate));
            if let Some(exchange) = exchange {
                play.say(SERVER_KEY_EXCHANGE, exchange);
            }
            if play.pair.client.caller.failures.is_empty() {
                play.say(SERVER_HELLO_DONE, &[]);
            }
            assert_eq!(play.pair.client.caller.connected, []);
            assert!(
                play.sent().iter().all(|sent| sent[13] != CLIENT_KEY_EXCHANGE && sent[13] != CERTIFICATE)
            );
            play.fell().0
        };
        assert_eq!(fell(None), Reason::Unexpected { kind: SERVER_HELLO_DONE });
        for cut in 0..=params.len() + 3 {
            let whole = [&params[..], &hex!("0403 0000")].concat();
            assert!(matches!(fell(Some(&whole[..cut])), Reason::Malformed { .. }), "{cut} bytes");
        }
        for signature in [&[][..], &nothing, &[0; 70]] {
            for algorithm in [hex!("0403"), hex!("0503")] {
                let length = [0, u8::try_from(signature.len()).unwrap()];
                let exchange = [&params[..], &algorithm, &length, signature].concat();
                assert_eq!(fell(Some(&exchange)), Reason::WrongSignature, "{signature:x?}");
            }
        }
    }
}

fn vec24(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..], bytes].concat()
}

#[test]
fn what_cannot_be_offered_fails_at_once() {
    let fails = |connect: Connect| {
        let play = Play::new(connect);
        assert!(play.sent().is_empty());
        play.fell().0
    };
    let signing = Connect { suites: vec![Suite::EcdheEcdsaAes128Ccm8], ..psk(IDENTITY, KEY) };
    assert_eq!(fails(signing), Reason::NoCommonSuite);
    assert!(matches!(fails(psk(&[b'x'; 129], KEY)), Reason::TooMany { .. }));
    assert!(matches!(fails(psk(b"", KEY)), Reason::TooMany { .. }));
}

#[test]
fn a_fatal_alert_ends_the_handshake_and_a_warning_does_not() {
    let mut play = Play::new(ccm8());
    play.record(21, &[1, 90]);
    assert!(play.pair.client.caller.failures.is_empty());
    play.record(21, &[2, 115]);
    assert_eq!(play.fell(), (Reason::AlertReceived(Alert::UNKNOWN_PSK_IDENTITY), None));
}
