//! The verbs: what people and programs do. Console, REST and command line call these and nothing else.
//!
//! Each verb takes a [`Context`] first, asks whether its actor may, and writes what the actor did to the audit log.
//! Here are the verbs that look; the others are filed by what they are about. A few are called by the server itself,
//! for devices that knock (`handshake`) or for work that goes on by itself (`diary`, `webhooks`): they take no context.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use objects::{Path, Registry};

use crate::{
    ArtefactId, AuditEntry, AuditRecord, Blobs, Change, Commit, Committed, Context, Diary, Downlink,
    EndpointName, Feed, FleetError, Group, Issuer, Labels, Library, MemoryBlobs, Observation, OperationId,
    OperationRecord, Permission, Presence, PublicId, RequestId, SetupLink, Store, StoreError, StoredReading,
    Subscription, TimelineEntry, TimelineKind, TimelineRecord, Verb,
    store::{AuditQuery, DeviceQuery, DeviceSummary, DeviceView, Overview, Page, PageRequest, Trouble},
};

mod artefacts;
use artefacts::Uploads;
pub use artefacts::{ArtefactDetail, Download, NewArtefact, Upload};

mod authorities;

mod bootstrap;
pub use bootstrap::{BootstrapAsked, BootstrapSettings};

mod accounts;

mod cancelling;
use cancelling::PutBack;

mod class_policy;

mod clearing;

mod baselines;
pub use baselines::{DryRun, DryRunDevice};

mod claims;
pub use claims::NewClaim;

mod configurations;
pub use configurations::ConfigurationDetail;

mod configuring;
use configuring::Configuring;
pub use configuring::SteppedConfiguration;

mod credentials;
pub use credentials::Rotation;

mod diary;
pub use diary::Bootstrapped;

mod downloading;
pub use downloading::{Asker, Given, Offers};

mod enrol;
pub use enrol::{BulkReport, Enrolled, NewDevice, Removal};

mod events;

mod handshake;
pub use handshake::Closed;

mod import;
pub use import::{ImportFormat, ImportReport, RowError};

mod groups;
pub use groups::{GroupDetail, NewGroup, Preview};

mod labels;

mod make;

mod membership;
pub use membership::Evaluated;
use membership::Membership;

mod models;
pub use models::{FolderError, ModelEntry, ModelFolder, ModelSource};

mod operate;
pub use operate::{Begun, Operated, OperationView};

mod people;

mod plans;

mod queues;
pub use queues::{AwakeDetail, Cancelled, Terms};

mod recent;
use recent::Recent;

mod schedule;

mod search;

mod submission;
pub use submission::Began;

mod updates;
pub use updates::{NewUpdate, UpdateBegun};

mod updating;
use updating::Updating;

mod throttle;
use throttle::Throttle;
pub use throttle::{LoginBounds, LoginPermit};

mod tokens;

mod trail;
pub use trail::AuditTrail;
use trail::Trail;

mod tending;

mod update_policy;

mod uses;
use uses::Uses;

mod webhooks;
pub use webhooks::DueWebhook;

mod when;
pub(crate) use when::utc;

mod wishes;
use wishes::Wanted;
pub use wishes::{DeviceWishes, Look};

/// The fleet as its administrators see it.
pub struct Fleet {
    store: Arc<dyn Store>,
    downlink: Arc<dyn Downlink>,
    library: Library,
    models: models::Models,
    feed: Feed,
    entropy: Entropy,
    last_operation: Mutex<Option<OperationId>>,
    recent: Mutex<Recent>,
    /// Held while an operation is cancelled.
    cancelling: futures::lock::Mutex<PutBack>,
    setup: Mutex<Option<SetupLink>>,
    throttle: Throttle,
    trail: Trail,
    uses: Mutex<Uses>,
    diary: Mutex<Diary>,
    bootstrapped: Mutex<diary::Finished>,
    /// What makes keys and certificates, if this server does.
    issuer: Option<Arc<dyn Issuer>>,
    /// Grows with each change of what is trusted.
    trust_version: AtomicU64,
    /// The classes, read once and held while they change: handshakes ask.
    classes: futures::lock::Mutex<Option<class_policy::Classes>>,
    /// The bytes of artefacts, and how they come here.
    blobs: Arc<dyn Blobs>,
    uploads: Uploads,
    /// Held while artefacts are added or removed, so that no bytes are forgotten that somebody is about to refer to.
    artefacts_guard: futures::lock::Mutex<()>,
    measured: futures::lock::Mutex<BTreeMap<ArtefactId, clearing::Kept>>,
    /// What rules say of the devices.
    membership: Membership,
    /// What classes wish to be told of.
    wanted: Wanted,
    /// The updates that go on.
    updating: Updating,
    /// Where devices stand that are to be set to something.
    configuring: Configuring,
    /// By what devices may fetch.
    downloads: std::sync::OnceLock<Offers>,
    /// Held while accounts change, so that no two administrators take each other's role at the same moment.
    people: futures::lock::Mutex<()>,
}

/// Fills a slice with bytes that nobody can guess.
type Entropy = Box<dyn Fn(&mut [u8]) + Send + Sync>;

/// A device with all that its page shows.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceDetail {
    /// The device and its registration.
    pub view: DeviceView,
    /// Whether it can be reached now.
    pub presence: Presence,
    /// Its live observations, in the order of the paths.
    pub observations: Vec<Observation>,
    /// The latest reading of each resource, in the order of the paths.
    pub readings: Vec<StoredReading>,
    /// Its labels.
    pub labels: Labels,
    /// The groups it is in, the highest rank first.
    pub groups: Vec<Group>,
}

impl Fleet {
    /// Puts the verbs together.
    ///
    /// `library` holds the object definitions in use, and `folder` reads those that come with the server and those of
    /// its folder; [`Fleet::load_models`] is to be called once before the first device is served. `entropy` fills a slice
    /// with bytes that nobody can guess.
    pub fn new(
        store: Arc<dyn Store>,
        downlink: Arc<dyn Downlink>,
        library: Library,
        folder: ModelFolder,
        feed: Feed,
        entropy: Entropy,
    ) -> Self {
        Self {
            store,
            downlink,
            models: models::Models::new(folder, library.current()),
            library,
            feed,
            entropy,
            last_operation: Mutex::default(),
            recent: Mutex::default(),
            cancelling: futures::lock::Mutex::default(),
            setup: Mutex::default(),
            throttle: Throttle::default(),
            trail: Trail::default(),
            uses: Mutex::default(),
            diary: Mutex::default(),
            bootstrapped: Mutex::default(),
            issuer: None,
            trust_version: AtomicU64::new(0),
            classes: futures::lock::Mutex::default(),
            blobs: Arc::new(MemoryBlobs::new()),
            uploads: Uploads::new(Upload::MAX_BYTES),
            artefacts_guard: futures::lock::Mutex::default(),
            measured: futures::lock::Mutex::default(),
            membership: Membership::default(),
            wanted: Wanted::default(),
            updating: Updating::default(),
            configuring: Configuring::default(),
            downloads: std::sync::OnceLock::new(),
            people: futures::lock::Mutex::default(),
        }
    }

    /// Lets keys and certificates be made here. Without it, those that people give are taken.
    #[must_use]
    pub fn with_issuer(self, issuer: Arc<dyn Issuer>) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// Keeps the bytes of artefacts there, of so many an image or an envelope at most. Without it they are kept in memory.
    #[must_use]
    pub fn with_blobs(self, blobs: Arc<dyn Blobs>, max_bytes: u64) -> Self {
        Self { blobs, uploads: Uploads::new(max_bytes), ..self }
    }

    /// The object definitions of the moment.
    pub fn registry(&self) -> Arc<Registry> {
        self.library.current()
    }

    /// What keeps the store from writing: said to everybody, for it holds nothing of anybody.
    pub fn trouble(&self) -> Option<Trouble> {
        self.store.trouble()
    }

    /// Counts over the fleet.
    pub async fn overview(&self, context: &Context) -> Result<Overview, FleetError> {
        self.demand(context, Permission::View, "overview").await?;
        Ok(self.store.overview().await?)
    }

    /// A page of devices.
    pub async fn devices(
        &self,
        context: &Context,
        query: &DeviceQuery,
    ) -> Result<Page<DeviceSummary>, FleetError> {
        self.demand(context, Permission::View, "devices").await?;
        Ok(self.store.devices(query).await?)
    }

    /// One device, with its observations and its latest readings.
    pub async fn device(&self, context: &Context, id: PublicId) -> Result<DeviceDetail, FleetError> {
        self.demand(context, Permission::View, "device").await?;
        let view = self.view(id).await?;
        let device = view.device.id;
        Ok(DeviceDetail {
            presence: self.downlink.presence(device).await,
            observations: self.store.observations(device).await?,
            readings: self.store.latest(device, Path::Root).await?,
            labels: self.store.labels(device).await?,
            groups: self.groups_of(device).await?,
            view,
        })
    }

    /// The readings of one resource or resource instance, newest first.
    pub async fn history(
        &self,
        context: &Context,
        id: PublicId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, FleetError> {
        self.demand(context, Permission::View, "history").await?;
        let device = self.view(id).await?.device.id;
        Ok(self.store.history(device, path, limit).await?)
    }

    /// What happened to a device, newest first.
    pub async fn timeline(
        &self,
        context: &Context,
        id: PublicId,
        page: &PageRequest,
    ) -> Result<Page<TimelineRecord>, FleetError> {
        self.demand(context, Permission::View, "timeline").await?;
        let device = self.view(id).await?.device.id;
        Ok(self.store.timeline(device, page).await?)
    }

    /// The operations of a device, newest first.
    pub async fn operations(
        &self,
        context: &Context,
        id: PublicId,
        page: &PageRequest,
    ) -> Result<Page<OperationRecord>, FleetError> {
        self.demand(context, Permission::View, "operations").await?;
        let device = self.view(id).await?.device.id;
        let mut page = self.store.operations(device, page).await?;
        page.rows.iter_mut().for_each(OperationRecord::veil);
        Ok(page)
    }

    /// One device by its name, removed or not.
    pub async fn device_by_endpoint(
        &self,
        context: &Context,
        endpoint: &EndpointName,
    ) -> Result<DeviceView, FleetError> {
        self.demand(context, Permission::View, "device by endpoint").await?;
        self.store.device_by_endpoint(endpoint).await?.ok_or(FleetError::NotFound("device"))
    }

    /// What people did, newest first.
    pub async fn audit(
        &self,
        context: &Context,
        query: &AuditQuery,
    ) -> Result<Page<AuditRecord>, FleetError> {
        self.demand(context, Permission::Administer, "audit").await?;
        Ok(self.store.audit(query).await?)
    }

    /// Writes down that somebody takes data out of here: `what` names the list, such as `devices`. To be called before
    /// the first row of an export.
    pub async fn export(&self, context: &Context, what: &'static str) -> Result<(), FleetError> {
        self.demand(context, Permission::View, "export").await?;
        self.trail.push(&*self.store, AuditEntry::by(context, Verb::Export, None, what.to_owned())).await?;
        Ok(())
    }

    /// Watches what happens from now on.
    pub async fn subscribe(&self, context: &Context) -> Result<Subscription, FleetError> {
        self.demand(context, Permission::View, "subscribe").await?;
        Ok(self.feed.subscribe())
    }

    /// Writes what waits to be written together: audit entries, and when credentials and tokens were used last. To be
    /// called every second or so, and at the end.
    pub async fn flush_audit(&self) -> Result<(), FleetError> {
        self.trail.flush(&*self.store).await?;
        self.flush_uses().await
    }

    /// Refuses who may not, and writes that down.
    async fn demand(
        &self,
        context: &Context,
        permission: Permission,
        verb: &'static str,
    ) -> Result<(), FleetError> {
        if context.actor.may(permission) {
            return Ok(());
        }
        let entry = AuditEntry::by(context, Verb::Denied, None, verb.to_owned());
        self.trail.push(&*self.store, entry).await?;
        Err(FleetError::Forbidden)
    }

    async fn view(&self, id: PublicId) -> Result<DeviceView, FleetError> {
        self.store.device(id).await?.ok_or(FleetError::NotFound("device"))
    }

    /// A device that is not removed.
    async fn enrolled(&self, id: PublicId) -> Result<DeviceView, FleetError> {
        let view = self.view(id).await?;
        if view.device.removed_at.is_some() { Err(FleetError::NotFound("device")) } else { Ok(view) }
    }

    /// Commits what adds devices or credentials, and lets the hot state follow. A conflict says that `what` is there.
    async fn commit_and_follow(&self, commit: Commit, what: &'static str) -> Result<Committed, FleetError> {
        let commit = Arc::new(commit);
        let committed =
            self.store.commit(Commit::clone(&commit)).await.map_err(|error| taken(error, what))?;
        self.configuration_follows(&commit);
        self.downlink.follow(commit).await;
        Ok(committed)
    }

    /// Commits what changes something that was read and is held, and forgets it: also where the commit fails, for then it is not
    /// known whether it was kept.
    async fn commit_forgetting<T>(
        &self,
        held: &futures::lock::Mutex<Option<T>>,
        commit: Commit,
    ) -> Result<Committed, StoreError> {
        let mut held = held.lock().await;
        let committed = self.store.commit(commit).await;
        *held = None;
        committed
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// A row's number: positive and not to be guessed.
    fn random_id(&self) -> i64 {
        i64::from_be_bytes(self.random()) & i64::MAX
    }

    fn random_request(&self) -> RequestId {
        RequestId::from_random(self.random())
    }
}

/// What a conflict means where `what` was to be added.
fn taken(error: StoreError, what: &'static str) -> FleetError {
    match error {
        StoreError::Conflict => FleetError::AlreadyThere(what),
        other => other.into(),
    }
}

/// An entry of the security timeline, by what the actor of `context` does.
fn timeline(context: &Context, device: crate::DeviceId, kind: TimelineKind, detail: &str) -> Change {
    Change::Timeline(TimelineEntry::new(device, context.now, kind, Some(context.request), detail))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
