//! `/devices/{device}/credentials`: what a device proves who it is with.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::{FleetError, StoreError};

use super::{
    access::Caller,
    devices::device_id,
    extract::{Json, id},
    failure::Failure,
    given,
    reply::Reply,
    state::Api,
    types::{Credential, NewCredential, Page, Reason, Rotation, ShownCredential},
};

/// The credentials of a device, newest first; never their keys.
#[utoipa::path(get, path = "/devices/{device}/credentials", tag = "credentials", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "The credentials", body = Page<Credential>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let device = device_id(&device)?;
    let credentials = api.fleet().credentials(&context, device).await?;
    let seen = api.fleet().seen_certificates(&context, device).await?;
    Reply::ok(&Page::whole(Credential::all(credentials, seen)))
}

/// Gives a device one more credential. Its key is shown this once.
#[utoipa::path(post, path = "/devices/{device}/credentials", tag = "credentials", request_body = NewCredential,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 201, description = "The credential with its key", body = ShownCredential)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(new): Json<NewCredential>,
) -> Result<Reply, Failure> {
    let device = device_id(&device)?;
    let (purpose, given) = new.split();
    let given = given::credential(given, "")?;
    let shown = api.fleet().add_credential(&context, device, purpose.into(), given).await?;
    let shown = ShownCredential::from(shown);
    Reply::created(format!("/devices/{device}/credentials"), &shown)?.kept_as(&shown.without_key())
}

/// Gives a device a new credential in place of one, which is good until the new one has proved itself.
///
/// A registered device that can bootstrap is asked to do so; otherwise the new key is shown, this once.
#[utoipa::path(post, path = "/devices/{device}/credentials/{credential}/rotate", tag = "credentials",
    params(("device" = String, Path, description = "The device's id"),
        ("credential" = String, Path, description = "The credential's id")),
    security(("token" = ["administer"])),
    responses(
        (status = 200, description = "The new key, or how the device gets one", body = Rotation),
        (status = 202, description = "The device was asked and has not answered yet: its credentials will tell", body = Rotation),
    ))]
pub(super) async fn rotate(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((device, credential)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let (device, credential) = (device_id(&device)?, id(&credential, "credential")?);
    let task = {
        let (fleet, context) = (Arc::clone(api.fleet()), context.clone());
        tokio::spawn(async move { fleet.rotate_credential(&context, device, credential).await })
    };
    let credentials = format!("/devices/{device}/credentials");
    let Ok(rotated) = tokio::time::timeout(Api::PATIENCE, task).await else {
        return Reply::accepted(credentials, &Rotation::UnderWay);
    };
    let rotated = rotated.map_err(|error| {
        tracing::error!(%error, "a rotation's task failed");
        FleetError::Store(StoreError::Unavailable)
    })?;
    match rotated? {
        fleet::Rotation::Shown(shown) => {
            let shown = ShownCredential::from(shown);
            let kept = Rotation::Shown(Box::new(shown.without_key()));
            Reply::ok(&Rotation::Shown(Box::new(shown)))?.at(credentials).kept_as(&kept)
        }
        fleet::Rotation::Triggered(operated) => {
            let operation = Box::new(api.operation(&context, device, operated.id).await?);
            Ok(Reply::ok(&Rotation::Triggered { operation })?.at(credentials))
        }
    }
}

/// Takes a credential away: what was opened with it ends now.
#[utoipa::path(post, path = "/devices/{device}/credentials/{credential}/revoke", tag = "credentials",
    request_body = Reason,
    params(("device" = String, Path, description = "The device's id"),
        ("credential" = String, Path, description = "The credential's id")),
    security(("token" = ["administer"])), responses((status = 204, description = "It is revoked")))]
pub(super) async fn revoke(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((device, credential)): Path<(String, String)>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Reply, Failure> {
    let credential = id(&credential, "credential")?;
    api.fleet().revoke_credential(&context, device_id(&device)?, credential, &reason).await?;
    Ok(Reply::done())
}

/// Takes away all credentials that a device has.
#[utoipa::path(post, path = "/devices/{device}/revoke", tag = "credentials", request_body = Reason,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "They are revoked")))]
pub(super) async fn revoke_all(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Reply, Failure> {
    api.fleet().revoke_device(&context, device_id(&device)?, &reason).await?;
    Ok(Reply::done())
}
