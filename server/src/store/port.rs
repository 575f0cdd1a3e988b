//! The port itself: what is asked of the writer, and what of the reader.

use async_trait::async_trait;
use fleet::{
    ApiToken, AuditRecord, Authority, BootstrapId, BootstrapRecord, Claim, ClaimId, Claimed, Class, ClassId,
    Commit, Committed, Credential, CredentialId, CredentialKind, CredentialName, DeviceId, DiaryEntry,
    DiaryId, EndpointName, Fingerprint, KeyPair, LoggedEvent, Observation, OperationId, OperationRecord,
    OwnKey, Plan, PlanScope, PublicId, Restored, Secret, SecureSession, SecureSessionId, SeenCertificate,
    Store, StoreError, StoredReading, Submission, TimelineRecord, Timestamp, User, WebSession, Webhook,
    WebhookSecret,
    store::{
        AuditQuery, DeviceOrder, DeviceQuery, DeviceSummary, DeviceView, DiaryQuery, Known, Overview, Page,
        PageRequest, StoredModel, Trouble,
    },
};
use objects::Path;
use tokio::time::{Instant, sleep};

use super::{
    SqlStore,
    retention::Part,
    work::{Waiting, Work},
};

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.ask(|reply| Work::Commit(Waiting { commit, reply })).await
    }

    async fn begin_boot(&self) -> Result<u64, StoreError> {
        self.ask(Work::Boot).await
    }

    async fn last_device(&self) -> Result<Option<DeviceId>, StoreError> {
        self.reader.last_device().await
    }

    async fn restore_part(&self, after: Option<DeviceId>, limit: usize) -> Result<Restored, StoreError> {
        self.reader.restore(after, limit).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.ask(Work::Check).await
    }

    fn trouble(&self) -> Option<Trouble> {
        self.standing.trouble()
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        while self.ask(|reply| Work::Purge(now, reply)).await? {}
        Ok(())
    }

    async fn purge_values(&self, now: Timestamp) -> Result<(), StoreError> {
        if !self.reader.retains().await? {
            return Ok(());
        }
        let mut after = None;
        loop {
            let Part { mut outgrown, last } = self.reader.outgrown(after, now).await?;
            while !outgrown.is_empty() {
                let began = Instant::now();
                outgrown = self.ask(|reply| Work::PurgeValues(outgrown, reply)).await?;
                // As long again for commits, so that they have half of the writer at least.
                sleep(began.elapsed()).await;
            }
            after = last;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        self.reader.overview().await
    }

    async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError> {
        self.reader.device(id).await
    }

    async fn device_row(&self, id: DeviceId) -> Result<Option<DeviceView>, StoreError> {
        self.reader.device_row(id).await
    }

    async fn device_by_endpoint(&self, endpoint: &EndpointName) -> Result<Option<DeviceView>, StoreError> {
        self.reader.device_by_endpoint(endpoint).await
    }

    async fn devices(&self, query: &DeviceQuery) -> Result<Page<DeviceSummary>, StoreError> {
        match query.order {
            DeviceOrder::Endpoint => self.reader.devices_by_endpoint(query).await,
            DeviceOrder::LastSeen => self.reader.devices_by_last_seen(query, &self.recency).await,
        }
    }

    async fn latest(&self, device: DeviceId, within: Path) -> Result<Vec<StoredReading>, StoreError> {
        self.reader.latest(device, within).await
    }

    async fn history(
        &self,
        device: DeviceId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, StoreError> {
        self.reader.history(device, path, limit).await
    }

    async fn observations(&self, device: DeviceId) -> Result<Vec<Observation>, StoreError> {
        self.reader.observations(device).await
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        self.reader.operation(id).await
    }

    async fn operations(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<OperationRecord>, StoreError> {
        self.reader.operations(device, page).await
    }

    async fn timeline(
        &self,
        device: DeviceId,
        page: &PageRequest,
    ) -> Result<Page<TimelineRecord>, StoreError> {
        self.reader.timeline(device, page).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRecord>, StoreError> {
        self.reader.audit(query).await
    }

    async fn credential_by_name(
        &self,
        name: &CredentialName,
    ) -> Result<Option<(Credential, Secret)>, StoreError> {
        self.reader.credential_by_name(name).await
    }

    async fn credentials_by_names(
        &self,
        names: &[CredentialName],
    ) -> Result<Vec<(Credential, Secret)>, StoreError> {
        self.reader.credentials_by_names(names).await
    }

    async fn credential(&self, id: PublicId) -> Result<Option<Credential>, StoreError> {
        self.reader.credential(id).await
    }

    async fn credential_row(&self, id: CredentialId) -> Result<Option<(Credential, Secret)>, StoreError> {
        self.reader.credential_row(id).await
    }

    async fn credentials(&self, device: DeviceId) -> Result<Vec<Credential>, StoreError> {
        self.reader.credentials(device).await
    }

    async fn claim_credentials(&self, claim: ClaimId) -> Result<Vec<Credential>, StoreError> {
        self.reader.claim_credentials(claim).await
    }

    async fn enrolled(
        &self,
        endpoints: &[EndpointName],
        names: &[CredentialName],
    ) -> Result<Known, StoreError> {
        self.reader.enrolled(endpoints, names).await
    }

    async fn credentials_of_class(
        &self,
        class: ClassId,
        kinds: &[CredentialKind],
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        self.reader.credentials_of_class(class, kinds, after, limit).await
    }

    async fn seen_certificates(
        &self,
        credentials: &[CredentialId],
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        self.reader.seen_certificates(credentials).await
    }

    async fn certificates_issued_by(
        &self,
        issuer_name: Fingerprint,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        self.reader.certificates_issued_by(issuer_name, after, limit).await
    }

    async fn authorities(&self) -> Result<Vec<Authority>, StoreError> {
        self.reader.authorities().await
    }

    async fn own_key(&self, key: OwnKey) -> Result<Option<KeyPair>, StoreError> {
        self.reader.own_key(key).await
    }

    async fn begin_sessions(&self, ahead: u64) -> Result<(), StoreError> {
        self.ask(|reply| Work::Sessions(ahead, reply)).await
    }

    async fn secure_sessions(
        &self,
        after: Option<SecureSessionId>,
        limit: usize,
    ) -> Result<Vec<SecureSession>, StoreError> {
        self.reader.secure_sessions(after, limit).await
    }

    async fn secure_session(&self, id: SecureSessionId) -> Result<Option<SecureSession>, StoreError> {
        self.reader.secure_session(id).await
    }

    async fn claims(&self, page: &PageRequest) -> Result<Page<Claim>, StoreError> {
        self.reader.claims(page).await
    }

    async fn claim(&self, id: ClaimId) -> Result<Option<Claim>, StoreError> {
        self.reader.claim(id).await
    }

    async fn claim_by_public_id(&self, id: PublicId) -> Result<Option<Claim>, StoreError> {
        self.reader.claim_by_public_id(id).await
    }

    async fn claimed_by(&self, device: DeviceId) -> Result<Vec<Claimed>, StoreError> {
        self.reader.claimed_by(device).await
    }

    async fn claimed(&self, claim: ClaimId, endpoint: &EndpointName) -> Result<Option<Claimed>, StoreError> {
        self.reader.claimed(claim, endpoint).await
    }

    async fn classes(&self) -> Result<Vec<Class>, StoreError> {
        self.reader.classes().await
    }

    async fn plan(&self, scope: PlanScope) -> Result<Option<Plan>, StoreError> {
        self.reader.plan(scope).await
    }

    async fn bootstraps(&self, device: DeviceId) -> Result<Vec<BootstrapRecord>, StoreError> {
        self.reader.bootstraps(device).await
    }

    async fn bootstrap(&self, id: BootstrapId) -> Result<Option<BootstrapRecord>, StoreError> {
        self.reader.bootstrap(id).await
    }

    async fn diary(&self, query: &DiaryQuery) -> Result<Page<DiaryEntry>, StoreError> {
        self.reader.diary(query).await
    }

    async fn diary_entry(&self, id: DiaryId) -> Result<Option<DiaryEntry>, StoreError> {
        self.reader.diary_entry(id).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.reader.users().await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.reader.tokens().await
    }

    async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        self.reader.token(hash).await
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        self.reader.webhooks().await
    }

    async fn webhook_secret(&self, id: PublicId) -> Result<Option<WebhookSecret>, StoreError> {
        self.reader.webhook_secret(id).await
    }

    async fn events(&self, after: i64, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        self.reader.events(after, limit).await
    }

    async fn event_range(&self) -> Result<(i64, i64), StoreError> {
        self.reader.event_range().await
    }

    async fn models(&self) -> Result<Vec<StoredModel>, StoreError> {
        self.reader.models().await
    }

    async fn submission(&self, key: &[u8; 32]) -> Result<Option<Submission>, StoreError> {
        self.reader.submission(key).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.reader.user(name).await
    }

    async fn has_administrator(&self) -> Result<bool, StoreError> {
        self.reader.has_administrator().await
    }

    async fn session(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<WebSession>, StoreError> {
        self.reader.session(key, now).await
    }
}
