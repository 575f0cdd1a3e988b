//! How long things take, on a machine that does other things too.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// The least that one of them took on average in a batch.
pub(crate) fn least(batches: u32, each: u32, mut batch: impl FnMut() -> Duration) -> Duration {
    (0..batches).map(|_| batch() / each).min().unwrap_or_default()
}

/// A stopwatch that is run for some calls only.
#[derive(Default)]
pub(crate) struct Stopwatch(pub(crate) Duration);

impl Stopwatch {
    pub(crate) fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = call();
        self.0 += began.elapsed();
        result
    }
}

/// The processor time of a process of one thread, or of a thread: what its `schedstat` says as long as it sleeps.
pub(crate) fn processor_time(of: &Path) -> Duration {
    let text = fs::read_to_string(of.join("schedstat")).expect("it runs");
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first field is nanoseconds on a processor"))
}
