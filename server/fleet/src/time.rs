//! Time, always an argument: wall-clock [`Timestamp`]s to keep and show, and [`Now`], which adds the monotonic clock.

use std::{fmt, time::Duration};

/// Milliseconds since 1970-01-01T00:00:00Z, by the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// One moment by both clocks.
///
/// Lifetimes and time-outs are judged by `mono`, so that a jump of the wall clock changes no lease; `wall` is what is
/// stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the origin of the process's monotonic clock.
    pub mono: Duration,
    /// By the wall clock.
    pub wall: Timestamp,
}

impl Timestamp {
    /// This moment plus `duration`, saturating.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
