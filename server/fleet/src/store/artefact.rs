//! What is asked of the store about artefacts.

use async_trait::async_trait;

use super::{Page, PageRequest, StoreError};
use crate::{
    Artefact, ArtefactId, ArtefactKind, ClassId, DeviceId, Fingerprint, Installed, RunsArtefact, UpdateKey,
    UpdatePolicy,
};

/// Keeps artefacts, whom classes take them from, and what devices run. The bytes lie in [`Blobs`](crate::Blobs).
#[async_trait]
pub trait Artefacts: Send + Sync + 'static {
    /// A page of the artefacts, newest first by when they were uploaded, withdrawn or not.
    async fn artefacts(&self, page: &PageRequest) -> Result<Page<Artefact>, StoreError>;

    /// One artefact.
    async fn artefact(&self, id: ArtefactId) -> Result<Option<Artefact>, StoreError>;

    /// Where the bytes of all artefacts lie: each artefact with [`Artefact::blobs`], in no order.
    async fn artefact_blobs(&self) -> Result<Vec<(ArtefactId, Vec<Fingerprint>)>, StoreError>;

    /// What a class takes; none if nothing was said.
    async fn update_policy(&self, class: ClassId) -> Result<Option<UpdatePolicy>, StoreError>;

    /// The update keys of a class, revoked or not, oldest first, then by their names in URLs.
    async fn update_keys(&self, class: ClassId) -> Result<Vec<UpdateKey>, StoreError>;

    /// What a device runs, by kind and instance.
    async fn installed(&self, device: DeviceId) -> Result<Vec<Installed>, StoreError>;

    /// How many devices run an artefact, in any of their instances; those that were removed do not count.
    async fn artefact_runs(&self, artefact: ArtefactId) -> Result<u64, StoreError>;

    /// Which devices run an artefact, by their rows, after one of them; at most `limit`.
    async fn runs_artefact(
        &self,
        artefact: ArtefactId,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<RunsArtefact>, StoreError>;

    /// What a device runs in one instance.
    async fn installed_in(
        &self,
        device: DeviceId,
        kind: ArtefactKind,
        instance: u16,
    ) -> Result<Option<Installed>, StoreError> {
        let installed = self.installed(device).await?.into_iter();
        Ok(installed.into_iter().find(|one| one.kind == kind && one.instance == instance))
    }
}
