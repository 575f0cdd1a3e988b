//! Audit entries: what people, programs, policies and credentials do, in the transaction that does it.

use crate::{Actor, Context, DeviceId, RequestId, Timestamp};

/// One entry to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, by name.
    pub actor: String,
    /// Why it happened.
    pub cause: Cause,
    /// The request it belongs to.
    pub request: RequestId,
    /// What was done.
    pub verb: Verb,
    /// The device it was done to.
    pub device: Option<DeviceId>,
    /// What it was done to, such as `/3/0/4`; never a value or a secret.
    pub object: String,
}

/// An entry as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Orders the entries.
    pub sequence: i64,
    /// The entry.
    pub entry: AuditEntry,
}

/// Why something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// In the console.
    Console,
    /// At the first start.
    Setup,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// An account was made.
    CreateUser,
    /// Somebody logged in.
    LogIn,
    /// Somebody failed to log in.
    LogInFailed,
    /// Somebody logged out.
    LogOut,
    /// An operation was asked of a device; `object` names it and its path.
    Operate,
    /// A queued operation was cancelled.
    CancelOperation,
    /// Something was refused, because the actor may not; `object` names it.
    Denied,
}

impl AuditEntry {
    /// What the actor of `context` does.
    pub fn by(context: &Context, verb: Verb, device: Option<DeviceId>, object: String) -> Self {
        let cause = match context.actor {
            Actor::User { .. } => Cause::Console,
            Actor::Server(_) => Cause::Setup,
        };
        let Context { ref actor, now, request } = *context;
        Self { at: now, actor: actor.name().to_owned(), cause, request, verb, device, object }
    }

    /// The bytes a hash chain will run over: each field with its length before it, in a fixed order, version first.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        let mut field = |content: &[u8]| {
            bytes.extend_from_slice(&u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(content);
        };
        field(&self.at.0.to_be_bytes());
        field(self.actor.as_bytes());
        field(self.cause.name().as_bytes());
        field(self.request.0.as_bytes());
        field(self.verb.name().as_bytes());
        field(&self.device.map_or(0, |device| device.0).to_be_bytes());
        field(self.object.as_bytes());
        bytes
    }
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Console, Self::Setup];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Setup => "setup",
        }
    }
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CreateUser,
        Self::LogIn,
        Self::LogInFailed,
        Self::LogOut,
        Self::Operate,
        Self::CancelOperation,
        Self::Denied,
    ];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateUser => "create user",
            Self::LogIn => "log in",
            Self::LogInFailed => "log in failed",
            Self::LogOut => "log out",
            Self::Operate => "operate",
            Self::CancelOperation => "cancel operation",
            Self::Denied => "denied",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            at: Timestamp(1),
            actor: "ab".into(),
            cause: Cause::Console,
            request: RequestId::from_random([1; 16]),
            verb: Verb::Operate,
            device: Some(DeviceId(7)),
            object: "Read /3".into(),
        }
    }

    #[test]
    fn entries_that_differ_have_different_bytes() {
        let variants = [
            entry(),
            AuditEntry { at: Timestamp(2), ..entry() },
            AuditEntry { actor: "a".into(), ..entry() },
            AuditEntry { cause: Cause::Setup, ..entry() },
            AuditEntry { request: RequestId::from_random([2; 16]), ..entry() },
            AuditEntry { verb: Verb::LogIn, ..entry() },
            AuditEntry { device: None, ..entry() },
            AuditEntry { object: "Read /30".into(), ..entry() },
            // The same letters, cut elsewhere.
            AuditEntry { actor: "abRead /3".into(), object: String::new(), ..entry() },
        ];
        let bytes: BTreeSet<Vec<u8>> = variants.iter().map(AuditEntry::canonical_bytes).collect();
        assert_eq!(bytes.len(), variants.len());
        assert_eq!(entry().canonical_bytes(), entry().canonical_bytes());
        assert_eq!(entry().canonical_bytes()[0], 1, "the version comes first");
    }

    #[test]
    fn words_are_told_apart() {
        let verbs: BTreeSet<&str> = Verb::ALL.into_iter().map(Verb::name).collect();
        let causes: BTreeSet<&str> = Cause::ALL.into_iter().map(Cause::name).collect();
        assert_eq!((verbs.len(), causes.len()), (Verb::ALL.len(), Cause::ALL.len()));
    }
}
