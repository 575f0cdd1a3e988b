//! Counts over the fleet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts over the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// Devices whose registration lives.
    pub registered: u64,
    /// Devices that said goodbye.
    pub deregistered: u64,
    /// Devices whose lifetime ran out.
    pub expired: u64,
    /// Devices that were added and have not registered yet.
    pub awaited: u64,
    /// Devices whose credential was revoked.
    pub revoked: u64,
    /// Entries of the connection diary.
    pub diary: u64,
    /// Operations that wait for their device.
    pub queued_operations: u64,
    /// Live observations.
    pub observations: u64,
}

impl From<fleet::store::Overview> for Overview {
    fn from(overview: fleet::store::Overview) -> Self {
        let fleet::store::Overview {
            registered,
            deregistered,
            expired,
            awaited,
            revoked,
            diary,
            queued_operations,
            observations,
        } = overview;
        Self { registered, deregistered, expired, awaited, revoked, diary, queued_operations, observations }
    }
}
