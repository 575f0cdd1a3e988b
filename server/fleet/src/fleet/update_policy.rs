//! The verbs on what classes take as updates, and from whom.

use super::{claims::named, taken};
use crate::{
    ArtefactChange, AuditEntry, Change, ClassId, Commit, Context, Fingerprint, Fleet, FleetError, Permission,
    UpdateKey, UpdatePolicy, Verb,
};

impl Fleet {
    /// What a class takes as updates, and the keys that may sign them, revoked or not.
    pub async fn update_policy(
        &self,
        context: &Context,
        class: ClassId,
    ) -> Result<(UpdatePolicy, Vec<UpdateKey>), FleetError> {
        self.demand(context, Permission::View, "update policy").await?;
        let class = self.class(class).await?.id;
        let policy = self.store.update_policy(class).await?;
        let keys = self.store.update_keys(class).await?;
        Ok((policy.unwrap_or_else(|| UpdatePolicy::new(class)), keys))
    }

    /// Says what a class takes as updates.
    pub async fn set_update_policy(
        &self,
        context: &Context,
        policy: UpdatePolicy,
    ) -> Result<UpdatePolicy, FleetError> {
        self.demand(context, Permission::Administer, "set update policy").await?;
        let class = self.class(policy.class).await?;
        let id = |id: Option<uuid::Uuid>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        let schemes: Vec<&str> = [(policy.coap, "coap"), (policy.http, "http")]
            .into_iter()
            .filter_map(|(is, name)| is.then_some(name))
            .collect();
        let object = format!(
            "{}: vendor id {}; class id {}; unsigned images {}; pulls in the clear: {}",
            class.name,
            id(policy.vendor_id),
            id(policy.class_id),
            if policy.unsigned { "taken" } else { "refused" },
            if schemes.is_empty() { "none".to_owned() } else { schemes.join(", ") },
        );
        let commit = Commit {
            changes: vec![Change::Artefact(ArtefactChange::PolicySaved(policy.clone()))],
            audit: vec![AuditEntry::by(context, Verb::SaveUpdatePolicy, None, object)],
        };
        self.store.commit(commit).await?;
        Ok(policy)
    }

    /// Trusts a key for the updates of a class: its public key as PEM, DER, or DER in hexadecimal digits or base64.
    pub async fn add_update_key(
        &self,
        context: &Context,
        class: ClassId,
        name: &str,
        public_key: &[u8],
    ) -> Result<UpdateKey, FleetError> {
        self.demand(context, Permission::Administer, "add update key").await?;
        let class = self.class(class).await?;
        let name = named(name, UpdateKey::MAX_NAME)?;
        let (algorithm, public_key) = UpdateKey::read(public_key)
            .map_err(|error| FleetError::Invalid { field: "public key", reason: error.to_string() })?;
        if self.store.update_keys(class.id).await?.len() >= UpdateKey::MAX {
            return Err(FleetError::TooMany { what: "update keys of this class", max: UpdateKey::MAX });
        }
        let key = UpdateKey {
            class: class.id,
            id: Fingerprint::of(&public_key),
            name,
            algorithm,
            public_key,
            added_by: context.actor.name().to_owned(),
            added_at: context.now,
            revoked_at: None,
        };
        let object = format!("{}: {}; {}; {}", class.name, key.name, algorithm.name(), key.id);
        let commit = Commit {
            changes: vec![Change::Artefact(ArtefactChange::KeyAdded(key.clone()))],
            audit: vec![AuditEntry::by(context, Verb::AddUpdateKey, None, object)],
        };
        self.store.commit(commit).await.map_err(|error| taken(error, "update key"))?;
        Ok(key)
    }

    /// Trusts a key no more: nothing that it has signed is sent to devices of the class from now on.
    pub async fn revoke_update_key(
        &self,
        context: &Context,
        class: ClassId,
        id: Fingerprint,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "revoke update key").await?;
        let class = self.class(class).await?;
        let keys = self.store.update_keys(class.id).await?;
        let key = keys.iter().find(|key| key.id == id).ok_or(FleetError::NotFound("update key"))?;
        let object = format!("{}: {}; {}", class.name, key.name, key.id);
        let change = ArtefactChange::KeyRevoked { class: class.id, key: id, at: context.now };
        let commit = Commit {
            changes: vec![Change::Artefact(change)],
            audit: vec![AuditEntry::by(context, Verb::RevokeUpdateKey, None, object)],
        };
        self.store.commit(commit).await?;
        Ok(())
    }
}
