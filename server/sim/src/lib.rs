//! Deterministic simulation: a whole server and many devices in one process, on virtual time, from one seed.
//!
//! The server is the real one between its sockets and its store ([`server::Assembly`]), with the network, the clock, the
//! randomness and the store given to it here. Everything else is the seed's: what the network loses, doubles, delays
//! ([`network`]), when devices lose power, move and sleep ([`node`]), when the store fails or is slow ([`store`]), what people ask
//! ([`verbs`]), when the clock jumps and the server dies ([`world`]). A [`model`] written apart from the server knows what was
//! acknowledged, and the [`invariants`] are checked as things happen.
//!
//! Start with [`run`]. A seed is the same run each time: [`Outcome::hash`] is of all that happened in it.

pub mod bench;
pub mod configured;
pub mod field;
pub mod gauges;
pub mod invariants;
pub mod model;
pub mod network;
pub mod node;
mod panics;
pub mod seed;
pub mod store;
pub mod trace;
#[cfg(planted)]
pub mod trial;
pub mod verbs;
pub mod weather;
mod world;
mod yard;

use std::{panic::catch_unwind, time::Duration};

use bench::Violation;
use seed::{Options, Plan};

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Which.
    pub seed: u64,
    /// How many devices there were.
    pub devices: usize,
    /// How long it lasted, by its own time.
    pub lasted: Duration,
    /// How often the server was started.
    pub lives: u32,
    /// How often the server called its store.
    pub store_calls: u64,
    /// What its trace hashes to.
    pub hash: u64,
    /// How many lines the trace has.
    pub lines: u64,
    /// The last lines.
    pub tail: Vec<String>,
    /// The rule that was broken, if one was.
    pub violation: Option<Violation>,
}

/// Runs a seed; its trace keeps so many lines.
pub fn run(seed: u64, options: &Options, keep: usize) -> Outcome {
    let _watch = panics::watch();
    #[cfg(planted)]
    planted::choose(options.plant);
    let plan = Plan::new(seed, options);
    let devices = plan.devices;
    catch_unwind(move || world::run(plan, keep)).unwrap_or_else(|_| Outcome {
        seed,
        devices,
        lasted: Duration::ZERO,
        lives: 0,
        store_calls: 0,
        hash: 0,
        lines: 0,
        tail: Vec::new(),
        violation: Some(Violation {
            invariant: "I-19",
            text: panics::take().unwrap_or_else(|| "a panic without a message".to_owned()),
        }),
    })
}
