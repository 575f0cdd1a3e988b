//! When to look at which update.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{DeviceId, OperationId, Timestamp, store::RunningUpdate, update::UpdateId};

/// What is held in memory of the updates that go on.
#[derive(Default)]
pub(in crate::fleet) struct Agenda {
    pub(super) due: BTreeSet<(Timestamp, UpdateId)>,
    pub(super) updates: BTreeMap<UpdateId, Item>,
    pub(super) of_device: HashMap<DeviceId, Vec<UpdateId>>,
    pub(super) by_operation: HashMap<OperationId, UpdateId>,
    /// How far pushes and downloads are that is not written yet.
    pub(super) progress: BTreeMap<UpdateId, (u64, Timestamp)>,
}

pub(super) struct Item {
    device: DeviceId,
    due_at: Timestamp,
    pub(super) operation: Option<OperationId>,
    /// A step of it is being taken; it is looked at again right after, if something happened meanwhile.
    is_stepping: bool,
    hastened: bool,
}

impl Agenda {
    pub(super) fn add(&mut self, running: RunningUpdate) {
        let RunningUpdate { id, device, due_at, operation } = running;
        // One that was begun while the others were read back is there already.
        if self.updates.contains_key(&id) {
            return;
        }
        // What was being asked when the server stopped is known by now, or waits.
        let item = Item { device, due_at, operation, is_stepping: false, hastened: false };
        self.updates.insert(id, item);
        self.due.insert((due_at, id));
        self.of_device.entry(device).or_default().push(id);
        self.by_operation.extend(operation.map(|operation| (operation, id)));
    }

    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<UpdateId> {
        let stepping = self.updates.len().saturating_sub(self.due.len());
        let room = MAX_STEPPING.saturating_sub(stepping);
        let due: Vec<_> = self.due.iter().take_while(|(at, _)| *at <= now).take(room).copied().collect();
        for (at, id) in &due {
            self.due.remove(&(*at, *id));
            if let Some(item) = self.updates.get_mut(id) {
                (item.is_stepping, item.hastened) = (true, false);
            }
        }
        due.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn hasten(&mut self, id: UpdateId, now: Timestamp) {
        let Some(item) = self.updates.get_mut(&id) else { return };
        if item.is_stepping {
            item.hastened = true;
        } else if item.due_at > now {
            self.due.remove(&(item.due_at, id));
            item.due_at = now;
            self.due.insert((now, id));
        }
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
        let Some(next) = next else {
            self.waits_for(id, None);
            self.progress.remove(&id);
            if let Some(item) = self.updates.remove(&id)
                && let Some(others) = self.of_device.get_mut(&item.device)
            {
                others.retain(|other| *other != id);
                if others.is_empty() {
                    self.of_device.remove(&item.device);
                }
            }
            return;
        };
        let Some(item) = self.updates.get_mut(&id) else { return };
        item.is_stepping = false;
        item.due_at = if item.hastened { next.min(now) } else { next };
        self.due.insert((item.due_at, id));
    }
}

/// How many updates take a step at the same moment at most: one that pushes takes one for as long as that lasts.
const MAX_STEPPING: usize = 4_096;
