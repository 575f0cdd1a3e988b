//! Who acts, and what they may do.

use crate::{RequestId, Timestamp, UserId};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person who is logged in.
    User {
        /// Their account.
        id: UserId,
        /// Their name.
        name: String,
        /// Their role.
        role: Role,
    },
    /// A program, by a token.
    Token {
        /// The account it belongs to.
        owner: UserId,
        /// The owner's name and the token's, such as `ada/ci`.
        name: String,
        /// The lesser of the token's scope and the owner's role.
        role: Role,
    },
    /// The server itself, for the reason named.
    Server(&'static str),
}

/// What a verb of [`crate::Fleet`] is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub now: Timestamp,
    /// The request it belongs to.
    pub request: RequestId,
}

/// The role of an account; each holds what the one before it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Operates devices.
    Operator,
    /// Administers accounts and settings too.
    Administrator,
}

/// What a verb asks of its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// To see devices, values and timelines.
    View,
    /// To send operations.
    Operate,
    /// To see the audit log and change accounts.
    Administer,
}

impl Actor {
    /// The command line, on a server that does not run.
    pub const COMMAND_LINE: Self = Self::Server("command line");

    /// A rule that people have set.
    pub const RULE: Self = Self::Server("rule");

    /// The name that audit entries carry.
    pub fn name(&self) -> &str {
        match self {
            Self::User { name, .. } | Self::Token { name, .. } => name,
            Self::Server(_) => "server",
        }
    }

    /// Whether the actor holds a permission.
    pub fn may(&self, permission: Permission) -> bool {
        let role = match self {
            Self::User { role, .. } | Self::Token { role, .. } => role,
            Self::Server(_) => return true,
        };
        match permission {
            Permission::View => *role >= Role::Viewer,
            Permission::Operate => *role >= Role::Operator,
            Permission::Administer => *role >= Role::Administrator,
        }
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}
