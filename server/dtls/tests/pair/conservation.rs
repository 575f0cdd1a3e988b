//! What was taken is given back (I-14, I-18), however a handshake ends: answers that say no, answers that never come, and time.

use dtls::{Alert, Bounds, Config, Connect, Reason, Suite, Usage};

use crate::{
    pki::{Pki, Proof},
    simulation::{IDENTITY, KEY, Link, Pair, address, known, psk},
};

/// Each kind of handshake, by a server with room for one.
pub(crate) fn kinds(pki: &Pki) -> Vec<(Pair, Connect)> {
    let bounds = Bounds { handshakes: 1, handshakes_of_network: 1, ..Bounds::default() };
    let with = |connect: Connect| {
        let mut pair = Pair::with(Config { bounds, ..pki.config() });
        pair.server.endpoint.set_trust(pki.trust());
        pair.server.caller.lets_in = Some(known(None));
        (pair, connect)
    };
    let (mut of_old, connect) = with(psk(IDENTITY, KEY));
    of_old.connect(connect);
    of_old.run(5);
    let resume = of_old.client.endpoint.save(of_old.client_session());
    of_old.client.caller.connected.clear();
    of_old.server.caller.connected.clear();
    let live = *of_old.server.caller.store.keys().next().unwrap();
    of_old.server.endpoint.end(of_old.now, live);
    of_old.run(1);
    let agreed = Connect { suites: vec![Suite::EcdhePskAes128Ccm8Sha256], ..psk(IDENTITY, KEY) };
    vec![
        with(psk(IDENTITY, KEY)),
        with(agreed),
        with(pki.connect(Proof::RawPublicKey)),
        with(pki.connect(Proof::Certificate)),
        (of_old, Connect { resume, ..psk(IDENTITY, KEY) }),
    ]
}

/// Nothing is held any more, and the same client gets in at once, as does another.
fn assert_balanced(pair: &mut Pair, connect: &Connect) {
    let usage = pair.server.endpoint.usage();
    assert_eq!((usage.handshakes, usage.networks, usage.sessions, usage.outputs), (0, 0, 0, 0));
    assert_eq!(pair.server.endpoint.poll_timeout(), None);
    assert_eq!(pair.client.endpoint.usage(), Usage::default());
    pair.link = Link::good();
    for port in [pair.client.address.port(), 50_001] {
        (pair.server.caller.failures, pair.client.caller.failures) = Default::default();
        pair.client.address.set_port(port);
        pair.connect(connect.clone());
        pair.run(5);
        pair.assert_connected();
        pair.assert_talks();
    }
}

#[test]
fn a_session_that_is_not_made_durable_is_none() {
    let pki = Pki::new();
    for (mut pair, connect) in kinds(&pki) {
        let sent = pair.seen.len();
        pair.server.caller.refuses = Some(Alert::INTERNAL_ERROR);
        pair.connect(connect.clone());
        pair.run(5);
        let refused = Reason::Refused(Alert::INTERNAL_ERROR);
        assert_eq!(pair.server.caller.failures[0].reason, refused);
        assert_eq!(pair.client.caller.failures[0].reason, Reason::AlertReceived(Alert::INTERNAL_ERROR));
        // No Finished of the server's has left.
        let sealed = |sent: &[u8]| crate::simulation::records(sent).iter().any(|(header, _)| header[4] == 1);
        let server = pair.server.address;
        assert!(!pair.seen[sent..].iter().any(|sent| sent.from == server && sealed(&sent.bytes)));
        pair.server.caller.refuses = None;
        assert_balanced(&mut pair, &connect);
    }
}

#[test]
fn whoever_is_not_let_in_leaves_nothing() {
    let pki = Pki::new();
    for (mut pair, connect) in kinds(&pki).into_iter().take(4) {
        let before = (pair.server.caller.known.clone(), pair.server.caller.lets_in.clone());
        pair.server.caller.known.clear();
        pair.server.caller.lets_in = None;
        pair.connect(connect.clone());
        pair.run(5);
        assert!(matches!(pair.server.caller.failures[0].reason, Reason::Refused(_)));
        (pair.server.caller.known, pair.server.caller.lets_in) = before;
        assert_balanced(&mut pair, &connect);
    }
}

#[test]
fn a_handshake_whose_caller_never_answers_ends_by_its_time() {
    let pki = Pki::new();
    for kind in 0..5 {
        // The question that is not answered: each in turn.
        for question in 0..4 {
            let (mut pair, connect) = kinds(&pki).swap_remove(kind);
            pair.server.caller.holds = true;
            pair.connect(connect.clone());
            for _ in 0..question {
                pair.run(1);
                pair.server.answer_held(pair.now);
                pair.server.caller.holds = true;
                pair.drain();
            }
            if pair.server.caller.held.is_empty() {
                continue;
            }
            pair.run(200);
            assert_eq!(pair.server.caller.failures.len(), 1, "kind {kind}, question {question}");
            assert_eq!(pair.server.caller.connected, []);
            let held = std::mem::take(&mut pair.server.caller.held);
            assert!(!held.is_empty());
            pair.server.caller.holds = false;
            // What is answered too late is nothing.
            pair.server.caller.held = held;
            pair.server.caller.store.retain(|_, _| kind == 4);
            pair.server.answer_held(pair.now);
            pair.drain();
            assert_eq!(pair.server.caller.connected, [], "kind {kind}, question {question}");
            assert_balanced(&mut pair, &connect);
        }
    }
}

#[test]
fn handshakes_that_are_abandoned_at_any_datagram_balance_to_nothing() {
    let pki = Pki::new();
    for kind in 0..5 {
        for heard in 0..14 {
            let (mut pair, connect) = kinds(&pki).swap_remove(kind);
            let mut left = heard;
            pair.link.fate = Box::new(move |_, _| {
                left -= 1;
                if left < 0 { vec![] } else { vec![crate::simulation::DELAY] }
            });
            pair.connect(connect.clone());
            pair.run(130);
            let idle = pair.server.config.bounds.idle;
            pair.restart_client();
            pair.run(idle.as_secs() + 1);
            (pair.server.caller.connected, pair.client.caller.connected) = Default::default();
            let connect = Connect { resume: None, ..connect };
            assert_balanced(&mut pair, &connect);
            pair.client.address = address("198.51.100.7:40000");
        }
    }
}
