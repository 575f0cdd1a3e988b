//! The port, as the server sees it: whatever it reads or writes goes by the weather.

use async_trait::async_trait;
use fleet::{
    ApiToken, AuditRecord, Authority, BootstrapId, BootstrapRecord, Claim, ClaimId, Claimed, Class, ClassId,
    Commit, Committed, Credential, CredentialId, CredentialKind, CredentialName, DeviceId, DiaryEntry,
    DiaryId, EndpointName, Fingerprint, KeyPair, LoggedEvent, Observation, OperationId, OperationRecord,
    OwnKey, Plan, PlanScope, PublicId, Restored, Secret, SecureSession, SecureSessionId, SeenCertificate,
    Store, StoreError, StoredReading, Submission, TimelineRecord, Timestamp, User, WebSession, Webhook,
    WebhookSecret,
    store::{
        AuditQuery, DeviceQuery, DeviceSummary, DeviceView, DiaryQuery, Known, Overview, Page, PageRequest,
        StoredModel,
    },
};
use objects::Path;

use super::FaultyStore;

macro_rules! read {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for FaultyStore {
            async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
                self.take(commit).await
            }

            async fn begin_boot(&self) -> Result<u64, StoreError> {
                self.write("begin_boot").await?;
                self.answer(self.inner.ask(|store| store.begin_boot())).await
            }

            async fn begin_sessions(&self, ahead: u64) -> Result<(), StoreError> {
                self.write("begin_sessions").await?;
                self.answer(self.inner.ask(|store| store.begin_sessions(ahead))).await
            }

            async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
                self.write("purge").await?;
                self.answer(self.inner.ask(|store| store.purge(now))).await
            }

            async fn purge_values(&self, now: Timestamp) -> Result<(), StoreError> {
                self.write("purge_values").await?;
                self.answer(self.inner.ask(|store| store.purge_values(now))).await
            }

            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.look().await?;
                self.inner.ask(|store| store.$name($($argument),*))
            })*
        }
    };
}

read! {
    check() -> ();
    last_device() -> Option<DeviceId>;
    restore_part(after: Option<DeviceId>, limit: usize) -> Restored;
    overview() -> Overview;
    device(id: PublicId) -> Option<DeviceView>;
    device_row(id: DeviceId) -> Option<DeviceView>;
    device_by_endpoint(endpoint: &EndpointName) -> Option<DeviceView>;
    devices(query: &DeviceQuery) -> Page<DeviceSummary>;
    latest(device: DeviceId, within: Path) -> Vec<StoredReading>;
    history(device: DeviceId, path: Path, limit: usize) -> Vec<StoredReading>;
    observations(device: DeviceId) -> Vec<Observation>;
    operation(id: OperationId) -> Option<OperationRecord>;
    operations(device: DeviceId, page: &PageRequest) -> Page<OperationRecord>;
    timeline(device: DeviceId, page: &PageRequest) -> Page<TimelineRecord>;
    audit(query: &AuditQuery) -> Page<AuditRecord>;
    credential_by_name(name: &CredentialName) -> Option<(Credential, Secret)>;
    credentials_by_names(names: &[CredentialName]) -> Vec<(Credential, Secret)>;
    credential(id: PublicId) -> Option<Credential>;
    credential_row(id: CredentialId) -> Option<(Credential, Secret)>;
    credentials(device: DeviceId) -> Vec<Credential>;
    claim_credentials(claim: ClaimId) -> Vec<Credential>;
    enrolled(endpoints: &[EndpointName], names: &[CredentialName]) -> Known;
    credentials_of_class(class: ClassId, kinds: &[CredentialKind], after: Option<CredentialId>, limit: usize) -> Vec<CredentialId>;
    seen_certificates(credentials: &[CredentialId]) -> Vec<(CredentialId, SeenCertificate)>;
    certificates_issued_by(issuer_name: Fingerprint, after: Option<CredentialId>, limit: usize) -> Vec<(CredentialId, SeenCertificate)>;
    authorities() -> Vec<Authority>;
    own_key(key: OwnKey) -> Option<KeyPair>;
    secure_sessions(after: Option<SecureSessionId>, limit: usize) -> Vec<SecureSession>;
    secure_session(id: SecureSessionId) -> Option<SecureSession>;
    claims(page: &PageRequest) -> Page<Claim>;
    claim(id: ClaimId) -> Option<Claim>;
    claim_by_public_id(id: PublicId) -> Option<Claim>;
    claimed_by(device: DeviceId) -> Vec<Claimed>;
    claimed(claim: ClaimId, endpoint: &EndpointName) -> Option<Claimed>;
    classes() -> Vec<Class>;
    plan(scope: PlanScope) -> Option<Plan>;
    bootstraps(device: DeviceId) -> Vec<BootstrapRecord>;
    bootstrap(id: BootstrapId) -> Option<BootstrapRecord>;
    diary(query: &DiaryQuery) -> Page<DiaryEntry>;
    diary_entry(id: DiaryId) -> Option<DiaryEntry>;
    users() -> Vec<User>;
    tokens() -> Vec<ApiToken>;
    token(hash: &[u8; 32]) -> Option<ApiToken>;
    webhooks() -> Vec<Webhook>;
    webhook_secret(id: PublicId) -> Option<WebhookSecret>;
    events(after: i64, limit: usize) -> Vec<LoggedEvent>;
    event_range() -> (i64, i64);
    models() -> Vec<StoredModel>;
    submission(key: &[u8; 32]) -> Option<Submission>;
    user(name: &str) -> Option<User>;
    has_administrator() -> bool;
    session(key: &[u8; 32], now: Timestamp) -> Option<WebSession>;
}
