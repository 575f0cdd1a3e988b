//! What was live when the server stopped is live again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Restored, Roster};
use crate::{
    Change, Commit, DeviceId, Failure, Now, OperationRecord, OperationState, Order, Registration,
    TimelineEntry, TimelineKind, Timestamp,
};

impl Roster {
    /// Takes in what the store has kept. Each live registration holds for a full lifetime from now, since the batch of
    /// liveness that was written last may be older than the last answer. Operations that wait go on waiting; those that
    /// were sent wait again, unless doing them twice would differ from doing them once.
    ///
    /// Gives what is to be committed because of that. Devices that are awake are to be asked for their
    /// [`Roster::next_order`]. Parts may come in any number; a device that is known already is passed over.
    pub fn restore(&mut self, now: Now, restored: Restored) -> Vec<Commit> {
        let mut commits: BTreeMap<DeviceId, Vec<Change>> = BTreeMap::new();
        let mut restored = restored;
        restored.devices.retain(|device| !self.devices.contains_key(&device.id));
        let new: BTreeSet<DeviceId> = restored.devices.iter().map(|device| device.id).collect();
        restored.registrations.retain(|registration| new.contains(&registration.device));
        restored.observations.retain(|observation| new.contains(&observation.device));
        restored.operations.retain(|record| new.contains(&record.device));
        for device in &restored.devices {
            self.add(device, restored.epochs.get(&device.id).copied().unwrap_or(0));
        }
        self.restore_awake(&restored.awake);
        for device in &restored.secured {
            self.with(*device, |hot| hot.secured = true);
        }
        // Those heard last come last, so that an address is theirs.
        let seen = |registration: &Registration| {
            restored.seen.get(&registration.device).copied().unwrap_or(registration.updated_at)
        };
        let mut registrations: Vec<&Registration> = restored.registrations.iter().collect();
        registrations.sort_by_key(|registration| (seen(registration), registration.device));
        for registration in registrations {
            let source = registration.source;
            let owner = self.by_source.get(&source).copied();
            self.register(now, registration);
            self.resume(now, registration.device, seen(registration));
            // One of an earlier part, or one that is live since the start, may have been heard from there later.
            let heard = |roster: &Self, device| roster.live(device).map(|live| (live.seen_at, device));
            if let Some(owner) = owner
                && heard(self, owner) > heard(self, registration.device)
            {
                self.by_source.insert(source, owner);
            }
        }
        for observation in &restored.observations {
            if self.live(observation.device).is_some() {
                self.begin_observation(observation);
            } else {
                let ended = Change::ObservationEnded {
                    device: observation.device,
                    target: observation.target.clone(),
                };
                commits.entry(observation.device).or_default().push(ended);
            }
        }
        for record in restored.operations {
            match self.fate(&record) {
                None => self.orders.push(now, Order::of(record)),
                Some((state, result)) => {
                    commits.entry(record.device).or_default().extend(ended(now, &record, state, result));
                }
            }
        }
        commits.into_values().map(|changes| Commit { changes, audit: Vec::new() }).collect()
    }

    /// How much time has passed without the server only the wall clock could say, so that a device in queue mode is taken
    /// to sleep until it is heard: nothing is sent that it would miss.
    fn resume(&mut self, now: Now, device: DeviceId, seen_at: Timestamp) {
        let Some(live) = self.live_mut(device) else { return };
        (live.silent, live.woke) = (true, false);
        live.seen_at = seen_at;
        let stored_expiry = live.registration.expires_at;
        live.registration.expires_at = now.wall.after(live.registration.lifetime.duration());
        #[cfg(planted)]
        if planted::is(planted::Fault::LeaseNotRenewed) {
            live.lease_until = now.mono + stored_expiry.since(now.wall);
        }
        // Only what would look wrong is written anew, not the whole fleet.
        if stored_expiry <= now.wall {
            self.unwritten.insert(device);
        }
    }

    fn fate(&self, record: &OperationRecord) -> Option<(OperationState, String)> {
        #[cfg(planted)]
        if planted::is(planted::Fault::ExecuteRepeated) {
            return None;
        }
        if record.state == OperationState::Sent && !record.operation.is_idempotent() {
            return Some((OperationState::Unknown, Failure::OutcomeUnknown.to_string()));
        }
        let registered = self.live(record.device).is_some();
        (!registered).then(|| (OperationState::Cancelled, "the device is not registered any more".to_owned()))
    }
}

fn ended(now: Now, record: &OperationRecord, state: OperationState, result: String) -> [Change; 2] {
    let detail = format!("{} {}: {result}", record.operation.name(), record.operation.target());
    let kind = TimelineKind::Operation;
    let entry =
        TimelineEntry { device: record.device, at: now.wall, kind, request: Some(record.request), detail };
    [Change::OperationEnded { id: record.id, state, at: now.wall, result }, Change::Timeline(entry)]
}
