//! Updates, each list by an index, and how many there are.

use std::collections::BTreeMap;

use fleet::{
    ArtefactId, DeviceId, OperationId, StoreError, Timestamp,
    store::{Page, RunningUpdate, UpdateQuery, Updates},
    update::{DownloadDigest, Update, UpdateId, UpdatePhase},
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};

use super::lists::{cut, with_one_more};
use crate::store::{
    SqlStore,
    cursor::{self, Position},
    encoding::{OrCorrupt as _, Word as _, update, uuid},
    entity::{device_update, update_tally},
    sql::Sql,
};

#[async_trait::async_trait]
impl Updates for SqlStore {
    async fn update(&self, id: UpdateId) -> Result<Option<Update>, StoreError> {
        let query = device_update::Entity::find_by_id(id.0.as_bytes().to_vec());
        self.reader.one(query).await?.map(update::update).transpose()
    }

    async fn updates(&self, query: &UpdateQuery) -> Result<Page<Update>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Update(id) => Some(id),
            _ => None,
        })?;
        if query.running && query.phase.is_some_and(UpdatePhase::is_final) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let rows: Vec<device_update::Model> =
            self.reader.rows(&self.reader.connection(), updates(query, after)).await?;
        let mut rows: Vec<Update> = rows.into_iter().map(update::update).collect::<Result<_, _>>()?;
        rows.retain(|update| query.takes(update));
        Ok(cut(rows, &query.page, |update| Position::Update(update.id)))
    }

    async fn running_updates(
        &self,
        after: Option<UpdateId>,
        limit: usize,
    ) -> Result<Vec<RunningUpdate>, StoreError> {
        let rows: Vec<Running> = self.reader.rows(&self.reader.connection(), running(after, limit)).await?;
        rows.into_iter().map(|row| row.read().or_corrupt("update")).collect()
    }

    async fn update_by_download(&self, digest: &DownloadDigest) -> Result<Option<Update>, StoreError> {
        let rows: Vec<device_update::Model> =
            self.reader.rows(&self.reader.connection(), by_download(digest)).await?;
        rows.into_iter().next().map(update::update).transpose()
    }

    async fn failed_updates(
        &self,
        device: DeviceId,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Timestamp>, StoreError> {
        #[derive(FromQueryResult)]
        struct Failed {
            ended_at: i64,
        }
        let rows: Vec<Failed> =
            self.reader.rows(&self.reader.connection(), failed(device, since, limit)).await?;
        Ok(rows.into_iter().map(|row| Timestamp(row.ended_at)).collect())
    }

    async fn update_counts(
        &self,
        artefact: Option<ArtefactId>,
    ) -> Result<BTreeMap<UpdatePhase, u64>, StoreError> {
        let query = update_tally::Entity::find().filter(update_tally::Column::Count.gt(0));
        let of = |artefact: ArtefactId| update_tally::Column::Artefact.eq(artefact.0.as_bytes().to_vec());
        let query = artefact.map(of).into_iter().fold(query, |query, of| query.filter(of));
        let mut counts = BTreeMap::new();
        for row in self.reader.all(query).await? {
            let phase = UpdatePhase::from_word(&row.phase).or_corrupt("count of updates")?;
            *counts.entry(phase).or_default() += u64::try_from(row.count).unwrap_or(0);
        }
        Ok(counts)
    }
}

#[derive(FromQueryResult)]
struct Running {
    id: Vec<u8>,
    device_id: i64,
    due_at: i64,
    operation_id: Option<Vec<u8>>,
}

impl Running {
    fn read(self) -> Option<RunningUpdate> {
        let operation = match self.operation_id {
            Some(id) => Some(OperationId(uuid(&id)?)),
            None => None,
        };
        Some(RunningUpdate {
            id: UpdateId(uuid(&self.id)?),
            device: DeviceId(self.device_id),
            due_at: Timestamp(self.due_at),
            operation,
        })
    }
}

/// Those that are asked for, the newest first. Of a device, all of them: it has few, and what else is asked of them is for the
/// caller to look at. A phase says whether they go on.
pub(in crate::store) fn updates(query: &UpdateQuery, after: Option<UpdateId>) -> Sql {
    let sql = Sql::new("SELECT * FROM device_update WHERE id < ").bind(after.map_or_else(behind_all, bytes));
    if let Some(device) = query.device {
        return sql.text(" AND device_id = ").bind(device.0).text(" ORDER BY id DESC");
    }
    let sql = match query.artefact {
        Some(artefact) => sql.text(" AND artefact = ").bind(artefact.0.as_bytes().to_vec()),
        None => sql,
    };
    let sql = match (query.phase, query.running) {
        (Some(phase), _) => sql.text(" AND phase = ").bind(phase.word()),
        (None, true) => sql.text(" AND ended_at IS NULL"),
        (None, false) => sql,
    };
    sql.text(" ORDER BY id DESC LIMIT ").bind(with_one_more(query.page.rows()).cast_signed())
}

pub(in crate::store) fn running(after: Option<UpdateId>, limit: usize) -> Sql {
    let sql =
        Sql::new("SELECT id, device_id, due_at, operation_id FROM device_update WHERE ended_at IS NULL");
    let sql = sql.text(" AND id > ").bind(after.map_or_else(Vec::new, bytes));
    sql.text(" ORDER BY id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX))
}

pub(in crate::store) fn by_download(DownloadDigest(digest): &DownloadDigest) -> Sql {
    let sql = Sql::new("SELECT * FROM device_update WHERE download = ").bind(digest.to_vec());
    sql.text(" AND ended_at IS NULL")
}

pub(in crate::store) fn failed(device: DeviceId, since: Timestamp, limit: usize) -> Sql {
    let sql = Sql::new("SELECT ended_at FROM device_update WHERE phase = 'failed' AND device_id = ");
    let sql = sql.bind(device.0).text(" AND ended_at >= ").bind(since.0);
    sql.text(" ORDER BY ended_at DESC LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX))
}

fn bytes(id: UpdateId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

/// No name has as many bytes.
fn behind_all() -> Vec<u8> {
    vec![u8::MAX; 17]
}
