//! When credentials and tokens were used last, written in batches.

use std::collections::BTreeMap;

use super::lock;
use crate::{Change, Commit, CredentialId, Fleet, FleetError, PublicId, Timestamp};

/// Uses that the store has not seen yet.
#[derive(Debug, Default)]
pub(super) struct Uses {
    credentials: BTreeMap<CredentialId, Timestamp>,
    tokens: BTreeMap<PublicId, Timestamp>,
    not_noted: u64,
}

impl Uses {
    /// How many of each wait at most; a use that finds as many is counted and not noted.
    const MAX: usize = 65_536;

    pub(super) fn credential(&mut self, id: CredentialId, at: Timestamp) {
        if self.credentials.len() < Self::MAX || self.credentials.contains_key(&id) {
            self.credentials.insert(id, at);
        } else {
            self.not_noted += 1;
        }
    }

    pub(super) fn token(&mut self, id: PublicId, at: Timestamp) {
        if self.tokens.len() < Self::MAX || self.tokens.contains_key(&id) {
            self.tokens.insert(id, at);
        } else {
            self.not_noted += 1;
        }
    }

    fn take(&mut self) -> Self {
        let not_noted = self.not_noted;
        std::mem::replace(self, Self { not_noted, ..Self::default() })
    }

    fn take_back(&mut self, earlier: Self) {
        for (id, at) in earlier.credentials {
            self.credentials.entry(id).or_insert(at);
        }
        for (id, at) in earlier.tokens {
            self.tokens.entry(id).or_insert(at);
        }
    }
}

impl Fleet {
    /// How many uses of credentials and tokens were not noted, for the metrics: too many waited for the store.
    pub fn uses_not_noted(&self) -> u64 {
        lock(&self.uses).not_noted
    }

    pub(super) async fn flush_uses(&self) -> Result<(), FleetError> {
        let uses = lock(&self.uses).take();
        let mut changes: Vec<Change> =
            uses.tokens.iter().map(|(id, at)| Change::TokenUsed { id: *id, at: *at }).collect();
        if !uses.credentials.is_empty() {
            let used = uses.credentials.iter().map(|(id, at)| (*id, *at)).collect();
            changes.push(Change::CredentialsUsed(used));
        }
        if changes.is_empty() {
            return Ok(());
        }
        let written = self.store.commit(Commit { changes, audit: Vec::new() }).await;
        if written.is_err() {
            lock(&self.uses).take_back(uses);
        }
        Ok(written.map(drop)?)
    }
}
