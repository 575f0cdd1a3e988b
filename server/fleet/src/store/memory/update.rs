//! Updates in memory.

use std::{collections::BTreeMap, ops::Bound};

use async_trait::async_trait;

use super::{MemoryStore, cursor::Position, page, tables::Tables};
use crate::{
    ArtefactId, DeviceId, StoreError, Timestamp,
    store::{ENDED_UPDATE_KEPT, ENDED_UPDATES_PER_DEVICE, Page, RunningUpdate, UpdateQuery, Updates},
    update::{DownloadDigest, Update, UpdateChange, UpdateId, UpdatePhase},
};

#[derive(Clone, Debug, Default)]
pub(super) struct UpdateTables {
    updates: BTreeMap<UpdateId, Update>,
}

impl UpdateTables {
    pub(super) fn forget(&mut self, device: DeviceId) {
        self.updates.retain(|_, update| update.device != device);
    }

    pub(super) fn purge(&mut self, now: Timestamp) {
        self.updates.retain(|_, update| update.ended_at.is_none_or(|at| at.after(ENDED_UPDATE_KEPT) > now));
    }

    /// The newest of those of a device that have ended stay.
    fn cut(&mut self, device: DeviceId) {
        let ended =
            self.updates.values().rev().filter(|update| update.device == device && update.has_ended());
        let old: Vec<UpdateId> = ended.skip(ENDED_UPDATES_PER_DEVICE).map(|update| update.id).collect();
        for id in old {
            self.updates.remove(&id);
        }
    }

    fn running(&mut self, id: UpdateId) -> Option<&mut Update> {
        self.updates.get_mut(&id).filter(|update| !update.has_ended())
    }
}

impl Tables {
    pub(super) fn change_update(&mut self, change: UpdateChange) -> Result<(), StoreError> {
        match change {
            UpdateChange::Begun(update) => {
                let same = |other: &Update| {
                    other.device == update.device && other.target == update.target && !other.has_ended()
                };
                let updates = &mut self.updates.updates;
                let is_new = !updates.contains_key(&update.id) && !updates.values().any(same);
                if !is_new || !self.devices.contains_key(&update.device) {
                    return Err(StoreError::Conflict);
                }
                let device = update.device;
                updates.insert(update.id, *update);
                self.updates.cut(device);
            }
            UpdateChange::Saved(update) => {
                if let Some(row) = self.updates.running(update.id) {
                    let (cancelling, rested) = (row.cancelling, row.rested);
                    *row = *update;
                    row.cancelling |= cancelling;
                    row.rested |= rested;
                    let device = row.device;
                    self.updates.cut(device);
                }
            }
            UpdateChange::Progressed(progress) => {
                for (id, sent, at) in progress {
                    if let Some(row) = self.updates.running(id) {
                        (row.sent, row.progress_at) = (sent, at);
                    }
                }
            }
            UpdateChange::Cancelling(id) => {
                if let Some(row) = self.updates.running(id) {
                    row.cancelling = true;
                }
            }
            UpdateChange::Rested(id) => {
                if let Some(row) = self.updates.running(id) {
                    row.rested = true;
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Updates for MemoryStore {
    async fn update(&self, id: UpdateId) -> Result<Option<Update>, StoreError> {
        Ok(self.available()?.tables.updates.updates.get(&id).cloned())
    }

    async fn updates(&self, query: &UpdateQuery) -> Result<Page<Update>, StoreError> {
        let UpdateQuery { device, artefact, phase, running, page: request } = query;
        let tables = &self.available()?.tables;
        let rows = tables.updates.updates.values().filter(|update| query.takes(update)).cloned();
        let list = format!("updates {device:?} {artefact:?} {phase:?} {running}");
        page(&list, rows, request, |update| Position::number(update.id.0.as_u128()))
    }

    async fn running_updates(
        &self,
        after: Option<UpdateId>,
        limit: usize,
    ) -> Result<Vec<RunningUpdate>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tables = &self.available()?.tables;
        let later = tables.updates.updates.range((from, Bound::Unbounded)).map(|(_, update)| update);
        let running = later.filter(|update| !update.has_ended()).take(limit);
        Ok(running.map(RunningUpdate::from).collect())
    }

    async fn update_by_download(&self, digest: &DownloadDigest) -> Result<Option<Update>, StoreError> {
        let tables = &self.available()?.tables;
        let of = |update: &&Update| update.download.as_ref() == Some(digest) && !update.has_ended();
        Ok(tables.updates.updates.values().find(of).cloned())
    }

    async fn failed_updates(
        &self,
        device: DeviceId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let tables = &self.available()?.tables;
        let failed = tables.updates.updates.values().filter(|update| {
            update.device == device && update.phase == UpdatePhase::Failed && update.ended_at >= Some(since)
        });
        let mut failed: Vec<Timestamp> = failed.filter_map(|update| update.ended_at).collect();
        failed.sort_by(|one, other| other.cmp(one));
        failed.truncate(limit);
        Ok(failed)
    }

    async fn update_counts(
        &self,
        artefact: Option<ArtefactId>,
    ) -> Result<BTreeMap<UpdatePhase, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        let tables = &self.available()?.tables;
        for update in tables.updates.updates.values() {
            if artefact.is_none_or(|artefact| update.artefact == artefact) {
                *counts.entry(update.phase).or_default() += 1;
            }
        }
        Ok(counts)
    }
}
