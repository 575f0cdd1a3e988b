//! `/models`: object definitions.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use objects::{ObjectId, Version};

use super::{
    access::Caller,
    extract::{media_type, unsupported},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{Model, ModelCount, Page, ProblemKind},
};

/// The object definitions in use, by object and version.
#[utoipa::path(get, path = "/models", tag = "models", security(("token" = ["read"])),
    responses((status = 200, description = "The definitions", body = Page<Model>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let models = api.fleet().models(&context).await?;
    Reply::ok(&Page::whole(models.into_iter().map(Model::from).collect()))
}

/// Takes a definition file (DDF, XML): each object in it replaces one of the same object and version.
#[utoipa::path(post, path = "/models", tag = "models", request_body(content = String, content_type = "application/xml"),
    security(("token" = ["administer"])),
    responses((status = 201, description = "What the file defines", body = Page<Model>)))]
pub(super) async fn upload(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Reply, Failure> {
    if !matches!(media_type(&headers).as_str(), "application/xml" | "text/xml") {
        return Err(unsupported("application/xml"));
    }
    let xml = std::str::from_utf8(&body)
        .map_err(|error| Failure::new(ProblemKind::BadRequest, format!("the file is not UTF-8: {error}")))?;
    let models = api.fleet().upload_model(&context, xml).await?;
    Reply::created("/models".to_owned(), &Page::whole(models.into_iter().map(Model::from).collect()))
}

/// Takes an uploaded definition back; that of the folder or the server holds again, if there is one.
#[utoipa::path(delete, path = "/models/{object}/{version}", tag = "models", security(("token" = ["administer"])),
    params(("object" = u16, Path, description = "The object", example = 3),
        ("version" = String, Path, description = "Its version", example = "1.1")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path((object, version)): Path<(String, String)>,
) -> Result<Reply, Failure> {
    let nothing = || Failure::not_found("uploaded definition");
    let object: u16 = object.parse().map_err(|_| nothing())?;
    let version: Version = version.parse().map_err(|_| nothing())?;
    api.fleet().remove_model(&context, ObjectId(object), version).await?;
    Ok(Reply::done())
}

/// Reads the folder of definitions anew. If a file can't be read, all stays as it was.
#[utoipa::path(post, path = "/models/reload", tag = "models", security(("token" = ["administer"])),
    responses((status = 200, description = "How many definitions there are", body = ModelCount)))]
pub(super) async fn reload(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let fleet = Arc::clone(api.fleet());
    // It reads files before it first yields.
    let handle = tokio::runtime::Handle::current();
    let reloaded = tokio::task::spawn_blocking(move || handle.block_on(fleet.reload_models(&context))).await;
    let count = reloaded.map_err(|error| {
        tracing::error!(%error, "the task that reads the definitions failed");
        Failure::new(ProblemKind::Internal, "the definitions could not be read")
    })??;
    Reply::ok(&ModelCount { models: u64::try_from(count).unwrap_or(u64::MAX) })
}
