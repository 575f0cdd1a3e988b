//! Registrations: what a device says of itself and for how long it holds.
//!
//! Start with [`Register::parse`], which reads a request, and with [`Registration`], what comes of it. The rules that
//! lead from one to the other are pure functions; the [`Roster`](crate::Roster) applies them.

mod binding;
pub use binding::BindingError;

mod malformed;
pub use malformed::Malformed;

mod parse;

pub(crate) mod rules;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use objects::{Path, Version, link::ObjectLinks};

use crate::{
    CredentialId, DeviceId, EndpointName, Identity, ListenerId, NodeId, RegistrationId, Target, Timestamp,
};

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
    /// What its sender had proved to hold; none over plain CoAP.
    pub credential: Option<CredentialId>,
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

/// Where a datagram came from, and who its sender has proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The way it came.
    pub source: Source,
    /// Whom the secure session was opened by; none over plain CoAP.
    pub identity: Option<Identity>,
}

/// `lt`, in seconds. LwM2M Core 1.1.1 §6.2.1; 86 400 where a device gives none.
///
/// Never 0: only LwM2M 1.2 gives that a meaning (a registration without an end), so that a 1.0 or 1.1 device that asks
/// for it is told that its request is malformed, instead of being forgotten as soon as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lifetime(pub u32);

/// `b` and `Q`: the transports a device listens on, and whether it sleeps (LwM2M Core 1.1.1 §6.2.1.2, 1.0.2 §5.3.1.1).
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

impl From<Source> for Origin {
    /// Over plain CoAP, by somebody who proves nothing.
    fn from(source: Source) -> Self {
        Self { source, identity: None }
    }
}

impl Registration {
    /// Whether a path lies in the objects and instances that the device registered.
    pub fn covers(&self, path: Path) -> bool {
        rules::covers(&self.links, path)
    }

    /// Whether it has a part of a target: what it does not have a device leaves out of a composite.
    pub fn covers_some(&self, target: &Target) -> bool {
        target.paths().iter().any(|path| *path == Path::Root || self.covers(*path))
    }
}

impl Lifetime {
    /// What a device gets that names none (LwM2M Core 1.1.1 §6.2.1).
    pub const DEFAULT: Self = Self(86_400);

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl Register {
    /// How many parameters that LwM2M does not know are kept; a request with more is refused.
    pub const MAX_EXTRA: usize = 16;
    /// How many bytes one parameter has at most, its name included (RFC 7252 §5.10, Uri-Query).
    pub const MAX_PARAMETER_BYTES: usize = 255;
    /// How many bytes `sms` has at most: E.164 has 15 digits, the rest is for the ways of writing them.
    pub const MAX_SMS_NUMBER_BYTES: usize = 32;
}
