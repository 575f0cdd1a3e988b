//! Credentials, claims and bootstrap sessions.

use super::{Tables, unique};
use crate::{
    BootstrapRecord, BootstrapResult, Claim, ClaimId, Claimed, Credential, CredentialId, CredentialName,
    CredentialState, DeviceId, Holder, NewCredential, Secret, StoreError, Timestamp,
};

impl Tables {
    pub(super) fn add_credential(&mut self, new: NewCredential) -> Result<(), StoreError> {
        let NewCredential { credential, secret } = new;
        match credential.holder {
            Holder::Device(device) => self.known(device)?,
            Holder::Claim(claim) => unique(self.claims.contains_key(&claim))?,
        }
        unique(self.credentials.values().all(|(other, _)| {
            other.id != credential.id
                && other.public_id != credential.public_id
                && !(other.state.opens() && credential.state.opens() && other.identity == credential.identity)
        }))?;
        self.credentials.insert(credential.id, (credential, secret));
        Ok(())
    }

    pub(super) fn prove_credential(&mut self, id: CredentialId, at: Timestamp) {
        let Some((credential, secret)) = self.credentials.get_mut(&id) else { return };
        if credential.state == CredentialState::Staged {
            credential.state = CredentialState::Live;
            credential.changed_at = at;
            if matches!(secret, Secret::KeyPair(_)) {
                *secret = Secret::None;
            }
        }
    }

    pub(super) fn end_credential(&mut self, id: CredentialId, state: CredentialState, at: Timestamp) {
        let Some((credential, secret)) = self.credentials.get_mut(&id) else { return };
        let revoked_later = credential.state == CredentialState::Retired && state == CredentialState::Revoked;
        if credential.state.opens() || revoked_later {
            credential.state = state;
            credential.changed_at = at;
            if matches!(secret, Secret::KeyPair(_)) {
                *secret = Secret::None;
            }
            self.secure_sessions.retain(|_, (session, _)| session.identity.credential != id);
        }
    }

    /// What is left opens nothing and tells nothing.
    pub(super) fn erase_secret(&mut self, id: CredentialId) {
        if let Some((_, secret)) = self.credentials.get_mut(&id) {
            *secret = Secret::None;
        }
        self.seen.remove(&id);
    }

    pub(super) fn use_credential(&mut self, id: CredentialId, at: Timestamp) {
        if let Some((credential, _)) = self.credentials.get_mut(&id) {
            credential.last_used_at = credential.last_used_at.max(Some(at));
        }
    }

    pub(super) fn add_claim(&mut self, claim: Claim) -> Result<(), StoreError> {
        unique(self.classes.contains_key(&claim.class))?;
        unique(self.claims.values().all(|other| {
            other.id != claim.id && other.public_id != claim.public_id && other.name != claim.name
        }))?;
        self.claims.insert(claim.id, claim);
        Ok(())
    }

    pub(super) fn use_claim(&mut self, claimed: Claimed) -> Result<(), StoreError> {
        self.known(claimed.device)?;
        let claim = self.claims.get_mut(&claimed.claim).ok_or(StoreError::Conflict)?;
        let key = (claimed.claim, claimed.endpoint.clone());
        match self.claimed.get(&key) {
            Some(before) => unique(before.again_until.is_some_and(|until| claimed.at < until))?,
            None => {
                unique(claim.used < claim.quota)?;
                claim.used += 1;
            }
        }
        self.claimed.insert(key, Claimed { again_until: None, ..claimed });
        Ok(())
    }

    pub(super) fn close_claim(&mut self, id: ClaimId) {
        if let Some(claim) = self.claims.get_mut(&id) {
            claim.closed = true;
        }
    }

    pub(super) fn approve_claim(&mut self, claim: ClaimId, device: DeviceId, until: Timestamp) {
        let of_device = |claimed: &&mut Claimed| claimed.claim == claim && claimed.device == device;
        for claimed in self.claimed.values_mut().filter(of_device) {
            claimed.again_until = Some(until);
        }
    }

    pub(super) fn save_bootstrap(&mut self, record: BootstrapRecord) -> Result<(), StoreError> {
        self.known(record.device)?;
        let device = record.device;
        self.bootstraps.insert(record.id, record);
        let of_device: Vec<_> =
            self.bootstraps.iter().filter(|(_, other)| other.device == device).map(|(id, _)| *id).collect();
        for id in of_device.iter().rev().skip(BootstrapRecord::PER_DEVICE) {
            self.bootstraps.remove(id);
        }
        Ok(())
    }

    pub(super) fn interrupt_bootstraps(&mut self, at: Timestamp) {
        let under_way = |record: &&mut BootstrapRecord| record.result == BootstrapResult::UnderWay;
        for record in self.bootstraps.values_mut().filter(under_way) {
            record.result = BootstrapResult::Failed;
            record.ended_at = Some(at);
            record.reason = BootstrapRecord::INTERRUPTED.to_owned();
        }
    }

    // === What is asked ===

    /// The one that opens sessions, or else the newest that did.
    pub(in crate::store::memory) fn by_name(&self, name: &CredentialName) -> Option<(Credential, Secret)> {
        let named = self.credentials.values().filter(|(credential, _)| credential.identity == *name);
        named
            .max_by_key(|(credential, _)| (credential.state.opens(), credential.created_at, credential.id))
            .cloned()
    }

    pub(in crate::store::memory) fn credentials_of(
        &self,
        device: DeviceId,
    ) -> impl Iterator<Item = &Credential> {
        let holder = Holder::Device(device);
        self.credentials.values().map(|(credential, _)| credential).filter(move |one| one.holder == holder)
    }

    pub(in crate::store::memory) fn held_by(&self, holder: Holder) -> Vec<Credential> {
        let mut held: Vec<Credential> = self
            .credentials
            .values()
            .map(|(credential, _)| credential)
            .filter(|credential| credential.holder == holder)
            .cloned()
            .collect();
        held.sort_by_key(|credential| std::cmp::Reverse((credential.created_at, credential.id)));
        held
    }

    pub(in crate::store::memory) fn secured(&self, device: DeviceId) -> bool {
        self.credentials_of(device).any(|credential| credential.state.opens())
    }
}
