//! Audit entries that wait to be written together: of reads, which wait for no commit, and of what was refused.
//!
//! Nothing is lost here while the server runs: when as many wait as may, whoever adds one more writes them first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{AuditEntry, Commit, Store, StoreError};

/// The bound of the entries that wait.
pub struct AuditTrail;

impl AuditTrail {
    /// How many entries wait at most. An act that finds as many is done only after they have been written.
    pub const MAX_WAITING: usize = 1_024;
}

#[derive(Debug, Default)]
pub(super) struct Trail {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    entries: Vec<(Ticket, AuditEntry)>,
}

/// Names an entry that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Trail {
    /// Adds an entry; if too many wait already, they are written first.
    pub(super) async fn push(&self, store: &dyn Store, entry: AuditEntry) -> Result<Ticket, StoreError> {
        if self.lock().entries.len() >= AuditTrail::MAX_WAITING {
            self.flush(store).await?;
        }
        let mut waiting = self.lock();
        let ticket = Ticket(waiting.next);
        waiting.next += 1;
        waiting.entries.push((ticket, entry));
        Ok(ticket)
    }

    /// Takes an entry back, to write it with something else; none if it was written already.
    pub(super) fn take_back(&self, ticket: Ticket) -> Option<AuditEntry> {
        let mut waiting = self.lock();
        let index = waiting.entries.iter().position(|(other, _)| *other == ticket)?;
        Some(waiting.entries.remove(index).1)
    }

    /// Writes all that wait, in one commit. If that fails they wait on.
    pub(super) async fn flush(&self, store: &dyn Store) -> Result<(), StoreError> {
        let entries = std::mem::take(&mut self.lock().entries);
        if entries.is_empty() {
            return Ok(());
        }
        let audit = entries.iter().map(|(_, entry)| entry.clone()).collect();
        let written = store.commit(Commit { changes: Vec::new(), audit }).await;
        if written.is_err() {
            self.lock().entries.splice(..0, entries);
        }
        written.map(|_| ())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
