//! After the last fault all is well: liveness and I-18.

use fleet::DeviceState;

use super::View;
use crate::model::Acknowledged;

/// What the server holds while something is under way, by the names of its metrics.
const TRANSIENT: [&str; 3] =
    ["muster_dtls_handshakes", "muster_operations_under_way", "muster_bootstraps_under_way"];

/// Liveness: each device is registered, and server and device agree on it.
pub(super) fn registered(view: &mut View<'_>) {
    for (device, node) in view.nodes.iter().enumerate() {
        let known = &view.model.devices[device];
        if !known.is_here() {
            continue;
        }
        let stored = view.stored(device);
        let id = stored.as_ref().filter(|stored| stored.state == DeviceState::Registered);
        let id = id.and_then(|stored| stored.registration.as_ref()).map(|row| row.id.to_string());
        let location = match &known.state {
            Acknowledged::Registered { location, .. } => location.strip_prefix("/rd/"),
            _ => None,
        };
        if !node.device.is_registered() || location.is_none() || location != id.as_deref() {
            let text = format!(
                "{}: it knows {location:?}, stored is {id:?}; {:?}",
                known.endpoint,
                node.device.hears()
            );
            view.bench.violate("liveness", text);
        }
    }
}

/// Liveness: each operation that is due has its final state.
pub(super) fn final_states(view: &mut View<'_>) {
    for (id, operation) in &view.model.operations.told {
        let Some(record) = view.store.durable(|store| store.operation(*id)).ok().flatten() else { continue };
        // Those of a device that is gone expire by the wall clock, which may have been set back.
        if !record.state.is_final() && record.expires_at <= view.model.operations.ends_at {
            let name = &view.model.devices[operation.device].endpoint;
            view.bench.violate("liveness", format!("{name}: {id} is {} still", record.state.name()));
        }
    }
}

/// I-18: whatever was under way is not any more. Where classes have wished something, a registered device that is gone, that sleeps, or
/// that did not do all of it is asked again, ever less.
pub(super) fn balanced(view: &mut View<'_>) {
    let is_missed = |device: &usize| {
        let stored = view.stored(*device).filter(|stored| stored.state == DeviceState::Registered);
        let kept = stored.map(|stored| view.store.durable(|store| store.kept_wishes(stored.device.id)));
        let Some(kept) = kept.map(Result::unwrap_or_default) else { return false };
        let troubles = kept.owned.values().map(|owned| &owned.trouble);
        let mut troubles = troubles.chain(kept.written.values().map(|written| &written.trouble));
        let sleeps = view.nodes[*device].device.profile().queue_mode;
        !view.model.devices[*device].is_here() || sleeps || troubles.any(Option::is_some)
    };
    let missed = (0..view.nodes.len()).filter(|_| view.model.wished).filter(is_missed).count();
    for name in TRANSIENT {
        let held = view.gauges.sum(name);
        let may_be = if name == "muster_operations_under_way" { missed as f64 } else { 0.0 };
        if !(0.0..=may_be).contains(&held) {
            view.bench.violate("I-18", format!("{name} is {held} when nothing happens"));
        }
    }
}
