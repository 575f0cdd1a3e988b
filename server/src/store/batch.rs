//! What a group of commits writes in its one transaction.
//!
//! What a later change may look at is written at once. What is only ever added or renewed is collected and written
//! many rows a statement: devices and credentials before the next change that may look at them; leases, readings,
//! timelines, the event log and audit at the end; secure sessions there too, or before what ends them by their credentials.

mod artefact;
pub(super) mod bootstrap;
mod claims;
pub(super) mod configuration;
mod credentials;
mod devices;
mod enrolment;
mod group;
mod operations;
mod people;
mod queue;
mod readings;
pub(super) mod secure;
pub(super) mod sessions;
mod told;
pub(super) mod update;
pub(super) mod wish;

use std::collections::{BTreeMap, BTreeSet};

use fleet::{AuditEntry, Change, Commit, Committed, DeviceId, NodeId, Observation, TimelineEntry};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, IdenStatic,
    Insert, IntoActiveModel, Iterable, PrimaryKeyToColumn, QueryFilter, QueryResult, Statement,
    sea_query::{Expr, OnConflict},
};

use super::{
    encoding::{self, identity, rows, target_bytes},
    entity,
    failure::Failure,
    recency::Heard,
    sql::{Sql, chunk},
};
use crate::seal::Sealer;
use configuration::ConfiguredTally;
use readings::Arrived;
use sessions::Sessions;
use update::UpdateTally;

/// A transaction on its way.
pub(super) struct Batch<'t> {
    transaction: &'t DatabaseTransaction,
    sealer: &'t Sealer,
    node: NodeId,
    numbers: Numbers,
    /// New devices, and credentials, that are not written yet.
    enrolled: BTreeMap<i64, entity::device::Model>,
    credentials: Vec<entity::credential::Model>,
    /// Devices that may have won or lost a credential that opens sessions.
    resecured: BTreeSet<i64>,
    sessions: Sessions,
    leases: BTreeMap<i64, devices::Lease>,
    readings: Vec<Arrived>,
    timeline: BTreeMap<i64, Vec<TimelineEntry>>,
    events: Vec<entity::event_log::Model>,
    audit: Vec<entity::audit::Model>,
    tally: BTreeMap<&'static str, i64>,
    updates: UpdateTally,
    configured: ConfiguredTally,
    heard: Vec<Heard>,
}

/// What a transaction leaves for memory once it is durable.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) numbers: Numbers,
    pub(super) heard: Vec<Heard>,
}

/// The last numbers given out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// To a reading or an entry of the audit log.
    pub(super) sequence: i64,
    /// To an entry of the event log.
    pub(super) event: i64,
}

/// The counts of the overview. They are maintained, in the transaction that changes them: nothing is counted by walking.
pub(super) mod tally {
    pub(in crate::store) const REGISTERED: &str = "registered";
    pub(in crate::store) const DEREGISTERED: &str = "deregistered";
    pub(in crate::store) const EXPIRED: &str = "expired";
    pub(in crate::store) const AWAITED: &str = "awaited";
    pub(in crate::store) const REVOKED: &str = "revoked";
    pub(in crate::store) const REMOVED: &str = "removed";
    pub(in crate::store) const DIARY: &str = "diary";
    pub(in crate::store) const QUEUED_OPERATIONS: &str = "queued operations";
    pub(in crate::store) const OBSERVATIONS: &str = "observations";
}

impl<'t> Batch<'t> {
    /// Begins after the last numbers that were given out.
    pub(super) fn new(
        transaction: &'t DatabaseTransaction,
        sealer: &'t Sealer,
        node: NodeId,
        numbers: Numbers,
    ) -> Self {
        Self {
            transaction,
            sealer,
            node,
            numbers,
            enrolled: BTreeMap::new(),
            credentials: Vec::new(),
            resecured: BTreeSet::new(),
            sessions: Sessions::default(),
            leases: BTreeMap::new(),
            readings: Vec::new(),
            timeline: BTreeMap::new(),
            events: Vec::new(),
            audit: Vec::new(),
            tally: BTreeMap::new(),
            updates: UpdateTally::default(),
            configured: ConfiguredTally::default(),
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
    pub(super) async fn finish(mut self) -> Result<Written, Failure> {
        let node = self.node.0;
        self.write_enrolled().await?;
        self.write_sessions().await?;
        self.write_secured().await?;
        self.write_leases().await?;
        self.write_readings().await?;
        self.write_timelines().await?;
        self.cut_diary(node).await?;
        let events = std::mem::take(&mut self.events);
        self.insert_many(events, None).await?;
        let audit = std::mem::take(&mut self.audit);
        self.insert_many(audit, None).await?;
        self.write_tally(node).await?;
        self.updates.write(self.transaction).await?;
        self.configured.write(self.transaction).await?;
        // One of its own for each transaction, by which it is known again.
        let sequence = self.next_sequence();
        let event = self.numbers.event;
        let sql = Sql::new("UPDATE node SET sequence = ").bind(sequence).text(", event = ").bind(event);
        self.run(sql.text(" WHERE id = ").bind(node)).await?;
        Ok(Written { numbers: self.numbers, heard: self.heard })
    }

    async fn change(&mut self, change: &Change, committed: &mut Committed) -> Result<(), Failure> {
        let joins =
            matches!(change, Change::DeviceAdded(_) | Change::CredentialAdded(_) | Change::Timeline(_));
        if !joins {
            self.write_enrolled().await?;
        }
        match change {
            Change::DeviceAdded(device) => self.add_device(device),
            Change::DeviceEnrolledAgain { device, class } => self.enrol_again(*device, *class).await,
            Change::DeviceClassified { device, class } => self.classify(*device, *class).await,
            Change::DeviceRemoved { device, at, keep_data } => {
                self.remove_device(*device, *at, *keep_data).await
            }
            Change::ClassAdded(class) => self.insert(identity::class_row(class)).await,
            Change::ClassSaved(class) => self.save_class(class).await,
            Change::PlanSaved { scope, plan } => self.save_plan(*scope, plan.as_deref()).await,
            Change::CredentialAdded(new) => self.add_credential(new),
            Change::CredentialProved { id, at } => self.prove_credential(*id, *at).await,
            Change::CredentialEnded { id, state, at } => self.end_credential(*id, *state, *at).await,
            Change::CredentialsUsed(used) => self.use_credentials(used).await,
            Change::CertificateSeen { credential, certificate } => {
                self.see_certificate(*credential, certificate).await
            }
            Change::SecureSessionOpened(session) => self.open_session(session).await,
            Change::SecureSessionsHeard(marks) => {
                self.hear_sessions(marks);
                Ok(())
            }
            Change::SecureSessionReserved { id, upto } => {
                self.reserve_session(*id, *upto);
                Ok(())
            }
            Change::SecureSessionEnded { id, resumable } => {
                self.end_session(*id, *resumable);
                Ok(())
            }
            Change::SecureSessionsDropped(credentials) => self.drop_sessions(credentials).await,
            Change::AuthoritySaved(authority) => self.save_authority(authority).await,
            Change::AuthorityRemoved(id) => self.remove_authority(*id).await,
            Change::OwnKeySaved { key, pair } => self.save_own_key(*key, pair).await,
            Change::ClaimAdded(claim) => self.insert(identity::claim_row(claim)).await,
            Change::ClaimUsed(claimed) => self.use_claim(claimed).await,
            Change::ClaimClosed(id) => self.close_claim(*id).await,
            Change::ClaimAgain { claim, device, until } => self.approve_claim(*claim, *device, *until).await,
            Change::BootstrapSaved(record) => self.save_bootstrap(record).await,
            Change::BootstrapsInterrupted { at } => self.interrupt_bootstraps(*at).await,
            Change::DiaryNoted(note) => self.note(note).await,
            Change::DiaryCleared(id) => self.clear_diary(*id).await,
            Change::Registered(registration) => {
                let replaces = self.register(registration).await?;
                self.tell(change, replaces, registration.updated_at);
                Ok(())
            }
            Change::LeaseRenewed { device, seen_at, expires_at } => {
                self.renew_lease(device.0, seen_at.0, expires_at.0);
                Ok(())
            }
            Change::RegistrationEnded { device, at, reason } => {
                if self.end_registration(*device, *at, *reason).await? {
                    self.tell(change, false, *at);
                }
                Ok(())
            }
            Change::ObservationBegan(observation) => self.begin_observation(observation).await,
            Change::ObservationEnded { device, target } => {
                self.end_observations(*device, Some(target_bytes(target))).await
            }
            Change::ObservationsEnded { device } => self.end_observations(*device, None).await,
            Change::Report { device, received_at, delivery, readings } => {
                let new = match delivery {
                    Some(delivery) => self.deliver(*device, delivery, *received_at).await?,
                    None => true,
                };
                if new {
                    self.collect_readings(*device, *received_at, readings);
                    self.tell(change, false, *received_at);
                } else {
                    committed.duplicate = true;
                }
                Ok(())
            }
            Change::OperationQueued(record) => self.queue_operation(record).await,
            Change::OperationSent { id, at } => self.send_operation(*id, *at).await,
            Change::OperationEnded { id, state, at, result } => {
                committed.ended_before = self.end_operation(*id, *state, *at, result).await?;
                Ok(())
            }
            Change::Timeline(entry) => {
                self.timeline.entry(entry.device.0).or_default().push(entry.clone());
                Ok(())
            }
            Change::UserAdded(user) => self.insert(rows::user_row(user)).await,
            Change::UserChanged(user) => self.change_user(user).await,
            Change::TokenAdded(token) => self.insert(encoding::people::token_row(token)).await,
            Change::TokenUsed { id, at } => self.use_token(*id, *at).await,
            Change::TokenRevoked { id, at } => self.revoke_token(*id, *at).await,
            Change::WebhookAdded(webhook, secret) => self.add_webhook(webhook, secret).await,
            Change::WebhookPaused { id, paused } => self.pause_webhook(*id, *paused).await,
            Change::WebhookRemoved(id) => self.remove_webhook(*id).await,
            Change::WebhookDelivered(delivered) => self.webhook_delivered(delivered).await,
            Change::ModelSaved { object, version, xml } => self.save_model(*object, *version, xml).await,
            Change::ModelRemoved { object, version } => self.remove_model(*object, *version).await,
            Change::SubmissionBegan { key, fingerprint, at } => {
                self.begin_submission(key, fingerprint, *at).await
            }
            Change::SubmissionAnswered { key, answer } => self.answer_submission(key, answer).await,
            Change::Artefact(change) => self.change_artefact(change).await,
            Change::Group(change) => self.change_group(change).await,
            Change::Update(change) => self.change_update(change).await,
            Change::Wish(change) => self.change_wish(change).await,
            Change::Queue(change) => self.change_queue(change).await,
            Change::Configuration(change) => self.change_configuration(change).await,
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
        self.end_observations(observation.device, Some(target_bytes(&observation.target))).await?;
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
        self.numbers.sequence += 1;
        self.numbers.sequence
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
