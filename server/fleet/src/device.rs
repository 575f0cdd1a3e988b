//! Devices: one identity each, whatever address, session or registration they have today.

use std::{fmt, sync::Arc};

use crate::{ClassId, DeviceId, DomainId, PublicId, Timestamp};

/// One device. Rows are made at its first registration (lab profile) or when it is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its row.
    pub id: DeviceId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// The domain that owns it.
    pub domain: DomainId,
    /// Its class.
    pub class: ClassId,
    /// Its endpoint name, unique in the domain.
    pub endpoint: EndpointName,
    /// When it was first known.
    pub created_at: Timestamp,
    /// When it was removed, if it was. What it left is kept or was deleted with it; its name waits for a new enrolment.
    pub removed_at: Option<Timestamp>,
}

/// Whether a device is registered, as the store knows it. Whether it is awake is hot: see [`crate::Presence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// Its registration lives.
    Registered,
    /// It said goodbye.
    Deregistered,
    /// Its lifetime ran out.
    Expired,
    /// It was added and has not registered yet.
    Awaited,
    /// Its credential was revoked.
    Revoked,
    /// It was removed.
    Removed,
}

/// The endpoint client name of LwM2M Core 1.1.1 §6.4.1: 1 to 252 bytes of UTF-8 without control characters.
///
/// A clone shares the text: it stands in several indexes of a large fleet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointName(Arc<str>);

/// Why a text is no endpoint name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointNameError {
    /// It holds a control character.
    #[error("an endpoint name holds no control characters")]
    ControlCharacter,
    /// It is empty.
    #[error("an endpoint name is not empty")]
    Empty,
    /// It is longer than [`EndpointName::MAX_BYTES`].
    #[error("an endpoint name has at most {max} bytes, this one has {len}", max = EndpointName::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

impl DeviceState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Registered, Self::Deregistered, Self::Expired, Self::Awaited, Self::Revoked, Self::Removed];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Deregistered => "deregistered",
            Self::Expired => "expired",
            Self::Awaited => "awaited",
            Self::Revoked => "revoked",
            Self::Removed => "removed",
        }
    }
}

impl EndpointName {
    /// The length of a Uri-Query option less its `ep=` (RFC 7252 §5.10).
    pub const MAX_BYTES: usize = 252;

    /// Takes a text that fits.
    pub fn new(text: impl Into<String>) -> Result<Self, EndpointNameError> {
        let text = text.into();
        if text.is_empty() {
            return Err(EndpointNameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(EndpointNameError::TooLong { len: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(EndpointNameError::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
