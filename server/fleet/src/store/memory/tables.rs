//! The tables, and what each change does to them.

use std::collections::BTreeMap;

use objects::{ObjectId, Path, Version};

use super::{
    artefact::ArtefactTables, configuration::ConfigurationTables, group::GroupTables, queue::AwakeTables,
    update::UpdateTables, wish::WishTables,
};
use crate::{
    ApiToken, AuditRecord, Authority, AuthorityId, BootstrapId, BootstrapRecord, Change, Claim, ClaimId,
    Claimed, Class, ClassId, ClassPolicy, Commit, Committed, Credential, CredentialId, Delivery, Device,
    DeviceId, DiaryEntry, EndpointName, KeyPair, LoggedEvent, LoggedKind, Observation, OperationId,
    OperationRecord, OperationState, OwnKey, Plan, PlanScope, PublicId, Retention, Secret, SecureSession,
    SecureSessionId, SeenCertificate, StoreError, StoredReading, Submission, TimelineEntry, TimelineRecord,
    Timestamp, User, WebSession, Webhook, WebhookSecret,
    store::{ENDED_OPERATION_KEPT, ENDED_TOKEN_KEPT},
};

mod device;
pub(super) use device::RegistrationRow;

mod enrol;

mod log;

mod people;

mod secure;

/// Everything a commit can change.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) by_endpoint: BTreeMap<EndpointName, DeviceId>,
    pub(super) classes: BTreeMap<ClassId, Class>,
    pub(super) plans: BTreeMap<PlanScope, Plan>,
    pub(super) credentials: BTreeMap<CredentialId, (Credential, Secret)>,
    pub(super) seen: BTreeMap<CredentialId, SeenCertificate>,
    /// Each with whether it is live.
    pub(super) secure_sessions: BTreeMap<SecureSessionId, (SecureSession, bool)>,
    pub(super) authorities: BTreeMap<AuthorityId, Authority>,
    pub(super) own_keys: BTreeMap<OwnKey, KeyPair>,
    pub(super) claims: BTreeMap<ClaimId, Claim>,
    pub(super) claimed: BTreeMap<(ClaimId, EndpointName), Claimed>,
    pub(super) bootstraps: BTreeMap<BootstrapId, BootstrapRecord>,
    pub(super) registrations: BTreeMap<DeviceId, RegistrationRow>,
    pub(super) observations: BTreeMap<(DeviceId, Vec<u16>), Observation>,
    pub(super) latest: BTreeMap<(DeviceId, Vec<u16>), StoredReading>,
    pub(super) history: BTreeMap<(DeviceId, Path), Vec<StoredReading>>,
    pub(super) deliveries: Vec<(DeviceId, Delivery, Timestamp)>,
    pub(super) operations: BTreeMap<OperationId, OperationRecord>,
    pub(super) timeline: Vec<TimelineRecord>,
    pub(super) diary: Vec<DiaryEntry>,
    pub(super) events: Vec<LoggedEvent>,
    pub(super) webhooks: Vec<(Webhook, WebhookSecret)>,
    pub(super) users: Vec<User>,
    pub(super) tokens: Vec<ApiToken>,
    pub(super) sessions: BTreeMap<[u8; 32], WebSession>,
    pub(super) submissions: BTreeMap<[u8; 32], Submission>,
    pub(super) models: BTreeMap<(ObjectId, Version), String>,
    pub(super) groups: GroupTables,
    pub(super) artefacts: ArtefactTables,
    pub(super) updates: UpdateTables,
    pub(super) wishes: WishTables,
    pub(super) awake: AwakeTables,
    pub(super) configuration: ConfigurationTables,
    pub(super) audit: Vec<AuditRecord>,
    /// The last number given to a reading, an entry of a timeline or of the audit log.
    pub(super) sequence: i64,
    /// The last number given to an entry of the event log.
    pub(super) last_event: i64,
}

impl Default for Tables {
    /// As the first migration leaves them: with the default class.
    fn default() -> Self {
        let policy = ClassPolicy::default();
        let class = Class {
            id: ClassId::DEFAULT,
            name: Class::DEFAULT_NAME.to_owned(),
            policy,
            retention: Retention::default(),
        };
        Self {
            devices: BTreeMap::new(),
            by_endpoint: BTreeMap::new(),
            classes: BTreeMap::from([(class.id, class)]),
            plans: BTreeMap::new(),
            credentials: BTreeMap::new(),
            seen: BTreeMap::new(),
            secure_sessions: BTreeMap::new(),
            authorities: BTreeMap::new(),
            own_keys: BTreeMap::new(),
            claims: BTreeMap::new(),
            claimed: BTreeMap::new(),
            bootstraps: BTreeMap::new(),
            registrations: BTreeMap::new(),
            observations: BTreeMap::new(),
            latest: BTreeMap::new(),
            history: BTreeMap::new(),
            deliveries: Vec::new(),
            operations: BTreeMap::new(),
            timeline: Vec::new(),
            diary: Vec::new(),
            events: Vec::new(),
            webhooks: Vec::new(),
            users: Vec::new(),
            tokens: Vec::new(),
            sessions: BTreeMap::new(),
            submissions: BTreeMap::new(),
            models: BTreeMap::new(),
            groups: GroupTables::default(),
            artefacts: ArtefactTables::default(),
            updates: UpdateTables::default(),
            wishes: WishTables::default(),
            awake: AwakeTables::default(),
            configuration: ConfigurationTables::default(),
            audit: Vec::new(),
            sequence: 0,
            last_event: 0,
        }
    }
}

impl Tables {
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        let mut committed = Committed::default();
        for change in commit.changes {
            self.change(change, &mut committed)?;
        }
        for entry in commit.audit {
            let sequence = self.next_sequence();
            self.audit.push(AuditRecord { sequence, entry });
        }
        Ok(committed)
    }

    fn change(&mut self, change: Change, committed: &mut Committed) -> Result<(), StoreError> {
        let replaces = matches!(&change, Change::Registered(registration) if self.holds(registration));
        let told = LoggedKind::of(&change, replaces);
        let at = at(&change);
        let mut done = true;
        match change {
            Change::DeviceAdded(device) => self.add_device(device)?,
            Change::DeviceEnrolledAgain { device, class } => self.enrol_again(device, class)?,
            Change::DeviceClassified { device, class } => self.classify(device, class)?,
            Change::DeviceRemoved { device, at, keep_data } => self.remove_device(device, at, keep_data)?,
            Change::ClassAdded(class) => self.add_class(class)?,
            Change::ClassSaved(class) => self.save_class(class)?,
            Change::PlanSaved { scope, plan } => self.save_plan(scope, plan.map(|plan| *plan))?,
            Change::CredentialAdded(new) => self.add_credential(*new)?,
            Change::CredentialProved { id, at } => self.prove_credential(id, at),
            Change::CredentialEnded { id, state, at } => self.end_credential(id, state, at),
            Change::CredentialsUsed(used) => {
                used.into_iter().for_each(|(id, at)| self.use_credential(id, at))
            }
            Change::CertificateSeen { credential, certificate } => {
                if self.credentials.contains_key(&credential) {
                    self.seen.insert(credential, *certificate);
                }
            }
            Change::SecureSessionOpened(session) => self.open_secure_session(*session)?,
            Change::SecureSessionsHeard(marks) => self.hear_secure_sessions(&marks),
            Change::SecureSessionReserved { id, upto } => {
                if let Some((session, _)) = self.secure_sessions.get_mut(&id) {
                    session.reserved = session.reserved.max(upto);
                }
            }
            Change::SecureSessionEnded { id, resumable } => self.end_secure_session(id, resumable),
            Change::SecureSessionsDropped(credentials) => self.drop_secure_sessions(&credentials),
            Change::AuthoritySaved(authority) => self.save_authority(*authority)?,
            Change::AuthorityRemoved(id) => {
                self.authorities.remove(&id);
            }
            Change::OwnKeySaved { key, pair } => {
                self.own_keys.insert(key, *pair);
            }
            Change::ClaimAdded(claim) => self.add_claim(claim)?,
            Change::ClaimUsed(claimed) => self.use_claim(claimed)?,
            Change::ClaimClosed(id) => self.close_claim(id),
            Change::ClaimAgain { claim, device, until } => self.approve_claim(claim, device, until),
            Change::BootstrapSaved(record) => self.save_bootstrap(*record)?,
            Change::BootstrapsInterrupted { at } => self.interrupt_bootstraps(at),
            Change::DiaryNoted(note) => self.note(*note),
            Change::DiaryCleared(id) => self.diary.retain(|entry| entry.id != id),
            Change::Registered(registration) => self.register(*registration)?,
            Change::LeaseRenewed { device, seen_at, expires_at } => {
                if let Some(row) = self.live(device) {
                    row.seen_at = row.seen_at.max(seen_at);
                    row.registration.expires_at = expires_at;
                }
            }
            Change::RegistrationEnded { device, at, reason } => {
                done = self.end_registration(device, at, reason);
            }
            Change::ObservationBegan(observation) => {
                self.known(observation.device)?;
                self.observations.insert((observation.device, observation.target.key()), observation);
            }
            Change::ObservationEnded { device, target } => {
                self.observations.remove(&(device, target.key()));
            }
            Change::ObservationsEnded { device } => {
                self.observations.retain(|(other, _), _| *other != device);
            }
            Change::Report { device, received_at, delivery, readings } => {
                self.known(device)?;
                done = delivery.is_none_or(|delivery| self.deliver(device, &delivery, received_at));
                if done {
                    readings.into_iter().for_each(|reading| self.read(device, received_at, reading));
                } else {
                    committed.duplicate = true;
                }
            }
            Change::OperationQueued(record) => {
                self.known(record.device)?;
                unique(!self.operations.contains_key(&record.id))?;
                self.operations.insert(record.id, *record);
            }
            Change::OperationSent { id, at } => {
                if let Some(record) = self.open(id) {
                    record.state = OperationState::Sent;
                    record.sent_at = Some(at);
                }
            }
            Change::OperationEnded { id, state, at, result } => {
                if let Some(record) = self.open(id) {
                    record.state = state;
                    record.ended_at = Some(at);
                    record.result = Some(result);
                } else {
                    committed.ended_before = self.operations.get(&id).map(|record| record.state);
                }
            }
            Change::Timeline(entry) => {
                self.known(entry.device)?;
                let sequence = self.next_sequence();
                self.timeline.push(TimelineRecord { sequence, entry });
            }
            Change::UserAdded(user) => self.add_user(user)?,
            Change::UserChanged(user) => self.change_user(user)?,
            Change::TokenAdded(token) => self.add_token(token)?,
            Change::TokenUsed { id, at } => self.use_token(id, at),
            Change::TokenRevoked { id, at } => self.revoke_token(id, at),
            Change::WebhookAdded(webhook, secret) => self.add_webhook(webhook, secret)?,
            Change::WebhookPaused { id, paused } => {
                if let Some(webhook) = self.webhook(id) {
                    webhook.paused = paused;
                }
            }
            Change::WebhookRemoved(id) => self.webhooks.retain(|(webhook, _)| webhook.public_id != id),
            Change::WebhookDelivered(delivered) => self.webhook_delivered(*delivered),
            Change::ModelSaved { object, version, xml } => {
                self.models.insert((object, version), xml);
            }
            Change::ModelRemoved { object, version } => {
                self.models.remove(&(object, version));
            }
            Change::SubmissionBegan { key, fingerprint, at } => {
                unique(!self.submissions.contains_key(&key))?;
                self.submissions.insert(key, Submission { fingerprint, answer: None, at });
            }
            Change::SubmissionAnswered { key, answer } => {
                if let Some(submission) = self.submissions.get_mut(&key) {
                    submission.answer = Some(answer);
                }
            }
            Change::Artefact(change) => self.change_artefact(change)?,
            Change::Group(change) => self.change_group(change)?,
            Change::Update(change) => self.change_update(change)?,
            Change::Wish(change) => self.change_wish(change)?,
            Change::Queue(change) => self.change_queue(change)?,
            Change::Configuration(change) => self.change_configuration(change)?,
            Change::SessionSaved(session) => {
                self.sessions.insert(session.key, session);
            }
            Change::SessionEnded { key } => {
                self.sessions.remove(&key);
            }
        }
        if let Some((device, kind)) = told.filter(|_| done) {
            self.tell(device, at, kind);
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, now: Timestamp) {
        let mut kept: BTreeMap<DeviceId, usize> = BTreeMap::new();
        let mut newest_first: Vec<_> = std::mem::take(&mut self.timeline).into_iter().rev().collect();
        newest_first.retain(|record| {
            let count = kept.entry(record.entry.device).or_default();
            *count += 1;
            *count <= TimelineEntry::PER_DEVICE
        });
        newest_first.reverse();
        self.timeline = newest_first;
        self.operations.retain(|_, record| {
            record.ended_at.is_none_or(|ended_at| ended_at.after(ENDED_OPERATION_KEPT) > now)
        });
        self.deliveries.retain(|(_, _, at)| at.after(Delivery::KEPT) > now);
        self.sessions.retain(|_, session| session.expires_at > now);
        self.secure_sessions.retain(|_, (session, _)| session.heard_at.after(SecureSession::KEPT) > now);
        self.submissions.retain(|_, submission| submission.at.after(Submission::KEPT) > now);
        self.tokens.retain(|token| token.ended_at().after(ENDED_TOKEN_KEPT) > now);
        self.updates.purge(now);
        self.purge_events(now);
    }

    pub(super) fn purge_values(&mut self, now: Timestamp) {
        for ((device, _), history) in &mut self.history {
            let class = self.devices.get(device).and_then(|device| self.classes.get(&device.class));
            let retention = class.map(|class| class.retention).unwrap_or_default();
            let kept = usize::try_from(retention.readings).unwrap_or(usize::MAX);
            history.drain(..history.len().saturating_sub(kept));
            let since = retention.since(now);
            let old = history.iter().take_while(|stored| since.is_some_and(|since| stored.at() < since));
            let old = old.count().min(history.len().saturating_sub(1));
            history.drain(..old);
        }
    }

    fn known(&self, device: DeviceId) -> Result<(), StoreError> {
        unique(self.devices.contains_key(&device))
    }

    pub(super) fn open(&mut self, id: OperationId) -> Option<&mut OperationRecord> {
        self.operations.get_mut(&id).filter(|record| !record.state.is_final())
    }

    fn webhook(&mut self, id: PublicId) -> Option<&mut Webhook> {
        self.webhooks.iter_mut().map(|(webhook, _)| webhook).find(|webhook| webhook.public_id == id)
    }

    fn next_sequence(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }
}

/// When what the event log tells of a change was so.
fn at(change: &Change) -> Timestamp {
    match change {
        Change::Registered(registration) => registration.updated_at,
        Change::RegistrationEnded { at, .. } => *at,
        Change::Report { received_at, .. } => *received_at,
        _ => Timestamp::default(),
    }
}

fn unique(holds: bool) -> Result<(), StoreError> {
    holds.then_some(()).ok_or(StoreError::Conflict)
}
