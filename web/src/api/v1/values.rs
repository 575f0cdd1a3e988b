//! `/devices/{device}/…`: what a device has reported, what it is asked to report, and what happened to it.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::store::PageRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    devices::device_id,
    extract::{PageQuery, Query, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{NodePath, Observation, Page, Reading, TimelineEntry},
};

/// Which values.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Within {
    /// Only at or below this node.
    #[param(value_type = Option<String>, example = "/3/0")]
    path: Option<NodePath>,
}

/// Whose history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryOf {
    /// A resource or resource instance.
    #[param(value_type = String, example = "/3/0/9")]
    path: NodePath,
    /// How many at most: 1 to 500; 500 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The latest value of each resource, in the order of the paths.
#[utoipa::path(get, path = "/devices/{device}/values", tag = "values", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"), Within),
    responses((status = 200, description = "The values", body = Page<Reading>)))]
pub(super) async fn latest(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(Within { path }): Query<Within>,
) -> Result<Reply, Failure> {
    let readings = api.fleet().device(&context, device_id(&device)?).await?.readings.into_iter();
    let wanted = readings.filter(|stored| path.is_none_or(|path| stored.reading.path.is_within(&path.0)));
    Reply::ok(&Page::whole(wanted.map(Reading::from).collect()))
}

/// The values that one resource had, newest first.
#[utoipa::path(get, path = "/devices/{device}/values/history", tag = "values", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"), HistoryOf),
    responses((status = 200, description = "The values", body = Page<Reading>)))]
pub(super) async fn history(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(HistoryOf { path, limit }): Query<HistoryOf>,
) -> Result<Reply, Failure> {
    let rows = page(None, Some(limit.unwrap_or(PageRequest::MAX_LIMIT)))?.limit;
    let readings = api.fleet().history(&context, device_id(&device)?, path.0, rows).await?;
    Reply::ok(&Page::whole(readings.into_iter().map(Reading::from).collect()))
}

/// What a device reports by itself.
#[utoipa::path(get, path = "/devices/{device}/observations", tag = "values", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The live observations", body = Page<Observation>)))]
pub(super) async fn observations(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let observations = api.fleet().device(&context, device_id(&device)?).await?.observations;
    Reply::ok(&Page::whole(observations.into_iter().map(Observation::from).collect()))
}

/// What happened to a device, newest first.
#[utoipa::path(get, path = "/devices/{device}/timeline", tag = "devices", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"), PageQuery),
    responses((status = 200, description = "A page of its timeline", body = Page<TimelineEntry>)))]
pub(super) async fn timeline(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = api.fleet().timeline(&context, device_id(&device)?, &page.request()?).await?;
    Reply::ok(&Page::of(page, TimelineEntry::from))
}
