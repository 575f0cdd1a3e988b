//! When to look at which device's configuration, and which levels are to be gone through.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::{
    DeviceId, OperationId, Timestamp, configuration::Level, store::Cursor, store::PlannedConfiguration,
};

/// What is held in memory of the devices of which something is wanted.
#[derive(Default)]
pub(in crate::fleet) struct Agenda {
    due: BTreeSet<(Timestamp, DeviceId)>,
    items: HashMap<DeviceId, Item>,
    stepping: usize,
    /// The levels whose devices are to be looked at, each once.
    pub(super) sweeps: VecDeque<Sweep>,
}

/// A level whose devices are looked at, a few at a time.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    pub(super) level: Level,
    pub(super) after: After,
}

/// Where a sweep goes on.
#[derive(Clone, Debug, Default)]
pub(super) enum After {
    #[default]
    Begin,
    Device(DeviceId),
    Page(Cursor),
}

struct Item {
    due_at: Timestamp,
    operation: Option<OperationId>,
    /// It has what it is to have: that it says it is still there changes nothing.
    rests: bool,
    is_stepping: bool,
    hastened: bool,
}

/// How many devices take a step at the same moment at most.
const MAX_STEPPING: usize = 512;

impl Agenda {
    /// How many devices may be due before a sweep waits for them.
    pub(super) const MAX_BACKLOG: usize = 2_000;

    pub(super) fn plan(&mut self, planned: PlannedConfiguration) {
        let PlannedConfiguration { device, due_at, operation } = planned;
        // One that was touched while the others were read back is there already.
        if self.items.contains_key(&device) {
            return;
        }
        let item = Item { due_at, operation, rests: false, is_stepping: false, hastened: false };
        self.items.insert(device, item);
        self.due.insert((due_at, device));
    }

    /// It is to be looked at now, whether anything was wanted of it before or not.
    pub(super) fn touch(&mut self, device: DeviceId, now: Timestamp) {
        if self.items.contains_key(&device) {
            self.hasten(device, now);
        } else {
            self.plan(PlannedConfiguration { device, due_at: now, operation: None });
        }
    }

    pub(super) fn hasten(&mut self, device: DeviceId, now: Timestamp) {
        let Some(item) = self.items.get_mut(&device) else { return };
        if item.is_stepping {
            item.hastened = true;
        } else if item.due_at > now {
            self.due.remove(&(item.due_at, device));
            item.due_at = now;
            self.due.insert((now, device));
        }
    }

    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<DeviceId> {
        let room = MAX_STEPPING.saturating_sub(self.stepping);
        let due: Vec<_> = self.due.iter().take_while(|(at, _)| *at <= now).take(room).copied().collect();
        for (at, device) in &due {
            self.due.remove(&(*at, *device));
            if let Some(item) = self.items.get_mut(device) {
                (item.is_stepping, item.hastened) = (true, false);
            }
        }
        self.stepping += due.len();
        due.into_iter().map(|(_, device)| device).collect()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        (self.stepping < MAX_STEPPING).then(|| self.due.first().map(|(at, _)| *at)).flatten()
    }

    /// Whether more are due than may be.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        self.due.iter().take_while(|(at, _)| *at <= now).take(Self::MAX_BACKLOG).count() >= Self::MAX_BACKLOG
    }

    pub(super) fn waits_for(&mut self, device: DeviceId, operation: Option<OperationId>) {
        if let Some(item) = self.items.get_mut(&device) {
            item.operation = operation;
        }
    }

    pub(super) fn is_waiting_for(&self, device: DeviceId, operation: OperationId) -> bool {
        self.items.get(&device).is_some_and(|item| item.operation == Some(operation))
    }

    pub(super) fn rests(&self, device: DeviceId) -> bool {
        self.items.get(&device).is_none_or(|item| item.rests)
    }

    pub(super) fn is_planned(&self, device: DeviceId) -> bool {
        self.items.contains_key(&device)
    }

    /// A step was taken: when the next one is due, unless nothing is wanted of the device any more.
    pub(super) fn stepped(&mut self, device: DeviceId, next: Option<(Timestamp, bool)>, now: Timestamp) {
        self.stepping = self.stepping.saturating_sub(1);
        let Some(item) = self.items.get_mut(&device) else { return };
        let Some((next, rests)) = next else {
            if item.hastened {
                (item.is_stepping, item.due_at) = (false, now);
                self.due.insert((now, device));
            } else {
                self.items.remove(&device);
            }
            return;
        };
        (item.is_stepping, item.rests) = (false, rests);
        item.due_at = if item.hastened { next.min(now) } else { next };
        self.due.insert((item.due_at, device));
    }

    pub(super) fn sweep(&mut self, level: Level) {
        self.sweeps.retain(|sweep| sweep.level != level);
        self.sweeps.push_back(Sweep { level, after: After::Begin });
    }
}
