//! What becomes durable of configuration.

use super::{Baseline, Configured, Level};
use crate::{DeviceId, Timestamp};

/// A change of configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigurationChange {
    /// A level wants something else from now on. A conflict if it has this version already, or not the one before it.
    BaselineSaved(Box<Baseline>),
    /// A level is gone, with all its versions.
    BaselinesDropped(Level),
    /// Where a device stands: it replaces the row of its device, or is a new one; [`Configured::repair_at`] and
    /// [`Configured::resume_at`] stay as they were. A conflict if the device is not there.
    Saved(Box<Configured>),
    /// Nothing is wanted of a device any more. Nothing if there is no row of it.
    Dropped(DeviceId),
    /// A person wants a device to be written to. Nothing if there is no row of it.
    Repair(DeviceId, Timestamp),
    /// A person wants a device that was stopped to go on. Nothing if there is no row of it.
    Resume(DeviceId, Timestamp),
}
