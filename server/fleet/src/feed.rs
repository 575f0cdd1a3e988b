//! The feed: what just happened, for whoever watches. Bounded: a slow watcher is told that it missed something.

use crate::{DeviceId, OperationId, OperationState, PublicId, StoredReading, Timestamp};

/// Something that happened and is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Grows by one an event within one run of the server.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// The device's row.
    pub device: DeviceId,
    /// The device's public name.
    pub public_id: PublicId,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// It registered.
    Registered,
    /// Its registration changed or was renewed.
    Updated,
    /// It deregistered.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
    /// It gave values.
    Readings(Vec<StoredReading>),
    /// An operation changed its state.
    Operation {
        /// Which.
        id: OperationId,
        /// Where it stands now.
        state: OperationState,
    },
    /// Its observations changed.
    Observations,
}
