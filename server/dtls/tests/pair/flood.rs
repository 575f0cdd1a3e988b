//! Floods: of ClientHellos with spoofed addresses, and of handshakes of one network that go nowhere. Those of others get in.

use std::{collections::VecDeque, time::Duration};

use dtls::{Bounds, Config, Reason};

use crate::{
    pki::Pki,
    primitives::{clear, message},
    puppet::{MODES, Mode, Puppet},
    simulation::{IDENTITY, KEY, Pair, address, known, psk},
};

const MILLISECOND: Duration = Duration::from_millis(1);

/// A server with its usual bounds.
fn server(pki: &Pki) -> Pair {
    let bounds = Bounds { sessions_of_tag: None, ..Bounds::default() };
    let mut pair = Pair::with(Config { bounds, mtu: 8_192, ..pki.config() });
    pair.server.endpoint.set_trust(pki.trust());
    pair.server.caller.lets_in = Some(known(None));
    pair.link.fate = Box::new(|_, _| Vec::new());
    pair
}

/// Begins a handshake every ten milliseconds, each message of which takes another twenty, while `attack` goes on. How many got in,
/// of how many.
fn honest_during(
    pair: &mut Pair,
    pki: &Pki,
    milliseconds: u32,
    mut attack: impl FnMut(&mut Pair, u32),
) -> [usize; 2] {
    let mut under_way = VecDeque::<(u32, usize, Puppet)>::new();
    let (mut begun, before) = (0, pair.server.caller.connected.len());
    for now in 0..milliseconds {
        attack(pair, now);
        if now % 10 == 0 {
            let from = address(&format!("198.51.{}.7:{}", begun % 256, 1_000 + begun));
            let puppet = Puppet::begin(pair, from, MODES[begun % MODES.len()]);
            under_way.push_back((now + 20, 0, puppet));
            begun += 1;
        }
        while under_way.front().is_some_and(|(at, ..)| *at <= now) {
            let (_, step, mut puppet) = under_way.pop_front().unwrap();
            puppet.say_kind(pair, pki, puppet.mode.path()[step]);
            if step + 1 < puppet.mode.path().len() {
                under_way.push_back((now + 20, step + 1, puppet));
            }
        }
        pair.seen.clear();
        pair.run_for(MILLISECOND);
    }
    // Those that are still under way are not counted.
    [pair.server.caller.connected.len() - before, begun - under_way.len()]
}

#[test]
fn twenty_thousand_spoofed_hellos_a_second_keep_no_honest_client_out() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let mut body = Mode::Psk.hello().body(&[1; 32], &[]);
    let with = Mode::Certificate.hello().body(&[2; 32], &[7; 16]);
    let [got_in, begun] = honest_during(&mut pair, &pki, 2_000, |pair, now| {
        for n in 0..20_u32 {
            // From everywhere, also from the networks of the honest, each with another random; some bring a cookie of their making.
            let number = now * 20 + n;
            let host = [[203, 0, 113], [198, 51, (number % 256) as u8]][n as usize % 2];
            let from = ([host[0], host[1], host[2], (number / 7) as u8], (number % 60_000) as u16 + 1).into();
            body[2..6].copy_from_slice(&number.to_be_bytes());
            let hello = if n % 5 == 0 { message(1, 1, &with) } else { message(1, 0, &body) };
            pair.inject(from, &clear(0, &hello));
        }
        assert_eq!(pair.server.endpoint.usage().outputs, 0);
        assert!(pair.server.endpoint.usage().handshakes <= 10);
    });
    assert!(begun > 150 && got_in * 100 >= begun * 99, "{got_in} of {begun}");
    assert_eq!(pair.server.endpoint.counters().cookies_bad, 2_000 * 4);
    assert_eq!(pair.server.endpoint.counters().cookies_sent as usize, 2_000 * 20 + 200);
    assert_eq!(pair.server.caller.failures, []);
    pair.run(130);
    let usage = pair.server.endpoint.usage();
    assert_eq!((usage.handshakes, usage.networks, usage.sessions), (0, 0, got_in));
}

#[test]
fn one_network_that_begins_all_it_can_keeps_no_other_out() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let mut port = 0;
    let [got_in, begun] = honest_during(&mut pair, &pki, 400, |pair, now| {
        // Real addresses of one network, which answer for their cookies and then say nothing.
        for _ in 0..4 {
            port += 1;
            let host = address(&format!("203.0.113.{}:{port}", now % 256));
            Puppet::begin(pair, host, Mode::Psk);
        }
    });
    let counters = pair.server.endpoint.counters();
    let most = pair.server.config.bounds.handshakes_of_network;
    assert_eq!(counters.handshakes_of_network as usize, port - most);
    assert_eq!((counters.handshakes, got_in), (0, begun));
    assert!(pair.server.endpoint.usage().handshakes >= most);
    let refused = &pair.server.caller.failures;
    assert!(refused.iter().all(|failure| matches!(failure.reason, Reason::TooMany { .. })));
    // Once theirs have ended, there is room for that network as well.
    pair.run(61);
    pair.link = crate::simulation::Link::good();
    (pair.server.caller.failures, pair.server.caller.connected) = Default::default();
    pair.client.address = address("203.0.113.5:9");
    pair.connect(psk(IDENTITY, KEY));
    pair.run(5);
    pair.assert_connected();
}

#[test]
fn who_begins_all_that_a_network_can_and_goes_silent_makes_room_for_others_of_it() {
    let pki = Pki::new();
    let mut pair = server(&pki);
    let most = pair.server.config.bounds.handshakes_of_network;
    for port in 1..=most {
        Puppet::begin(&mut pair, address(&format!("203.0.113.7:{port}")), Mode::Psk);
    }
    assert_eq!(pair.server.endpoint.usage().handshakes, most);
    pair.link = crate::simulation::Link::good();
    // Whoever is no slower than a slow link is left in peace.
    pair.run(4);
    for (number, host) in ["203.0.113.7:60000", "203.0.113.5:9"].into_iter().enumerate() {
        pair.client.address = address(host);
        pair.restart_client();
        pair.connect(psk(IDENTITY, KEY));
        pair.run(5);
        assert_eq!(pair.server.caller.connected.len(), number + 1, "{:?}", pair.server.caller.failures);
        assert_eq!(pair.server.endpoint.counters().handshakes_evicted, 1);
    }
    assert_eq!(pair.server.endpoint.counters().handshakes_of_network, 0);
    assert_eq!(pair.server.caller.failures.len(), 1);
}
