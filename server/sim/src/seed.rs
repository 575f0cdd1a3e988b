//! What a seed means: which devices there are, how long it lasts, and what goes wrong.

use std::str::FromStr;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::store::{Failure, Kind};

/// What a run does, drawn from its seed unless somebody says otherwise.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Options {
    /// How many devices there are.
    #[arg(long, value_parser = at_least_one::<usize>)]
    pub devices: Option<usize>,
    /// How many minutes things go wrong.
    #[arg(long)]
    pub minutes: Option<u64>,
    /// Things that do not go wrong, by their names, with commas between them.
    #[arg(long, value_delimiter = ',', value_enum)]
    pub without: Vec<Trouble>,
    /// Lets the store say of commits that are applied that they are not. No store of the server's does: one whose connection
    /// breaks finds out first.
    #[arg(long)]
    pub ambiguous: bool,
    /// Lets people say what devices are observed for.
    #[arg(long)]
    pub wishes: bool,
    /// Which call of the server to its store fails, whatever it is for. The first is 1.
    #[arg(long, value_name = "CALL", value_parser = at_least_one::<u64>)]
    pub store_fails_at: Option<u64>,
    /// All later calls fail, too, while things go wrong.
    #[arg(long, requires = "store_fails_at")]
    pub for_ever: bool,
    /// What is durable is kept in.
    #[arg(long, value_enum, default_value_t)]
    pub store: Kind,
    /// What the server does wrong, by the name of the fault: only where it was built with `--cfg planted`.
    #[cfg(planted)]
    #[arg(long, value_parser = fault)]
    pub plant: Option<planted::Fault>,
}

/// Parses a number of which none would mean nothing.
///
/// # Errors
/// What is expected instead.
pub fn at_least_one<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number != T::default());
    number.ok_or_else(|| "a number from 1 on".to_owned())
}

#[cfg(planted)]
fn fault(name: &str) -> Result<planted::Fault, String> {
    let names = || planted::Fault::ALL.map(|fault| fault.to_string()).join(", ");
    planted::Fault::named(name).ok_or_else(|| format!("expected one of {}", names()))
}

/// A kind of thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Trouble {
    /// The wall clock jumps.
    Clock,
    /// The server dies.
    Crash,
    /// The network loses, doubles and delays.
    Network,
    /// Devices lose power, forget their sessions and change their addresses.
    Power,
    /// Devices are given addresses that others had, as a NAT does.
    Reuse,
    /// The store fails, is full, or is slow.
    Store,
    /// Strangers ask, act for others, send again what they recorded and redirect.
    Strangers,
    /// People ask for operations.
    Verbs,
}

/// A seed with all that it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How many devices there are.
    pub devices: usize,
    /// How many seconds things go wrong.
    pub seconds: u64,
    /// What does.
    pub troubles: Vec<Trouble>,
    /// Whether the store lies about failed commits.
    pub ambiguous: bool,
    /// Whether people say what devices are observed for.
    pub wishes: bool,
    /// What is durable is kept in.
    pub store: Kind,
    /// Which call to the store fails.
    pub failure: Option<Failure>,
    /// What everything comes from that is drawn while it lasts.
    pub draws: u64,
}

impl Plan {
    /// What a seed means.
    pub fn new(seed: u64, options: &Options) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let devices = random.random_range(4..=10);
        let minutes = random.random_range(15..=40);
        let mut troubles = Vec::new();
        for trouble in <Trouble as clap::ValueEnum>::value_variants() {
            // A jump of the clock hides much of what else can be seen, and is one thing among many.
            let likely = if *trouble == Trouble::Clock { 0.2 } else { 0.9 };
            if random.random_bool(likely) && !options.without.contains(trouble) {
                troubles.push(*trouble);
            }
        }
        Self {
            seed,
            devices: options.devices.unwrap_or(devices),
            seconds: options.minutes.unwrap_or(minutes) * 60,
            troubles,
            ambiguous: options.ambiguous,
            wishes: options.wishes,
            store: options.store,
            failure: options.store_fails_at.map(|call| Failure { call, for_ever: options.for_ever }),
            draws: random.random(),
        }
    }

    /// Whether such things go wrong.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }
}
