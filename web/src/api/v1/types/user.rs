//! Accounts of people.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// What an account may do, each what the one before it may.
    Role = Role {
        /// Sees everything but secrets.
        Viewer,
        /// Operates devices.
        Operator,
        /// Does everything.
        Administrator,
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// The name to log in with.
    #[schema(example = "ada")]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// When it was disabled, if it was.
    pub disabled_at: Option<Time>,
}

/// An account to make. Prints without its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to log in with: 1 to 64 characters.
    #[schema(example = "grace")]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// At least 12 characters, and not the name.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
}

/// Another role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Which.
    pub role: Role,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Disabled: its sessions and tokens end at once.
    pub disabled: bool,
}

/// Another password. Prints without it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// At least 12 characters, and not the name.
    #[schema(example = "correct horse battery staple")]
    pub password: String,
}

impl From<fleet::User> for User {
    fn from(user: fleet::User) -> Self {
        Self {
            id: user.public_id.to_string(),
            name: user.name,
            role: user.role.into(),
            created_at: user.created_at.into(),
            disabled_at: user.disabled_at.map(Time::from),
        }
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}
