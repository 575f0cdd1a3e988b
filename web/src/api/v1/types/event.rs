//! The event log, as a stream of server-sent events.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Reading, Time};

words! {
    /// What happened: the name of the server-sent event, and what a webhook asks for.
    EventKind {
        /// A device registered.
        Registered,
        /// Its registration changed.
        Updated,
        /// It said goodbye.
        Deregistered,
        /// Its lifetime ran out.
        Expired,
        /// The credential it had registered with was revoked.
        Revoked,
        /// It was removed.
        Removed,
        /// It gave values.
        Values,
    }
}

/// An entry of the event log: the data of a server-sent event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Orders the entries, and is the id of the server-sent event; never used twice.
    #[schema(example = 4711)]
    pub sequence: i64,
    /// When.
    pub at: Time,
    /// What.
    pub kind: EventKind,
    /// The device's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// The device's endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The values it gave; empty for every other kind.
    #[serde(default)]
    pub readings: Vec<Reading>,
}

/// The data of the event `gap`: entries that the log does not hold any more, so that the stream lacks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// The last entry that the client has seen.
    pub after: i64,
    /// Where the stream goes on: the entry after this one is the next.
    pub to: i64,
}

impl From<fleet::LoggedEvent> for Event {
    fn from(event: fleet::LoggedEvent) -> Self {
        use fleet::EndReason;
        let (kind, readings) = match event.kind {
            fleet::LoggedKind::Registered => (EventKind::Registered, Vec::new()),
            fleet::LoggedKind::Updated => (EventKind::Updated, Vec::new()),
            fleet::LoggedKind::RegistrationEnded(reason) => match reason {
                EndReason::Deregistered => (EventKind::Deregistered, Vec::new()),
                EndReason::Expired => (EventKind::Expired, Vec::new()),
                EndReason::Revoked => (EventKind::Revoked, Vec::new()),
                EndReason::Removed => (EventKind::Removed, Vec::new()),
            },
            fleet::LoggedKind::Values(readings) => {
                (EventKind::Values, readings.into_iter().map(Reading::from).collect())
            }
        };
        Self {
            sequence: event.sequence,
            at: event.at.into(),
            kind,
            device: event.device.to_string(),
            endpoint: event.endpoint.to_string(),
            readings,
        }
    }
}
