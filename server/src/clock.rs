//! The clocks of the process: the one place where time is read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fleet::{Now, Timestamp};

/// A monotonic clock with its origin, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// This moment by both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { mono: self.origin.elapsed(), wall: wall() }
    }

    /// The instant that a monotonic time names.
    pub(crate) fn instant(&self, mono: std::time::Duration) -> Instant {
        self.origin + mono
    }
}

/// The wall clock.
pub(crate) fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
