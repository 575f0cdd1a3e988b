//! All sequences of up to six handshake messages after the cookie, of twelve kinds: one path a mode is let in.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    pki::Pki,
    primitives::{clear, message},
    puppet::{FINISHED, MODES, Mode, Puppet, server},
    simulation::{Pair, address},
};

/// All that a message can be (RFC 5246 §7.4, RFC 5077 §3.3): HelloRequest to Finished.
const KINDS: [u8; 12] = [0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, FINISHED];
const CLIENT_HELLO: u8 = 1;

/// The longest sequences, and up to where all of those are played that go on from one that has not failed. Behind it, so many
/// of each prefix are, as a fixed seed chooses them: what comes behind a session's beginning does not end it, so that a longest
/// one stands for all that it begins with.
const LONGEST: usize = 6;
const EXHAUSTIVE: usize = 4;
const SAMPLES: usize = 1;

/// What became of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Failed,
    Waits,
    LetIn,
}

struct Player<'a> {
    pki: &'a Pki,
    pair: Pair,
    mode: Mode,
    played: u32,
    accepting: BTreeSet<Vec<u8>>,
    random: StdRng,
}

impl Player<'_> {
    /// Plays a sequence from the cookie on, from an address of its own.
    fn play(&mut self, kinds: &[u8]) -> Outcome {
        let port = self.played % 60_000 + 1;
        let host = address(&format!("10.0.{}.1:{port}", self.played / 60_000));
        self.played += 1;
        let caller = &mut self.pair.server.caller;
        (caller.connected, caller.failures, caller.received) = Default::default();
        let mut puppet = Puppet::begin(&mut self.pair, host, self.mode);
        for kind in kinds {
            puppet.say_kind(&mut self.pair, self.pki, *kind);
        }
        self.pair.seen.clear();
        let caller = &self.pair.server.caller;
        assert!(caller.connected.len() <= 1, "{kinds:?} are two sessions");
        match (&caller.connected[..], &caller.failures[..]) {
            ([], []) => Outcome::Waits,
            ([_], []) => Outcome::LetIn,
            ([], [_]) => Outcome::Failed,
            other => panic!("{kinds:?}: {other:?}"),
        }
    }

    /// Plays what begins so, and takes note of what is let in.
    fn explore(&mut self, prefix: &mut Vec<u8>) {
        if prefix.len() == EXHAUSTIVE {
            for _ in 0..SAMPLES {
                let mut sequence = prefix.clone();
                sequence.resize_with(LONGEST, || KINDS[self.random.random_range(0..KINDS.len())]);
                self.judge(&sequence);
            }
            // And what ends as the path does.
            let end = &self.mode.path()[self.mode.path().len() - 2..];
            self.judge(&[&prefix[..], end].concat());
            return;
        }
        for kind in KINDS {
            prefix.push(kind);
            if self.judge(prefix) != Outcome::Failed {
                self.explore(prefix);
            }
            prefix.pop();
        }
    }

    fn judge(&mut self, sequence: &[u8]) -> Outcome {
        let outcome = self.play(sequence);
        // A ClientHello here is the one before, again: it is passed over. What comes behind the last message changes nothing.
        let said: Vec<u8> = sequence.iter().copied().filter(|kind| *kind != CLIENT_HELLO).collect();
        let path = self.mode.path();
        assert_eq!(outcome == Outcome::LetIn, said.starts_with(path), "{:?}: {sequence:?}", self.mode);
        if outcome == Outcome::LetIn {
            self.accepting.insert(said[..path.len()].to_vec());
        }
        outcome
    }
}

fn explore(mode: Mode) {
    let pki = Pki::new();
    let (pair, random) = (server(&pki), StdRng::seed_from_u64(6));
    let mut player = Player { pki: &pki, pair, mode, played: 0, accepting: BTreeSet::new(), random };
    player.explore(&mut Vec::new());
    assert_eq!(player.accepting, BTreeSet::from([mode.path().to_vec()]));
    // Nothing is left of any, but what was let in.
    player.pair.run(130);
    let usage = player.pair.server.endpoint.usage();
    assert_eq!((usage.handshakes, usage.networks, usage.outputs), (0, 0, 0));
}

#[test]
fn one_path_lets_in_by_a_pre_shared_key() {
    explore(Mode::Psk);
}

#[test]
fn one_path_lets_in_by_a_pre_shared_key_with_an_agreement() {
    explore(Mode::EcdhePsk);
}

#[test]
fn one_path_lets_in_by_a_raw_public_key() {
    explore(Mode::RawPublicKey);
}

#[test]
fn one_path_lets_in_by_a_certificate() {
    explore(Mode::Certificate);
}

#[test]
fn of_two_messages_with_one_number_the_first_counts() {
    let pki = Pki::new();
    for mode in MODES {
        for (step, right) in mode.path().iter().enumerate().filter(|(_, kind)| **kind != FINISHED) {
            for other in KINDS.into_iter().filter(|other| other != right) {
                for right_first in [false, true] {
                    let mut pair = server(&pki);
                    let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
                    mode.path()[..step].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                    let wrong = clear(puppet.record + 30, &message(other, puppet.message, &[0; 12]));
                    if !right_first {
                        pair.inject(puppet.from, &wrong);
                    }
                    puppet.say_kind(&mut pair, &pki, *right);
                    if right_first {
                        pair.inject(puppet.from, &wrong);
                    }
                    mode.path()[step + 1..].iter().for_each(|kind| puppet.say_kind(&mut pair, &pki, *kind));
                    // A ClientHello is none, nor is a Finished in the clear.
                    let passed_over = [CLIENT_HELLO, FINISHED].contains(&other);
                    let is_in = !pair.server.caller.connected.is_empty();
                    assert_eq!(is_in, right_first || passed_over, "{mode:?}, {step}, {other}");
                }
            }
        }
    }
}

#[test]
fn the_path_of_each_mode_is_let_in_and_is_answered_by_a_finished() {
    let pki = Pki::new();
    for mode in MODES {
        let mut pair = server(&pki);
        let mut puppet = Puppet::begin(&mut pair, address("192.0.2.9:9"), mode);
        for kind in mode.path() {
            puppet.say_kind(&mut pair, &pki, *kind);
        }
        assert_eq!(pair.server.caller.failures, []);
        assert_eq!(pair.server.caller.connected.len(), 1, "{mode:?}");
        let [(22, finished)] = &puppet.opened(&pair)[..] else { panic!("{mode:?}") };
        assert_eq!((finished[0], finished.len()), (FINISHED, 24));
        puppet.send(&mut pair, 23, b"data");
        assert_eq!(pair.server.caller.received, [b"data".to_vec()]);
    }
}
