//! Configuration that goes on by itself: takes the steps that are due, and tells the engine what happens to devices.

use std::{future::poll_fn, sync::Arc, time::Duration};

use fleet::{
    Actor, Context, Feed, Fleet, FleetError, RequestId, SteppedConfiguration, Timestamp, Watched,
    configuration::{ConfiguredState, Counted},
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

use crate::{Stop, clock::Clock, tasks};

/// How often the devices are counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// How long nothing is looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long after a step through a level the next one comes.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// How long after a failure of the store the next try comes.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// Runs until the server stops. What is under way then goes on with the next start.
pub(crate) async fn run(fleet: Arc<Fleet>, feed: Feed, clock: Clock, mut stop: Stop) {
    let mut happened = feed.subscribe();
    while let Err(error) = fleet.restore_configurations().await {
        warn!(%error, "the configuration of devices could not be read back, and is tried again");
        tokio::select! {
            () = &mut stop => return,
            () = sleep(TRY_EVERY) => {}
        }
    }
    // Tasks of their own: each may hold a connection to the store, which this one waits for, too.
    let mut steps = JoinSet::new();
    let mut count = interval(COUNT_EVERY);
    count.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = true;
    loop {
        let now = clock.wall();
        for device in fleet.due_configurations(now) {
            let (fleet, clock) = (Arc::clone(&fleet), clock.clone());
            steps.spawn(async move { (device, fleet.advance_configuration(device, || clock.wall()).await) });
        }
        metrics::gauge!("muster_configuration_stepping").set(steps.len() as f64);
        let until =
            fleet.next_configuration().map_or(LOOK_EVERY, |next: Timestamp| next.since(now)).min(LOOK_EVERY);
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some((device, advanced)) = tasks::next_of(&mut steps) => match advanced {
                Ok(stepped) => told(device, stepped),
                Err(error) => {
                    warn!(device.row = device.0, %error, "a configuration could not go on and is tried again");
                }
            },
            Some(watched) = happened.next() => match watched {
                Watched::Event(event) => {
                    fleet.configuration_happened(event.device, &event.kind, clock.wall());
                }
                // Each is looked at when it is due.
                Watched::Missed(_) => {}
            },
            () = sleep(SWEEP_EVERY), if sweeps => match fleet.sweep_configurations(clock.wall()).await {
                Ok(more) => sweeps = more,
                Err(error) => warn!(%error, "the devices of a level could not be gone through; tried again"),
            },
            _ = count.tick() => {
                if let Err(error) = measure(&fleet, clock.wall()).await {
                    warn!(%error, "the configurations could not be counted");
                }
            }
            () = poll_fn(|context| fleet.poll_configurations(context)) => sweeps = true,
            () = sleep(until) => {}
        }
    }
}

fn told(device: fleet::DeviceId, stepped: SteppedConfiguration) {
    let Counted { found, repaired, stopped } = stepped.counted;
    for (name, count) in [
        ("muster_configuration_findings_total", found),
        ("muster_configuration_repairs_total", repaired),
        ("muster_configuration_flapping_total", stopped),
    ] {
        metrics::counter!(name).increment(count as u64);
    }
    let Some(state) = stepped.became else { return };
    metrics::counter!("muster_configuration_reached_total", "state" => state.name()).increment(1);
    match state {
        ConfiguredState::Flapping | ConfiguredState::Refused | ConfiguredState::Failed => {
            warn!(
                device.row = device.0,
                configuration.state = state.name(),
                "a device does not get the configuration that it is to have"
            );
        }
        _ => info!(device.row = device.0, configuration.state = state.name(), "configuration looked at"),
    }
}

/// How many devices are in each state.
async fn measure(fleet: &Fleet, now: Timestamp) -> Result<(), FleetError> {
    let actor = Actor::Server("configuration");
    let context = Context { actor, now, request: RequestId::from_random([0; 16]) };
    let counts = fleet.configuration_counts(&context).await?;
    for state in ConfiguredState::ALL {
        let count = counts.get(&state).copied().unwrap_or_default();
        metrics::gauge!("muster_configuration_devices", "state" => state.name()).set(count as f64);
    }
    Ok(())
}
