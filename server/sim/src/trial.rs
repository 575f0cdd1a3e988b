//! The test of the tests: each planted fault is tried with seeds until one breaks an invariant that it keeps without the fault.

use planted::Fault;

use crate::{bench::Violation, run, seed::Options};

/// How a fault was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// How many seeds it took.
    pub seeds: u64,
    /// The last of them, which shows it.
    pub seed: u64,
    /// What it breaks.
    pub violation: Violation,
}

/// Looks for a fault, in so many seeds at most.
pub fn find(fault: Fault, from: u64, seeds: u64, options: &Options) -> Option<Found> {
    let with = Options { plant: Some(fault), ..options.clone() };
    let without = Options { plant: None, ..options.clone() };
    (0..seeds).find_map(|before| {
        let seed = from + before;
        let violation = run(seed, &with, 0).violation?;
        let is_its_own = run(seed, &without, 0).violation.is_none();
        is_its_own.then_some(Found { seeds: before + 1, seed, violation })
    })
}
