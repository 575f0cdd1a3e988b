//! What became of a message, so that a duplicate meets the same (RFC 7252 §4.5).

use std::hash::{DefaultHasher, Hasher};

use crate::{NotificationId, exchange::ExchangeId};

/// A message remembered for EXCHANGE_LIFETIME, or NON_LIFETIME where it is non-confirmable.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) fate: Fate,
    /// What of it waits for the caller.
    pub(crate) waiting: Option<Waiting>,
}

/// What waits for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Exchange(ExchangeId),
    Notification(NotificationId),
}

/// What a duplicate meets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Silence: the caller has not decided yet, or the message was non-confirmable.
    Silence,
    /// An empty acknowledgement.
    Acknowledged,
    /// The same reply.
    Replied(Box<[u8]>),
    /// A reset.
    Reset,
}

impl Fate {
    /// The bytes of a reply that is kept.
    pub(crate) fn reply_len(&self) -> usize {
        if let Self::Replied(bytes) = self { bytes.len() } else { 0 }
    }
}

/// Tells a true duplicate, which has the same bytes, from a new message of a peer that has started anew and counts its
/// message ids from the same place: RFC 7252 §4.5 would have the latter answered with a stale reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self(hasher.finish())
    }
}
