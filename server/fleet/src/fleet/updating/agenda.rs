//! Which updates go on, of which devices, and what each waits for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::schedule::Schedule;
use crate::{DeviceId, OperationId, Timestamp, store::RunningUpdate, update::UpdateId};

/// What is held in memory of the updates that go on.
pub(super) struct Agenda {
    schedule: Schedule<UpdateId>,
    updates: HashMap<UpdateId, Item>,
    of_device: BTreeSet<(DeviceId, UpdateId)>,
    by_operation: HashMap<OperationId, UpdateId>,
    /// How far pushes and downloads are that is not written yet.
    pub(super) progress: BTreeMap<UpdateId, (u64, Timestamp)>,
}

struct Item {
    device: DeviceId,
    operation: Option<OperationId>,
}

/// How many updates take a step at the same moment at most: a step lasts until the device has answered.
const MAX_STEPPING: usize = 4_096;

impl Agenda {
    pub(super) fn add(&mut self, running: RunningUpdate) {
        let RunningUpdate { id, device, due_at, operation } = running;
        // One that was begun while the others were read back is there already.
        if !self.schedule.plan(id, due_at) {
            return;
        }
        // What was being asked when the server stopped is known by now, or waits.
        self.updates.insert(id, Item { device, operation });
        self.of_device.insert((device, id));
        self.by_operation.extend(operation.map(|operation| (operation, id)));
    }

    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<UpdateId> {
        self.schedule.take_due(now)
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.schedule.next()
    }

    pub(super) fn hasten(&mut self, id: UpdateId, now: Timestamp) {
        self.schedule.hasten(id, now);
    }

    pub(super) fn goes_on(&self, id: UpdateId) -> bool {
        self.updates.contains_key(&id)
    }

    pub(super) fn updates_of(&self, device: DeviceId) -> Vec<UpdateId> {
        let of_device = self.of_device.range((device, UpdateId(uuid::Uuid::nil()))..);
        of_device.take_while(|(of, _)| *of == device).map(|(_, id)| *id).collect()
    }

    pub(super) fn waiting_for(&self, operation: OperationId) -> Option<UpdateId> {
        self.by_operation.get(&operation).copied()
    }

    pub(super) fn waits_for(&mut self, id: UpdateId, operation: Option<OperationId>) {
        let Some(item) = self.updates.get_mut(&id) else { return };
        if let Some(old) = std::mem::replace(&mut item.operation, operation) {
            self.by_operation.remove(&old);
        }
        self.by_operation.extend(operation.map(|operation| (operation, id)));
    }

    /// A step was taken: when the next one is due, unless the update has ended.
    pub(super) fn stepped(&mut self, id: UpdateId, next: Option<Timestamp>, now: Timestamp) {
        match next {
            Some(next) => self.schedule.stepped(id, next, now),
            None => self.remove(id),
        }
    }

    fn remove(&mut self, id: UpdateId) {
        self.waits_for(id, None);
        self.schedule.remove(id);
        self.progress.remove(&id);
        if let Some(item) = self.updates.remove(&id) {
            self.of_device.remove(&(item.device, id));
        }
    }
}

impl Default for Agenda {
    fn default() -> Self {
        Self {
            schedule: Schedule::new(MAX_STEPPING),
            updates: HashMap::new(),
            of_device: BTreeSet::new(),
            by_operation: HashMap::new(),
            progress: BTreeMap::new(),
        }
    }
}
