//! Artefacts in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{MemoryStore, Position, page, tables::Tables};
use crate::{
    Artefact, ArtefactChange, ArtefactId, ArtefactKind, ClassId, DeviceId, Fingerprint, Installed,
    RunsArtefact, StoreError, UpdateKey, UpdatePolicy,
    store::{Artefacts, Page, PageRequest},
};

#[derive(Clone, Debug, Default)]
pub(super) struct ArtefactTables {
    artefacts: BTreeMap<ArtefactId, Artefact>,
    policies: BTreeMap<ClassId, UpdatePolicy>,
    keys: BTreeMap<(ClassId, Fingerprint), UpdateKey>,
    installed: BTreeMap<(DeviceId, ArtefactKind, u16), Installed>,
}

impl ArtefactTables {
    pub(super) fn forget_installed(&mut self, device: DeviceId) {
        self.installed.retain(|(other, _, _), _| *other != device);
    }
}

impl Tables {
    pub(super) fn change_artefact(&mut self, change: ArtefactChange) -> Result<(), StoreError> {
        match change {
            ArtefactChange::Added(artefact) => {
                self.is_class(artefact.class)?;
                if self.artefacts.artefacts.contains_key(&artefact.id) {
                    return Err(StoreError::Conflict);
                }
                self.artefacts.artefacts.insert(artefact.id, *artefact);
            }
            ArtefactChange::Withdrawn { id, at } => {
                if let Some(artefact) = self.artefacts.artefacts.get_mut(&id) {
                    artefact.withdrawn_at.get_or_insert(at);
                }
            }
            ArtefactChange::Removed(id) => {
                self.artefacts.artefacts.remove(&id);
            }
            ArtefactChange::PolicySaved(policy) => {
                self.is_class(policy.class)?;
                self.artefacts.policies.insert(policy.class, policy);
            }
            ArtefactChange::KeyAdded(key) => {
                self.is_class(key.class)?;
                if self.artefacts.keys.contains_key(&(key.class, key.id)) {
                    return Err(StoreError::Conflict);
                }
                self.artefacts.keys.insert((key.class, key.id), key);
            }
            ArtefactChange::KeyRevoked { class, key, at } => {
                if let Some(key) = self.artefacts.keys.get_mut(&(class, key)) {
                    key.revoked_at.get_or_insert(at);
                }
            }
            ArtefactChange::Installed(installed) => {
                if !self.devices.contains_key(&installed.device) {
                    return Err(StoreError::Conflict);
                }
                let key = (installed.device, installed.kind, installed.instance);
                self.artefacts.installed.insert(key, installed);
            }
        }
        Ok(())
    }

    fn is_class(&self, class: ClassId) -> Result<(), StoreError> {
        if self.classes.contains_key(&class) { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// The devices that run an artefact and are not removed, each with one of the instances.
    fn running(&self, artefact: ArtefactId) -> BTreeMap<DeviceId, &Installed> {
        let of_it = self.artefacts.installed.values().filter(|one| one.artefact == Some(artefact)).rev();
        let enrolled = of_it
            .filter(|one| self.devices.get(&one.device).is_some_and(|device| device.removed_at.is_none()));
        enrolled.map(|one| (one.device, one)).collect()
    }
}

#[async_trait]
impl Artefacts for MemoryStore {
    async fn artefacts(&self, request: &PageRequest) -> Result<Page<Artefact>, StoreError> {
        let tables = &self.available()?.tables;
        let position = |artefact: &Artefact| Position::uploaded(artefact.uploaded_at, artefact.id);
        page("artefacts", tables.artefacts.artefacts.values().cloned(), request, position)
    }

    async fn artefact(&self, id: ArtefactId) -> Result<Option<Artefact>, StoreError> {
        Ok(self.available()?.tables.artefacts.artefacts.get(&id).cloned())
    }

    async fn artefact_blobs(&self) -> Result<Vec<(ArtefactId, Vec<Fingerprint>)>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.artefacts.artefacts.values().map(|artefact| (artefact.id, artefact.blobs())).collect())
    }

    async fn update_policy(&self, class: ClassId) -> Result<Option<UpdatePolicy>, StoreError> {
        Ok(self.available()?.tables.artefacts.policies.get(&class).cloned())
    }

    async fn update_keys(&self, class: ClassId) -> Result<Vec<UpdateKey>, StoreError> {
        let tables = &self.available()?.tables;
        let of_class = tables.artefacts.keys.values().filter(|key| key.class == class);
        let mut keys: Vec<UpdateKey> = of_class.cloned().collect();
        keys.sort_by_key(|key| (key.added_at, key.id));
        Ok(keys)
    }

    async fn installed(&self, device: DeviceId) -> Result<Vec<Installed>, StoreError> {
        let tables = &self.available()?.tables;
        Ok(tables.artefacts.installed.values().filter(|one| one.device == device).cloned().collect())
    }

    async fn artefact_runs(&self, artefact: ArtefactId) -> Result<u64, StoreError> {
        Ok(self.available()?.tables.running(artefact).len() as u64)
    }

    async fn runs_artefact(
        &self,
        artefact: ArtefactId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<RunsArtefact>, StoreError> {
        let tables = &self.available()?.tables;
        let running = tables.running(artefact).into_values();
        let runs = running.filter(|one| Some(one.device) > after).filter_map(|one| {
            let device = tables.devices.get(&one.device)?;
            Some(RunsArtefact {
                row: one.device,
                device: device.public_id,
                endpoint: device.endpoint.clone(),
                instance: one.instance,
                at: one.at,
            })
        });
        Ok(runs.take(limit).collect())
    }
}
