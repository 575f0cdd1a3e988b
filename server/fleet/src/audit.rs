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
    /// Through the REST API, which the command line uses too.
    Api,
    /// In the console.
    Console,
    /// By the command line, on a server that does not run.
    CommandLine,
    /// By what a device has proved or claimed.
    Device,
    /// By a rule that people have set.
    Rule,
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
    /// A device is to be updated; `object` names the artefact.
    BeginUpdate,
    /// An update is to end.
    CancelUpdate,
    /// A device that rests because its updates have failed is let off.
    LetOff,
    /// A level wants something else; `object` names it, its version and its ticket.
    SaveBaseline,
    /// A level wants again what it wanted before; `object` likewise.
    RollBackBaseline,
    /// A device is to be written to because it is not as it is to be.
    RepairConfiguration,
    /// A device that was stopped because it did not stay as it is to be goes on.
    ResumeConfiguration,
    /// What a device has is what it is to have from now on; `object` names the lines.
    AcceptConfiguration,
    /// A device was added; `object` names it.
    AddDevice,
    /// A device was put into another class.
    ClassifyDevice,
    /// A device was removed; `object` says whether its data was kept, and why.
    RemoveDevice,
    /// Devices were imported; `object` counts them.
    ImportDevices,
    /// A credential was made; `object` names its purpose and identity.
    AddCredential,
    /// A handshake has proved a staged credential.
    ProveCredential,
    /// A credential was replaced by one that has proved itself.
    RetireCredential,
    /// A credential was revoked.
    RevokeCredential,
    /// A claim was opened.
    AddClaim,
    /// A claim was closed.
    CloseClaim,
    /// A device has enrolled itself by a claim.
    UseClaim,
    /// A device may use its claim once more.
    ApproveClaim,
    /// A class was made.
    AddClass,
    /// What a class lets in was changed; `object` says to what.
    SaveClass,
    /// An authority is trusted from now on.
    AddAuthority,
    /// An authority is not trusted any more.
    RemoveAuthority,
    /// An authority's revocation list was given.
    SaveRevocationList,
    /// What a class takes as updates was changed; `object` says to what.
    SaveUpdatePolicy,
    /// What a class wishes to be told of was changed; `object` says to what.
    SaveWishes,
    /// How long a device or a class listens was said; `object` says how long.
    SaveAwakeTime,
    /// A key is trusted for the updates of a class.
    AddUpdateKey,
    /// A key is not trusted any more for the updates of a class.
    RevokeUpdateKey,
    /// An artefact was uploaded; `object` names it, its proof and its SHA-256.
    UploadArtefact,
    /// An artefact was withdrawn.
    WithdrawArtefact,
    /// A withdrawn artefact was removed.
    RemoveArtefact,
    /// The bytes of an artefact were downloaded.
    DownloadArtefact,
    /// A bootstrap plan was set or taken back.
    SavePlan,
    /// An entry of the connection diary was dealt with.
    ClearDiary,
    /// An object definition was uploaded.
    SaveModel,
    /// An object definition was taken back.
    RemoveModel,
    /// The object definitions were read anew.
    ReloadModels,
    /// An account was changed; `object` says how.
    ChangeUser,
    /// A token was made.
    AddToken,
    /// A token was revoked.
    RevokeToken,
    /// A webhook was made.
    AddWebhook,
    /// A webhook was paused, or goes on.
    ChangeWebhook,
    /// A webhook was removed.
    RemoveWebhook,
    /// Data was exported; `object` says which.
    Export,
    /// The server's data was restored from a backup; `object` says from when.
    Restore,
    /// A group was made or changed; `object` says to what.
    SaveGroup,
    /// A group was removed.
    RemoveGroup,
    /// The labels of a device were changed; `object` holds them.
    LabelDevice,
    /// Something was refused, because the actor may not; `object` names it.
    Denied,
}

impl AuditEntry {
    /// What the actor of `context` does.
    pub fn by(context: &Context, verb: Verb, device: Option<DeviceId>, object: String) -> Self {
        let cause = match context.actor {
            Actor::User { .. } => Cause::Console,
            Actor::Token { .. } => Cause::Api,
            Actor::Server(_) if context.actor == Actor::COMMAND_LINE => Cause::CommandLine,
            Actor::Server(_) if context.actor == Actor::RULE => Cause::Rule,
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
    pub const ALL: [Self; 6] =
        [Self::Api, Self::Console, Self::CommandLine, Self::Device, Self::Rule, Self::Setup];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Console => "console",
            Self::CommandLine => "command line",
            Self::Device => "device",
            Self::Rule => "rule",
            Self::Setup => "setup",
        }
    }
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 57] = [
        Self::CreateUser,
        Self::LogIn,
        Self::LogInFailed,
        Self::LogOut,
        Self::Operate,
        Self::CancelOperation,
        Self::BeginUpdate,
        Self::CancelUpdate,
        Self::LetOff,
        Self::SaveBaseline,
        Self::RollBackBaseline,
        Self::RepairConfiguration,
        Self::ResumeConfiguration,
        Self::AcceptConfiguration,
        Self::AddDevice,
        Self::ClassifyDevice,
        Self::RemoveDevice,
        Self::ImportDevices,
        Self::AddCredential,
        Self::ProveCredential,
        Self::RetireCredential,
        Self::RevokeCredential,
        Self::AddClaim,
        Self::CloseClaim,
        Self::UseClaim,
        Self::ApproveClaim,
        Self::AddClass,
        Self::SaveClass,
        Self::AddAuthority,
        Self::RemoveAuthority,
        Self::SaveRevocationList,
        Self::SaveUpdatePolicy,
        Self::SaveWishes,
        Self::SaveAwakeTime,
        Self::AddUpdateKey,
        Self::RevokeUpdateKey,
        Self::UploadArtefact,
        Self::WithdrawArtefact,
        Self::RemoveArtefact,
        Self::DownloadArtefact,
        Self::SavePlan,
        Self::ClearDiary,
        Self::SaveModel,
        Self::RemoveModel,
        Self::ReloadModels,
        Self::ChangeUser,
        Self::AddToken,
        Self::RevokeToken,
        Self::AddWebhook,
        Self::ChangeWebhook,
        Self::RemoveWebhook,
        Self::Export,
        Self::Restore,
        Self::SaveGroup,
        Self::RemoveGroup,
        Self::LabelDevice,
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
            Self::BeginUpdate => "begin update",
            Self::CancelUpdate => "cancel update",
            Self::LetOff => "let off",
            Self::SaveBaseline => "save baseline",
            Self::RollBackBaseline => "roll back baseline",
            Self::RepairConfiguration => "repair configuration",
            Self::ResumeConfiguration => "resume configuration",
            Self::AcceptConfiguration => "accept configuration",
            Self::AddDevice => "add device",
            Self::ClassifyDevice => "classify device",
            Self::RemoveDevice => "remove device",
            Self::ImportDevices => "import devices",
            Self::AddCredential => "add credential",
            Self::ProveCredential => "prove credential",
            Self::RetireCredential => "retire credential",
            Self::RevokeCredential => "revoke credential",
            Self::AddClaim => "add claim",
            Self::CloseClaim => "close claim",
            Self::UseClaim => "use claim",
            Self::ApproveClaim => "approve claim",
            Self::AddClass => "add class",
            Self::SaveClass => "save class",
            Self::AddAuthority => "add authority",
            Self::RemoveAuthority => "remove authority",
            Self::SaveRevocationList => "save revocation list",
            Self::SaveUpdatePolicy => "save update policy",
            Self::SaveWishes => "save wishes",
            Self::SaveAwakeTime => "save awake time",
            Self::AddUpdateKey => "add update key",
            Self::RevokeUpdateKey => "revoke update key",
            Self::UploadArtefact => "upload artefact",
            Self::WithdrawArtefact => "withdraw artefact",
            Self::RemoveArtefact => "remove artefact",
            Self::DownloadArtefact => "download artefact",
            Self::SavePlan => "save bootstrap plan",
            Self::ClearDiary => "clear diary",
            Self::SaveModel => "save model",
            Self::RemoveModel => "remove model",
            Self::ReloadModels => "reload models",
            Self::ChangeUser => "change user",
            Self::AddToken => "add token",
            Self::RevokeToken => "revoke token",
            Self::AddWebhook => "add webhook",
            Self::ChangeWebhook => "change webhook",
            Self::RemoveWebhook => "remove webhook",
            Self::Export => "export",
            Self::Restore => "restore",
            Self::SaveGroup => "save group",
            Self::RemoveGroup => "remove group",
            Self::LabelDevice => "label device",
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
