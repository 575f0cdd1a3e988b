//! What devices report.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Format, NodePath, Time, several};
// utoipa takes whatever is called `Value` for any JSON.
use super::Value as TypedValue;

/// A value that a resource had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reading {
    /// A resource or resource instance.
    pub path: NodePath,
    /// What it was.
    pub value: TypedValue,
    /// When, by the device's clock, if the device said so.
    pub device_time: Option<Time>,
    /// When the server received it; none within an answer or an event, which say it themselves.
    pub received_at: Option<Time>,
}

/// What a device reports by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    /// What is observed; the root if it is several nodes.
    pub path: NodePath,
    /// The nodes, if they are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<NodePath>,
    /// The format that was asked for.
    pub format: Option<Format>,
    /// Since when.
    pub since: Time,
}

impl From<fleet::Reading> for Reading {
    fn from(reading: fleet::Reading) -> Self {
        Self {
            path: reading.path.into(),
            value: reading.value.into(),
            device_time: reading.device_time.map(Time::from),
            received_at: None,
        }
    }
}

impl From<fleet::StoredReading> for Reading {
    fn from(stored: fleet::StoredReading) -> Self {
        Self { received_at: Some(stored.received_at.into()), ..Self::from(stored.reading) }
    }
}

impl From<fleet::Observation> for Observation {
    fn from(observation: fleet::Observation) -> Self {
        let path = match &observation.target {
            fleet::Target::One(path) => *path,
            fleet::Target::Several(_) => objects::Path::Root,
        };
        Self {
            path: path.into(),
            paths: several(&observation.target),
            format: observation.format.and_then(Format::of),
            since: observation.since.into(),
        }
    }
}
