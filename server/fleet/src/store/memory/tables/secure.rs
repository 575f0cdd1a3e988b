//! Classes' policies, secure sessions and authorities.

use super::{Tables, unique};
use crate::{
    Authority, Class, ClassId, CredentialId, Holder, SecureSession, SecureSessionId, SessionMark, StoreError,
};

impl Tables {
    pub(super) fn save_class(&mut self, class: Class) -> Result<(), StoreError> {
        unique(self.classes.contains_key(&class.id))?;
        unique(self.classes.values().all(|other| other.id == class.id || other.name != class.name))?;
        self.classes.insert(class.id, class);
        Ok(())
    }

    pub(super) fn open_secure_session(&mut self, session: SecureSession) -> Result<(), StoreError> {
        let row = self.credentials.get(&session.identity.credential);
        unique(row.is_some_and(|(credential, _)| credential.state.opens()))?;
        unique(!self.secure_sessions.contains_key(&session.id))?;
        self.secure_sessions.insert(session.id, (session, true));
        Ok(())
    }

    pub(super) fn hear_secure_sessions(&mut self, marks: &[SessionMark]) {
        for mark in marks {
            if let Some((session, _)) = self.secure_sessions.get_mut(&mark.id) {
                session.heard(mark);
            }
        }
    }

    pub(super) fn end_secure_session(&mut self, id: SecureSessionId, resumable: bool) {
        if !resumable {
            self.secure_sessions.remove(&id);
        } else if let Some((_, live)) = self.secure_sessions.get_mut(&id) {
            *live = false;
        }
    }

    pub(super) fn drop_secure_sessions(&mut self, credentials: &[CredentialId]) {
        self.secure_sessions.retain(|_, (session, _)| !credentials.contains(&session.identity.credential));
    }

    pub(super) fn save_authority(&mut self, authority: Authority) -> Result<(), StoreError> {
        unique(self.authorities.values().all(|other| {
            other.id == authority.id
                || other.public_id != authority.public_id
                    && other.name != authority.name
                    && other.certificate != authority.certificate
        }))?;
        self.authorities.insert(authority.id, authority);
        Ok(())
    }

    pub(in crate::store::memory) fn class_of(&self, holder: Holder) -> Option<ClassId> {
        match holder {
            Holder::Device(device) => self.devices.get(&device).map(|device| device.class),
            Holder::Claim(claim) => self.claims.get(&claim).map(|claim| claim.class),
        }
    }
}
