//! Accounts and their tokens.

use super::{Tables, unique};
use crate::{ApiToken, PublicId, StoreError, Timestamp, User};

impl Tables {
    pub(super) fn add_user(&mut self, user: User) -> Result<(), StoreError> {
        unique(self.users.iter().all(|other| {
            other.id != user.id && other.public_id != user.public_id && other.name != user.name
        }))?;
        self.users.push(user);
        Ok(())
    }

    pub(super) fn change_user(&mut self, user: User) -> Result<(), StoreError> {
        unique(self.users.iter().all(|other| other.id == user.id || other.name != user.name))?;
        let row = self.users.iter_mut().find(|other| other.id == user.id).ok_or(StoreError::Conflict)?;
        *row = user;
        Ok(())
    }

    pub(super) fn add_token(&mut self, token: ApiToken) -> Result<(), StoreError> {
        unique(self.users.iter().any(|user| user.id == token.owner))?;
        unique(
            self.tokens.iter().all(|other| other.public_id != token.public_id && other.hash != token.hash),
        )?;
        self.tokens.push(token);
        Ok(())
    }

    pub(super) fn use_token(&mut self, id: PublicId, at: Timestamp) {
        if let Some(token) = self.token(id) {
            token.last_used_at = token.last_used_at.max(Some(at));
        }
    }

    pub(super) fn revoke_token(&mut self, id: PublicId, at: Timestamp) {
        if let Some(token) = self.token(id) {
            token.revoked_at.get_or_insert(at);
        }
    }

    fn token(&mut self, id: PublicId) -> Option<&mut ApiToken> {
        self.tokens.iter_mut().find(|token| token.public_id == id)
    }
}
