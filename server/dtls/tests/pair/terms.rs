//! What both sides settle in their hellos, and what a session that goes on may not change: against a client made by hand.

use dtls::{Alert, Ended, Reason, SendError, SessionId};

use crate::{
    pki::Pki,
    primitives::vec16,
    puppet::{CLIENT_KEY_EXCHANGE, EXTENDED_MASTER_SECRET, FINISHED, Hello, MODES, Mode, Puppet, server},
    simulation::{DELAY, IDENTITY, KEY, Pair, address, psk},
};

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vec16(body)].concat()
}

const MAX_FRAGMENT_LENGTH: u16 = 1;
const ENCRYPT_THEN_MAC: u16 = 22;
const RECORD_SIZE_LIMIT: u16 = 28;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// Whether the ServerHello has an extension of that body.
fn answers(puppet: &Puppet, number: u16, body: &[u8]) -> bool {
    let answer = extension(number, body);
    puppet.flight[0].1.windows(answer.len()).any(|bytes| bytes == answer)
}

/// Whether the ServerHello has an extension of that number: they stand behind the length of their block.
fn names(puppet: &Puppet, number: u16) -> bool {
    let hello = &puppet.flight[0].1;
    let mut block = hello.get(35 + usize::from(hello[34]) + 5..).unwrap_or_default();
    while let [a, b, c, d, rest @ ..] = block {
        if u16::from_be_bytes([*a, *b]) == number {
            return true;
        }
        block = &rest[usize::from(u16::from_be_bytes([*c, *d]))..];
    }
    false
}

fn with(mode: Mode, extensions: &[Vec<u8>]) -> Hello {
    let mut hello = mode.hello();
    hello.extensions.extend_from_slice(extensions);
    hello
}

/// Goes the path to its end.
fn finish(pair: &mut Pair, pki: &Pki, puppet: &mut Puppet) -> SessionId {
    let mode = puppet.mode;
    mode.path().iter().for_each(|kind| puppet.say_kind(pair, pki, *kind));
    assert_eq!(pair.server.caller.failures, []);
    puppet.send(pair, 23, b"data");
    assert_eq!(pair.server.caller.received.pop(), Some(b"data".to_vec()));
    pair.server_session()
}

#[test]
fn a_client_without_an_extended_master_secret_is_served_in_every_mode() {
    let pki = Pki::new();
    for mode in MODES {
        let mut pair = server(&pki);
        let mut hello = mode.hello();
        hello.extensions.remove(0);
        let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:9"), mode, &hello);
        assert!(!names(&puppet, 0x17));
        finish(&mut pair, &pki, &mut puppet);
    }
}

#[test]
fn the_mac_follows_the_encryption_where_there_is_one_and_it_is_asked_for() {
    let pki = Pki::new();
    let asked = extension(ENCRYPT_THEN_MAC, &[]);
    for (mode, cbc) in [(Mode::Psk, 0x00ae), (Mode::EcdhePsk, 0xc037), (Mode::Certificate, 0xc023)] {
        for suite in [cbc, mode.hello().suites[0]] {
            for asks in [false, true] {
                let mut pair = server(&pki);
                let hello = with(mode, if asks { std::slice::from_ref(&asked) } else { &[] });
                let hello = Hello { suites: vec![suite], ..hello };
                let puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:9"), mode, &hello);
                assert_eq!(names(&puppet, ENCRYPT_THEN_MAC), asks && suite == cbc, "{suite:04x}");
            }
        }
    }
}

#[test]
fn no_record_is_longer_than_the_client_takes_and_the_limit_outlives_a_restart() {
    let pki = Pki::new();
    let fragment = |code| extension(MAX_FRAGMENT_LENGTH, &[code]);
    let limit = |limit: u16| extension(RECORD_SIZE_LIMIT, &limit.to_be_bytes());
    for (extensions, max, number) in [
        (vec![fragment(1)], 512, MAX_FRAGMENT_LENGTH),
        (vec![fragment(2)], 1_024, MAX_FRAGMENT_LENGTH),
        (vec![fragment(3)], 2_048, MAX_FRAGMENT_LENGTH),
        (vec![fragment(4)], 4_096, MAX_FRAGMENT_LENGTH),
        (vec![limit(64)], 64, RECORD_SIZE_LIMIT),
        (vec![limit(1_000)], 1_000, RECORD_SIZE_LIMIT),
        (vec![limit(0xffff)], 16_384, RECORD_SIZE_LIMIT),
        // RFC 8449 §5: it stands in place of the other.
        (vec![fragment(1), limit(700)], 700, RECORD_SIZE_LIMIT),
    ] {
        for mode in MODES {
            let mut pair = server(&pki);
            let hello = with(mode, &extensions);
            let longest = std::rc::Rc::new(std::cell::Cell::new(0));
            let seen = longest.clone();
            pair.link.fate = Box::new(move |_, sent| {
                for (header, body) in crate::simulation::records(&sent.bytes) {
                    let overhead = if header[3..5] == [0, 1] { 24 } else { 0 };
                    seen.set(seen.get().max(body.len() - overhead));
                }
                vec![]
            });
            let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:9"), mode, &hello);
            for both in [MAX_FRAGMENT_LENGTH, RECORD_SIZE_LIMIT] {
                assert_eq!(names(&puppet, both), both == number);
            }
            let session = finish(&mut pair, &pki, &mut puppet);
            for _ in 0..2 {
                let too_long = pair.server.endpoint.send(pair.now, session, &vec![0; max + 1]);
                assert_eq!(too_long, Err(SendError::TooLong { max }));
                assert_eq!(pair.server.endpoint.send(pair.now, session, &vec![0; max]), Ok(()));
                pair.drain();
                assert_eq!(longest.get(), max, "{mode:?} {extensions:?}");
                pair.restart_server();
            }
        }
    }
    for wrong in [fragment(0), fragment(5), limit(63), limit(0), extension(MAX_FRAGMENT_LENGTH, &[])] {
        let mut pair = server(&pki);
        Puppet::say_hello(&mut pair, address("192.0.2.9:9"), Mode::Psk, &with(Mode::Psk, &[wrong]));
        assert!(matches!(pair.server.caller.failures[0].reason, Reason::Malformed { .. }));
    }
}

#[test]
fn a_renegotiation_is_refused_from_the_first_hello_on() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let of_old = with(Mode::Psk, &[extension(RENEGOTIATION_INFO, &[12; 13])]);
    Puppet::say_hello(&mut pair, address("192.0.2.9:1"), Mode::Psk, &of_old);
    assert!(matches!(pair.server.caller.failures.pop().unwrap().reason, Reason::Malformed { .. }));
    let mut by_suite = Mode::Psk.hello();
    by_suite.suites.push(0x00ff);
    for (port, hello) in (2..).zip([by_suite, with(Mode::Psk, &[extension(RENEGOTIATION_INFO, &[0])])]) {
        let from = address(&format!("192.0.2.9:{port}"));
        let mut puppet = Puppet::say_hello(&mut pair, from, Mode::Psk, &hello);
        assert!(answers(&puppet, RENEGOTIATION_INFO, &[0]));
        finish(&mut pair, &pki, &mut puppet);
        pair.seen.clear();
        // Within the session.
        let again = crate::primitives::message(1, puppet.message, &Mode::Psk.hello().body(&[1; 32], &[]));
        puppet.send(&mut pair, 22, &again);
        assert_eq!(puppet.opened(&pair), [(21, vec![1, Alert::NO_RENEGOTIATION.0])]);
        puppet.send(&mut pair, 23, b"data");
        assert_eq!(pair.server.caller.received.pop(), Some(b"data".to_vec()));
    }
}

#[test]
fn an_alert_ends_what_it_vouches_for_at_each_state() {
    let pki = Pki::new();
    for mode in MODES {
        for step in 0..=mode.path().len() {
            for (level, alert, ends) in [(1, 90, false), (1, 0, true), (2, 40, true), (2, 0, true)] {
                let mut pair = server(&pki);
                let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
                mode.path()[..step].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                let keyed = step + 1 >= mode.path().len();
                // In the clear: believed if it is fatal and there are no keys yet.
                let clear =
                    [&[21, 0xfe, 0xfd][..], &puppet.record.to_be_bytes(), &[0, 2, level, alert]].concat();
                pair.inject(puppet.from, &clear);
                let believed = level == 2 && !keyed;
                assert_eq!(
                    pair.server.caller.failures.len(),
                    usize::from(believed),
                    "{mode:?} {step} {alert}"
                );
                if believed {
                    let reason = &pair.server.caller.failures[0].reason;
                    assert_eq!(*reason, Reason::AlertReceived(Alert(alert)));
                    continue;
                }
                if !keyed {
                    continue;
                }
                // Under the keys.
                puppet.send(&mut pair, 21, &[level, alert]);
                let over = pair.server.caller.failures.len() + pair.server.caller.ended.len();
                assert_eq!(over, usize::from(ends), "{mode:?} {step} {alert}");
                if let [(_, why)] = pair.server.caller.ended[..] {
                    assert_eq!(why, Ended::ByPeer(Alert(alert)));
                }
                assert!(!ends || pair.server.endpoint.usage() == dtls::Usage::default());
            }
        }
    }
}

/// Opens a session to go on with: its id on the wire, and its master secret.
fn of_old(pair: &mut Pair, pki: &Pki, hello: &Hello) -> (Vec<u8>, Vec<u8>) {
    let mut puppet = Puppet::say_hello(pair, address("192.0.2.9:9"), Mode::Psk, hello);
    finish(pair, pki, &mut puppet);
    (puppet.session_id(), puppet.master())
}

#[test]
fn a_session_goes_on_by_its_id_and_master_secret_and_never_for_anyone_else() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let hello = Mode::Psk.hello();
    let (session_id, master) = of_old(&mut pair, &pki, &hello);
    let old = pair.server_session();
    for round in 1..4 {
        let hello = Hello { session_id: session_id.clone(), ..hello.clone() };
        let from = address(&format!("192.0.2.9:{}", 100 + round));
        let mut puppet = Puppet::say_hello(&mut pair, from, Mode::Psk, &hello);
        assert_eq!((puppet.session_id(), puppet.flight.len()), (session_id.clone(), 1));
        puppet.resumes = Some(master.clone());
        puppet.take_finished();
        assert_eq!(pair.server.caller.connected.len(), round);
        puppet.say_kind(&mut pair, &pki, FINISHED);
        assert_eq!(pair.server.caller.connected.len(), round + 1);
        puppet.send(&mut pair, 23, b"again");
        assert_eq!(pair.server.caller.received.pop(), Some(b"again".to_vec()));
    }
    // Who has heard the id, but has not the secret.
    let live = pair.server.endpoint.usage();
    let hello = Hello { session_id: session_id.clone(), ..hello };
    let mut puppet = Puppet::say_hello(&mut pair, address("203.0.113.66:6"), Mode::Psk, &hello);
    puppet.resumes = Some(vec![7; 48]);
    for _ in 0..3 {
        puppet.say_finished(&mut pair, &[7; 12]);
    }
    assert_eq!(pair.server.caller.failures.pop().unwrap().reason, Reason::WrongKey);
    assert_eq!(pair.server.endpoint.usage(), live);
    assert!(pair.server.endpoint.peer_of(old).is_some() && pair.server.caller.ended.is_empty());
    // A Finished of other messages, under the right keys.
    let mut puppet = Puppet::say_hello(&mut pair, address("203.0.113.66:7"), Mode::Psk, &hello);
    puppet.resumes = Some(master);
    puppet.take_finished();
    puppet.say_finished(&mut pair, &[7; 12]);
    assert_eq!(pair.server.caller.failures.pop().unwrap().reason, Reason::WrongFinished);
    assert_eq!(pair.server.endpoint.usage(), live);
}

#[test]
fn what_does_not_go_with_a_session_of_old_becomes_a_full_handshake() {
    let pki = Pki::new();
    let good = Mode::Psk.hello();
    let mut pair = server(&pki);
    let (session_id, _) = of_old(&mut pair, &pki, &good);
    let mut last = session_id.clone();
    *last.last_mut().unwrap() ^= 1;
    let mut first = session_id.clone();
    first[0] ^= 1;
    let mut no_extended = good.clone();
    no_extended.extensions.retain(|extension| *extension != EXTENDED_MASTER_SECRET);
    let longer = [&session_id[..], &[0]].concat();
    for (port, hello) in (20..).zip([
        Hello { session_id: last, ..good.clone() },
        Hello { session_id: first, ..good.clone() },
        Hello { session_id: longer, ..good.clone() },
        Hello { session_id: session_id[..15].to_vec(), ..good.clone() },
        // RFC 7627 §5.3.
        Hello { session_id: session_id.clone(), ..no_extended },
    ]) {
        let from = address(&format!("192.0.2.9:{port}"));
        let mut puppet = Puppet::say_hello(&mut pair, from, Mode::Psk, &hello);
        assert_ne!(puppet.session_id(), hello.session_id);
        finish(&mut pair, &pki, &mut puppet);
    }
    // Another suite.
    let other = Hello { suites: vec![0xd001], session_id: session_id.clone(), ..Mode::EcdhePsk.hello() };
    let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:40"), Mode::EcdhePsk, &other);
    finish(&mut pair, &pki, &mut puppet);
    // A version that is not served, and a renegotiation, are refused here as anywhere.
    let older = Hello { version: 0xfeff, session_id: session_id.clone(), ..good.clone() };
    Puppet::say_hello(&mut pair, address("192.0.2.9:41"), Mode::Psk, &older);
    assert_eq!(pair.server.caller.failures.pop().unwrap().reason, Reason::Version(0xfeff));
    let hello = with(Mode::Psk, &[extension(RENEGOTIATION_INFO, &[1, 1])]);
    Puppet::say_hello(&mut pair, address("192.0.2.9:42"), Mode::Psk, &Hello { session_id, ..hello });
    assert!(matches!(pair.server.caller.failures.pop().unwrap().reason, Reason::Malformed { .. }));
    assert_eq!(pair.server.caller.resumed, 0);
}

#[test]
fn a_session_without_an_extended_master_secret_does_not_go_on_with_one() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let mut plain = Mode::Psk.hello();
    plain.extensions.remove(0);
    let (session_id, master) = of_old(&mut pair, &pki, &plain);
    let hello = Hello { session_id: session_id.clone(), ..Mode::Psk.hello() };
    let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:20"), Mode::Psk, &hello);
    finish(&mut pair, &pki, &mut puppet);
    assert_eq!(pair.server.caller.resumed, 0);
    // As it was, it does.
    let hello = Hello { session_id, ..plain };
    let mut puppet = Puppet::say_hello(&mut pair, address("192.0.2.9:21"), Mode::Psk, &hello);
    puppet.resumes = Some(master);
    puppet.take_finished();
    puppet.say_kind(&mut pair, &pki, FINISHED);
    assert_eq!(pair.server.caller.resumed, 1);
}

#[test]
fn a_client_that_changes_its_port_within_a_handshake_begins_anew_and_leaves_nothing() {
    for connection_id in [false, true] {
        for step in 0..6 {
            let mut pair = Pair::new();
            let connect = dtls::Connect { connection_id, ..psk(IDENTITY, KEY) };
            pair.connect(connect.clone());
            pair.run_for(DELAY * step + DELAY / 2);
            pair.client.address = address("198.51.100.7:50000");
            pair.run(130);
            if pair.client.caller.connected.is_empty() {
                pair.connect(connect);
                pair.run(5);
            }
            let session = pair.client_session();
            if connection_id || pair.server.endpoint.session_at(pair.client.address).is_some() {
                pair.client.endpoint.send(pair.now, session, b"up").unwrap();
                pair.run(2);
                assert_eq!(pair.server.caller.received, [b"up".to_vec()], "step {step}");
            }
            assert_eq!(pair.server.endpoint.usage().handshakes, 0, "step {step}");
            // One whose last flight went to the port before is left to its idle time.
            assert!(pair.server.endpoint.usage().sessions <= 2);
        }
    }
}

#[test]
fn a_client_key_exchange_from_another_port_belongs_to_nobody() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), Mode::Psk);
    let home = std::mem::replace(&mut puppet.from, address("192.0.2.9:10"));
    let body = puppet.body(&pki, CLIENT_KEY_EXCHANGE);
    puppet.say(&mut pair, CLIENT_KEY_EXCHANGE, &body);
    assert_eq!(pair.server.caller.claims, []);
    // From its own it comes again.
    puppet.from = home;
    let bytes = crate::primitives::clear(9, &crate::primitives::message(CLIENT_KEY_EXCHANGE, 2, &body));
    pair.inject(home, &bytes);
    puppet.say_kind(&mut pair, &pki, FINISHED);
    assert_eq!(pair.server.caller.connected.len(), 1);
}
