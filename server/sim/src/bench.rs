//! What all parts of a run have in common: its time, its trace, the moment the server dies, and the first rule it broke.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::trace::Trace;

/// What all parts of a run have in common.
pub struct Bench {
    inner: Mutex<Inner>,
    /// Wakes the world: something is to be looked at sooner than it thinks.
    pub pulse: Notify,
}

struct Inner {
    trace: Trace,
    /// When the present runtime began, by the run's time and by its own.
    base: Duration,
    started: Option<Instant>,
    /// How often the server has reached out of itself in this life.
    reaches: u64,
    /// At which reach it dies.
    dies_at: Option<u64>,
    alive: bool,
    life: u32,
    violation: Option<Violation>,
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which, such as `I-4`.
    pub invariant: &'static str,
    /// How.
    pub text: String,
}

impl Bench {
    /// One whose trace keeps so many lines.
    pub fn new(keep: usize) -> Self {
        let inner = Inner {
            trace: Trace::new(keep),
            base: Duration::ZERO,
            started: None,
            reaches: 0,
            dies_at: None,
            alive: false,
            life: 0,
            violation: None,
        };
        Self { inner: Mutex::new(inner), pulse: Notify::new() }
    }

    /// The time of the run, which goes on from one life of the server to the next. To be asked within a runtime.
    pub fn now(&self) -> Duration {
        let inner = self.lock();
        inner.base + inner.started.map_or(Duration::ZERO, |started| started.elapsed())
    }

    /// The instant of the present runtime at which the run's time is `at`.
    pub fn instant(&self, at: Duration) -> Instant {
        let inner = self.lock();
        inner.started.unwrap_or_else(Instant::now) + at.saturating_sub(inner.base)
    }

    /// A runtime begins.
    pub fn enter(&self) {
        self.lock().started = Some(Instant::now());
    }

    /// A runtime ends.
    pub fn leave(&self) {
        let now = self.now();
        let mut inner = self.lock();
        (inner.base, inner.started) = (now, None);
    }

    /// A server is about to start.
    pub fn revive(&self) {
        let mut inner = self.lock();
        inner.life += 1;
        (inner.alive, inner.reaches, inner.dies_at) = (true, 0, None);
    }

    /// The server dies when it has reached out so many times more.
    pub fn die_after(&self, reaches: u64) {
        let mut inner = self.lock();
        inner.dies_at = Some(inner.reaches + reaches);
    }

    /// The server does not die any more.
    pub fn live_on(&self) {
        self.lock().dies_at = None;
    }

    /// The server is no more: whatever its tasks still do reaches nobody.
    pub fn die(&self) {
        self.lock().alive = false;
        self.pulse.notify_one();
    }

    /// The server reaches for the network or the store. False if it is dead, and nothing of it is to be seen.
    pub fn reach(&self) -> bool {
        let mut inner = self.lock();
        inner.reaches += 1;
        if inner.alive && inner.dies_at.is_some_and(|at| inner.reaches >= at) {
            inner.alive = false;
            self.pulse.notify_one();
        }
        inner.alive
    }

    /// Whether the server lives.
    pub fn is_alive(&self) -> bool {
        self.lock().alive
    }

    /// Which start of the server this is, from 1 on.
    pub fn life(&self) -> u32 {
        self.lock().life
    }

    /// Writes a line of the trace.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let now = self.now();
        self.lock().trace.note(now, what);
    }

    /// A rule is broken. The first one counts.
    pub fn violate(&self, invariant: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.note(format_args!("VIOLATED {invariant}: {text}"));
        self.lock().violation.get_or_insert(Violation { invariant, text });
        self.pulse.notify_one();
    }

    /// The rule that was broken.
    pub fn violation(&self) -> Option<Violation> {
        self.lock().violation.clone()
    }

    /// What all lines of the trace hash to, how many there are, and the last ones.
    pub fn trace(&self) -> (u64, u64, Vec<String>) {
        let inner = self.lock();
        (inner.trace.hash(), inner.trace.lines(), inner.trace.tail().map(str::to_owned).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a line of the trace.
macro_rules! note {
    ($bench:expr, $($what:tt)*) => { $bench.note(format_args!($($what)*)) };
}
pub(crate) use note;
