//! What a start reads back.

use std::collections::{BTreeMap, HashMap};

use fleet::{DeviceId, Notified, ObservationToken, Restored, StoreError, Timestamp};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};

use super::Reader;
use crate::store::{
    encoding::rows,
    entity::{device, lease, observation, operation, registration},
    sql::Sql,
};

/// A device that holds or held a credential.
#[derive(sea_orm::FromQueryResult)]
struct Holds {
    device_id: i64,
}

/// A notification that was stored lately.
#[derive(sea_orm::FromQueryResult)]
struct NotifiedRow {
    device_id: i64,
    token: Vec<u8>,
    received_at: i64,
    observe: i64,
}

impl Reader {
    /// The highest id of a device.
    pub(in crate::store) async fn last_device(&self) -> Result<Option<DeviceId>, StoreError> {
        let last = device::Entity::find().order_by_desc(device::Column::Id).limit(1);
        Ok(self.checked(last.one(&self.connection()).await)?.map(|row| DeviceId(row.id)))
    }

    /// A row that can't be understood is left out, and said so: a device whose registration is left out registers anew,
    /// and everybody else is served meanwhile. The row stays as it is.
    pub(in crate::store) async fn restore(
        &self,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Restored, StoreError> {
        let snapshot = self.snapshot().await?;
        let devices = device::Entity::find().order_by_asc(device::Column::Id).limit(limit as u64);
        let devices = devices.filter(device::Column::Id.gt(after.map_or(i64::MIN, |after| after.0)));
        let devices = self.all_in(&snapshot, devices).await?;
        let (Some(first), Some(last)) = (devices.first(), devices.last()) else {
            return Ok(Restored::default());
        };
        let (first, last, count) = (first.id, last.id, devices.len());
        let leases = lease::Entity::find().filter(lease::Column::DeviceId.between(first, last));
        let leases = self.all_in(&snapshot, leases).await?;
        let leases: HashMap<i64, lease::Model> = leases.into_iter().map(|row| (row.device_id, row)).collect();
        let mut restored = Restored {
            devices: devices.into_iter().filter_map(|row| readable(row.id, rows::device(row))).collect(),
            seen: leases.values().map(|row| (DeviceId(row.device_id), Timestamp(row.seen_at))).collect(),
            more_after: (count == limit).then_some(DeviceId(last)),
            ..Restored::default()
        };

        let registrations =
            registration::Entity::find().filter(registration::Column::DeviceId.between(first, last));
        let registrations = registrations.order_by_asc(registration::Column::DeviceId);
        for row in self.all_in(&snapshot, registrations).await? {
            let device = DeviceId(row.device_id);
            restored.epochs.insert(device, row.epoch);
            match (leases.get(&row.device_id), row.seen_at) {
                (Some(lease), _) => {
                    let registration = rows::registration(row, Timestamp(lease.expires_at));
                    restored.registrations.extend(readable(device.0, registration));
                }
                (None, Some(seen_at)) => drop(restored.seen.insert(device, Timestamp(seen_at))),
                (None, None) => {
                    tracing::error!(device.id = device.0, "a registration without a lease was left out")
                }
            }
        }
        for Holds { device_id } in self.rows(&snapshot, holders(first, last)).await? {
            restored.secured.insert(DeviceId(device_id));
        }

        let observations = observation::Entity::find();
        let observations = observations.filter(observation::Column::DeviceId.between(first, last));
        for row in self.all_in(&snapshot, observations).await? {
            restored.observations.extend(readable(row.device_id, rows::observation(row)));
        }
        let notified: Vec<NotifiedRow> = self.rows(&snapshot, notified(first, last)).await?;
        for row in notified {
            let Ok(number) = u32::try_from(row.observe) else { continue };
            let newest = Notified { at: Timestamp(row.received_at), number };
            let of_device = restored.notified.entry(DeviceId(row.device_id)).or_default();
            of_device.extend(ObservationToken::new(&row.token).map(|token| (token, newest)));
        }
        restored.awake = self.awake_times(&snapshot, first, last).await?;
        let operations: Vec<operation::Model> = self.rows(&snapshot, open_operations(first, last)).await?;
        for row in operations {
            restored.operations.extend(readable(row.device_id, rows::operation_record(row)));
        }
        Ok(restored)
    }

    /// When each live device was last heard.
    pub(in crate::store) async fn leases(&self) -> Result<BTreeMap<i64, i64>, StoreError> {
        let leases = self.checked(lease::Entity::find().all(&self.connection()).await)?;
        Ok(leases.into_iter().map(|row| (row.device_id, row.seen_at)).collect())
    }

    pub(super) async fn all_in<E: EntityTrait>(
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

/// Those that hold or held a credential.
pub(in crate::store) fn holders(first: i64, last: i64) -> Sql {
    let sql = Sql::new("SELECT DISTINCT device_id FROM credential WHERE device_id BETWEEN ").bind(first);
    sql.text(" AND ").bind(last)
}

/// The newest of each token comes last.
fn notified(first: i64, last: i64) -> Sql {
    let sql = Sql::new(
        "SELECT device_id, token, received_at, observe FROM delivery WHERE observe IS NOT NULL AND device_id BETWEEN ",
    );
    sql.bind(first).text(" AND ").bind(last).text(" ORDER BY received_at, observe")
}

/// Those of a device the oldest first. The condition is that of the index, word for word.
pub(in crate::store) fn open_operations(first: i64, last: i64) -> Sql {
    let sql = Sql::new("SELECT * FROM operation WHERE state IN ('queued', 'sent') AND device_id BETWEEN ");
    sql.bind(first).text(" AND ").bind(last).text(" ORDER BY device_id, id")
}
