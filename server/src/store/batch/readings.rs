//! Readings: the latest of each resource, and its history, which holds no more than it may.

use std::collections::BTreeMap;

use fleet::{Delivery, DeviceId, Reading, StoredReading, Timestamp};
use sea_orm::{FromQueryResult, Value};

use super::{Batch, chunk, signed, update_on_conflict};
use crate::store::{
    encoding::{path_bytes, rows, value},
    entity::{value_history, value_latest},
    failure::Failure,
    sql::Sql,
};

/// A reading that waits to be written, as a row of the history.
pub(super) type Arrived = value_history::Model;

/// A device and the bytes of a path.
type Key = (i64, Vec<u8>);

/// How far a history may outgrow its bound before it is cut, so that it is not cut with every reading.
const SLACK: i64 = 64;

impl Batch<'_> {
    /// Keeps the delivery. False if it was kept before and is not too old to mean the same message (RFC 7252 §4.4).
    pub(super) async fn deliver(
        &mut self,
        device: DeviceId,
        delivery: &Delivery,
        received_at: Timestamp,
    ) -> Result<bool, Failure> {
        let row = rows::delivery_row(device, delivery, received_at);
        let sql = Sql::new(
            "INSERT INTO delivery (device_id, message_id, token, listener, address, received_at, observe) VALUES (",
        );
        let sql = sql.bind(row.device_id).text(", ").bind(row.message_id).text(", ").bind(row.token);
        let sql =
            sql.text(", ").bind(row.listener).text(", ").bind(row.address).text(", ").bind(row.received_at);
        let sql = sql.text(", ").bind(row.observe);
        let sql = sql.text(") ON CONFLICT (device_id, message_id, token, listener, address) DO UPDATE SET received_at = excluded.received_at, observe = excluded.observe WHERE delivery.received_at <= ");
        let too_old = received_at.0.saturating_sub(signed(Delivery::KEPT.as_millis() as u64));
        Ok(self.run(sql.bind(too_old)).await? > 0)
    }

    pub(super) fn collect_readings(
        &mut self,
        device: DeviceId,
        received_at: Timestamp,
        readings: &[Reading],
    ) {
        for reading in readings {
            let sequence = self.next_sequence();
            let stored = StoredReading { reading: reading.clone(), received_at, sequence };
            let (kind, bytes) = value::columns(&reading.value);
            self.readings.push(Arrived {
                device_id: device.0,
                path: path_bytes(reading.path),
                at: stored.at().0,
                sequence,
                device_time: reading.device_time.map(|time| time.0),
                received_at: received_at.0,
                kind,
                value: bytes,
            });
        }
    }

    pub(super) async fn write_readings(&mut self) -> Result<(), Failure> {
        let arrived = std::mem::take(&mut self.readings);
        if arrived.is_empty() {
            return Ok(());
        }
        let mut latest = self.latest_of(&arrived).await?;
        for reading in &arrived {
            let key = (reading.device_id, reading.path.clone());
            let held = latest.get(&key).map_or(0, |latest| latest.held) + 1;
            match latest.get_mut(&key) {
                // It came late: its place is in the history only.
                Some(latest) if (latest.at, latest.sequence) > (reading.at, reading.sequence) => {
                    latest.held = held
                }
                _ => {
                    latest.insert(key, as_latest(reading, held));
                }
            }
        }
        self.insert_many(arrived, None).await?;
        for latest in latest.values_mut() {
            self.cut_history(latest).await?;
        }
        let update = update_on_conflict::<value_latest::Entity>();
        self.insert_many(latest.into_values().collect(), Some(update)).await
    }

    async fn latest_of(&self, arrived: &[Arrived]) -> Result<BTreeMap<Key, value_latest::Model>, Failure> {
        let mut keys: Vec<Key> = arrived.iter().map(|one| (one.device_id, one.path.clone())).collect();
        keys.sort();
        keys.dedup();
        let mut latest = BTreeMap::new();
        for keys in keys.chunks(chunk(2)) {
            let rows =
                keys.iter().map(|(device, path)| -> [Value; 2] { [(*device).into(), path.clone().into()] });
            let sql = Sql::new("SELECT l.* FROM ").rows(rows);
            // CROSS keeps SQLite from walking the table and looking into the keys.
            let sql = sql.text(
                " AS k CROSS JOIN value_latest AS l WHERE l.device_id = k.column1 AND l.path = k.column2",
            );
            for row in self.query(sql).await? {
                let row = value_latest::Model::from_query_result(&row, "")?;
                latest.insert((row.device_id, row.path.clone()), row);
            }
        }
        Ok(latest)
    }

    async fn cut_history(&self, latest: &mut value_latest::Model) -> Result<(), Failure> {
        let bound = signed(Reading::HISTORY_PER_PATH as u64);
        if latest.held <= bound + SLACK {
            return Ok(());
        }
        let of_path = |sql: Sql| {
            sql.text("device_id = ").bind(latest.device_id).text(" AND path = ").bind(latest.path.clone())
        };
        let sql = of_path(Sql::new("DELETE FROM value_history WHERE "));
        let sql = of_path(sql.text(" AND (at, sequence) IN (SELECT at, sequence FROM value_history WHERE "));
        let sql = sql.text(" ORDER BY at, sequence LIMIT ").bind(latest.held - bound).text(")");
        self.run(sql).await?;
        latest.held = bound;
        Ok(())
    }
}

fn as_latest(reading: &Arrived, held: i64) -> value_latest::Model {
    let Arrived { device_id, path, at, sequence, device_time, received_at, kind, value } = reading.clone();
    value_latest::Model { device_id, path, at, sequence, device_time, received_at, kind, value, held }
}
