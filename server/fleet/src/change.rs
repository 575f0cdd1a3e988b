//! Changes: what a decision wants the store to keep. A [`Commit`] is one transaction.

use crate::{
    AuditEntry, Device, DeviceId, DeviceState, Observation, OperationId, OperationRecord, OperationState,
    Reading, Registration, Source, TimelineEntry, Timestamp, User, WebSession,
};

/// What is to become durable together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// In order.
    pub changes: Vec<Change>,
    /// What people did, in the same transaction.
    pub audit: Vec<AuditEntry>,
}

/// What the store says of a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Its [`Change::Report`] had been stored before: nothing of that report was stored twice.
    pub duplicate: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A device is known from now on.
    DeviceAdded(Device),
    /// A registration begins, or the device's row is replaced by a changed one. Observations stay: see `ObservationsEnded`.
    ///
    /// A conflict if its epoch is below that of the row, or the same as that of one that has ended: a stale owner writes.
    Registered(Box<Registration>),
    /// Liveness alone changed: written in batches. Nothing if the device is not registered any more.
    LeaseRenewed {
        /// Whose.
        device: DeviceId,
        /// When the device was heard.
        seen_at: Timestamp,
        /// When the registration ends.
        expires_at: Timestamp,
    },
    /// A registration ended. Nothing if the device is not registered.
    RegistrationEnded {
        /// Whose.
        device: DeviceId,
        /// When.
        at: Timestamp,
        /// How.
        reason: EndReason,
    },
    /// An observation began; it replaces one of the same path.
    ObservationBegan(Observation),
    /// An observation ended.
    ObservationEnded {
        /// Whose.
        device: DeviceId,
        /// Of what.
        path: objects::Path,
    },
    /// All observations of a device ended.
    ObservationsEnded {
        /// Whose.
        device: DeviceId,
    },
    /// Values a device gave; each reading goes to the history, and to the latest values unless a later one is there
    /// (by [`StoredReading::at`](crate::StoredReading::at)). Stored once if its delivery came within [`Delivery::KEPT`].
    Report {
        /// Whose.
        device: DeviceId,
        /// When they arrived.
        received_at: Timestamp,
        /// What makes a retransmission recognisable; none for an answer to a Read.
        delivery: Option<Delivery>,
        /// The values.
        readings: Vec<Reading>,
    },
    /// An operation was asked for.
    OperationQueued(Box<OperationRecord>),
    /// An operation goes to the wire. Nothing if it has ended, or no row of it is there.
    OperationSent {
        /// Which.
        id: OperationId,
        /// When.
        at: Timestamp,
    },
    /// An operation has reached its final state; a second end changes nothing, nor does one without a row.
    OperationEnded {
        /// Which.
        id: OperationId,
        /// How: a final state.
        state: OperationState,
        /// When.
        at: Timestamp,
        /// One line for a person.
        result: String,
    },
    /// Something for a device's timeline.
    Timeline(TimelineEntry),
    /// An account was made.
    UserAdded(User),
    /// A console session was made or changed.
    SessionSaved(WebSession),
    /// A console session ended.
    SessionEnded {
        /// The hash it is kept under.
        key: [u8; 32],
    },
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// The device said goodbye.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
}

/// Names one message of a device, so that its retransmission after a restart is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// Where it came from.
    pub source: Source,
    /// Its message id.
    pub message_id: u16,
    /// Its token.
    pub token: Vec<u8>,
}

impl EndReason {
    /// The state it leaves the device in.
    pub fn state(self) -> DeviceState {
        match self {
            Self::Deregistered => DeviceState::Deregistered,
            Self::Expired => DeviceState::Expired,
        }
    }
}

impl Delivery {
    /// How long one is kept: EXCHANGE_LIFETIME (RFC 7252 §4.8.2).
    pub const KEPT: std::time::Duration = std::time::Duration::from_secs(247);
}
