//! What the classes let in and keep: asked by every handshake, and changed by people.

use std::{collections::BTreeMap, sync::Arc};

use super::taken;
use crate::{
    AuditEntry, Change, Class, ClassId, ClassPolicy, Commit, Context, Credential, CredentialId,
    CredentialKind, Fleet, FleetError, Holder, Permission, Retention, RetentionError, Verb,
};

/// The classes by their rows.
pub(super) type Classes = Arc<BTreeMap<ClassId, Class>>;

impl Fleet {
    /// Says what a class lets in, how certificates name its devices, and what bootstrap gives them. The sessions that were
    /// opened by what is not let in any more end.
    pub async fn set_class_policy(
        &self,
        context: &Context,
        id: ClassId,
        policy: ClassPolicy,
    ) -> Result<Class, FleetError> {
        self.demand(context, Permission::Administer, "set class policy").await?;
        policy.check().map_err(|error| FleetError::Invalid { field: "kinds", reason: error.to_string() })?;
        let class = Class { policy, ..self.class(id).await? };
        let ClassPolicy { kinds, mapping, provision } = &class.policy;
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let (kinds, mapping, provision) = (kinds.join(", "), mapping.name(), provision.name());
        let object = format!(
            "{}: lets in {kinds}; certificates by {mapping}; bootstrap gives {provision}",
            class.name
        );
        let commit = Commit {
            changes: vec![Change::ClassSaved(class.clone())],
            audit: vec![AuditEntry::by(context, Verb::SaveClass, None, object)],
        };
        self.commit_class(commit).await?;
        self.end_barred(&class).await?;
        Ok(class)
    }

    /// Says how long values of a class's devices are kept. What is not kept any more goes with the next purge.
    pub async fn set_class_retention(
        &self,
        context: &Context,
        id: ClassId,
        retention: Retention,
    ) -> Result<Class, FleetError> {
        self.demand(context, Permission::Administer, "set class retention").await?;
        retention.check().map_err(|error| {
            let field = if error == RetentionError::Days { "days" } else { "readings" };
            FleetError::Invalid { field, reason: error.to_string() }
        })?;
        let class = Class { retention, ..self.class(id).await? };
        let days =
            retention.days.map_or_else(|| "without an end".to_owned(), |days| format!("for {days} days"));
        let object = format!("{}: keeps {} values of a resource, {days}", class.name, retention.readings);
        let commit = Commit {
            changes: vec![Change::ClassSaved(class.clone())],
            audit: vec![AuditEntry::by(context, Verb::SaveClass, None, object)],
        };
        self.commit_class(commit).await?;
        Ok(class)
    }

    /// Ends the sessions of a class that were opened by what it does not let in.
    async fn end_barred(&self, class: &Class) -> Result<(), FleetError> {
        let barred: Vec<CredentialKind> =
            CredentialKind::ALL.into_iter().filter(|kind| !class.policy.allows(*kind)).collect();
        if barred.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let found = self.store.credentials_of_class(class.id, &barred, after, TOGETHER).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = Some(*last);
            self.drop_sessions(&found).await?;
        }
    }

    /// Ends the sessions of credentials that stay as they are.
    pub(super) async fn drop_sessions(&self, credentials: &[CredentialId]) -> Result<(), FleetError> {
        if credentials.is_empty() {
            return Ok(());
        }
        let changes = vec![Change::SecureSessionsDropped(credentials.to_vec())];
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        self.downlink.renew_sessions(credentials).await;
        Ok(())
    }

    /// Commits what changes a class, and forgets the classes that were read.
    pub(super) async fn commit_class(&self, commit: Commit) -> Result<(), FleetError> {
        let committed = self.commit_forgetting(&self.classes, commit).await;
        committed.map(drop).map_err(|error| taken(error, "class"))
    }

    /// The classes, as handshakes see them.
    pub(super) async fn known_classes(&self) -> Result<Classes, FleetError> {
        let mut classes = self.classes.lock().await;
        if let Some(classes) = &*classes {
            return Ok(Arc::clone(classes));
        }
        let read = self.store.classes().await?.into_iter().map(|class| (class.id, class)).collect();
        Ok(Arc::clone(classes.insert(Arc::new(read))))
    }

    /// The class of whoever holds a credential, if they are there.
    pub(super) async fn class_of(&self, credential: &Credential) -> Result<Option<Class>, FleetError> {
        let class = match credential.holder {
            Holder::Device(id) => self.store.device_row(id).await?.map(|view| view.device.class),
            Holder::Claim(id) => self.store.claim(id).await?.map(|claim| claim.class),
        };
        let Some(class) = class else { return Ok(None) };
        Ok(self.known_classes().await?.get(&class).cloned())
    }
}

/// How many credentials lose their sessions in one transaction.
const TOGETHER: usize = 500;
