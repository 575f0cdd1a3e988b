//! Wishes in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{MemoryStore, tables::Tables};
use crate::{
    ClassId, DeviceId, StoreError,
    store::Wishing,
    wish::{Kept, NoComposites, WishChange, Wishes},
};

#[derive(Clone, Debug, Default)]
pub(super) struct WishTables {
    classes: BTreeMap<ClassId, Wishes>,
    kept: BTreeMap<DeviceId, Kept>,
    no_composites: BTreeMap<DeviceId, NoComposites>,
}

impl WishTables {
    pub(super) fn forget(&mut self, device: DeviceId) {
        self.kept.remove(&device);
        self.no_composites.remove(&device);
    }
}

impl Tables {
    pub(super) fn change_wish(&mut self, change: WishChange) -> Result<(), StoreError> {
        let wishes = &mut self.wishes;
        match change {
            WishChange::Saved { class, wishes: saved } => {
                if saved.is_empty() {
                    wishes.classes.remove(&class);
                } else if self.classes.contains_key(&class) {
                    wishes.classes.insert(class, saved);
                } else {
                    return Err(StoreError::Conflict);
                }
            }
            WishChange::Asked { device, target } => {
                if !self.devices.contains_key(&device) {
                    return Err(StoreError::Conflict);
                }
                wishes.kept.entry(device).or_default().owned.entry(target).or_default();
            }
            WishChange::Answered { device, target, owned } => {
                if let Some(known) = wishes.kept.get_mut(&device).and_then(|kept| kept.owned.get_mut(&target))
                {
                    *known = owned;
                }
            }
            WishChange::LetGo { device, target } => {
                if let Some(kept) = wishes.kept.get_mut(&device) {
                    kept.owned.remove(&target);
                }
            }
            WishChange::Wrote { device, path, written: None } => {
                if let Some(kept) = wishes.kept.get_mut(&device) {
                    kept.written.remove(&path);
                }
            }
            WishChange::Wrote { device, path, written: Some(written) } => {
                if !self.devices.contains_key(&device) {
                    return Err(StoreError::Conflict);
                }
                wishes.kept.entry(device).or_default().written.insert(path, written);
            }
            WishChange::Composites { device, unanswered: None } => drop(wishes.no_composites.remove(&device)),
            WishChange::Composites { device, unanswered: Some(unanswered) } => {
                if !self.devices.contains_key(&device) {
                    return Err(StoreError::Conflict);
                }
                wishes.no_composites.insert(device, unanswered);
            }
        }
        wishes.kept.retain(|_, kept| *kept != Kept::default());
        Ok(())
    }
}

#[async_trait]
impl Wishing for MemoryStore {
    async fn wishes(&self) -> Result<Vec<(ClassId, Wishes)>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.wishes.classes.iter().map(|(class, wishes)| (*class, wishes.clone())).collect())
    }

    async fn kept_wishes(&self, device: DeviceId) -> Result<Kept, StoreError> {
        Ok(self.available()?.tables.wishes.kept.get(&device).cloned().unwrap_or_default())
    }

    async fn no_composites(&self, device: DeviceId) -> Result<Option<NoComposites>, StoreError> {
        Ok(self.available()?.tables.wishes.no_composites.get(&device).cloned())
    }

    async fn wished_of(
        &self,
        classes: &BTreeSet<ClassId>,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let tables = &self.available()?.tables;
        let wished = tables.devices.values().filter(|device| {
            device.removed_at.is_none()
                && Some(device.id) > after
                && (classes.contains(&device.class) || tables.wishes.kept.contains_key(&device.id))
        });
        Ok(wished.map(|device| device.id).take(limit).collect())
    }
}
