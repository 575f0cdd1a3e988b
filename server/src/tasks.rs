//! Background work: each job idempotent, so that it may be cut off anywhere.

use std::{sync::Arc, time::Duration};

use fleet::{Fleet, Store, Timestamp};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::{Stop, clock::Clock};

/// How often what is written in batches is written: audit entries of Reads, the diary, when credentials were used.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How often the store is rid of what is past its bound.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop`, and then writes what is left to write.
pub(crate) async fn run(store: Arc<dyn Store>, fleet: Arc<Fleet>, clock: Clock, mut stop: Stop) {
    let mut each_second = interval(FLUSH_EVERY);
    let mut purge = interval(PURGE_EVERY);
    each_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    purge.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = each_second.tick() => flush(&fleet, clock.wall()).await,
            _ = purge.tick() => {
                if let Err(error) = store.purge(clock.wall()).await {
                    warn!(%error, "purging failed and is tried again");
                }
            }
        }
    }
    flush(&fleet, clock.wall()).await;
}

async fn flush(fleet: &Fleet, now: Timestamp) {
    for flushed in [fleet.flush_audit().await, fleet.flush_diary(now).await] {
        if let Err(error) = flushed {
            warn!(%error, "what is written in batches is not written yet");
        }
    }
    metrics::counter!("muster_diary_turned_away_total").absolute(fleet.incidents_turned_away());
}
