//! The seven defects of another implementation, each as it was shown there.

use std::time::Duration;

use dtls::{Config, Ended, Reason, Suite, Usage};

use crate::{
    pki::Pki,
    primitives::{clear, message},
    puppet::{FINISHED, MODES, Mode, Puppet, server},
    simulation::{DELAY, IDENTITY, KEY, Link, Pair, address, psk},
};

#[test]
fn defect_1_sixty_thousand_fragments_of_a_byte_before_any_cookie_leave_nothing() {
    let mut pair = Pair::new();
    let from = address("203.0.113.9:9");
    // 1.6 MB: each says it is of a message of 60 000 bytes.
    let fragment = |offset: u32| {
        let header = [&[1, 0, 0xea, 0x60, 0, 0][..], &offset.to_be_bytes()[1..], &[0, 0, 1, 7]].concat();
        clear(offset.into(), &header)
    };
    for offset in 0..60_000 {
        pair.inject(from, &fragment(offset));
    }
    // As many in a datagram as there is room for.
    let many: Vec<u8> = (0..2_500).flat_map(fragment).collect();
    pair.inject(from, &many);
    assert!(pair.seen.is_empty());
    assert_eq!((pair.server.endpoint.usage(), pair.server.endpoint.poll_timeout()), (Usage::default(), None));
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn defect_2_no_spoofed_datagram_ends_a_session() {
    for connection_id in [false, true] {
        let mut pair = Pair::new();
        pair.connect(dtls::Connect { connection_id, ..psk(IDENTITY, KEY) });
        pair.run(5);
        let client = pair.client.address;
        let header = |kind: u8, epoch: u8, len: u8| {
            [&[kind, 0xfe, 0xfd, 0, epoch][..], &[0, 0, 0, 0, 0, 9, 0, len], &vec![2; usize::from(len)]]
                .concat()
        };
        // Garbage under the keys, and alerts in the clear: fatal, and close_notify.
        for len in [0, 1, 8, 15, 16, 17, 40] {
            for kind in [20, 21, 22, 23] {
                pair.inject(client, &header(kind, 1, len));
            }
        }
        for alert in [[2, 40], [2, 0], [1, 0], [2, 20]] {
            pair.inject(client, &[&header(21, 0, 2)[..13], &alert].concat());
        }
        pair.run(5);
        assert_eq!(pair.server.caller.ended, []);
        pair.assert_talks();
    }
}

#[test]
fn defect_3_the_finished_of_a_client_is_verified() {
    let pki = Pki::new();
    for mode in MODES {
        let mut pair = server(&pki);
        let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
        for kind in mode.path().iter().filter(|kind| **kind != FINISHED) {
            puppet.say_kind(&mut pair, &pki, *kind);
        }
        puppet.say_finished(&mut pair, &[0; 12]);
        assert_eq!(pair.server.caller.failures[0].reason, Reason::WrongFinished, "{mode:?}");
        assert_eq!((pair.server.caller.connected.len(), pair.server.caller.store.len()), (0, 0));
    }
}

#[test]
fn defect_4_a_finished_of_the_server_that_is_lost_is_sent_again() {
    for lost in 1..4 {
        let mut pair = Pair::new();
        let (server, mut finished) = (pair.server.address, 0);
        pair.link.fate = Box::new(move |_, sent| {
            // The ChangeCipherSpec begins its datagram.
            finished += u32::from(sent.from == server && sent.bytes[0] == 20);
            if sent.from == server && sent.bytes[0] == 20 && finished <= lost { vec![] } else { vec![DELAY] }
        });
        pair.connect(psk(IDENTITY, KEY));
        pair.run(30);
        pair.assert_connected();
        pair.assert_talks();
        pair.assert_no_nonce_twice_a_session();
    }
}

/// The bytes are measured in `memory.rs`.
#[test]
fn defect_5_a_spoofed_client_hello_keeps_nothing() {
    let mut pair = Pair::new();
    for mode in MODES {
        for host in 0..50 {
            let hello = clear(0, &message(1, 0, &mode.hello().body(&[host; 32], &[])));
            pair.inject(address(&format!("203.0.113.{host}:9")), &hello);
            let spoofed = clear(1, &message(1, 1, &mode.hello().body(&[host; 32], &[7; 16])));
            pair.inject(address(&format!("203.0.113.{host}:9")), &spoofed);
        }
    }
    assert_eq!(pair.server.endpoint.counters().cookies_sent, 400);
    assert_eq!((pair.server.endpoint.usage(), pair.server.endpoint.poll_timeout()), (Usage::default(), None));
}

#[test]
fn defect_6_a_client_that_was_restarted_is_served_on_the_same_port() {
    for connection_id in [false, true] {
        let connect = dtls::Connect { connection_id, ..psk(IDENTITY, KEY) };
        let mut pair = Pair::new();
        pair.connect(connect.clone());
        pair.run(5);
        for _ in 0..3 {
            let older = pair.server_session();
            pair.restart_client();
            pair.connect(connect.clone());
            pair.run(5);
            pair.assert_connected();
            pair.assert_talks();
            assert_eq!(pair.server.caller.ended.pop(), Some((older, Ended::Replaced)));
        }
        assert_eq!(pair.server.endpoint.usage().sessions, 1);
    }
}

#[test]
fn defect_7_a_block_of_extensions_of_any_length_upsets_nobody() {
    let pki = Pki::new();
    for mode in MODES {
        let whole = mode.hello().body(&[1; 32], &[]);
        let mut pair = server(&pki);
        for (port, len) in (1..).zip(70..=whole.len()) {
            let from = address(&format!("192.0.2.9:{port}"));
            let block = len.saturating_sub(whole.len() - mode.hello().extensions.concat().len());
            // Cut with a block that says as much, and with one of a single byte.
            for mut body in [whole[..len].to_vec(), [&whole[..42], &[0, 1, 7]].concat()] {
                if let Some(length) = body.get_mut(42..44).filter(|_| len > 44) {
                    length.copy_from_slice(&u16::try_from(block).unwrap().to_be_bytes());
                }
                pair.inject(from, &clear(0, &message(1, 0, &body)));
                let Some(asked) = pair.seen.pop() else { panic!("{mode:?}: {len}") };
                let with = [&body[..35], &[16], &asked.bytes[28..44], &body[36..]].concat();
                pair.inject(from, &clear(1, &message(1, 1, &with)));
            }
        }
        pair.run(130);
        assert_eq!(pair.server.endpoint.usage(), Usage::default());
        let mut puppet = Puppet::begin(&mut pair, address("192.0.2.10:9"), mode);
        mode.path().iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
        assert_eq!(pair.server.caller.connected.len(), 1);
    }
}

#[test]
fn defect_7_a_handshake_backs_off_and_ends() {
    let mut pair = Pair::with(Config::default());
    let server = pair.server.address;
    // The server's flight goes nowhere: the client asks again, and so does the server.
    pair.link.fate =
        Box::new(
            move |_, sent| {
                if sent.from == server && sent.bytes.len() != 44 { vec![] } else { vec![DELAY] }
            },
        );
    pair.connect(dtls::Connect { suites: vec![Suite::PskAes128Ccm8], ..psk(IDENTITY, KEY) });
    pair.run(61);
    let flights = pair.seen.iter().filter(|sent| sent.from == server && sent.bytes.len() != 44).count();
    // At first, by its timer at 1, 3, 7, 15 and 31 seconds, and for each of the client's five.
    assert_eq!(flights, 1 + 5 + 5);
    assert_eq!(pair.server.caller.failures[0].reason, Reason::TimedOut);
    assert_eq!(pair.client.caller.failures[0].reason, Reason::TimedOut);
    assert_eq!((pair.server.endpoint.usage(), pair.client.endpoint.usage()), Default::default());
    (pair.server.caller.failures, pair.client.caller.failures) = Default::default();
    pair.link = Link::good();
    pair.run_for(Duration::from_secs(1));
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn a_suite_that_was_struck_off_on_the_way_is_found_out() {
    let weak = Suite::PskAes128CbcSha256;
    for all in [false, true] {
        let mut pair = Pair::new();
        pair.connect(dtls::Connect { suites: vec![Suite::PskAes128Ccm8, weak], ..psk(IDENTITY, KEY) });
        for _ in 0..200 {
            let Some(mut sent) = pair.pop_sent() else { break };
            // The first suite stands behind version, random, session id and cookie.
            if sent.from == pair.client.address && sent.bytes[0] == 22 && sent.bytes[13] == 1 {
                let at = 25 + 34 + 1 + 1 + usize::from(sent.bytes[60]) + 2;
                let other = if all { 0_u16 } else { weak as u16 };
                sent.bytes[at..at + 2].copy_from_slice(&other.to_be_bytes());
            }
            pair.deliver(sent);
        }
        pair.run(70);
        assert_eq!((pair.client.caller.connected.len(), pair.server.caller.connected.len()), (0, 0));
        assert!(!pair.server.caller.failures.is_empty());
    }
}

#[test]
fn suites_that_are_not_served_are_not_chosen_whatever_else_is_offered() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    // NULL with a PSK, RSA, anonymous, 3DES, 1.3's, GREASE, and a fallback of a version that is none.
    let weak = [0x002c, 0x00b0, 0x0000, 0x0001, 0x003b, 0xc018, 0x008b, 0x1301, 0x0a0a, 0x5600, 0xc0a5];
    for (port, version) in (1..).zip([0xfefd, 0xfefc, 0x0000]) {
        let hello = crate::puppet::Hello { version, suites: weak.to_vec(), ..Mode::Psk.hello() };
        Puppet::say_hello(&mut pair, address(&format!("192.0.2.9:{port}")), Mode::Psk, &hello);
        assert_eq!(pair.server.caller.failures.pop().unwrap().reason, Reason::NoCommonSuite);
    }
    // Version 1.0, and TLS.
    for (port, version) in (11..).zip([0xfeff, 0xfefe, 0xffff]) {
        let hello = crate::puppet::Hello { version, ..Mode::Psk.hello() };
        Puppet::say_hello(&mut pair, address(&format!("192.0.2.9:{port}")), Mode::Psk, &hello);
        assert_eq!(pair.server.caller.failures.pop().unwrap().reason, Reason::Version(version));
    }
    assert_eq!(pair.server.endpoint.usage(), Usage::default());
}
