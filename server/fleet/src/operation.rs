//! Operations: what the server asks of a device, and what comes of it.

use std::collections::BTreeMap;

use objects::{Attribute, Attributes, ContentFormat, InstanceId, Node, ObjectId, Path, Value};

use crate::{ArtefactId, DeviceId, OperationId, Paths, RequestId, Target, Timestamp};

mod bad;
pub use bad::BadOperation;

mod check;

mod outcome;
pub use outcome::{Content, Failure, Outcome, ResponseCode};

mod priority;
pub use priority::Priority;

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
    /// Write an artefact to `path`, block by block. Others go on meanwhile.
    Push {
        /// The resource that takes packages: `/5/0/0`, `/9/x/2`.
        path: Path,
        /// Which artefact.
        artefact: ArtefactId,
        /// How many bytes of it the device has already.
        from: u64,
        /// The largest block.
        block_bytes: u16,
    },
    /// End an observation.
    CancelObservation {
        /// What was observed.
        path: Path,
        /// How.
        mode: CancelMode,
    },
    /// Read several nodes at once; what the device does not have is left out of its answer.
    ReadComposite {
        /// Nodes of any level, none within another.
        paths: Paths,
        /// The format of both ways, SenML; without one the server chooses what the device names.
        format: Option<ContentFormat>,
    },
    /// Write several values at once: all of them, or none.
    WriteComposite {
        /// By their resource or resource instance.
        values: BTreeMap<Path, Value>,
        /// As for Read-Composite.
        format: Option<ContentFormat>,
    },
    /// Observe several nodes in one observation.
    ObserveComposite {
        /// As for Read-Composite.
        paths: Paths,
        /// As for Read-Composite.
        format: Option<ContentFormat>,
    },
    /// End an observation of several nodes.
    CancelCompositeObservation {
        /// What was observed, in that order.
        paths: Paths,
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

/// An operation and where it stands: `queued → sent → done | failed | expired | cancelled | superseded | unknown`.
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
    /// How soon it is sent among those that wait for the device.
    pub priority: Priority,
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
    /// The later one that made it pointless, if it is superseded.
    pub superseded_by: Option<OperationId>,
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
    /// A later one made it pointless before it was sent: see [`OperationRecord::superseded_by`].
    Superseded,
    /// It was sent, and whether the device did it is not known.
    Unknown,
}

impl OperationRecord {
    /// Whether the server stopped while it was on its way, so that nobody knows what became of it.
    pub fn was_cut_off(&self) -> bool {
        self.state == OperationState::Unknown
            && self.result.as_deref() == Some(&*Failure::OutcomeUnknown.to_string())
    }
}

impl Operation {
    /// The Observe or Observe-Composite of a target.
    pub fn observe(target: Target, format: Option<ContentFormat>) -> Self {
        match target {
            Target::One(path) => Self::Observe { path, format },
            Target::Several(paths) => Self::ObserveComposite { paths, format },
        }
    }

    /// The end of an observation of a target.
    pub fn cancel(target: Target, mode: CancelMode) -> Self {
        match target {
            Target::One(path) => Self::CancelObservation { path, mode },
            Target::Several(paths) => Self::CancelCompositeObservation { paths, mode },
        }
    }

    /// What it is about.
    pub fn target(&self) -> Target {
        match self {
            Self::ReadComposite { paths, .. }
            | Self::ObserveComposite { paths, .. }
            | Self::CancelCompositeObservation { paths, .. } => Target::Several(paths.clone()),
            Self::WriteComposite { values, .. } => Target::Several(values.keys().copied().collect()),
            _ => Target::One(self.path()),
        }
    }

    /// Whether it begins an observation of its target.
    pub fn is_observe(&self) -> bool {
        matches!(self, Self::Observe { .. } | Self::ObserveComposite { .. })
    }

    /// How it ends an observation of its target, if it does.
    pub fn cancels(&self) -> Option<CancelMode> {
        match self {
            Self::CancelObservation { mode, .. } | Self::CancelCompositeObservation { mode, .. } => {
                Some(*mode)
            }
            _ => None,
        }
    }

    /// Whether it is one of LwM2M 1.1 that names several nodes.
    pub fn is_composite(&self) -> bool {
        match self {
            Self::ReadComposite { .. }
            | Self::WriteComposite { .. }
            | Self::ObserveComposite { .. }
            | Self::CancelCompositeObservation { .. } => true,
            Self::Read { .. } | Self::Discover { .. } | Self::Write { .. } => false,
            Self::WriteAttributes { .. } | Self::Execute { .. } | Self::Create { .. } => false,
            Self::Delete { .. } | Self::Observe { .. } | Self::CancelObservation { .. } => false,
            Self::Push { .. } => false,
        }
    }

    /// Where it applies; for Create the instance if its id is given, else the object, and for what names several nodes the
    /// root. [`Operation::target`] tells them.
    pub fn path(&self) -> Path {
        match self {
            Self::Read { path, .. }
            | Self::Discover { path }
            | Self::Write { path, .. }
            | Self::WriteAttributes { path, .. }
            | Self::Execute { path, .. }
            | Self::Delete { path }
            | Self::Observe { path, .. }
            | Self::Push { path, .. }
            | Self::CancelObservation { path, .. } => *path,
            Self::ReadComposite { .. }
            | Self::WriteComposite { .. }
            | Self::ObserveComposite { .. }
            | Self::CancelCompositeObservation { .. } => Path::Root,
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
            Self::Push { .. } => "Push",
            Self::CancelObservation { .. } => "Cancel Observation",
            Self::ReadComposite { .. } => "Read-Composite",
            Self::WriteComposite { .. } => "Write-Composite",
            Self::ObserveComposite { .. } => "Observe-Composite",
            Self::CancelCompositeObservation { .. } => "Cancel Observation-Composite",
        }
    }

    /// Whether it asks without changing anything: it then waits for no commit, and may be sent again.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Discover { .. } | Self::ReadComposite { .. })
    }

    /// Whether the device is another one afterwards. An observation is the server's own matter.
    pub fn changes_the_device(&self) -> bool {
        match self {
            Self::Read { .. } | Self::Discover { .. } | Self::ReadComposite { .. } => false,
            Self::Observe { .. } | Self::CancelObservation { .. } => false,
            Self::ObserveComposite { .. } | Self::CancelCompositeObservation { .. } => false,
            Self::WriteComposite { .. }
            | Self::Write { .. }
            | Self::WriteAttributes { .. }
            | Self::Execute { .. } => true,
            Self::Create { .. } | Self::Delete { .. } | Self::Push { .. } => true,
        }
    }

    /// Whether doing it twice is as good as once. A sent Execute, Create or Push is never sent again by itself.
    pub fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Execute { .. } | Self::Create { .. } | Self::Push { .. })
    }
}

impl OperationState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sent,
        Self::Done,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Superseded,
        Self::Unknown,
    ];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing will come any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sent)
    }
}
