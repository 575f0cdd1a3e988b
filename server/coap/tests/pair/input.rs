//! What comes in and is no use: malformed, unknown, unexpected, too much.

use coap::{Bounds, Code, Config, Counters, Method, Request, Response};
use hex_literal::hex;

use crate::link::{A, B, Link, World};

/// What `A` says to a datagram from `B`, as hex.
fn said(world: &mut World, bytes: &[u8]) -> Vec<Vec<u8>> {
    world.sent.clear();
    world.inject(B, A, bytes);
    world.sent.drain(..).map(|(.., bytes)| bytes).collect()
}

#[test]
fn malformed_messages_are_reset_if_confirmable_and_counted() {
    type Row<'a> = (&'a [u8], bool, fn(&Counters) -> u64);
    let rows: [Row<'_>; 12] = [
        (&hex!("40 01 00"), false, |counters| counters.malformed_header),
        (&hex!("00 01 1234"), false, |counters| counters.malformed_version),
        (&hex!("80 01 1234"), false, |counters| counters.malformed_version),
        (&hex!("49 01 1234 0102030405060708 09"), true, |counters| counters.malformed_token),
        (&hex!("44 01 1234 010203"), true, |counters| counters.malformed_token),
        (&hex!("41 00 1234 01"), true, |counters| counters.malformed_empty),
        (&hex!("40 20 1234"), true, |counters| counters.malformed_code),
        (&hex!("70 45 1234"), false, |counters| counters.malformed_code),
        (&hex!("60 01 1234"), false, |counters| counters.malformed_code),
        (&hex!("40 01 1234 f0"), true, |counters| counters.malformed_option),
        (&hex!("40 01 1234 b5 6162"), true, |counters| counters.malformed_option),
        (&hex!("40 01 1234 ff"), true, |counters| counters.malformed_payload),
    ];
    for (bytes, reset, counter) in rows {
        let mut world = World::perfect();
        let expected: &[&[u8]] = if reset { &[&hex!("70 00 1234")] } else { &[] };
        assert_eq!(said(&mut world, bytes), expected, "{bytes:02x?}");
        assert_eq!(counter(world.at(A).counters()), 1, "{bytes:02x?}");
        if bytes[0] & 0x30 != 0 {
            continue;
        }
        // The same as a non-confirmable message meets silence.
        let mut silent = bytes.to_vec();
        silent[0] = silent[0] & 0xcf | 0x10;
        assert_eq!(said(&mut world, &silent), [[0; 0]; 0], "{silent:02x?}");
        assert!(world.events.is_empty());
        assert_eq!(world.at(A).usage().peers, 0);
    }
}

#[test]
fn a_ping_is_answered_by_a_reset() {
    let mut world = World::perfect();
    assert_eq!(said(&mut world, &hex!("40 00 1234")), [hex!("70 00 1234")]);
    assert_eq!(said(&mut world, &hex!("50 00 1234")), [[0; 0]; 0]);
}

#[test]
fn a_critical_option_that_is_not_understood_meets_4_02_or_silence() {
    let mut world = World::perfect();
    // If-None-Match (5), OSCORE (9), Uri-Path that is not UTF-8.
    assert_eq!(said(&mut world, &hex!("41 01 1234 07 50")), [hex!("61 82 1234 07")]);
    assert_eq!(said(&mut world, &hex!("41 01 1235 07 91 00")), [hex!("61 82 1235 07")]);
    assert_eq!(said(&mut world, &hex!("41 01 1236 07 b1 ff")), [hex!("61 82 1236 07")]);
    assert_eq!(said(&mut world, &hex!("51 01 1237 07 91 00")), [[0; 0]; 0]);
    // Proxy-Uri
    assert_eq!(said(&mut world, &hex!("41 01 1238 07 d1 16 61")), [hex!("61 a5 1238 07")]);
    assert!(world.events.is_empty());
    assert_eq!(world.at(A).counters().critical_options, 5);
}

#[test]
fn an_elective_option_that_is_not_understood_is_ignored() {
    let mut world = World::perfect();
    // Observe of four bytes, Uri-Path "a", Hop-Limit (16).
    world.inject(B, A, &hex!("40 01 1234 64 00000000 51 61 51 05"));
    let (_, request) = world.expect_request();
    assert_eq!((request.path, request.observe), (vec!["a".to_owned()], None));
    assert_eq!(world.at(A).counters().elective_options, 2);
}

#[test]
fn an_unknown_method_meets_4_05() {
    let mut world = World::perfect();
    assert_eq!(said(&mut world, &hex!("41 08 1234 07")), [hex!("61 85 1234 07")]);
    assert_eq!(said(&mut world, &hex!("41 1f 1235 07 b2 7264")), [hex!("61 85 1235 07")]);
    assert_eq!(world.at(A).counters().methods_unknown, 2);
}

#[test]
fn a_response_nobody_waits_for_is_reset_where_that_helps() {
    let mut world = World::perfect();
    assert_eq!(said(&mut world, &hex!("41 45 1234 07 ff 61")), [hex!("70 00 1234")]);
    assert_eq!(said(&mut world, &hex!("51 45 1235 07 ff 61")), [[0; 0]; 0]);
    assert_eq!(said(&mut world, &hex!("51 45 1236 07 61 01 ff 61")), [hex!("70 00 1236")]);
    assert_eq!(said(&mut world, &hex!("61 45 1237 07 ff 61")), [[0; 0]; 0]);
    assert_eq!(said(&mut world, &hex!("60 00 1238")), [[0; 0]; 0]);
    assert_eq!(said(&mut world, &hex!("70 00 1239")), [[0; 0]; 0]);
    assert_eq!(world.at(A).usage().peers, 0, "no memory is spent on them");
}

#[test]
fn an_acknowledgement_with_a_foreign_token_is_no_answer() {
    let mut world = World::perfect();
    world.request(A, B, Request::new(Method::Get, "x"));
    let (.., bytes) = world.sent[0].clone();
    let forged = [0x61, 0x45, bytes[2], bytes[3], 0x07];
    world.inject(B, A, &forged);
    assert!(world.events.is_empty());
    assert_eq!(world.at(A).counters().responses_unmatched, 1);
}

#[test]
fn a_response_with_an_unknown_critical_option_is_an_error_of_the_peer() {
    let mut world = World::perfect();
    world.request(A, B, Request::new(Method::Get, "x"));
    let (.., bytes) = world.sent[0].clone();
    let mut answer = vec![0x68, 0x45];
    answer.extend_from_slice(&bytes[2..12]);
    answer.extend_from_slice(&hex!("91 00"));
    world.inject(B, A, &answer);
    assert_eq!(world.expect_outcome().2, Err(coap::Failure::BadOption(coap::OptionNumber(9))));
}

#[test]
fn requests_beyond_a_bound_meet_silence_and_can_be_tried_again() {
    let bounds = Bounds { exchanges_per_peer: 1, ..Bounds::default() };
    let config = Config { bounds, ..Config::default() };
    let mut world = World::with(0, Link::PERFECT, config, Config::default());
    world.inject(B, A, &hex!("41 01 0001 01 b1 61"));
    let (exchange, _) = world.expect_request();
    assert_eq!(said(&mut world, &hex!("41 01 0002 02 b1 61")), [[0; 0]; 0]);
    assert_eq!(world.at(A).counters().exchanges_per_peer, 1);
    world.respond(A, exchange, Response::new(Code::CONTENT));
    world.inject(B, A, &hex!("41 01 0002 02 b1 61"));
    world.expect_request();
}

#[test]
fn what_is_remembered_is_bounded_and_what_exceeds_it_has_no_effect() {
    for (bounds, counter) in [
        (
            Bounds { remembered_per_peer: 1, ..Bounds::default() },
            (|c| c.remembered_per_peer) as fn(&Counters) -> u64,
        ),
        (Bounds { remembered_total: 1, ..Bounds::default() }, |c| c.remembered_total),
        (Bounds { reply_bytes_total: 1, ..Bounds::default() }, |c| c.reply_bytes_total),
    ] {
        let mut world =
            World::with(0, Link::PERFECT, Config { bounds, ..Config::default() }, Config::default());
        world.inject(B, A, &hex!("41 02 0001 01 b1 61"));
        let (exchange, _) = world.expect_request();
        world.respond(A, exchange, Response::new(Code::CONTENT));
        assert_eq!(said(&mut world, &hex!("41 02 0002 02 b1 61")), [[0; 0]; 0]);
        assert!(world.events.is_empty());
        assert_eq!(counter(world.at(A).counters()), 1);
    }
}

#[test]
fn no_error_of_ours_is_longer_than_what_caused_it() {
    let mut world = World::perfect();
    let rows: [&[u8]; 6] = [
        &hex!("40 00 0001"),
        &hex!("41 08 0002 07"),
        &hex!("40 01 0003 91 00"),
        &hex!("40 02 0004 d1 0e 07"),
        &hex!("40 02 0005 d1 0e 10 ff 61"),
        // A Size1 of 4 GiB.
        &hex!("40 02 0006 d1 0e 0e d4 14 ffffffff"),
    ];
    for bytes in rows {
        let answers = said(&mut world, bytes);
        assert_eq!(answers.len(), 1, "{bytes:02x?}");
        assert!(answers[0].len() <= bytes.len(), "{bytes:02x?} -> {:02x?}", answers[0]);
    }
}
