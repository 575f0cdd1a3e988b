//! The lines of the timeline.

use std::{fmt::Write as _, sync::Arc};

use super::Live;
use crate::{Registration, TimelineEntry, TimelineKind, Timestamp};

pub(super) fn entry(
    registration: &Registration,
    at: Timestamp,
    kind: TimelineKind,
    detail: &str,
) -> TimelineEntry {
    TimelineEntry::new(registration.device, at, kind, None, detail)
}

pub(super) fn registered(new: &Registration, before: Option<&Live>) -> String {
    let (objects, instances) = counts(new);
    let mut line = format!(
        "LwM2M {}, lifetime {} s, binding {}{}, {objects} objects, {instances} instances, from {}",
        new.lwm2m,
        new.lifetime.0,
        new.binding.transports,
        if new.binding.queue_mode { " with queue mode" } else { "" },
        new.source.address,
    );
    if let Some(live) = before {
        push(&mut line, format_args!("replaces registration {}", live.registration.id));
    }
    line
}

pub(super) fn updated(old: &Registration, new: &Registration) -> String {
    let mut line = String::new();
    if old.lifetime != new.lifetime {
        push(&mut line, format_args!("lifetime {} s → {} s", old.lifetime.0, new.lifetime.0));
    }
    if old.binding != new.binding {
        let queue_mode = if new.binding.queue_mode { " with queue mode" } else { "" };
        push(&mut line, format_args!("binding {}{queue_mode}", new.binding.transports));
    }
    if old.sms_number != new.sms_number {
        push(&mut line, format_args!("SMS number changed"));
    }
    if !Arc::ptr_eq(&old.links, &new.links) {
        let (objects, instances) = counts(new);
        push(&mut line, format_args!("{objects} objects, {instances} instances"));
    }
    if old.source != new.source {
        push(&mut line, format_args!("address {} → {}", old.source.address, new.source.address));
    }
    line
}

/// Appends a part to a line of parts.
pub(super) fn push(line: &mut String, part: std::fmt::Arguments<'_>) {
    if !line.is_empty() {
        line.push_str(", ");
    }
    line.write_fmt(part).expect("a String takes all that is written to it");
}

fn counts(registration: &Registration) -> (usize, usize) {
    let objects = &registration.links.objects;
    (objects.len(), objects.values().map(|entry| entry.instances.len()).sum())
}
