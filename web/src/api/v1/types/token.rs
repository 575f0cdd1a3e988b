//! API tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// What a token may do, each what the one before it may; never more than its owner.
    Scope {
        /// See everything but secrets.
        Read,
        /// Send operations to devices.
        Operate,
        /// Everything.
        Administer,
    }
}

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What people call it.
    #[schema(example = "ci")]
    pub name: String,
    /// Whose it is.
    #[schema(example = "ada")]
    pub owner: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// A token to make; it belongs to whoever makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What people call it: 1 to 64 characters.
    #[schema(example = "ci")]
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// How long it holds; 90 days if nothing is said, at most 366.
    #[schema(example = 7_776_000)]
    pub expires_in_seconds: Option<u64>,
}

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// The token.
    pub token: Token,
    /// Its text: `muster_` and 64 hexadecimal digits. Shown this once; none in a replayed answer.
    #[schema(example = "muster_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    pub text: Option<String>,
}

impl From<fleet::Role> for Scope {
    fn from(role: fleet::Role) -> Self {
        match role {
            fleet::Role::Viewer => Self::Read,
            fleet::Role::Operator => Self::Operate,
            fleet::Role::Administrator => Self::Administer,
        }
    }
}

impl From<Scope> for fleet::Role {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Read => Self::Viewer,
            Scope::Operate => Self::Operator,
            Scope::Administer => Self::Administrator,
        }
    }
}

impl From<fleet::ApiToken> for Token {
    fn from(token: fleet::ApiToken) -> Self {
        Self {
            id: token.public_id.to_string(),
            name: token.name,
            owner: token.owner_name,
            scope: token.scope.into(),
            created_at: token.created_at.into(),
            expires_at: token.expires_at.into(),
            last_used_at: token.last_used_at.map(Time::from),
            revoked_at: token.revoked_at.map(Time::from),
        }
    }
}
