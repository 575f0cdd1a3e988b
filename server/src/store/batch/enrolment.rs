//! Devices: added, moved to another class, removed, and enrolled again.

use fleet::{ClassId, Device, DeviceId, DeviceState, EndReason, LoggedKind, Timestamp};

use super::{Batch, signed, tally};
use crate::store::{
    encoding::{OrCorrupt as _, Word as _, rows},
    failure::Failure,
    sql::Sql,
};

/// Where a device has rows that are deleted with its data. Not here: its own row; its credentials, whose identities stay;
/// its operations and its part of the diary, which are counted; what it has claimed, so that nobody claims it again; audit.
const DATA: [&str; 14] = [
    "registration",
    "lease",
    "value_latest",
    "value_history",
    "delivery",
    "timeline",
    "bootstrap_session",
    "device_plan",
    "device_label",
    "device_wish",
    "device_awake",
    "no_composite",
    "installed",
    "event_log",
];

impl Batch<'_> {
    /// Collects a new device. What else its commit conflicts with is seen when it is written.
    pub(super) fn add_device(&mut self, device: &Device) -> Result<(), Failure> {
        let row = rows::device_row(device);
        let state = DeviceState::from_word(&row.state).or_corrupt("device")?;
        if self.enrolled.insert(row.id, row).is_some() {
            return Err(Failure::Conflict);
        }
        self.count(name_of(state), 1);
        Ok(())
    }

    /// Writes the devices and credentials that were collected, so that what follows may refer to them.
    pub(super) async fn write_enrolled(&mut self) -> Result<(), Failure> {
        if !self.enrolled.is_empty() {
            let devices = std::mem::take(&mut self.enrolled);
            self.insert_many(devices.into_values().collect(), None).await?;
        }
        if !self.credentials.is_empty() {
            let credentials = std::mem::take(&mut self.credentials);
            self.insert_many(credentials, None).await?;
        }
        Ok(())
    }

    pub(super) async fn enrol_again(&mut self, device: DeviceId, class: ClassId) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE device SET removed_at = NULL, state = ").bind(DeviceState::Awaited.word());
        let sql = sql.text(", class_id = ").bind(class.0).text(" WHERE removed_at IS NOT NULL AND id = ");
        if self.run(sql.bind(device.0)).await? == 0 {
            return Err(Failure::Conflict);
        }
        self.count(tally::REMOVED, -1);
        self.count(tally::AWAITED, 1);
        Ok(())
    }

    pub(super) async fn classify(&mut self, device: DeviceId, class: ClassId) -> Result<(), Failure> {
        let sql = Sql::new("UPDATE device SET class_id = ").bind(class.0).text(" WHERE id = ").bind(device.0);
        if self.run(sql).await? == 0 { Err(Failure::Conflict) } else { self.settle(device).await }
    }

    pub(super) async fn remove_device(
        &mut self,
        device: DeviceId,
        at: Timestamp,
        keep_data: bool,
    ) -> Result<(), Failure> {
        // Who is still registered is not any more.
        self.end_registration(device, at, EndReason::Removed).await?;
        let rows = self.query(Sql::new("SELECT state FROM device WHERE id = ").bind(device.0)).await?;
        let state: String = rows.first().ok_or(Failure::Conflict)?.try_get_by_index(0)?;
        let state = DeviceState::from_word(&state).or_corrupt("device")?;
        let sql = Sql::new("UPDATE device SET state = ").bind(DeviceState::Removed.word());
        let sql =
            sql.text(", removed_at = COALESCE(removed_at, ").bind(at.0).text(") WHERE id = ").bind(device.0);
        self.run(sql).await?;
        self.count(name_of(state), -1);
        self.count(tally::REMOVED, 1);
        self.end_observations(device, None).await?;
        self.revoke_credentials(device, at).await?;
        self.leave_groups(device).await?;
        self.drop_configured(device).await?;
        if !keep_data {
            self.delete_data(device).await?;
        }
        Ok(())
    }

    async fn delete_data(&mut self, device: DeviceId) -> Result<(), Failure> {
        self.readings.retain(|reading| reading.device_id != device.0);
        self.timeline.remove(&device.0);
        let values = LoggedKind::Values(Vec::new()).name();
        self.events.retain(|event| event.device_id != device.0 || event.kind != values);
        for table in DATA {
            self.delete(table, "", device).await?;
        }
        let queued = self.delete("operation", "state = 'queued' AND ", device).await?;
        self.count(tally::QUEUED_OPERATIONS, -signed(queued));
        self.delete("operation", "", device).await?;
        self.drop_updates(device).await?;
        self.drop_baselines(fleet::configuration::Level::Device(device)).await?;
        let noted = self.delete("diary", "", device).await?;
        self.count(tally::DIARY, -signed(noted));
        let sql = Sql::new("UPDATE credential SET sealed = ").bind(Vec::<u8>::new());
        self.run(sql.text(" WHERE device_id = ").bind(device.0)).await?;
        let sql = Sql::new(
            "DELETE FROM seen_certificate WHERE credential_id IN (SELECT id FROM credential WHERE device_id = ",
        );
        self.run(sql.bind(device.0).text(")")).await?;
        let sql = Sql::new("UPDATE device SET rested_at = ").bind(rows::NEVER_HEARD);
        self.run(sql.text(" WHERE id = ").bind(device.0)).await?;
        Ok(())
    }

    async fn delete(&mut self, table: &str, which: &str, device: DeviceId) -> Result<u64, Failure> {
        let sql = Sql::new(&format!("DELETE FROM {table} WHERE {which}device_id = ")).bind(device.0);
        Ok(self.run(sql).await?)
    }
}

/// The count that a device in this state is part of.
pub(super) fn name_of(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Registered => tally::REGISTERED,
        DeviceState::Deregistered => tally::DEREGISTERED,
        DeviceState::Expired => tally::EXPIRED,
        DeviceState::Awaited => tally::AWAITED,
        DeviceState::Revoked => tally::REVOKED,
        DeviceState::Removed => tally::REMOVED,
    }
}
