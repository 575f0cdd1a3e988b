//! `/groups`: devices that a rule names. Who is in one is listed by `/devices?group=…`.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::PublicId;

use super::{
    access::Caller,
    extract::{Json, id},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{Group, NewGroup, Page, RulePreview, RuleTest},
};

/// The groups, the highest rank first.
#[utoipa::path(get, path = "/groups", tag = "groups", security(("token" = ["read"])),
    responses((status = 200, description = "The groups", body = Page<Group>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let groups = api.fleet().groups(&context).await?;
    Reply::ok(&Page::whole(groups.into_iter().map(Group::from).collect()))
}

/// Makes a group. Who is in it follows in the background, in small steps.
#[utoipa::path(post, path = "/groups", tag = "groups", request_body = NewGroup, security(("token" = ["administer"])),
    responses((status = 201, description = "The group", body = Group)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewGroup>,
) -> Result<Reply, Failure> {
    let group = api.fleet().save_group(&context, None, new.into()).await?;
    let group = Group::from(fleet::GroupDetail { group, members: 0, broken: None });
    Reply::created(format!("/groups/{}", group.id), &group)
}

/// One group.
#[utoipa::path(get, path = "/groups/{group}", tag = "groups", security(("token" = ["read"])),
    params(("group" = String, Path, description = "The group's id")),
    responses((status = 200, description = "The group", body = Group)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(group): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&Group::from(api.fleet().group(&context, group_id(&group)?).await?))
}

/// Changes a group. Who is in it follows in the background, in small steps.
#[utoipa::path(put, path = "/groups/{group}", tag = "groups", request_body = NewGroup,
    params(("group" = String, Path, description = "The group's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "It is changed")))]
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(group): Path<String>,
    Json(new): Json<NewGroup>,
) -> Result<Reply, Failure> {
    api.fleet().save_group(&context, Some(group_id(&group)?), new.into()).await?;
    Ok(Reply::done())
}

/// Removes a group. What it applied to its devices is not applied any more; the devices stay as they are.
#[utoipa::path(delete, path = "/groups/{group}", tag = "groups", security(("token" = ["administer"])),
    params(("group" = String, Path, description = "The group's id")),
    responses((status = 204, description = "It is removed")))]
pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(group): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().remove_group(&context, group_id(&group)?).await?;
    Ok(Reply::done())
}

/// Says what a rule would change, by a sample of the fleet, and changes nothing.
#[utoipa::path(post, path = "/groups/previews", tag = "groups", request_body = RuleTest, security(("token" = ["read"])),
    responses((status = 200, description = "What it would change", body = RulePreview)))]
pub(super) async fn preview(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(RuleTest { rule, group }): Json<RuleTest>,
) -> Result<Reply, Failure> {
    let group = match group {
        Some(id) => Some(named(&api, &context, &id).await?.public_id),
        None => None,
    };
    Reply::ok(&RulePreview::from(api.fleet().preview_rule(&context, group, &rule).await?))
}

/// The group that a parameter or a field names.
pub(super) async fn named(api: &Api, context: &fleet::Context, text: &str) -> Result<fleet::Group, Failure> {
    let groups = api.fleet().groups(context).await?;
    let found =
        groups.into_iter().map(|detail| detail.group).find(|group| group.public_id.to_string() == text);
    found.ok_or_else(|| Failure::field("group", "there is no group of this id"))
}

/// The id of a group.
fn group_id(text: &str) -> Result<PublicId, Failure> {
    id(text, "group")
}
