//! `GET /devices/{device}/operations`: what was asked of a device, page by page.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::IntoResponse,
};
use fleet::{OperationRecord, OperationState, Priority};

use crate::{
    app::App,
    console::{
        badge::Badge,
        device::Reachability,
        target::{AboutLink, Target},
        timeline::After,
    },
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::Tab,
};

/// Rows a page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "operations.html")]
struct OperationsPage {
    shell: Shell,
    url: String,
    /// What waits for it, among what waits for all.
    waiting: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    rows: Vec<OperationRow>,
    first: Option<String>,
    next: Option<String>,
}

/// One operation in a list.
pub(crate) struct OperationRow {
    pub(crate) url: String,
    pub(crate) name: &'static str,
    pub(crate) link: AboutLink,
    pub(crate) badge: Badge,
    pub(crate) queued: Moment,
    /// Whether it can be taken out of the queue.
    pub(crate) cancellable: bool,
    /// For one that waits.
    pub(crate) expires: Option<Moment>,
    /// Where it is not the usual one.
    pub(crate) priority: Option<&'static str>,
    pub(crate) requested_by: String,
    pub(crate) result: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(after): Query<After>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let found = app.fleet.operations(&login.context, target.id, &after.request(ROWS)).await?;
    let here = format!("{}/operations", target.url());
    Ok(Page(OperationsPage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Queue of {}", target.endpoint())),
        url: target.url(),
        waiting: format!("/operations/waiting?device={}", target.id),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        tabs: target.tabs(&login, "/operations"),
        rows: found.rows.iter().map(|record| OperationRow::new(&target, record)).collect(),
        first: after.first(&here),
        next: found.next.map(|cursor| After::next(&here, &cursor)),
    }))
}

impl OperationRow {
    pub(crate) fn new(target: &Target, record: &OperationRecord) -> Self {
        let waits = record.state == OperationState::Queued;
        Self {
            url: format!("{}/operations/{}", target.url(), record.id),
            name: record.operation.name(),
            link: target.about(record.operation.target()),
            badge: Badge::of_operation(record.state),
            cancellable: waits && target.may_operate(),
            queued: Moment::new(record.queued_at, target.now),
            expires: waits.then(|| Moment::new(record.expires_at, target.now)),
            priority: (record.priority != Priority::Normal).then(|| record.priority.name()),
            requested_by: record.requested_by.clone(),
            result: visible(record.result.as_deref().unwrap_or_default().chars()),
        }
    }
}
