//! How long to wait for something: until it is so, and not a moment longer than the deadline.

use std::time::{Duration, Instant};

/// A moment at which waiting ends.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// What should take no time at all, on a machine that is busy.
    pub const USUAL: Duration = Duration::from_secs(60);

    /// So long from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// In the usual time.
    pub fn usual() -> Self {
        Self::after(Self::USUAL)
    }

    /// How much of it is left.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether there is nothing left of it.
    pub fn has_passed(&self) -> bool {
        self.left().is_zero()
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none at the deadline; the message names `what`.
pub async fn until<T>(what: &str, deadline: Deadline, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(!deadline.has_passed(), "in vain: waited for {what}");
        tokio::time::sleep(BETWEEN).await;
    }
}

const BETWEEN: Duration = Duration::from_millis(50);
