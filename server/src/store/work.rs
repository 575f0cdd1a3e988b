//! What the writer is asked for.

use fleet::{Commit, Committed, StoreError, Timestamp};
use tokio::sync::oneshot::Sender;

use super::retention::Outgrown;

/// What the task is asked for. An answer that nobody waits for any more is dropped; the work is done all the same.
pub(super) enum Work {
    Commit(Waiting),
    /// Counts a start.
    Boot(Sender<Result<u64, StoreError>>),
    /// Gives the live secure sessions so many numbers more.
    Sessions(u64, Sender<Result<(), StoreError>>),
    /// Writes something that changes nothing.
    Check(Sender<Result<(), StoreError>>),
    /// Takes one step of dropping values; gives what is left to drop.
    PurgeValues(Vec<Outgrown>, Sender<Result<Vec<Outgrown>, StoreError>>),
    /// Takes one step of a purge; true if there is more to do.
    Purge(Timestamp, Sender<Result<bool, StoreError>>),
}

/// A commit that waits for its answer.
pub(super) struct Waiting {
    pub(super) commit: Commit,
    pub(super) reply: Sender<Result<Committed, StoreError>>,
}
