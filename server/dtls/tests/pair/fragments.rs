//! Messages in pieces (RFC 6347 §4.2.3): cut at every boundary, both ways, in any order.

use dtls::{Config, Endpoint};

use crate::{
    pki::{Pki, Proof},
    primitives::{clear, message},
    puppet::{CERTIFICATE, FINISHED, MODES, Mode, Puppet, server},
    simulation::{Pair, address, known},
};

/// A message cut at `at`: header and bytes of both pieces.
fn cut(whole: &[u8], at: usize) -> [Vec<u8>; 2] {
    let (header, body) = whole.split_at(12);
    let piece = |offset: usize, bytes: &[u8]| {
        let number = |number: usize| number.to_be_bytes()[5..].to_vec();
        [&header[..6], &number(offset), &number(bytes.len()), bytes].concat()
    };
    [piece(0, &body[..at]), piece(at, &body[at..])]
}

#[test]
fn every_message_of_a_client_may_be_cut_anywhere_and_come_in_any_order() {
    let pki = Pki::new();
    for mode in MODES {
        for (step, kind) in mode.path().iter().enumerate().filter(|(_, kind)| **kind != FINISHED) {
            let whole = {
                let mut pair = server(&pki);
                Puppet::begin(&mut pair, address("192.0.2.9:9"), mode).body(&pki, *kind).len()
            };
            for at in (0..=whole).filter(|at| *kind != CERTIFICATE || at % 13 == 0) {
                for order in 0..4 {
                    let mut pair = server(&pki);
                    let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
                    mode.path()[..step].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                    let body = puppet.body(&pki, *kind);
                    let from = std::mem::replace(&mut puppet.from, address("192.0.2.250:9"));
                    // The message itself goes astray: it comes in pieces.
                    let (number, message) = (puppet.record, message(*kind, puppet.message, &body));
                    puppet.say(&mut pair, *kind, &body);
                    puppet.from = from;
                    puppet.record += 2;
                    let [first, second] = cut(&message, at.min(body.len()));
                    let records = match order {
                        0 => vec![clear(number, &first), clear(number + 1, &second)],
                        1 => vec![clear(number, &second), clear(number + 1, &first)],
                        // Both in one record; and the first twice, with others that overlap.
                        2 => vec![clear(number, &[first, second].concat())],
                        _ => {
                            let [longer, _] = cut(&message, (at + 5).min(body.len()));
                            vec![
                                clear(number, &first),
                                clear(number + 1, &[&first[..], &longer].concat()),
                                clear(number + 2, &second),
                            ]
                        }
                    };
                    records.iter().for_each(|record| pair.inject(from, record));
                    mode.path()[step + 1..].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                    assert_eq!(pair.server.caller.failures, [], "{mode:?}, message {kind} at {at}");
                    assert_eq!(
                        pair.server.caller.connected.len(),
                        1,
                        "{mode:?}, message {kind} at {at}, {order}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_client_hello_may_be_cut_anywhere_behind_its_cookie() {
    let pki = Pki::new();
    for mode in [Mode::Psk, Mode::Certificate] {
        let hello = mode.hello();
        let whole = hello.body(&[1; 32], &[0; 16]).len();
        for at in 36 + 16..whole {
            let mut pair = server(&pki);
            let from = address("192.0.2.9:9");
            let [first, second] = cut(&message(1, 0, &hello.body(&[1; 32], &[])), at - 16);
            pair.inject(from, &clear(0, &first));
            pair.inject(from, &clear(1, &second));
            assert_eq!(pair.seen.len(), 1, "the first piece is answered, the second is nobody's");
            assert_eq!(pair.server.endpoint.usage(), dtls::Usage::default());
            let cookie = pair.seen.pop().unwrap().bytes[28..].to_vec();
            let [first, second] = cut(&message(1, 1, &hello.body(&[1; 32], &cookie)), at);
            pair.inject(from, &clear(2, &first));
            assert_eq!(pair.server.endpoint.usage().handshakes, 1);
            pair.inject(from, &clear(3, &second));
            assert!(pair.seen.iter().any(|sent| sent.bytes[13] == 2), "{mode:?} at {at}");
        }
    }
}

#[test]
fn handshakes_go_through_links_of_any_width() {
    let pki = Pki::new();
    for mtu in (48..200).step_by(3).chain((200..1_300).step_by(97)) {
        for proof in [Proof::Psk, Proof::RawPublicKey, Proof::Certificate] {
            let bounds = dtls::Bounds { datagrams: 2_000, ..dtls::Bounds::default() };
            let mut pair = Pair::with(Config { mtu, bounds, ..pki.config() });
            // Its ClientHello is never cut so that its cookie is not in the first piece.
            let config = Config { mtu: mtu.max(100), ..Config::default() };
            pair.client.endpoint = Endpoint::new(config, [3; 32]);
            pair.server.endpoint.set_trust(pki.trust());
            pair.server.caller.lets_in = Some(known(None));
            pair.connect(pki.connect(proof));
            pair.run(10);
            pair.assert_connected();
            pair.assert_talks();
            let longest =
                |from| pair.seen.iter().filter(|sent| sent.from == from).map(|sent| sent.bytes.len()).max();
            // A HelloVerifyRequest is of 44 bytes, a Finished of 61 with its protection.
            assert!(
                longest(pair.server.address) <= Some(mtu.max(70)),
                "{mtu}: {:?}",
                longest(pair.server.address)
            );
        }
    }
}
