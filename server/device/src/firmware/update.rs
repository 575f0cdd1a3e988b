//! The state machine of one firmware update (LwM2M Core 1.1.1 §E.6.1), without a device around it.

use std::time::Duration;

use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

use super::{Delivered, FirmwareState, Package, UpdateResult};
use crate::Tree;

/// How far an update is, and which firmware runs.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) state: FirmwareState,
    pub(crate) result: UpdateResult,
    /// When the state or the result last changed.
    pub(crate) moved_at: Duration,
    /// The version that runs.
    pub(crate) running: String,
    /// The version that `/5/0/7` names.
    pub(crate) named: String,
    /// How often another firmware was installed.
    pub(crate) installs: u32,
    /// The last package that was taken whole.
    pub(crate) delivered: Option<Box<Delivered>>,
    /// What has come of a package.
    pub(crate) package: Option<Box<Package>>,
    /// What is to happen next, if nothing else does before.
    pub(crate) due: Option<(Duration, Due)>,
    /// Whether the device fetches the package that is coming.
    pub(crate) pulls: bool,
    /// Whether what has come of a package survives a power cut that is about to come.
    pub(crate) remembers: bool,
}

/// What time brings to an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The server has been silent for too long.
    Stalled,
    /// The window of queue mode closes.
    Sleep,
    /// The user has put the update off until now.
    Deferred,
    /// It has been installed.
    Installed,
    /// The device comes back once more.
    Flap,
}

impl Update {
    /// Firmware Version of the object Device.
    pub(crate) const RUNNING: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(3));

    /// Nothing is going on, and the version runs that the object Device names.
    pub(crate) fn of(tree: &Tree) -> Self {
        let running = match tree.get(&Self::RUNNING) {
            Some(Value::String(version)) => version.clone(),
            _ => String::new(),
        };
        Self {
            state: FirmwareState::Idle,
            result: UpdateResult::Initial,
            moved_at: Duration::ZERO,
            named: running.clone(),
            running,
            installs: 0,
            delivered: None,
            package: None,
            due: None,
            pulls: false,
            remembers: false,
        }
    }

    pub(crate) fn move_to(&mut self, now: Duration, state: FirmwareState, result: UpdateResult) {
        if (state, result) != (self.state, self.result) {
            (self.state, self.result, self.moved_at) = (state, result, now);
        }
        if state != FirmwareState::Downloading {
            self.package = None;
        }
        self.due = None;
    }

    /// Ends whatever is going on: nothing is left of the package.
    pub(crate) fn end(&mut self, now: Duration, result: UpdateResult) {
        self.named.clone_from(&self.running);
        self.move_to(now, FirmwareState::Idle, result);
    }

    pub(crate) fn begin(&mut self, now: Duration, pulls: bool) {
        self.move_to(now, FirmwareState::Downloading, UpdateResult::Initial);
        self.pulls = pulls;
        self.package = Some(Box::new(Package::new()));
    }

    /// Waits for what follows.
    pub(crate) fn wait(&mut self, now: Duration, patience: Duration) {
        self.due = Some((now + patience, Due::Stalled));
    }

    /// How much of a package is there.
    pub(crate) fn received(&self) -> usize {
        self.package.as_ref().map_or(0, |package| package.len())
    }

    /// The package is there whole. Nothing happens if it is none.
    pub(crate) fn complete(&mut self, now: Duration) -> Option<Delivered> {
        let delivered = self.package.take()?.delivered()?;
        self.named.clone_from(&delivered.version);
        self.delivered = Some(Box::new(delivered.clone()));
        self.move_to(now, FirmwareState::Downloaded, UpdateResult::Initial);
        Some(delivered)
    }

    /// The new firmware runs, and this is said of it.
    pub(crate) fn install(&mut self, now: Duration, result: UpdateResult) {
        self.running.clone_from(&self.named);
        self.installs += 1;
        self.end(now, result);
    }

    /// What the device finds when the power is back.
    pub(crate) fn lose_power(&mut self) {
        let remembers = std::mem::take(&mut self.remembers);
        match self.state {
            FirmwareState::Downloading if !remembers => self.end(self.moved_at, UpdateResult::Initial),
            // It was not whole, and the old firmware runs.
            FirmwareState::Updating => {
                self.move_to(self.moved_at, FirmwareState::Downloaded, UpdateResult::UpdateFailed);
            }
            _ => {}
        }
    }
}
