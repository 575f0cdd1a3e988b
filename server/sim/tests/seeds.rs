//! Seeds that every change runs.

use std::process::Command;

use pg_cluster::Cluster;
use sim::{Outcome, seed::Options, store::Kind};

/// Shorter than what a seed means by itself. Where the seed is odd, people say what devices are observed for.
fn short(seed: u64) -> Options {
    Options { minutes: Some(8), wishes: seed % 2 == 1, ..Options::default() }
}

#[test]
fn no_seed_breaks_an_invariant() {
    let outcomes = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || run((1..=SEEDS).filter(|seed| seed % 2 == half))));
        halves.map(|half| half.join().unwrap()).concat()
    });
    for outcome in &outcomes {
        let Some(violation) = &outcome.violation else { continue };
        let tail = outcome.tail.join("\n");
        panic!("{tail}\nseed {} breaks {}: {}", outcome.seed, violation.invariant, violation.text);
    }
    // What nothing happens in shows nothing.
    assert!(outcomes.iter().all(|outcome| outcome.lines > 300));
    assert!(outcomes.iter().filter(|outcome| outcome.lives > 1).count() > outcomes.len() / 3);
}

#[test]
fn a_seed_is_the_same_run_each_time_and_another_seed_is_not() {
    let first: Vec<(u64, u64)> = run(1..=DETERMINISTIC).iter().map(fingerprint).collect();
    let again: Vec<(u64, u64)> = run(1..=DETERMINISTIC).iter().map(fingerprint).collect();
    assert_eq!(first, again);
    assert_ne!(first[0], first[1]);
}

/// What the three stores are asked, they answer alike: a run on a database is the run in memory.
#[test]
fn a_seed_is_the_same_run_on_sqlite() {
    same_on(Kind::Sqlite);
}

#[test]
fn a_seed_is_the_same_run_on_postgresql() {
    if Cluster::shared("seeds on PostgreSQL").is_some() {
        same_on(Kind::Postgres);
    }
}

fn same_on(kind: Kind) {
    for in_memory in run(1..=ON_DATABASES) {
        let options = Options { store: kind, ..short(in_memory.seed) };
        let outcome = sim::run(in_memory.seed, &options, sim::trace::TAIL);
        assert_eq!(outcome.violation, None, "{}", outcome.tail.join("\n"));
        assert_eq!(fingerprint(&outcome), fingerprint(&in_memory), "seed {}", outcome.seed);
    }
}

/// Another process has other hash keys and other addresses in memory.
#[test]
fn a_seed_is_the_same_run_in_another_process() {
    for outcome in run(1..=3) {
        let output = Command::new(env!("CARGO_BIN_EXE_sim"))
            .args(["--seed", &outcome.seed.to_string(), "--minutes", "8"])
            .args(short(outcome.seed).wishes.then_some("--wishes"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&format!("hash {:016x}", outcome.hash)), "{said}");
    }
}

fn run(seeds: impl IntoIterator<Item = u64>) -> Vec<Outcome> {
    seeds.into_iter().map(|seed| sim::run(seed, &short(seed), sim::trace::TAIL)).collect()
}

fn fingerprint(outcome: &Outcome) -> (u64, u64) {
    (outcome.hash, outcome.lines)
}

const SEEDS: u64 = 100;
const DETERMINISTIC: u64 = 20;
const ON_DATABASES: u64 = 6;
