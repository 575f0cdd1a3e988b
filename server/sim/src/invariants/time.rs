//! Time: I-20.

use std::time::Duration;

use coap::Code;
use device::{Event, Interaction};
use fleet::{DeviceId, DeviceState, EndReason};

use super::{View, durability::may_have_expired};
use crate::model::{Acknowledged, Asked, What};

/// How long a registration may outlive its lifetime.
const GRACE: Duration = Duration::from_secs(60);

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

/// I-20 and I-21: a registration is not said to be unknown before its lifetime is over.
pub(super) fn update_refused(view: &View<'_>, device: usize, event: &Event) {
    let Event::Rejected { interaction: Interaction::Update, code: Code::NOT_FOUND } = event else { return };
    let known = &view.model.devices[device];
    let Acknowledged::Registered { location, told, by } = &known.state else { return };
    let loose: Vec<&Asked> = view.model.loose(device).collect();
    let ends = |asked: &&Asked| matches!(asked.what, What::Register(_) | What::Deregister);
    if !view.nodes[device].way.secure
        || known.revoked.is_some()
        || loose.iter().any(ends)
        || may_have_expired(view, told, &loose, *by)
    {
        return;
    }
    let id = if view.model.operations.has_jumped { "I-21" } else { "I-20" };
    view.bench
        .violate(id, format!("{}: {location} is said to be unknown within its lifetime", known.endpoint));
}

/// I-20: nothing lives beyond its lifetime and some grace.
pub(super) fn not_for_ever(view: &mut View<'_>, restarted_at: Duration) {
    for device in 0..view.nodes.len() {
        let Some(stored) = view.stored(device).filter(|stored| stored.state == DeviceState::Registered)
        else {
            continue;
        };
        let Some(row) = stored.registration else { continue };
        let heard =
            view.model.requests.iter().rev().find(|asked| asked.device == device && asked.arrived.is_some());
        let heard = heard.and_then(|asked| asked.arrived).map_or(Duration::ZERO, |(_, _, at)| at);
        // A start of the server gives each a full lifetime.
        let until = heard.max(restarted_at) + row.lifetime.duration() + GRACE;
        if view.bench.now() > until {
            let name = &view.model.devices[device].endpoint;
            view.bench.violate("I-20", format!("{name}: {} lives, and was heard last at {heard:?}", row.id));
        }
    }
}
