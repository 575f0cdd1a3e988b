//! What becomes durable of the queue beside the operations themselves.

use std::time::Duration;

use super::{AwakeScope, Learned};
use crate::{DeviceId, OperationId, Timestamp};

/// What becomes durable of the queue.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueChange {
    /// An operation that waited is made pointless by a later one, and has ended. Nothing if it has ended before, or no row of
    /// it is there.
    Superseded {
        /// Which.
        id: OperationId,
        /// By which.
        by: OperationId,
        /// When.
        at: Timestamp,
    },
    /// Somebody says how long devices listen; none takes it back. A conflict if the device or class is not there.
    AwakeSet {
        /// Of whom.
        scope: AwakeScope,
        /// How long; whole milliseconds.
        time: Option<Duration>,
    },
    /// A device has taught how long it listens: written in batches. Nothing if it is not there.
    AwakeLearned {
        /// Which.
        device: DeviceId,
        /// What.
        learned: Learned,
    },
}
