//! Handshakes over links that lose, double, reorder and delay (RFC 6347 §4.2.4).

use std::time::Duration;

use dtls::{Connect, Reason, Suite};

use crate::{
    pki::{Pki, Proof},
    simulation::{DELAY, IDENTITY, KEY, Link, Pair, known, psk},
};

/// Pairs of each kind of handshake, and what the client does.
fn handshakes() -> Vec<(Pair, Connect)> {
    let pki = Pki::new();
    let with = |connect: Connect| {
        let mut pair = Pair::with(pki.config());
        pair.server.endpoint.set_trust(pki.trust());
        pair.server.caller.lets_in = Some(known(None));
        (pair, connect)
    };
    let resumed = {
        let pair = Pair::connected();
        let resume = pair.client.endpoint.save(pair.client_session());
        (pair, Connect { resume, ..psk(IDENTITY, KEY) })
    };
    let agreed = Connect { suites: vec![Suite::EcdhePskAes128GcmSha256], ..psk(IDENTITY, KEY) };
    let no_id = Connect { connection_id: false, ..psk(IDENTITY, KEY) };
    vec![
        with(psk(IDENTITY, KEY)),
        with(no_id),
        with(agreed),
        with(pki.connect(Proof::RawPublicKey)),
        with(pki.connect(Proof::Certificate)),
        resumed,
    ]
}

/// Runs each handshake with a link that treats its datagram `index` in that way.
fn with_each_datagram(treat: impl Fn(u64) -> Vec<Duration> + Copy + 'static) {
    for kind in 0..handshakes().len() {
        for index in 0..12 {
            let (mut pair, connect) = handshakes().swap_remove(kind);
            let mut count = 0;
            pair.link.fate = Box::new(move |_, _| {
                count += 1;
                if count - 1 == index { treat(index) } else { vec![DELAY] }
            });
            pair.connect(connect);
            pair.run(30);
            pair.assert_connected();
            pair.link = Link::good();
            pair.assert_talks();
            assert_eq!(pair.server.endpoint.usage().handshakes, 0, "kind {kind}, datagram {index}");
            assert_eq!(pair.server.endpoint.usage().sessions, 1, "kind {kind}, datagram {index}");
            pair.assert_no_nonce_twice_a_session();
        }
    }
}

#[test]
fn every_datagram_of_every_handshake_may_be_lost() {
    with_each_datagram(|_| vec![]);
}

#[test]
fn every_datagram_of_every_handshake_may_come_twice() {
    with_each_datagram(|_| vec![DELAY, 2 * DELAY]);
    with_each_datagram(|_| vec![DELAY, Duration::from_secs(3)]);
}

#[test]
fn every_datagram_of_every_handshake_may_be_overtaken() {
    with_each_datagram(|_| vec![5 * DELAY]);
    with_each_datagram(|_| vec![Duration::from_millis(1_500)]);
}

#[test]
fn a_bad_link_delays_handshakes_and_ends_none() {
    for seed in 0..40 {
        for (mut pair, connect) in handshakes() {
            pair.link = Link::bad(seed, 20);
            pair.connect(connect);
            pair.run(60);
            pair.assert_connected();
            pair.link = Link::good();
            // The client may be there already while the server waits.
            pair.run(60);
            pair.assert_talks();
            assert_eq!(pair.server.endpoint.usage().handshakes, 0, "seed {seed}");
        }
    }
}

#[test]
fn what_is_sent_again_is_sent_after_one_second_and_then_twice_as_late_each_time() {
    let mut pair = Pair::new();
    pair.link.fate = Box::new(|_, _| vec![]);
    pair.connect(psk(IDENTITY, KEY));
    let mut counts = Vec::new();
    for _ in 0..16 {
        counts.push(pair.seen.len());
        pair.run(1);
    }
    assert_eq!(counts, [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
    pair.run(60);
    assert_eq!(pair.client.caller.failures[0].reason, Reason::TimedOut);
    assert_eq!(pair.client.endpoint.poll_timeout(), None);
}

#[test]
fn a_handshake_whose_client_has_gone_ends_after_a_minute_and_leaves_nothing() {
    let mut pair = Pair::new();
    let client = pair.client.address;
    let mut hellos = 0;
    pair.link.fate = Box::new(move |_, datagram| {
        hellos += u32::from(datagram.from == client);
        if hellos <= 2 { vec![DELAY] } else { vec![] }
    });
    pair.connect(psk(IDENTITY, KEY));
    pair.run(1);
    assert_eq!(pair.server.endpoint.usage().handshakes, 1);
    pair.run(61);
    let usage = pair.server.endpoint.usage();
    assert_eq!((usage.handshakes, usage.networks, usage.sessions), (0, 0, 0));
    assert_eq!(pair.server.caller.failures[0].reason, Reason::TimedOut);
    assert_eq!(pair.server.endpoint.poll_timeout(), None);
}

#[test]
fn a_question_that_is_answered_late_holds_the_handshake_up_and_no_more() {
    for (mut pair, connect) in handshakes() {
        pair.server.caller.holds = true;
        pair.connect(connect);
        for _ in 0..6 {
            pair.run(5);
            pair.server.answer_held(pair.now);
            pair.server.caller.holds = true;
            pair.drain();
        }
        pair.server.caller.holds = false;
        pair.run(20);
        pair.assert_connected();
        pair.assert_talks();
    }
}
