//! Wishes, and what came of them.

use std::collections::BTreeSet;

use fleet::{
    ClassId, DeviceId, StoreError,
    store::Wishing,
    wish::{Kept, NoComposites, Wishes},
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _};

use crate::store::{
    SqlStore,
    encoding::wish,
    entity::{class_wish, device_wish, no_composite},
    sql::Sql,
};

#[async_trait::async_trait]
impl Wishing for SqlStore {
    async fn wishes(&self) -> Result<Vec<(ClassId, Wishes)>, StoreError> {
        let query = class_wish::Entity::find().order_by_asc(class_wish::Column::ClassId);
        self.reader.all(query).await?.into_iter().map(wish::wishes).collect()
    }

    async fn kept_wishes(&self, device: DeviceId) -> Result<Kept, StoreError> {
        let query = device_wish::Entity::find().filter(device_wish::Column::DeviceId.eq(device.0));
        wish::kept(self.reader.all(query).await?)
    }

    async fn no_composites(&self, device: DeviceId) -> Result<Option<NoComposites>, StoreError> {
        let row = self.reader.one(no_composite::Entity::find_by_id(device.0)).await?;
        row.map(wish::no_composites).transpose()
    }

    async fn wished_of(
        &self,
        classes: &BTreeSet<ClassId>,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let rows: Vec<Id> =
            self.reader.rows(&self.reader.connection(), wished_of(classes, after, limit)).await?;
        Ok(rows.into_iter().map(|row| DeviceId(row.id)).collect())
    }
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// By the rows of the devices.
pub(in crate::store) fn wished_of(classes: &BTreeSet<ClassId>, after: Option<DeviceId>, limit: usize) -> Sql {
    let sql = Sql::new("SELECT d.id FROM device AS d WHERE d.removed_at IS NULL AND d.id > ");
    let sql = sql.bind(after.map_or(i64::MIN, |after| after.0)).text(" AND (");
    let sql = match classes.is_empty() {
        true => sql,
        false => sql.text("d.class_id IN ").list(classes.iter().map(|class| class.0)).text(" OR "),
    };
    let sql =
        sql.text("EXISTS (SELECT 1 FROM device_wish AS w WHERE w.device_id = d.id)) ORDER BY d.id LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX))
}
