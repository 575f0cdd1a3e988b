//! The verbs on the credentials of devices.

use objects::{InstanceId, ObjectId, Path, ResourceId};

use super::{enrol::reason, make::Made, timeline};
use crate::{
    AuditEntry, Change, Commit, Context, Credential, CredentialId, CredentialState, DeviceState, EndReason,
    Ending, Fleet, FleetError, GivenCredential, Holder, NewCredential, Operated, Operation, Outcome,
    Permission, PskIdentity, PskKey, PublicId, Purpose, SeenCertificate, Shown, TimelineKind, Verb,
    store::DeviceView,
};

/// How a credential is being rotated.
#[derive(Clone, Debug, PartialEq)]
pub enum Rotation {
    /// A new one waits for the device's first handshake with it, and is to be given to the device by hand.
    Shown(Shown),
    /// The device was asked to bootstrap anew, which gives it a new one.
    Triggered(Operated),
}

impl Fleet {
    /// The credentials of a device, newest first; never their secrets.
    pub async fn credentials(
        &self,
        context: &Context,
        device: PublicId,
    ) -> Result<Vec<Credential>, FleetError> {
        self.demand(context, Permission::View, "credentials").await?;
        let device = self.view(device).await?.device.id;
        Ok(self.store.credentials(device).await?)
    }

    /// The certificates that the credentials of a device were seen with last.
    pub async fn seen_certificates(
        &self,
        context: &Context,
        device: PublicId,
    ) -> Result<Vec<(CredentialId, SeenCertificate)>, FleetError> {
        self.demand(context, Permission::View, "seen certificates").await?;
        let device = self.view(device).await?.device.id;
        let held = self.store.credentials(device).await?;
        let held: Vec<_> = held.iter().map(|credential| credential.id).collect();
        Ok(self.store.seen_certificates(&held).await?)
    }

    /// Gives a device one more credential. Once it has proved itself it takes the place of the one before it.
    ///
    /// A device has at most one for each purpose that has not proved itself yet.
    pub async fn add_credential(
        &self,
        context: &Context,
        device: PublicId,
        purpose: Purpose,
        given: impl Into<GivenCredential> + Send,
    ) -> Result<Shown, FleetError> {
        self.demand(context, Permission::Administer, "add credential").await?;
        let view = self.enrolled(device).await?;
        if self.staged(&view, purpose).await?.is_some() {
            return Err(waits(purpose));
        }
        self.stage(context, &view, purpose, given.into(), None, None).await
    }

    /// Gives a device a new credential in place of one. The old one is good until the new one has proved itself.
    ///
    /// For the management server the device is asked to bootstrap anew (Execute `/1/x/9`), if it is registered, has a
    /// Server object and a bootstrap credential, and does not refuse; otherwise a new one is staged and shown. One that
    /// waits for its proof is an error there: a device may be about to use it. For the bootstrap server a new one is
    /// staged and shown, and takes the place of one that waits.
    pub async fn rotate_credential(
        &self,
        context: &Context,
        device: PublicId,
        credential: PublicId,
    ) -> Result<Rotation, FleetError> {
        self.demand(context, Permission::Administer, "rotate credential").await?;
        let view = self.enrolled(device).await?;
        let old = self.held(&view, credential).await?;
        if !old.state.opens() {
            let reason = format!("this one is {}: add a new one", old.state.name());
            return Err(FleetError::Invalid { field: "credential", reason });
        }
        let staged = self.staged(&view, old.purpose).await?;
        if old.purpose == Purpose::Management {
            if staged.is_some() {
                return Err(waits(old.purpose));
            }
            if let Some(operated) = self.ask_to_bootstrap(context, &view).await? {
                return Ok(Rotation::Triggered(operated));
            }
        }
        let made = GivenCredential::made(old.kind);
        let shown = self.stage(context, &view, old.purpose, made, Some(old.id), staged).await?;
        Ok(Rotation::Shown(shown))
    }

    /// Takes a credential away. What was opened with it ends now: its sessions, and the registration that was made with
    /// it with all that waits for it. One that is revoked already stays so.
    pub async fn revoke_credential(
        &self,
        context: &Context,
        device: PublicId,
        credential: PublicId,
        reason: &str,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "revoke credential").await?;
        let reason = self::reason(reason)?;
        let view = self.enrolled(device).await?;
        let credential = self.held(&view, credential).await?;
        if credential.state == CredentialState::Revoked {
            return Ok(());
        }
        self.revoke(context, &view, &[credential], &reason).await
    }

    /// Takes away all credentials that a device has.
    pub async fn revoke_device(
        &self,
        context: &Context,
        device: PublicId,
        reason: &str,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "revoke device").await?;
        let reason = self::reason(reason)?;
        let view = self.enrolled(device).await?;
        let mut held = self.store.credentials(view.device.id).await?;
        held.retain(|credential| credential.state != CredentialState::Revoked);
        if held.is_empty() {
            return Err(FleetError::NotFound("credential"));
        }
        self.revoke(context, &view, &held, &reason).await
    }

    pub(super) fn new_credential(
        &self,
        context: &Context,
        holder: Holder,
        purpose: Purpose,
        made: Made,
        parent: Option<CredentialId>,
    ) -> NewCredential {
        let credential = Credential {
            id: CredentialId(self.random_id()),
            public_id: PublicId::from_random(self.random()),
            holder,
            purpose,
            kind: made.name.kind(),
            state: CredentialState::Staged,
            identity: made.name,
            parent,
            valid_from: context.now,
            valid_to: made.valid_to,
            created_by: context.actor.name().to_owned(),
            created_at: context.now,
            changed_at: context.now,
            last_used_at: None,
        };
        NewCredential { credential, secret: made.secret }
    }

    pub(super) fn random_identity(&self) -> PskIdentity {
        let text = PublicId::from_random(self.random()).to_string();
        PskIdentity::new(text).expect("32 digits are an identity")
    }

    pub(super) fn random_key(&self) -> PskKey {
        loop {
            let bytes: [u8; PskKey::MADE_BYTES] = self.random();
            // One that everybody would try is as likely as any other, and is not taken.
            if let Ok(key) = PskKey::new(bytes) {
                return key;
            }
        }
    }

    /// A credential of that very device.
    async fn held(&self, view: &DeviceView, credential: PublicId) -> Result<Credential, FleetError> {
        let found = self.store.credential(credential).await?;
        let holder = Holder::Device(view.device.id);
        found.filter(|credential| credential.holder == holder).ok_or(FleetError::NotFound("credential"))
    }

    async fn staged(&self, view: &DeviceView, purpose: Purpose) -> Result<Option<Credential>, FleetError> {
        let held = self.store.credentials(view.device.id).await?;
        let staged = |one: &Credential| one.purpose == purpose && one.state == CredentialState::Staged;
        Ok(held.into_iter().find(staged))
    }

    async fn stage(
        &self,
        context: &Context,
        view: &DeviceView,
        purpose: Purpose,
        given: GivenCredential,
        parent: Option<CredentialId>,
        instead_of: Option<Credential>,
    ) -> Result<Shown, FleetError> {
        let device = view.device.id;
        let class = self.class(view.device.class).await?;
        let made = self.make(context, given, &view.device.endpoint, &class, false).await?;
        let issued = made.issued.clone();
        let new = self.new_credential(context, Holder::Device(device), purpose, made, parent);
        let name = name_of(&new.credential);
        let actor = context.actor.name();
        let mut commit = Commit::default();
        if let Some(old) = &instead_of {
            let (id, state, at) = (old.id, CredentialState::Retired, context.now);
            let old = name_of(old);
            let detail = format!("{old} replaced by {actor} before it was used");
            commit.changes.push(Change::CredentialEnded { id, state, at });
            commit.changes.push(timeline(context, device, TimelineKind::Credential, &detail));
            commit.audit.push(AuditEntry::by(context, Verb::RetireCredential, Some(device), old));
        }
        let detail = format!("{name} made by {actor}");
        commit.changes.push(Change::CredentialAdded(Box::new(new.clone())));
        commit.changes.push(timeline(context, device, TimelineKind::Credential, &detail));
        commit.audit.push(AuditEntry::by(context, Verb::AddCredential, Some(device), name));
        self.commit_and_follow(commit, "credential").await?;
        if let Some(old) = instead_of {
            self.downlink.end_sessions(&[old.id]).await;
        }
        Ok(Shown { issued, ..new.into() })
    }

    /// None if the device can't do that.
    async fn ask_to_bootstrap(
        &self,
        context: &Context,
        view: &DeviceView,
    ) -> Result<Option<Operated>, FleetError> {
        let held = self.store.credentials(view.device.id).await?;
        let bootstraps = held.iter().any(|one| one.purpose == Purpose::Bootstrap && one.state.opens());
        let Some(operation) = bootstrap_trigger(view).filter(|_| bootstraps) else { return Ok(None) };
        match self.operate(context, view.device.public_id, operation, None).await {
            // It has no such resource, or won't.
            Ok(Operated { outcome: Some(Outcome::Refused { .. }), .. })
            | Err(FleetError::NotRegistered | FleetError::BadOperation(_)) => Ok(None),
            operated => operated.map(Some),
        }
    }

    async fn revoke(
        &self,
        context: &Context,
        view: &DeviceView,
        credentials: &[Credential],
        reason: &str,
    ) -> Result<(), FleetError> {
        let device = view.device.id;
        let mut commit = Commit::default();
        for credential in credentials {
            let name = name_of(credential);
            let (id, state, at) = (credential.id, CredentialState::Revoked, context.now);
            let detail = format!("{name} revoked by {}: {reason}", context.actor.name());
            commit.changes.push(Change::CredentialEnded { id, state, at });
            commit.changes.push(timeline(context, device, TimelineKind::Credential, &detail));
            let object = format!("{name}; {reason}");
            commit.audit.push(AuditEntry::by(context, Verb::RevokeCredential, Some(device), object));
        }
        let credentials = credentials.iter().map(|credential| credential.id).collect();
        let ending = Ending { device, credentials, reason: EndReason::Revoked, commit };
        Ok(self.downlink.end(ending).await?)
    }
}

/// What a credential is called in the audit log and the timeline: its purpose and identity, never its secret.
pub(super) fn name_of(credential: &Credential) -> String {
    format!("{} credential {}", credential.purpose.name(), credential.identity)
}

/// Execute `/1/x/9`, Bootstrap-Request Trigger, of the first Server instance that the device registered.
pub(super) fn bootstrap_trigger(view: &DeviceView) -> Option<Operation> {
    let registration = view.registration.as_ref().filter(|_| view.state == DeviceState::Registered)?;
    let server: &InstanceId = registration.links.objects.get(&SERVER)?.instances.first()?;
    let path = Path::Resource(SERVER, *server, BOOTSTRAP_REQUEST_TRIGGER);
    Some(Operation::Execute { path, arguments: String::new() })
}

fn waits(purpose: Purpose) -> FleetError {
    let reason = format!(
        "a {} credential waits for its first handshake already: give it to the device, or revoke it first",
        purpose.name()
    );
    FleetError::Invalid { field: "credential", reason }
}

impl From<NewCredential> for Shown {
    fn from(NewCredential { credential, secret }: NewCredential) -> Self {
        Self { credential, secret, issued: Vec::new() }
    }
}

/// LwM2M Core 1.1.1 §E.2.
const SERVER: ObjectId = ObjectId(1);
const BOOTSTRAP_REQUEST_TRIGGER: ResourceId = ResourceId(9);
