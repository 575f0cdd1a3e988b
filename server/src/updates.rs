//! Updates that go on by themselves: takes the steps that are due, and tells the engine what happens to devices.

use std::{future::poll_fn, sync::Arc, time::Duration};

use fleet::{Actor, Context, Feed, Fleet, FleetError, RequestId, Timestamp, Watched, update::UpdatePhase};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

use crate::{Stop, clock::Clock, tasks};

/// How often it is written how far pushes are.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// How often those that go on are counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How long nothing is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Runs until the server stops. What is under way then goes on with the next start.
pub(crate) async fn run(fleet: Arc<Fleet>, feed: Feed, clock: Clock, mut stop: Stop) {
    let mut happened = feed.subscribe();
    while let Err(error) = fleet.restore_updates().await {
        warn!(%error, "the updates that go on could not be read back, and are tried again");
        tokio::select! {
            () = &mut stop => return,
            () = sleep(FLUSH_EVERY) => {}
        }
    }
    // Tasks of their own: each may hold a connection to the store, which this one waits for, too.
    let mut steps = JoinSet::new();
    let mut flush = interval(FLUSH_EVERY);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = interval(COUNT_EVERY);
    count.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = clock.wall();
        for update in fleet.due_updates(now) {
            let (fleet, clock) = (Arc::clone(&fleet), clock.clone());
            steps.spawn(async move { (update, fleet.advance_update(update, || clock.wall()).await) });
        }
        metrics::gauge!("muster_updates_stepping").set(steps.len() as f64);
        let until = fleet.next_update().map_or(LOOK_EVERY, |next: Timestamp| next.since(now)).min(LOOK_EVERY);
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some((update, advanced)) = tasks::next_of(&mut steps) => match advanced {
                Ok(Some(phase)) => {
                    metrics::counter!("muster_updates_ended_total", "phase" => phase.name()).increment(1);
                    info!(update.id = %update, update.phase = phase.name(), "update ended");
                }
                Ok(None) => {}
                Err(error) => warn!(update.id = %update, %error, "an update could not go on and is tried again"),
            },
            Some(watched) = happened.next() => match watched {
                Watched::Event(event) => fleet.device_happened(event.device, &event.kind, clock.wall()),
                // Each is looked at when it is due.
                Watched::Missed(_) => {}
            },
            _ = flush.tick() => {
                if let Err(error) = fleet.flush_progress().await {
                    warn!(%error, "how far pushes are could not be written");
                }
            }
            _ = count.tick() => {
                if let Err(error) = measure(&fleet, clock.wall()).await {
                    warn!(%error, "the updates that go on could not be counted");
                }
            }
            () = poll_fn(|context| fleet.poll_updates(context)) => {}
            () = sleep(until) => {}
        }
    }
    // Best effort: what is not written is asked of the device again.
    let _ = fleet.flush_progress().await;
}

/// How many updates go on, by phase.
async fn measure(fleet: &Fleet, now: Timestamp) -> Result<(), FleetError> {
    let context = Context { actor: Actor::Server("updates"), now, request: RequestId::from_random([0; 16]) };
    let counts = fleet.update_counts(&context, None).await?;
    for phase in UpdatePhase::ALL.into_iter().filter(|phase| !phase.is_final()) {
        let count = counts.get(&phase).copied().unwrap_or_default();
        metrics::gauge!("muster_updates_running", "phase" => phase.name()).set(count as f64);
    }
    Ok(())
}
