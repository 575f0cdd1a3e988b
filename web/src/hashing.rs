//! Hashing of passwords: off the async threads, few at one time, and not many that wait.
//!
//! Each takes 19 MiB and tens of milliseconds, and people who are not logged in yet can ask for it.

use std::{sync::Arc, time::Duration};

use fleet::{FleetError, StoreError};
use tokio::sync::Semaphore;

/// The places for hashing.
pub(crate) struct Hashing {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Hashing {
    /// How many hash at one time.
    const AT_ONCE: usize = 2;
    /// How many wait for that.
    const WAITING: usize = 32;
    /// How long they wait.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

    /// Does work that hashes a password. [`FleetError::TooManyLogins`] if there is no place for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FleetError> {
        let place = self.place().await.ok_or_else(|| {
            metrics::counter!("muster_console_hashing_refused_total").increment(1);
            FleetError::TooManyLogins
        })?;
        // The place belongs to the work: who asked for it may have gone meanwhile.
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "the task that hashes a password failed");
            FleetError::Store(StoreError::Unavailable)
        })
    }

    async fn place(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.running).try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let place = Arc::clone(&self.running).acquire_owned();
        tokio::time::timeout(Self::PATIENCE, place).await.ok()?.ok()
    }
}

impl Default for Hashing {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(Self::AT_ONCE)), waiting: Semaphore::new(Self::WAITING) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    #[tokio::test]
    async fn so_many_hash_at_one_time_so_many_wait_and_the_others_are_turned_away() {
        let hashing = Arc::new(Hashing::default());
        let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let all: Vec<_> = (0..Hashing::AT_ONCE + Hashing::WAITING + 10)
            .map(|_| {
                let (hashing, at_once, most, gate) =
                    (Arc::clone(&hashing), Arc::clone(&at_once), Arc::clone(&most), Arc::clone(&gate));
                tokio::spawn(async move {
                    let work = move || {
                        most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        gate.lock().unwrap().recv().ok();
                        at_once.fetch_sub(1, Ordering::SeqCst);
                    };
                    hashing.run(work).await
                })
            })
            .collect();
        // Each task asks for its place before the first of them is let go.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        drop(go);
        let mut refused = 0;
        for task in all {
            match task.await.unwrap() {
                Ok(()) => {}
                Err(FleetError::TooManyLogins) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(refused, 10);
        assert!(most.load(Ordering::SeqCst) <= Hashing::AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let hashing = Hashing::default();
        let held = Arc::clone(&hashing.running).acquire_many_owned(2).await.unwrap();
        assert!(matches!(hashing.run(|| ()).await, Err(FleetError::TooManyLogins)));
        drop(held);
        assert!(hashing.run(|| ()).await.is_ok());
    }
}
