//! `/operations/waiting`: what waits for devices; `/devices/{device}/awake-time` and `/classes/{class}/awake-time`: how long these
//! listen.

use std::{sync::Arc, time::Duration};

use axum::extract::{Path, State};
use fleet::store::WaitingQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    classes,
    devices::device_id,
    extract::{Json, Query, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{AwakeTime, CancelledWaiting, Page, Priority, SaidAwakeTime, WaitingOperation},
};

/// Which of what waits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitingFilter {
    /// Only for the device of this id.
    device: Option<String>,
    /// Only for devices of this class.
    class: Option<String>,
    /// Only of this priority.
    priority: Option<Priority>,
    /// Where the page before ended: its `next`, as it is.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What waits for devices, over the whole fleet: by priority, and within one the oldest first. With a class a page may be shorter
/// than asked for, and another one follow.
#[utoipa::path(get, path = "/operations/waiting", tag = "operations", params(WaitingFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A page of operations, each with its device", body = Page<WaitingOperation>)))]
pub(super) async fn waiting(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<WaitingFilter>,
) -> Result<Reply, Failure> {
    let device = match filter.device {
        Some(id) => Some(api.fleet().device(&context, device_id(&id)?).await?.view.device.id),
        None => None,
    };
    let class = match filter.class {
        Some(name) => Some(api.class(&context, Some(&name), "class").await?.id),
        None => None,
    };
    let priority = filter.priority.map(fleet::Priority::from);
    let query = WaitingQuery { device, class, priority, page: page(filter.after, filter.limit)? };
    Reply::ok(&Page::of(api.fleet().waiting(&context, &query).await?, WaitingOperation::from))
}

/// Takes all that waits for a device out of its queue. What is on its way goes on.
#[utoipa::path(post, path = "/devices/{device}/operations/cancel", tag = "operations",
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["operate"])),
    responses((status = 200, description = "How much was cancelled", body = CancelledWaiting)))]
pub(super) async fn cancel_all(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let report = api.fleet().cancel_waiting(&context, device_id(&device)?).await?;
    Reply::ok(&CancelledWaiting::from(report))
}

/// How long a device in queue mode is called after it was heard, and why so long.
#[utoipa::path(get, path = "/devices/{device}/awake-time", tag = "devices", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The time, and where it comes from", body = AwakeTime)))]
pub(super) async fn awake_time(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&AwakeTime::from(api.fleet().awake_time(&context, device_id(&device)?).await?))
}

/// Says how long a device in queue mode listens after it was heard, or takes that back. Less than 93 seconds is for devices whose
/// client is known to close its window earlier (LwM2M Transport 1.1.1 §6.5): nothing else makes it shorter.
#[utoipa::path(put, path = "/devices/{device}/awake-time", tag = "devices", request_body = SaidAwakeTime,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["operate"])),
    responses((status = 200, description = "What holds from now on", body = AwakeTime)))]
pub(super) async fn set_awake_time(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(said): Json<SaidAwakeTime>,
) -> Result<Reply, Failure> {
    let time = said.seconds.map(Duration::from_secs);
    Reply::ok(&AwakeTime::from(api.fleet().set_awake_time(&context, device_id(&device)?, time).await?))
}

/// How long the devices of a class listen, if somebody has said it.
#[utoipa::path(get, path = "/classes/{class}/awake-time", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "What was said", body = SaidAwakeTime)))]
pub(super) async fn class_awake_time(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = classes::find(&api, &context, &class).await?;
    let time = api.fleet().class_awake_time(&context, class.id).await?;
    Reply::ok(&SaidAwakeTime { seconds: time.map(|time| time.as_secs()) })
}

/// Says how long the devices of a class listen after they were heard, or takes that back. What is said of a device goes before it.
#[utoipa::path(put, path = "/classes/{class}/awake-time", tag = "classes", request_body = SaidAwakeTime,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It holds from now on")))]
pub(super) async fn set_class_awake_time(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(said): Json<SaidAwakeTime>,
) -> Result<Reply, Failure> {
    let class = classes::find(&api, &context, &class).await?;
    api.fleet().set_class_awake_time(&context, class.id, said.seconds.map(Duration::from_secs)).await?;
    Ok(Reply::done())
}
