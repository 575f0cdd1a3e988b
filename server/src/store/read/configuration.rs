//! Configuration, each list by an index, and how many devices are in each state.

use std::collections::BTreeMap;

use fleet::{
    DeviceId, OperationId, StoreError, Timestamp,
    configuration::{Baseline, Configured, ConfiguredState, Level},
    store::{ConfigurationQuery, Configurations, Page, PageRequest, PlannedConfiguration},
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    SqlStore,
    cursor::{self, Position},
    encoding::{self, OrCorrupt as _, Word as _, configuration, uuid},
    entity::{baseline, configured, configured_tally},
    sealed::BASELINE,
    sql::Sql,
};

#[async_trait::async_trait]
impl Configurations for SqlStore {
    async fn baselines(&self) -> Result<Vec<Baseline>, StoreError> {
        let rows: Vec<baseline::Model> = self.reader.rows(&self.reader.connection(), newest()).await?;
        let mut baselines =
            rows.into_iter().map(|row| self.reader.baseline(row)).collect::<Result<Vec<Baseline>, _>>()?;
        baselines.sort_by_key(|baseline| baseline.level);
        Ok(baselines)
    }

    async fn baseline(&self, level: Level, version: Option<u32>) -> Result<Option<Baseline>, StoreError> {
        let rows: Vec<baseline::Model> =
            self.reader.rows(&self.reader.connection(), one(level, version)).await?;
        rows.into_iter().next().map(|row| self.reader.baseline(row)).transpose()
    }

    async fn baseline_versions(
        &self,
        level: Level,
        page: &PageRequest,
    ) -> Result<Page<Baseline>, StoreError> {
        let after = cursor::after(page.after.as_ref(), |position| match position {
            Position::Baseline(version) => Some(version),
            _ => None,
        })?;
        let rows: Vec<baseline::Model> =
            self.reader.rows(&self.reader.connection(), versions(level, after, page.rows())).await?;
        let rows = rows.into_iter().map(|row| self.reader.baseline(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(cut(rows, page, |row| Position::Baseline(row.version.into())))
    }

    async fn configured(&self, device: DeviceId) -> Result<Option<Configured>, StoreError> {
        let row = self.reader.one(configured::Entity::find_by_id(device.0)).await?;
        row.map(configuration::configured).transpose()
    }

    async fn planned_configurations(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<PlannedConfiguration>, StoreError> {
        let rows: Vec<Planned> = self.reader.rows(&self.reader.connection(), planned(after, limit)).await?;
        rows.into_iter().map(|row| row.read().or_corrupt("configuration")).collect()
    }

    async fn configurations(&self, query: &ConfigurationQuery) -> Result<Page<Configured>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Configured(device) => Some(device),
            _ => None,
        })?;
        let rows: Vec<configured::Model> =
            self.reader.rows(&self.reader.connection(), standing(query, after)).await?;
        let rows = rows.into_iter().map(configuration::configured).collect::<Result<Vec<_>, _>>()?;
        Ok(cut(rows, &query.page, |row| Position::Configured(row.device.0)))
    }

    async fn configuration_counts(&self) -> Result<BTreeMap<ConfiguredState, u64>, StoreError> {
        let query = configured_tally::Entity::find().filter(configured_tally::Column::Count.gt(0));
        let mut counts = BTreeMap::new();
        for row in self.reader.all(query).await? {
            let state = ConfiguredState::from_word(&row.state).or_corrupt("count of configurations")?;
            counts.insert(state, u64::try_from(row.count).unwrap_or(0));
        }
        Ok(counts)
    }
}

impl Reader {
    fn baseline(&self, row: baseline::Model) -> Result<Baseline, StoreError> {
        if row.sealed.is_empty() {
            return encoding::baseline::baseline(row, &[]);
        }
        let secrets = self.open_in(BASELINE, row.number, &row.sealed, "baseline")?;
        encoding::baseline::baseline(row, &secrets)
    }
}

#[derive(FromQueryResult)]
struct Planned {
    device_id: i64,
    due_at: i64,
    operation_id: Option<Vec<u8>>,
}

impl Planned {
    fn read(self) -> Option<PlannedConfiguration> {
        let operation = match self.operation_id {
            Some(id) => Some(OperationId(uuid(&id)?)),
            None => None,
        };
        let (device, due_at) = (DeviceId(self.device_id), Timestamp(self.due_at));
        Some(PlannedConfiguration { device, due_at, operation })
    }
}

/// The levels that are no single device come by their names: of devices there may be many.
pub(in crate::store) fn newest() -> Sql {
    Sql::new("SELECT * FROM baseline WHERE newest = 1 AND level IN ('class', 'fleet', 'group')")
}

pub(in crate::store) fn one(level: Level, version: Option<u32>) -> Sql {
    let sql = Sql::new("SELECT * FROM baseline WHERE level = ").bind(level.kind());
    let sql = sql.text(" AND level_id = ").bind(level.row());
    match version {
        Some(version) => sql.text(" AND version = ").bind(i64::from(version)),
        None => sql.text(" AND newest = 1"),
    }
}

pub(in crate::store) fn versions(level: Level, after: Option<i64>, rows: usize) -> Sql {
    let sql = Sql::new("SELECT * FROM baseline WHERE level = ").bind(level.kind());
    let sql = sql.text(" AND level_id = ").bind(level.row()).text(" AND version < ");
    let sql = sql.bind(after.unwrap_or(i64::MAX)).text(" ORDER BY version DESC LIMIT ");
    sql.bind(with_one_more(rows).cast_signed())
}

pub(in crate::store) fn planned(after: Option<DeviceId>, limit: usize) -> Sql {
    let sql = Sql::new("SELECT device_id, due_at, operation_id FROM configured WHERE device_id > ");
    let sql = sql.bind(after.map_or(i64::MIN, |device| device.0)).text(" ORDER BY device_id LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX))
}

pub(in crate::store) fn standing(query: &ConfigurationQuery, after: Option<i64>) -> Sql {
    let sql = Sql::new("SELECT * FROM configured WHERE device_id > ").bind(after.unwrap_or(i64::MIN));
    let sql = match query.state {
        Some(state) => sql.text(" AND state = ").bind(state.word()),
        None => sql,
    };
    sql.text(" ORDER BY device_id LIMIT ").bind(with_one_more(query.page.rows()).cast_signed())
}
