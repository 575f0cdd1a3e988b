//! When to look at which device: pure, and told of all that happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{DeviceId, EventKind, Now, Timestamp};

/// Which devices wait to be looked at.
#[derive(Debug, Default)]
pub struct Agenda {
    due: BTreeSet<DeviceId>,
    /// Those of which something failed, by when it is tried again by the monotonic clock.
    later: BTreeSet<(Duration, DeviceId)>,
    again_at: BTreeMap<DeviceId, Duration>,
    /// Those that sleep and are to be asked something.
    asleep: BTreeSet<DeviceId>,
    /// Those that are looked at now, and whether something has happened meanwhile.
    tending: BTreeMap<DeviceId, bool>,
    /// Where to go on; none if no sweep is under way.
    sweep: Option<Option<DeviceId>>,
}

/// Where a device stands after it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tended {
    /// It sleeps, and there is something to ask.
    Asleep,
    /// It is not registered.
    Gone,
    /// Nothing is left to ask; what failed is tried again then.
    Settled(Option<Timestamp>),
}

impl Agenda {
    /// How many devices wait at most; with more, the whole fleet is gone through.
    pub const MAX_DUE: usize = 20_000;
    /// How many devices are asked something at the same moment at most.
    pub const MAX_TENDING: usize = 512;

    /// All of the fleet waits: nobody knows what happened while the server did not run.
    pub fn new() -> Self {
        Self { sweep: Some(None), ..Self::default() }
    }

    /// Something has happened to a device. Where no class wishes anything, only those matter that a sweep has come upon.
    pub fn happened(&mut self, device: DeviceId, kind: &EventKind, is_any_wished: bool) {
        let is_known = || {
            self.asleep.contains(&device)
                || self.again_at.contains_key(&device)
                || self.tending.contains_key(&device)
        };
        let matters = match kind {
            EventKind::Registered | EventKind::Updated { .. } | EventKind::Observations => {
                is_any_wished || is_known()
            }
            // Who says something listens for a while.
            EventKind::Readings(_) => self.asleep.contains(&device),
            EventKind::Deregistered | EventKind::Expired | EventKind::Revoked | EventKind::Removed => {
                self.forget(device);
                false
            }
            EventKind::Operation { .. } | EventKind::Update { .. } | EventKind::Awake => false,
            EventKind::Bootstrap(_) | EventKind::Configuration { .. } => false,
        };
        if matters {
            self.look_at(device);
        }
    }

    /// A device is to be looked at. False where as many wait as may: the fleet is gone through instead.
    pub fn look_at(&mut self, device: DeviceId) -> bool {
        if let Some(again) = self.tending.get_mut(&device) {
            *again = true;
            return true;
        }
        if self.due.len() >= Self::MAX_DUE && !self.due.contains(&device) {
            self.begin_sweep();
            return false;
        }
        self.forget(device);
        self.due.insert(device);
        true
    }

    /// The whole fleet is to be gone through.
    pub fn begin_sweep(&mut self) {
        self.due.clear();
        self.sweep = Some(None);
    }

    /// After which device the sweep goes on, if one is under way and there is room for more.
    pub fn sweeps_after(&self) -> Option<Option<DeviceId>> {
        self.sweep.filter(|_| self.due.len() < Self::MAX_TENDING)
    }

    /// The sweep has come upon these; it goes on behind the last one, or ends.
    pub fn swept(&mut self, devices: &[DeviceId], goes_on: bool) {
        // One that was begun anew meanwhile is not ended.
        self.sweep = devices.last().filter(|_| goes_on).map(|last| Some(*last));
        for device in devices {
            if !self.asleep.contains(device) {
                self.look_at(*device);
            }
        }
    }

    /// The devices to look at now; each is to be followed by [`Agenda::tended`].
    pub fn take_due(&mut self, now: Now) -> Vec<DeviceId> {
        while let Some((at, device)) = self.later.first().copied()
            && at <= now.mono
        {
            self.forget(device);
            self.due.insert(device);
        }
        let room = Self::MAX_TENDING.saturating_sub(self.tending.len());
        let due: Vec<DeviceId> = self.due.iter().copied().take(room).collect();
        for device in &due {
            self.due.remove(device);
            self.tending.insert(*device, false);
        }
        due
    }

    /// A device was looked at.
    pub fn tended(&mut self, now: Now, device: DeviceId, stands: Tended) {
        let again = self.tending.remove(&device).unwrap_or_default();
        match stands {
            _ if again => {
                self.look_at(device);
            }
            Tended::Asleep => drop(self.asleep.insert(device)),
            Tended::Settled(Some(at)) => {
                // The span is taken once, so that a later jump of the wall clock does not move it.
                let at = now.mono.saturating_add(at.since(now.wall));
                self.again_at.insert(device, at);
                self.later.insert((at, device));
            }
            Tended::Gone | Tended::Settled(None) => {}
        }
    }

    /// When [`Agenda::take_due`] has something, if nothing happens before that; none if nothing waits.
    pub fn next_at(&self) -> Option<Duration> {
        self.later.first().map(|(at, _)| *at)
    }

    /// How many wait to be looked at, and how many are asked something.
    pub fn load(&self) -> (usize, usize) {
        (self.due.len(), self.tending.len())
    }

    /// Whether nothing waits that could be done now.
    pub fn is_idle(&self) -> bool {
        self.due.is_empty() && self.sweep.is_none() && self.tending.is_empty()
    }

    fn forget(&mut self, device: DeviceId) {
        self.asleep.remove(&device);
        self.due.remove(&device);
        if let Some(at) = self.again_at.remove(&device) {
            self.later.remove(&(at, device));
        }
    }
}
