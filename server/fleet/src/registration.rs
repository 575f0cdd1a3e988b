//! Registrations: what a device says of itself and for how long it holds. The rules are pure functions.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use objects::{Version, link::ObjectLinks};

use crate::{DeviceId, EndpointName, EndpointNameError, ListenerId, NodeId, RegistrationId, Timestamp};

/// A device's live registration.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Whose it is.
    pub device: DeviceId,
    /// Its location.
    pub id: RegistrationId,
    /// The enabler version the device speaks.
    pub lwm2m: Version,
    /// How long it lives after the last Register or Update.
    pub lifetime: Lifetime,
    /// How the device is reached.
    pub binding: Binding,
    /// The number for the SMS binding, as the device gave it.
    pub sms_number: Option<String>,
    /// The objects and instances the device has.
    pub links: Arc<ObjectLinks>,
    /// Parameters that LwM2M does not know, kept as they came; at most [`Register::MAX_EXTRA`].
    pub extra: Vec<(String, String)>,
    /// Where the last Register or Update came from.
    pub source: Source,
    /// When it was made.
    pub registered_at: Timestamp,
    /// The last Register or Update.
    pub updated_at: Timestamp,
    /// When it ends unless it is updated.
    pub expires_at: Timestamp,
    /// The node that owns it.
    pub node: NodeId,
    /// Grows with each registration of the device, so that a stale owner's writes are refused.
    pub epoch: i64,
}

/// Where a datagram came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The socket it arrived at.
    pub listener: ListenerId,
    /// The sender's address.
    pub address: SocketAddr,
}

/// `lt`, in seconds. LwM2M Core 1.1.1 §6.2.1.2; 86 400 where a device gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(pub u32);

/// `b` and `Q`: the transports a device listens on, and whether it sleeps (LwM2M Core 1.1.1 §6.2.1.2, 1.0 §5.3.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The letters of the transports as the device gave them, without the Q of LwM2M 1.0: `U`, `UT`, `S`, `US`, ….
    pub transports: String,
    /// Whether it asked for queue mode.
    pub queue_mode: bool,
}

/// A Register request that is well-formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Register {
    /// `ep`; since LwM2M 1.1 it may be left to the security layer's identity.
    pub endpoint: Option<EndpointName>,
    /// `lwm2m`.
    pub lwm2m: Version,
    /// `lt`.
    pub lifetime: Lifetime,
    /// `b`, `Q`.
    pub binding: Binding,
    /// `sms`.
    pub sms_number: Option<String>,
    /// The payload.
    pub links: ObjectLinks,
    /// Whatever else stood in the query.
    pub extra: Vec<(String, String)>,
}

/// An Update request that is well-formed; what is absent stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// `lt`.
    pub lifetime: Option<Lifetime>,
    /// `b` as it was written; whether it fits depends on the registration's version.
    pub binding: Option<String>,
    /// `Q` was there.
    pub queue_mode: bool,
    /// `sms`.
    pub sms_number: Option<String>,
    /// The payload, which replaces the list.
    pub links: Option<ObjectLinks>,
}
