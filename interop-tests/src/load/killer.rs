//! Kills the server again and again, as a power cut would.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::Process;
use crate::Subject;

/// Has a server in hand, in a thread of its own.
pub struct Killer {
    thread: JoinHandle<(Subject, Vec<Duration>)>,
    stop: Arc<AtomicBool>,
}

impl Killer {
    /// Kills it after a time from this range, starts it again, and so on. `kills` counts.
    pub fn start(
        mut subject: Subject,
        between: RangeInclusive<Duration>,
        seed: u64,
        process: Process,
        kills: Arc<AtomicUsize>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let work = async move || {
            let (mut random, mut starts) = (StdRng::seed_from_u64(seed), Vec::new());
            loop {
                let kill_at = Instant::now() + random.random_range(between.clone());
                while Instant::now() < kill_at {
                    if is_over.load(Ordering::Relaxed) {
                        return (subject, starts);
                    }
                    tokio::time::sleep(LOOK).await;
                }
                subject.kill();
                kills.fetch_add(1, Ordering::Relaxed);
                let killed = Instant::now();
                subject.start_again().await;
                process.set(subject.pid());
                starts.push(killed.elapsed());
            }
        };
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(work())
        });
        Self { thread, stop }
    }

    /// Kills it no more, and gives it back when it is ready, with how long it took each time from the kill until it was.
    ///
    /// # Panics
    /// If it has not started again.
    pub fn stop(self) -> (Subject, Vec<Duration>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

const LOOK: Duration = Duration::from_millis(50);
