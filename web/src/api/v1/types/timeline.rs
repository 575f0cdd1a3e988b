//! What happened to a device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// What kind of thing happened.
    TimelineKind = TimelineKind {
        Registered, Updated, Deregistered, Expired, Rejected, Operation, Observation, Credential, Bootstrap, Enrolment,
        Firmware,
        /// It has what it is to have, or has not.
        Configuration,
    }
}

/// Something that happened to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When.
    pub at: Time,
    /// What kind of thing.
    pub kind: TimelineKind,
    /// One line for a person, without values or secrets.
    #[schema(example = "registered with a lifetime of 300 s")]
    pub detail: String,
    /// The request it belongs to.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub request: Option<String>,
}

impl From<fleet::TimelineRecord> for TimelineEntry {
    fn from(record: fleet::TimelineRecord) -> Self {
        let fleet::TimelineEntry { at, kind, request, detail, .. } = record.entry;
        Self { at: at.into(), kind: kind.into(), detail, request: request.map(|id| id.to_string()) }
    }
}
