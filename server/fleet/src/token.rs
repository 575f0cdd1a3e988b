//! Tokens: what programs prove who they are with at the REST API. Hashed, scoped, expiring, with an owner and a last use.

use std::time::Duration;

use crate::{PublicId, Role, Timestamp, UserId};

/// A token's row, without its text, which is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its name in URLs.
    pub public_id: PublicId,
    /// What people call it.
    pub name: String,
    /// Whose it is: it may never do more than its owner.
    pub owner: UserId,
    /// The owner's name.
    pub owner_name: String,
    /// What it may do: read as a viewer, operate, administer.
    pub scope: Role,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// When it ends or ended: when it expires, or before that when it was revoked.
    pub fn ended_at(&self) -> Timestamp {
        self.revoked_at.map_or(self.expires_at, |at| at.min(self.expires_at))
    }

    /// What a token's text begins with, so that a scanner finds a leaked one.
    pub const PREFIX: &str = "muster_";
    /// How long a token holds unless it says otherwise.
    pub const DEFAULT_EXPIRY: Duration = Duration::from_secs(90 * 86_400);
    /// How long a token may hold at most.
    pub const MAX_EXPIRY: Duration = Duration::from_secs(366 * 86_400);
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
    /// How many tokens an account has at most.
    pub const PER_USER: usize = 100;
}
