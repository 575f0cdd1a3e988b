//! What a start reads back.

use std::collections::{BTreeMap, HashMap};

use fleet::{DeviceId, DeviceState, Restored, StoreError, Timestamp};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait, QueryFilter as _, QueryOrder as _, Select,
};

use super::Reader;
use crate::store::{
    encoding::{OrCorrupt as _, Word as _, rows},
    entity::{device, lease, observation, operation, registration},
    sql::Sql,
};

/// What is read of a registration that has ended.
#[derive(sea_orm::FromQueryResult)]
struct Ended {
    device_id: i64,
    epoch: i64,
    seen_at: i64,
}

impl Reader {
    /// A row that can't be understood is left out, and said so: a device whose registration is left out registers anew,
    /// and everybody else is served meanwhile. The row stays as it is.
    pub(in crate::store) async fn restore(&self) -> Result<Restored, StoreError> {
        let snapshot = self.snapshot().await?;
        let devices = self.all_in(&snapshot, device::Entity::find().order_by_asc(device::Column::Id)).await?;
        let leases = self.all_in(&snapshot, lease::Entity::find()).await?;
        let leases: HashMap<i64, lease::Model> = leases.into_iter().map(|row| (row.device_id, row)).collect();
        let mut restored = Restored {
            devices: devices.into_iter().filter_map(|row| readable(row.id, rows::device(row))).collect(),
            seen: leases.values().map(|row| (DeviceId(row.device_id), Timestamp(row.seen_at))).collect(),
            ..Restored::default()
        };

        let live = registration::Column::State.eq(DeviceState::Registered.word());
        let live = registration::Entity::find().filter(live).order_by_asc(registration::Column::DeviceId);
        for row in self.all_in(&snapshot, live).await? {
            let lease = leases.get(&row.device_id).or_corrupt("lease")?;
            restored.epochs.insert(DeviceId(row.device_id), row.epoch);
            let device = row.device_id;
            let registration = rows::registration(row, Timestamp(lease.expires_at));
            restored.registrations.extend(readable(device, registration));
        }
        let ended = "SELECT device_id, epoch, seen_at FROM registration WHERE ended_at IS NOT NULL";
        for row in self.rows::<Ended>(&snapshot, Sql::new(ended)).await? {
            restored.epochs.insert(DeviceId(row.device_id), row.epoch);
            restored.seen.insert(DeviceId(row.device_id), Timestamp(row.seen_at));
        }

        let observations = self.all_in(&snapshot, observation::Entity::find()).await?;
        for row in observations {
            restored.observations.extend(readable(row.device_id, rows::observation(row)));
        }
        let operations: Vec<operation::Model> = self.rows(&snapshot, open_operations()).await?;
        for row in operations {
            restored.operations.extend(readable(row.device_id, rows::operation_record(row)));
        }
        Ok(restored)
    }

    /// When each live device was last heard.
    pub(in crate::store) async fn leases(&self) -> Result<BTreeMap<i64, i64>, StoreError> {
        let leases = self.checked(lease::Entity::find().all(&self.connection).await)?;
        Ok(leases.into_iter().map(|row| (row.device_id, row.seen_at)).collect())
    }

    async fn all_in<E: EntityTrait>(
        &self,
        snapshot: &DatabaseTransaction,
        query: Select<E>,
    ) -> Result<Vec<E::Model>, StoreError> {
        self.checked(query.all(snapshot).await)
    }
}

fn readable<T>(device: i64, row: Result<T, StoreError>) -> Option<T> {
    row.inspect_err(|error| tracing::error!(device.id = device, %error, "a row was left out")).ok()
}

/// The oldest first. The condition is that of the index, word for word.
pub(in crate::store) fn open_operations() -> Sql {
    Sql::new("SELECT * FROM operation WHERE state IN ('queued', 'sent') ORDER BY id")
}
