//! Operations that are being cancelled. Whoever waits for one learns that it was taken out of the queue before the cancel is
//! durable, and holds that back until it is: one that could not be stored is in the queue again.

use std::collections::VecDeque;

use crate::OperationId;

/// Those that were put back, for whoever waited for them. Locked while one is cancelled.
#[derive(Debug, Default)]
pub(super) struct PutBack(VecDeque<OperationId>);

impl PutBack {
    /// How many are remembered. Whoever waits looks at once; of most of them nobody waits for the outcome.
    const MAX: usize = 64;

    pub(super) fn note(&mut self, id: OperationId) {
        self.0.truncate(Self::MAX - 1);
        self.0.push_front(id);
    }

    /// Whether it was put back. Told once.
    pub(super) fn take(&mut self, id: OperationId) -> bool {
        let found = self.0.iter().position(|one| *one == id);
        found.and_then(|at| self.0.remove(at)).is_some()
    }
}
