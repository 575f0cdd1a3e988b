//! What a device does, and what came of it.

use std::time::Duration;

/// An operation that a device begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Register, with a handshake where there is no session.
    Register,
    /// An Update that changes nothing.
    Update,
    /// An Update with another lifetime.
    Change,
    /// A confirmable notification.
    Notify,
    /// A Send.
    Send,
    /// Deregister.
    Deregister,
}

/// A deed that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Which.
    pub deed: Deed,
    /// How long it took since it was due, or what went wrong.
    pub outcome: Result<Duration, String>,
}

/// A deed that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Underway {
    pub(super) deed: Deed,
    /// When it was to begin.
    pub(super) due: Duration,
}
