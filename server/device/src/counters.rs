//! What a device has turned away.

/// What was turned away, each under the name of its bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that came while the device was off or asleep.
    pub unheard: u64,
    /// Observations refused because of [`Device::MAX_OBSERVATIONS`](crate::Device::MAX_OBSERVATIONS): the request is answered
    /// like a Read.
    pub max_observations: u64,
    /// Creates refused because of [`Tree::MAX_INSTANCES`](crate::Tree::MAX_INSTANCES).
    pub max_instances: u64,
    /// Notifications that the CoAP endpoint had no room for.
    pub notifications_unsent: u64,
}
