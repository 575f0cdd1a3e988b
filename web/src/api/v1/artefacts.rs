//! `/artefacts`: firmware and software for devices; and below `/classes` what a class takes of them, and from whom.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{FromRequest as _, Multipart, Path, Request, State},
    response::Response,
};
use fleet::{ArtefactId, DeviceId, Fingerprint, FleetError};
use uuid::Uuid;

use super::{
    access::Caller,
    extract::{Json, PageQuery, Query, id, media_type, unsupported},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{
        Artefact, ArtefactDetail, ArtefactDevice, ArtefactUpload, NewUpdateKey, Page, ProblemKind, Time,
        UpdateKey, UpdatePolicy,
    },
};
use crate::{
    artefact_form::{ArtefactForm, UploadError},
    download,
};

/// The artefacts, newest first, withdrawn or not.
#[utoipa::path(get, path = "/artefacts", tag = "artefacts", params(PageQuery), security(("token" = ["read"])),
    responses((status = 200, description = "A page of artefacts", body = Page<Artefact>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = api.fleet().artefacts(&context, &page.request()?).await?;
    let classes = api.fleet().classes(&context).await?;
    let names: HashMap<_, _> = classes.into_iter().map(|class| (class.id, class.name)).collect();
    Reply::ok(&Page::of(page, |artefact: fleet::Artefact| {
        let class = names.get(&artefact.class).cloned().unwrap_or_default();
        Artefact::of(artefact, class)
    }))
}

/// Takes an image with its signed manifest, a SUIT envelope, or both an image and its envelope. What could be given to no
/// device of its class is refused. It is streamed to the disk; an `Idempotency-Key` is not looked at.
#[utoipa::path(post, path = "/artefacts", tag = "artefacts", security(("token" = ["operate"])),
    request_body(content = ArtefactUpload, content_type = "multipart/form-data"),
    responses((status = 201, description = "The artefact", body = Artefact)))]
pub(super) async fn upload(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    request: Request,
) -> Result<Reply, Failure> {
    // Who may not is told so before anything is read.
    drop(api.fleet().begin_upload(&context).await?);
    if media_type(request.headers()) != "multipart/form-data" {
        return Err(unsupported("multipart/form-data"));
    }
    let parts = Multipart::from_request(request, &()).await.map_err(|_| UploadError::Malformed)?;
    let form = ArtefactForm::read(api.fleet(), &context, parts, |_| true).await?;
    let moment = |text: &str| text.parse::<Time>().ok().map(|time| time.timestamp());
    let artefact = form.add(api.fleet(), &context, moment).await?;
    let detail = ArtefactDetail::from(api.fleet().artefact(&context, artefact.id).await?);
    Reply::created(format!("/artefacts/{}", artefact.id), &detail.artefact)
}

/// One artefact, checked anew.
#[utoipa::path(get, path = "/artefacts/{artefact}", tag = "artefacts", security(("token" = ["read"])),
    params(("artefact" = String, Path, description = "The artefact's id")),
    responses((status = 200, description = "The artefact", body = ArtefactDetail)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(artefact): Path<String>,
) -> Result<Reply, Failure> {
    let detail = api.fleet().artefact(&context, named(&artefact)?).await?;
    Reply::ok(&ArtefactDetail::from(detail))
}

/// Which devices run an artefact, in the order in which they were added.
#[utoipa::path(get, path = "/artefacts/{artefact}/devices", tag = "artefacts", security(("token" = ["read"])),
    params(("artefact" = String, Path, description = "The artefact's id"), PageQuery),
    responses((status = 200, description = "A page of devices", body = Page<ArtefactDevice>)))]
pub(super) async fn devices(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(artefact): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = page.request()?;
    let wrong = || Failure::from(FleetError::Store(fleet::StoreError::BadCursor));
    let after = page.after.as_ref().map(|cursor| cursor.0.parse().map(DeviceId).map_err(|_| wrong()));
    let (after, rows) = (after.transpose()?, page.rows());
    let mut runs = api.fleet().artefact_runs(&context, named(&artefact)?, after, rows + 1).await?;
    let more = runs.len() > rows;
    runs.truncate(rows);
    let next = runs.last().filter(|_| more).map(|last| last.row.0.to_string());
    Reply::ok(&Page { items: runs.into_iter().map(ArtefactDevice::from).collect(), next })
}

/// What devices are sent of an artefact: the image, or the SUIT envelope.
#[utoipa::path(get, path = "/artefacts/{artefact}/content", tag = "artefacts", security(("token" = ["operate"])),
    params(("artefact" = String, Path, description = "The artefact's id")),
    responses((status = 200, description = "The bytes", content_type = "application/octet-stream", body = Vec<u8>)))]
pub(super) async fn content(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(artefact): Path<String>,
) -> Result<Response, Failure> {
    let download = api.fleet().download_artefact(&context, named(&artefact)?).await?;
    Ok(download::response(download))
}

/// Withdraws an artefact: it is sent to nobody any more. What is under way goes on.
#[utoipa::path(post, path = "/artefacts/{artefact}/withdraw", tag = "artefacts", security(("token" = ["operate"])),
    params(("artefact" = String, Path, description = "The artefact's id")),
    responses((status = 204, description = "It is withdrawn")))]
pub(super) async fn withdraw(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(artefact): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().withdraw_artefact(&context, named(&artefact)?).await?;
    Ok(Reply::done())
}

/// Forgets a withdrawn artefact and its bytes.
#[utoipa::path(delete, path = "/artefacts/{artefact}", tag = "artefacts", security(("token" = ["operate"])),
    params(("artefact" = String, Path, description = "The artefact's id")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(artefact): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().remove_artefact(&context, named(&artefact)?).await?;
    Ok(Reply::done())
}

/// What a class takes as updates.
#[utoipa::path(get, path = "/classes/{class}/updates", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "What it takes", body = UpdatePolicy)))]
pub(super) async fn updates(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?;
    let (policy, _) = api.fleet().update_policy(&context, class.id).await?;
    Reply::ok(&UpdatePolicy::from(policy))
}

/// Says what a class takes as updates.
#[utoipa::path(put, path = "/classes/{class}/updates", tag = "classes", request_body = UpdatePolicy,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It takes that")))]
pub(super) async fn set_updates(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(policy): Json<UpdatePolicy>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?.id;
    let uuid = |field: &str, text: Option<String>| {
        let read = |text: String| Uuid::parse_str(&text).map_err(|_| Failure::field(field, "it is a UUID"));
        text.map(read).transpose()
    };
    let policy = fleet::UpdatePolicy {
        class,
        vendor_id: uuid("vendor_id", policy.vendor_id)?,
        class_id: uuid("class_id", policy.class_id)?,
        unsigned: policy.unsigned,
        coap: policy.coap,
        http: policy.http,
    };
    api.fleet().set_update_policy(&context, policy).await?;
    Ok(Reply::done())
}

/// The keys that may sign updates of a class, revoked or not, oldest first.
#[utoipa::path(get, path = "/classes/{class}/update-keys", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The keys", body = Page<UpdateKey>)))]
pub(super) async fn update_keys(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?;
    let (_, keys) = api.fleet().update_policy(&context, class.id).await?;
    Reply::ok(&Page::whole(keys.into_iter().map(UpdateKey::from).collect()))
}

/// Trusts a key for the updates of a class.
#[utoipa::path(post, path = "/classes/{class}/update-keys", tag = "classes", request_body = NewUpdateKey,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 201, description = "The key", body = UpdateKey)))]
pub(super) async fn add_update_key(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(name): Path<String>,
    Json(new): Json<NewUpdateKey>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &name).await?;
    let key = api.fleet().add_update_key(&context, class.id, &new.name, new.public_key.as_bytes()).await?;
    Reply::created(format!("/classes/{}/update-keys", super::classes::segment(&name)), &UpdateKey::from(key))
}

/// Trusts a key no more: nothing that it has signed is sent to devices of the class from now on.
#[utoipa::path(post, path = "/classes/{class}/update-keys/{key}/revoke", tag = "classes",
    params(("class" = String, Path, description = "The class's name"), ("key" = String, Path, description = "The key's id",
            example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
    security(("token" = ["administer"])), responses((status = 204, description = "It is revoked")))]
pub(super) async fn revoke_update_key(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((class, key)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?;
    let key = Fingerprint::from_hex(&key).ok_or_else(|| Failure::not_found("update key"))?;
    api.fleet().revoke_update_key(&context, class.id, key).await?;
    Ok(Reply::done())
}

fn named(text: &str) -> Result<ArtefactId, Failure> {
    id(text, "artefact")
}

async fn find(api: &Api, context: &fleet::Context, name: &str) -> Result<fleet::Class, Failure> {
    super::classes::find(api, context, name).await
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Fleet(error) => error.into(),
            other => Self::new(ProblemKind::BadRequest, other.to_string()),
        }
    }
}
