//! What becomes of sessions: other addresses, other sessions, revocation, silence, and the end of all numbers.

use std::time::Duration;

use dtls::{Alert, Bounds, Config, Connect, Ended, Reason, SendError};

use crate::simulation::{IDENTITY, KEY, Link, Pair, TAG, address, known, psk};

#[test]
fn a_client_with_a_connection_id_is_followed_once_it_is_heard_twice_elsewhere() {
    let mut pair = Pair::connected();
    let (home, away) = (pair.client.address, address("198.51.100.7:50000"));
    pair.client.address = away;
    let session = pair.client_session();
    pair.client.endpoint.send(pair.now, session, b"one").unwrap();
    pair.run(1);
    assert_eq!(pair.server.caller.moved, []);
    // It is answered there, within what it has sent.
    pair.server.endpoint.send(pair.now, pair.server_session(), b"to you").unwrap();
    pair.run(1);
    assert_eq!(pair.client.caller.received, [b"to you".to_vec()]);
    pair.client.endpoint.send(pair.now, session, b"two").unwrap();
    pair.run(1);
    assert_eq!(pair.server.caller.moved, [(home, away)]);
    assert_eq!(pair.server.endpoint.session_at(away), Some(pair.server_session()));
    assert_eq!(pair.server.endpoint.session_at(home), None);
    pair.assert_talks();
}

#[test]
fn a_recorded_datagram_from_elsewhere_moves_nothing() {
    let mut pair = Pair::connected();
    pair.link.fate = Box::new(|_, _| vec![]);
    pair.client.endpoint.send(pair.now, pair.client_session(), b"caught").unwrap();
    pair.run(1);
    let caught = pair.seen.last().unwrap().bytes.clone();
    pair.link = Link::good();
    pair.assert_talks();
    for _ in 0..3 {
        pair.inject(address("203.0.113.66:1"), &caught);
    }
    pair.run(1);
    assert_eq!(pair.server.caller.moved, []);
    assert_eq!(pair.server.endpoint.counters().records_replayed, 2);
    pair.assert_talks();
}

#[test]
fn little_goes_to_an_address_that_was_heard_once() {
    let mut pair = Pair::connected();
    pair.client.address = address("198.51.100.7:50000");
    pair.client.endpoint.send(pair.now, pair.client_session(), b"one").unwrap();
    pair.run(1);
    let heard = pair.seen.last().unwrap().bytes.len();
    for _ in 0..50 {
        pair.server.endpoint.send(pair.now, pair.server_session(), &[0; 40]).unwrap();
    }
    let from = pair.seen.len();
    pair.drain();
    let there = pair.seen[from..].iter().filter(|sent| sent.to == pair.client.address);
    let bytes: usize = there.map(|sent| sent.bytes.len()).sum();
    assert!(bytes > 0 && bytes <= 3 * heard, "{bytes} for {heard}");
}

#[test]
fn a_session_that_was_heard_elsewhere_is_there_when_its_address_is_given_to_another() {
    let mut pair = Pair::connected();
    let (home, away) = (pair.client.address, address("198.51.100.7:50000"));
    let session = pair.server_session();
    pair.client.address = away;
    pair.client.endpoint.send(pair.now, pair.client_session(), b"one").unwrap();
    pair.run(1);
    assert_eq!(pair.server.caller.moved, []);
    pair.client.address = home;
    pair.restart_client();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    assert_eq!(pair.server.caller.moved, [(home, away)]);
    assert_eq!(pair.server.endpoint.session_at(away), Some(session));
    assert!(pair.server.endpoint.session_at(home).is_some_and(|newer| newer != session));
    assert_eq!(pair.server.caller.ended, []);
}

#[test]
fn a_client_without_a_connection_id_that_moves_makes_a_new_session() {
    let mut pair = Pair::new();
    let connect = Connect { connection_id: false, ..psk(IDENTITY, KEY) };
    pair.connect(connect.clone());
    pair.run(5);
    pair.assert_talks();
    pair.client.address = address("198.51.100.7:50000");
    pair.client.endpoint.send(pair.now, pair.client_session(), b"lost").unwrap();
    pair.run(1);
    assert_eq!(pair.server.endpoint.counters().records_unknown, 1);
    pair.connect(connect);
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
}

#[test]
fn a_client_that_was_restarted_opens_a_session_in_place_of_its_old_one() {
    let mut pair = Pair::connected();
    let older = pair.server_session();
    pair.restart_client();
    pair.connect(psk(IDENTITY, KEY));
    // The older one lives until the newer is there (RFC 6347 §4.2.8).
    assert!(pair.server.caller.ended.is_empty());
    pair.run(5);
    pair.assert_connected();
    assert_eq!(pair.server.caller.ended, [(older, Ended::Replaced)]);
    assert_eq!(pair.server.endpoint.usage().sessions, 1);
    pair.assert_talks();
}

#[test]
fn a_client_that_is_restarted_in_its_handshake_begins_anew() {
    for held in [false, true] {
        let mut pair = Pair::new();
        pair.server.caller.holds = held;
        pair.connect(psk(IDENTITY, KEY));
        pair.run_for(Duration::from_millis(45));
        pair.restart_client();
        pair.connect(psk(IDENTITY, KEY));
        pair.run(1);
        pair.server.answer_held(pair.now);
        pair.run(5);
        assert_eq!(pair.client.caller.failures, []);
        pair.assert_talks();
        let reasons: Vec<_> = pair.server.caller.failures.iter().map(|failure| &failure.reason).collect();
        assert!(reasons.iter().all(|reason| **reason == Reason::BegunAnew), "{reasons:?}");
        assert_eq!(pair.server.endpoint.usage().handshakes, 0);
    }
}

#[test]
fn a_wrong_key_is_told_as_such_after_the_third_try_and_the_next_good_one_gets_in() {
    let mut pair = Pair::new();
    pair.connect(psk(IDENTITY, b"another key"));
    pair.run(20);
    assert_eq!(pair.server.caller.failures[0].reason, Reason::WrongKey);
    assert_eq!(pair.server.caller.failures[0].tag, Some(TAG));
    assert_eq!(pair.server.endpoint.counters().finished_undecryptable, 3);
    assert_eq!(pair.client.caller.failures[0].reason, Reason::AlertReceived(Alert::DECRYPT_ERROR));
    pair.client.caller.failures.clear();
    pair.server.caller.failures.clear();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn a_wrong_key_is_told_as_such_of_a_client_that_gives_up_or_begins_anew() {
    for begins_anew in [false, true] {
        let mut pair = Pair::new();
        pair.connect(psk(IDENTITY, b"another key"));
        // Its first Finished comes, and no second.
        pair.run_for(Duration::from_millis(500));
        assert_eq!(pair.server.endpoint.counters().finished_undecryptable, 1);
        pair.restart_client();
        if begins_anew {
            pair.connect(psk(IDENTITY, KEY));
            pair.run(5);
            pair.assert_talks();
        }
        pair.run(21);
        let reasons: Vec<_> = pair.server.caller.failures.iter().map(|failure| &failure.reason).collect();
        assert_eq!(reasons, [&Reason::WrongKey]);
    }
}

#[test]
fn an_identity_that_is_not_known_is_told_so() {
    let mut pair = Pair::new();
    pair.connect(psk(b"nobody", KEY));
    pair.run(5);
    let refused = Reason::Refused(Alert::UNKNOWN_PSK_IDENTITY);
    assert_eq!(pair.server.caller.failures[0].reason, refused);
    assert_eq!(pair.client.caller.failures[0].reason, Reason::AlertReceived(Alert::UNKNOWN_PSK_IDENTITY));
}

#[test]
fn revocation_ends_sessions_and_handshakes_at_once() {
    let mut pair = Pair::connected();
    let session = pair.server_session();
    pair.server.endpoint.end_tag(pair.now, TAG);
    pair.run(1);
    assert_eq!(pair.server.caller.ended, [(session, Ended::ByCaller)]);
    assert!(matches!(pair.client.caller.ended[..], [(_, Ended::ByPeer(Alert::CLOSE_NOTIFY))]));

    // One that is known, and whose session is not durable yet.
    let mut pair = Pair::new();
    pair.server.caller.holds = true;
    pair.connect(psk(IDENTITY, KEY));
    pair.run(1);
    pair.server.answer_held(pair.now);
    pair.server.caller.holds = true;
    pair.run(3);
    pair.server.endpoint.end_tag(pair.now, TAG);
    pair.server.answer_held(pair.now);
    pair.run(5);
    assert_eq!(pair.server.caller.failures[0].reason, Reason::TakenBack);
    assert_eq!(pair.server.caller.connected, []);
    assert_eq!(pair.server.endpoint.usage(), dtls::Usage::default());
}

#[test]
fn close_notify_is_answered_and_ends_the_session_on_both_sides() {
    let mut pair = Pair::connected();
    pair.client.endpoint.end(pair.now, pair.client_session());
    pair.run(1);
    assert_eq!(pair.server.caller.ended[0].1, Ended::ByPeer(Alert::CLOSE_NOTIFY));
    assert_eq!(pair.server.endpoint.usage().sessions, 0);
    assert_eq!(pair.server.endpoint.send(pair.now, pair.server_session(), b"late"), Err(SendError::Unknown));
}

#[test]
fn a_session_that_is_silent_for_too_long_ends() {
    let mut pair = Pair::connected();
    let idle = pair.server.config.bounds.idle;
    assert!(pair.server.endpoint.poll_timeout().unwrap() <= pair.now + idle);
    pair.run(idle.as_secs());
    assert_eq!(pair.server.caller.ended[0].1, Ended::Idle);
    assert_eq!(pair.server.endpoint.usage(), dtls::Usage::default());
}

#[test]
fn numbers_that_are_not_reserved_are_not_used() {
    let bounds = Bounds { reserve: 8, ..Bounds::default() };
    let mut pair = Pair::with(Config { bounds, ..Config::default() });
    pair.server.caller.grants = false;
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    let session = pair.server_session();
    // The Finished was the first.
    for _ in 1..8 {
        pair.server.endpoint.send(pair.now, session, b"data").unwrap();
        pair.drain();
    }
    assert_eq!(pair.server.endpoint.send(pair.now, session, b"data"), Err(SendError::NotReserved));
    pair.server.endpoint.reserved(session, 9);
    assert_eq!(pair.server.endpoint.send(pair.now, session, b"data"), Ok(()));
    assert_eq!(pair.server.endpoint.send(pair.now, session, b"data"), Err(SendError::NotReserved));
    pair.server.caller.grants = true;
    pair.server.endpoint.reserved(session, 10);
    for _ in 0..1_000 {
        pair.server.endpoint.send(pair.now, session, b"data").unwrap();
        pair.drain();
    }
    pair.assert_no_nonce_twice_a_session();
}

#[test]
fn a_session_ends_when_there_are_no_more_numbers() {
    let mut pair = Pair::connected();
    let session = pair.server_session();
    let mut saved = pair.server.caller.store[&session].clone();
    pair.server.caller.store.clear();
    pair.restart_server();
    // Two are left: the last one is never used.
    saved.reserved = (1 << 48) - 3 + pair.server.config.bounds.reserve;
    saved.reserved = saved.reserved.min((1 << 48) - 1);
    pair.server.endpoint.restore(pair.now, &saved).unwrap();
    let mut sent = 0;
    while pair.server.endpoint.send(pair.now, session, b"data").is_ok() {
        sent += 1;
    }
    assert_eq!(sent, pair.server.config.bounds.reserve);
    pair.drain();
    assert_eq!(pair.server.caller.ended, [(session, Ended::UsedUp)]);
    pair.assert_no_nonce_twice_a_session();
}

#[test]
fn one_more_session_of_a_device_than_it_may_have_ends_its_oldest() {
    let bounds = Bounds { sessions_of_tag: Some(2), ..Bounds::default() };
    for shared in [false, true] {
        let mut pair = Pair::with(Config { bounds, ..Config::default() });
        pair.server.caller.known.insert(IDENTITY.to_vec(), dtls::Known { shared, ..known(Some(KEY)) });
        for port in 1..=3 {
            pair.client.address = address(&format!("198.51.100.7:{port}"));
            pair.connect(psk(IDENTITY, KEY));
            pair.run(2);
        }
        pair.assert_connected();
        let oldest = pair.server.caller.connected[0];
        let ended = if shared { vec![] } else { vec![(oldest, Ended::Room)] };
        assert_eq!(pair.server.caller.ended, ended);
    }
}

#[test]
fn data_longer_than_the_peer_takes_is_refused() {
    let mut pair = Pair::connected();
    let sent = pair.server.endpoint.send(pair.now, pair.server_session(), &vec![0; 20_000]);
    assert_eq!(sent, Err(SendError::TooLong { max: 16_384 }));
}

#[test]
fn secrets_are_not_printed() {
    let printed = format!("{:?} {:?}", psk(IDENTITY, KEY), known(Some(KEY)));
    assert!(!printed.contains(&format!("{KEY:?}")), "{printed}");
    assert!(!printed.contains("48, 49, 50"), "{printed}");
}
