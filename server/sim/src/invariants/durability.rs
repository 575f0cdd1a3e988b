//! What was acknowledged is stored: I-1 to I-4.

use std::time::Duration;

use fleet::{DeviceState, Reading};
use objects::{InstanceId, ObjectId, Path, ResourceId, Value, link::ObjectLinks};

use super::{Checks, View};
use crate::model::{Acknowledged, Asked, Told, What};

/// Where the values of Sends stand.
pub const SENT: Path = Path::Resource(ObjectId(3303), InstanceId(0), ResourceId(5700));

/// I-1: a Register that was acknowledged is stored, until Deregister, expiry or replacement. I-2: nothing older than an
/// acknowledged Update is seen. I-3: what has ended stays so.
pub(super) fn registration(checks: &mut Checks, view: &mut View<'_>, device: usize) {
    let stored = view.stored(device);
    let name = &view.model.devices[device].endpoint;
    let row = stored.as_ref().and_then(|stored| stored.registration.as_ref().map(|row| (stored.state, row)));
    if let Some((state, row)) = row {
        let is_live = state == DeviceState::Registered;
        if !is_live {
            checks.ended.insert(row.id);
        } else if checks.ended.contains(&row.id) {
            view.bench
                .violate("I-3", format!("{name}: the registration {} had ended and lives again", row.id));
        }
    }
    if view.model.devices[device].revoked.is_some() {
        return;
    }
    let loose: Vec<&Asked> = view.model.loose(device).collect();
    let is_loose = |wanted: fn(&What) -> bool| loose.iter().any(|asked| wanted(&asked.what));
    let registers = is_loose(|what| matches!(what, What::Register(_)));
    match &view.model.devices[device].state {
        Acknowledged::Nothing => {}
        Acknowledged::Deregistered(_) => {
            if let Some((DeviceState::Registered, row)) = row
                && !registers
            {
                view.bench.violate("I-3", format!("{name}: deregistered, and {} is stored as live", row.id));
            }
        }
        Acknowledged::Registered { location, told, by } => {
            if registers
                || is_loose(|what| *what == What::Deregister)
                || may_have_expired(view, told, &loose, *by)
            {
                return;
            }
            match row {
                Some((DeviceState::Registered, row)) if location.ends_with(&format!("/{}", row.id)) => {
                    for field in differences(told, row, &loose) {
                        view.bench.violate("I-2", format!("{name}: {location} is stored with {field}"));
                    }
                }
                other => {
                    let found = other.map(|(state, row)| format!("{state:?} {}", row.id));
                    view.bench
                        .violate("I-1", format!("{name}: {location} was acknowledged, stored is {found:?}"));
                }
            }
        }
    }
}

/// Whether the lifetime of what was acknowledged may be over, counted from when it can have been taken first.
pub(super) fn may_have_expired(view: &View<'_>, told: &Told, loose: &[&Asked], by: usize) -> bool {
    let updates = loose.iter().filter_map(|asked| match &asked.what {
        What::Update(told) => told.lifetime,
        _ => None,
    });
    let lifetime = told.lifetime.into_iter().chain(updates).min();
    let since = view.model.requests[by].arrived.map(|(_, _, at)| at);
    let (Some(lifetime), Some(since)) = (lifetime, since) else { return true };
    view.bench.now() >= since + Duration::from_secs(lifetime.into())
}

/// What is stored otherwise than it was acknowledged, and not explained by an Update that may have been taken since.
fn differences(told: &Told, row: &fleet::Registration, loose: &[&Asked]) -> Vec<String> {
    let updates = || {
        loose.iter().filter_map(|asked| match &asked.what {
            What::Update(told) => Some(told),
            _ => None,
        })
    };
    let mut differences = Vec::new();
    let lifetimes = || updates().filter_map(|update| update.lifetime).chain(told.lifetime);
    if !lifetimes().any(|lifetime| lifetime == row.lifetime.0) {
        differences.push(format!("lt={} and not {:?}", row.lifetime.0, told.lifetime));
    }
    let mut bindings = updates().filter_map(|update| update.binding.as_ref()).chain(&told.binding);
    if !bindings.any(|binding| binding.trim_matches('Q') == row.binding.transports) {
        differences.push(format!("b={} and not {:?}", row.binding.transports, told.binding));
    }
    let mut links = updates().filter_map(|update| update.links.as_ref()).chain(&told.links);
    if !links.any(|links| ObjectLinks::parse(links).is_ok_and(|links| links == *row.links)) {
        let told = told.links.as_ref().map(|links| String::from_utf8_lossy(links));
        differences.push(format!("{} and not {told:?}", row.links));
    }
    differences
}

/// I-4: a Send that was acknowledged is stored once, with its time; one that was not is stored once at most.
pub(super) fn sends(view: &View<'_>, device: usize) {
    let known = &view.model.devices[device];
    let Some(stored) = view.stored(device) else { return };
    let history =
        view.store.durable(|store| store.history(stored.device.id, SENT, Reading::HISTORY_PER_PATH));
    let history = history.unwrap_or_default();
    for (number, sent) in &known.sends {
        let value = Value::Float(*number as f64);
        let mut found = history.iter().filter(|reading| reading.reading.value == value);
        let (first, others) = (found.next(), found.count());
        let name = &known.endpoint;
        if sent.acknowledged && first.is_none() {
            view.bench
                .violate("I-4", format!("{name}: the Send of {number} was acknowledged and is not stored"));
        }
        if others > 0 && !sent.moved {
            view.bench.violate("I-4", format!("{name}: the Send of {number} is stored {} times", others + 1));
        }
        if let Some(time) = first.map(|reading| reading.reading.device_time)
            && time.map(|time| time.0) != Some(sent.time_ms)
        {
            view.bench
                .violate("I-4", format!("{name}: the Send of {number} is stored with the time {time:?}"));
        }
    }
}
