//! The port to what is durable: a commit is one transaction, and a reader sees whole commits.

use std::time::Duration;

use async_trait::async_trait;
use objects::Path;

use crate::{
    ApiToken, AuditRecord, Authority, BootstrapId, BootstrapRecord, Claim, ClaimId, Claimed, Class, ClassId,
    Commit, Committed, Credential, CredentialId, CredentialKind, CredentialName, DeviceId, DiaryEntry,
    DiaryId, EndpointName, Fingerprint, KeyPair, LoggedEvent, Observation, OperationId, OperationRecord,
    OwnKey, Plan, PlanScope, PublicId, Restored, Secret, SecureSession, SecureSessionId, SeenCertificate,
    StoredReading, Submission, TimelineRecord, Timestamp, User, WebSession, Webhook, WebhookSecret,
};

pub mod battery;

mod artefact;
pub use artefact::Artefacts;

mod configuration;
pub use configuration::{ConfigurationQuery, Configurations, PlannedConfiguration};

mod group;
pub use group::{Candidate, Groups};

#[cfg(test)]
pub(crate) mod sample;

mod memory;
pub use memory::MemoryStore;

mod queue;
pub use queue::{Queues, Waiting, WaitingQuery};

mod update;
pub use update::{ENDED_UPDATE_KEPT, ENDED_UPDATES_PER_DEVICE, RunningUpdate, UpdateQuery, Updates};

mod wish;
pub use wish::Wishing;

mod trouble;
pub use trouble::Trouble;

mod query;
pub use query::{
    AuditQuery, Cursor, DeviceOrder, DeviceQuery, DeviceSummary, DeviceView, DiaryQuery, Known, Overview,
    Page, PageRequest, RegisteredSummary, StoredModel,
};

/// Keeps what must not be lost. One battery of tests ([`battery`]) runs on every implementation.
#[async_trait]
pub trait Store:
    Artefacts + Configurations + Groups + Queues + Updates + Wishing + Send + Sync + 'static
{
    /// Makes a commit durable: all of it or nothing. Returns only once it would survive a power loss.
    ///
    /// Concurrent commits may share a transaction; they are applied in the order in which they were begun (first
    /// polled), and a conflict in one of them harms no other. [`StoreError::Conflict`] where something is not unique (the
    /// row, public id and endpoint of a device, the id of a registration or operation, the row, public id and name of a
    /// user), where a device that is referred to is not there, and where [`Change::Registered`](crate::Change) is stale.
    /// An audit entry may name a device that is not there.
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError>;

    /// Counts one more start of the server and returns the count, durable before it returns.
    async fn begin_boot(&self) -> Result<u64, StoreError>;

    /// The highest id that a device has, removed or not.
    async fn last_device(&self) -> Result<Option<DeviceId>, StoreError>;

    /// Reads back a part of the hot state: that of so many devices at most, in the order of their ids after one of them.
    /// It holds what is live, whatever its times say. Only devices have an order, and the
    /// operations of each, the oldest first.
    async fn restore_part(&self, after: Option<DeviceId>, limit: usize) -> Result<Restored, StoreError>;

    /// Reads back all of the hot state, part by part.
    async fn restore(&self) -> Result<Restored, StoreError> {
        let mut restored = self.restore_part(None, Restored::PART).await?;
        while let Some(last) = restored.more_after.take() {
            restored.append(self.restore_part(Some(last), Restored::PART).await?);
        }
        restored.operations.sort_by_key(|record| record.id);
        Ok(restored)
    }

    /// Whether it can write now.
    async fn check(&self) -> Result<(), StoreError>;

    /// What keeps it from writing, by what it met last; none while it works.
    fn trouble(&self) -> Option<Trouble> {
        None
    }

    /// Drops what is past its bound: timeline, ended operations, deliveries, sessions of people, secure sessions
    /// whose peer was silent for longer than [`SecureSession::KEPT`]. In small steps. What is newest stays, and nothing else
    /// that is live goes.
    async fn purge(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Drops the values that no class keeps any more, by its [`Retention`](crate::Retention) and
    /// [`Reading::HISTORY_PER_PATH`](crate::Reading). In small steps between commits. The newest of each path stays.
    async fn purge_values(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Counts for the overview, from counters or an index, never by walking the fleet.
    async fn overview(&self) -> Result<Overview, StoreError>;

    /// One device.
    async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError>;

    /// One device by its row.
    async fn device_row(&self, id: DeviceId) -> Result<Option<DeviceView>, StoreError>;

    /// One device by its name, removed or not.
    async fn device_by_endpoint(&self, endpoint: &EndpointName) -> Result<Option<DeviceView>, StoreError>;

    /// A page of the devices. Names are compared and ordered by their bytes.
    ///
    /// In every list, rows that stay as they are stand on exactly one page, whatever is written meanwhile; a cursor is
    /// good in the list that gave it, and [`StoreError::BadCursor`] elsewhere.
    async fn devices(&self, query: &DeviceQuery) -> Result<Page<DeviceSummary>, StoreError>;

    /// The latest reading of each resource at or below `within`, in the order of the tree (number by number).
    async fn latest(&self, device: DeviceId, within: Path) -> Result<Vec<StoredReading>, StoreError>;

    /// The readings of one path, newest first by [`StoredReading::at`], then by their sequence.
    async fn history(
        &self,
        device: DeviceId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, StoreError>;

    /// The live observations of a device, in the order of the tree.
    async fn observations(&self, device: DeviceId) -> Result<Vec<Observation>, StoreError>;

    /// One operation.
    async fn operation(&self, id: OperationId) -> Result<Option<OperationRecord>, StoreError>;

    /// The operations of a device, newest first by their ids.
    async fn operations(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<OperationRecord>, StoreError>;

    /// The timeline of a device, newest first by the order of the commits.
    async fn timeline(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<TimelineRecord>, StoreError>;

    /// The audit log, newest first by the order of the commits.
    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRecord>, StoreError>;

    /// What a handshake that names a credential finds: the one that opens sessions, or else the newest that did.
    async fn credential_by_name(
        &self,
        name: &CredentialName,
    ) -> Result<Option<(Credential, Secret)>, StoreError>;

    /// The same for several names at once, such as all of a certificate: what is found, in no order.
    async fn credentials_by_names(
        &self,
        names: &[CredentialName],
    ) -> Result<Vec<(Credential, Secret)>, StoreError>;

    /// One credential.
    async fn credential(&self, id: PublicId) -> Result<Option<Credential>, StoreError>;

    /// One credential by its row, with its secret.
    async fn credential_row(&self, id: CredentialId) -> Result<Option<(Credential, Secret)>, StoreError>;

    /// The credentials of a device, newest first.
    async fn credentials(&self, device: DeviceId) -> Result<Vec<Credential>, StoreError>;

    /// The credentials that claims are made with, newest first.
    async fn claim_credentials(&self, claim: ClaimId) -> Result<Vec<Credential>, StoreError>;

    /// What is there already of so many names of devices and of credentials, for an import: the devices, removed or not,
    /// and for each name of a credential what [`Store::credential_by_name`] finds. In no order.
    async fn enrolled(
        &self,
        endpoints: &[EndpointName],
        names: &[CredentialName],
    ) -> Result<Known, StoreError>;

    /// The credentials of these kinds that open sessions and are held by devices or claims of a class, by their rows, after
    /// one of them.
    async fn credentials_of_class(
        &self,
        class: ClassId,
        kinds: &[CredentialKind],
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError>;

    /// The certificates that these credentials were seen with last. In no order.
    async fn seen_certificates(
        &self,
        credentials: &[CredentialId],
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError>;

    /// The certificates that were seen last with credentials that open sessions, and whose issuer or anchor has this name,
    /// by the rows of the credentials, after one of them.
    async fn certificates_issued_by(
        &self,
        issuer_name: Fingerprint,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError>;

    /// The authorities, oldest first by when they were added, then by their rows.
    async fn authorities(&self) -> Result<Vec<Authority>, StoreError>;

    /// A key of the server's own.
    async fn own_key(&self, key: OwnKey) -> Result<Option<KeyPair>, StoreError>;

    /// Raises [`SecureSession::reserved`] of every live session by `ahead`, durable before it returns. To be called once at
    /// each start, before [`Store::secure_sessions`] is: the numbers below may have been used.
    async fn begin_sessions(&self, ahead: u64) -> Result<(), StoreError>;

    /// The secure sessions that are live, by their names, after one of them; at most [`SecureSession::MAX_READ`]. One whose
    /// state can't be opened is left out.
    async fn secure_sessions(
        &self,
        after: Option<SecureSessionId>,
        limit: usize,
    ) -> Result<Vec<SecureSession>, StoreError>;

    /// One secure session, live or kept to be resumed.
    async fn secure_session(&self, id: SecureSessionId) -> Result<Option<SecureSession>, StoreError>;

    /// The claims, newest first.
    async fn claims(&self, page: &PageRequest) -> Result<Page<Claim>, StoreError>;

    /// One claim by its row.
    async fn claim(&self, id: ClaimId) -> Result<Option<Claim>, StoreError>;

    /// One claim.
    async fn claim_by_public_id(&self, id: PublicId) -> Result<Option<Claim>, StoreError>;

    /// By which claims a device has enrolled itself, the last one first.
    async fn claimed_by(&self, device: DeviceId) -> Result<Vec<Claimed>, StoreError>;

    /// Whether and when an endpoint has enrolled itself by a claim.
    async fn claimed(&self, claim: ClaimId, endpoint: &EndpointName) -> Result<Option<Claimed>, StoreError>;

    /// The classes, by name.
    async fn classes(&self) -> Result<Vec<Class>, StoreError>;

    /// A plan.
    async fn plan(&self, scope: PlanScope) -> Result<Option<Plan>, StoreError>;

    /// The bootstrap sessions of a device, newest first: at most [`BootstrapRecord::PER_DEVICE`].
    async fn bootstraps(&self, device: DeviceId) -> Result<Vec<BootstrapRecord>, StoreError>;

    /// One bootstrap session.
    async fn bootstrap(&self, id: BootstrapId) -> Result<Option<BootstrapRecord>, StoreError>;

    /// A page of the connection diary, those of the last time first.
    async fn diary(&self, query: &DiaryQuery) -> Result<Page<DiaryEntry>, StoreError>;

    /// One entry of the diary.
    async fn diary_entry(&self, id: DiaryId) -> Result<Option<DiaryEntry>, StoreError>;

    /// The accounts, by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// The tokens that have not ended long ago, newest first.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError>;

    /// A token by the hash of its text.
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError>;

    /// The webhooks, oldest first.
    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError>;

    /// The key that a webhook's deliveries are signed with.
    async fn webhook_secret(&self, id: PublicId) -> Result<Option<WebhookSecret>, StoreError>;

    /// The entries of the event log after a sequence number, in order; at most [`LoggedEvent::MAX_READ`].
    async fn events(&self, after: i64, limit: usize) -> Result<Vec<LoggedEvent>, StoreError>;

    /// The numbers of the first and the last entry that the event log holds; the same two if it is empty: of the last one
    /// that there was.
    async fn event_range(&self) -> Result<(i64, i64), StoreError>;

    /// The uploaded object definitions, as DDF (XML), by object and version.
    async fn models(&self) -> Result<Vec<StoredModel>, StoreError>;

    /// A request of a program that named itself.
    async fn submission(&self, key: &[u8; 32]) -> Result<Option<Submission>, StoreError>;

    /// An account by its name.
    async fn user(&self, name: &str) -> Result<Option<User>, StoreError>;

    /// Whether an administrator exists.
    async fn has_administrator(&self) -> Result<bool, StoreError>;

    /// A console session, unless it has ended by `now`.
    async fn session(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<WebSession>, StoreError>;
}

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Something that must be unique is not, or a row it refers to is not there; nothing was changed.
    #[error("the store refused a conflicting change")]
    Conflict,
    /// What was read back can't be understood.
    #[error("the store holds a {what} that can't be read")]
    Corrupt {
        /// What kind of row.
        what: &'static str,
    },
    /// A cursor that this store did not make.
    #[error("this page reference is not valid; start again from the first page")]
    BadCursor,
    /// It can't be reached, or it is full; the details are in the log.
    #[error("the store is not available")]
    Unavailable,
}

/// How long a token's row is kept after its end.
pub const ENDED_TOKEN_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long an operation is kept after its end.
pub const ENDED_OPERATION_KEPT: Duration = Duration::from_secs(30 * 86_400);
