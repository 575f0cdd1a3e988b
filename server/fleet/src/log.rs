//! The event log: what happened, durable and in order, for whoever must not miss it. Streams resume in it and webhooks
//! are delivered from it; what is older than [`LoggedEvent::KEPT`] or beyond [`LoggedEvent::MAX`] goes.
//!
//! An entry is made by the store in the transaction of the change that it tells of: see [`LoggedKind::of`].

use std::time::Duration;

use crate::{Change, DeviceId, EndReason, EndpointName, PublicId, Reading, Timestamp};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Orders the entries; never used twice.
    pub sequence: i64,
    /// When it was committed, as the change says.
    pub at: Timestamp,
    /// The device, by its public name.
    pub device: PublicId,
    /// The device's endpoint name.
    pub endpoint: EndpointName,
    /// What happened.
    pub kind: LoggedKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum LoggedKind {
    /// It registered.
    Registered,
    /// Its registration changed.
    Updated,
    /// Its registration ended.
    RegistrationEnded(EndReason),
    /// It gave values.
    Values(Vec<Reading>),
}

impl LoggedEvent {
    /// How long an entry is kept: as long as a webhook is retried.
    pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
    /// How many entries are kept at most.
    pub const MAX: usize = 1_000_000;
    /// How many are read at one time at most.
    pub const MAX_READ: usize = 500;
}

impl LoggedKind {
    /// Every word of [`LoggedKind::name`].
    pub const NAMES: [&str; 7] =
        ["registered", "updated", "deregistered", "expired", "revoked", "removed", "values"];

    /// What a change is told as, if it is; `replaces` says whether a registration with the same id was there before.
    /// A report that was stored before is not told again: that is for the store to see.
    pub fn of(change: &Change, replaces: bool) -> Option<(DeviceId, Self)> {
        match change {
            Change::Registered(registration) if replaces => Some((registration.device, Self::Updated)),
            Change::Registered(registration) => Some((registration.device, Self::Registered)),
            Change::RegistrationEnded { device, reason, .. } => {
                Some((*device, Self::RegistrationEnded(*reason)))
            }
            Change::Report { device, readings, .. } => Some((*device, Self::Values(readings.clone()))),
            _ => None,
        }
    }

    /// A word for it, as it is stored and sent.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated",
            Self::RegistrationEnded(EndReason::Deregistered) => "deregistered",
            Self::RegistrationEnded(EndReason::Expired) => "expired",
            Self::RegistrationEnded(EndReason::Revoked) => "revoked",
            Self::RegistrationEnded(EndReason::Removed) => "removed",
            Self::Values(_) => "values",
        }
    }
}
