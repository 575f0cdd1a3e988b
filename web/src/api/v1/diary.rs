//! `/diary`: who failed to get in, why, and what to do about it.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::store::DiaryQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    devices::device_id,
    extract::{Query, id, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{DiaryCause, DiaryEntry, Page, Time},
};

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DiaryFilter {
    /// Only of this cause.
    cause: Option<DiaryCause>,
    /// Only of the device with this id.
    device: Option<String>,
    /// Only of those that no device is known for.
    unmanaged: Option<bool>,
    /// Where the page before ended: its `next`, as it is.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The connection diary, those of the last time first.
#[utoipa::path(get, path = "/diary", tag = "diary", params(DiaryFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A page of the diary", body = Page<DiaryEntry>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<DiaryFilter>,
) -> Result<Reply, Failure> {
    let device = match filter.device {
        Some(device) => Some(api.fleet().device(&context, device_id(&device)?).await?.view.device.id),
        None => None,
    };
    let query = DiaryQuery {
        cause: filter.cause.map(fleet::DiaryCause::from),
        device,
        unmanaged: filter.unmanaged.unwrap_or(false),
        page: page(filter.after, filter.limit)?,
    };
    Reply::ok(&Page::of(api.fleet().diary(&context, &query).await?, DiaryEntry::from))
}

/// One entry of the diary, and whether its device has got in since.
#[utoipa::path(get, path = "/diary/{entry}", tag = "diary", security(("token" = ["read"])),
    params(("entry" = String, Path, description = "The entry's id")),
    responses((status = 200, description = "The entry", body = DiaryEntry)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(entry): Path<String>,
) -> Result<Reply, Failure> {
    let entry = api.fleet().diary_entry(&context, id(&entry, "diary entry")?).await?;
    let got_in_at = api.fleet().got_in_since(&context, &entry).await?.map(Time::from);
    Reply::ok(&DiaryEntry { got_in_at, ..DiaryEntry::from(entry) })
}

/// Takes an entry out of the diary: it was dealt with.
#[utoipa::path(delete, path = "/diary/{entry}", tag = "diary", security(("token" = ["operate"])),
    params(("entry" = String, Path, description = "The entry's id")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn clear(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(entry): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().clear_diary(&context, id(&entry, "diary entry")?).await?;
    Ok(Reply::done())
}

/// Lets the device of a `second-claim` use its claim once more, within an hour.
#[utoipa::path(post, path = "/diary/{entry}/approve", tag = "diary", security(("token" = ["administer"])),
    params(("entry" = String, Path, description = "The entry's id")),
    responses((status = 204, description = "It may come again")))]
pub(super) async fn approve(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(entry): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().approve_claim(&context, id(&entry, "diary entry")?).await?;
    Ok(Reply::done())
}
