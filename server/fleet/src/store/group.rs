//! Groups, who is in them, and labels.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{DeviceView, StoreError};
use crate::{ClassId, ClassRule, DeviceId, Group, GroupId, Labels, StoredReading};

/// What the store knows of groups and labels; a part of [`Store`](crate::Store).
#[async_trait]
pub trait Groups {
    /// The groups, the highest rank first, then by name.
    async fn groups(&self) -> Result<Vec<Group>, StoreError>;

    /// The groups that a device is in.
    async fn groups_of(&self, device: DeviceId) -> Result<BTreeSet<GroupId>, StoreError>;

    /// The devices in a group by their rows, after one of them.
    async fn members(
        &self,
        group: GroupId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError>;

    /// How many devices are in a group, from a counter.
    async fn member_count(&self, group: GroupId) -> Result<u64, StoreError>;

    /// The labels of a device.
    async fn labels(&self, device: DeviceId) -> Result<Labels, StoreError>;

    /// The labels of those of some devices that have any.
    async fn labels_of(&self, devices: &[DeviceId]) -> Result<BTreeMap<DeviceId, Labels>, StoreError>;

    /// How many devices that are not removed a class has, counted to `at_most`.
    async fn class_size(&self, class: ClassId, at_most: u64) -> Result<u64, StoreError>;

    /// The rules of the classes that have one, by class.
    async fn class_rules(&self) -> Result<Vec<(ClassId, ClassRule)>, StoreError>;

    /// Which devices may be of a class and of others as well, by their rows: so many at most.
    async fn contested(&self, class: ClassId, limit: usize) -> Result<Vec<DeviceId>, StoreError>;

    /// The devices that are not removed by their rows, after one of them.
    async fn devices_after(&self, after: Option<DeviceId>, limit: usize)
    -> Result<Vec<DeviceId>, StoreError>;

    /// What rules are asked about: these devices, but for those that are not there or are removed, by their rows, each with
    /// its latest values at these very paths.
    async fn candidates(
        &self,
        devices: &[DeviceId],
        paths: &[objects::Path],
    ) -> Result<Vec<Candidate>, StoreError>;
}

/// A device as rules see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The device and its registration.
    pub view: DeviceView,
    /// Its labels.
    pub labels: Labels,
    /// The values that were asked for, in the order of the tree.
    pub values: Vec<StoredReading>,
    /// The groups it is in.
    pub groups: BTreeSet<GroupId>,
    /// The classes it may be of, if their rules leave it open.
    pub contested: BTreeSet<ClassId>,
}
