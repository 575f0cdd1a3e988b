//! What a group of commits writes in its one transaction.
//!
//! What a later change may look at is written at once. What is only ever added or renewed is collected and written
//! at the end, many rows a statement: leases, readings, timelines, audit.

mod devices;
mod operations;
mod readings;

use std::collections::BTreeMap;

use fleet::{AuditEntry, Change, Commit, Committed, DeviceId, Observation, TimelineEntry};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IdenStatic,
    Insert, IntoActiveModel, Iterable, PrimaryKeyToColumn, QueryFilter, QueryResult, Statement,
    sea_query::{Expr, OnConflict},
};

use super::{
    encoding::{path_bytes, rows},
    entity,
    failure::Failure,
    recency::Heard,
    sql::{Sql, chunk},
};
use readings::Arrived;

/// A transaction on its way.
pub(super) struct Batch<'t> {
    transaction: &'t DatabaseTransaction,
    sequence: i64,
    leases: BTreeMap<i64, devices::Lease>,
    readings: Vec<Arrived>,
    timeline: BTreeMap<i64, Vec<TimelineEntry>>,
    audit: Vec<entity::audit::Model>,
    tally: BTreeMap<&'static str, i64>,
    heard: Vec<Heard>,
}

/// What a transaction leaves for memory once it is durable.
#[derive(Debug)]
pub(super) struct Written {
    /// The last sequence number it gave out.
    pub(super) sequence: i64,
    pub(super) heard: Vec<Heard>,
}

/// The counts of the overview. They are maintained, in the transaction that changes them: nothing is counted by walking.
pub(super) mod tally {
    pub(in crate::store) const REGISTERED: &str = "registered";
    pub(in crate::store) const DEREGISTERED: &str = "deregistered";
    pub(in crate::store) const EXPIRED: &str = "expired";
    pub(in crate::store) const QUEUED_OPERATIONS: &str = "queued operations";
    pub(in crate::store) const OBSERVATIONS: &str = "observations";
}

impl<'t> Batch<'t> {
    /// Begins after the last sequence number that was given out.
    pub(super) fn new(transaction: &'t DatabaseTransaction, sequence: i64) -> Self {
        Self {
            transaction,
            sequence,
            leases: BTreeMap::new(),
            readings: Vec::new(),
            timeline: BTreeMap::new(),
            audit: Vec::new(),
            tally: BTreeMap::new(),
            heard: Vec::new(),
        }
    }

    pub(super) async fn apply(&mut self, commit: &Commit) -> Result<Committed, Failure> {
        let mut committed = Committed::default();
        for change in &commit.changes {
            self.change(change, &mut committed).await?;
        }
        for entry in &commit.audit {
            self.audit(entry);
        }
        Ok(committed)
    }

    /// Writes what was collected. The transaction is still to be committed.
    pub(super) async fn finish(mut self, node: i64) -> Result<Written, Failure> {
        self.write_leases().await?;
        self.write_readings().await?;
        self.write_timelines().await?;
        let audit = std::mem::take(&mut self.audit);
        self.insert_many(audit, None).await?;
        self.write_tally(node).await?;
        self.run(Sql::new("UPDATE node SET sequence = ").bind(self.sequence).text(" WHERE id = ").bind(node))
            .await?;
        Ok(Written { sequence: self.sequence, heard: self.heard })
    }

    async fn change(&mut self, change: &Change, committed: &mut Committed) -> Result<(), Failure> {
        match change {
            Change::DeviceAdded(device) => self.insert(rows::device_row(device)).await,
            Change::Registered(registration) => self.register(registration).await,
            Change::LeaseRenewed { device, seen_at, expires_at } => {
                self.renew_lease(device.0, seen_at.0, expires_at.0);
                Ok(())
            }
            Change::RegistrationEnded { device, at, reason } => {
                self.end_registration(*device, *at, *reason).await
            }
            Change::ObservationBegan(observation) => self.begin_observation(observation).await,
            Change::ObservationEnded { device, path } => {
                self.end_observations(*device, Some(path_bytes(*path))).await
            }
            Change::ObservationsEnded { device } => self.end_observations(*device, None).await,
            Change::Report { device, received_at, delivery, readings } => {
                let new = match delivery {
                    Some(delivery) => self.deliver(*device, delivery, *received_at).await?,
                    None => true,
                };
                if new {
                    self.collect_readings(*device, *received_at, readings);
                } else {
                    committed.duplicate = true;
                }
                Ok(())
            }
            Change::OperationQueued(record) => self.queue_operation(record).await,
            Change::OperationSent { id, at } => self.send_operation(*id, *at).await,
            Change::OperationEnded { id, state, at, result } => {
                self.end_operation(*id, *state, *at, result).await
            }
            Change::Timeline(entry) => {
                self.timeline.entry(entry.device.0).or_default().push(entry.clone());
                Ok(())
            }
            Change::UserAdded(user) => self.insert(rows::user_row(user)).await,
            Change::SessionSaved(session) => {
                let update = update_on_conflict::<entity::web_session::Entity>();
                self.insert_many(vec![rows::session_row(session)], Some(update)).await
            }
            Change::SessionEnded { key } => {
                entity::web_session::Entity::delete_by_id(key.to_vec()).exec(self.transaction).await?;
                Ok(())
            }
        }
    }

    async fn begin_observation(&mut self, observation: &Observation) -> Result<(), Failure> {
        self.end_observations(observation.device, Some(path_bytes(observation.path))).await?;
        self.insert(rows::observation_row(observation)).await?;
        self.count(tally::OBSERVATIONS, 1);
        Ok(())
    }

    async fn end_observations(&mut self, device: DeviceId, path: Option<Vec<u8>>) -> Result<(), Failure> {
        let column = entity::observation::Column::Path;
        let delete = entity::observation::Entity::delete_many()
            .filter(entity::observation::Column::DeviceId.eq(device.0))
            .filter(path.map_or_else(|| Expr::value(true), |path| column.eq(path)));
        let deleted = delete.exec(self.transaction).await?.rows_affected;
        self.count(tally::OBSERVATIONS, -signed(deleted));
        Ok(())
    }

    fn audit(&mut self, entry: &AuditEntry) {
        let sequence = self.next_sequence();
        self.audit.push(rows::audit_row(entry, sequence));
    }

    async fn write_timelines(&mut self) -> Result<(), Failure> {
        let timelines = std::mem::take(&mut self.timeline);
        let devices: Vec<i64> = timelines.keys().copied().collect();
        let mut last: BTreeMap<i64, i64> = BTreeMap::new();
        for devices in devices.chunks(chunk(1)) {
            let sql = Sql::new(
                "SELECT k.column1, (SELECT MAX(ordinal) FROM timeline WHERE device_id = k.column1) FROM ",
            );
            let sql = sql.rows(devices.iter().map(|&device| [device.into()])).text(" AS k");
            for row in self.query(sql).await? {
                last.insert(row.try_get_by_index(0)?, row.try_get_by_index::<Option<i64>>(1)?.unwrap_or(0));
            }
        }
        let mut entries = Vec::new();
        for (device, timeline) in &timelines {
            let last = last.entry(*device).or_default();
            for entry in timeline {
                *last += 1;
                entries.push(rows::timeline_row(entry, *last));
            }
        }
        self.insert_many(entries, None).await?;
        for (device, last) in last {
            let dropped = last - signed(TimelineEntry::PER_DEVICE as u64);
            if dropped > 0 {
                let sql = Sql::new("DELETE FROM timeline WHERE device_id = ").bind(device);
                self.run(sql.text(" AND ordinal <= ").bind(dropped)).await?;
            }
        }
        Ok(())
    }

    async fn write_tally(&mut self, node: i64) -> Result<(), Failure> {
        for (name, change) in std::mem::take(&mut self.tally) {
            if change != 0 {
                let sql = Sql::new("INSERT INTO tally (node_id, name, count) VALUES (");
                let sql = sql.bind(node).text(", ").bind(name).text(", ").bind(change);
                let conflict =
                    ") ON CONFLICT (node_id, name) DO UPDATE SET count = tally.count + excluded.count";
                self.run(sql.text(conflict)).await?;
            }
        }
        Ok(())
    }

    fn count(&mut self, name: &'static str, change: i64) {
        *self.tally.entry(name).or_default() += change;
    }

    fn next_sequence(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }

    async fn insert<M, A>(&self, row: M) -> Result<(), Failure>
    where
        M: IntoActiveModel<A>,
        A: ActiveModelTrait,
    {
        self.insert_many(vec![row], None).await
    }

    async fn insert_many<M, A>(&self, rows: Vec<M>, on_conflict: Option<OnConflict>) -> Result<(), Failure>
    where
        M: IntoActiveModel<A>,
        A: ActiveModelTrait,
    {
        let size = chunk(<A::Entity as EntityTrait>::Column::iter().count());
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut insert = Insert::<A>::many(rows.by_ref().take(size));
            if let Some(on_conflict) = &on_conflict {
                insert = insert.on_conflict(on_conflict.clone());
            }
            insert.exec_without_returning(self.transaction).await?;
        }
        Ok(())
    }

    async fn run(&self, sql: Sql) -> Result<u64, DbErr> {
        Ok(self.transaction.execute_raw(self.statement(sql)).await?.rows_affected())
    }

    async fn query(&self, sql: Sql) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(self.statement(sql)).await
    }

    fn statement(&self, sql: Sql) -> Statement {
        sql.statement(self.transaction.get_database_backend())
    }
}

/// A row whose key is there already replaces it.
fn update_on_conflict<E: EntityTrait>() -> OnConflict {
    let key: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let rest = E::Column::iter().filter(|column| !key.iter().any(|part| part.as_str() == column.as_str()));
    OnConflict::columns(key.iter().copied()).update_columns(rest).to_owned()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
