//! What becomes durable of updates.

use super::{Update, UpdateId};
use crate::Timestamp;

/// A change of updates.
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateChange {
    /// An update was asked for. A conflict if the device has one for the same target that has not ended.
    Begun(Box<Update>),
    /// An update went on, or ended: it replaces the row of its name, but that stays [`Update::cancelling`] and
    /// [`Update::rested`] where it was. Nothing if that has ended before, or is not there.
    Saved(Box<Update>),
    /// Devices have got more of their packages: [`Update::sent`] and [`Update::progress_at`], written in batches. Nothing of those
    /// that have ended.
    Progressed(Vec<(UpdateId, u64, Timestamp)>),
    /// Somebody wants it to end. Nothing if it has.
    Cancelling(UpdateId),
    /// Its device need not rest.
    Rested(UpdateId),
}
