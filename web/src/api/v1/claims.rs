//! `/claims`: one credential for a batch of devices.

use std::{collections::HashMap, sync::Arc};

use axum::extract::{Path, State};

use super::{
    access::Caller,
    extract::{Json, PageQuery, Query, id},
    failure::Failure,
    given,
    reply::Reply,
    state::Api,
    types::{Claim, NewClaim, OpenedClaim, Page},
};

/// The claims, newest first.
#[utoipa::path(get, path = "/claims", tag = "claims", params(PageQuery), security(("token" = ["administer"])),
    responses((status = 200, description = "A page of claims", body = Page<Claim>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = api.fleet().claims(&context, &page.request()?).await?;
    let classes = api.fleet().classes(&context).await?;
    let names: HashMap<_, _> = classes.into_iter().map(|class| (class.id, class.name)).collect();
    let name = |claim: &fleet::Claim| names.get(&claim.class).cloned().unwrap_or_default();
    Reply::ok(&Page::of(page, |claim| {
        let class = name(&claim);
        Claim::of(claim, class)
    }))
}

/// Opens a claim. Its key is shown this once.
#[utoipa::path(post, path = "/claims", tag = "claims", request_body = NewClaim, security(("token" = ["administer"])),
    responses((status = 201, description = "The claim, with the key of its credential", body = OpenedClaim)))]
pub(super) async fn open(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewClaim>,
) -> Result<Reply, Failure> {
    let class = api.class(&context, new.class.as_deref(), "class").await?;
    let claim = fleet::NewClaim {
        name: new.name,
        class: class.id,
        quota: new.quota,
        opens_at: new.opens_at.map_or(context.now, |at| at.timestamp()),
        closes_at: new.closes_at.timestamp(),
        credential: given::psk(new.credential, "credential")?,
    };
    let (claim, shown) = api.fleet().add_claim(&context, claim).await?;
    let opened = OpenedClaim { claim: Claim::of(claim, class.name), credential: shown.into() };
    let kept = OpenedClaim { claim: opened.claim.clone(), credential: opened.credential.without_key() };
    Reply::created("/claims".to_owned(), &opened)?.kept_as(&kept)
}

/// Closes a claim before its time; the devices that it has enrolled stay.
#[utoipa::path(post, path = "/claims/{claim}/close", tag = "claims",
    params(("claim" = String, Path, description = "The claim's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It is closed")))]
pub(super) async fn close(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(claim): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().close_claim(&context, id(&claim, "claim")?).await?;
    Ok(Reply::done())
}
