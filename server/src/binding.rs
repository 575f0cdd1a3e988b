//! The binding of LwM2M to CoAP (LwM2M Transport 1.1.1 §6): messages to [`fleet`] types and back.
//!
//! [`uplink`] reads what devices send, [`downlink`] writes operations and reads their answers, [`trace`] renders an
//! exchange for people. Nothing here keeps state, and no CoAP type goes further in than this.

pub(crate) mod bootstrap;
mod composite;
pub(crate) mod downlink;
pub(crate) mod peek;
pub(crate) mod rejection;
pub(crate) mod trace;
pub(crate) mod uplink;

use fleet::Registration;
use objects::{Models, Registry};

/// Calls `act` with the object models as this device has them.
pub(crate) fn with_models<R>(
    registry: &Registry,
    registration: &Registration,
    act: impl FnOnce(&Models<'_>) -> R,
) -> R {
    let versions = |object| registration.links.version_of(object, registration.lwm2m);
    act(&Models { registry, versions: &versions })
}
