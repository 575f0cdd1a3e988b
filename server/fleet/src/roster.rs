//! The roster: the hot state of one shard, and the decisions on what its devices say.

use std::collections::BTreeMap;

use objects::{ContentFormat, Path};

use crate::{Commit, Delivery, Device, DeviceId, Observation, OperationRecord, Registration, RegistrationId, Timestamp};

/// What a message of a device leads to: first the commit, then the reply, then the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whom it is about.
    pub device: DeviceId,
    /// The answer that leaves after the commit.
    pub reply: Reply,
    /// What becomes durable; empty if only liveness changed, which is written in batches.
    pub commit: Commit,
    /// What follows once the reply has left.
    pub then: Vec<Then>,
}

/// A positive answer to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To Register: 2.01 with `/rd/<id>`.
    Created(RegistrationId),
    /// To Update and Send: 2.04.
    Changed,
    /// To Deregister: 2.02.
    Deleted,
    /// To a notification: the acknowledgement.
    Acknowledged,
}

/// What follows a reply, so that no request overtakes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Observe again what was observed before the device registered anew.
    Observe {
        /// What.
        path: Path,
        /// In which format.
        format: Option<ContentFormat>,
    },
    /// The device listens: send what waits for it.
    ReleaseQueue,
    /// The registration ended: cancel what is under way.
    CancelOperations,
}

/// What a start reads back from the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// All devices.
    pub devices: Vec<Device>,
    /// All live registrations.
    pub registrations: Vec<Registration>,
    /// When each device was last heard, by the last written batch.
    pub seen: BTreeMap<DeviceId, Timestamp>,
    /// All live observations.
    pub observations: Vec<Observation>,
    /// All operations without a final state, the oldest first.
    pub operations: Vec<OperationRecord>,
    /// The deliveries of the last [`Delivery::KEPT`].
    pub deliveries: Vec<(DeviceId, Delivery)>,
}
