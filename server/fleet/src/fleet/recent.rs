//! The outcomes of the last operations, so that a page can show them after a redirect. Bounded, and gone after a restart.

use std::collections::VecDeque;

use crate::{OperationId, OperationRecord, Outcome, WireTrace};

/// The last outcomes, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent {
    outcomes: VecDeque<RecentOutcome>,
}

/// What came of one operation.
#[derive(Clone, Debug)]
pub(super) struct RecentOutcome {
    /// What a row of it would say.
    pub(super) record: OperationRecord,
    pub(super) outcome: Outcome,
    pub(super) trace: Option<WireTrace>,
}

impl Recent {
    /// How many are kept.
    pub(super) const MAX: usize = 256;

    /// Keeps one; the oldest gives way.
    pub(super) fn push(&mut self, outcome: RecentOutcome) {
        if self.outcomes.len() == Self::MAX {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(outcome);
    }

    /// One of them.
    pub(super) fn find(&self, id: OperationId) -> Option<&RecentOutcome> {
        self.outcomes.iter().rev().find(|recent| recent.record.id == id)
    }
}
