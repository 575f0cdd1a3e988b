//! The verbs: what people and programs do. Console, REST and command line call these and nothing else.

use std::{collections::VecDeque, sync::{Arc, Mutex}};

use objects::{Path, Registry};

use crate::{
    AuditRecord, Context, Downlink, Feed, FleetError, LoginAttempt, Observation, Operation, OperationId, OperationRecord, Outcome,
    Presence, PublicId, SetupLink, Store, StoredReading, Subscription, TimelineRecord, User, WireTrace,
    store::{DeviceQuery, DeviceSummary, DeviceView, Overview, Page, PageRequest},
};

/// The fleet as its administrators see it.
pub struct Fleet {
    store: Arc<dyn Store>,
    downlink: Arc<dyn Downlink>,
    registry: Arc<Registry>,
    feed: Feed,
    // … entropy: Box<dyn Fn(&mut [u8]) + Send + Sync>, setup: Mutex<Option<SetupLink>>, login throttle, recent outcomes (bounded)
}

/// What became of an operation that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Operated {
    /// Its name, under which [`Fleet::operation`] finds it for a while even if no row of it is stored.
    pub id: OperationId,
    /// Its outcome; none while it waits for the device.
    pub outcome: Option<Outcome>,
    /// The exchange on the wire.
    pub trace: Option<WireTrace>,
}
