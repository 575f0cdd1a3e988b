//! Background work: each job idempotent, so that it may be cut off anywhere.

use std::{sync::Arc, time::Duration};

use fleet::{Fleet, Store};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::{Stop, clock};

/// How often the audit entries of Reads are written.
const AUDIT_EVERY: Duration = Duration::from_secs(1);

/// How often the store is rid of what is past its bound.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// Runs until `stop`, and then writes what is left to write.
pub(crate) async fn run(store: Arc<dyn Store>, fleet: Arc<Fleet>, mut stop: Stop) {
    let mut audit = interval(AUDIT_EVERY);
    let mut purge = interval(PURGE_EVERY);
    audit.set_missed_tick_behavior(MissedTickBehavior::Delay);
    purge.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = audit.tick() => flush_audit(&fleet).await,
            _ = purge.tick() => {
                if let Err(error) = store.purge(clock::wall()).await {
                    warn!(%error, "purging failed and is tried again");
                }
            }
        }
    }
    flush_audit(&fleet).await;
}

async fn flush_audit(fleet: &Fleet) {
    if let Err(error) = fleet.flush_audit().await {
        warn!(%error, "audit entries of reads are not written yet");
    }
}
