//! Follows what happens, and has the rules of groups and classes asked about the devices it happens to.
//!
//! What waits is a set of devices, and where to go on in a sweep of the fleet: after a start, after events that were missed, and
//! when a rule is another. Nothing of a datagram's way waits for it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use ::fleet::{Actor, Context, DeviceId, Evaluated, Fleet, FleetError, RequestId, Subscription, Watched};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, warn};
use uuid::Uuid;

use crate::{Stop, clock};

/// How many devices wait at most; with more, the whole fleet is gone through.
const MAX_WAITING: usize = 20_000;
/// How often what waits is looked at: what happens to a device meanwhile is looked at once.
const PERIOD: Duration = Duration::from_millis(250);
/// How long to wait after the store has failed.
const RETRY: Duration = Duration::from_secs(5);

/// What waits to be looked at.
#[derive(Debug)]
struct Work {
    waiting: BTreeSet<DeviceId>,
    /// Where to go on; none if no sweep is under way.
    sweep: Option<Option<DeviceId>>,
    /// The sweeps that were asked for when this one began.
    sweeps: u64,
}

/// Runs until the server stops. What waits then is found by the sweep after the next start.
pub(crate) async fn run(fleet: Arc<Fleet>, mut stop: Stop) {
    let context = Context { actor: Actor::RULE, now: clock::wall(), request: RequestId(Uuid::nil()) };
    let mut events = match fleet.subscribe(&context).await {
        Ok(events) => events,
        Err(error) => return warn!(%error, "nobody asks the rules"),
    };
    let mut work = Work::new(fleet.sweeps_wanted());
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = follow(&fleet, &mut events, &mut work) => return,
            _ = ticks.tick() => {
                if let Err(error) = step(&fleet, &mut work).await {
                    debug!(%error, "the rules can't be asked now");
                    ticks.reset_after(RETRY);
                }
            }
        }
    }
}

/// Notes what happens. Ends only when the feed is gone.
async fn follow(fleet: &Fleet, events: &mut Subscription, work: &mut Work) {
    while let Some(watched) = events.next().await {
        match watched {
            Watched::Event(event) if fleet.concerns_rules(&event) => work.wait_for(event.device),
            Watched::Event(_) => {}
            Watched::Missed(count) => {
                warn!(count, "the rules missed what happened: the whole fleet is gone through");
                work.begin_sweep();
            }
        }
    }
}

/// Looks at what waits, and goes further in a sweep, for half of the time: the other half is for others.
async fn step(fleet: &Fleet, work: &mut Work) -> Result<(), FleetError> {
    let sweeps = fleet.sweeps_wanted();
    if sweeps != work.sweeps {
        work.sweeps = sweeps;
        work.begin_sweep();
    }
    if !work.is_empty() && !fleet.has_rules().await? {
        work.waiting.clear();
        work.sweep = None;
    }
    let began = Instant::now();
    while !work.is_empty() && began.elapsed() < PERIOD / 2 {
        look(fleet, work).await?;
    }
    metrics::gauge!("muster_rules_devices_waiting").set(work.waiting.len() as f64);
    Ok(())
}

async fn look(fleet: &Fleet, work: &mut Work) -> Result<(), FleetError> {
    let devices: Vec<DeviceId> = work.waiting.iter().copied().take(Fleet::EVALUATED_TOGETHER).collect();
    if !devices.is_empty() {
        let began = Instant::now();
        count(fleet.evaluate(clock::wall(), &devices).await?, began);
        for device in &devices {
            work.waiting.remove(device);
        }
    }
    if let Some(after) = work.sweep {
        let began = Instant::now();
        let (evaluated, next) = fleet.evaluate_after(clock::wall(), after).await?;
        count(evaluated, began);
        work.sweep = next.map(Some);
    }
    Ok(())
}

fn count(evaluated: Evaluated, began: Instant) {
    let Evaluated { devices, rules, undecided, joined, left, classified } = evaluated;
    metrics::counter!("muster_rules_devices_total").increment(devices);
    metrics::counter!("muster_rules_asked_total").increment(rules);
    metrics::counter!("muster_rules_undecided_total").increment(undecided);
    metrics::counter!("muster_group_changes_total", "change" => "joined").increment(joined);
    metrics::counter!("muster_group_changes_total", "change" => "left").increment(left);
    metrics::counter!("muster_devices_classified_total").increment(classified);
    metrics::histogram!("muster_rules_seconds").record(began.elapsed().as_secs_f64());
}

impl Work {
    /// All of the fleet, for nobody knows what happened while the server did not run.
    fn new(sweeps: u64) -> Self {
        Self { waiting: BTreeSet::new(), sweep: Some(None), sweeps }
    }

    fn wait_for(&mut self, device: DeviceId) {
        if self.waiting.len() >= MAX_WAITING && !self.waiting.contains(&device) {
            metrics::counter!("muster_rules_devices_turned_away_total").increment(1);
            self.begin_sweep();
            return;
        }
        self.waiting.insert(device);
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.sweep.is_none()
    }

    /// What waits is found by it, too.
    fn begin_sweep(&mut self) {
        self.waiting.clear();
        self.sweep = Some(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_devices_than_may_wait_are_found_by_a_sweep() {
        let mut work = Work { sweep: None, ..Work::new(0) };
        for number in 0..20_000 {
            work.wait_for(DeviceId(number));
            work.wait_for(DeviceId(number));
        }
        assert_eq!((work.waiting.len(), work.sweep), (MAX_WAITING, None));
        work.wait_for(DeviceId(7));
        assert_eq!(work.sweep, None, "who waits already needs no room");
        work.wait_for(DeviceId(20_000));
        assert_eq!((work.waiting.len(), work.sweep), (0, Some(None)));
    }
}
