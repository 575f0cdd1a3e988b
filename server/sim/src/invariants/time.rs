//! Time: I-20.

use std::time::Duration;

use fleet::{DeviceId, DeviceState, EndReason};

use super::View;
use crate::model::{Acknowledged, What};

/// How long a registration may outlive its lifetime: a start of the server gives it a full one more, and what the store refuses
/// is tried again.
const GRACE: Duration = Duration::from_secs(600);

/// I-20: nothing expires before the lifetime that was acknowledged is over.
pub(super) fn not_early(view: &mut View<'_>, row: DeviceId, reason: EndReason) {
    let (EndReason::Expired, Some(device)) = (reason, view.device_of(row)) else { return };
    let Acknowledged::Registered { told, by, location } = &view.model.devices[device].state else { return };
    if view.model.loose(device).any(|asked| asked.what != What::Other) {
        return;
    }
    let (Some((_, _, at)), Some(lifetime)) = (view.model.requests[*by].arrived, told.lifetime) else {
        return;
    };
    if view.bench.now() < at + Duration::from_secs(lifetime.into()) {
        let name = &view.model.devices[device].endpoint;
        view.bench
            .violate("I-20", format!("{name}: {location} of {lifetime} s, heard at {at:?}, has expired"));
    }
}

/// I-20: nothing lives beyond its lifetime and some grace.
pub(super) fn not_for_ever(view: &mut View<'_>) {
    for device in 0..view.nodes.len() {
        let Some(stored) = view.stored(device).filter(|stored| stored.state == DeviceState::Registered)
        else {
            continue;
        };
        let Some(row) = stored.registration else { continue };
        let heard =
            view.model.requests.iter().rev().find(|asked| asked.device == device && asked.arrived.is_some());
        let heard = heard.and_then(|asked| asked.arrived).map_or(Duration::ZERO, |(_, _, at)| at);
        if view.bench.now() > heard + 2 * row.lifetime.duration() + GRACE {
            let name = &view.model.devices[device].endpoint;
            view.bench.violate("I-20", format!("{name}: {} lives, and was heard last at {heard:?}", row.id));
        }
    }
}
