//! What waits for devices, and how long they listen.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{Page, PageRequest, StoreError};
use crate::{ClassId, Device, DeviceId, OperationRecord, Priority, queue::Awake};

/// What the store knows of queues; a part of [`Store`](crate::Store).
#[async_trait]
pub trait Queues {
    /// A page of what waits for devices: by priority, and within one by age.
    ///
    /// With [`WaitingQuery::class`] a page may be shorter than asked for, or empty, and another one follow: at most
    /// [`WaitingQuery::LOOKED_AT`] rows are looked at for one.
    async fn waiting(&self, query: &WaitingQuery) -> Result<Page<Waiting>, StoreError>;

    /// What is known of how long a device listens.
    async fn awake(&self, device: DeviceId) -> Result<Awake, StoreError>;

    /// What was said of classes.
    async fn class_awake_times(&self) -> Result<BTreeMap<ClassId, Duration>, StoreError>;
}

/// Which of what waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingQuery {
    /// Only for this device.
    pub device: Option<DeviceId>,
    /// Only for devices of this class.
    pub class: Option<ClassId>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Which page.
    pub page: PageRequest,
}

/// An operation that waits, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The operation.
    pub record: OperationRecord,
    /// The device it is for.
    pub device: Device,
}

impl WaitingQuery {
    /// How many rows are looked at for a page of a class.
    pub const LOOKED_AT: usize = 20_000;

    /// All of it.
    pub fn all(page: PageRequest) -> Self {
        Self { device: None, class: None, priority: None, page }
    }
}
