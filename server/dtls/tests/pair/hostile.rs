//! What nobody vouches for changes nothing.

use dtls::{Endpoint, Reason, Usage};

use crate::simulation::{Datagram, IDENTITY, KEY, Pair, address, psk, records};

/// What a datagram must not change.
fn state(endpoint: &Endpoint) -> (Usage, Option<std::time::Duration>) {
    (endpoint.usage(), endpoint.poll_timeout())
}

fn record(kind: u8, epoch: u16, sequence: u64, body: &[u8]) -> Vec<u8> {
    let number = u64::from(epoch) << 48 | sequence;
    let length = u16::try_from(body.len()).unwrap();
    [&[kind, 0xfe, 0xfd][..], &number.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

#[test]
fn no_datagram_that_does_not_authenticate_changes_a_session() {
    for connection_id in [false, true] {
        let mut pair = Pair::new();
        pair.connect(dtls::Connect { connection_id, ..psk(IDENTITY, KEY) });
        pair.run(5);
        pair.assert_talks();
        let (client, stranger) = (pair.client.address, address("203.0.113.66:1"));
        let id = pair.server_session().0.to_be_bytes();
        let before = state(&pair.server.endpoint);
        let events = (pair.server.caller.received.len(), pair.server.caller.ended.len());
        for kind in 0..=255 {
            for epoch in [0, 1, 2, 0xffff] {
                // Every length around that of a nonce and a tag.
                for len in 0..=64 {
                    for sequence in [2, 1 << 40] {
                        let mut bytes = record(kind, epoch, sequence, &vec![2; len]);
                        if kind == 25 {
                            bytes.splice(11..11, id);
                        }
                        let answers = pair.seen.len();
                        pair.inject(client, &bytes);
                        pair.inject(stranger, &bytes);
                        assert_eq!(pair.seen.len(), answers, "kind {kind}, epoch {epoch}, {len} bytes");
                    }
                }
            }
        }
        pair.inject(client, &record(21, 0, 3, &[2, 40]));
        pair.inject(client, &[]);
        assert_eq!(state(&pair.server.endpoint), before);
        assert_eq!((pair.server.caller.received.len(), pair.server.caller.ended.len()), events);
        pair.assert_talks();
    }
}

#[test]
fn a_record_with_any_bit_turned_is_dropped() {
    let mut pair = Pair::connected();
    pair.link.fate = Box::new(|_, _| vec![]);
    pair.client.endpoint.send(pair.now, pair.client_session(), b"data").unwrap();
    pair.drain();
    let Datagram { from, bytes, .. } = pair.seen.last().unwrap().clone();
    let before = state(&pair.server.endpoint);
    for bit in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        pair.inject(from, &turned);
    }
    for len in 0..bytes.len() {
        pair.inject(from, &bytes[..len]);
    }
    assert_eq!(pair.server.caller.received, Vec::<Vec<u8>>::new());
    assert_eq!(state(&pair.server.endpoint), before);
    pair.inject(from, &bytes);
    assert_eq!(pair.server.caller.received, [b"data".to_vec()]);
}

#[test]
fn a_client_hello_without_its_cookie_leaves_nothing_and_gets_less_than_it_sent() {
    let mut pair = Pair::new();
    pair.link.fate = Box::new(|_, _| vec![]);
    pair.connect(psk(IDENTITY, KEY));
    let hello = pair.seen[0].bytes.clone();
    for port in 1..=2_000 {
        let from = address(&format!("203.0.113.9:{port}"));
        let answers = pair.seen.len();
        pair.inject(from, &hello);
        let sent: usize = pair.seen[answers..].iter().map(|sent| sent.bytes.len()).sum();
        assert!(sent > 0 && sent <= hello.len());
    }
    // Many of them in one datagram are answered within the same bound.
    let many = hello.repeat(20);
    let answers = pair.seen.len();
    pair.inject(address("203.0.113.9:1"), &many);
    let sent: usize = pair.seen[answers..].iter().map(|sent| sent.bytes.len()).sum();
    assert!(sent <= many.len());
    assert_eq!(state(&pair.server.endpoint), (Usage::default(), None));
}

#[test]
fn a_cookie_is_good_from_its_own_address_only() {
    let mut pair = Pair::new();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    let client = pair.client.address;
    let hello = pair.seen.iter().filter(|sent| sent.from == client).nth(1).unwrap().bytes.clone();
    let before = pair.server.endpoint.usage();
    pair.inject(address("203.0.113.9:1"), &hello);
    assert_eq!(pair.server.endpoint.usage(), before);
    assert_eq!(pair.server.endpoint.counters().cookies_bad, 1);
    // From its own it was answered before.
    pair.inject(client, &hello);
    assert_eq!(pair.server.endpoint.usage(), before);
    assert_eq!(pair.server.endpoint.counters().hellos_late, 1);
}

#[test]
fn an_alert_in_the_clear_ends_a_handshake_only_before_its_keys_and_in_its_turn() {
    for (sequence, ends) in [(0, false), (1, false), (2, true), (65, true), (66, false), (1 << 47, false)] {
        let mut pair = Pair::new();
        pair.server.caller.holds = true;
        pair.connect(dtls::Connect {
            suites: vec![dtls::Suite::EcdhePskAes128Ccm8Sha256],
            ..psk(IDENTITY, KEY)
        });
        pair.run(1);
        assert_eq!(pair.server.endpoint.usage().handshakes, 1);
        pair.inject(pair.client.address, &record(21, 0, sequence, &[2, 80]));
        let ended = pair
            .server
            .caller
            .failures
            .iter()
            .any(|failure| failure.reason == Reason::AlertReceived(dtls::Alert::INTERNAL_ERROR));
        assert_eq!(ended, ends, "alert in record {sequence}");
        if !ends {
            pair.server.answer_held(pair.now);
            pair.run(5);
            pair.assert_connected();
        }
    }
}

#[test]
fn a_finished_in_the_clear_is_none() {
    let mut pair = Pair::new();
    let client = pair.client.address;
    pair.link.fate = Box::new(move |_, datagram| {
        let protected = records(&datagram.bytes).iter().any(|(header, _)| header[3..5] == [0, 1]);
        if datagram.from == client && protected { vec![] } else { vec![crate::simulation::DELAY] }
    });
    pair.connect(psk(IDENTITY, KEY));
    pair.run(1);
    let finished = [&[20, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12][..], &[0; 12]].concat();
    for sequence in 2..10 {
        pair.inject(client, &record(22, 0, sequence, &finished));
    }
    assert_eq!(pair.server.endpoint.usage().handshakes, 1);
    assert_eq!(pair.server.caller.connected, []);
    pair.link = crate::simulation::Link::good();
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
}

#[test]
fn one_byte_fragments_by_the_thousand_are_bounded_by_datagrams_and_bytes() {
    let mut pair = Pair::new();
    pair.server.caller.holds = true;
    pair.connect(psk(IDENTITY, KEY));
    pair.run(1);
    let client = pair.client.address;
    let before = pair.server.endpoint.usage();
    for piece in 0..60_000_u32 {
        let offset = &(piece % 16_000).to_be_bytes()[1..];
        let fragment = [&[16, 0, 0x40, 0, 0, 2, 0][..], &offset[1..], &[0], &[0, 0, 1], &[7]].concat();
        pair.inject(client, &record(22, 0, u64::from(piece) + 10, &fragment));
    }
    assert_eq!(pair.server.endpoint.usage(), before);
    assert!(pair.server.endpoint.counters().datagrams > 59_000);
}

#[test]
fn more_handshakes_than_may_be_are_refused_and_leave_room_again() {
    let bounds = dtls::Bounds { handshakes: 3, handshakes_of_network: 2, ..dtls::Bounds::default() };
    let mut pair = Pair::with(dtls::Config { bounds, ..dtls::Config::default() });
    pair.server.caller.holds = true;
    for host in ["198.51.100.1:1", "198.51.100.2:1", "198.51.100.3:1", "203.0.113.1:1", "203.0.113.2:1"] {
        pair.client.address = address(host);
        pair.restart_client();
        pair.connect(psk(IDENTITY, KEY));
        pair.run_for(std::time::Duration::from_millis(100));
    }
    let counters = pair.server.endpoint.counters();
    assert_eq!((counters.handshakes_of_network, counters.handshakes), (1, 1));
    assert_eq!(pair.server.endpoint.usage().handshakes, 3);
    pair.run(120);
    assert_eq!(pair.server.endpoint.usage(), Usage::default());
    pair.server.caller.holds = false;
    pair.server.caller.held.clear();
    pair.server.caller.failures.clear();
    pair.restart_client();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn of_all_orders_of_messages_after_the_cookie_only_the_right_one_gets_anywhere() {
    const KINDS: [u8; 11] = [0, 1, 2, 3, 11, 12, 13, 14, 15, 16, 20];
    let key_exchange = [&[0, 6][..], IDENTITY].concat();
    for first in KINDS {
        for second in KINDS {
            for third in KINDS {
                let mut pair = Pair::new();
                let client = pair.client.address;
                // The client says two ClientHellos and nothing else.
                let mut said = 0;
                pair.link.fate = Box::new(move |_, datagram| {
                    said += u32::from(datagram.from == client);
                    if said <= 2 { vec![crate::simulation::DELAY] } else { vec![] }
                });
                pair.connect(psk(IDENTITY, KEY));
                pair.run_for(std::time::Duration::from_millis(50));
                for (number, kind) in (2_u8..).zip([first, second, third]) {
                    let body = if kind == 16 { key_exchange.clone() } else { vec![0; 12] };
                    let len = u8::try_from(body.len()).unwrap();
                    let message = [&[kind, 0, 0, len, 0, number, 0, 0, 0, 0, 0, len][..], &body].concat();
                    pair.inject(client, &record(22, 0, u64::from(number) + 1, &message));
                }
                let asked = pair.server.caller.claims.len();
                let unexpected = pair
                    .server
                    .caller
                    .failures
                    .iter()
                    .any(|failure| matches!(failure.reason, Reason::Unexpected { .. }));
                // What can be no message of this flight is passed over, and leaves its number open; what comes out of turn
                // ends the handshake.
                let passed_over = [1, 20].contains(&first);
                assert_eq!(asked, usize::from(first == 16), "{first}, {second}, {third}");
                assert_eq!(unexpected, first != 16 && !passed_over, "{first}, {second}, {third}");
                assert_eq!(pair.server.caller.connected, []);
            }
        }
    }
}
