//! Asks devices what their classes wish: follows what happens, and goes through the fleet after a start, after events that were
//! missed, and when a class wishes something else.
//!
//! What waits is in memory alone ([`Agenda`]): what is left to ask of a device is planned from what the store holds.

use std::{sync::Arc, time::Duration};

use fleet::{
    DeviceId, Feed, Fleet, FleetError, Look, Watched,
    wish::{Agenda, Tended},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{debug, warn};

use crate::{Stop, clock::Clock, tasks};

/// How often what waits is looked at: what happens to a device meanwhile is looked at once.
const PERIOD: Duration = Duration::from_millis(250);
/// How long to wait after the store has failed.
const RETRY: Duration = Duration::from_secs(5);

/// Runs until the server stops. What was being asked then is planned anew after the next start.
pub(crate) async fn run(fleet: Arc<Fleet>, feed: Feed, clock: Clock, mut stop: Stop) {
    let mut happened = feed.subscribe();
    let mut agenda = Agenda::new();
    // Tasks of their own: each may hold a connection to the store, which this one waits for, too.
    let mut tending = JoinSet::<(i64, Result<Tended, FleetError>)>::new();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps_from = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            Some(watched) = happened.next() => match watched {
                Watched::Event(event) => {
                    agenda.happened(event.device, &event.kind, fleet.is_anything_wished());
                }
                Watched::Missed(count) => {
                    warn!(count, "what classes wish missed what happened: the whole fleet is gone through");
                    agenda.begin_sweep();
                }
            },
            Some((device, tended)) = tasks::next_of(&mut tending) => {
                let stands = tended.unwrap_or_else(|error| {
                    debug!(device.id = device, %error, "a device could not be asked what its class wishes");
                    metrics::counter!("muster_wishes_failed_total").increment(1);
                    Tended::Settled(Some(clock.wall().after(RETRY)))
                });
                agenda.tended(clock.now(), DeviceId(device), stands);
            }
            _ = ticks.tick() => {
                match fleet.take_wish_changes() {
                    Look::All => agenda.begin_sweep(),
                    Look::At(devices) => {
                        for device in devices {
                            agenda.look_at(device);
                        }
                    }
                }
                if let Some(after) = agenda.sweeps_after().filter(|_| Instant::now() >= sweeps_from) {
                    match fleet.wished_after(after).await {
                        Ok((devices, goes_on)) => agenda.swept(&devices, goes_on),
                        Err(error) => {
                            debug!(%error, "what devices are wished to tell can't be read now");
                            sweeps_from = Instant::now() + RETRY;
                        }
                    }
                }
                for device in agenda.take_due(clock.now()) {
                    let (fleet, clock) = (Arc::clone(&fleet), clock.clone());
                    tending.spawn(async move { (device.0, fleet.tend(device, || clock.wall()).await) });
                }
                let (waiting, asked) = agenda.load();
                metrics::gauge!("muster_wishes_devices_waiting").set(waiting as f64);
                metrics::gauge!("muster_wishes_devices_asked").set(asked as f64);
            }
        }
    }
}
