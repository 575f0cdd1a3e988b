//! Accounts of people: passwords, sessions and the link that makes the first administrator.

use crate::{PublicId, Role, Timestamp};

/// An account's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub i64);

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its row.
    pub id: UserId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// The name to log in with; unique, compared as it is.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The hash of the password.
    pub password: PasswordHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A password as it is kept: an argon2id hash in PHC form. Prints redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A login on its way: made by [`crate::Fleet::begin_login`], verified off the async threads (it takes tens of
/// milliseconds and 19 MiB), concluded by [`crate::Fleet::finish_login`].
#[derive(Debug)]
pub struct LoginAttempt {
    pub(crate) name: String,
    /// None where no such account exists; a hash is then computed all the same, so that the time tells nothing.
    pub(crate) user: Option<User>,
    pub(crate) verified: bool,
}

/// A session of the console, as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebSession {
    /// The SHA-256 of the identifier in the cookie.
    pub key: [u8; 32],
    /// What the web layer keeps in it, opaque here; at most [`WebSession::MAX_BYTES`].
    pub data: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The one-time link of a server without an administrator. Only the hash of its token is held, and only in memory.
pub struct SetupLink {
    pub(crate) token_hash: [u8; 32],
    pub(crate) expires_at: Timestamp,
}
