//! The clocks of the process: the one place where time is read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fleet::{Now, Timestamp};
use rustls::pki_types::UnixTime;
use tokio::time::Instant;

/// A monotonic clock with its origin, and the wall clock.
///
/// The monotonic one is tokio's, which a test may pause.
#[derive(Clone, Debug)]
pub struct Clock {
    origin: Instant,
    wall: Wall,
}

#[derive(Clone, Debug)]
enum Wall {
    System,
    /// Goes on with the monotonic clock from some time on, and is off by so many milliseconds.
    Simulated {
        origin: Instant,
        at_origin: Timestamp,
        off_ms: Arc<AtomicI64>,
    },
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), wall: Wall::System }
    }

    /// A clock whose monotonic time begins now, and whose wall clock showed `at_origin` at `origin` and can be set: it is
    /// off by `off_ms`.
    pub fn simulated(origin: Instant, at_origin: Timestamp, off_ms: Arc<AtomicI64>) -> Self {
        Self { origin: Instant::now(), wall: Wall::Simulated { origin, at_origin, off_ms } }
    }

    /// This moment by both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { mono: self.origin.elapsed(), wall: self.wall() }
    }

    /// The wall clock.
    pub(crate) fn wall(&self) -> Timestamp {
        match &self.wall {
            Wall::System => wall(),
            Wall::Simulated { origin, at_origin, off_ms } => {
                let shown = at_origin.after(origin.elapsed());
                Timestamp(shown.0.saturating_add(off_ms.load(Ordering::Relaxed)))
            }
        }
    }

    /// The wall clock, as certificates are judged by it.
    pub(crate) fn unix_time(&self) -> UnixTime {
        unix_time(self.wall())
    }

    /// The instant that a monotonic time names.
    pub(crate) fn instant(&self, mono: Duration) -> Instant {
        self.origin + mono
    }
}

/// The system's wall clock.
pub(crate) fn wall() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// A moment, as certificates are judged by it.
pub(crate) fn unix_time(at: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(at.0.unsigned_abs()))
}
