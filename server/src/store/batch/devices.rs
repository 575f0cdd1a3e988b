//! Registrations and their leases.

use fleet::{DeviceId, DeviceState, EndReason, Registration, Timestamp};
use sea_orm::Value;

use super::{Batch, chunk, enrolment::name_of, tally, update_on_conflict};
use crate::store::{
    encoding::{OrCorrupt, Word, rows},
    entity,
    failure::Failure,
    recency::Heard,
    sql::Sql,
};

/// A lease to be written at the end of the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    seen_at: i64,
    expires_at: i64,
    /// Whether it comes with a registration; otherwise it only renews what is there.
    granted: bool,
}

impl Batch<'_> {
    /// Whether a registration with the same id lived before.
    pub(super) async fn register(&mut self, registration: &Registration) -> Result<bool, Failure> {
        let device = registration.device.0;
        let sql = Sql::new(
            "SELECT d.endpoint, d.state, r.state, r.epoch, r.location, COALESCE(l.seen_at, r.seen_at) FROM device AS d \
             LEFT JOIN registration AS r ON r.device_id = d.id LEFT JOIN lease AS l ON l.device_id = d.id WHERE d.id = ",
        );
        let rows = self.query(sql.bind(device)).await?;
        let before = rows.first().ok_or(Failure::Conflict)?;
        let endpoint: String = before.try_get_by_index(0)?;
        let state: String = before.try_get_by_index(1)?;
        let state = DeviceState::from_word(&state).or_corrupt("device")?;
        let lives =
            before.try_get_by_index::<Option<String>>(2)?.as_deref() == Some(DeviceState::Registered.word());
        if let Some(epoch) = before.try_get_by_index::<Option<i64>>(3)? {
            // A stale owner's write: an older registration, or one that has ended already.
            let same = registration.epoch == epoch && lives;
            if registration.epoch <= epoch && !same {
                return Err(Failure::Conflict);
            }
        }
        if state == DeviceState::Removed {
            return Err(Failure::Conflict);
        }
        if state != DeviceState::Registered {
            let sql =
                Sql::new("UPDATE device SET rested_at = NULL, state = ").bind(DeviceState::Registered.word());
            self.run(sql.text(" WHERE id = ").bind(device)).await?;
            self.count(name_of(state), -1);
            self.count(tally::REGISTERED, 1);
        }
        let update = update_on_conflict::<entity::registration::Entity>();
        let row = rows::registration_row(registration, endpoint);
        self.insert_many(vec![row], Some(update)).await?;

        let stored = before.try_get_by_index::<Option<i64>>(5)?;
        // What was collected of a registration that had ended renewed nothing.
        let collected = self.leases.get(&device).filter(|_| lives);
        let collected = collected.map(|lease| lease.seen_at);
        let seen_at = registration.updated_at.0.max(stored.max(collected).unwrap_or(i64::MIN));
        let lease = Lease { seen_at, expires_at: registration.expires_at.0, granted: true };
        self.leases.insert(device, lease);
        self.heard.push(Heard::Lives { device, seen_at });
        let location = before.try_get_by_index::<Option<i64>>(4)?;
        Ok(lives && location == Some(registration.id.0.cast_signed()))
    }

    pub(super) fn renew_lease(&mut self, device: i64, seen_at: i64, expires_at: i64) {
        let lease = self.leases.entry(device).or_insert(Lease { seen_at, expires_at, granted: false });
        *lease = Lease { seen_at: lease.seen_at.max(seen_at), expires_at, ..*lease };
        self.heard.push(Heard::Renewed { device, seen_at });
    }

    /// Whether there was one to end.
    pub(super) async fn end_registration(
        &mut self,
        device: DeviceId,
        at: Timestamp,
        reason: EndReason,
    ) -> Result<bool, Failure> {
        let state = reason.state();
        let collected = self.leases.get(&device.0).map_or(i64::MIN, |lease| lease.seen_at);
        // Who says goodbye was heard.
        let seen_at = if reason == EndReason::Deregistered { collected.max(at.0) } else { collected };
        let sql = Sql::new("UPDATE registration SET state = ").bind(state.word());
        let sql = sql.text(", ended_at = ").bind(at.0).text(", seen_at = ").bind(seen_at);
        let sql = sql.text(" WHERE state = 'registered' AND device_id = ").bind(device.0);
        if self.run(sql).await? == 0 {
            return Ok(false);
        }
        let sql =
            Sql::new("UPDATE registration SET seen_at = l.seen_at FROM lease AS l WHERE l.device_id = ");
        let sql = sql.bind(device.0).text(" AND registration.device_id = l.device_id");
        self.run(sql.text(" AND registration.seen_at < l.seen_at")).await?;
        self.run(Sql::new("DELETE FROM lease WHERE device_id = ").bind(device.0)).await?;
        let sql = Sql::new("UPDATE device SET state = ").bind(state.word()).text(
            ", rested_at = (SELECT r.seen_at FROM registration AS r WHERE r.device_id = device.id) WHERE id = ",
        );
        self.run(sql.bind(device.0)).await?;
        self.leases.remove(&device.0);
        self.count(tally::REGISTERED, -1);
        self.count(name_of(state), 1);
        self.heard.push(Heard::Ended { device: device.0 });
        Ok(true)
    }

    /// Writes the leases in the order of their keys: neighbours share a page.
    pub(super) async fn write_leases(&mut self) -> Result<(), Failure> {
        let leases = std::mem::take(&mut self.leases);
        let (granted, renewed): (Vec<_>, Vec<_>) = leases.into_iter().partition(|(_, lease)| lease.granted);
        let granted = granted.into_iter().map(|(device_id, lease)| entity::lease::Model {
            device_id,
            seen_at: lease.seen_at,
            expires_at: lease.expires_at,
        });
        let update = update_on_conflict::<entity::lease::Entity>();
        self.insert_many(granted.collect(), Some(update)).await?;
        for renewed in renewed.chunks(chunk(3)) {
            let rows = renewed.iter().map(|(device, lease)| -> [Value; 3] {
                [(*device).into(), lease.seen_at.into(), lease.expires_at.into()]
            });
            let sql = Sql::new(
                "UPDATE lease SET expires_at = k.column3, seen_at = \
                 CASE WHEN k.column2 > lease.seen_at THEN k.column2 ELSE lease.seen_at END FROM ",
            );
            self.run(sql.rows(rows).text(" AS k WHERE lease.device_id = k.column1")).await?;
        }
        Ok(())
    }
}
