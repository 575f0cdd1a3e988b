//! What waits for devices, and how long they listen.

use std::{collections::BTreeMap, time::Duration};

use fleet::{
    ClassId, DeviceId, OperationId, Priority, StoreError,
    queue::{Awake, AwakeTimes},
    store::{Page, Queues, Waiting, WaitingQuery},
};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, EntityTrait as _, FromQueryResult, QueryFilter as _};
use uuid::Uuid;

use super::{
    Reader,
    lists::{cut, with_one_more},
};
use crate::store::{
    SqlStore,
    cursor::{self, Position},
    encoding::{OrCorrupt as _, queue, rows},
    entity::{class_awake, device, device_awake, operation},
    sql::Sql,
};

/// After what a page goes on.
type After = Option<(Priority, OperationId)>;

#[async_trait::async_trait]
impl Queues for SqlStore {
    async fn waiting(&self, query: &WaitingQuery) -> Result<Page<Waiting>, StoreError> {
        let after = cursor::after(query.page.after.as_ref(), |position| match position {
            Position::Waiting(priority, id) => Some((priority, id)),
            _ => None,
        })?;
        let (reader, snapshot) = (&self.reader, self.reader.snapshot().await?);
        let found: Vec<operation::Model> = reader.rows(&snapshot, waiting(query, after)).await?;
        let records = found.into_iter().map(rows::operation_record).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<i64> = records.iter().map(|record| record.device.0).collect();
        let devices = device::Entity::find().filter(device::Column::Id.is_in(ids));
        let mut devices_by_id = BTreeMap::new();
        for row in reader.all_in(&snapshot, devices).await? {
            devices_by_id.insert(row.id, rows::device(row)?);
        }
        let of = |device: DeviceId| devices_by_id.get(&device.0).cloned().or_corrupt("operation");
        let waits = records.into_iter().map(|record| Ok(Waiting { device: of(record.device)?, record }));
        let waits: Vec<Waiting> = waits.collect::<Result<_, StoreError>>()?;
        let position = |waiting: &Waiting| Position::Waiting(waiting.record.priority, waiting.record.id);
        let mut page = cut(waits, &query.page, position);
        if page.next.is_none() && query.class.is_some() {
            // There may be more beyond what was looked at.
            let last: Vec<Place> = reader.rows(&snapshot, last_looked_at(query, after)).await?;
            page.next = last.into_iter().next().map(Place::cursor).transpose()?;
        }
        Ok(page)
    }

    async fn awake(&self, device: DeviceId) -> Result<Awake, StoreError> {
        let own = self.reader.one(device_awake::Entity::find_by_id(device.0)).await?;
        let own = own.map(queue::awake).transpose()?.unwrap_or_default();
        let sql = Sql::new(
            "SELECT a.class_id, a.said_ms FROM class_awake AS a JOIN device AS d ON d.class_id = a.class_id WHERE d.id = ",
        );
        let class: Vec<class_awake::Model> =
            self.reader.rows(&self.reader.connection(), sql.bind(device.0)).await?;
        let class = class.into_iter().next().map(|row| queue::ms(row.said_ms).or_corrupt("awake time"));
        Ok(Awake { class: class.transpose()?, ..own })
    }

    async fn class_awake_times(&self) -> Result<BTreeMap<ClassId, Duration>, StoreError> {
        classes(self.reader.all(class_awake::Entity::find()).await?)
    }
}

impl Reader {
    /// What was said of classes, and what is known of these devices.
    pub(super) async fn awake_times(
        &self,
        snapshot: &DatabaseTransaction,
        first: i64,
        last: i64,
    ) -> Result<AwakeTimes, StoreError> {
        let of_devices = device_awake::Entity::find();
        let of_devices = of_devices.filter(device_awake::Column::DeviceId.between(first, last));
        let mut devices = BTreeMap::new();
        for row in self.all_in(snapshot, of_devices).await? {
            let (device, awake) = (DeviceId(row.device_id), queue::awake(row)?);
            if awake != Awake::default() {
                devices.insert(device, awake);
            }
        }
        let classes = classes(self.all_in(snapshot, class_awake::Entity::find()).await?)?;
        Ok(AwakeTimes { devices, classes })
    }
}

/// A row's place in the list.
#[derive(FromQueryResult)]
struct Place {
    priority: i64,
    id: Vec<u8>,
}

impl Place {
    fn cursor(self) -> Result<fleet::store::Cursor, StoreError> {
        let id = Uuid::from_slice(&self.id).or_corrupt("operation")?;
        let priority = queue::priority(self.priority).or_corrupt("operation")?;
        Ok(Position::Waiting(priority, OperationId(id)).cursor())
    }
}

fn classes(rows: Vec<class_awake::Model>) -> Result<BTreeMap<ClassId, Duration>, StoreError> {
    let said = |row: class_awake::Model| {
        Ok((ClassId(row.class_id), queue::ms(row.said_ms).or_corrupt("awake time")?))
    };
    rows.into_iter().map(said).collect()
}

/// By the index of what waits, or by that of what waits for one device. The condition is that of the index, word for word.
/// Of a class no more than so many are looked at, each with its device.
pub(in crate::store) fn waiting(query: &WaitingQuery, after: After) -> Sql {
    let rows = i64::try_from(with_one_more(query.page.rows())).unwrap_or(i64::MAX);
    let Some(class) = query.class else {
        return looked_at("SELECT o.*", query, after).text(" LIMIT ").bind(rows);
    };
    let looks = i64::try_from(WaitingQuery::LOOKED_AT).unwrap_or(i64::MAX);
    let sql = looked_at("SELECT w.* FROM (SELECT o.*", query, after).text(" LIMIT ").bind(looks);
    let sql =
        sql.text(") AS w WHERE EXISTS (SELECT 1 FROM device AS d WHERE d.id = w.device_id AND d.class_id = ");
    sql.bind(class.0).text(") ORDER BY w.priority, w.id LIMIT ").bind(rows)
}

/// Where the last of those lies that are looked at for a page of a class, if there may be more.
pub(in crate::store) fn last_looked_at(query: &WaitingQuery, after: After) -> Sql {
    let before = i64::try_from(WaitingQuery::LOOKED_AT - 1).unwrap_or(i64::MAX);
    looked_at("SELECT o.priority, o.id", query, after).text(" LIMIT 1 OFFSET ").bind(before)
}

fn looked_at(select: &str, query: &WaitingQuery, after: After) -> Sql {
    let sql = Sql::new(select).text(" FROM operation AS o WHERE o.state = 'queued'");
    let sql = match query.device {
        Some(device) => sql.text(" AND o.device_id = ").bind(device.0),
        None => sql,
    };
    let sql = match query.priority {
        Some(priority) => sql.text(" AND o.priority = ").bind(queue::priority_column(priority)),
        None => sql,
    };
    let sql = match after {
        // A comparison of pairs would have an index of three columns sorted once more.
        Some((priority, id)) if query.priority == Some(priority) => {
            sql.text(" AND o.id > ").bind(id.0.as_bytes().to_vec())
        }
        Some((priority, id)) => {
            let sql = sql.text(" AND (o.priority, o.id) > (").bind(queue::priority_column(priority));
            sql.text(", ").bind(id.0.as_bytes().to_vec()).text(")")
        }
        None => sql,
    };
    sql.text(" ORDER BY o.priority, o.id")
}
