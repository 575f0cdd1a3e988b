//! How the inventory is printed.

use std::collections::BTreeMap;

use serde::Serialize;
use web::api::v1::types::{BulkReport, Device, DeviceDetail, Enrolled, ImportReport, Labels};

use crate::cli::{
    credential::blocks,
    output::{Tabular, or_empty, yes},
};

/// A device that was added, with the one credential that was made for it.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Secret(pub(super) Enrolled);

impl Tabular for Device {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "endpoint",
        "class",
        "state",
        "secured",
        "labels",
        "lwm2m",
        "queue_mode",
        "address",
        "seen_at",
        "expires_at",
        "created_at",
        "removed_at",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.endpoint.clone(),
            self.class.clone(),
            self.state.to_string(),
            yes(self.secured),
            labels_of(&self.labels),
            self.lwm2m.clone().unwrap_or_default(),
            self.queue_mode.map(yes).unwrap_or_default(),
            self.address.clone().unwrap_or_default(),
            or_empty(self.seen_at.as_ref()),
            or_empty(self.expires_at.as_ref()),
            self.created_at.to_string(),
            or_empty(self.removed_at.as_ref()),
        ]
    }
}

impl Tabular for DeviceDetail {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "endpoint",
        "class",
        "state",
        "presence",
        "secured",
        "created_at",
        "removed_at",
        "seen_at",
        "lwm2m",
        "address",
        "secure",
        "lifetime_seconds",
        "transports",
        "queue_mode",
        "registered_at",
        "updated_at",
        "expires_at",
        "objects",
    ];

    fn cells(&self) -> Vec<String> {
        let registration = self.registration.as_ref();
        let objects = registration.map(|registration| {
            let objects = registration.objects.iter().flat_map(|object| {
                let instances =
                    object.instances.iter().map(|instance| format!("/{}/{instance}", object.object));
                let whole = object.instances.is_empty().then(|| format!("/{}", object.object));
                whole.into_iter().chain(instances)
            });
            objects.collect::<Vec<_>>().join(" ")
        });
        vec![
            self.id.clone(),
            self.endpoint.clone(),
            self.class.clone(),
            self.state.to_string(),
            self.presence.to_string(),
            yes(self.secured),
            self.created_at.to_string(),
            or_empty(self.removed_at.as_ref()),
            or_empty(self.seen_at.as_ref()),
            or_empty(registration.map(|registration| &registration.lwm2m)),
            or_empty(registration.map(|registration| &registration.address)),
            registration.map(|registration| yes(registration.secure)).unwrap_or_default(),
            or_empty(registration.map(|registration| &registration.lifetime_seconds)),
            or_empty(registration.map(|registration| &registration.transports)),
            registration.map(|registration| yes(registration.queue_mode)).unwrap_or_default(),
            or_empty(registration.map(|registration| &registration.registered_at)),
            or_empty(registration.map(|registration| &registration.updated_at)),
            or_empty(registration.map(|registration| &registration.expires_at)),
            objects.unwrap_or_default(),
        ]
    }
}

impl Tabular for Secret {
    const COLUMNS: &'static [&'static str] = &["id", "endpoint", "class", "purpose", "identity", "key"];

    fn cells(&self) -> Vec<String> {
        let Self(enrolled) = self;
        let shown = enrolled.credentials.first();
        vec![
            enrolled.id.clone(),
            enrolled.endpoint.clone(),
            enrolled.class.clone(),
            or_empty(shown.map(|shown| &shown.credential.purpose)),
            or_empty(shown.map(|shown| &shown.credential.identity)),
            or_empty(shown.and_then(|shown| shown.key.as_ref())),
        ]
    }

    fn blocks(&self) -> Vec<&str> {
        blocks(self.0.credentials.first())
    }
}

impl Tabular for BulkReport {
    const COLUMNS: &'static [&'static str] = &["done", "failed"];

    fn cells(&self) -> Vec<String> {
        vec![self.done.to_string(), self.failed.len().to_string()]
    }
}

impl Tabular for ImportReport {
    const COLUMNS: &'static [&'static str] = &["dry_run", "rows", "added", "unchanged", "errors"];

    fn cells(&self) -> Vec<String> {
        let counts = [self.rows, self.added, self.unchanged, self.errors_total];
        std::iter::once(yes(self.dry_run)).chain(counts.iter().map(u64::to_string)).collect()
    }
}

impl Tabular for Labels {
    const COLUMNS: &'static [&'static str] = &["labels"];

    fn cells(&self) -> Vec<String> {
        vec![labels_of(&self.labels)]
    }
}

fn labels_of(labels: &BTreeMap<String, String>) -> String {
    let label = |(key, value): (&String, &String)| match value.as_str() {
        "" => key.clone(),
        value => format!("{key}={value}"),
    };
    labels.iter().map(label).collect::<Vec<_>>().join(" ")
}
