//! The domain of Muster: what it means to manage a fleet of LwM2M devices, decided on plain data.
//!
//! Two ways lead in. What devices say arrives as an [`Uplink`] at the [`Roster`], which holds the hot state of one shard
//! and answers with a [`Decision`] or a [`Refusal`]: pure rules, no I/O. What people and programs want arrives as a verb
//! of [`Fleet`], with an [`Actor`]; authorisation and audit live in the verb. Two ports lead out: [`Store`], where a
//! [`Commit`] is one transaction, and [`Downlink`], which carries one operation to one device.
//!
//! No CoAP, SQL or HTTP type appears here, no clock is read and no socket opened.

#![warn(missing_docs)]

pub mod access;

mod account;
pub use account::{
    LoginAttempt, PasswordError, PasswordHash, SetupLink, Submission, User, UserId, UserNameError, WebSession,
};

mod actor;
pub use actor::{Actor, Context, Permission, Role};

mod artefact;
pub use artefact::{
    Artefact, ArtefactChange, ArtefactKind, Cleared, Installed, KeyAlgorithm, Manifest, ManifestError,
    Measured, Misfit, Proof, Recipient, RunsArtefact, Sends, SignedManifest, SignedManifestError, SuitProof,
    UpdateKey, UpdateKeyError, UpdatePolicy, suit,
};

mod authority;
pub use authority::{
    Authority, CertificateSubject, Distrust, IssueError, IssuedCertificate, Issuer, OwnKey, RevocationList,
    RevocationListError, ServerKeys, Validity,
};

mod blobs;
pub use blobs::{Blob, BlobError, BlobMark, BlobWriter, Blobs, MemoryBlobs};

mod bootstrap;
pub use bootstrap::{
    Account, AccountCredential, BootstrapRecord, BootstrapRequest, BootstrapResult, Finding, Lessons,
    Material, Next, OwnBootstrap, Plan, PlanError, PlanScope, Prepared, Registering, Repair, Session, Step,
    StepAnswer, StepRecord,
};

pub mod certificate;
pub use certificate::{Certificate, CertificateError, SeenCertificate};

mod claim;
pub use claim::{Claim, Claimed};

mod class;
pub use class::{Belongs, Class, ClassPolicy, ClassPolicyError, ClassRule, Mapping};

mod credential;
pub use credential::{
    CertificateName, Credential, CredentialKind, CredentialName, CredentialState, Fingerprint,
    GivenCertificate, GivenCredential, GivenKey, GivenPsk, Holder, Identity, KeyPair, NameError,
    NewCredential, Opening, PrivateKey, PskError, PskIdentity, PskKey, Public, Purpose, Secret, Shown,
};

mod diary;
pub use diary::{Diary, DiaryBounds, DiaryCause, DiaryEntry, DiaryNote, Incident};

mod audit;
pub use audit::{AuditEntry, AuditRecord, Cause, Verb};

pub mod configuration;

mod change;
pub use change::{Change, Commit, Committed, Delivery, EndReason, Sender};

mod device;
pub use device::{Device, DeviceState, EndpointName, EndpointNameError};

mod downlink;
pub use downlink::{Downlink, Ending, Order, Presence, Taken, WireTrace};

mod error;
pub use error::{FleetError, Refusal};

mod feed;
pub use feed::{Event, EventKind, Feed, Subscription, Watched};

mod fleet;
pub use fleet::{
    ArtefactDetail, Asker, AuditTrail, AwakeDetail, Began, Begun, BootstrapAsked, BootstrapSettings,
    Bootstrapped, BulkReport, Cancelled, Closed, ConfigurationDetail, DeviceDetail, DeviceWishes, Download,
    DryRun, DryRunDevice, DueWebhook, Enrolled, Evaluated, Fleet, FolderError, Given, GroupDetail,
    ImportFormat, ImportReport, LoginBounds, LoginPermit, Look, ModelEntry, ModelFolder, ModelSource,
    NewArtefact, NewClaim, NewDevice, NewGroup, NewUpdate, Offers, Operated, OperationView, Preview, Removal,
    Rotation, RowError, SteppedConfiguration, Terms, UpdateBegun, Upload,
};

mod group;
pub use group::{Facts, Group, GroupChange, Rule, RuleError, Undecided};

mod id;
pub use id::{
    ArtefactId, AuthorityId, BootstrapId, ClaimId, ClassId, CredentialId, DeviceId, DiaryId, DomainId,
    GroupId, IdError, ListenerId, NodeId, OperationId, PublicId, RegistrationId, RequestId,
};

mod label;
pub use label::{Label, LabelError, Labels};

mod library;
pub use library::Library;

mod log;
pub use log::{LoggedEvent, LoggedKind};

mod observation;
pub use observation::{Notified, Observation, ObservationToken};

mod operation;
pub use operation::{
    BadOperation, CancelMode, Content, Failure, Operation, OperationRecord, OperationState, Outcome,
    Priority, ResponseCode, WriteMode,
};

pub mod queue;
pub use queue::Disposition;

mod reading;
pub use reading::{Reading, StoredReading};

mod registration;
pub use registration::{
    Binding, BindingError, Lifetime, Malformed, Origin, Register, Registration, Source, Update,
};

mod retention;
pub use retention::{Retention, RetentionError};

mod roster;
pub use roster::{Decision, Limits, Reply, Restored, Roster, Subject, Then};

mod secure_session;
pub use secure_session::{SecureSession, SecureSessionId, SessionMark, SessionState};

pub mod store;
pub use store::{Store, StoreError};

mod target;
pub use target::{Paths, Target};

mod time;
pub use time::{Now, Timestamp};

mod timeline;
pub use timeline::{TimelineEntry, TimelineKind, TimelineRecord};

mod token;
pub use token::ApiToken;

pub mod update;

pub mod version;

mod webhook;
pub use webhook::{Delivered, Webhook, WebhookSecret};

mod uplink;
pub use uplink::{Report, Uplink};

pub mod wish;
