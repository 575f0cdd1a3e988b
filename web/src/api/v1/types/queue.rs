//! What waits for devices, and how long these listen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operation, Time};

words! {
    /// How soon an operation is sent among those that wait for the same device. Operations that meet at a node are sent in the
    /// order in which they were asked for, whatever their priorities.
    Priority = Priority {
        /// Before all others.
        Urgent,
        /// What people and programs ask for.
        Normal,
        /// When nothing else waits: what the server asks for by itself.
        Background,
    }
}

words! {
    /// Where an awake time comes from.
    AwakeFrom = fleet::queue::AwakeFrom {
        /// MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2): 93 seconds.
        Default,
        /// The device has answered later than that.
        Learned,
        /// Somebody has said it of its class.
        Class,
        /// Somebody has said it of the device.
        Device,
    }
}

/// An operation that waits, and for whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WaitingOperation {
    /// The device's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// The device's endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// What waits for it.
    pub operation: Operation,
}

/// What became of what waited for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelledWaiting {
    /// How many operations were cancelled.
    #[schema(example = 12)]
    pub cancelled: u64,
    /// How many were on their way by then, or had ended.
    #[schema(example = 1)]
    pub too_late: u64,
}

/// How long a device in queue mode listens after it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaidAwakeTime {
    /// In seconds, 1 to 86400; null to go by the class, by what is learned, or by the default of 93.
    #[schema(example = 20)]
    pub seconds: Option<u64>,
}

/// How long a device in queue mode is called after it was heard, and why so long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AwakeTime {
    /// In seconds.
    #[schema(example = 93.0)]
    pub seconds: f64,
    /// Where that comes from.
    pub from: AwakeFrom,
    /// What somebody has said of the device, in seconds.
    pub of_device: Option<u64>,
    /// What somebody has said of its class, in seconds.
    pub of_class: Option<u64>,
    /// What its answers have taught. Alone it never makes the time shorter than 93 seconds.
    pub learned: Option<LearnedAwakeTime>,
}

/// What the answers of a device, and its silences, have taught of how long it listens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LearnedAwakeTime {
    /// For about so long, in seconds; 1 to 600.
    #[schema(example = 24.75)]
    pub seconds: f64,
    /// How many answers came later than was expected.
    #[schema(example = 0)]
    pub answers: u32,
    /// How often it did not answer though it was expected to.
    #[schema(example = 5)]
    pub silences: u32,
    /// When it was learned last.
    pub at: Time,
}

impl From<fleet::store::Waiting> for WaitingOperation {
    fn from(waiting: fleet::store::Waiting) -> Self {
        Self {
            device: waiting.device.public_id.to_string(),
            endpoint: waiting.device.endpoint.to_string(),
            operation: waiting.record.into(),
        }
    }
}

impl From<fleet::Cancelled> for CancelledWaiting {
    fn from(report: fleet::Cancelled) -> Self {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self { cancelled: count(report.cancelled), too_late: count(report.too_late) }
    }
}

impl From<fleet::AwakeDetail> for AwakeTime {
    fn from(detail: fleet::AwakeDetail) -> Self {
        let fleet::AwakeDetail { awake, time } = detail;
        Self {
            seconds: time.time.as_secs_f64(),
            from: time.from.into(),
            of_device: awake.device.map(|time| time.as_secs()),
            of_class: awake.class.map(|time| time.as_secs()),
            learned: awake.learned.map(|learned| LearnedAwakeTime {
                seconds: learned.time.as_secs_f64(),
                answers: learned.answers,
                silences: learned.silences,
                at: learned.at.into(),
            }),
        }
    }
}
