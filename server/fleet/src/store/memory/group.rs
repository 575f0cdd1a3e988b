//! Groups and labels in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use async_trait::async_trait;

use super::{MemoryStore, tables::Tables};
use crate::{
    ClassId, ClassRule, DeviceId, Group, GroupChange, GroupId, Labels, StoreError,
    store::{Candidate, DeviceQuery, Groups},
};

#[derive(Clone, Debug, Default)]
pub(super) struct GroupTables {
    groups: BTreeMap<GroupId, Group>,
    members: BTreeSet<(GroupId, DeviceId)>,
    labels: BTreeMap<DeviceId, Labels>,
    class_rules: BTreeMap<ClassId, ClassRule>,
    contested: BTreeSet<(ClassId, DeviceId)>,
}

impl GroupTables {
    pub(super) fn leave_all(&mut self, device: DeviceId) {
        self.members.retain(|(_, other)| *other != device);
        self.settle(device);
    }

    /// Nobody asks any more which class a device is of.
    pub(super) fn settle(&mut self, device: DeviceId) {
        self.contested.retain(|(_, other)| *other != device);
    }

    pub(super) fn unlabel(&mut self, device: DeviceId) {
        self.labels.remove(&device);
    }

    /// Whether a device has the label, and is in the group, that a list is asked for.
    pub(super) fn lists(&self, query: &DeviceQuery, device: DeviceId) -> bool {
        let labels = self.labels.get(&device);
        query.label.as_ref().is_none_or(|label| labels.is_some_and(|labels| label.is_among(labels)))
            && query.group.is_none_or(|group| self.members.contains(&(group, device)))
    }

    fn save(&mut self, group: Group) -> Result<(), StoreError> {
        let other = |other: &Group| {
            other.id != group.id && (other.name == group.name || other.public_id == group.public_id)
        };
        if self.groups.values().any(other) {
            return Err(StoreError::Conflict);
        }
        self.groups.insert(group.id, group);
        Ok(())
    }

    fn of(&self, device: DeviceId) -> BTreeSet<GroupId> {
        let groups = self.groups.keys().copied();
        groups.filter(|group| self.members.contains(&(*group, device))).collect()
    }

    fn contested_by(&self, device: DeviceId) -> BTreeSet<ClassId> {
        let rows = self.contested.iter().filter(|(_, other)| *other == device);
        rows.map(|(class, _)| *class).collect()
    }

    fn labels(&self, device: DeviceId) -> Labels {
        self.labels.get(&device).cloned().unwrap_or_default()
    }
}

impl Tables {
    pub(super) fn change_group(&mut self, change: GroupChange) -> Result<(), StoreError> {
        match change {
            GroupChange::Saved(group) => self.groups.save(*group)?,
            GroupChange::Removed(id) => {
                self.groups.groups.remove(&id);
                self.groups.members.retain(|(group, _)| *group != id);
            }
            GroupChange::Members { group, joined, left } => {
                if self.groups.groups.contains_key(&group) {
                    for device in joined {
                        let enrolled = self.is_enrolled(device);
                        self.groups.members.extend(enrolled.then_some((group, device)));
                    }
                }
                for device in left {
                    self.groups.members.remove(&(group, device));
                }
            }
            GroupChange::ClassRule { class, rule } => {
                if !self.classes.contains_key(&class) {
                    return Err(StoreError::Conflict);
                }
                self.groups.class_rules.insert(class, rule);
                self.groups.class_rules.retain(|_, rule| !rule.is_empty());
            }
            GroupChange::Contested { device, classes } => {
                self.groups.settle(device);
                if self.is_enrolled(device) {
                    let contested = classes.into_iter().map(|class| (class, device));
                    self.groups.contested.extend(contested);
                }
            }
            GroupChange::Labelled { device, labels } => {
                if !self.devices.contains_key(&device) {
                    return Err(StoreError::Conflict);
                }
                self.groups.labels.insert(device, labels);
            }
        }
        Ok(())
    }

    fn is_enrolled(&self, device: DeviceId) -> bool {
        self.devices.get(&device).is_some_and(|device| device.removed_at.is_none())
    }

    fn candidate(&self, id: DeviceId, paths: &[objects::Path]) -> Option<Candidate> {
        let device = self.devices.get(&id).filter(|device| device.removed_at.is_none())?;
        let paths: BTreeSet<Vec<u16>> = paths.iter().map(|path| path.ids()).collect();
        let values = paths.into_iter().filter_map(|path| self.latest.get(&(id, path)).cloned());
        Some(Candidate {
            view: self.view(device),
            labels: self.groups.labels(id),
            values: values.collect(),
            groups: self.groups.of(id),
            contested: self.groups.contested_by(id),
        })
    }
}

#[async_trait]
impl Groups for MemoryStore {
    async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let mut groups: Vec<Group> = self.available()?.tables.groups.groups.values().cloned().collect();
        groups.sort_by(|one, other| (other.rank, &one.name).cmp(&(one.rank, &other.name)));
        Ok(groups)
    }

    async fn groups_of(&self, device: DeviceId) -> Result<BTreeSet<GroupId>, StoreError> {
        Ok(self.available()?.tables.groups.of(device))
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let tables = &self.available()?.tables;
        let members =
            tables.groups.members.iter().filter(|(of, device)| *of == group && Some(*device) > after);
        Ok(members.map(|(_, device)| *device).take(limit).collect())
    }

    async fn member_count(&self, group: GroupId) -> Result<u64, StoreError> {
        let tables = &self.available()?.tables;
        let count = tables.groups.members.iter().filter(|(of, _)| *of == group).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    async fn labels(&self, device: DeviceId) -> Result<Labels, StoreError> {
        Ok(self.available()?.tables.groups.labels(device))
    }

    async fn labels_of(&self, devices: &[DeviceId]) -> Result<BTreeMap<DeviceId, Labels>, StoreError> {
        let tables = &self.available()?.tables;
        let labels = devices.iter().map(|device| (*device, tables.groups.labels(*device)));
        Ok(labels.filter(|(_, labels)| !labels.is_empty()).collect())
    }

    async fn class_size(&self, class: ClassId, at_most: u64) -> Result<u64, StoreError> {
        let tables = &self.available()?.tables;
        let size = tables.devices.values().filter(|of| of.class == class && of.removed_at.is_none()).count();
        Ok(u64::try_from(size).unwrap_or(u64::MAX).min(at_most))
    }

    async fn class_rules(&self) -> Result<Vec<(ClassId, ClassRule)>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.groups.class_rules.iter().map(|(class, rule)| (*class, rule.clone())).collect())
    }

    async fn contested(&self, class: ClassId, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        let tables = &self.available()?.tables;
        let contested = tables.groups.contested.iter().filter(|(of, _)| *of == class);
        Ok(contested.map(|(_, device)| *device).take(limit).collect())
    }

    async fn devices_after(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let tables = &self.available()?.tables;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = tables.devices.range((from, Bound::Unbounded)).map(|(_, device)| device);
        Ok(later.filter(|device| device.removed_at.is_none()).map(|device| device.id).take(limit).collect())
    }

    async fn candidates(
        &self,
        devices: &[DeviceId],
        paths: &[objects::Path],
    ) -> Result<Vec<Candidate>, StoreError> {
        let tables = &self.available()?.tables;
        let devices: BTreeSet<DeviceId> = devices.iter().copied().collect();
        Ok(devices.into_iter().filter_map(|device| tables.candidate(device, paths)).collect())
    }
}
