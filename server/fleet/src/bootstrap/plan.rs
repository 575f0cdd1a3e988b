//! What makes a plan one that can be sent.

/// Why a plan can't be sent to a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `/1/x/1` must be above 0.
    #[error("the lifetime must be at least 1 second")]
    Lifetime,
}
