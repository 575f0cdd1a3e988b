//! No number and no nonce is used twice under a key: over every suite, connection ids, restarts, lost flights, and sessions that
//! go on (GO-2026-4479, CVE-2026-5446, CVE-2021-42146).

use std::collections::{BTreeMap, BTreeSet};

use dtls::{Bounds, Config, Connect, Suite};

use crate::{
    pki::{Pki, Proof},
    simulation::{DELAY, Link, Pair, known, records},
};

/// What was sent under keys: numbers under each key, and everything that looks random.
#[derive(Default)]
struct Ledger {
    /// By who sent it, since its last handshake.
    numbers: BTreeMap<bool, BTreeSet<Vec<u8>>>,
    /// IVs of CBC, and whatever else was ever sealed: no two records are alike, under whatever keys.
    bodies: BTreeSet<Vec<u8>>,
    ivs: BTreeSet<Vec<u8>>,
}

impl Ledger {
    /// Takes all that was sent.
    fn enter(&mut self, pair: &mut Pair, suite: Suite) {
        let server = pair.server.address;
        for sent in pair.seen.drain(..) {
            for (header, body) in
                records(&sent.bytes).into_iter().filter(|(header, _)| header[3..5] != [0, 0])
            {
                let number = header[3..11].to_vec();
                if suite.name().contains("CBC") {
                    assert!(self.ivs.insert(body[..16].to_vec()), "an IV twice");
                } else {
                    // RFC 5288 §3, RFC 6655 §3: the explicit part is the number, never made up.
                    assert_eq!(body[..8], number);
                }
                assert!(self.bodies.insert([&number[..], &body[8..]].concat()), "a record twice");
                assert!(
                    self.numbers.entry(sent.from == server).or_default().insert(number),
                    "a number twice"
                );
            }
        }
    }

    /// New keys.
    fn turn(&mut self) {
        assert!(self.numbers.values().all(|numbers| !numbers.is_empty()));
        self.numbers.clear();
    }
}

#[test]
fn no_nonce_is_used_twice_by_any_suite_over_restarts_and_sessions_that_go_on() {
    let pki = Pki::new();
    for suite in Suite::ALL {
        for connection_id in [false, true] {
            let proof = if suite.name().contains("PSK") { Proof::Psk } else { Proof::Certificate };
            let bounds = Bounds { reserve: 16, ..Bounds::default() };
            let mut pair = Pair::with(Config { bounds, ..pki.config() });
            pair.server.endpoint.set_trust(pki.trust());
            pair.server.caller.lets_in = Some(known(None));
            let mut connect = Connect { suites: vec![suite], connection_id, ..pki.connect(proof) };
            let mut ledger = Ledger::default();
            for round in 0..4 {
                // Both sides' last flights are lost, twice: they are sealed again.
                let (server, mut finished) = (pair.server.address, [0; 2]);
                pair.link.fate = Box::new(move |_, sent| {
                    let sealed = records(&sent.bytes).iter().any(|(header, _)| header[4] == 1);
                    let count = &mut finished[usize::from(sent.from == server)];
                    *count += u32::from(sealed);
                    if sealed && *count <= 2 { vec![] } else { vec![DELAY] }
                });
                pair.connect(connect.clone());
                pair.run(40);
                pair.assert_connected();
                assert_eq!(pair.server.caller.resumed, round);
                pair.link = Link::good();
                ledger.enter(&mut pair, suite);
                for _ in 0..4 {
                    pair.restart_server();
                    pair.server.endpoint.set_trust(pki.trust());
                    (0..round + 2).for_each(|_| pair.assert_talks());
                    ledger.enter(&mut pair, suite);
                }
                connect.resume = pair.client.endpoint.save(pair.client_session());
                ledger.turn();
            }
        }
    }
}

#[test]
fn a_restart_between_any_two_records_reuses_no_number() {
    for sent in 0..40 {
        let bounds = Bounds { reserve: 8, ..Bounds::default() };
        let mut pair = Pair::with(Config { bounds, ..Config::default() });
        pair.connect(crate::simulation::psk(crate::simulation::IDENTITY, crate::simulation::KEY));
        pair.run(5);
        let (session, mut ledger) = (pair.server_session(), Ledger::default());
        for _ in 0..3 {
            for _ in 0..sent {
                // What is not reserved yet is refused, and used up numbers are reserved as the caller gets to it.
                let _ = pair.server.endpoint.send(pair.now, session, b"data");
            }
            pair.drain();
            pair.restart_server();
        }
        pair.run(1);
        pair.assert_talks();
        ledger.enter(&mut pair, Suite::PskAes128Ccm8);
    }
}
