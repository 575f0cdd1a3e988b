//! What came of a load, as JSON.

use std::{collections::BTreeMap, fs, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Options, Phase, Traffic};

/// All that is to be said of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where it was run.
    pub machine: Machine,
    /// What was asked for.
    pub options: Options,
    /// The version of the server's workspace.
    pub version: &'static str,
    /// Phase by phase.
    pub phases: Vec<PhaseFigures>,
    /// What this process took in memory for each device, all told.
    pub own_bytes_per_device: Option<u64>,
    /// The server over time, where it was looked at.
    pub moments: Vec<Moment>,
    /// How much the server's memory grew, by least squares over the second half of `moments`.
    pub rss_slope_mib_per_hour: Option<f64>,
    /// How often the server was killed.
    pub kills: usize,
    /// Answers that were not as they should have been, in words: the first of them.
    pub wrong: Vec<String>,
    /// Handshakes of devices that had a session.
    pub handshakes_repeated: u64,
}

/// A machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Its processor.
    pub processor: String,
    /// How many of them there are for this process.
    pub processors: usize,
    /// Its kernel.
    pub kernel: String,
}

/// What came of a phase.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseFigures {
    /// Which.
    pub phase: Phase,
    /// How many operations were begun.
    pub begun: u64,
    /// How many succeeded.
    pub done: u64,
    /// How many did not, by why.
    pub errors: BTreeMap<String, u64>,
    /// How many were not over when the phase was.
    pub unfinished: u64,
    /// How long it lasted, to the last answer.
    pub seconds: f64,
    /// Successes a second.
    pub rate: f64,
    /// Of those that succeeded.
    pub latency: Latency,
    /// Messages that devices have sent again.
    pub retransmissions: u64,
    /// Handshakes that were begun.
    pub handshakes: u64,
    /// What went over the wire.
    pub traffic: Traffic,
    /// The server's processor time for each success; none if it was started again meanwhile.
    pub server_cpu_us_per_operation: Option<f64>,
    /// The server's share of one processor.
    pub server_cpu_share: Option<f64>,
    /// The server's memory before.
    pub server_rss_bytes_before: Option<u64>,
    /// And after.
    pub server_rss_bytes_after: Option<u64>,
    /// How much it grew for each device.
    pub server_bytes_per_device: Option<i64>,
}

/// How long it took, in milliseconds, to three digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half were as fast as that.
    pub p50: f64,
    /// 90 of a hundred.
    pub p90: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// 999 of a thousand.
    pub p99_9: f64,
    /// All.
    pub max: f64,
}

/// The server at a time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Moment {
    /// Since the load began.
    pub seconds: f64,
    /// Its memory.
    pub rss_bytes: u64,
}

/// Counts what is over.
pub(super) struct Tally {
    pub(super) begun: u64,
    pub(super) done: u64,
    pub(super) errors: BTreeMap<String, u64>,
    latency: Histogram<u64>,
}

impl Machine {
    pub(super) fn this() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()));
        Self {
            processor: model.unwrap_or_default(),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
        }
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        let latency =
            Histogram::new_with_max(LONGEST_US, 3).expect("an hour to three digits is within its bounds");
        Self { begun: 0, done: 0, errors: BTreeMap::new(), latency }
    }

    pub(super) fn count(&mut self, outcome: Result<Duration, String>) {
        match outcome {
            Ok(latency) => {
                self.done += 1;
                self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
            }
            Err(why) => *self.errors.entry(why).or_default() += 1,
        }
    }

    pub(super) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 microseconds")]
    pub(super) fn latency(&self) -> Latency {
        let at = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1_000.0;
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), p99_9: at(0.999), max: at(1.0) }
    }
}

/// What takes longer counts as an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// The slope of memory over time, by least squares, of the second half: before that, caches fill.
#[expect(clippy::cast_precision_loss, reason = "memory is below 2^52 bytes")]
pub(super) fn slope_mib_per_hour(moments: &[Moment]) -> Option<f64> {
    let late = &moments[moments.len() / 2..];
    let count = late.len() as f64;
    let mean = |of: fn(&Moment) -> f64| late.iter().map(of).sum::<f64>() / count;
    let (time, memory) = (|one: &Moment| one.seconds, |one: &Moment| one.rss_bytes as f64);
    let (mean_time, mean_memory) = (mean(time), mean(memory));
    let covariance: f64 = late.iter().map(|one| (time(one) - mean_time) * (memory(one) - mean_memory)).sum();
    let variance: f64 = late.iter().map(|one| (time(one) - mean_time).powi(2)).sum();
    (late.len() > 2 && variance > 0.0).then(|| covariance / variance * 3_600.0 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_of_the_second_half() {
        let moment = |second: u32, mebibytes: u32| Moment {
            seconds: second.into(),
            rss_bytes: u64::from(mebibytes) << 20,
        };
        let filling = (0..100).map(|second| moment(second, second * 10));
        let growing = (100..200).map(|second| moment(second, 1_000 + (second - 100) / 10));
        let moments: Vec<_> = filling.chain(growing).collect();
        let slope = slope_mib_per_hour(&moments).unwrap();
        assert!((slope - 360.0).abs() < 5.0, "a mebibyte in ten seconds, not {slope} an hour");
        assert_eq!(slope_mib_per_hour(&moments[..3]), None);
    }

    #[test]
    fn latencies_are_told_in_milliseconds() {
        let mut tally = Tally::new();
        for ms in 1..=1_000 {
            tally.count(Ok(Duration::from_millis(ms)));
        }
        tally.count(Err("Update 5.03".to_owned()));
        let Latency { p50, p99, max, .. } = tally.latency();
        for (latency, expected) in [(p50, 500.0), (p99, 990.0), (max, 1_000.0)] {
            assert!((latency / expected - 1.0_f64).abs() < 0.001, "{latency} to three digits");
        }
        assert_eq!((tally.done, tally.failed()), (1_000, 1));
    }
}
