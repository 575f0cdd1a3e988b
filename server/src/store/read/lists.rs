//! What a device holds, each list by an index; and the counts of the overview.

use std::iter;

use fleet::{
    DeviceId, Observation, OperationId, OperationRecord, Reading, StoreError, StoredReading, TimelineRecord,
    store::{Overview, Page, PageRequest},
};
use objects::Path;
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select};

use super::Reader;
use crate::store::{
    batch::tally,
    cursor::{self, Position},
    encoding::{path_bytes, path_bytes_after, rows},
    entity::{observation, operation, tally as counts, timeline, value_history, value_latest},
};

impl Reader {
    pub(in crate::store) async fn overview(&self) -> Result<Overview, StoreError> {
        let counts = self.all(counts::Entity::find()).await?;
        let count = |name: &str| {
            let sum: i64 = counts.iter().filter(|row| row.name == name).map(|row| row.count).sum();
            u64::try_from(sum).unwrap_or(0)
        };
        Ok(Overview {
            registered: count(tally::REGISTERED),
            deregistered: count(tally::DEREGISTERED),
            expired: count(tally::EXPIRED),
            awaited: count(tally::AWAITED),
            revoked: count(tally::REVOKED),
            diary: count(tally::DIARY),
            queued_operations: count(tally::QUEUED_OPERATIONS),
            observations: count(tally::OBSERVATIONS),
        })
    }

    pub(in crate::store) async fn latest(
        &self,
        device: DeviceId,
        within: Path,
    ) -> Result<Vec<StoredReading>, StoreError> {
        let rows = self.all(latest(device, within)).await?;
        rows.into_iter().map(rows::latest).collect()
    }

    pub(in crate::store) async fn history(
        &self,
        device: DeviceId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, StoreError> {
        let rows = self.all(history(device, path, limit.min(Reading::HISTORY_PER_PATH))).await?;
        rows.into_iter().map(rows::history).collect()
    }

    pub(in crate::store) async fn observations(
        &self,
        device: DeviceId,
    ) -> Result<Vec<Observation>, StoreError> {
        let rows = self.all(observations(device)).await?;
        rows.into_iter().map(rows::observation).collect()
    }

    pub(in crate::store) async fn operation(
        &self,
        id: OperationId,
    ) -> Result<Option<OperationRecord>, StoreError> {
        let query = operation::Entity::find_by_id(id.0.as_bytes().to_vec());
        self.one(query).await?.map(rows::operation_record).transpose()
    }

    pub(in crate::store) async fn operations(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let after = cursor::after(page.after.as_ref(), |position| match position {
            Position::Operation(id) => Some(id),
            _ => None,
        })?;
        let rows = self.all(operations(device, after, page.rows())).await?;
        let rows = rows.into_iter().map(rows::operation_record).collect::<Result<_, _>>()?;
        Ok(cut(rows, page, |record: &OperationRecord| Position::Operation(record.id)))
    }

    pub(in crate::store) async fn timeline(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<TimelineRecord>, StoreError> {
        let after = cursor::after(page.after.as_ref(), |position| match position {
            Position::Timeline(sequence) => Some(sequence),
            _ => None,
        })?;
        let rows = self.all(timeline(device, after, page.rows())).await?;
        let rows = rows.into_iter().map(rows::timeline).collect::<Result<_, _>>()?;
        Ok(cut(rows, page, |record: &TimelineRecord| Position::Timeline(record.sequence)))
    }

    pub(super) async fn all<E: EntityTrait>(&self, query: Select<E>) -> Result<Vec<E::Model>, StoreError> {
        self.checked(query.all(&self.connection()).await)
    }

    pub(super) async fn one<E: EntityTrait>(&self, query: Select<E>) -> Result<Option<E::Model>, StoreError> {
        self.checked(query.one(&self.connection()).await)
    }
}

/// A page of `rows`, of which there may be one more than it holds.
pub(super) fn cut<T>(mut rows: Vec<T>, page: &PageRequest, position: impl Fn(&T) -> Position) -> Page<T> {
    let more = rows.len() > page.rows();
    rows.truncate(page.rows());
    let next = rows.last().filter(|_| more).map(|row| position(row).cursor());
    Page { rows, next }
}

/// One row more than the page holds, to know whether there is a next one.
pub(super) fn with_one_more(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX).saturating_add(1)
}

pub(in crate::store) fn latest(device: DeviceId, within: Path) -> Select<value_latest::Entity> {
    let column = value_latest::Column::Path;
    let query = value_latest::Entity::find().filter(value_latest::Column::DeviceId.eq(device.0));
    let query = query.filter(column.gte(path_bytes(within))).order_by_asc(column);
    iter::once(path_bytes_after(within)).flatten().fold(query, |query, end| query.filter(column.lt(end)))
}

pub(in crate::store) fn history(device: DeviceId, path: Path, limit: usize) -> Select<value_history::Entity> {
    value_history::Entity::find()
        .filter(value_history::Column::DeviceId.eq(device.0))
        .filter(value_history::Column::Path.eq(path_bytes(path)))
        .order_by_desc(value_history::Column::At)
        .order_by_desc(value_history::Column::Sequence)
        .limit(u64::try_from(limit).unwrap_or(u64::MAX))
}

pub(in crate::store) fn observations(device: DeviceId) -> Select<observation::Entity> {
    let query = observation::Entity::find().filter(observation::Column::DeviceId.eq(device.0));
    query.order_by_asc(observation::Column::Path)
}

pub(in crate::store) fn operations(
    device: DeviceId,
    after: Option<OperationId>,
    rows: usize,
) -> Select<operation::Entity> {
    let query = operation::Entity::find().filter(operation::Column::DeviceId.eq(device.0));
    let query = query.order_by_desc(operation::Column::Id).limit(with_one_more(rows));
    match after {
        Some(id) => query.filter(operation::Column::Id.lt(id.0.as_bytes().to_vec())),
        None => query,
    }
}

pub(in crate::store) fn timeline(
    device: DeviceId,
    after: Option<i64>,
    rows: usize,
) -> Select<timeline::Entity> {
    let query = timeline::Entity::find().filter(timeline::Column::DeviceId.eq(device.0));
    let query = query.order_by_desc(timeline::Column::Ordinal).limit(with_one_more(rows));
    match after {
        Some(ordinal) => query.filter(timeline::Column::Ordinal.lt(ordinal)),
        None => query,
    }
}
