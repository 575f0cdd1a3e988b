//! Configuration in memory.

use std::{collections::BTreeMap, ops::Bound};

use async_trait::async_trait;

use super::{MemoryStore, cursor::Position, page, tables::Tables};
use crate::{
    DeviceId, StoreError,
    configuration::{Baseline, ConfigurationChange, Configured, ConfiguredState, Level},
    store::{ConfigurationQuery, Configurations, Page, PageRequest, PlannedConfiguration},
};

#[derive(Clone, Debug, Default)]
pub(super) struct ConfigurationTables {
    baselines: BTreeMap<(Level, u32), Baseline>,
    rows: BTreeMap<DeviceId, Configured>,
}

impl ConfigurationTables {
    /// Nothing is wanted of a removed device.
    pub(super) fn end(&mut self, device: DeviceId) {
        self.rows.remove(&device);
    }

    pub(super) fn forget(&mut self, device: DeviceId) {
        self.baselines.retain(|(level, _), _| *level != Level::Device(device));
    }

    fn newest(&self, level: Level) -> Option<&Baseline> {
        let versions = self.baselines.range((level, 0)..=(level, u32::MAX));
        versions.map(|(_, baseline)| baseline).next_back()
    }

    fn save(&mut self, baseline: Baseline) -> Result<(), StoreError> {
        let (level, version) = (baseline.level, baseline.version);
        if self.newest(level).map_or(0, |newest| newest.version).checked_add(1) != Some(version) {
            return Err(StoreError::Conflict);
        }
        self.baselines.insert((level, version), baseline);
        let first = version.saturating_sub(Baseline::MAX_VERSIONS);
        self.baselines.retain(|(other, version), _| *other != level || *version > first);
        Ok(())
    }
}

impl Tables {
    pub(super) fn change_configuration(&mut self, change: ConfigurationChange) -> Result<(), StoreError> {
        match change {
            ConfigurationChange::BaselineSaved(baseline) => {
                if let Level::Device(device) = baseline.level
                    && !self.devices.contains_key(&device)
                {
                    return Err(StoreError::Conflict);
                }
                self.configuration.save(*baseline)?;
            }
            ConfigurationChange::BaselinesDropped(level) => {
                self.configuration.baselines.retain(|(other, _), _| *other != level);
            }
            ConfigurationChange::Saved(mut row) => {
                if !self.devices.contains_key(&row.device) {
                    return Err(StoreError::Conflict);
                }
                let before = self.configuration.rows.get(&row.device);
                row.repair_at = before.and_then(|before| before.repair_at);
                row.resume_at = before.and_then(|before| before.resume_at);
                self.configuration.rows.insert(row.device, *row);
            }
            ConfigurationChange::Dropped(device) => {
                self.configuration.rows.remove(&device);
            }
            ConfigurationChange::Repair(device, at) => {
                if let Some(row) = self.configuration.rows.get_mut(&device) {
                    row.repair_at = Some(at);
                }
            }
            ConfigurationChange::Resume(device, at) => {
                if let Some(row) = self.configuration.rows.get_mut(&device) {
                    row.resume_at = Some(at);
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Configurations for MemoryStore {
    async fn baselines(&self) -> Result<Vec<Baseline>, StoreError> {
        let tables = &self.available()?.tables.configuration;
        let mut newest = BTreeMap::new();
        for ((level, _), baseline) in &tables.baselines {
            if !matches!(level, Level::Device(_)) {
                newest.insert(*level, baseline.clone());
            }
        }
        Ok(newest.into_values().collect())
    }

    async fn baseline(&self, level: Level, version: Option<u32>) -> Result<Option<Baseline>, StoreError> {
        let tables = &self.available()?.tables.configuration;
        Ok(match version {
            Some(version) => tables.baselines.get(&(level, version)).cloned(),
            None => tables.newest(level).cloned(),
        })
    }

    async fn baseline_versions(
        &self,
        level: Level,
        request: &PageRequest,
    ) -> Result<Page<Baseline>, StoreError> {
        let tables = &self.available()?.tables.configuration;
        let rows =
            tables.baselines.range((level, 0)..=(level, u32::MAX)).map(|(_, baseline)| baseline.clone());
        let list = format!("baselines {level:?}");
        page(&list, rows, request, |baseline| Position::number(u128::from(baseline.version)))
    }

    async fn configured(&self, device: DeviceId) -> Result<Option<Configured>, StoreError> {
        Ok(self.available()?.tables.configuration.rows.get(&device).cloned())
    }

    async fn planned_configurations(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<PlannedConfiguration>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tables = &self.available()?.tables.configuration;
        let later = tables.rows.range((from, Bound::Unbounded)).map(|(_, row)| row);
        Ok(later.take(limit).map(PlannedConfiguration::from).collect())
    }

    async fn configurations(&self, query: &ConfigurationQuery) -> Result<Page<Configured>, StoreError> {
        let tables = &self.available()?.tables.configuration;
        let rows = tables.rows.values().filter(|row| query.state.is_none_or(|state| row.state == state));
        let list = format!("configurations {:?}", query.state);
        page(&list, rows.cloned(), &query.page, |row| {
            // Ordered the other way round than lists are.
            Position::number(u128::from(u64::MAX) - u128::from(row.device.0.cast_unsigned()))
        })
    }

    async fn configuration_counts(&self) -> Result<BTreeMap<ConfiguredState, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for row in self.available()?.tables.configuration.rows.values() {
            *counts.entry(row.state).or_default() += 1;
        }
        Ok(counts)
    }
}
