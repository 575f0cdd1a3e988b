//! `/webhooks`: where events are sent to.

use std::sync::Arc;

use axum::extract::{Path, State};

use super::{
    access::Caller,
    extract::{Json, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{MadeWebhook, NewWebhook, Page, Pause, Webhook},
};

/// The webhooks, oldest first.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", security(("token" = ["administer"])),
    responses((status = 200, description = "The webhooks", body = Page<Webhook>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let webhooks = api.fleet().webhooks(&context).await?;
    Reply::ok(&Page::whole(webhooks.into_iter().map(Webhook::from).collect()))
}

/// Makes a webhook that is told what happens from now on. Its secret is shown this once.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook,
    security(("token" = ["administer"])),
    responses((status = 201, description = "The webhook with its secret", body = MadeWebhook)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewWebhook>,
) -> Result<Reply, Failure> {
    let kinds = new.kinds.iter().map(ToString::to_string).collect();
    let (webhook, secret) = api.fleet().add_webhook(&context, &new.url, kinds).await?;
    let made = MadeWebhook { webhook: webhook.into(), secret: Some(secret.to_string()) };
    let kept = MadeWebhook { webhook: made.webhook.clone(), secret: None };
    Reply::created("/webhooks".to_owned(), &made)?.kept_as(&kept)
}

/// Pauses a webhook, or lets it go on.
#[utoipa::path(put, path = "/webhooks/{webhook}/pause", tag = "webhooks", request_body = Pause,
    params(("webhook" = String, Path, description = "The webhook's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It is so")))]
pub(super) async fn pause(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(webhook): Path<String>,
    Json(Pause { paused }): Json<Pause>,
) -> Result<Reply, Failure> {
    api.fleet().pause_webhook(&context, id(&webhook, "webhook")?, paused).await?;
    Ok(Reply::done())
}

/// Removes a webhook, and its secret with it.
#[utoipa::path(delete, path = "/webhooks/{webhook}", tag = "webhooks", security(("token" = ["administer"])),
    params(("webhook" = String, Path, description = "The webhook's id")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(webhook): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().remove_webhook(&context, id(&webhook, "webhook")?).await?;
    Ok(Reply::done())
}
