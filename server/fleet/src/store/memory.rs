//! The store of tests, and the reference for every other: plain maps, a commit is a copy that replaces the original.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use objects::Path;

use super::{
    AuditQuery, DeviceOrder, DeviceQuery, DeviceSummary, DeviceView, DiaryQuery, Known, Overview, Page,
    PageRequest, Store, StoreError, StoredModel, Trouble,
};
use crate::{
    ApiToken, AuditRecord, Authority, BootstrapId, BootstrapRecord, Claim, ClaimId, Claimed, Class, ClassId,
    Commit, Committed, Credential, CredentialId, CredentialKind, CredentialName, Device, DeviceId,
    DeviceState, DiaryEntry, DiaryId, EndpointName, Fingerprint, Holder, KeyPair, LoggedEvent, Observation,
    OperationId, OperationRecord, OperationState, OwnKey, Plan, PlanScope, PublicId, Reading, Restored, Role,
    Secret, SecureSession, SecureSessionId, SeenCertificate, StoredReading, Submission, TimelineRecord,
    Timestamp, User, WebSession, Webhook, WebhookSecret,
};

mod cursor;
use cursor::Position;

mod artefact;

mod configuration;
mod group;
mod queue;
mod update;
mod wish;

mod tables;
use tables::Tables;

/// Keeps everything in memory, and loses it with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    unavailable: bool,
    full: bool,
    boots: u64,
    tables: Tables,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it answers everything with [`StoreError::Unavailable`] from now on, for tests of those who need a store.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// Whether it answers every commit with [`StoreError::Unavailable`] from now on, as if its disk were full, and is read
    /// as before.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn available(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.lock();
        if inner.unavailable { Err(StoreError::Unavailable) } else { Ok(inner) }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let mut inner = self.available()?;
        if inner.full {
            return Err(StoreError::Unavailable);
        }
        let mut tables = inner.tables.clone();
        let committed = tables.commit(commit)?;
        inner.tables = tables;
        Ok(committed)
    }

    async fn begin_boot(&self) -> Result<u64, StoreError> {
        let mut inner = self.available()?;
        inner.boots += 1;
        Ok(inner.boots)
    }

    async fn last_device(&self) -> Result<Option<DeviceId>, StoreError> {
        Ok(self.available()?.tables.devices.keys().next_back().copied())
    }

    async fn restore_part(&self, after: Option<DeviceId>, limit: usize) -> Result<Restored, StoreError> {
        let tables = &self.available()?.tables;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let devices: BTreeMap<DeviceId, Device> = tables
            .devices
            .range((from, Bound::Unbounded))
            .take(limit)
            .map(|(id, device)| (*id, device.clone()))
            .collect();
        let last = devices.keys().next_back().copied();
        let rows = || tables.registrations.iter().filter(|(device, _)| devices.contains_key(device));
        Ok(Restored {
            more_after: last.filter(|_| devices.len() == limit),
            registrations: rows()
                .filter(|(_, row)| row.state == DeviceState::Registered)
                .map(|(_, row)| row.registration.clone())
                .collect(),
            epochs: rows().map(|(device, row)| (*device, row.registration.epoch)).collect(),
            seen: rows().map(|(device, row)| (*device, row.seen_at)).collect(),
            observations: tables
                .observations
                .values()
                .filter(|observation| devices.contains_key(&observation.device))
                .cloned()
                .collect(),
            notified: tables.notified(&devices),
            operations: tables
                .operations
                .values()
                .filter(|record| !record.state.is_final() && devices.contains_key(&record.device))
                .cloned()
                .collect(),
            secured: tables
                .credentials
                .values()
                .filter_map(|(credential, _)| match credential.holder {
                    Holder::Device(device) => Some(device).filter(|device| devices.contains_key(device)),
                    Holder::Claim(_) => None,
                })
                .collect(),
            awake: tables.awake_of(&devices),
            devices: devices.into_values().collect(),
        })
    }

    async fn check(&self) -> Result<(), StoreError> {
        if self.available()?.full { Err(StoreError::Unavailable) } else { Ok(()) }
    }

    fn trouble(&self) -> Option<Trouble> {
        let inner = self.lock();
        let full = inner.full.then_some(Trouble::Full);
        if inner.unavailable { Some(Trouble::Unreachable) } else { full }
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.available()?.tables.purge(now);
        Ok(())
    }

    async fn purge_values(&self, now: Timestamp) -> Result<(), StoreError> {
        self.available()?.tables.purge_values(now);
        Ok(())
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let tables = &self.available()?.tables;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let in_state =
            |state| count(tables.devices.values().filter(|device| tables.state(device) == state).count());
        let queued = tables.operations.values().filter(|record| record.state == OperationState::Queued);
        Ok(Overview {
            registered: in_state(DeviceState::Registered),
            deregistered: in_state(DeviceState::Deregistered),
            expired: in_state(DeviceState::Expired),
            awaited: in_state(DeviceState::Awaited),
            revoked: in_state(DeviceState::Revoked),
            diary: count(tables.diary.len()),
            queued_operations: count(queued.count()),
            observations: count(tables.observations.len()),
        })
    }

    async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.public(id).map(|device| tables.view(device)))
    }

    async fn device_row(&self, id: DeviceId) -> Result<Option<DeviceView>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.devices.get(&id).map(|device| tables.view(device)))
    }

    async fn device_by_endpoint(&self, endpoint: &EndpointName) -> Result<Option<DeviceView>, StoreError> {
        let tables = &self.available()?.tables;
        let device = tables.by_endpoint.get(endpoint).and_then(|id| tables.devices.get(id));
        Ok(device.map(|device| tables.view(device)))
    }

    async fn devices(&self, query: &DeviceQuery) -> Result<Page<DeviceSummary>, StoreError> {
        let tables = &self.available()?.tables;
        let position = |summary: &DeviceSummary| match query.order {
            DeviceOrder::Endpoint => Position::text(summary.device.endpoint.as_str(), summary.device.id.0),
            DeviceOrder::LastSeen => {
                let seen_at = summary.registered.as_ref().map_or(i64::MIN, |registered| registered.seen_at.0);
                Position::newest(seen_at, summary.device.id.0)
            }
        };
        let prefix = query.prefix.as_deref().unwrap_or("");
        let rows = tables.devices.values().filter(|device| {
            let state = tables.state(device);
            device.endpoint.as_str().starts_with(prefix)
                && query.state.map_or(state != DeviceState::Removed, |wanted| wanted == state)
                && query.class.is_none_or(|class| class == device.class)
                && query.secured.is_none_or(|secured| secured == tables.secured(device.id))
                && tables.groups.lists(query, device.id)
        });
        let rows = rows.map(|device| tables.summary(device));
        page(&format!("devices {:?}", query.order), rows, &query.page, position)
    }

    async fn latest(&self, device: DeviceId, within: Path) -> Result<Vec<StoredReading>, StoreError> {
        let tables = &self.available()?.tables;
        let of_device = tables.latest.iter().filter(|((other, _), _)| *other == device);
        let within = of_device.filter(|(_, stored)| stored.reading.path.is_within(&within));
        Ok(within.map(|(_, stored)| stored.clone()).collect())
    }

    async fn history(
        &self,
        device: DeviceId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, StoreError> {
        let tables = &self.available()?.tables;
        let newest_first = tables.history.get(&(device, path)).into_iter().flatten().rev();
        Ok(newest_first.take(limit.min(Reading::HISTORY_PER_PATH)).cloned().collect())
    }

    async fn observations(&self, device: DeviceId) -> Result<Vec<Observation>, StoreError> {
        let tables = &self.available()?.tables;
        let of_device = tables.observations.values().filter(|observation| observation.device == device);
        Ok(of_device.cloned().collect())
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        Ok(self.available()?.tables.operations.get(&id).cloned())
    }

    async fn operations(
        &self,
        device: DeviceId,
        request: &PageRequest,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let rows = tables.operations.values().filter(|record| record.device == device).cloned();
        page(&format!("operations {}", device.0), rows, request, |record| Position::operation(record.id))
    }

    async fn timeline(
        &self,
        device: DeviceId,
        request: &PageRequest,
    ) -> Result<Page<TimelineRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let rows = tables.timeline.iter().filter(|record| record.entry.device == device).cloned();
        page(&format!("timeline {}", device.0), rows, request, |record| Position::newest(record.sequence, 0))
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let AuditQuery { actor, verb, device, since, until, page: request } = query;
        let rows = tables.audit.iter().filter(|AuditRecord { entry, .. }| {
            actor.as_ref().is_none_or(|actor| *actor == entry.actor)
                && verb.is_none_or(|verb| verb == entry.verb)
                && device.is_none_or(|device| Some(device) == entry.device)
                && since.is_none_or(|since| entry.at >= since)
                && until.is_none_or(|until| entry.at < until)
        });
        page("audit", rows.cloned(), request, |record| Position::newest(record.sequence, 0))
    }

    async fn credential_by_name(
        &self,
        name: &CredentialName,
    ) -> Result<Option<(Credential, Secret)>, StoreError> {
        Ok(self.available()?.tables.by_name(name))
    }

    async fn credentials_by_names(
        &self,
        names: &[CredentialName],
    ) -> Result<Vec<(Credential, Secret)>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(names.iter().filter_map(|name| tables.by_name(name)).collect())
    }

    async fn credential(&self, id: PublicId) -> Result<Option<Credential>, StoreError> {
        let tables = &self.available()?.tables;
        let mut credentials = tables.credentials.values().map(|(credential, _)| credential);
        Ok(credentials.find(|credential| credential.public_id == id).cloned())
    }

    async fn credential_row(&self, id: CredentialId) -> Result<Option<(Credential, Secret)>, StoreError> {
        Ok(self.available()?.tables.credentials.get(&id).cloned())
    }

    async fn credentials(&self, device: DeviceId) -> Result<Vec<Credential>, StoreError> {
        Ok(self.available()?.tables.held_by(Holder::Device(device)))
    }

    async fn claim_credentials(&self, claim: ClaimId) -> Result<Vec<Credential>, StoreError> {
        Ok(self.available()?.tables.held_by(Holder::Claim(claim)))
    }

    async fn enrolled(
        &self,
        endpoints: &[EndpointName],
        names: &[CredentialName],
    ) -> Result<Known, StoreError> {
        let tables = &self.available()?.tables;
        let ids = endpoints.iter().filter_map(|endpoint| tables.by_endpoint.get(endpoint));
        Ok(Known {
            devices: ids.filter_map(|id| tables.devices.get(id)).cloned().collect(),
            credentials: names.iter().filter_map(|name| tables.by_name(name)).collect(),
        })
    }

    async fn credentials_of_class(
        &self,
        class: ClassId,
        kinds: &[CredentialKind],
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        let tables = &self.available()?.tables;
        let all = tables.credentials.values().map(|(credential, _)| credential);
        let of_class = all.filter(|credential| {
            credential.state.opens()
                && kinds.contains(&credential.kind)
                && tables.class_of(credential.holder) == Some(class)
        });
        Ok(of_class.map(|credential| credential.id).filter(|id| Some(*id) > after).take(limit).collect())
    }

    async fn seen_certificates(
        &self,
        credentials: &[CredentialId],
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        let seen = &self.available()?.tables.seen;
        Ok(credentials.iter().filter_map(|id| Some((*id, seen.get(id)?.clone()))).collect())
    }

    async fn certificates_issued_by(
        &self,
        issuer_name: Fingerprint,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, StoreError> {
        let tables = &self.available()?.tables;
        let seen = tables.seen.iter().filter(|(id, certificate)| {
            Some(**id) > after
                && (certificate.issuer_name == issuer_name || certificate.anchor_name == issuer_name)
                && tables.credentials.get(id).is_some_and(|(credential, _)| credential.state.opens())
        });
        Ok(seen.take(limit).map(|(id, certificate)| (*id, certificate.clone())).collect())
    }

    async fn authorities(&self) -> Result<Vec<Authority>, StoreError> {
        let mut authorities: Vec<_> = self.available()?.tables.authorities.values().cloned().collect();
        authorities.sort_by_key(|authority| (authority.created_at, authority.id));
        Ok(authorities)
    }

    async fn own_key(&self, key: OwnKey) -> Result<Option<KeyPair>, StoreError> {
        Ok(self.available()?.tables.own_keys.get(&key).cloned())
    }

    async fn begin_sessions(&self, ahead: u64) -> Result<(), StoreError> {
        let sessions = &mut self.available()?.tables.secure_sessions;
        for (session, _) in sessions.values_mut().filter(|(_, live)| *live) {
            session.reserved = session.reserved.saturating_add(ahead);
        }
        Ok(())
    }

    async fn secure_sessions(
        &self,
        after: Option<SecureSessionId>,
        limit: usize,
    ) -> Result<Vec<SecureSession>, StoreError> {
        let sessions = &self.available()?.tables.secure_sessions;
        let live = sessions.values().filter(|(_, live)| *live).map(|(session, _)| session);
        let limit = limit.min(SecureSession::MAX_READ);
        Ok(live.filter(|session| Some(session.id) > after).take(limit).cloned().collect())
    }

    async fn secure_session(&self, id: SecureSessionId) -> Result<Option<SecureSession>, StoreError> {
        let sessions = &self.available()?.tables.secure_sessions;
        Ok(sessions.get(&id).map(|(session, _)| session.clone()))
    }

    async fn claims(&self, request: &PageRequest) -> Result<Page<Claim>, StoreError> {
        let tables = &self.available()?.tables;
        let position = |claim: &Claim| Position::newest(claim.created_at.0, claim.id.0);
        page("claims", tables.claims.values().cloned(), request, position)
    }

    async fn claim(&self, id: ClaimId) -> Result<Option<Claim>, StoreError> {
        Ok(self.available()?.tables.claims.get(&id).cloned())
    }

    async fn claim_by_public_id(&self, id: PublicId) -> Result<Option<Claim>, StoreError> {
        Ok(self.available()?.tables.claims.values().find(|claim| claim.public_id == id).cloned())
    }

    async fn claimed(&self, claim: ClaimId, endpoint: &EndpointName) -> Result<Option<Claimed>, StoreError> {
        Ok(self.available()?.tables.claimed.get(&(claim, endpoint.clone())).cloned())
    }

    async fn claimed_by(&self, device: DeviceId) -> Result<Vec<Claimed>, StoreError> {
        let tables = &self.available()?.tables;
        let of_device = tables.claimed.values().filter(|claimed| claimed.device == device);
        let mut claimed: Vec<Claimed> = of_device.cloned().collect();
        claimed.sort_by_key(|claimed| std::cmp::Reverse((claimed.at, claimed.claim)));
        Ok(claimed)
    }

    async fn classes(&self) -> Result<Vec<Class>, StoreError> {
        let mut classes: Vec<Class> = self.available()?.tables.classes.values().cloned().collect();
        classes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(classes)
    }

    async fn plan(&self, scope: PlanScope) -> Result<Option<Plan>, StoreError> {
        Ok(self.available()?.tables.plans.get(&scope).cloned())
    }

    async fn bootstraps(&self, device: DeviceId) -> Result<Vec<BootstrapRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let newest_first = tables.bootstraps.values().rev().filter(|record| record.device == device);
        Ok(newest_first.take(BootstrapRecord::PER_DEVICE).cloned().collect())
    }

    async fn bootstrap(&self, id: BootstrapId) -> Result<Option<BootstrapRecord>, StoreError> {
        Ok(self.available()?.tables.bootstraps.get(&id).cloned())
    }

    async fn diary(&self, query: &DiaryQuery) -> Result<Page<DiaryEntry>, StoreError> {
        let tables = &self.available()?.tables;
        let device = query.device.map(|id| tables.devices.get(&id).map(|device| device.public_id));
        let rows = tables.diary.iter().filter(|entry| {
            query.cause.is_none_or(|cause| cause == entry.cause)
                && device.is_none_or(|device| device.is_some() && device == entry.device)
                && !(query.unmanaged && entry.device.is_some())
        });
        page("diary", rows.cloned(), &query.page, |entry| Position::diary(entry.last_at, entry.id))
    }

    async fn diary_entry(&self, id: DiaryId) -> Result<Option<DiaryEntry>, StoreError> {
        Ok(self.available()?.tables.diary.iter().find(|entry| entry.id == id).cloned())
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let mut users = self.available()?.tables.users.clone();
        users.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(users)
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let mut tokens = self.available()?.tables.tokens.clone();
        tokens.sort_by_key(|token| std::cmp::Reverse((token.created_at, token.public_id)));
        Ok(tokens)
    }

    async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        Ok(self.available()?.tables.tokens.iter().find(|token| token.hash == *hash).cloned())
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        Ok(self.available()?.tables.webhooks.iter().map(|(webhook, _)| webhook.clone()).collect())
    }

    async fn webhook_secret(&self, id: PublicId) -> Result<Option<WebhookSecret>, StoreError> {
        let tables = &self.available()?.tables;
        let row = tables.webhooks.iter().find(|(webhook, _)| webhook.public_id == id);
        Ok(row.map(|(_, secret)| secret.clone()))
    }

    async fn events(&self, after: i64, limit: usize) -> Result<Vec<LoggedEvent>, StoreError> {
        let tables = &self.available()?.tables;
        let later = tables.events.iter().filter(|event| event.sequence > after);
        Ok(later.take(limit.min(LoggedEvent::MAX_READ)).cloned().collect())
    }

    async fn event_range(&self) -> Result<(i64, i64), StoreError> {
        let tables = &self.available()?.tables;
        let first = tables.events.first().map_or(tables.last_event, |event| event.sequence);
        Ok((first, tables.last_event))
    }

    async fn models(&self) -> Result<Vec<StoredModel>, StoreError> {
        let tables = &self.available()?.tables;
        let stored =
            |(key, xml): (&(_, _), &String)| StoredModel { object: key.0, version: key.1, xml: xml.clone() };
        Ok(tables.models.iter().map(stored).collect())
    }

    async fn submission(&self, key: &[u8; 32]) -> Result<Option<Submission>, StoreError> {
        Ok(self.available()?.tables.submissions.get(key).cloned())
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        Ok(self.available()?.tables.users.iter().find(|user| user.name == name).cloned())
    }

    async fn has_administrator(&self) -> Result<bool, StoreError> {
        Ok(self.available()?.tables.users.iter().any(|user| user.role == Role::Administrator))
    }

    async fn session(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<WebSession>, StoreError> {
        Ok(self.available()?.tables.sessions.get(key).filter(|session| session.expires_at > now).cloned())
    }
}

/// The rows behind the cursor, in the order of their positions.
fn page<T>(
    list: &str,
    rows: impl Iterator<Item = T>,
    request: &PageRequest,
    position: impl Fn(&T) -> Position,
) -> Result<Page<T>, StoreError> {
    let mut rows: Vec<(Position, T)> = rows.map(|row| (position(&row), row)).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(cursor) = &request.after {
        let after = Position::read(cursor, list)?;
        rows.retain(|(position, _)| *position > after);
    }
    let more = rows.len() > request.rows();
    rows.truncate(request.rows());
    let next = rows.last().filter(|_| more).map(|(position, _)| position.cursor(list));
    Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(case: crate::store::battery::Case) {
        futures::executor::block_on(case(&MemoryStore::new()));
    }

    crate::store_battery!(run);
}
