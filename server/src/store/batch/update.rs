//! Updates, and how many of them are in each phase.

use std::collections::BTreeMap;

use fleet::{
    DeviceId, Timestamp,
    store::ENDED_UPDATES_PER_DEVICE,
    update::{Update, UpdateChange, UpdateId},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, Iterable as _,
    ModelTrait as _, QueryFilter as _, Value, sea_query::Expr,
};

use super::Batch;
use crate::store::{
    encoding::update,
    entity::device_update::{Column, Entity},
    failure::Failure,
    sql::{Sql, chunk},
};

/// What changes of the counts, by artefact and phase.
#[derive(Debug, Default)]
pub(in crate::store) struct UpdateTally(BTreeMap<(Vec<u8>, String), i64>);

impl Batch<'_> {
    pub(super) async fn change_update(&mut self, change: &UpdateChange) -> Result<(), Failure> {
        match change {
            UpdateChange::Begun(update) => self.begin_update(update).await,
            UpdateChange::Saved(update) => self.save_update(update).await,
            UpdateChange::Progressed(progress) => self.progress_updates(progress).await,
            UpdateChange::Cancelling(id) => self.mark_update(*id, "cancelling").await,
            UpdateChange::Rested(id) => self.mark_update(*id, "rested").await,
        }
    }

    /// Drops what a removed device leaves.
    pub(super) async fn drop_updates(&mut self, device: DeviceId) -> Result<(), Failure> {
        let sql = Sql::new("DELETE FROM device_update WHERE device_id = ").bind(device.0);
        self.updates.drop_rows(self.transaction, sql).await
    }

    async fn begin_update(&mut self, update: &Update) -> Result<(), Failure> {
        let row = update::row(update);
        if !self.query(going_on(row.device_id, &row.target)).await?.is_empty() {
            return Err(Failure::Conflict);
        }
        self.updates.count(&row.artefact, &row.phase, 1);
        self.insert(row).await?;
        self.cut_updates(update).await
    }

    /// Writes what is different: to write an indexed column as it was costs as much as a change of it.
    async fn save_update(&mut self, update: &Update) -> Result<(), Failure> {
        let mut row = update::row(update);
        let this = Entity::find_by_id(row.id.clone()).filter(Column::EndedAt.is_null());
        let Some(before) = this.one(self.transaction).await? else { return Ok(()) };
        row.cancelling |= before.cancelling;
        row.rested |= before.rested;
        let different = Column::iter().filter(|column| row.get(*column) != before.get(*column));
        let different: Vec<_> = different.map(|column| (column, Expr::value(row.get(column)))).collect();
        if different.is_empty() {
            return Ok(());
        }
        self.updates.count(&before.artefact, &before.phase, -1);
        self.updates.count(&row.artefact, &row.phase, 1);
        let changed = different
            .into_iter()
            .fold(Entity::update_many(), |query, (column, value)| query.col_expr(column, value));
        changed.filter(Column::Id.eq(row.id)).exec(self.transaction).await?;
        self.cut_updates(update).await
    }

    /// The last that is said of one counts.
    async fn progress_updates(&self, progress: &[(UpdateId, u64, Timestamp)]) -> Result<(), Failure> {
        let progress: BTreeMap<UpdateId, (u64, Timestamp)> =
            progress.iter().map(|&(id, sent, at)| (id, (sent, at))).collect();
        let progress: Vec<_> = progress.into_iter().collect();
        for progress in progress.chunks(chunk(3)) {
            self.run(progressing(progress)).await?;
        }
        Ok(())
    }

    async fn mark_update(&self, id: UpdateId, column: &str) -> Result<(), Failure> {
        let sql = Sql::new(&format!("UPDATE device_update SET {column} = 1 WHERE id = "));
        self.run(sql.bind(id.0.as_bytes().to_vec()).text(" AND ended_at IS NULL")).await?;
        Ok(())
    }

    /// When one ends, the newest that have ended stay.
    async fn cut_updates(&mut self, update: &Update) -> Result<(), Failure> {
        if !update.has_ended() {
            return Ok(());
        }
        let Some(row) = self.query(outgrown(update.device)).await?.pop() else { return Ok(()) };
        let sql = dropping(update.device, row.try_get_by_index(0)?);
        self.updates.drop_rows(self.transaction, sql).await
    }
}

impl UpdateTally {
    fn count(&mut self, artefact: &[u8], phase: &str, change: i64) {
        *self.0.entry((artefact.to_vec(), phase.to_owned())).or_default() += change;
    }

    /// Runs a DELETE of updates.
    pub(in crate::store) async fn drop_rows(
        &mut self,
        transaction: &DatabaseTransaction,
        delete: Sql,
    ) -> Result<(), Failure> {
        let delete = delete.text(" RETURNING artefact, phase").statement(transaction.get_database_backend());
        for row in transaction.query_all_raw(delete).await? {
            let (artefact, phase): (Vec<u8>, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            self.count(&artefact, &phase, -1);
        }
        Ok(())
    }

    /// Writes what has changed.
    pub(in crate::store) async fn write(&mut self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        for ((artefact, phase), change) in std::mem::take(&mut self.0) {
            if change != 0 {
                let sql = Sql::new("INSERT INTO update_tally (artefact, phase, count) VALUES ");
                let sql = sql.list([Value::from(artefact), phase.into(), change.into()]);
                let conflict = " ON CONFLICT (artefact, phase) DO UPDATE SET count = update_tally.count + excluded.count";
                let sql = sql.text(conflict).statement(transaction.get_database_backend());
                transaction.execute_raw(sql).await?;
            }
        }
        Ok(())
    }
}

/// The update of a device's object that goes on.
pub(in crate::store) fn going_on(device: i64, target: &str) -> Sql {
    let sql = Sql::new("SELECT 1 FROM device_update WHERE device_id = ").bind(device).text(" AND target = ");
    sql.bind(target).text(" AND ended_at IS NULL")
}

pub(in crate::store) fn progressing(progress: &[(UpdateId, (u64, Timestamp))]) -> Sql {
    let rows = progress.iter().map(|(id, (sent, at))| -> [Value; 3] {
        [id.0.as_bytes().to_vec().into(), sent.cast_signed().into(), at.0.into()]
    });
    let sql = Sql::new("UPDATE device_update SET sent = k.column2, progress_at = k.column3 FROM ").rows(rows);
    sql.text(" AS k WHERE device_update.id = k.column1 AND device_update.ended_at IS NULL")
}

/// The newest of a device's updates that is not kept any more.
pub(in crate::store) fn outgrown(device: DeviceId) -> Sql {
    let sql = Sql::new("SELECT id FROM device_update WHERE device_id = ").bind(device.0);
    sql.text(&format!(" AND ended_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET {ENDED_UPDATES_PER_DEVICE}"))
}

/// Drops those of a device that have ended, up to and with one.
pub(in crate::store) fn dropping(device: DeviceId, upto: Vec<u8>) -> Sql {
    let sql = Sql::new("DELETE FROM device_update WHERE device_id = ").bind(device.0);
    sql.text(" AND ended_at IS NOT NULL AND id <= ").bind(upto)
}
