//! Each call of the server to its store fails, once and for as long as things go wrong, while nothing else does.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use clap::ValueEnum as _;
use sim::{
    Outcome,
    seed::{Options, Trouble},
    trace::TAIL,
};

/// One in which people ask for things.
const SEED: u64 = 1;
/// How many calls are left out after each in the short sweep.
const STRIDE: usize = 11;
const THREADS: usize = 2;

#[test]
fn no_invariant_breaks_when_a_call_to_the_store_fails() {
    sweep(STRIDE);
}

#[test]
#[ignore = "takes minutes"]
fn no_invariant_breaks_whichever_call_to_the_store_fails() {
    sweep(1);
}

fn sweep(stride: usize) {
    let undisturbed = run(&options());
    assert!(undisturbed.store_calls > 200, "{undisturbed:?}");
    let calls = (1..=undisturbed.store_calls).step_by(stride);
    let options: Vec<Options> = calls
        .flat_map(|call| [false, true].map(|for_ever| (call, for_ever)))
        .map(|(call, for_ever)| Options { store_fails_at: Some(call), for_ever, ..options() })
        .collect();
    let (next, restarts) = (AtomicUsize::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(options) = options.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(options);
                    assert!(Some(outcome.store_calls) >= options.store_fails_at, "{options:?}");
                    restarts.fetch_add(outcome.lives - 1, Ordering::Relaxed);
                }
            });
        }
    });
    let restarts = restarts.into_inner();
    println!("{} calls, {} runs, {restarts} restarts", undisturbed.store_calls, options.len());
    assert!(restarts > 0, "a server that can't read its store does not start");
}

fn run(options: &Options) -> Outcome {
    let outcome = sim::run(SEED, options, TAIL);
    if let Some(violation) = &outcome.violation {
        let tail = outcome.tail.join("\n");
        panic!("{tail}\n{options:?} breaks {}: {}", violation.invariant, violation.text);
    }
    outcome
}

/// Nothing else goes wrong.
fn options() -> Options {
    let others = Trouble::value_variants().iter().copied().filter(|trouble| *trouble != Trouble::Verbs);
    Options { devices: Some(4), minutes: Some(3), without: others.collect(), ..Options::default() }
}
