//! Every suite, proof, connection id, and way of resuming, of our own client with our own server.

use dtls::{Claim, Config, Connect, Endpoint, Suite};

use crate::{
    pki::{Pki, Proof},
    simulation::{IDENTITY, KEY, Pair, known, psk},
};

fn is_psk(suite: Suite) -> bool {
    suite.name().contains("PSK")
}

#[test]
fn every_suite_with_every_proof_makes_a_session_that_resumes() {
    let pki = Pki::new();
    for suite in Suite::ALL {
        let proofs: &[Proof] =
            if is_psk(suite) { &[Proof::Psk] } else { &[Proof::RawPublicKey, Proof::Certificate] };
        for proof in proofs {
            for connection_id in [false, true] {
                let mut pair = Pair::with(pki.config());
                pair.server.endpoint.set_trust(pki.trust());
                pair.server.caller.lets_in = Some(known(None));
                let connect = Connect { suites: vec![suite], connection_id, ..pki.connect(*proof) };
                pair.connect(connect.clone());
                pair.run(5);
                pair.assert_connected();
                pair.assert_talks();
                let claim = &pair.server.caller.claims[0];
                assert!(match proof {
                    Proof::Psk => *claim == Claim::Psk(IDENTITY.to_vec()),
                    Proof::RawPublicKey => *claim == Claim::RawPublicKey(pki.device_key.public().to_vec()),
                    Proof::Certificate => matches!(claim, Claim::Certificate { trusted: Ok(()), .. }),
                });

                let resume = pair.client.endpoint.save(pair.client_session());
                assert!(resume.is_some(), "{suite:?} {proof:?}");
                pair.connect(Connect { resume, ..connect });
                pair.run(5);
                pair.assert_connected();
                assert_eq!(pair.server.caller.resumed, 1, "{suite:?} {proof:?}");
                assert_eq!(pair.server.caller.claims.len(), 1);
                pair.assert_talks();
                assert_eq!(pair.server.endpoint.usage().sessions, 1);
                assert_eq!(pair.server.endpoint.usage().handshakes, 0);
            }
        }
    }
}

#[test]
fn a_session_that_the_server_does_not_have_any_more_becomes_a_full_handshake() {
    let mut pair = Pair::connected();
    let resume = pair.client.endpoint.save(pair.client_session());
    pair.server.caller.store.clear();
    pair.connect(Connect { resume, ..psk(IDENTITY, KEY) });
    pair.run(5);
    pair.assert_connected();
    assert_eq!((pair.server.caller.resumed, pair.server.caller.claims.len()), (0, 2));
    assert_eq!(pair.server.endpoint.counters().resumptions_refused, 1);
    pair.assert_talks();
}

#[test]
fn a_server_without_resumption_makes_full_handshakes() {
    let mut pair = Pair::with(Config { resumption: false, ..Config::default() });
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
}

#[test]
fn a_server_without_connection_ids_gives_none() {
    let mut pair = Pair::with(Config { connection_ids: false, ..Config::default() });
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
    assert!(pair.seen.iter().all(|datagram| datagram.bytes[0] != 25));
}

#[test]
fn a_message_longer_than_a_datagram_goes_in_fragments_both_ways() {
    let pki = Pki::new();
    let mut pair = Pair::with(Config { mtu: 128, ..pki.config() });
    pair.client.endpoint = Endpoint::new(Config { mtu: 128, ..Config::default() }, [3; 32]);
    pair.server.endpoint.set_trust(pki.trust());
    pair.server.caller.lets_in = Some(known(None));
    pair.connect(pki.connect(Proof::Certificate));
    pair.run(5);
    pair.assert_connected();
    pair.assert_talks();
    for side in [&pair.client, &pair.server] {
        let sent = pair.seen.iter().filter(|datagram| datagram.from == side.address);
        assert!(sent.clone().count() > 5);
        assert!(sent.clone().all(|datagram| datagram.bytes.len() <= 128));
    }
}
