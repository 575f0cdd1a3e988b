//! The timeline of a device: what happened to it, bounded.

use crate::{DeviceId, RequestId, Timestamp};

/// Something that happened to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Whom it happened to.
    pub device: DeviceId,
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: TimelineKind,
    /// The request it belongs to.
    pub request: Option<RequestId>,
    /// One line for a person, without values or secrets; at most [`TimelineEntry::MAX_DETAIL`] bytes.
    pub detail: String,
}

/// An entry as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineRecord {
    /// Orders the entries.
    pub sequence: i64,
    /// The entry.
    pub entry: TimelineEntry,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimelineKind {
    /// It registered.
    Registered,
    /// It changed its registration; an Update that changes nothing leaves no entry.
    Updated,
    /// It deregistered.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
    /// It sent something that could not be accepted.
    Rejected,
    /// An operation ended.
    Operation,
    /// An observation began or ended.
    Observation,
    /// A credential was made, proved, replaced or revoked.
    Credential,
    /// A bootstrap session began or ended.
    Bootstrap,
    /// It was added, classified, or removed.
    Enrolment,
    /// An update of its firmware or software began, went on or ended.
    Firmware,
    /// It has what it is to have, or has not.
    Configuration,
}

impl TimelineEntry {
    /// Makes an entry; what is too long is cut, and what would break the line is replaced.
    pub fn new(
        device: DeviceId,
        at: Timestamp,
        kind: TimelineKind,
        request: Option<RequestId>,
        detail: &str,
    ) -> Self {
        Self { device, at, kind, request, detail: one_line(detail, Self::MAX_DETAIL) }
    }

    /// How many a device keeps; older ones are dropped.
    pub const PER_DEVICE: usize = 1_000;
    /// How long the line may be.
    pub const MAX_DETAIL: usize = 512;
}

impl TimelineKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Registered,
        Self::Updated,
        Self::Deregistered,
        Self::Expired,
        Self::Rejected,
        Self::Operation,
        Self::Observation,
        Self::Credential,
        Self::Bootstrap,
        Self::Enrolment,
        Self::Firmware,
        Self::Configuration,
    ];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated",
            Self::Deregistered => "deregistered",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Operation => "operation",
            Self::Observation => "observation",
            Self::Credential => "credential",
            Self::Bootstrap => "bootstrap",
            Self::Enrolment => "enrolment",
            Self::Firmware => "firmware",
            Self::Configuration => "configuration",
        }
    }
}

/// A text as one line of at most `max` bytes: control characters become U+FFFD, so that none can forge a line.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for char in text.chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }) {
        if line.len() + char.len_utf8() > max {
            break;
        }
        line.push(char);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(text: &str) -> String {
        TimelineEntry::new(DeviceId(1), Timestamp(1), TimelineKind::Rejected, None, text).detail
    }

    #[test]
    fn an_entry_is_one_line_whatever_a_device_wrote() {
        assert_eq!(detail("lt=\u{1b}[2J\r\n\0 forged"), "lt=\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd} forged");
        assert_eq!(detail("ünïcödé 🦀"), "ünïcödé 🦀");
    }

    #[test]
    fn an_entry_is_cut_between_characters() {
        let long = detail(&"🦀".repeat(TimelineEntry::MAX_DETAIL));
        assert_eq!(long.len(), TimelineEntry::MAX_DETAIL);
        let odd = detail(&format!("a{}", "🦀".repeat(TimelineEntry::MAX_DETAIL)));
        assert_eq!(odd.len(), TimelineEntry::MAX_DETAIL - 3);
    }
}
