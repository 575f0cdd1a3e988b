//! How many may try to log in: by name, over all names, and at one time.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::Timestamp;

/// The bounds on logins.
pub struct LoginBounds;

impl LoginBounds {
    /// The time over which attempts are counted.
    pub const WINDOW: Duration = Duration::from_secs(60);
    /// Attempts in the window under one name, whether or not such an account exists; a success starts the count anew.
    pub const PER_NAME: usize = 5;
    /// Attempts in the window over all names, so that guessing names costs as little as guessing passwords, and the
    /// audit log grows no faster.
    pub const OVER_ALL: usize = 120;
    /// Attempts under way at one time: each takes 19 MiB.
    pub const UNDER_WAY: usize = 8;
}

#[derive(Debug, Default)]
pub(super) struct Throttle {
    recent: Mutex<Recent>,
    under_way: Arc<AtomicUsize>,
}

/// The attempts of the last window, at most [`LoginBounds::OVER_ALL`].
#[derive(Debug, Default)]
struct Recent {
    attempts: VecDeque<(Timestamp, String)>,
    /// Who was told to wait since when, so that it is written down once a window.
    told: BTreeMap<String, Timestamp>,
}

/// A place among the logins under way, given back when it is dropped.
#[derive(Debug)]
pub struct LoginPermit(Arc<AtomicUsize>);

/// An attempt that may not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// Whether this is the first refusal of the window, which is worth a line in the audit log.
    pub(super) first: bool,
}

impl Throttle {
    /// Counts an attempt, or refuses it. It counts as failed until [`Throttle::succeeded`].
    pub(super) fn begin(&self, name: &str, now: Timestamp) -> Result<LoginPermit, Throttled> {
        let mut recent = self.lock();
        recent.forget(now);
        let under_name = recent.attempts.iter().filter(|(_, other)| other == name).count();
        if under_name >= LoginBounds::PER_NAME {
            let first = recent.told.insert(name.to_owned(), now).is_none();
            return Err(Throttled { first });
        }
        let taken = self.under_way.load(Ordering::Acquire);
        if recent.attempts.len() >= LoginBounds::OVER_ALL || taken >= LoginBounds::UNDER_WAY {
            let first = recent.told.insert(String::new(), now).is_none();
            return Err(Throttled { first });
        }
        // Only `begin` adds, and it holds the lock.
        self.under_way.fetch_add(1, Ordering::AcqRel);
        recent.attempts.push_back((now, name.to_owned()));
        Ok(LoginPermit(Arc::clone(&self.under_way)))
    }

    /// Forgets the attempts under a name.
    pub(super) fn succeeded(&self, name: &str) {
        self.lock().attempts.retain(|(_, other)| other != name);
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    /// Drops what is older than the window, and what lies ahead because the clock was set back.
    fn forget(&mut self, now: Timestamp) {
        let counts = |at: Timestamp| at <= now && now.since(at) < LoginBounds::WINDOW;
        self.attempts.retain(|(at, _)| counts(*at));
        self.told.retain(|_, at| counts(*at));
    }
}

impl Drop for LoginPermit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
