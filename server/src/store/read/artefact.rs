//! Artefacts, whom classes take them from, and which devices run them.

use fleet::{
    Artefact, ArtefactId, ClassId, DeviceId, EndpointName, Fingerprint, Installed, PublicId, RunsArtefact,
    StoreError, Timestamp, UpdateKey, UpdatePolicy,
    store::{Artefacts, Page, PageRequest},
};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};

use super::lists::{cut, with_one_more};
use crate::store::{
    SqlStore,
    cursor::{self, Position},
    encoding::{OrCorrupt as _, artefact as encoding, uuid},
    entity::{artefact, installed, update_key, update_policy},
    sql::Sql,
};

#[derive(FromQueryResult)]
struct Runs {
    device_id: i64,
    public_id: Vec<u8>,
    endpoint: String,
    instance: i64,
    at: i64,
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

#[async_trait::async_trait]
impl Artefacts for SqlStore {
    async fn artefacts(&self, page: &PageRequest) -> Result<Page<Artefact>, StoreError> {
        let after = cursor::after(page.after.as_ref(), |position| match position {
            Position::Artefact { uploaded_at, artefact } => Some((uploaded_at, ArtefactId(artefact))),
            _ => None,
        })?;
        let rows = self.reader.all(artefacts(after, page.rows())).await?;
        let rows = rows.into_iter().map(encoding::artefact).collect::<Result<_, _>>()?;
        Ok(cut(rows, page, |one: &Artefact| Position::Artefact {
            uploaded_at: one.uploaded_at.0,
            artefact: one.id.0,
        }))
    }

    async fn artefact(&self, id: ArtefactId) -> Result<Option<Artefact>, StoreError> {
        let row = self.reader.one(artefact::Entity::find_by_id(encoding::id_column(id))).await?;
        row.map(encoding::artefact).transpose()
    }

    async fn artefact_blobs(&self) -> Result<Vec<(ArtefactId, Vec<Fingerprint>)>, StoreError> {
        let rows = self.reader.all(artefact::Entity::find()).await?;
        let blobs = |row| encoding::artefact(row).map(|artefact| (artefact.id, artefact.blobs()));
        rows.into_iter().map(blobs).collect()
    }

    async fn update_policy(&self, class: ClassId) -> Result<Option<UpdatePolicy>, StoreError> {
        let row = self.reader.one(update_policy::Entity::find_by_id(class.0)).await?;
        row.map(encoding::policy).transpose()
    }

    async fn update_keys(&self, class: ClassId) -> Result<Vec<UpdateKey>, StoreError> {
        let query = update_key::Entity::find().filter(update_key::Column::ClassId.eq(class.0));
        let query = query.order_by_asc(update_key::Column::AddedAt).order_by_asc(update_key::Column::Id);
        self.reader.all(query).await?.into_iter().map(encoding::key).collect()
    }

    async fn installed(&self, device: DeviceId) -> Result<Vec<Installed>, StoreError> {
        let query = installed::Entity::find().filter(installed::Column::DeviceId.eq(device.0));
        let query = query.order_by_asc(installed::Column::Kind).order_by_asc(installed::Column::Instance);
        self.reader.all(query).await?.into_iter().map(encoding::installed).collect()
    }

    async fn artefact_runs(&self, artefact: ArtefactId) -> Result<u64, StoreError> {
        let sql = Sql::new("SELECT COUNT(DISTINCT i.device_id) AS count FROM installed AS i ")
            .text("JOIN device AS d ON d.id = i.device_id WHERE d.removed_at IS NULL AND i.artefact_id = ")
            .bind(encoding::id_column(artefact));
        let counts: Vec<Count> = self.reader.rows(&self.reader.connection(), sql).await?;
        Ok(counts.first().map_or(0, |row| u64::try_from(row.count).unwrap_or(0)))
    }

    async fn runs_artefact(
        &self,
        artefact: ArtefactId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<RunsArtefact>, StoreError> {
        let runs: Vec<Runs> =
            self.reader.rows(&self.reader.connection(), running(artefact, after, limit)).await?;
        let read = |row: Runs| {
            Some(RunsArtefact {
                row: DeviceId(row.device_id),
                device: PublicId(uuid(&row.public_id)?),
                endpoint: EndpointName::new(&row.endpoint).ok()?,
                instance: row.instance.try_into().ok()?,
                at: Timestamp(row.at),
            })
        };
        runs.into_iter().map(|row| read(row).or_corrupt("installed artefact")).collect()
    }
}

pub(in crate::store) fn artefacts(after: Option<(i64, ArtefactId)>, rows: usize) -> Select<artefact::Entity> {
    use artefact::Column;
    let query = artefact::Entity::find().order_by_desc(Column::UploadedAt).order_by_desc(Column::Id);
    let query = query.limit(with_one_more(rows));
    match after {
        Some((uploaded_at, id)) => {
            let same = Condition::all()
                .add(Column::UploadedAt.eq(uploaded_at))
                .add(Column::Id.lt(encoding::id_column(id)));
            query
                .filter(Column::UploadedAt.lte(uploaded_at))
                .filter(Condition::any().add(Column::UploadedAt.lt(uploaded_at)).add(same))
        }
        None => query,
    }
}

/// Each device once, with the first of its instances, firmware before software.
pub(in crate::store) fn running(artefact: ArtefactId, after: Option<DeviceId>, limit: usize) -> Sql {
    let id = encoding::id_column(artefact);
    Sql::new("SELECT i.device_id, d.public_id, d.endpoint, i.instance, i.at FROM installed AS i ")
        .text("JOIN device AS d ON d.id = i.device_id WHERE d.removed_at IS NULL AND i.artefact_id = ")
        .bind(id.clone())
        .text(" AND i.device_id > ")
        .bind(after.map_or(i64::MIN, |after| after.0))
        .text(" AND NOT EXISTS (SELECT 1 FROM installed AS b WHERE b.artefact_id = ")
        .bind(id)
        .text(" AND b.device_id = i.device_id AND (b.kind < i.kind OR (b.kind = i.kind AND b.instance < i.instance)))")
        .text(" ORDER BY i.device_id LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
}
