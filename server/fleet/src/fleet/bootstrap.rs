//! The verbs that begin and end a bootstrap, called by the bootstrap server. They take no context: who acts is the device,
//! by what it has proved.

use objects::Models;

use super::{Bootstrapped, credentials::name_of, make::not_let_in};
use crate::{
    Account, AccountCredential, Actor, AuditEntry, BootstrapId, BootstrapRecord, BootstrapRequest,
    BootstrapResult, Cause, Change, Commit, Context, Credential, CredentialName, CredentialState, Device,
    DiaryCause, EndpointName, EventKind, Fleet, FleetError, GivenCredential, Holder, Identity, Incident,
    Lessons, Material, NewCredential, Origin, OwnBootstrap, Plan, Prepared, Public, Purpose, Refusal,
    RequestId, Secret, ServerKeys, Session, TimelineEntry, TimelineKind, Timestamp, Verb,
};

mod comer;
use comer::{Comer, Right, Turned, revoked};

/// A device that asks to be bootstrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapAsked {
    /// Where it is, and who it has proved to be.
    pub origin: Origin,
    /// The name of the listener it came to.
    pub listener: String,
    /// What it asks.
    pub request: BootstrapRequest,
    /// Names the request.
    pub id: RequestId,
    /// When it came.
    pub at: Timestamp,
}

/// What devices are told of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapSettings {
    /// Where devices with a credential register, such as `coaps://muster.example.com:5684`; none if they can't.
    pub uri: Option<String>,
    /// Where devices without one register; none but in the lab.
    pub plain_uri: Option<String>,
    /// Where devices with a credential bootstrap.
    pub bootstrap_uri: Option<String>,
    /// The short server id of the management server.
    pub short_server_id: u16,
    /// How devices know this server.
    pub keys: ServerKeys,
    /// Whether endpoints without a credential are served, and enrolled if nobody knows them.
    pub lab: bool,
}

impl Fleet {
    /// Begins a bootstrap. What the session will write is durable when this returns, its management credential among it,
    /// so that what the device takes is good whatever happens afterwards.
    ///
    /// A management credential of the device that has not proved itself is given once more; otherwise a new one is made.
    /// The ones that it has stay good until the new one has proved itself.
    ///
    /// # Errors
    /// What the device is told; the diary knows more.
    pub async fn begin_bootstrap(
        &self,
        asked: &BootstrapAsked,
        settings: &BootstrapSettings,
    ) -> Result<Session, Refusal> {
        let mut prepared = self.prepare(asked, settings).await;
        // Another one was faster, under the same name or with the last place of a claim: it is judged by what is there now.
        if matches!(&prepared, Err(turned) if turned.refusal == Refusal::Busy) {
            prepared = self.prepare(asked, settings).await;
        }
        match prepared {
            Ok(session) => Ok(session),
            Err(Turned { refusal, cause, detail, device }) => {
                if let Some(cause) = cause {
                    let named = asked.request.endpoint.as_ref().map(EndpointName::to_string);
                    let subject = device.as_ref().map(|device| device.endpoint.to_string()).or(named);
                    let detail = if detail.is_empty() { refusal.to_string() } else { detail };
                    self.incident(Incident {
                        at: asked.at,
                        cause,
                        subject: subject.unwrap_or_else(|| asked.origin.source.address.to_string()),
                        from: asked.origin.source.address,
                        listener: asked.listener.clone(),
                        device: device.map(|device| device.id),
                        detail,
                    });
                }
                Err(refusal)
            }
        }
    }

    /// Ends the sessions that were under way when the server stopped. To be called at the start, before any begins.
    pub async fn interrupt_bootstraps(&self, now: Timestamp) -> Result<(), FleetError> {
        let changes = vec![Change::BootstrapsInterrupted { at: now }];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }

    /// Keeps how far a session is.
    pub async fn save_bootstrap(&self, record: &BootstrapRecord) -> Result<(), FleetError> {
        let changes = vec![Change::BootstrapSaved(Box::new(record.clone()))];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        Ok(())
    }

    /// Keeps how a session has ended, and tells the device's timeline, the diary and who watches.
    ///
    /// To be called again if the store did not take it: nothing else was done then.
    pub async fn end_bootstrap(&self, session: &Session, asked: &BootstrapAsked) -> Result<(), FleetError> {
        let (record, Prepared { device, public_id, endpoint, request, .. }) =
            (session.record(), session.prepared());
        let at = record.ended_at.unwrap_or(record.started_at);
        let repairs = record.repairs_said();
        let after = if repairs.is_empty() { "" } else { " after " };
        let detail = match record.result {
            BootstrapResult::Finished => format!("bootstrap finished{after}{repairs}"),
            _ if repairs.is_empty() => format!("bootstrap failed: {}", record.reason),
            _ => format!("bootstrap failed: {} ({repairs})", record.reason),
        };
        let entry = TimelineEntry::new(*device, at, TimelineKind::Bootstrap, Some(*request), &detail);
        let mut changes = vec![Change::BootstrapSaved(Box::new(record.clone())), Change::Timeline(entry)];
        // Who was revoked meanwhile does not come back by what it was given. A claim may be closed: its devices stay.
        let opener = asked.origin.identity.filter(|identity| identity.device().is_some());
        if self.is_revoked(opener).await? {
            changes.extend(withdrawn(session, at));
        }
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        let (subject, from) = (endpoint.to_string(), asked.origin.source.address);
        let listener = asked.listener.clone();
        if record.result == BootstrapResult::Finished {
            self.await_registration(Bootstrapped { device: *device, at, subject, from, listener });
        } else if let Some(cause) = session.cause() {
            let (device, detail) = (Some(*device), record.reason.clone());
            self.incident(Incident { at, cause, subject, from, listener, device, detail });
        }
        self.feed.publish(at, *device, *public_id, EventKind::Bootstrap(record.result));
        Ok(())
    }

    async fn prepare(&self, asked: &BootstrapAsked, settings: &BootstrapSettings) -> Result<Session, Turned> {
        let context = Context { actor: Actor::Server("bootstrap"), now: asked.at, request: asked.id };
        let comer = self.comer(&context, asked, settings).await?;
        if self.is_revoked(asked.origin.identity).await? {
            return Err(revoked());
        }
        if let Some(turned) = self.kind_barred(&comer, asked).await? {
            return Err(turned);
        }
        let unplanned = |detail: String| Turned {
            refusal: Refusal::Forbidden,
            cause: Some(DiaryCause::NoBootstrapPlan),
            detail,
            device: (!comer.is_new).then(|| Box::new(comer.device.clone())),
        };
        let Device { id, class, .. } = comer.device;
        let (plan, _) = self.plan_of(id, class).await?;
        let registry = self.registry();
        plan.check(&Models::newest(&registry)).map_err(|error| unplanned(error.to_string()))?;
        let mut made = Vec::new();
        let account = self.account(&context, &comer, settings, &mut made).await?.ok_or_else(|| {
            unplanned(
                "the server has no public address of its own to write; set one in its configuration".into(),
            )
        })?;
        plan.check_for(&account).map_err(|error| unplanned(error.to_string()))?;
        let own_bootstrap = self.own_bootstrap(&context, &comer, &plan, settings, &mut made).await?;
        let before = if comer.is_new { Vec::new() } else { self.store.bootstraps(id).await? };
        let session = Session::new(Prepared {
            id: BootstrapId::new(asked.at, self.random()),
            device: id,
            public_id: comer.device.public_id,
            endpoint: comer.device.endpoint.clone(),
            request: asked.id,
            started_at: asked.at,
            plan,
            account,
            own_bootstrap,
            preferred_format: asked.request.preferred_format,
            lessons: Lessons::of(&before, asked.at),
            registry,
        });
        let commit = begun(&context, comer, made, session.record());
        self.commit_and_follow(commit, "device").await?;
        // A revocation that has read the credentials of the device before that commit does not know of this one.
        if self.is_revoked(asked.origin.identity).await? {
            let mut changes: Vec<Change> = withdrawn(&session, asked.at).collect();
            let mut record = session.record().clone();
            record.result = BootstrapResult::Failed;
            record.ended_at = Some(asked.at);
            record.reason = "its credential was revoked".to_owned();
            changes.push(Change::BootstrapSaved(Box::new(record)));
            self.store.commit(Commit { changes, audit: Vec::new() }).await?;
            return Err(revoked());
        }
        Ok(session)
    }

    /// Turns away who has come by a kind of credential that the class does not let in (FLEET.md has it as ID-02). The
    /// handshake has; but a session may be older than the policy.
    async fn kind_barred(&self, comer: &Comer, asked: &BootstrapAsked) -> Result<Option<Turned>, FleetError> {
        let Some(identity) = asked.origin.identity else { return Ok(None) };
        let Some((credential, _)) = self.store.credential_row(identity.credential).await? else {
            return Ok(None);
        };
        let class = self.class(comer.device.class).await?;
        Ok((!class.policy.allows(credential.kind)).then(|| Turned {
            refusal: Refusal::Forbidden,
            cause: Some(DiaryCause::CredentialKindNotAllowed),
            detail: not_let_in(&class, credential.kind.name()),
            device: (!comer.is_new).then(|| Box::new(comer.device.clone())),
        }))
    }

    async fn is_revoked(&self, identity: Option<Identity>) -> Result<bool, FleetError> {
        let Some(identity) = identity else { return Ok(false) };
        let row = self.store.credential_row(identity.credential).await?;
        Ok(row.is_none_or(|(credential, _)| credential.state == CredentialState::Revoked))
    }

    /// The account at the management server: with a credential if the device has come with one. None if the server has no
    /// address for it.
    async fn account(
        &self,
        context: &Context,
        comer: &Comer,
        settings: &BootstrapSettings,
        made: &mut Vec<NewCredential>,
    ) -> Result<Option<Account>, Turned> {
        let short_server_id = settings.short_server_id;
        let uri = match comer.right {
            Right::Lab => settings.plain_uri.clone(),
            Right::Own(_) | Right::Claim(..) => settings.uri.clone(),
        };
        let Some(uri) = uri else { return Ok(None) };
        let credential = match comer.right.identity() {
            Some(identity) => {
                let purpose = Purpose::Management;
                Some(self.staged_or_new(context, comer, identity, purpose, settings, made).await?)
            }
            None => None,
        };
        Ok(Some(Account { uri, short_server_id, credential }))
    }

    /// The bootstrap account's new credential, for a device that has come with a claim's: that one is good for one
    /// bootstrap.
    async fn own_bootstrap(
        &self,
        context: &Context,
        comer: &Comer,
        plan: &Plan,
        settings: &BootstrapSettings,
        made: &mut Vec<NewCredential>,
    ) -> Result<Option<OwnBootstrap>, Turned> {
        let (Right::Claim(identity, ..), Some(uri)) = (&comer.right, &settings.bootstrap_uri) else {
            return Ok(None);
        };
        if !plan.own_bootstrap_credential {
            return Ok(None);
        }
        let purpose = Purpose::Bootstrap;
        let credential = self.staged_or_new(context, comer, *identity, purpose, settings, made).await?;
        Ok(Some(OwnBootstrap { uri: uri.clone(), credential }))
    }

    /// The credential that waits for its proof, so that a device that is bootstrapped over and over does not gather them;
    /// else a new one, of the kind that the class says. Its PSK identity is not the endpoint's name.
    async fn staged_or_new(
        &self,
        context: &Context,
        comer: &Comer,
        by: Identity,
        purpose: Purpose,
        settings: &BootstrapSettings,
        made: &mut Vec<NewCredential>,
    ) -> Result<AccountCredential, Turned> {
        let class = self.class(comer.device.class).await?;
        let kind = class.policy.provision;
        if !comer.is_new {
            let held = self.store.credentials(comer.device.id).await?;
            let waits = held.into_iter().filter(|credential| {
                credential.purpose == purpose
                    && credential.kind == kind
                    && credential.state == CredentialState::Staged
                    && credential.valid_to.is_none_or(|valid_to| context.now < valid_to)
            });
            for waits in waits {
                if let Some((credential, secret)) = self.store.credential_row(waits.id).await?
                    && let Some(found) = written(&credential, &secret, settings)
                {
                    return Ok(found);
                }
            }
        }
        let given = GivenCredential::made(kind);
        let one = self.make(context, given, &comer.device.endpoint, &class, false).await.map_err(unmade)?;
        let holder = Holder::Device(comer.device.id);
        let new = self.new_credential(context, holder, purpose, one, Some(by.credential));
        let credential = written(&new.credential, &new.secret, settings).ok_or_else(|| {
            let reason =
                format!("the server has no key of its own to write beside one of the kind {}", kind.name());
            unmade(FleetError::Invalid { field: "credential", reason })
        })?;
        made.push(new);
        Ok(credential)
    }
}

/// What of a credential is written into its device; none where only the device holds its key.
fn written(
    credential: &Credential,
    secret: &Secret,
    settings: &BootstrapSettings,
) -> Option<AccountCredential> {
    let material = match (&credential.identity, secret) {
        (CredentialName::Psk(identity), Secret::Psk(key)) => {
            Material::Psk { identity: identity.clone(), key: key.clone() }
        }
        (_, Secret::KeyPair(pair)) => {
            let keys = &settings.keys;
            let server = match pair.public {
                Public::Key(_) => keys.public_key.clone()?,
                Public::Chain(_) => keys.certificate.clone()?,
            };
            Material::KeyPair { pair: pair.clone(), server }
        }
        _ => return None,
    };
    Some(AccountCredential { id: credential.id, material })
}

/// A credential that could not be made for a bootstrap: mostly the server has no authority.
fn unmade(error: FleetError) -> Turned {
    match error {
        FleetError::Store(error) => FleetError::Store(error).into(),
        error => Turned {
            refusal: Refusal::Forbidden,
            cause: Some(DiaryCause::NoBootstrapPlan),
            detail: format!("no credential could be made for it: {error}"),
            device: None,
        },
    }
}

/// All that is durable before the device is answered.
fn begun(context: &Context, comer: Comer, made: Vec<NewCredential>, record: &BootstrapRecord) -> Commit {
    let Comer { device, right, is_new } = comer;
    let mut commit = Commit::default();
    let line = |kind, detail: &str| super::timeline(context, device.id, kind, detail);
    // The device acts, by what it has proved.
    let audit = |verb, object: String| AuditEntry {
        actor: device.endpoint.to_string(),
        cause: Cause::Device,
        ..AuditEntry::by(context, verb, Some(device.id), object)
    };
    if is_new {
        let how = match &right {
            Right::Claim(_, claim, _) => format!("enrolled itself by the claim {}", claim.name),
            _ => "enrolled itself in the lab".to_owned(),
        };
        commit.changes.push(Change::DeviceAdded(device.clone()));
        commit.changes.push(line(TimelineKind::Enrolment, &how));
        commit.audit.push(audit(Verb::AddDevice, device.endpoint.to_string()));
    }
    if let Right::Claim(_, claim, Some(claimed)) = right {
        commit.changes.push(Change::ClaimUsed(claimed));
        commit.audit.push(audit(Verb::UseClaim, claim.name));
    }
    for new in made {
        let name = name_of(&new.credential);
        commit.changes.push(line(TimelineKind::Credential, &format!("{name} made for its bootstrap")));
        commit.changes.push(Change::CredentialAdded(Box::new(new)));
        commit.audit.push(audit(Verb::AddCredential, name));
    }
    commit.changes.push(Change::BootstrapSaved(Box::new(record.clone())));
    commit.changes.push(line(TimelineKind::Bootstrap, "bootstrap began"));
    commit
}

/// Takes back what a session was to give.
fn withdrawn(session: &Session, at: Timestamp) -> impl Iterator<Item = Change> {
    let Prepared { account, own_bootstrap, .. } = session.prepared();
    let management = account.credential.as_ref().map(|credential| credential.id);
    let bootstrap = own_bootstrap.as_ref().map(|own| own.credential.id);
    let state = CredentialState::Revoked;
    management.into_iter().chain(bootstrap).map(move |id| Change::CredentialEnded { id, state, at })
}
