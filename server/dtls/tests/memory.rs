//! What nobody has vouched for leaves no memory behind (I-17), by the resident set of this process: one test, for no other is to
//! allocate beside it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/pki.rs"]
mod pki;
#[path = "pair/primitives.rs"]
mod primitives;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/puppet.rs"]
mod puppet;
#[expect(dead_code, reason = "the tests of the pair use all of it")]
#[path = "pair/simulation.rs"]
mod simulation;

use std::{fs, net::SocketAddr};

use dtls::{Bounds, Config, Usage};

use crate::{
    primitives::{clear, message},
    puppet::{Mode, Puppet},
    simulation::{Pair, address},
};

const HELLOS: u32 = 60_000;
/// What may come and go with the allocator's own books: four bytes for each ClientHello.
const SLACK: u64 = 256 << 10;

#[test]
fn spoofed_hellos_keep_no_byte_and_claims_of_length_cost_none() {
    let mut pair = Pair::new();
    pair.link.fate = Box::new(|_, _| Vec::new());
    let body = Mode::Certificate.hello().body(&[1; 32], &[]);
    let spoof = |pair: &mut Pair, count: u32| {
        for number in 0..count {
            let mut body = body.clone();
            body[2..6].copy_from_slice(&number.to_be_bytes());
            let mut hello = message(1, 0, &body);
            // Every other one claims to be of 16 MB, of which this is the first piece.
            if number % 2 == 0 {
                hello[1..4].fill(0xff);
            }
            let from = SocketAddr::from(([203, 0, (number >> 8) as u8, number as u8], 9));
            pair.inject(from, &clear(0, &hello));
            pair.seen.clear();
        }
    };
    // All that is ever allocated for it is by then.
    spoof(&mut pair, 5_000);
    let before = resident_bytes();
    spoof(&mut pair, HELLOS);
    let grown = resident_bytes().saturating_sub(before);
    assert_eq!(pair.server.endpoint.counters().cookies_sent, u64::from(HELLOS) + 5_000);
    assert_eq!(pair.server.endpoint.usage(), Usage::default());
    assert!(grown <= SLACK, "{grown} bytes for {HELLOS} spoofed ClientHellos");

    // Behind the cookie: each handshake takes as much as its bounds say, and what it claims costs nothing.
    let bounds = Bounds { handshakes_of_network: 4_096, ..Bounds::default() };
    pair = Pair::with(Config { bounds, ..Config::default() });
    pair.link.fate = Box::new(|_, _| Vec::new());
    let before = resident_bytes();
    const HANDSHAKES: u32 = 2_000;
    for number in 0..HANDSHAKES {
        let from = address(&format!("203.0.113.{}:{}", number % 250, 1_000 + number / 250));
        let puppet = Puppet::begin(&mut pair, from, Mode::Psk);
        // The most there may be of a message, a byte of it each: one for each message that may be under way.
        for ahead in 0..8 {
            let mut piece = message(16, puppet.message + ahead, &[7]);
            piece[1..4].copy_from_slice(&[0, 0x40, 0]);
            pair.inject(from, &clear(2 + u64::from(ahead), &piece));
        }
        // Longer than the bound.
        let mut piece = message(16, puppet.message, &[7]);
        piece[1..4].fill(0xff);
        pair.inject(from, &clear(20, &piece));
    }
    let each = resident_bytes().saturating_sub(before) / u64::from(HANDSHAKES);
    assert_eq!(pair.server.endpoint.usage().handshakes, HANDSHAKES as usize);
    assert!(each <= 8 << 10, "{each} bytes a handshake");
    pair.run(130);
    assert_eq!(pair.server.endpoint.usage(), Usage::default());
}

/// `VmRSS` of /proc/self/status, which is in kB.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1_024
}
