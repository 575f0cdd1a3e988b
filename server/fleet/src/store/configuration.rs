//! Configuration: what is wanted, and where devices stand.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Page, PageRequest, StoreError};
use crate::{
    DeviceId, OperationId, Timestamp,
    configuration::{Baseline, Configured, ConfiguredState, Level},
};

/// What the store knows of configuration; a part of [`Store`](crate::Store).
#[async_trait]
pub trait Configurations {
    /// The newest version of each level that has one, but for those of single devices, in the order of the levels.
    async fn baselines(&self) -> Result<Vec<Baseline>, StoreError>;

    /// One version of what a level wants; without a number, the newest.
    async fn baseline(&self, level: Level, version: Option<u32>) -> Result<Option<Baseline>, StoreError>;

    /// A page of the versions of a level, the newest first.
    async fn baseline_versions(&self, level: Level, page: &PageRequest)
    -> Result<Page<Baseline>, StoreError>;

    /// Where a device stands; none of one of which nothing is wanted.
    async fn configured(&self, device: DeviceId) -> Result<Option<Configured>, StoreError>;

    /// When to look at which device, by their rows, after one of them.
    async fn planned_configurations(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<PlannedConfiguration>, StoreError>;

    /// A page of the devices of which something is wanted, by their rows.
    async fn configurations(&self, query: &ConfigurationQuery) -> Result<Page<Configured>, StoreError>;

    /// How many devices there are in each state, from counters. None for a state in which there is none.
    async fn configuration_counts(&self) -> Result<BTreeMap<ConfiguredState, u64>, StoreError>;
}

/// Which devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigurationQuery {
    /// Only those in this state.
    pub state: Option<ConfiguredState>,
    /// Which page.
    pub page: PageRequest,
}

/// What is held in memory of a device of which something is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedConfiguration {
    /// Which.
    pub device: DeviceId,
    /// When to look at it again.
    pub due_at: Timestamp,
    /// What is being asked.
    pub operation: Option<OperationId>,
}

impl From<&Configured> for PlannedConfiguration {
    fn from(row: &Configured) -> Self {
        let operation = row.asking.as_ref().map(|asking| asking.operation);
        Self { device: row.device, due_at: row.due_at, operation }
    }
}
