//! What waits for devices, and how long they listen, in memory.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{MemoryStore, Page, cursor::Position, page, tables::Tables};
use crate::{
    ClassId, Device, DeviceId, Failure, OperationState, StoreError,
    queue::{Awake, AwakeScope, AwakeTimes, QueueChange},
    store::{Queues, Waiting, WaitingQuery},
};

#[derive(Clone, Debug, Default)]
pub(super) struct AwakeTables {
    /// Without what was said of their classes.
    devices: BTreeMap<DeviceId, Awake>,
    classes: BTreeMap<ClassId, Duration>,
}

impl AwakeTables {
    pub(super) fn forget(&mut self, device: DeviceId) {
        self.devices.remove(&device);
    }
}

impl Tables {
    pub(super) fn change_queue(&mut self, change: QueueChange) -> Result<(), StoreError> {
        match change {
            QueueChange::Superseded { id, by, at } => {
                if let Some(record) = self.open(id) {
                    record.state = OperationState::Superseded;
                    record.ended_at = Some(at);
                    record.result = Some(Failure::Superseded { by }.to_string());
                    record.superseded_by = Some(by);
                }
            }
            QueueChange::AwakeSet { scope: AwakeScope::Class(class), time } => {
                match time {
                    Some(_) if !self.classes.contains_key(&class) => return Err(StoreError::Conflict),
                    Some(time) => self.awake.classes.insert(class, time),
                    None => self.awake.classes.remove(&class),
                };
            }
            QueueChange::AwakeSet { scope: AwakeScope::Device(device), time } => {
                if !self.devices.contains_key(&device) {
                    return Err(StoreError::Conflict);
                }
                self.awake.devices.entry(device).or_default().device = time;
            }
            QueueChange::AwakeLearned { device, learned } => {
                if self.devices.contains_key(&device) {
                    self.awake.devices.entry(device).or_default().learned = Some(learned);
                }
            }
        }
        self.awake.devices.retain(|_, awake| *awake != Awake::default());
        Ok(())
    }

    pub(super) fn awake_of(&self, devices: &BTreeMap<DeviceId, Device>) -> AwakeTimes {
        let known = self.awake.devices.iter().filter(|(device, _)| devices.contains_key(device));
        AwakeTimes {
            devices: known.map(|(device, awake)| (*device, awake.clone())).collect(),
            classes: self.awake.classes.clone(),
        }
    }
}

#[async_trait]
impl Queues for MemoryStore {
    async fn waiting(&self, query: &WaitingQuery) -> Result<Page<Waiting>, StoreError> {
        let tables = &self.available()?.tables;
        let rows = tables.operations.values().filter_map(|record| {
            let device = tables.devices.get(&record.device)?;
            let wanted = record.state == OperationState::Queued
                && query.device.is_none_or(|wanted| wanted == device.id)
                && query.class.is_none_or(|wanted| wanted == device.class)
                && query.priority.is_none_or(|wanted| wanted == record.priority);
            wanted.then(|| Waiting { record: record.clone(), device: device.clone() })
        });
        page("waiting", rows, &query.page, |waiting| {
            Position::waiting(waiting.record.priority, waiting.record.id)
        })
    }

    async fn awake(&self, device: DeviceId) -> Result<Awake, StoreError> {
        let tables = &self.available()?.tables;
        let class = tables.devices.get(&device).and_then(|device| tables.awake.classes.get(&device.class));
        let own = tables.awake.devices.get(&device).cloned().unwrap_or_default();
        Ok(Awake { class: class.copied(), ..own })
    }

    async fn class_awake_times(&self) -> Result<BTreeMap<ClassId, Duration>, StoreError> {
        Ok(self.available()?.tables.awake.classes.clone())
    }
}
