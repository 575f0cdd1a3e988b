//! Groups, who is in them, labels, and what rules are asked about.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleet::{
    ClassId, ClassRule, DeviceId, DeviceState, Group, GroupId, Labels, StoreError, StoredReading,
    store::{Candidate, Groups},
};
use objects::Path;
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};

use super::{Reader, devices::device_view};
use crate::store::{
    SqlStore,
    encoding::{Word as _, group, path_bytes, rows},
    entity::{
        class, class_contested, class_rule, device, device_group, device_label, group_member, lease,
        registration, value_latest,
    },
    sql::{Sql, chunk},
};

/// How many rows there are.
#[derive(FromQueryResult)]
struct Size {
    size: i64,
}

#[async_trait::async_trait]
impl Groups for SqlStore {
    async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let rows = self.reader.all(device_group::Entity::find()).await?;
        let mut groups: Vec<Group> = rows.into_iter().map(group::group).collect::<Result<_, _>>()?;
        groups.sort_by(|one, other| (other.rank, &one.name).cmp(&(one.rank, &other.name)));
        Ok(groups)
    }

    async fn groups_of(&self, device: DeviceId) -> Result<BTreeSet<GroupId>, StoreError> {
        let query = group_member::Entity::find().filter(group_member::Column::DeviceId.eq(device.0));
        Ok(self.reader.all(query).await?.into_iter().map(|row| GroupId(row.group_id)).collect())
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let rows = self.reader.all(members(group, after, limit)).await?;
        Ok(rows.into_iter().map(|row| DeviceId(row.device_id)).collect())
    }

    async fn member_count(&self, group: GroupId) -> Result<u64, StoreError> {
        let row = self.reader.one(device_group::Entity::find_by_id(group.0)).await?;
        Ok(row.map_or(0, |row| u64::try_from(row.members).unwrap_or(0)))
    }

    async fn labels(&self, device: DeviceId) -> Result<Labels, StoreError> {
        let query = device_label::Entity::find().filter(device_label::Column::DeviceId.eq(device.0));
        group::labels(self.reader.all(query).await?)
    }

    async fn labels_of(&self, devices: &[DeviceId]) -> Result<BTreeMap<DeviceId, Labels>, StoreError> {
        let mut found = BTreeMap::<DeviceId, Vec<device_label::Model>>::new();
        for some in devices.chunks(chunk(1)) {
            let ids = some.iter().map(|device| device.0);
            let query = device_label::Entity::find().filter(device_label::Column::DeviceId.is_in(ids));
            for row in self.reader.all(query).await? {
                found.entry(DeviceId(row.device_id)).or_default().push(row);
            }
        }
        found.into_iter().map(|(device, rows)| Ok((device, group::labels(rows)?))).collect()
    }

    async fn class_size(&self, class: ClassId, at_most: u64) -> Result<u64, StoreError> {
        let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
        let sql = Sql::new("SELECT COUNT(*) AS size FROM (SELECT 1 FROM device AS d WHERE d.class_id = ");
        let sql = sql.bind(class.0).text(" AND d.state <> ").bind(DeviceState::Removed.word());
        let sql = sql.text(&format!(" LIMIT {at_most}) AS counted"));
        let rows = self.reader.rows::<Size>(&self.reader.connection(), sql).await?;
        Ok(rows.first().map_or(0, |row| u64::try_from(row.size).unwrap_or(0)))
    }

    async fn class_rules(&self) -> Result<Vec<(ClassId, ClassRule)>, StoreError> {
        let rows =
            self.reader.all(class_rule::Entity::find().order_by_asc(class_rule::Column::ClassId)).await?;
        rows.into_iter().map(group::class_rule).collect()
    }

    async fn contested(&self, class: ClassId, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        let query = class_contested::Entity::find()
            .filter(class_contested::Column::ClassId.eq(class.0))
            .order_by_asc(class_contested::Column::DeviceId)
            .limit(u64::try_from(limit).unwrap_or(u64::MAX));
        Ok(self.reader.all(query).await?.into_iter().map(|row| DeviceId(row.device_id)).collect())
    }

    async fn devices_after(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        let query = device::Entity::find()
            .filter(device::Column::RemovedAt.is_null())
            .filter(device::Column::Id.gt(after.map_or(i64::MIN, |after| after.0)))
            .order_by_asc(device::Column::Id)
            .limit(u64::try_from(limit).unwrap_or(u64::MAX));
        Ok(self.reader.all(query).await?.into_iter().map(|row| DeviceId(row.id)).collect())
    }

    async fn candidates(&self, devices: &[DeviceId], paths: &[Path]) -> Result<Vec<Candidate>, StoreError> {
        let mut candidates = Vec::new();
        for devices in devices.chunks(TOGETHER) {
            candidates.extend(self.reader.candidates(devices, paths).await?);
        }
        candidates.sort_by_key(|candidate| candidate.view.device.id);
        Ok(candidates)
    }
}

/// How many devices are read at one time.
const TOGETHER: usize = 500;

impl Reader {
    async fn candidates(&self, devices: &[DeviceId], paths: &[Path]) -> Result<Vec<Candidate>, StoreError> {
        let ids: Vec<i64> = devices.iter().map(|device| device.0).collect();
        let snapshot = self.snapshot().await?;
        let classes = self.all_in(&snapshot, class::Entity::find()).await?;
        let classes: HashMap<i64, String> = classes.into_iter().map(|row| (row.id, row.name)).collect();
        let of = lease::Entity::find().filter(lease::Column::DeviceId.is_in(ids.iter().copied()));
        let leases = self.all_in(&snapshot, of).await?;
        let mut leases: HashMap<i64, _> = leases.into_iter().map(|row| (row.device_id, row)).collect();
        let of = registration::Column::DeviceId.is_in(ids.iter().copied());
        let registrations = self.all_in(&snapshot, registration::Entity::find().filter(of)).await?;
        let mut registrations: HashMap<i64, _> =
            registrations.into_iter().map(|row| (row.device_id, row)).collect();
        let of = device_label::Column::DeviceId.is_in(ids.iter().copied());
        let mut labels = BTreeMap::<i64, Vec<device_label::Model>>::new();
        for row in self.all_in(&snapshot, device_label::Entity::find().filter(of)).await? {
            labels.entry(row.device_id).or_default().push(row);
        }
        let of = group_member::Column::DeviceId.is_in(ids.iter().copied());
        let mut groups = BTreeMap::<i64, BTreeSet<GroupId>>::new();
        for row in self.all_in(&snapshot, group_member::Entity::find().filter(of)).await? {
            groups.entry(row.device_id).or_default().insert(GroupId(row.group_id));
        }
        let of = class_contested::Column::DeviceId.is_in(ids.iter().copied());
        let mut contested = BTreeMap::<i64, BTreeSet<ClassId>>::new();
        for row in self.all_in(&snapshot, class_contested::Entity::find().filter(of)).await? {
            contested.entry(row.device_id).or_default().insert(ClassId(row.class_id));
        }
        let mut values = self.values_at(&snapshot, &ids, paths).await?;
        let of = Condition::all().add(device::Column::Id.is_in(ids)).add(device::Column::RemovedAt.is_null());
        let mut candidates = Vec::new();
        for row in self.all_in(&snapshot, device::Entity::find().filter(of)).await? {
            let id = row.id;
            let class_name = classes.get(&row.class_id).map_or("", String::as_str);
            candidates.push(Candidate {
                view: device_view(row, class_name, registrations.remove(&id), leases.remove(&id))?,
                labels: group::labels(labels.remove(&id).unwrap_or_default())?,
                values: values.remove(&id).unwrap_or_default(),
                groups: groups.remove(&id).unwrap_or_default(),
                contested: contested.remove(&id).unwrap_or_default(),
            });
        }
        Ok(candidates)
    }

    /// The latest values at these very paths, in the order of the tree.
    async fn values_at(
        &self,
        snapshot: &DatabaseTransaction,
        devices: &[i64],
        paths: &[Path],
    ) -> Result<BTreeMap<i64, Vec<StoredReading>>, StoreError> {
        let mut values = BTreeMap::<i64, Vec<StoredReading>>::new();
        let paths: BTreeSet<Vec<u8>> = paths.iter().map(|path| path_bytes(*path)).collect();
        if paths.is_empty() {
            return Ok(values);
        }
        for devices in devices.chunks((chunk(1) / 2).saturating_sub(paths.len()).max(1)) {
            let sql =
                Sql::new("SELECT * FROM value_latest WHERE device_id IN ").list(devices.iter().copied());
            let sql = sql.text(" AND path IN ").list(paths.iter().cloned()).text(" ORDER BY device_id, path");
            for row in self.rows::<value_latest::Model>(snapshot, sql).await? {
                values.entry(row.device_id).or_default().push(rows::latest(row)?);
            }
        }
        Ok(values)
    }
}

/// By the rows of the devices.
pub(in crate::store) fn members(
    group: GroupId,
    after: Option<DeviceId>,
    limit: usize,
) -> Select<group_member::Entity> {
    group_member::Entity::find()
        .filter(group_member::Column::GroupId.eq(group.0))
        .filter(group_member::Column::DeviceId.gt(after.map_or(i64::MIN, |after| after.0)))
        .order_by_asc(group_member::Column::DeviceId)
        .limit(u64::try_from(limit).unwrap_or(u64::MAX))
}
