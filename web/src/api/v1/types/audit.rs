//! The audit log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// Why something was done.
    AuditCause = Cause {
        /// Through this API, which the command line uses too.
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
}

words! {
    /// What was done.
    AuditAction = Verb {
        CreateUser, LogIn, LogInFailed, LogOut, Operate, CancelOperation, BeginUpdate, CancelUpdate, LetOff,
        SaveBaseline, RollBackBaseline, RepairConfiguration, ResumeConfiguration, AcceptConfiguration, AddDevice, ClassifyDevice, RemoveDevice,
        ImportDevices, AddCredential, ProveCredential, RetireCredential, RevokeCredential, AddClaim, CloseClaim,
        UseClaim, ApproveClaim, AddClass, SaveClass, AddAuthority,
        RemoveAuthority, SaveRevocationList, SaveUpdatePolicy, SaveWishes, SaveAwakeTime, AddUpdateKey, RevokeUpdateKey, UploadArtefact,
        WithdrawArtefact, RemoveArtefact, DownloadArtefact, SavePlan, ClearDiary, SaveModel, RemoveModel, ReloadModels, ChangeUser,
        AddToken, RevokeToken, AddWebhook, ChangeWebhook, RemoveWebhook, Export, Restore,
        SaveGroup, RemoveGroup, LabelDevice, Denied,
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Orders the entries.
    #[schema(example = 4711)]
    pub sequence: i64,
    /// When.
    pub at: Time,
    /// Who, by name.
    #[schema(example = "ada/ci")]
    pub actor: String,
    /// Why.
    pub cause: AuditCause,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to; never a value or a secret.
    #[schema(example = "Read /3/0/9")]
    pub object: String,
    /// The request it belongs to.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub request: String,
}

impl AuditEntry {
    /// The columns of an export as CSV, in their order.
    pub const COLUMNS: [&'static str; 7] =
        ["sequence", "at", "actor", "cause", "action", "object", "request"];
}

impl From<fleet::AuditRecord> for AuditEntry {
    fn from(record: fleet::AuditRecord) -> Self {
        let fleet::AuditRecord { sequence, entry } = record;
        Self {
            sequence,
            at: entry.at.into(),
            actor: entry.actor,
            cause: entry.cause.into(),
            action: entry.verb.into(),
            object: entry.object,
            request: entry.request.to_string(),
        }
    }
}
