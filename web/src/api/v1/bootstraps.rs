//! `/devices/{device}/bootstraps` and the plans: what bootstrap writes, and what it has written.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::{PlanScope, PublicId};

use super::{
    access::Caller,
    devices::device_id,
    extract::{Json, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{BootstrapSession, EffectivePlan, Operation, Page, Plan, PlanOrigin},
};

/// The bootstraps of a device, newest first.
#[utoipa::path(get, path = "/devices/{device}/bootstraps", tag = "bootstrap", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The sessions that are kept", body = Page<BootstrapSession>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let sessions = api.fleet().bootstraps(&context, device_id(&device)?).await?;
    Reply::ok(&Page::whole(sessions.into_iter().map(BootstrapSession::from).collect()))
}

/// One bootstrap, step by step.
#[utoipa::path(get, path = "/devices/{device}/bootstraps/{bootstrap}", tag = "bootstrap", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"),
        ("bootstrap" = String, Path, description = "The session's id")),
    responses((status = 200, description = "The session", body = BootstrapSession)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((device, bootstrap)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let bootstrap = id(&bootstrap, "bootstrap")?;
    let session = api.fleet().bootstrap_record(&context, device_id(&device)?, bootstrap).await?;
    Reply::ok(&BootstrapSession::from(session))
}

/// Asks a device to bootstrap anew (Execute `/1/x/9`).
#[utoipa::path(post, path = "/devices/{device}/bootstraps", tag = "bootstrap", security(("token" = ["operate"])),
    params(("device" = String, Path, description = "The device's id")),
    responses(
        (status = 200, description = "What the device said", body = Operation),
        (status = 202, description = "It waits for the device; Location says where it will be told what came of it", body = Operation),
    ))]
pub(super) async fn trigger(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let device = device_id(&device)?;
    let begin = {
        let (fleet, context) = (Arc::clone(api.fleet()), context.clone());
        async move { fleet.trigger_bootstrap(&context, device).await }
    };
    api.ask(&context, device, Api::PATIENCE, begin).await
}

/// What a device is given at its next bootstrap, and whose plan that is.
#[utoipa::path(get, path = "/devices/{device}/plan", tag = "bootstrap", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The plan that holds", body = EffectivePlan)))]
pub(super) async fn device_plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let (plan, scope) = api.fleet().effective_plan(&context, device_id(&device)?).await?;
    let origin = match scope {
        Some(PlanScope::Device(_)) => PlanOrigin::Device,
        Some(PlanScope::Class(_)) => PlanOrigin::Class,
        None => PlanOrigin::Default,
    };
    Reply::ok(&EffectivePlan { plan: plan.into(), origin })
}

/// Gives a device a plan of its own.
#[utoipa::path(put, path = "/devices/{device}/plan", tag = "bootstrap", request_body = Plan,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that plan")))]
pub(super) async fn set_device_plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(plan): Json<Plan>,
) -> Result<Reply, Failure> {
    let scope = scope(&api, &context, device_id(&device)?).await?;
    api.fleet().save_plan(&context, scope, Some(plan.into())).await?;
    Ok(Reply::done())
}

/// Takes a device's own plan back: then that of its class holds, or the default.
#[utoipa::path(delete, path = "/devices/{device}/plan", tag = "bootstrap",
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has no plan of its own")))]
pub(super) async fn clear_device_plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let scope = scope(&api, &context, device_id(&device)?).await?;
    api.fleet().save_plan(&context, scope, None).await?;
    Ok(Reply::done())
}

async fn scope(api: &Api, context: &fleet::Context, device: PublicId) -> Result<PlanScope, Failure> {
    Ok(PlanScope::Device(api.fleet().device(context, device).await?.view.device.id))
}
