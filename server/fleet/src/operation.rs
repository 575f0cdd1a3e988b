//! Operations: what the server asks of a device, and what comes of it.

use std::fmt;

use objects::{Attribute, Attributes, ContentFormat, InstanceId, Node, ObjectId, Path, Sample, link::Discovered};

use crate::{DeviceId, OperationId, RequestId, Timestamp};

/// One operation of LwM2M Core 1.1.1 §6.3 or §6.4.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Read `path`; without a format the device chooses.
    Read {
        /// Object, instance, resource or resource instance.
        path: Path,
        /// The Accept option.
        format: Option<ContentFormat>,
    },
    /// Discover `path`.
    Discover {
        /// Object, instance or resource.
        path: Path,
    },
    /// Write to `path`.
    Write {
        /// Instance, resource or resource instance.
        path: Path,
        /// Replace or partial update.
        mode: WriteMode,
        /// What to write; its level is that of `path`.
        node: Node,
        /// The format to write it in; without one the server chooses what the device's version and the node allow.
        format: Option<ContentFormat>,
    },
    /// Set and unset notification attributes.
    WriteAttributes {
        /// Where they apply.
        path: Path,
        /// Those to set.
        set: Attributes,
        /// Those to unset.
        unset: Vec<Attribute>,
    },
    /// Execute a resource.
    Execute {
        /// The resource.
        path: Path,
        /// Arguments as in `0='a',1`; empty for none.
        arguments: String,
    },
    /// Create an object instance.
    Create {
        /// The object.
        object: ObjectId,
        /// The instance's id, or none if the device chooses.
        instance: Option<InstanceId>,
        /// Its resources; a [`Node::Instance`].
        node: Node,
        /// As for Write.
        format: Option<ContentFormat>,
    },
    /// Delete an object instance.
    Delete {
        /// The instance.
        path: Path,
    },
    /// Observe `path`.
    Observe {
        /// Object, instance, resource or resource instance.
        path: Path,
        /// The Accept option.
        format: Option<ContentFormat>,
    },
    /// End an observation.
    CancelObservation {
        /// What was observed.
        path: Path,
        /// How.
        mode: CancelMode,
    },
}

/// How a Write treats what is there (LwM2M Core 1.1.1 §6.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteMode {
    /// PUT: replaces the instance or resource.
    Replace,
    /// POST: adds or replaces only what is given.
    Update,
}

/// How an observation is ended (LwM2M Core 1.1.1 §6.4.2 and RFC 7641 §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelMode {
    /// The server asks the device to end it.
    Active,
    /// The server forgets it and resets the next notification.
    Passive,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The device answered with a success.
    Success {
        /// 2.01, 2.02, 2.04 or 2.05.
        code: ResponseCode,
        /// What it sent along.
        content: Content,
    },
    /// The device answered with an error: its answer, as it is.
    Refused {
        /// 4.xx or 5.xx.
        code: ResponseCode,
        /// The diagnostic payload (RFC 7252 §5.5.2), cut to 256 characters.
        diagnostic: String,
    },
    /// The server did it alone, nothing was sent: an observation was cancelled passively.
    Local,
    /// There is no answer that can be used.
    Failed(Failure),
}

/// What a successful answer carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Nodes, each with its time: the answer to Read and Observe.
    Samples(Vec<Sample>),
    /// Links: the answer to Discover.
    Links(Discovered),
    /// Where a created instance lies.
    Location(Path),
}

/// Why there is no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was cancelled by a person, or by the end of the registration.
    #[error("the operation was cancelled")]
    Cancelled,
    /// It waited longer than it may.
    #[error("the operation expired before the device could be reached")]
    Expired,
    /// The device answered, but without beginning an observation (RFC 7641 §3.1: no Observe option).
    #[error("the device answered, but did not begin an observation")]
    NotObserved,
    /// The server was restarted after sending an operation that must not be repeated.
    #[error("the server restarted after sending; whether the device acted on it is not known")]
    OutcomeUnknown,
    /// The device reset the exchange.
    #[error("the device rejected the message (Reset)")]
    Reset,
    /// Nothing came in time.
    #[error("the device did not answer in time{}", if *.acknowledged { " (it acknowledged the request)" } else { "" })]
    TimedOut {
        /// An empty acknowledgement had come.
        acknowledged: bool,
    },
    /// It does not fit into what this server or the device transfers.
    #[error("the transfer failed: {reason}")]
    Transfer {
        /// What went wrong.
        reason: String,
    },
    /// The answer could not be read; its beginning is kept.
    #[error("the device's answer can't be read: {reason}")]
    Unreadable {
        /// The decoder's error.
        reason: String,
    },
    /// The request could not be encoded for this device.
    #[error("the request can't be encoded: {reason}")]
    Unencodable {
        /// The encoder's error.
        reason: String,
    },
}

/// A response code of LwM2M Transport 1.1.1 §6.7, such as 4.05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// 0 to 31.
    pub detail: u8,
}

/// An operation and where it stands: `queued → sent → done | failed | expired | cancelled | unknown`.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRecord {
    /// Its name.
    pub id: OperationId,
    /// The device it is for.
    pub device: DeviceId,
    /// What it asks.
    pub operation: Operation,
    /// Who asked.
    pub requested_by: String,
    /// The request it came with.
    pub request: RequestId,
    /// Where it stands.
    pub state: OperationState,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it was last sent.
    pub sent_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// After this it is not sent any more.
    pub expires_at: Timestamp,
    /// The device's answer, or why there is none, in one line; values are in the readings.
    pub result: Option<String>,
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationState {
    /// Waits for the device.
    Queued,
    /// On its way.
    Sent,
    /// The device did it.
    Done,
    /// The device refused it, or there was no usable answer.
    Failed,
    /// It waited too long.
    Expired,
    /// A person or the end of the registration cancelled it.
    Cancelled,
    /// It was sent, and whether the device did it is not known.
    Unknown,
}

impl Operation {
    /// Where it applies; for Create the instance if its id is given, else the object.
    pub fn path(&self) -> Path {
        match self {
            Self::Read { path, .. }
            | Self::Discover { path }
            | Self::Write { path, .. }
            | Self::WriteAttributes { path, .. }
            | Self::Execute { path, .. }
            | Self::Delete { path }
            | Self::Observe { path, .. }
            | Self::CancelObservation { path, .. } => *path,
            Self::Create { object, instance, .. } => {
                instance.map_or(Path::Object(*object), |instance| Path::Instance(*object, instance))
            }
        }
    }

    /// The specification's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "Read",
            Self::Discover { .. } => "Discover",
            Self::Write { .. } => "Write",
            Self::WriteAttributes { .. } => "Write-Attributes",
            Self::Execute { .. } => "Execute",
            Self::Create { .. } => "Create",
            Self::Delete { .. } => "Delete",
            Self::Observe { .. } => "Observe",
            Self::CancelObservation { .. } => "Cancel Observation",
        }
    }

    /// Whether it asks without changing anything: it then waits for no commit, and may be sent again.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Discover { .. })
    }

    /// Whether doing it twice is as good as once. A sent Execute or Create is never sent again by itself.
    pub fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Execute { .. } | Self::Create { .. })
    }
}

impl OperationState {
    /// Whether nothing will come any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sent)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.class, self.detail) {
            (2, 1) => "Created",
            (2, 2) => "Deleted",
            (2, 3) => "Valid",
            (2, 4) => "Changed",
            (2, 5) => "Content",
            (4, 0) => "Bad Request",
            (4, 1) => "Unauthorized",
            (4, 2) => "Bad Option",
            (4, 3) => "Forbidden",
            (4, 4) => "Not Found",
            (4, 5) => "Method Not Allowed",
            (4, 6) => "Not Acceptable",
            (4, 8) => "Request Entity Incomplete",
            (4, 12) => "Precondition Failed",
            (4, 13) => "Request Entity Too Large",
            (4, 15) => "Unsupported Content-Format",
            (5, 0) => "Internal Server Error",
            (5, 1) => "Not Implemented",
            (5, 3) => "Service Unavailable",
            (5, 4) => "Gateway Timeout",
            _ => return write!(f, "{}.{:02}", self.class, self.detail),
        };
        write!(f, "{}.{:02} {name}", self.class, self.detail)
    }
}
