//! `/classes`: classes of devices, their policies and their bootstrap plans.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::PlanScope;

use super::{
    access::Caller,
    extract::Json,
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{Class, ClassPolicy, EffectivePlan, NewClass, Page, Plan, PlanOrigin, Retention},
};

/// The classes, by name.
#[utoipa::path(get, path = "/classes", tag = "classes", security(("token" = ["read"])),
    responses((status = 200, description = "The classes", body = Page<Class>)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let mut classes = Vec::new();
    for class in api.fleet().classes(&context).await? {
        let devices = api.fleet().class_size(&context, class.id).await?;
        classes.push(Class::of(class, devices));
    }
    Reply::ok(&Page::whole(classes))
}

/// Makes a class.
#[utoipa::path(post, path = "/classes", tag = "classes", request_body = NewClass, security(("token" = ["administer"])),
    responses((status = 201, description = "The class", body = Class)))]
pub(super) async fn add(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(NewClass { name }): Json<NewClass>,
) -> Result<Reply, Failure> {
    let class = Class::of(api.fleet().add_class(&context, &name).await?, Some(0));
    Reply::created(format!("/classes/{}/plan", segment(&class.name)), &class)
}

/// The bootstrap plan of a class: its own, or the default.
#[utoipa::path(get, path = "/classes/{class}/plan", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The plan", body = EffectivePlan)))]
pub(super) async fn plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let scope = scope(&api, &context, &class).await?;
    let plan = api.fleet().plan(&context, scope).await?;
    let origin = if plan.is_some() { PlanOrigin::Class } else { PlanOrigin::Default };
    Reply::ok(&EffectivePlan { plan: plan.unwrap_or_default().into(), origin })
}

/// Gives a class a bootstrap plan.
#[utoipa::path(put, path = "/classes/{class}/plan", tag = "classes", request_body = Plan,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that plan")))]
pub(super) async fn set_plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(plan): Json<Plan>,
) -> Result<Reply, Failure> {
    let scope = scope(&api, &context, &class).await?;
    api.fleet().save_plan(&context, scope, Some(plan.into())).await?;
    Ok(Reply::done())
}

/// Takes a class's plan back: then the default holds.
#[utoipa::path(delete, path = "/classes/{class}/plan", tag = "classes",
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has no plan of its own")))]
pub(super) async fn clear_plan(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    let scope = scope(&api, &context, &class).await?;
    api.fleet().save_plan(&context, scope, None).await?;
    Ok(Reply::done())
}

/// By what the devices of a class may prove who they are.
#[utoipa::path(get, path = "/classes/{class}/policy", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The policy", body = ClassPolicy)))]
pub(super) async fn policy(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&ClassPolicy::from(find(&api, &context, &class).await?.policy))
}

/// Says by what the devices of a class may prove who they are. Sessions that were opened by a kind which is not let in
/// any more end.
#[utoipa::path(put, path = "/classes/{class}/policy", tag = "classes", request_body = ClassPolicy,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that policy")))]
pub(super) async fn set_policy(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(policy): Json<ClassPolicy>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?;
    api.fleet().set_class_policy(&context, class.id, policy.into()).await?;
    Ok(Reply::done())
}

/// How long values of a class's devices are kept.
#[utoipa::path(get, path = "/classes/{class}/retention", tag = "classes", security(("token" = ["read"])),
    params(("class" = String, Path, description = "The class's name")),
    responses((status = 200, description = "The retention", body = Retention)))]
pub(super) async fn retention(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&Retention::from(find(&api, &context, &class).await?.retention))
}

/// Says how long values of a class's devices are kept. What is not kept any more is dropped in the background, within some
/// hours.
#[utoipa::path(put, path = "/classes/{class}/retention", tag = "classes", request_body = Retention,
    params(("class" = String, Path, description = "The class's name")), security(("token" = ["administer"])),
    responses((status = 204, description = "It has that retention")))]
pub(super) async fn set_retention(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(class): Path<String>,
    Json(retention): Json<Retention>,
) -> Result<Reply, Failure> {
    let class = find(&api, &context, &class).await?;
    api.fleet().set_class_retention(&context, class.id, retention.into()).await?;
    Ok(Reply::done())
}

async fn scope(api: &Api, context: &fleet::Context, name: &str) -> Result<PlanScope, Failure> {
    Ok(PlanScope::Class(find(api, context, name).await?.id))
}

pub(super) async fn find(api: &Api, context: &fleet::Context, name: &str) -> Result<fleet::Class, Failure> {
    let classes = api.fleet().classes(context).await?;
    classes.into_iter().find(|class| class.name == name).ok_or_else(|| Failure::not_found("class"))
}

/// A text as one segment of an address (RFC 3986 §2.3: all but the unreserved characters are escaped).
pub(super) fn segment(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
