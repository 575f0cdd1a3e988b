//! `/classes/{class}/wishes`: what classes wish to be told of, and `/devices/{device}/wishes`, what a device tells because of that.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::{
    access::Caller,
    devices::device_id,
    extract::Json,
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{DeviceWishes, Wishes},
};

/// What a class wishes to be told of by its devices.
#[utoipa::path(get, path = "/classes/{class}/wishes", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "What it wishes", body = Wishes)))]
pub(super) async fn class_wishes(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    Reply::ok(&Wishes::from(&api.fleet().class_wishes(&context, class.id).await?))
}

/// Says what a class wishes to be told of. Its devices are asked in the background, those that sleep when they are heard; what is
/// not wished any more ends, and what somebody observes by hand stays.
#[utoipa::path(put, path = "/classes/{class}/wishes", tag = "classes", request_body = Wishes,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It wishes that")))]
pub(super) async fn set_class_wishes(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(Wishes { lines }): Json<Wishes>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, Some(&class), "class").await?;
    api.fleet().set_class_wishes(&context, class.id, &lines.join("\n")).await?;
    Ok(Reply::done())
}

/// What a device is observed for because its class wishes it.
#[utoipa::path(get, path = "/devices/{device}/wishes", tag = "devices", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "What it tells by wish, and what it does not", body = DeviceWishes)))]
pub(super) async fn device_wishes(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&DeviceWishes::from(api.fleet().device_wishes(&context, device_id(&device)?).await?))
}
