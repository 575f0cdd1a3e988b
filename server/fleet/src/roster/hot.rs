//! What is held in memory of each device: little of one that is not registered.

use std::time::Duration;

use crate::{ClassId, EndpointName, Observation, PublicId, Registration, Source, Timestamp, queue::Learned};

/// A device.
#[derive(Debug)]
pub(super) struct Hot {
    pub(super) public_id: PublicId,
    pub(super) endpoint: EndpointName,
    pub(super) class: ClassId,
    /// How long it listens, where anything is known of that.
    pub(super) awake: Option<Box<OwnAwake>>,
    /// That of the last registration, live or not.
    pub(super) epoch: i64,
    /// Whether it holds or held a credential: it may not come without security.
    pub(super) secured: bool,
    /// Whether it was removed.
    pub(super) removed: bool,
    pub(super) live: Option<Box<Live>>,
}

/// How long a device listens after it was heard: what is known of it alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnAwake {
    /// What somebody has said.
    pub(super) said: Option<Duration>,
    /// What its answers have taught.
    pub(super) learned: Option<Learned>,
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
    /// When it was last heard, by the monotonic clock.
    pub(super) heard_at: Duration,
    /// Whether it has not answered since, though it listened: in queue mode it is taken to sleep.
    pub(super) silent: bool,
    /// Whether it has woken up, in queue mode, and nobody was told yet.
    pub(super) woke: bool,
    pub(super) seen_at: Timestamp,
    /// In the order of their targets; at most [`Observation::MAX_PER_DEVICE`].
    pub(super) observations: Vec<Observation>,
}
