//! Devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GivenCredential, Labels, ShownCredential, Time};

words! {
    /// Whether a device is registered.
    DeviceState = DeviceState {
        /// Its registration lives.
        Registered,
        /// It said goodbye.
        Deregistered,
        /// Its lifetime ran out.
        Expired,
        /// It was added and has not registered yet.
        Awaited,
        /// Its credential was revoked.
        Revoked,
        /// It was removed.
        Removed,
    }
}

words! {
    /// Whether a device can be reached now.
    Presence = Presence {
        /// Registered and listening.
        Awake,
        /// Registered in queue mode, and not heard of late.
        Asleep,
        /// Not registered.
        NotRegistered,
    }
}

/// A device's line in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The name of its class.
    #[schema(example = "default")]
    pub class: String,
    /// Whether it is registered.
    pub state: DeviceState,
    /// Whether it has a credential that opens sessions.
    pub secured: bool,
    /// Its labels: texts by keys.
    #[serde(default)]
    #[schema(example = json!({"site": "zurich"}))]
    pub labels: BTreeMap<String, String>,
    /// When it was first known.
    pub created_at: Time,
    /// When it was removed, if it was.
    pub removed_at: Option<Time>,
    /// The enabler version of its last registration.
    #[schema(example = "1.1")]
    pub lwm2m: Option<String>,
    /// Whether it sleeps (queue mode).
    pub queue_mode: Option<bool>,
    /// Where it was last heard from.
    #[schema(example = "192.0.2.7:56830")]
    pub address: Option<String>,
    /// When it was last heard.
    pub seen_at: Option<Time>,
    /// When its registration ends or ended.
    pub expires_at: Option<Time>,
}

/// A device with its registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetail {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The name of its class.
    #[schema(example = "default")]
    pub class: String,
    /// Whether it is registered.
    pub state: DeviceState,
    /// Whether it can be reached now.
    pub presence: Presence,
    /// Whether it has a credential that opens sessions.
    pub secured: bool,
    /// Its labels: texts by keys.
    #[schema(example = json!({"site": "zurich"}))]
    pub labels: BTreeMap<String, String>,
    /// The names of the groups it is in, the highest rank first.
    #[schema(example = json!(["low batteries"]))]
    pub groups: Vec<String>,
    /// When it was first known.
    pub created_at: Time,
    /// When it was removed, if it was.
    pub removed_at: Option<Time>,
    /// When it was last heard.
    pub seen_at: Option<Time>,
    /// Its registration; the last one if it is not registered any more, none if it never was.
    pub registration: Option<Registration>,
}

/// What a device said of itself when it registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registration {
    /// The last segment of its location, `/rd/…`.
    #[schema(example = "0011223344556677")]
    pub id: String,
    /// The enabler version.
    #[schema(example = "1.1")]
    pub lwm2m: String,
    /// How long it lives after the last Register or Update.
    #[schema(example = 300)]
    pub lifetime_seconds: u32,
    /// The transports it listens on, as letters.
    #[schema(example = "U")]
    pub transports: String,
    /// Whether it sleeps (queue mode).
    pub queue_mode: bool,
    /// The number for the SMS binding.
    pub sms_number: Option<String>,
    /// Where it was last heard from.
    #[schema(example = "192.0.2.7:56830")]
    pub address: String,
    /// Whether it came by a secure session.
    pub secure: bool,
    /// The objects and instances it has.
    pub objects: Vec<RegisteredObject>,
    /// Parameters that LwM2M does not know, as they came.
    pub extra: Vec<(String, String)>,
    /// When it was made.
    pub registered_at: Time,
    /// The last Register or Update.
    pub updated_at: Time,
    /// When it ends unless it is updated.
    pub expires_at: Time,
}

/// An object that a device has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredObject {
    /// Which.
    #[schema(example = 3)]
    pub object: u16,
    /// In which version.
    #[schema(example = "1.1")]
    pub version: String,
    /// Its instances.
    #[schema(example = json!([0]))]
    pub instances: Vec<u16>,
}

/// A device to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"endpoint": "node-7", "class": "default", "bootstrap": {}}))]
pub struct NewDevice {
    /// Its endpoint name: 1 to 252 bytes.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The name of its class; the class `default` if nothing is said.
    #[schema(example = "default")]
    pub class: Option<String>,
    /// A credential for the bootstrap server, if it is to have one; `{}` makes a pre-shared key.
    pub bootstrap: Option<GivenCredential>,
    /// A credential for the management server, if it is to have one; `{}` makes a pre-shared key.
    pub management: Option<GivenCredential>,
}

/// A device that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Enrolled {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The name of its class.
    #[schema(example = "default")]
    pub class: String,
    /// Its credentials with their keys.
    pub credentials: Vec<ShownCredential>,
}

/// The class a device belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// The class's name.
    #[schema(example = "default")]
    pub class: String,
}

/// Devices to remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRemoval {
    /// Their ids, at most 10 000.
    #[schema(example = json!(["5f0c7a52d1f34d5b8d6f2f2a9f3f4c11"]))]
    pub devices: Vec<String>,
    /// Whether their values, timelines and operations are kept.
    #[serde(default)]
    pub keep_data: bool,
    /// Why, in a few words; it stands in the audit log.
    #[schema(example = "decommissioned")]
    pub reason: String,
}

/// What became of many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkReport {
    /// How many it was done to.
    pub done: u64,
    /// To whom it was not.
    pub failed: Vec<BulkFailure>,
}

/// One that it was not done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkFailure {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// Why not.
    #[schema(example = "there is no such device")]
    pub reason: String,
}

impl Device {
    /// A line of the list; none of the labels if it has none.
    pub(crate) fn of(summary: fleet::store::DeviceSummary, labels: Option<&fleet::Labels>) -> Self {
        let fleet::store::DeviceSummary { device, state, secured, class_name, registered } = summary;
        let registered = registered.as_ref();
        Self {
            id: device.public_id.to_string(),
            endpoint: device.endpoint.to_string(),
            class: class_name,
            state: state.into(),
            secured,
            labels: labels.map(|labels| Labels::from(labels).labels).unwrap_or_default(),
            created_at: device.created_at.into(),
            removed_at: device.removed_at.map(Time::from),
            lwm2m: registered.map(|registered| registered.lwm2m.to_string()),
            queue_mode: registered.map(|registered| registered.binding.queue_mode),
            address: registered.map(|registered| registered.source.address.to_string()),
            seen_at: registered.map(|registered| registered.seen_at.into()),
            expires_at: registered.map(|registered| registered.expires_at.into()),
        }
    }

    /// The same of one that was named.
    pub(crate) fn one(view: fleet::store::DeviceView, labels: Option<&fleet::Labels>) -> Self {
        let fleet::store::DeviceView { device, state, registration, seen_at, secured, class_name } = view;
        let registered = registration.as_ref();
        Self {
            id: device.public_id.to_string(),
            endpoint: device.endpoint.to_string(),
            class: class_name,
            state: state.into(),
            secured,
            labels: labels.map(|labels| Labels::from(labels).labels).unwrap_or_default(),
            created_at: device.created_at.into(),
            removed_at: device.removed_at.map(Time::from),
            lwm2m: registered.map(|registration| registration.lwm2m.to_string()),
            queue_mode: registered.map(|registration| registration.binding.queue_mode),
            address: registered.map(|registration| registration.source.address.to_string()),
            seen_at: seen_at.map(Time::from),
            expires_at: registered.map(|registration| registration.expires_at.into()),
        }
    }
}

impl DeviceDetail {
    pub(crate) fn of(detail: fleet::DeviceDetail) -> Self {
        let fleet::store::DeviceView { device, state, registration, seen_at, secured, class_name } =
            detail.view;
        Self {
            id: device.public_id.to_string(),
            endpoint: device.endpoint.to_string(),
            class: class_name,
            state: state.into(),
            presence: detail.presence.into(),
            secured,
            labels: Labels::from(&detail.labels).labels,
            groups: detail.groups.into_iter().map(|group| group.name).collect(),
            created_at: device.created_at.into(),
            removed_at: device.removed_at.map(Time::from),
            seen_at: seen_at.map(Time::from),
            registration: registration.map(Registration::from),
        }
    }
}

impl From<fleet::Registration> for Registration {
    fn from(registration: fleet::Registration) -> Self {
        let objects = registration.links.objects.iter().map(|(object, entry)| RegisteredObject {
            object: object.0,
            version: registration.links.version_of(*object, registration.lwm2m).to_string(),
            instances: entry.instances.iter().map(|instance| instance.0).collect(),
        });
        Self {
            id: registration.id.to_string(),
            lwm2m: registration.lwm2m.to_string(),
            lifetime_seconds: registration.lifetime.0,
            objects: objects.collect(),
            transports: registration.binding.transports,
            queue_mode: registration.binding.queue_mode,
            sms_number: registration.sms_number,
            address: registration.source.address.to_string(),
            secure: registration.credential.is_some(),
            extra: registration.extra,
            registered_at: registration.registered_at.into(),
            updated_at: registration.updated_at.into(),
            expires_at: registration.expires_at.into(),
        }
    }
}

impl From<fleet::BulkReport> for BulkReport {
    fn from(report: fleet::BulkReport) -> Self {
        let failure =
            |(id, reason): (fleet::PublicId, String)| BulkFailure { device: id.to_string(), reason };
        Self { done: report.done, failed: report.failed.into_iter().map(failure).collect() }
    }
}
