//! What is asked of a store, and what it answers with.

use crate::{
    Binding, ClassId, Credential, Device, DeviceId, DeviceState, DiaryCause, GroupId, Label, Registration,
    Secret, Source, Timestamp, Verb,
};

/// A device with its registration.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceView {
    /// The device.
    pub device: Device,
    /// Whether it is registered.
    pub state: DeviceState,
    /// Its registration; the last one if it is not registered any more, none if it never was.
    pub registration: Option<Registration>,
    /// When it was last heard, by the last written batch.
    pub seen_at: Option<Timestamp>,
    /// Whether it has a credential that opens sessions.
    pub secured: bool,
    /// The name of its class.
    pub class_name: String,
}

/// A device's line in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSummary {
    /// The device.
    pub device: Device,
    /// Whether it is registered.
    pub state: DeviceState,
    /// Whether it has a credential that opens sessions.
    pub secured: bool,
    /// The name of its class.
    pub class_name: String,
    /// What it said of itself when it registered last; none if it never did.
    pub registered: Option<RegisteredSummary>,
}

/// What a line in a list says of a registration.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredSummary {
    /// Its enabler version.
    pub lwm2m: objects::Version,
    /// How it is reached.
    pub binding: Binding,
    /// Where it was last heard from.
    pub source: Source,
    /// When it was last heard, by the last written batch.
    pub seen_at: Timestamp,
    /// When its registration ends or ended.
    pub expires_at: Timestamp,
}

/// What an import finds; see [`Store::enrolled`](crate::Store::enrolled).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The devices.
    pub devices: Vec<Device>,
    /// The credentials, with their secrets.
    pub credentials: Vec<(Credential, Secret)>,
}

/// An uploaded object definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredModel {
    /// Of which object.
    pub object: objects::ObjectId,
    /// In which version.
    pub version: objects::Version,
    /// The file.
    pub xml: String,
}

/// Which devices, in which order.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceQuery {
    /// Only endpoint names that begin so.
    pub prefix: Option<String>,
    /// Only devices in this state; without it, all but the removed ones.
    pub state: Option<DeviceState>,
    /// Only devices of this class.
    pub class: Option<ClassId>,
    /// Only devices with a credential that opens sessions, or only those without.
    pub secured: Option<bool>,
    /// Only devices with this label; where it says nothing, with any of its key.
    pub label: Option<Label>,
    /// Only devices in this group.
    pub group: Option<GroupId>,
    /// In which order.
    pub order: DeviceOrder,
    /// Which page.
    pub page: PageRequest,
}

/// Which entries of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only what this actor did, by name.
    pub actor: Option<String>,
    /// Only this.
    pub verb: Option<Verb>,
    /// Only what was done to this device.
    pub device: Option<DeviceId>,
    /// Only from then on.
    pub since: Option<Timestamp>,
    /// Only before that.
    pub until: Option<Timestamp>,
    /// Which page.
    pub page: PageRequest,
}

/// Which entries of the connection diary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiaryQuery {
    /// Only of this cause.
    pub cause: Option<DiaryCause>,
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// Only of those that no device is known for (seen, unmanaged).
    pub unmanaged: bool,
    /// Which page.
    pub page: PageRequest,
}

/// The order of a device list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceOrder {
    /// By endpoint name.
    #[default]
    Endpoint,
    /// Last heard first.
    LastSeen,
}

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page before ended; none for the first page.
    pub after: Option<Cursor>,
    /// How many rows, at most [`PageRequest::MAX_LIMIT`].
    pub limit: usize,
}

/// Where a page ended: opaque, made by the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where to go on; none at the end.
    pub next: Option<Cursor>,
}

/// Counts over the fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Devices whose registration lives.
    pub registered: u64,
    /// Devices that said goodbye.
    pub deregistered: u64,
    /// Devices whose lifetime ran out.
    pub expired: u64,
    /// Devices that were added and have not registered yet.
    pub awaited: u64,
    /// Devices whose credential was revoked.
    pub revoked: u64,
    /// Entries of the connection diary.
    pub diary: u64,
    /// Operations that wait for their device.
    pub queued_operations: u64,
    /// Live observations.
    pub observations: u64,
}

impl DeviceQuery {
    /// All but the removed ones, by name.
    pub fn all(page: PageRequest) -> Self {
        Self {
            prefix: None,
            state: None,
            class: None,
            secured: None,
            label: None,
            group: None,
            order: DeviceOrder::Endpoint,
            page,
        }
    }
}

impl AuditQuery {
    /// All of it.
    pub fn all(page: PageRequest) -> Self {
        Self { actor: None, verb: None, device: None, since: None, until: None, page }
    }
}

impl DiaryQuery {
    /// All of it.
    pub fn all(page: PageRequest) -> Self {
        Self { cause: None, device: None, unmanaged: false, page }
    }
}

impl PageRequest {
    /// The longest page.
    pub const MAX_LIMIT: usize = 500;

    /// The first page of `limit` rows.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit: limit.min(Self::MAX_LIMIT) }
    }

    /// How many rows the page has at most: the limit, within 1 and [`PageRequest::MAX_LIMIT`].
    pub fn rows(&self) -> usize {
        self.limit.clamp(1, Self::MAX_LIMIT)
    }
}
