//! What goes over the wire, one theme a file. The server and the command line share these types.
//!
//! Forms that hold everywhere: a moment is RFC 3339 in UTC with milliseconds ([`Time`]), an id is an opaque text, a word
//! of a list is in kebab case, bytes are hexadecimal digits, a value says its type ([`Value`]), a list comes in pages
//! ([`Page`]). A secret is in the one answer that makes it and nowhere else. Unknown fields of a request are an error;
//! a client is to ignore unknown fields of an answer.

#[macro_use]
mod words;
pub use words::UnknownWord;

mod artefact;
pub use artefact::{
    Artefact, ArtefactDetail, ArtefactDevice, ArtefactKind, ArtefactProof, ArtefactUpload, Misfit,
    NewUpdateKey, Sends, UpdateKey, UpdateKeyAlgorithm, UpdatePolicy,
};

mod audit;
pub use audit::{AuditAction, AuditCause, AuditEntry};

mod baseline;
pub use baseline::{
    Baseline, BaselineMode, Baselines, DryRun, DryRunEffect, DryRunRow, NewBaseline, RollBack,
};

mod bootstrap;
pub use bootstrap::{
    BootstrapFinding, BootstrapOutcome, BootstrapRepair, BootstrapSession, BootstrapStep, EffectivePlan,
    Plan, PlanOrigin, PlanWrite, Registering,
};

mod certificate;
pub use certificate::{
    Authority, Certificate, NewAuthority, PublicKey, RevocationList, SeenCertificate, ServerKeys,
};

mod claim;
pub use claim::{Claim, NewClaim, OpenedClaim};

mod class;
pub use class::{Class, ClassPolicy, Mapping, NewClass, Retention};

mod configuration;
pub use configuration::{
    Acceptance, Configuration, ConfigurationAct, ConfigurationConflict, ConfigurationCounts,
    ConfigurationFinding, ConfigurationLine, ConfigurationRow, ConfigurationState, LineStanding,
};

mod credential;
pub use credential::{
    Credential, CredentialKind, CredentialState, GivenCredential, NewCredential, NewPsk, Purpose, Reason,
    Rotation, ShownCredential,
};

mod device;
pub use device::{
    BulkFailure, BulkRemoval, BulkReport, Classification, Device, DeviceDetail, DeviceState, Enrolled,
    NewDevice, Presence, RegisteredObject, Registration,
};

mod diary;
pub use diary::{DiaryCause, DiaryEntry};

mod event;
pub use event::{Event, EventKind, Gap};

mod group;
pub use group::{BulkLabelling, ClassRule, ContestedDevice, Group, Labels, NewGroup, RulePreview, RuleTest};

mod import;
pub use import::{ImportError, ImportReport};

mod model;
pub use model::{Model, ModelCount, ModelSource};

mod operation;
pub(crate) use operation::several;
pub use operation::{
    Answer, CancelMode, Content, DiscoveredLink, Format, NewOperation, Operation, OperationRequest,
    OperationState, WriteMode,
};

mod overview;
pub use overview::Overview;

mod page;
pub use page::Page;

mod path;
pub use path::NodePath;

mod problem;
pub use problem::{FieldProblem, Problem, ProblemKind};

mod queue;
pub use queue::{
    AwakeFrom, AwakeTime, CancelledWaiting, LearnedAwakeTime, Priority, SaidAwakeTime, WaitingOperation,
};

mod reading;
pub use reading::{Observation, Reading};

mod time;
pub use time::{Time, TimeError};

mod timeline;
pub use timeline::{TimelineEntry, TimelineKind};

mod token;
pub use token::{MadeToken, NewToken, Scope, Token};

mod update;
pub(crate) use update::percent;
pub use update::{
    NewUpdates, Update, UpdateBegun, UpdateCounts, UpdateDelivery, UpdateNote, UpdatePhase, UpdateResult,
    UpdateSeverity, UpdateTerms, UpdateVersionAt, UpdatesBegun,
};

mod user;
pub use user::{Activity, NewPassword, NewRole, NewUser, Role, User};

mod value;
pub use value::{ObjectLink, Value};

mod webhook;
pub use webhook::{MadeWebhook, NewWebhook, Pause, Webhook};

mod wish;
pub use wish::{DeviceWishes, LeftOutWish, NoComposites, WishTrouble, WishedObservation, Wishes};
