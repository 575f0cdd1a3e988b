//! Updates: those that go on, and those that have ended.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{Page, PageRequest, StoreError};
use crate::{
    ArtefactId, DeviceId, OperationId, Timestamp,
    update::{DownloadDigest, Update, UpdateId, UpdatePhase},
};

/// What the store knows of updates; a part of [`Store`](crate::Store).
#[async_trait]
pub trait Updates {
    /// One update.
    async fn update(&self, id: UpdateId) -> Result<Option<Update>, StoreError>;

    /// A page of the updates, the newest first by their names.
    async fn updates(&self, query: &UpdateQuery) -> Result<Page<Update>, StoreError>;

    /// Those that have not ended, by their names, after one of them: all that there are at a start.
    async fn running_updates(
        &self,
        after: Option<UpdateId>,
        limit: usize,
    ) -> Result<Vec<RunningUpdate>, StoreError>;

    /// The one that goes on and whose device fetches by a key of this digest.
    async fn update_by_download(&self, digest: &DownloadDigest) -> Result<Option<Update>, StoreError>;

    /// When updates of a device have failed at or after a time, the latest first; a few of them are enough to know that it rests.
    async fn failed_updates(
        &self,
        device: DeviceId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Timestamp>, StoreError>;

    /// How many updates there are in each phase, from counters: of one artefact, or of all. None for a phase in which there is none.
    async fn update_counts(
        &self,
        artefact: Option<ArtefactId>,
    ) -> Result<BTreeMap<UpdatePhase, u64>, StoreError>;
}

/// Which updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateQuery {
    /// Of one device.
    pub device: Option<DeviceId>,
    /// With one artefact.
    pub artefact: Option<ArtefactId>,
    /// In one phase.
    pub phase: Option<UpdatePhase>,
    /// Only those that have not ended.
    pub running: bool,
    /// Which page.
    pub page: PageRequest,
}

/// What is held in memory of an update that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningUpdate {
    /// Which.
    pub id: UpdateId,
    /// Of which device.
    pub device: DeviceId,
    /// When to look at it again.
    pub due_at: Timestamp,
    /// What is being asked.
    pub operation: Option<OperationId>,
}

/// How long an update is kept after its end.
pub const ENDED_UPDATE_KEPT: Duration = Duration::from_secs(365 * 86_400);
/// How many ended updates of one device are kept: the newest by their names. The others go when one ends.
pub const ENDED_UPDATES_PER_DEVICE: usize = 50;

impl UpdateQuery {
    /// All of them.
    pub fn all(page: PageRequest) -> Self {
        Self { device: None, artefact: None, phase: None, running: false, page }
    }

    /// Whether an update is one of those.
    pub fn takes(&self, update: &Update) -> bool {
        self.device.is_none_or(|device| update.device == device)
            && self.artefact.is_none_or(|artefact| update.artefact == artefact)
            && self.phase.is_none_or(|phase| update.phase == phase)
            && !(self.running && update.has_ended())
    }
}

impl From<&Update> for RunningUpdate {
    fn from(update: &Update) -> Self {
        let Update { id, device, due_at, asking, .. } = update;
        Self { id: *id, device: *device, due_at: *due_at, operation: asking.map(|(operation, _)| operation) }
    }
}
