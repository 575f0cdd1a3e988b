//! Background work: each job idempotent, so that it may be cut off anywhere.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use fleet::{Fleet, Store, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tracing::warn;

use crate::{Stop, clock::Clock};

/// How often what is written in batches is written: audit entries of Reads, the diary, when credentials were used.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How often the store is rid of what is past its bound.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// How often the store is rid of values that their class keeps no more: all paths are looked at.
const PURGE_VALUES_EVERY: Duration = Duration::from_secs(3_600);

/// Runs until `stop`, and then writes what is left to write.
pub(crate) async fn run(store: Arc<dyn Store>, fleet: Arc<Fleet>, clock: Clock, mut stop: Stop) {
    let mut purging = pin!(purge(store, clock.clone()));
    let mut each_second = interval(FLUSH_EVERY);
    each_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = each_second.tick() => flush(&fleet, clock.wall()).await,
            never = &mut purging => match never {},
        }
    }
    flush(&fleet, clock.wall()).await;
}

async fn purge(store: Arc<dyn Store>, clock: Clock) -> Infallible {
    let mut purge = interval_at(Instant::now() + PURGE_EVERY, PURGE_EVERY);
    let mut values = interval_at(Instant::now() + PURGE_EVERY, PURGE_VALUES_EVERY);
    purge.set_missed_tick_behavior(MissedTickBehavior::Delay);
    values.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut believed = Believed(clock.wall());
    loop {
        let purged = tokio::select! {
            biased;
            _ = purge.tick() => store.purge(believed.next(clock.wall())).await,
            _ = values.tick() => store.purge_values(believed.0).await,
        };
        if let Err(error) = purged {
            warn!(%error, "purging failed and is tried again");
        }
    }
}

/// The time by which is purged. A wall clock that is set ahead by years does not make all that is kept old at once: who sees it
/// can set it right while little is lost.
struct Believed(Timestamp);

impl Believed {
    /// How far it follows the wall clock from one purge to the next.
    const MOST: Duration = Duration::from_secs(10 * PURGE_EVERY.as_secs());

    fn next(&mut self, wall: Timestamp) -> Timestamp {
        self.0 = wall.min(self.0.after(Self::MOST));
        self.0
    }
}

async fn flush(fleet: &Fleet, now: Timestamp) {
    for flushed in [fleet.flush_audit().await, fleet.flush_diary(now).await] {
        if let Err(error) = flushed {
            warn!(%error, "what is written in batches is not written yet");
        }
    }
    metrics::counter!("muster_diary_turned_away_total").absolute(fleet.incidents_turned_away());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_jumps_ahead_is_followed_slowly_and_one_that_is_set_back_at_once() {
        let at = |seconds| Timestamp(1_767_225_600_000).after(Duration::from_secs(seconds));
        let mut believed = Believed(at(0));
        assert_eq!(believed.next(at(60)), at(60));
        assert_eq!(believed.next(at(315_360_000)), at(660));
        assert_eq!(believed.next(at(315_360_060)), at(1_260));
        assert_eq!(believed.next(at(240)), at(240));
    }
}
