//! What is held in memory of each device: little of one that is not registered.

use std::time::Duration;

use crate::{EndpointName, Observation, PublicId, Registration, Source, Timestamp};

/// A device.
#[derive(Debug)]
pub(super) struct Hot {
    pub(super) public_id: PublicId,
    pub(super) endpoint: EndpointName,
    /// That of the last registration, live or not.
    pub(super) epoch: i64,
    /// Whether it holds or held a credential: it may not come without security.
    pub(super) secured: bool,
    /// Whether it was removed.
    pub(super) removed: bool,
    pub(super) live: Option<Box<Live>>,
}

/// A registered device.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) registration: Registration,
    /// Where the store says it is reached: behind `registration.source` while a new session has sent no Update.
    pub(super) stored_source: Source,
    /// When the registration ends, by the monotonic clock, grace included.
    pub(super) lease_until: Duration,
    /// The entry in the roster's alarms.
    pub(super) alarm: Duration,
    /// Until when a device in queue mode listens.
    pub(super) awake_until: Duration,
    pub(super) seen_at: Timestamp,
    /// In the order of their targets; at most [`Observation::MAX_PER_DEVICE`].
    pub(super) observations: Vec<Observation>,
}
