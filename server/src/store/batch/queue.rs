//! What waits for devices, and how long they listen.

use std::time::Duration;

use fleet::{
    ClassId, DeviceId, Failure as Reason, OperationState,
    queue::{AwakeScope, Learned, QueueChange},
};

use super::{Batch, update_on_conflict};
use crate::store::{encoding::queue::ms_column, entity::class_awake, failure::Failure, sql::Sql};

impl Batch<'_> {
    pub(super) async fn change_queue(&mut self, change: &QueueChange) -> Result<(), Failure> {
        match change {
            QueueChange::Superseded { id, by, at } => {
                let result = Reason::Superseded { by: *by }.to_string();
                if self.end_operation(*id, OperationState::Superseded, *at, &result).await?.is_none() {
                    let sql =
                        Sql::new("UPDATE operation SET superseded_by = ").bind(by.0.as_bytes().to_vec());
                    self.run(sql.text(" WHERE id = ").bind(id.0.as_bytes().to_vec())).await?;
                }
                Ok(())
            }
            QueueChange::AwakeSet { scope: AwakeScope::Device(device), time } => {
                self.say_device_awake(*device, *time).await
            }
            QueueChange::AwakeSet { scope: AwakeScope::Class(class), time } => {
                self.say_class_awake(*class, *time).await
            }
            QueueChange::AwakeLearned { device, learned } => self.learn_awake(*device, learned).await,
        }
    }

    async fn say_device_awake(&self, device: DeviceId, time: Option<Duration>) -> Result<(), Failure> {
        let sql = Sql::new("INSERT INTO device_awake (device_id, said_ms, answers, silences) VALUES (");
        let sql = sql.bind(device.0).text(", ").bind(time.map(ms_column)).text(", 0, 0)");
        self.run(sql.text(" ON CONFLICT (device_id) DO UPDATE SET said_ms = excluded.said_ms")).await?;
        Ok(())
    }

    async fn say_class_awake(&self, class: ClassId, time: Option<Duration>) -> Result<(), Failure> {
        let Some(time) = time else {
            self.run(Sql::new("DELETE FROM class_awake WHERE class_id = ").bind(class.0)).await?;
            return Ok(());
        };
        let update = update_on_conflict::<class_awake::Entity>();
        let row = class_awake::Model { class_id: class.0, said_ms: ms_column(time) };
        self.insert_many(vec![row], Some(update)).await
    }

    async fn learn_awake(&self, device: DeviceId, learned: &Learned) -> Result<(), Failure> {
        let sql = Sql::new("INSERT INTO device_awake (device_id, learned_ms, answers, silences, learned_at)");
        let sql = sql.text(" SELECT id, ").bind(ms_column(learned.time)).text(", ");
        let sql = sql.bind(i64::from(learned.answers)).text(", ").bind(i64::from(learned.silences));
        let sql = sql.text(", ").bind(learned.at.0).text(" FROM device WHERE id = ").bind(device.0);
        let update = " ON CONFLICT (device_id) DO UPDATE SET learned_ms = excluded.learned_ms, \
            answers = excluded.answers, silences = excluded.silences, learned_at = excluded.learned_at";
        self.run(sql.text(update)).await?;
        Ok(())
    }
}
