//! When to look at which device's configuration, and which levels are to be gone through.

use std::collections::{HashMap, VecDeque};

use objects::Path;

use super::super::schedule::Schedule;
use crate::{
    DeviceId, OperationId, Timestamp, configuration::Level, store::Cursor, store::PlannedConfiguration,
};

/// What is held in memory of the devices of which something is wanted.
pub(super) struct Agenda {
    schedule: Schedule<DeviceId>,
    items: HashMap<DeviceId, Item>,
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

#[derive(Default)]
struct Item {
    operation: Option<OperationId>,
    /// What was asked last by the engine itself.
    own: Option<OperationId>,
    /// Somebody may have written to it since it was looked at.
    was_written: bool,
    /// The resources that its own baseline names.
    paths: Box<[Path]>,
    /// It has what it is to have: that it says it is still there changes nothing.
    rests: bool,
}

/// How many devices take a step at the same moment at most.
const MAX_STEPPING: usize = 512;

impl Agenda {
    /// How many devices may be due before a sweep waits for them.
    pub(super) const MAX_BACKLOG: usize = 2_000;

    pub(super) fn plan(&mut self, planned: PlannedConfiguration) {
        let PlannedConfiguration { device, due_at, operation } = planned;
        // One that was touched while the others were read back is there already.
        if self.schedule.plan(device, due_at) {
            // Nobody knows what was written before.
            let item = Item { operation, own: operation, was_written: true, ..Item::default() };
            self.items.insert(device, item);
        }
    }

    /// It is to be looked at now, whether anything was wanted of it before or not.
    pub(super) fn touch(&mut self, device: DeviceId, now: Timestamp) {
        self.plan(PlannedConfiguration { device, due_at: now, operation: None });
        self.hasten(device, now);
    }

    pub(super) fn hasten(&mut self, device: DeviceId, now: Timestamp) {
        self.schedule.hasten(device, now);
    }

    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<DeviceId> {
        self.schedule.take_due(now)
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.schedule.next()
    }

    /// Whether more are due than may be.
    pub(super) fn is_behind(&self, now: Timestamp) -> bool {
        self.schedule.has_due(Self::MAX_BACKLOG, now)
    }

    pub(super) fn waits_for(&mut self, device: DeviceId, operation: Option<OperationId>) {
        if let Some(item) = self.items.get_mut(&device) {
            item.operation = operation;
            item.own = operation.or(item.own);
        }
    }

    pub(super) fn is_waiting_for(&self, device: DeviceId, operation: OperationId) -> bool {
        self.items.get(&device).is_some_and(|item| item.operation == Some(operation))
    }

    /// Something was written to a device. Whether that was somebody else than the engine, and something is wanted of it.
    pub(super) fn was_written(&mut self, device: DeviceId, operation: OperationId) -> bool {
        let is_others = |item: &&mut Item| item.own != Some(operation);
        let Some(item) = self.items.get_mut(&device).filter(is_others) else { return false };
        item.was_written = true;
        true
    }

    /// Whether somebody may have written to a device since this was asked last.
    pub(super) fn take_written(&mut self, device: DeviceId) -> bool {
        self.items.get_mut(&device).is_some_and(|item| std::mem::take(&mut item.was_written))
    }

    /// What was found to have been written was not looked at.
    pub(super) fn put_written_back(&mut self, device: DeviceId) {
        if let Some(item) = self.items.get_mut(&device) {
            item.was_written = true;
        }
    }

    /// The resources that the baseline of a device itself names.
    pub(super) fn names(&mut self, device: DeviceId, paths: Box<[Path]>) {
        if let Some(item) = self.items.get_mut(&device) {
            item.paths = paths;
        }
    }

    /// Whether a device's own baseline names one of some resources.
    pub(super) fn names_some(&self, device: DeviceId, mut is_one: impl FnMut(&Path) -> bool) -> bool {
        self.items.get(&device).is_some_and(|item| item.paths.iter().any(&mut is_one))
    }

    pub(super) fn rests(&self, device: DeviceId) -> bool {
        self.items.get(&device).is_none_or(|item| item.rests)
    }

    pub(super) fn is_planned(&self, device: DeviceId) -> bool {
        self.items.contains_key(&device)
    }

    /// A step was taken: when the next one is due and whether it rests till then, unless nothing is wanted of the device any more.
    pub(super) fn stepped(&mut self, device: DeviceId, next: Option<(Timestamp, bool)>, now: Timestamp) {
        match next {
            Some((at, rests)) => {
                self.schedule.stepped(device, at, now);
                if let Some(item) = self.items.get_mut(&device) {
                    item.rests = rests;
                }
            }
            None => {
                self.schedule.settled(device, now);
                if !self.schedule.contains(device) {
                    self.items.remove(&device);
                }
            }
        }
    }

    pub(super) fn sweep(&mut self, level: Level) {
        self.sweeps.retain(|sweep| sweep.level != level);
        self.sweeps.push_back(Sweep { level, after: After::Begin });
    }
}

impl Default for Agenda {
    fn default() -> Self {
        Self { schedule: Schedule::new(MAX_STEPPING), items: HashMap::new(), sweeps: VecDeque::new() }
    }
}
