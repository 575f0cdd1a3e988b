//! `GET /devices/{device}/timeline`: what happened to a device, page by page.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::IntoResponse,
};
use fleet::{
    TimelineRecord, Timestamp,
    store::{Cursor, PageRequest},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{device::Reachability, encoded, target::Target},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::Tab,
};

/// Entries a page.
const ENTRIES: usize = 50;

/// Which page of a list.
#[derive(Default, Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    after: String,
    #[serde(default)]
    pub(crate) done: String,
}

#[derive(Template)]
#[template(path = "timeline.html")]
struct TimelinePage {
    shell: Shell,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    entries: Vec<Entry>,
    first: Option<String>,
    next: Option<String>,
}

/// One entry as a page shows it.
pub(crate) struct Entry {
    pub(crate) at: Moment,
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(after): Query<After>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let found = app.fleet.timeline(&login.context, target.id, &after.request(ENTRIES)).await?;
    let here = format!("{}/timeline", target.url());
    Ok(Page(TimelinePage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Events of {}", target.endpoint())),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        tabs: target.tabs(&login, "/timeline"),
        entries: found.rows.iter().map(|record| Entry::new(record, target.now)).collect(),
        first: after.first(&here),
        next: found.next.map(|cursor| After::next(&here, &cursor)),
    }))
}

impl Entry {
    pub(crate) fn new(record: &TimelineRecord, now: Timestamp) -> Self {
        let entry = &record.entry;
        Self {
            at: Moment::new(entry.at, now),
            kind: entry.kind.name(),
            detail: visible(entry.detail.chars()),
        }
    }
}

impl After {
    pub(crate) fn request(&self, limit: usize) -> PageRequest {
        PageRequest { after: (!self.after.is_empty()).then(|| Cursor(self.after.clone())), limit }
    }

    /// The address of the first page, unless this is it.
    pub(crate) fn first(&self, here: &str) -> Option<String> {
        (!self.after.is_empty()).then(|| here.to_owned())
    }

    pub(crate) fn next(here: &str, cursor: &Cursor) -> String {
        format!("{here}?after={}", encoded(&cursor.0))
    }
}
