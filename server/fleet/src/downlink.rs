//! The port to the devices: carries one operation to one device and tells what came of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    Commit, CredentialId, DeviceId, EndReason, Operation, OperationId, OperationRecord, Outcome, Priority,
    RequestId, StoreError, Timestamp,
};

/// Carries operations to devices. Implemented by the shards; by a table of answers in tests.
#[async_trait]
pub trait Downlink: Send + Sync + 'static {
    /// Hands an operation to the device's shard, and waits for its outcome if the device is awake.
    ///
    /// What was handed over goes on if the caller stops waiting.
    async fn send(&self, order: Order) -> Taken;

    /// Hands a stored operation to the device's shard, and does not wait for its outcome: [`Taken::Queued`] of one that is
    /// sent, too. For what takes long.
    async fn hand_over(&self, order: Order) -> Taken {
        self.send(order).await
    }

    /// Takes an operation out of the device's queue. False if it is not there any more: it was sent, or it has ended.
    async fn cancel(&self, device: DeviceId, operation: OperationId) -> bool;

    /// Whether the device can be reached now.
    async fn presence(&self, device: DeviceId) -> Presence;

    /// Gives the rows of new devices: as many ids as are asked for, given to nobody else; none if the fleet is full.
    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>>;

    /// Tells of a commit that a verb has made and that adds devices or credentials, so that the hot state follows. When it
    /// returns, a device that registers is judged by it.
    async fn follow(&self, commit: Arc<Commit>);

    /// Ends what a device has here: makes one transaction of the commit, the end of its registration and of all that hangs
    /// on it, then ends its sessions. When it returns, nothing that arrives under the ended credentials is accepted.
    async fn end(&self, ending: Ending) -> Result<(), StoreError>;

    /// Ends the sessions that were opened by these credentials, and the handshakes with them that are under way.
    async fn end_sessions(&self, credentials: &[CredentialId]);

    /// Ends the sessions of credentials that are good still: their devices are to shake hands anew.
    async fn renew_sessions(&self, credentials: &[CredentialId]) {
        self.end_sessions(credentials).await;
    }
}

/// What is taken from a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// From whom.
    pub device: DeviceId,
    /// The credentials that end. The registration ends if it was made with one of them.
    pub credentials: Vec<CredentialId>,
    /// Why; with [`EndReason::Removed`] the registration ends whatever it was made with.
    pub reason: EndReason,
    /// What becomes durable with it.
    pub commit: Commit,
}

/// An operation for a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The operation's name.
    pub id: OperationId,
    /// Whom it is for.
    pub device: DeviceId,
    /// What it asks.
    pub operation: Operation,
    /// The request it came with.
    pub request: RequestId,
    /// Whether a row of it is stored, so that it may wait for a sleeping device and its end is recorded.
    pub stored: bool,
    /// After this it is not sent any more.
    pub expires_at: Timestamp,
    /// How soon it is sent among those that wait for the device.
    pub priority: Priority,
}

/// What became of an [`Order`].
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It has an outcome.
    Ended {
        /// The outcome.
        outcome: Outcome,
        /// The exchange as it went over the wire, if it came to that.
        trace: Option<WireTrace>,
    },
    /// The device sleeps; the order waits for its next uplink.
    Queued,
    /// The device sleeps and the order is not stored: store it and send it again.
    Asleep,
    /// The device is not registered.
    NotRegistered,
    /// The device's queue holds [`Order::MAX_QUEUED`] already.
    QueueFull,
    /// The server ends, and the order is not stored.
    Stopping,
}

/// Whether a device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Registered and listening.
    Awake,
    /// Registered in queue mode, and not heard for longer than it listens ([`crate::queue::Awake::time`]), or silent since.
    Asleep,
    /// Not registered.
    NotRegistered,
}

/// An exchange as a person reads it, rendered by the binding and carried here without being understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireTrace {
    /// One line a message, such as `→ CON GET /3/0 Accept: TLV (12 bytes)`.
    pub lines: Vec<String>,
}

impl Order {
    /// That of an operation that waits.
    pub fn of(record: OperationRecord) -> Self {
        Self {
            id: record.id,
            device: record.device,
            operation: record.operation,
            request: record.request,
            stored: true,
            expires_at: record.expires_at,
            priority: record.priority,
        }
    }

    /// How many orders wait for one device at most.
    pub const MAX_QUEUED: usize = 256;
    /// How long an order waits for a sleeping device unless it says otherwise.
    pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(7 * 86_400);
    /// How long an order may wait at most.
    pub const MAX_EXPIRY: Duration = Duration::from_secs(30 * 86_400);
}

impl Presence {
    /// MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2): how long a device in queue mode listens after its last uplink
    /// (LwM2M Transport 1.1.1 §6.5), unless something else is known of it or said.
    pub const AWAKE_FOR: Duration = Duration::from_secs(93);
}
