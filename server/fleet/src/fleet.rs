//! The verbs: what people and programs do. Console, REST and command line call these and nothing else.
//!
//! Each verb takes a [`Context`] first, asks whether its actor may, and writes what the actor did to the audit log.
//! Here are the verbs that look; `operate` holds those that ask something of a device, `people` those on accounts.

use std::sync::{Arc, Mutex};

use objects::{Path, Registry};

use crate::{
    AuditEntry, AuditRecord, Context, Downlink, Feed, FleetError, Observation, OperationId, OperationRecord,
    Permission, Presence, PublicId, SetupLink, Store, StoredReading, Subscription, TimelineRecord, Verb,
    store::{DeviceQuery, DeviceSummary, DeviceView, Overview, Page, PageRequest},
};

mod operate;
pub use operate::{Operated, OperationView};

mod people;

mod recent;
use recent::Recent;

mod throttle;
use throttle::Throttle;
pub use throttle::{LoginBounds, LoginPermit};

mod trail;
pub use trail::AuditTrail;
use trail::Trail;

/// The fleet as its administrators see it.
pub struct Fleet {
    store: Arc<dyn Store>,
    downlink: Arc<dyn Downlink>,
    registry: Arc<Registry>,
    feed: Feed,
    entropy: Entropy,
    last_operation: Mutex<Option<OperationId>>,
    recent: Mutex<Recent>,
    setup: Mutex<Option<SetupLink>>,
    throttle: Throttle,
    trail: Trail,
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
}

impl Fleet {
    /// Puts the verbs together. `entropy` fills a slice with bytes that nobody can guess.
    pub fn new(
        store: Arc<dyn Store>,
        downlink: Arc<dyn Downlink>,
        registry: Arc<Registry>,
        feed: Feed,
        entropy: Entropy,
    ) -> Self {
        Self {
            store,
            downlink,
            registry,
            feed,
            entropy,
            last_operation: Mutex::default(),
            recent: Mutex::default(),
            setup: Mutex::default(),
            throttle: Throttle::default(),
            trail: Trail::default(),
        }
    }

    /// The object definitions.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
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
        Ok(self.store.operations(device, page).await?)
    }

    /// What people did, newest first.
    pub async fn audit(
        &self,
        context: &Context,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, FleetError> {
        self.demand(context, Permission::Administer, "audit").await?;
        Ok(self.store.audit(page).await?)
    }

    /// Watches what happens from now on.
    pub async fn subscribe(&self, context: &Context) -> Result<Subscription, FleetError> {
        self.demand(context, Permission::View, "subscribe").await?;
        Ok(self.feed.subscribe())
    }

    /// Writes the audit entries that wait to be written together. To be called every second or so, and at the end.
    pub async fn flush_audit(&self) -> Result<(), FleetError> {
        Ok(self.trail.flush(&*self.store).await?)
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
}

#[cfg(test)]
mod tests;
