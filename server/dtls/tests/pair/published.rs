//! Published defects of other implementations, each by its name: the state machine, what is not authenticated, and amplification.
//! Signatures are in `forged.rs`, numbers under a key in `nonces.rs`, memory in `memory.rs`.

use std::time::Duration;

use dtls::{Connect, Reason, Saved, SessionId, Suite, Usage};

use crate::{
    pki::{Pki, Proof},
    primitives::{clear, message, vec8, vec16},
    puppet::{FINISHED, Hello, MODES, Mode, Puppet, server},
    simulation::{DELAY, IDENTITY, KEY, Link, Pair, address, known, psk},
};

/// A record of any kind and epoch.
fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0xfe, 0xfd, 0, epoch][..], &[0, 0, 0, 0, 1, 0], &vec16(body)].concat()
}

/// All that a record can be in each epoch, with bodies of up to 64 bytes; those that a handshake has to count as a Finished
/// apart.
fn junk(finished: bool) -> impl Iterator<Item = Vec<u8>> {
    let kinds = [20, 21, 22, 23, 24, 25, 26, 0, 255];
    let all = kinds.into_iter().flat_map(|kind| [0, 1, 2, 255].map(|epoch| (kind, epoch)));
    let wanted = all.filter(move |at| finished || *at != (22, 1));
    wanted.flat_map(|(kind, epoch)| {
        (0..=64_u8).map(move |len| record(kind, epoch, &vec![len; usize::from(len)]))
    })
}

#[test]
fn cve_2019_20786_and_2026_75806_no_record_of_nobodys_delivers_or_ends_anything_at_any_state() {
    let pki = Pki::new();
    for mode in MODES {
        for step in 0..=mode.path().len() {
            for part in 0..3 {
                let mut pair = server(&pki);
                let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
                // Where the server's caller is asked who that is, it has not answered yet.
                pair.server.caller.holds = step + 1 == mode.path().len();
                let (before, after) = mode.path().split_at(step);
                before.iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                let usage = pair.server.endpoint.usage();
                // A session takes no record at its word; a handshake is bounded in datagrams, and counts what may be its Finished.
                for bytes in junk(after.is_empty()).skip(part).step_by(3) {
                    pair.inject(puppet.from, &bytes);
                    pair.inject(address("203.0.113.66:6"), &bytes);
                }
                (0..2).for_each(|_| pair.inject(puppet.from, &record(22, 1, &[7; 40])));
                assert_eq!(pair.server.endpoint.usage(), usage, "{mode:?} at {step}");
                assert_eq!(pair.server.caller.received, Vec::<Vec<u8>>::new());
                pair.server.answer_held(pair.now);
                pair.drain();
                after.iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                assert_eq!(pair.server.caller.failures, [], "{mode:?} at {step}");
                puppet.send(&mut pair, 23, b"data");
                assert_eq!(pair.server.caller.received, [b"data".to_vec()], "{mode:?} at {step}");
            }
        }
    }
}

#[test]
fn cve_2021_42141_and_42142_epochs_do_not_mix() {
    let pki = Pki::new();
    for mode in MODES {
        // A Finished in the clear, or said to be of a later epoch, is none; nor is one of epoch 1 without its keys.
        for epoch in [0, 2, 3, 255] {
            let mut pair = server(&pki);
            let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
            let (finished, before) = mode.path().split_last().unwrap();
            before.iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
            let verify_data = puppet.verify_data();
            let plain = message(FINISHED, puppet.message, &verify_data);
            pair.inject(puppet.from, &record(22, epoch, &plain));
            let mut sealed = puppet.seal(22, &plain);
            sealed[4] = epoch;
            pair.inject(puppet.from, &sealed);
            assert_eq!(pair.server.caller.connected, [], "{mode:?}, epoch {epoch}");
            // And what comes later is not lost by it.
            puppet.say_kind(&mut pair, &pki, *finished);
            assert_eq!(pair.server.caller.connected.len(), 1, "{mode:?}, epoch {epoch}");
            // Messages of the handshake under its keys: none begins or ends anything.
            for kind in 0..=25 {
                let again = message(kind, puppet.message, &[0; 12]);
                puppet.send(&mut pair, 22, &again);
            }
            puppet.send(&mut pair, 23, b"data");
            assert_eq!(pair.server.caller.received, [b"data".to_vec()]);
            assert_eq!(pair.server.endpoint.counters().renegotiations, 2);
        }
    }
}

#[test]
fn cve_2021_42143_a_list_of_suites_of_odd_length_is_malformed_at_once() {
    let mut pair = Pair::new();
    for (n, len) in (0..).zip([0, 1, 3, 255, 0xffff_u16]) {
        for suites in [0, 1, 3, 33] {
            let mut body = Mode::Psk.hello().body(&[n * 40 + suites; 32], &[]);
            body.splice(36..40, [&len.to_be_bytes()[..], &vec![0xa8; suites.into()]].concat());
            let from = address("192.0.2.9:9");
            pair.inject(from, &clear(0, &message(1, 0, &body)));
            let cookie = pair.seen.pop().unwrap().bytes[28..].to_vec();
            let with = [&body[..35], &vec8(&cookie), &body[36..]].concat();
            pair.inject(from, &clear(1, &message(1, 1, &with)));
            assert!(matches!(
                pair.server.caller.failures.pop().unwrap().reason,
                Reason::Malformed { what: "cipher suites" | "compression methods" | "extensions" }
            ));
        }
    }
    assert_eq!(pair.server.endpoint.usage(), Usage::default());
}

#[test]
fn cve_2022_35409_a_client_hello_that_is_cut_anywhere_is_read_to_its_end_and_no_further() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let whole = Mode::Certificate.hello().body(&[1; 32], &[9; 32]);
    for len in 0..whole.len() {
        for claimed in [len, whole.len(), 0xff_ffff] {
            let mut bytes = message(1, 0, &whole[..len]);
            bytes[1..4].copy_from_slice(&u32::try_from(claimed).unwrap().to_be_bytes()[1..]);
            pair.inject(address("192.0.2.9:9"), &clear(0, &bytes));
        }
        // A cookie longer than what is there.
        let mut long = whole[..len].to_vec();
        if let Some(length) = long.get_mut(35) {
            *length = 255;
        }
        pair.inject(address("192.0.2.9:9"), &clear(0, &message(1, 0, &long)));
    }
    assert_eq!((pair.server.endpoint.usage(), pair.server.endpoint.poll_timeout()), (Usage::default(), None));
    assert_eq!(pair.server.endpoint.counters().handshakes_begun, 0);
}

#[test]
fn cve_2022_46393_connection_ids_of_every_length_are_written_to_and_kept() {
    let pki = Pki::new();
    for len in 0..=255_u8 {
        let mut pair = server(&pki);
        let cid = vec![len; usize::from(len)];
        let mut hello = Mode::Psk.hello();
        let body = vec8(&cid);
        hello.extensions.push([&[0, 54][..], &vec16(&body)].concat());
        let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:9"), Mode::Psk, &hello);
        let asked = puppet.flight[0].1.windows(5).any(|bytes| bytes == [0, 54, 0, 9, 8]);
        assert!(asked, "it is given one of eight bytes");
        puppet.say_kind(&mut pair, &pki, 16);
        // It is to send with the server's id from now on.
        puppet.cid = puppet.flight[0]
            .1
            .windows(5)
            .position(|bytes| bytes == [0, 54, 0, 9, 8])
            .map(|at| puppet.flight[0].1[at + 5..at + 13].to_vec());
        puppet.say_kind(&mut pair, &pki, FINISHED);
        assert_eq!(pair.server.caller.connected.len(), 1, "{len}");
        let finished = &pair.seen.last().unwrap().bytes;
        // Behind the ChangeCipherSpec.
        let kind = if len == 0 { 22 } else { 25 };
        assert_eq!((finished[14], &finished[25..25 + cid.len()]), (kind, &cid[..]), "{len}");
        let saved = pair.server.caller.store.values().next().unwrap().clone();
        pair.restart_server();
        let session = saved.id;
        pair.seen.clear();
        pair.server.endpoint.send(pair.now, session, b"after a restart").unwrap();
        pair.drain();
        let sent = &pair.seen.last().unwrap().bytes;
        let kind = if len == 0 { 23 } else { 25 };
        assert_eq!((sent[0], &sent[11..11 + cid.len()]), (kind, &cid[..]), "{len}");
    }
}

/// The defect of Mbed TLS that has no number; RFC 6347 §4.2.8.
#[test]
fn a_forged_client_hello_with_or_without_a_cookie_leaves_a_live_session_alone() {
    let mut pair = Pair::connected();
    let from = pair.client.address;
    let hello = Mode::Psk.hello();
    for cookie in [vec![], vec![7; 16], vec![7; 32]] {
        pair.inject(from, &clear(0, &message(1, 0, &hello.body(&[1; 32], &cookie))));
    }
    pair.run(1);
    pair.assert_talks();
    // One that listens on the way brings the cookie, and goes on to any point but the last.
    for step in 0..3 {
        let fate = std::mem::replace(&mut pair.link.fate, Box::new(|_, _| vec![]));
        let mut puppet = Puppet::begin(&mut pair, from, Mode::Psk);
        puppet.key = b"another".to_vec();
        let pki = Pki::new();
        Mode::Psk.path()[..step].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
        pair.link.fate = fate;
        assert_eq!(pair.server.endpoint.usage().handshakes, 1);
        pair.assert_talks();
        pair.run(70);
        pair.assert_talks();
        assert_eq!((pair.server.caller.ended.len(), pair.server.endpoint.usage().handshakes), (0, 0));
    }
}

#[test]
fn cve_2022_2576_no_way_in_says_more_to_an_unverified_address_than_it_heard() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    pair.connect(psk(IDENTITY, KEY));
    let saved = Saved { id: SessionId(0x0102_0304_0506_0708), ..first_session() };
    let mut named = saved.id.0.to_be_bytes().to_vec();
    named.resize(16, 0);
    pair.server.caller.store.insert(saved.id, saved);
    let mut heard = std::collections::BTreeMap::<_, [usize; 2]>::new();
    pair.seen.clear();
    let mut say = |pair: &mut Pair, host: u8, bytes: &[u8]| {
        let from = address(&format!("203.0.113.{host}:9"));
        pair.inject(from, bytes);
        pair.run(1);
        // Nor in more datagrams.
        assert!(pair.seen.iter().filter(|sent| sent.to == from).count() <= 1);
        let said: usize =
            pair.seen.drain(..).filter(|sent| sent.to == from).map(|sent| sent.bytes.len()).sum();
        let ledger = heard.entry(host).or_default();
        (ledger[0], ledger[1]) = (ledger[0] + bytes.len(), ledger[1] + said);
        assert!(ledger[1] <= ledger[0], "{said} for {}: {bytes:x?}", bytes.len());
    };
    for (host, mode) in (1..).zip(MODES) {
        // A full handshake, one that resumes, with cookies of others, by many in one datagram and in fragments.
        for session_id in [vec![], named.clone(), vec![1; 32]] {
            for cookie in [vec![], vec![1; 16], vec![1; 255]] {
                let hello = Hello { session_id: session_id.clone(), ..mode.hello() };
                let body = hello.body(&[9; 32], &cookie);
                say(&mut pair, host, &clear(0, &message(1, 0, &body)));
                say(&mut pair, host, &clear(0, &message(1, 0, &body)).repeat(15));
                for len in 0..body.len() {
                    let mut fragment = message(1, 0, &body[..len]);
                    fragment[2..4].copy_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
                    say(&mut pair, host, &clear(0, &fragment));
                    let short = Hello { suites: vec![], extensions: vec![], ..hello.clone() };
                    say(
                        &mut pair,
                        host,
                        &clear(0, &message(1, 0, &short.body(&[9; 32], &[])[..len.min(38)])),
                    );
                }
            }
        }
    }
    for (host, bytes) in (100..).zip(junk(true).step_by(7)).take(150) {
        say(&mut pair, host, &bytes);
    }
    assert_eq!(pair.server.endpoint.counters().handshakes_begun, 0);
}

fn first_session() -> Saved {
    let pair = Pair::connected();
    pair.server.caller.store.into_values().next().unwrap()
}

#[test]
fn cve_2020_27222_and_2022_39368_after_any_failed_handshake_all_is_given_back_and_the_next_gets_in() {
    let pki = Pki::new();
    let bounds = dtls::Bounds { handshakes: 2, handshakes_of_network: 1, ..dtls::Bounds::default() };
    for mode in MODES {
        // As many times as there is room for, and more.
        let mut pair = Pair::with(dtls::Config { bounds, mtu: 8_192, ..pki.config() });
        pair.server.endpoint.set_trust(pki.trust());
        pair.server.caller.lets_in = Some(known(None));
        let good = if mode == Mode::Certificate { Proof::Certificate } else { Proof::RawPublicKey };
        let good = if mode.signs() { pki.connect(good) } else { psk(IDENTITY, KEY) };
        for step in 0..=mode.path().len() {
            for wrong in [None, Some(0), Some(2), Some(11), Some(13), Some(15), Some(16), Some(FINISHED)] {
                pair.link.fate = Box::new(|_, _| vec![]);
                let mut puppet = Puppet::begin(&mut pair, address("198.51.100.9:9"), mode);
                mode.path()[..step].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                match wrong {
                    // Abandoned, or by a message that is wrong or not in its place, and a Finished of nothing.
                    None => pair.run(70),
                    Some(FINISHED) => puppet.say_finished(&mut pair, &[7; 12]),
                    Some(kind) => puppet.say(&mut pair, kind, &[0, 0, 0, 1, 0]),
                }
                pair.run(70);
                let usage = pair.server.endpoint.usage();
                assert_eq!(
                    (usage.handshakes, usage.networks, usage.outputs),
                    (0, 0, 0),
                    "{mode:?} {step} {wrong:?}"
                );
                pair.link = Link::good();
                (pair.server.caller.failures, pair.server.caller.connected) = Default::default();
                pair.client.caller.connected.clear();
                pair.connect(Connect { suites: vec![], ..good.clone() });
                pair.run(5);
                pair.assert_connected();
            }
        }
        let idle = pair.server.config.bounds.idle;
        pair.run(idle.as_secs() + 1);
        assert_eq!(
            (pair.server.endpoint.usage(), pair.server.endpoint.poll_timeout()),
            (Usage::default(), None)
        );
    }
}

#[test]
fn cve_2026_84782_what_is_sent_again_says_the_same_whatever_the_timer_does() {
    let pki = Pki::new();
    for proof in [Proof::Psk, Proof::RawPublicKey, Proof::Certificate] {
        for late in 0..8 {
            let mut pair = Pair::with(pki.config());
            pair.server.endpoint.set_trust(pki.trust());
            pair.server.caller.lets_in = Some(known(None));
            // What the server says is lost, while its timer goes off and its client asks again, or comes late and twice.
            let (server, mut said) = (pair.server.address, 0);
            pair.link.fate = Box::new(move |_, sent| {
                said += u32::from(sent.from == server);
                if sent.from == server && (2..4 + late).contains(&said) {
                    vec![]
                } else {
                    vec![DELAY, DELAY * 110]
                }
            });
            pair.connect(Connect {
                suites: vec![Suite::PskAes128Ccm8, Suite::EcdheEcdsaAes128Ccm8],
                ..pki.connect(proof)
            });
            let mut flights = Vec::<Vec<Vec<u8>>>::new();
            for _ in 0..120 {
                pair.run_for(Duration::from_millis(500));
                // Less the record's number: the message is the same.
                let said = pair.seen.drain(..).filter(|sent| sent.from == server && sent.bytes[13] == 2);
                flights.extend(said.map(|sent| {
                    crate::simulation::records(&sent.bytes).into_iter().map(|(_, body)| body).collect()
                }));
            }
            assert!(flights.len() > 1);
            assert!(flights.iter().all(|flight| *flight == flights[0]), "{proof:?}");
            pair.assert_connected();
        }
    }
}
