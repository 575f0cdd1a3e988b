//! Configuration, and how many devices are in each state of it.

use std::collections::BTreeMap;

use fleet::{
    DeviceId, Timestamp,
    configuration::{Baseline, ConfigurationChange, Configured, Level},
};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr};

use super::Batch;
use crate::store::{
    encoding::{self, configuration},
    failure::Failure,
    sealed::BASELINE,
    sql::Sql,
};

/// What changes of the counts, by state.
#[derive(Debug, Default)]
pub(in crate::store) struct ConfiguredTally(BTreeMap<String, i64>);

impl Batch<'_> {
    pub(super) async fn change_configuration(&mut self, change: &ConfigurationChange) -> Result<(), Failure> {
        match change {
            ConfigurationChange::BaselineSaved(baseline) => self.save_baseline(baseline).await,
            ConfigurationChange::BaselinesDropped(level) => self.drop_baselines(*level).await,
            ConfigurationChange::Saved(row) => self.save_configured(row).await,
            ConfigurationChange::Dropped(device) => self.drop_configured(*device).await,
            ConfigurationChange::Repair(device, at) => self.wish(*device, "repair_at", *at).await,
            ConfigurationChange::Resume(device, at) => self.wish(*device, "resume_at", *at).await,
        }
    }

    async fn save_baseline(&self, baseline: &Baseline) -> Result<(), Failure> {
        let level = baseline.level;
        if let Level::Device(device) = level {
            let sql = Sql::new("SELECT 1 FROM device WHERE id = ").bind(device.0);
            if self.query(sql).await?.is_empty() {
                return Err(Failure::Conflict);
            }
        }
        let before = match self.query(newest_version(level)).await?.first() {
            Some(row) => row.try_get_by_index::<i64>(0)?,
            None => 0,
        };
        if before + 1 != i64::from(baseline.version) {
            return Err(Failure::Conflict);
        }
        let sql = Sql::new("UPDATE baseline SET newest = 0 WHERE level = ").bind(level.kind());
        self.run(sql.text(" AND level_id = ").bind(level.row()).text(" AND newest = 1")).await?;
        let secrets = encoding::baseline::secrets(baseline);
        let sealed = match secrets.is_empty() {
            true => Vec::new(),
            false => {
                let number = encoding::baseline::number(level, baseline.version);
                self.seal_in(BASELINE, number, &secrets)?
            }
        };
        self.insert(encoding::baseline::baseline_row(baseline, sealed)).await?;
        let outgrown = i64::from(baseline.version) - i64::from(Baseline::MAX_VERSIONS);
        let sql = Sql::new("DELETE FROM baseline WHERE level = ").bind(level.kind());
        self.run(sql.text(" AND level_id = ").bind(level.row()).text(" AND version <= ").bind(outgrown))
            .await?;
        Ok(())
    }

    pub(super) async fn drop_baselines(&self, level: Level) -> Result<(), Failure> {
        let sql = Sql::new("DELETE FROM baseline WHERE level = ").bind(level.kind());
        self.run(sql.text(" AND level_id = ").bind(level.row())).await?;
        Ok(())
    }

    /// Writes where a device stands; what people wish of it is theirs.
    async fn save_configured(&mut self, row: &Configured) -> Result<(), Failure> {
        let sql = Sql::new("SELECT state FROM configured WHERE device_id = ").bind(row.device.0);
        let before: Option<String> =
            self.query(sql).await?.first().map(|row| row.try_get_by_index(0)).transpose()?;
        let row = configuration::configured_row(row);
        self.configured.count(&row.state, 1);
        if let Some(before) = &before {
            self.configured.count(before, -1);
        }
        let sql = Sql::new(
            "INSERT INTO configured (device_id, device_public_id, generation, reported, state, since, due_at, operation_id, \
             stand) VALUES (",
        );
        let sql =
            sql.bind(row.device_id).text(", ").bind(row.device_public_id).text(", ").bind(row.generation);
        let sql = sql.text(", ").bind(row.reported).text(", ").bind(row.state).text(", ").bind(row.since);
        let sql =
            sql.text(", ").bind(row.due_at).text(", ").bind(row.operation_id).text(", ").bind(row.stand);
        let sql = sql.text(
            ") ON CONFLICT (device_id) DO UPDATE SET device_public_id = excluded.device_public_id, \
             generation = excluded.generation, reported = excluded.reported, state = excluded.state, \
             since = excluded.since, due_at = excluded.due_at, operation_id = excluded.operation_id, \
             stand = excluded.stand",
        );
        self.run(sql).await?;
        Ok(())
    }

    /// Nothing is wanted of a device any more.
    pub(super) async fn drop_configured(&mut self, device: DeviceId) -> Result<(), Failure> {
        let sql =
            Sql::new("DELETE FROM configured WHERE device_id = ").bind(device.0).text(" RETURNING state");
        for row in self.query(sql).await? {
            let state: String = row.try_get_by_index(0)?;
            self.configured.count(&state, -1);
        }
        Ok(())
    }

    async fn wish(&self, device: DeviceId, column: &str, at: Timestamp) -> Result<(), Failure> {
        let sql = Sql::new(&format!("UPDATE configured SET {column} = ")).bind(at.0);
        self.run(sql.text(" WHERE device_id = ").bind(device.0)).await?;
        Ok(())
    }
}

impl ConfiguredTally {
    fn count(&mut self, state: &str, change: i64) {
        *self.0.entry(state.to_owned()).or_default() += change;
    }

    /// Writes what has changed.
    pub(in crate::store) async fn write(&mut self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        for (state, change) in std::mem::take(&mut self.0) {
            if change != 0 {
                let sql =
                    Sql::new("INSERT INTO configured_tally (state, count) VALUES (").bind(state).text(", ");
                let sql = sql.bind(change).text(
                    ") ON CONFLICT (state) DO UPDATE SET count = configured_tally.count + excluded.count",
                );
                transaction.execute_raw(sql.statement(transaction.get_database_backend())).await?;
            }
        }
        Ok(())
    }
}

pub(in crate::store) fn newest_version(level: Level) -> Sql {
    let sql = Sql::new("SELECT version FROM baseline WHERE level = ").bind(level.kind());
    sql.text(" AND level_id = ").bind(level.row()).text(" AND newest = 1")
}
