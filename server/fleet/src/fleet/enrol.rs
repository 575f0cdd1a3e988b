//! The verbs that let devices in and take them out.

use futures::future::join_all;

use super::{timeline, when::utc};
use crate::{
    AuditEntry, Change, Class, ClassId, Commit, Context, Device, DomainId, EndReason, Ending, EndpointName,
    Fleet, FleetError, GivenCredential, Holder, NewCredential, Permission, PublicId, Purpose, Shown,
    TimelineKind, Verb, store::DeviceView, timeline::one_line,
};

/// A device to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Its endpoint name.
    pub endpoint: EndpointName,
    /// Its class; the default class if none is given.
    pub class: Option<ClassId>,
    /// A credential for the bootstrap server, if it is to have one.
    pub bootstrap: Option<GivenCredential>,
    /// A credential for the management server, if it is to have one.
    pub management: Option<GivenCredential>,
}

/// A device that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The device.
    pub device: Device,
    /// Its credentials with their secrets; nobody is shown them again.
    pub shown: Vec<Shown>,
}

/// How a device is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whether its registration, values, timeline and operations are kept.
    pub keep_data: bool,
    /// Why; at most [`Removal::MAX_REASON`] bytes are kept.
    pub reason: String,
}

/// What became of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkReport {
    /// How many it was done to.
    pub done: u64,
    /// To whom it was not, and why.
    pub failed: Vec<(PublicId, String)>,
}

impl Removal {
    /// The longest reason, in bytes.
    pub const MAX_REASON: usize = 256;
    /// How many devices are removed by one call at most.
    pub const MAX_DEVICES: usize = 10_000;
    /// How many of them at one time.
    const TOGETHER: usize = 16;
}

impl Fleet {
    /// Adds a device, or one that was removed again under its name.
    ///
    /// What is left out of a credential is made: a key of random bytes; as identity the endpoint name for the bootstrap
    /// server, if it is free and short enough, and a random one otherwise.
    /// [`FleetError::AlreadyThere`] of a `device` or a `credential`.
    pub async fn add_device(&self, context: &Context, new: NewDevice) -> Result<Enrolled, FleetError> {
        self.demand(context, Permission::Administer, "add device").await?;
        let class = new.class.unwrap_or(ClassId::DEFAULT);
        let of_class = self.class(class).await?;
        let there = self.store.device_by_endpoint(&new.endpoint).await?.map(|view| view.device);
        let (device, again) = match there {
            Some(device) if device.removed_at.is_none() => return Err(FleetError::AlreadyThere("device")),
            Some(device) => (Device { class, removed_at: None, ..device }, true),
            None => {
                let ids = self.downlink.reserve(1).await;
                let id = ids.and_then(|ids| ids.first().copied()).ok_or(FleetError::FleetFull)?;
                (self.new_device(context, id, class, new.endpoint), false)
            }
        };
        let (mut credentials, mut issued) = (Vec::<NewCredential>::new(), Vec::new());
        for (purpose, given) in [(Purpose::Bootstrap, new.bootstrap), (Purpose::Management, new.management)] {
            let Some(given) = given else { continue };
            let named = purpose == Purpose::Bootstrap;
            let made = self.make(context, given, &device.endpoint, &of_class, named).await?;
            if credentials.iter().any(|other| other.credential.identity == made.name) {
                return Err(FleetError::AlreadyThere("credential"));
            }
            issued.push(made.issued.clone());
            credentials.push(self.new_credential(context, Holder::Device(device.id), purpose, made, None));
        }
        let mut commit = Commit::default();
        self.enrol(context, &mut commit, &device, again, &credentials);
        for new in &credentials {
            commit.audit.push(AuditEntry::by(context, Verb::AddCredential, Some(device.id), name_of(new)));
        }
        let object = device.endpoint.to_string();
        commit.audit.push(AuditEntry::by(context, Verb::AddDevice, Some(device.id), object));
        self.commit_and_follow(commit, "device").await?;
        self.evaluate(context.now, &[device.id]).await?;
        let shown = credentials.into_iter().map(Shown::from).zip(issued);
        let shown = shown.map(|(shown, issued)| Shown { issued, ..shown }).collect();
        Ok(Enrolled { device, shown })
    }

    /// Puts a device into another class: from its next bootstrap on it is given what that class is given. Sessions that were
    /// opened by what that class does not let in end.
    pub async fn classify_device(
        &self,
        context: &Context,
        id: PublicId,
        class: ClassId,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "classify device").await?;
        let device = self.enrolled(id).await?.device.id;
        let Class { name, policy, .. } = self.class(class).await?;
        let detail = format!("put into the class {name} by {}", context.actor.name());
        let commit = Commit {
            changes: vec![
                Change::DeviceClassified { device, class },
                timeline(context, device, TimelineKind::Enrolment, &detail),
            ],
            audit: vec![AuditEntry::by(context, Verb::ClassifyDevice, Some(device), name)],
        };
        self.commit_and_follow(commit, "device").await?;
        self.end_barred_of(device, &policy).await?;
        self.look_at_wishes_of(&[device]);
        self.evaluate(context.now, &[device]).await.map(drop)
    }

    /// Ends the sessions of a device that were opened by what its class does not let in.
    pub(super) async fn end_barred_of(
        &self,
        device: crate::DeviceId,
        policy: &crate::ClassPolicy,
    ) -> Result<(), FleetError> {
        let credentials = self.store.credentials(device).await?.into_iter();
        let barred = credentials.filter(|one| one.state.opens() && !policy.allows(one.kind));
        self.drop_sessions(&barred.map(|one| one.id).collect::<Vec<_>>()).await
    }

    /// Removes a device: its credentials are revoked, its registration and sessions end, what waits for it is cancelled.
    /// Its name comes back only by [`Fleet::add_device`] or [`Fleet::import`].
    pub async fn remove_device(
        &self,
        context: &Context,
        id: PublicId,
        removal: Removal,
    ) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "remove device").await?;
        let reason = reason(&removal.reason)?;
        self.remove(context, id, removal.keep_data, &reason).await
    }

    /// Removes devices, at most [`Removal::MAX_DEVICES`]; one that can't be removed keeps none of the others.
    pub async fn remove_devices(
        &self,
        context: &Context,
        ids: Vec<PublicId>,
        removal: Removal,
    ) -> Result<BulkReport, FleetError> {
        self.demand(context, Permission::Administer, "remove devices").await?;
        let reason = reason(&removal.reason)?;
        if ids.len() > Removal::MAX_DEVICES {
            let reason = format!("at most {} devices at one time", Removal::MAX_DEVICES);
            return Err(FleetError::Invalid { field: "devices", reason });
        }
        let mut report = BulkReport::default();
        for group in ids.chunks(Removal::TOGETHER) {
            let each = group.iter().map(|id| self.remove(context, *id, removal.keep_data, &reason));
            for (id, removed) in group.iter().zip(join_all(each).await) {
                match removed {
                    Ok(()) => report.done += 1,
                    Err(error) => report.failed.push((*id, error.to_string())),
                }
            }
        }
        Ok(report)
    }

    async fn remove(
        &self,
        context: &Context,
        id: PublicId,
        keep_data: bool,
        reason: &str,
    ) -> Result<(), FleetError> {
        let DeviceView { device, .. } = self.enrolled(id).await?;
        let held = self.store.credentials(device.id).await?;
        let mut changes = vec![Change::DeviceRemoved { device: device.id, at: context.now, keep_data }];
        if keep_data {
            let detail = format!("removed by {}: {reason}", context.actor.name());
            changes.push(timeline(context, device.id, TimelineKind::Enrolment, &detail));
        }
        let how = if keep_data { "its data is kept" } else { "its data is deleted" };
        let object = format!("{}; {how}; {reason}", device.endpoint);
        let ending = Ending {
            device: device.id,
            credentials: held.iter().map(|credential| credential.id).collect(),
            reason: EndReason::Removed,
            commit: Commit {
                changes,
                audit: vec![AuditEntry::by(context, Verb::RemoveDevice, Some(device.id), object)],
            },
        };
        Ok(self.downlink.end(ending).await?)
    }

    /// The changes that let a device in with its credentials.
    pub(super) fn enrol(
        &self,
        context: &Context,
        commit: &mut Commit,
        device: &Device,
        again: bool,
        credentials: &[NewCredential],
    ) {
        let detail = match again {
            true => format!("added again by {}", context.actor.name()),
            false => format!("added by {}", context.actor.name()),
        };
        commit.changes.push(match again {
            true => Change::DeviceEnrolledAgain { device: device.id, class: device.class },
            false => Change::DeviceAdded(device.clone()),
        });
        commit.changes.push(timeline(context, device.id, TimelineKind::Enrolment, &detail));
        for new in credentials {
            let detail = format!("{} made by {}", name_of(new), context.actor.name());
            commit.changes.push(Change::CredentialAdded(Box::new(new.clone())));
            commit.changes.push(timeline(context, device.id, TimelineKind::Credential, &detail));
        }
    }

    pub(super) fn new_device(
        &self,
        context: &Context,
        id: crate::DeviceId,
        class: ClassId,
        endpoint: EndpointName,
    ) -> Device {
        Device {
            id,
            public_id: PublicId::from_random(self.random()),
            domain: DomainId::ROOT,
            class,
            endpoint,
            created_at: context.now,
            removed_at: None,
        }
    }
}

/// What a credential is called in the audit log and the timeline.
fn name_of(new: &NewCredential) -> String {
    super::credentials::name_of(&new.credential)
}

/// A reason that somebody gave, as one line.
pub(super) fn reason(text: &str) -> Result<String, FleetError> {
    let line = one_line(text.trim(), Removal::MAX_REASON);
    if line.is_empty() {
        let reason = "say why, in a few words: it stands in the audit log".to_owned();
        return Err(FleetError::Invalid { field: "reason", reason });
    }
    Ok(line)
}

/// Since when a device is removed, for the diary.
pub(super) fn removed_since(device: &Device) -> Option<String> {
    device.removed_at.map(|at| format!("{} was removed on {}", device.endpoint, utc(at)))
}
