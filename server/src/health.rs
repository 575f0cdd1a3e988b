//! Whether the server can do its work: what `/readyz` says.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use fleet::{Store, StoreError};
use futures::{FutureExt, future::BoxFuture};

use crate::clock::Clock;

/// What the shards have met lately.
#[derive(Debug)]
pub(crate) struct Health {
    clock: Clock,
    /// When the store last failed to take a commit, in milliseconds since 1970; 0 for never.
    store_failed_at: AtomicI64,
}

/// How long a failed commit is held against the store. A small write may succeed on a full disk where a commit does not.
const REMEMBERED_MS: i64 = 2_000;

impl Health {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, store_failed_at: AtomicI64::new(0) }
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

    async fn check(&self, store: &dyn Store) -> Result<(), String> {
        let failed_at = self.store_failed_at.load(Ordering::Relaxed);
        if self.clock.wall().0.saturating_sub(failed_at) < REMEMBERED_MS {
            return Err(reason(store, &StoreError::Unavailable));
        }
        let checked = store.check().await;
        match store.trouble() {
            Some(trouble) => Err(trouble.to_string()),
            None => checked.map_err(|error| error.to_string()),
        }
    }
}

/// What is wrong and what to do, if the store knows it.
fn reason(store: &dyn Store, error: &StoreError) -> String {
    store.trouble().map_or_else(|| error.to_string(), |trouble| trouble.to_string())
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
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn a_failed_commit_is_held_against_the_store_until_one_succeeds() {
        let (health, store) = (Health::new(Clock::start()), MemoryStore::new());
        assert_eq!(block_on(health.check(&store)), Ok(()));
        health.committed::<()>(&Err(StoreError::Conflict));
        assert_eq!(block_on(health.check(&store)), Ok(()));
        health.committed::<()>(&Err(StoreError::Unavailable));
        assert!(block_on(health.check(&store)).is_err());
        health.committed(&Ok(()));
        assert_eq!(block_on(health.check(&store)), Ok(()));
        store.set_full(true);
        assert!(block_on(health.check(&store)).is_err());
    }
}
