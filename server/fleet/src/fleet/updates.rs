//! The verbs on updates: who begins, sees and ends them. What goes on by itself is in `updating`.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Artefact, ArtefactId, ArtefactKind, AuditEntry, Change, Commit, Context, Fleet, FleetError, Permission,
    PublicId, RequestId, StoreError, Timestamp, Verb,
    store::{DeviceView, Page, PageRequest, UpdateQuery},
    update::{Package, Update, UpdateChange, UpdateId, UpdatePhase, UpdateTarget, UpdateTerms},
};

/// What somebody wants devices to be updated with.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUpdate {
    /// With which artefact.
    pub artefact: ArtefactId,
    /// The instance of the software; none for firmware.
    pub instance: Option<objects::InstanceId>,
    /// How.
    pub terms: UpdateTerms,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
}

/// What became of one device of a list.
#[derive(Debug)]
pub struct UpdateBegun {
    /// Which device.
    pub device: PublicId,
    /// Its update, or why there is none.
    pub update: Result<Update, FleetError>,
}

impl NewUpdate {
    /// How many devices are taken at one time.
    pub const MAX_DEVICES: usize = 10_000;
}

impl Fleet {
    /// Begins to update devices. Each has its own answer: one that can't be updated keeps no other from it.
    ///
    /// Whether the artefact may go to a device is decided here, and again before its first byte is sent.
    pub async fn begin_updates(
        &self,
        context: &Context,
        wanted: &NewUpdate,
        devices: &[PublicId],
    ) -> Result<Vec<UpdateBegun>, FleetError> {
        self.demand(context, Permission::Operate, "begin updates").await?;
        wanted
            .terms
            .check()
            .map_err(|error| FleetError::Invalid { field: "terms", reason: error.to_string() })?;
        if devices.len() > NewUpdate::MAX_DEVICES {
            return Err(FleetError::TooMany { what: "devices", max: NewUpdate::MAX_DEVICES });
        }
        if wanted.ticket.as_ref().is_some_and(|ticket| ticket.chars().count() > Update::MAX_TICKET) {
            let reason = format!("a ticket has {} characters at most", Update::MAX_TICKET);
            return Err(FleetError::Invalid { field: "ticket", reason });
        }
        let artefact = self.artefact_row(wanted.artefact).await?;
        let target = target(&artefact, wanted)?;
        let mut begun = Vec::with_capacity(devices.len());
        for device in devices {
            let update = self.begin_update(context, wanted, &artefact, target, *device).await;
            begun.push(UpdateBegun { device: *device, update });
        }
        self.wake_updates();
        Ok(begun)
    }

    async fn begin_update(
        &self,
        context: &Context,
        wanted: &NewUpdate,
        artefact: &Artefact,
        target: UpdateTarget,
        device: PublicId,
    ) -> Result<Update, FleetError> {
        let view = self.enrolled(device).await?;
        let cleared =
            self.clear_artefact(artefact.id, view.device.id, target.instance_id(), context.now).await?;
        let update = self.new_update(context, wanted, artefact, target, &view, cleared.size());
        let object = format!("{} {} for {}", artefact.name, artefact.version, target.instance());
        let commit = Commit {
            changes: vec![Change::Update(UpdateChange::Begun(Box::new(update.clone())))],
            audit: vec![AuditEntry::by(context, Verb::BeginUpdate, Some(view.device.id), object)],
        };
        match self.store.commit(commit).await {
            Ok(_) => {}
            Err(StoreError::Conflict) => return Err(FleetError::AlreadyUpdating),
            Err(error) => return Err(error.into()),
        }
        self.note_update(&update);
        Ok(update)
    }

    fn new_update(
        &self,
        context: &Context,
        wanted: &NewUpdate,
        artefact: &Artefact,
        target: UpdateTarget,
        view: &DeviceView,
        size: u64,
    ) -> Update {
        let package = Package { artefact: artefact.id, version: artefact.version.clone(), size, target };
        let id = UpdateId::new(context.now, self.random());
        let device = (view.device.id, view.device.public_id);
        Update {
            terms: wanted.terms.clone(),
            requested_by: context.actor.name().to_owned(),
            ticket: wanted.ticket.clone().filter(|ticket| !ticket.is_empty()),
            ..Update::begins(id, context.now, context.request, device, package)
        }
    }

    /// A page of the updates, the newest first.
    pub async fn updates(&self, context: &Context, query: &UpdateQuery) -> Result<Page<Update>, FleetError> {
        self.demand(context, Permission::View, "updates").await?;
        let mut page = self.store.updates(query).await?;
        for update in &mut page.rows {
            self.overlay_progress(update);
        }
        Ok(page)
    }

    /// The updates of a device, the newest first.
    pub async fn updates_of(
        &self,
        context: &Context,
        device: PublicId,
        page: PageRequest,
    ) -> Result<Page<Update>, FleetError> {
        let device = Some(self.view(device).await?.device.id);
        self.updates(context, &UpdateQuery { device, ..UpdateQuery::all(page) }).await
    }

    /// How many updates there are in each phase, of one artefact or of all.
    pub async fn update_counts(
        &self,
        context: &Context,
        artefact: Option<ArtefactId>,
    ) -> Result<BTreeMap<UpdatePhase, u64>, FleetError> {
        self.demand(context, Permission::View, "updates").await?;
        Ok(self.store.update_counts(artefact).await?)
    }

    /// One update.
    pub async fn update(&self, context: &Context, id: UpdateId) -> Result<Update, FleetError> {
        self.demand(context, Permission::View, "update").await?;
        let mut update = self.store.update(id).await?.ok_or(FleetError::NotFound("update"))?;
        self.overlay_progress(&mut update);
        Ok(update)
    }

    /// Ends an update as soon as that can be: what a device installs already it goes on with.
    pub async fn cancel_update(&self, context: &Context, id: UpdateId) -> Result<(), FleetError> {
        let update =
            self.change_update(context, id, Verb::CancelUpdate, UpdateChange::Cancelling(id)).await?;
        if let Some((operation, _)) = update.asking {
            // Whether it waits or is on its way: what is known of it is looked at then.
            self.downlink.cancel(update.device, operation).await;
        }
        self.wake_updates();
        Ok(())
    }

    /// Lets a device off that rests because its updates have failed.
    pub async fn let_off(&self, context: &Context, id: UpdateId) -> Result<(), FleetError> {
        self.change_update(context, id, Verb::LetOff, UpdateChange::Rested(id)).await?;
        self.wake_updates();
        Ok(())
    }

    async fn change_update(
        &self,
        context: &Context,
        id: UpdateId,
        verb: Verb,
        change: UpdateChange,
    ) -> Result<Update, FleetError> {
        self.demand(context, Permission::Operate, verb.name()).await?;
        let update = self.store.update(id).await?.ok_or(FleetError::NotFound("update"))?;
        if update.has_ended() {
            return Err(FleetError::TooLate);
        }
        let object = format!("{} {}", update.target.instance(), update.version);
        let audit = vec![AuditEntry::by(context, verb, Some(update.device), object)];
        self.store.commit(Commit { changes: vec![Change::Update(change)], audit }).await?;
        self.hasten_update(id, context.now);
        Ok(update)
    }
}

/// How long ago a failure of a device counts, and how long it rests then.
pub(super) const RESTS_FOR: Duration = Duration::from_secs(24 * 3_600);
/// How many updates of a device may have failed in that time before it rests.
pub(super) const MAX_FAILED: usize = 3;

fn target(artefact: &Artefact, wanted: &NewUpdate) -> Result<UpdateTarget, FleetError> {
    let invalid = |reason: &str| FleetError::Invalid { field: "instance", reason: reason.to_owned() };
    match (artefact.kind, wanted.instance) {
        (ArtefactKind::Firmware, None) => Ok(UpdateTarget::Firmware),
        (ArtefactKind::Firmware, Some(_)) => Err(invalid("firmware has one instance, /5/0: leave it out")),
        (ArtefactKind::Software, Some(instance)) => Ok(UpdateTarget::Software(instance)),
        (ArtefactKind::Software, None) => Err(invalid("say which instance of /9 takes the software")),
    }
}

/// With which the engine acts, each time anew.
pub(super) fn engine(now: Timestamp, request: RequestId) -> Context {
    Context { actor: crate::Actor::Server("update"), now, request }
}
