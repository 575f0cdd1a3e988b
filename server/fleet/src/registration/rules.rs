//! The rules: what a registration becomes by a Register or an Update. Pure.

use std::sync::Arc;

use objects::{ObjectId, Path, link::ObjectLinks};

use super::{Binding, Malformed, Origin, Register, Registration, Update};
use crate::{DeviceId, NodeId, RegistrationId, Timestamp};

/// What a registration gets from the server and not from the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) device: DeviceId,
    pub(crate) id: RegistrationId,
    pub(crate) node: NodeId,
    pub(crate) epoch: i64,
}

/// The registration that a Register asks for. It has nothing from one before it (LwM2M Core 1.1.1 §6.2.1).
pub(crate) fn register(now: Timestamp, origin: Origin, given: Given, register: Register) -> Registration {
    Registration {
        device: given.device,
        id: given.id,
        lwm2m: register.lwm2m,
        lifetime: register.lifetime,
        binding: register.binding,
        sms_number: register.sms_number,
        links: Arc::new(register.links),
        extra: register.extra,
        source: origin.source,
        credential: origin.identity.map(|identity| identity.credential),
        registered_at: now,
        updated_at: now,
        expires_at: now.after(register.lifetime.duration()),
        node: given.node,
        epoch: given.epoch,
    }
}

/// The registration after an Update, or none if all stays as it was but the lease (LwM2M Core 1.1.1 §6.2.2).
pub(crate) fn update(
    now: Timestamp,
    origin: Origin,
    current: &Registration,
    update: Update,
) -> Result<Option<Registration>, Malformed> {
    let mut updated = current.clone();
    updated.source = origin.source;
    updated.credential = origin.identity.map(|identity| identity.credential);
    if let Some(lifetime) = update.lifetime {
        updated.lifetime = lifetime;
    }
    if update.binding.is_some() || update.queue_mode {
        updated.binding = rebind(current, update.binding.as_deref(), update.queue_mode)?;
    }
    if update.sms_number.is_some() {
        updated.sms_number = update.sms_number;
    }
    // The list replaces the old one whole; an equal one keeps its place in memory.
    if let Some(links) = update.links.filter(|links| *links != *current.links) {
        updated.links = Arc::new(links);
    }
    if updated == *current {
        return Ok(None);
    }
    updated.updated_at = now;
    updated.expires_at = now.after(updated.lifetime.duration());
    Ok(Some(updated))
}

/// LwM2M 1.1 has no way to write in an Update that queue mode ends, so that a `b` without a `Q` leaves it as it was.
fn rebind(current: &Registration, b: Option<&str>, queue_parameter: bool) -> Result<Binding, Malformed> {
    let b = b.unwrap_or(&current.binding.transports);
    let mut binding = Binding::parse(current.lwm2m, Some(b), queue_parameter)?;
    if current.lwm2m >= objects::Version::V1_1 {
        binding.queue_mode |= current.binding.queue_mode;
    }
    Ok(binding)
}

/// The objects that hold keys: Security, OSCORE and COSE. They are for the bootstrap server alone.
pub(crate) const HOLD_KEYS: [ObjectId; 3] = [ObjectId(0), ObjectId(21), ObjectId(23)];

/// Whether a path lies in registered objects and instances. The root never does, nor do the objects that hold keys, which
/// are for the bootstrap server alone (LwM2M Core 1.1.1 §6.2.1: Security and OSCORE are not registered; 1.2 adds COSE).
pub(crate) fn covers(links: &ObjectLinks, path: Path) -> bool {
    let object = path.object().filter(|object| !HOLD_KEYS.contains(object));
    let Some(entry) = object.and_then(|object| links.objects.get(&object)) else { return false };
    path.instance().is_none_or(|instance| entry.instances.contains(&instance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_covered_by_its_object_and_instance() {
        let links = ObjectLinks::parse(b"</0/0>,</21>,</3/0>,</3303>,</5/1>").unwrap();
        for (path, covered) in [
            ("/", false),
            ("/0/0/5", false),
            ("/21", false),
            ("/3", true),
            ("/3/0", true),
            ("/3/0/9", true),
            ("/3/0/9/1", true),
            ("/3/1", false),
            ("/3303", true),
            ("/3303/0", false),
            ("/5/0/1", false),
            ("/4", false),
        ] {
            assert_eq!(covers(&links, path.parse().unwrap()), covered, "{path}");
        }
    }
}
