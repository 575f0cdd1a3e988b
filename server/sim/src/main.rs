//! Runs seeds, and says which one broke what.

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{CommandFactory as _, Parser, error::ErrorKind};
use sim::{
    Outcome,
    seed::{Options, at_least_one},
    store::Kind,
    trace::TAIL,
};

/// Whole servers and many devices in one process, on virtual time, from one seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100, value_parser = at_least_one::<u64>)]
    seeds: u64,
    /// The first one.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// This one alone, twice: its hash is to be the same.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Prints the whole trace of that one.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// How many threads.
    #[arg(long, default_value_t = 1, value_parser = at_least_one::<u64>)]
    jobs: u64,
    /// Goes on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
    /// Looks for planted faults instead, of these names or `all`, each in so many seeds.
    #[arg(long, num_args = 1.., value_name = "FAULT", conflicts_with = "seed")]
    planted: Vec<String>,
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.end_before_the_last_seed() {
        let said = format!("there are not {} seeds from {} on", arguments.seeds, arguments.from);
        Arguments::command().error(ErrorKind::ValueValidation, said).exit();
    }
    match arguments.seed {
        _ if !arguments.planted.is_empty() => run_planted(&arguments),
        Some(seed) => run_one(seed, &arguments),
        None => run_many(&arguments),
    }
}

impl Arguments {
    /// Each thread counts once beyond the end.
    fn end_before_the_last_seed(&self) -> bool {
        self.from.checked_add(self.seeds).is_some_and(|end| end.checked_add(self.jobs).is_some())
    }
}

fn run_one(seed: u64, arguments: &Arguments) -> ExitCode {
    let keep = if arguments.trace { usize::MAX } else { TAIL };
    let first = sim::run(seed, &arguments.options, keep);
    let again = sim::run(seed, &arguments.options, 0);
    if arguments.trace {
        first.tail.iter().for_each(|line| println!("{line}"));
    }
    println!("seed {seed}: {} lines, {} starts, hash {:016x}", first.lines, first.lives, first.hash);
    if (first.hash, first.lines) != (again.hash, again.lines) {
        println!(
            "seed {seed} is another run the second time: hash {:016x}, {} lines",
            again.hash, again.lines
        );
        return ExitCode::FAILURE;
    }
    if first.violation.is_some() {
        report(&first, arguments);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run_many(arguments: &Arguments) -> ExitCode {
    let (began, next) = (Instant::now(), AtomicU64::new(arguments.from));
    let end = arguments.from + arguments.seeds;
    let totals = Mutex::new((0_u64, 0_u64, Duration::ZERO));
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = sim::run(seed, &arguments.options, TAIL);
                    let mut totals = totals.lock().expect("nobody panics with it");
                    totals.0 += 1;
                    totals.2 += outcome.lasted * u32::try_from(outcome.devices).unwrap_or(u32::MAX);
                    if outcome.violation.is_some() {
                        totals.1 += 1;
                        report(&outcome, arguments);
                        if !arguments.keep_going {
                            next.store(end, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (seeds, failed, simulated) = *totals.lock().expect("nobody panics with it");
    let (minutes, years) = (began.elapsed().as_secs_f64() / 60.0, simulated.as_secs_f64() / YEAR);
    println!("{seeds} seeds, {failed} failed, {minutes:.1} minutes, {years:.2} device-years");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(planted))]
fn run_planted(_: &Arguments) -> ExitCode {
    eprintln!(
        "no faults are planted in this build: RUSTFLAGS='--cfg planted' cargo run --release -p sim -- --planted all"
    );
    ExitCode::FAILURE
}

#[cfg(planted)]
fn run_planted(arguments: &Arguments) -> ExitCode {
    use planted::Fault;
    let is_wanted =
        |fault: &Fault| arguments.planted.iter().any(|name| name == "all" || *name == fault.to_string());
    if let Some(name) = arguments.planted.iter().find(|name| *name != "all" && Fault::named(name).is_none()) {
        eprintln!("{name}: there are all, {}", Fault::ALL.map(|fault| fault.to_string()).join(", "));
        return ExitCode::FAILURE;
    }
    let waiting = Mutex::new(Fault::ALL.into_iter().filter(is_wanted));
    let totals = Mutex::new((0, 0));
    println!("{:<24} {:<9} {:>5}  {:<9} how", "fault", "violates", "seeds", "broken");
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("nobody panics with it").next();
                    let Some(fault) = next else { return };
                    let found = sim::trial::find(fault, arguments.from, arguments.seeds, &arguments.options);
                    let mut totals = totals.lock().expect("nobody panics with it");
                    totals.0 += 1;
                    totals.1 += u32::from(found.is_some());
                    let (seeds, broken, how) = match &found {
                        Some(found) => {
                            let how = format!("seed {}: {}", found.seed, found.violation.text);
                            (found.seeds.to_string(), found.violation.invariant, how)
                        }
                        None => (format!(">{}", arguments.seeds), "none", "NOT FOUND".to_owned()),
                    };
                    println!(
                        "{:<24} {:<9} {seeds:>5}  {broken:<9} {how}",
                        fault.to_string(),
                        fault.violates()
                    );
                }
            });
        }
    });
    let (tried, found) = *totals.lock().expect("nobody panics with it");
    println!("{found} of {tried} faults found");
    if found == tried { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(outcome: &Outcome, arguments: &Arguments) {
    let Some(violation) = &outcome.violation else { return };
    if !arguments.trace && !arguments.keep_going {
        outcome.tail.iter().for_each(|line| println!("{line}"));
    }
    println!("seed {} breaks {}: {}", outcome.seed, violation.invariant, violation.text);
    println!("  again with: --seed {} --trace {}", outcome.seed, written(&arguments.options));
}

/// Options as they are written on the command line.
fn written(options: &Options) -> String {
    use clap::ValueEnum;
    let mut words = Vec::new();
    words.extend(options.devices.map(|devices| format!("--devices {devices}")));
    words.extend(options.minutes.map(|minutes| format!("--minutes {minutes}")));
    let without: Vec<String> = options
        .without
        .iter()
        .filter_map(|trouble| Some(trouble.to_possible_value()?.get_name().to_owned()))
        .collect();
    if !without.is_empty() {
        words.push(format!("--without {}", without.join(",")));
    }
    let store = options.store.to_possible_value().filter(|_| options.store != Kind::default());
    words.extend(store.map(|store| format!("--store {}", store.get_name())));
    words.extend(options.ambiguous.then(|| "--ambiguous".to_owned()));
    words.extend(options.wishes.then(|| "--wishes".to_owned()));
    words.extend(options.store_fails_at.map(|call| format!("--store-fails-at {call}")));
    words.extend(options.for_ever.then(|| "--for-ever".to_owned()));
    #[cfg(planted)]
    words.extend(options.plant.map(|fault| format!("--plant {fault}")));
    words.join(" ")
}

const YEAR: f64 = 365.25 * 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(words.split(' '))
    }

    #[test]
    fn nothing_at_all_is_not_run() {
        for option in ["--seeds", "--jobs", "--devices", "--store-fails-at"] {
            assert!(parsed(&format!("sim {option} 1")).is_ok());
            let refused = parsed(&format!("sim {option} 0")).err().unwrap().to_string();
            assert!(refused.contains(option) && refused.contains("a number from 1 on"), "{refused}");
        }
    }

    #[test]
    fn there_is_a_last_seed() {
        let ends = |from: u64| {
            parsed(&format!("sim --seeds 3 --jobs 2 --from {from}")).unwrap().end_before_the_last_seed()
        };
        assert!(ends(1) && ends(u64::MAX - 5));
        assert!(!ends(u64::MAX - 4) && !ends(u64::MAX));
    }
}
