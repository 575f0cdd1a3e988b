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
    loop {
        let purged = tokio::select! {
            biased;
            _ = purge.tick() => store.purge(clock.wall()).await,
            _ = values.tick() => store.purge_values(clock.wall()).await,
        };
        if let Err(error) = purged {
            warn!(%error, "purging failed and is tried again");
        }
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
