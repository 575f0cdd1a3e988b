//! Whether the server can do its work: what `/readyz` says.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use fleet::{Store, StoreError};
use futures::{FutureExt, future::BoxFuture};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::{clock::Clock, endpoint::shard::Backlog};

/// What the shards have met lately.
#[derive(Debug)]
pub(crate) struct Health {
    clock: Clock,
    /// When the store last failed to take a commit, in milliseconds since 1970; 0 for never.
    store_failed_at: AtomicI64,
    backlog: Mutex<Backlog>,
}

/// How long a failed commit is held against the store. A small write may succeed on a full disk where a commit does not.
const REMEMBERED_MS: i64 = 2_000;
/// How long a store that is well may take to say so.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

impl Health {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, store_failed_at: AtomicI64::new(0), backlog: Mutex::default() }
    }

    /// Takes note of what became of a commit.
    pub(crate) fn committed<T>(&self, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => self.store_failed_at.store(0, Ordering::Relaxed),
            Err(StoreError::Unavailable) => {
                self.store_failed_at.store(self.clock.wall().0, Ordering::Relaxed)
            }
            Err(_) => {}
        }
    }

    /// Takes note of what waits for the store.
    pub(crate) fn waiting(&self, backlog: Backlog) {
        let before =
            std::mem::replace(&mut *self.backlog.lock().unwrap_or_else(PoisonError::into_inner), backlog);
        match (before.is_too_much(), backlog.is_too_much()) {
            (false, true) => warn!("{}; new work is turned away until it has caught up", slow(backlog)),
            (true, false) => info!("the store has caught up"),
            _ => {}
        }
    }

    async fn check(&self, store: &dyn Store) -> Result<(), String> {
        let failed_at = self.store_failed_at.load(Ordering::Relaxed);
        if self.clock.wall().0.saturating_sub(failed_at) < REMEMBERED_MS {
            return Err(reason(store, || StoreError::Unavailable.to_string()));
        }
        let backlog = *self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        if backlog.is_too_much() {
            return Err(reason(store, || slow(backlog)));
        }
        let Ok(checked) = timeout(ANSWERS_WITHIN, store.check()).await else {
            let backlog = Backlog { oldest: backlog.oldest.max(ANSWERS_WITHIN), ..backlog };
            return Err(reason(store, || slow(backlog)));
        };
        match store.trouble() {
            Some(trouble) => Err(trouble.to_string()),
            None => checked.map_err(|error| error.to_string()),
        }
    }
}

/// What is wrong and what to do, if the store knows it.
fn reason(store: &dyn Store, otherwise: impl FnOnce() -> String) -> String {
    store.trouble().map_or_else(otherwise, |trouble| trouble.to_string())
}

fn slow(Backlog { commits, oldest }: Backlog) -> String {
    format!("the store is slow: {commits} commits wait, the oldest for {} s", oldest.as_secs())
}

/// The question that `/readyz` asks.
pub(crate) fn ready(
    health: Arc<Health>,
    store: Arc<dyn Store>,
) -> Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync> {
    Arc::new(move || {
        let (health, store) = (Arc::clone(&health), Arc::clone(&store));
        async move { health.check(&*store).await }.boxed()
    })
}

#[cfg(test)]
mod tests {
    use fleet::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_failed_commit_is_held_against_the_store_until_one_succeeds() {
        let (health, store) = (Health::new(Clock::start()), MemoryStore::new());
        assert_eq!(health.check(&store).await, Ok(()));
        health.committed::<()>(&Err(StoreError::Conflict));
        assert_eq!(health.check(&store).await, Ok(()));
        health.committed::<()>(&Err(StoreError::Unavailable));
        assert!(health.check(&store).await.is_err());
        health.committed(&Ok(()));
        assert_eq!(health.check(&store).await, Ok(()));
        store.set_full(true);
        assert!(health.check(&store).await.is_err());
    }

    #[tokio::test]
    async fn a_store_that_is_slow_is_said_to_be_until_it_has_caught_up() {
        let (health, store) = (Health::new(Clock::start()), MemoryStore::new());
        health.waiting(Backlog { commits: 7, oldest: Backlog::MAX_WAIT });
        let slow = "the store is slow: 7 commits wait, the oldest for 5 s";
        assert_eq!(health.check(&store).await, Err(slow.to_owned()));
        health.waiting(Backlog { commits: Backlog::MAX_COMMITS, oldest: Duration::ZERO });
        assert!(health.check(&store).await.is_err());
        store.set_full(true);
        let full = fleet::store::Trouble::Full.to_string();
        assert_eq!(health.check(&store).await, Err(full), "what it waits for, once that is known");
        store.set_full(false);
        health.waiting(Backlog { commits: 7, oldest: Duration::from_secs(1) });
        assert_eq!(health.check(&store).await, Ok(()));
    }
}
