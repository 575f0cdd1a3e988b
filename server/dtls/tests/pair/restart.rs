//! The server's process ends and begins again, at every step: sessions that are durable go on without a handshake.

use dtls::{Bounds, Config, Connect};

use crate::{
    conservation,
    pki::Pki,
    simulation::{DELAY, IDENTITY, KEY, Pair, address, psk},
};

fn pair() -> Pair {
    let bounds = Bounds { reserve: 16, ..Bounds::default() };
    Pair::with(Config { bounds, ..Config::default() })
}

#[test]
fn a_session_goes_on_after_every_restart_and_no_number_is_used_twice() {
    for connection_id in [false, true] {
        let mut pair = pair();
        pair.connect(Connect { connection_id, ..psk(IDENTITY, KEY) });
        pair.run(5);
        pair.assert_connected();
        for round in 0..30 {
            for _ in 0..round {
                pair.assert_talks();
            }
            pair.restart_server();
            pair.assert_talks();
        }
        assert_eq!(pair.server.endpoint.counters().handshakes_begun, 0);
        pair.assert_no_nonce_twice_a_session();
    }
}

#[test]
fn a_restart_at_every_datagram_of_a_handshake_ends_in_a_session() {
    for step in 0..24 {
        for resumes in [false, true] {
            let mut pair = pair();
            if resumes {
                pair.connect(psk(IDENTITY, KEY));
                pair.run(5);
            }
            let resume = resumes.then(|| pair.client.endpoint.save(pair.client_session()).unwrap());
            pair.connect(Connect { resume: resume.clone(), ..psk(IDENTITY, KEY) });
            pair.run_for(std::time::Duration::from_millis(step * 5 + 1));
            pair.restart_server();
            pair.run(70);
            if !pair.client.caller.failures.is_empty() {
                // What the server forgot is not there any more: the client begins anew.
                pair.client.caller.failures.clear();
                pair.connect(Connect { resume, ..psk(IDENTITY, KEY) });
                pair.run(10);
            }
            assert_eq!(pair.client.caller.failures, [], "step {step}");
            let client = pair.client_session();
            let before = pair.server.caller.received.len();
            pair.client.endpoint.send(pair.now, client, b"up").unwrap();
            pair.run(2);
            assert_eq!(
                pair.server.caller.received[before..],
                [b"up".to_vec()],
                "step {step}, resumes {resumes}"
            );
            pair.assert_no_nonce_twice_a_session();
        }
    }
}

#[test]
fn what_was_received_before_a_restart_is_not_received_again() {
    let mut pair = pair();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.client.endpoint.send(pair.now, pair.client_session(), b"once").unwrap();
    pair.run(1);
    let sent = pair.seen.last().unwrap().clone();
    pair.restart_server();
    pair.deliver(sent);
    assert_eq!(pair.server.caller.received, [b"once".to_vec()]);
    assert_eq!(pair.server.endpoint.counters().records_replayed, 1);
    pair.assert_talks();
}

#[test]
fn after_a_restart_nobody_is_followed_before_the_caller_has_had_an_answer() {
    let mut pair = pair();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    let session = pair.client_session();
    pair.restart_server();
    pair.client.address = address("198.51.100.7:50000");
    for _ in 0..4 {
        pair.client.endpoint.send(pair.now, session, b"from here").unwrap();
        pair.run(1);
    }
    assert_eq!(pair.server.caller.received.len(), 4);
    assert_eq!(pair.server.caller.moved, []);
    // What it is sent reaches it there all the same.
    pair.server.endpoint.send(pair.now, pair.server_session(), b"who?").unwrap();
    pair.run(1);
    assert_eq!(pair.client.caller.received, [b"who?".to_vec()]);
    pair.server.endpoint.confirm(pair.server_session());
    pair.drain();
    assert_eq!(pair.server.caller.moved.len(), 1);
    pair.assert_talks();
}

#[test]
fn a_session_is_restored_once() {
    let mut pair = pair();
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    let saved = pair.server.caller.store[&pair.server_session()].clone();
    assert_eq!(pair.server.endpoint.restore(pair.now, &saved), Err(dtls::RestoreError::Known));
    let cut = dtls::Saved { id: dtls::SessionId(1), state: saved.state[..9].to_vec().into(), ..saved };
    assert_eq!(pair.server.endpoint.restore(pair.now, &cut), Err(dtls::RestoreError::Unreadable));
}

/// What happens to one side at a datagram of each kind of handshake: in the end there is one session, in which both talk.
fn at_every_datagram(restarts_client: bool, what: impl Fn(&mut Pair, &Pki, &Connect)) {
    let pki = Pki::new();
    for kind in 0..conservation::kinds(&pki).len() {
        for step in 0..14 {
            let (mut pair, connect) = conservation::kinds(&pki).swap_remove(kind);
            pair.connect(connect.clone());
            pair.run_for(step * DELAY / 2 + DELAY / 10);
            what(&mut pair, &pki, &connect);
            pair.run(70);
            if pair.client.caller.connected.is_empty() {
                pair.client.caller.failures.clear();
                pair.connect(connect);
                pair.run(10);
            }
            let (client, before) = (pair.client_session(), pair.server.caller.received.len());
            pair.client.endpoint.send(pair.now, client, b"up").unwrap();
            pair.run(2);
            assert_eq!(pair.server.caller.received[before..], [b"up".to_vec()], "kind {kind}, step {step}");
            assert_eq!(pair.server.endpoint.usage().handshakes, 0, "kind {kind}, step {step}");
            // What a client that is no more had asked for may come behind the next one's ClientHello, under other keys.
            if !restarts_client {
                pair.assert_no_nonce_twice_a_session();
            }
        }
    }
}

#[test]
fn a_server_may_be_restarted_at_every_datagram_of_every_kind_of_handshake() {
    at_every_datagram(false, |pair, pki, _| {
        pair.restart_server();
        pair.server.endpoint.set_trust(pki.trust());
    });
}

#[test]
fn a_client_may_be_restarted_at_every_datagram_of_every_kind_of_handshake() {
    at_every_datagram(true, |pair, _, connect| {
        pair.restart_client();
        pair.connect(connect.clone());
        pair.run(10);
        assert!(!pair.client.caller.connected.is_empty());
    });
}
