//! Observations: what a device reports by itself because the server asked it to.

use std::fmt;

use objects::ContentFormat;

use crate::{Delivery, DeviceId, Target, Timestamp};

/// A live observation. It keeps its token over a restart, so that its notifications are matched and not reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Who is observed.
    pub device: DeviceId,
    /// What is observed; one observation a target and device.
    pub target: Target,
    /// The token of the request that began it.
    pub token: ObservationToken,
    /// The format asked for.
    pub format: Option<ContentFormat>,
    /// When it began.
    pub since: Timestamp,
    /// The place of the answer that began it among its notifications (RFC 7641 §3.4).
    pub number: Option<u32>,
}

/// A notification that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notified {
    /// When it arrived.
    pub at: Timestamp,
    /// Its place among those of its observation.
    pub number: u32,
}

impl Observation {
    /// The place of the newest answer or notification that was stored, given the newest notification under its token. Nothing
    /// if that was too long ago to bind what comes: the numbers begin anew some time.
    pub fn newest(&self, now: Timestamp, notified: Option<Notified>) -> Option<u32> {
        let began = self.number.map(|number| Notified { at: self.since, number });
        // Under the same token there may have been another one before.
        let notified = notified.filter(|notified| notified.at >= self.since);
        notified.or(began).filter(|newest| newest.at.after(Delivery::KEPT) > now).map(|newest| newest.number)
    }
}

/// The token of an observation: 1 to 8 bytes (RFC 7252 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationToken {
    len: u8,
    bytes: [u8; 8],
}

impl Observation {
    /// How many a device has at most; one more is not begun.
    pub const MAX_PER_DEVICE: usize = 256;
}

impl ObservationToken {
    /// Takes at most eight bytes.
    pub fn new(token: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..token.len())?.copy_from_slice(token);
        Some(Self { len: u8::try_from(token.len()).ok()?, bytes })
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for ObservationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
