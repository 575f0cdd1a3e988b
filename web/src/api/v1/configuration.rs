//! `/baselines` and `/configurations`: what devices are to be set to, and whether they are.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::{
    Context,
    configuration::{Draft, LevelName, LineKey},
    store::ConfigurationQuery,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    devices::device_id,
    extract::{Json, PageQuery, Query, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{
        Acceptance, Baseline, Baselines, Configuration, ConfigurationAct, ConfigurationCounts,
        ConfigurationRow, ConfigurationState, DryRun, NewBaseline, Page, RollBack,
    },
};

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfVersion {
    /// The newest, if it is left out.
    version: Option<u32>,
}

/// Which devices.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StateFilter {
    /// Only those that stand there.
    state: Option<ConfigurationState>,
    /// Where the page before ended: its `next`, as it is.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The newest baselines of the fleet, of classes and of groups.
#[utoipa::path(get, path = "/baselines", tag = "configuration", security(("token" = ["read"])),
    responses((status = 200, description = "All of them, in the order in which they override each other", body = Baselines)))]
pub(super) async fn list(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let found = api.fleet().baselines(&context).await?;
    let baselines =
        found.into_iter().map(|(level, name, one)| Baseline::new(&level, name, Some(&one))).collect();
    Reply::ok(&Baselines { baselines })
}

/// What a level wants.
#[utoipa::path(get, path = "/baselines/{level}", tag = "configuration", security(("token" = ["read"])),
    params(("level" = String, Path, description = "`fleet`, `class:NAME`, `group:ID` or `device:ID`", example = "fleet"), OfVersion),
    responses((status = 200, description = "That version; version 0 if it never wanted anything", body = Baseline)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(named): Path<String>,
    Query(of): Query<OfVersion>,
) -> Result<Reply, Failure> {
    let level = level(&named)?;
    let name = api.fleet().level_name(&context, &level).await?;
    let found = api.fleet().baseline(&context, &level, of.version).await?;
    Reply::ok(&Baseline::new(&level, name, found.as_ref()))
}

/// Says what a level wants from now on, as a new version. Its devices are looked at next.
#[utoipa::path(put, path = "/baselines/{level}", tag = "configuration", request_body = NewBaseline,
    params(("level" = String, Path, description = "`fleet`, `class:NAME`, `group:ID` or `device:ID`", example = "fleet")),
    security(("token" = ["administer"])), responses((status = 200, description = "The new version", body = Baseline)))]
pub(super) async fn set(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(named): Path<String>,
    Json(new): Json<NewBaseline>,
) -> Result<Reply, Failure> {
    let (level, after) = (level(&named)?, new.after);
    let draft = draft(&api, &context, &level, new).await?;
    let made = api.fleet().set_baseline(&context, &level, draft, after).await?;
    let name = api.fleet().level_name(&context, &level).await?;
    Reply::ok(&Baseline::new(&level, name, Some(&made)))
}

/// The versions of what a level wants, the newest first.
#[utoipa::path(get, path = "/baselines/{level}/versions", tag = "configuration", security(("token" = ["read"])),
    params(("level" = String, Path, description = "`fleet`, `class:NAME`, `group:ID` or `device:ID`", example = "fleet"), PageQuery),
    responses((status = 200, description = "A page of versions", body = Page<Baseline>)))]
pub(super) async fn versions(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(named): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let level = level(&named)?;
    let name = api.fleet().level_name(&context, &level).await?;
    let page = api.fleet().baseline_versions(&context, &level, &page.request()?).await?;
    Reply::ok(&Page::of(page, |one| Baseline::new(&level, name.clone(), Some(&one))))
}

/// Wants again what an earlier version wanted, as a new version.
#[utoipa::path(post, path = "/baselines/{level}/roll-back", tag = "configuration", request_body = RollBack,
    params(("level" = String, Path, description = "`fleet`, `class:NAME`, `group:ID` or `device:ID`", example = "fleet")),
    security(("token" = ["administer"])), responses((status = 200, description = "The new version", body = Baseline)))]
pub(super) async fn roll_back(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(named): Path<String>,
    Json(back): Json<RollBack>,
) -> Result<Reply, Failure> {
    let level = level(&named)?;
    let RollBack { to, ticket, comment } = back;
    let made = api.fleet().roll_back_baseline(&context, &level, to, ticket, comment).await?;
    let name = api.fleet().level_name(&context, &level).await?;
    Reply::ok(&Baseline::new(&level, name, Some(&made)))
}

/// Says what a change of what a level wants would do to its devices, and changes nothing. By what the devices have said last.
#[utoipa::path(post, path = "/baselines/{level}/dry-run", tag = "configuration", request_body = NewBaseline,
    params(("level" = String, Path, description = "`fleet`, `class:NAME`, `group:ID` or `device:ID`", example = "fleet"), PageQuery),
    security(("token" = ["read"])), responses((status = 200, description = "A page of devices, line by line", body = DryRun)))]
pub(super) async fn dry_run(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(named): Path<String>,
    Query(page): Query<PageQuery>,
    Json(new): Json<NewBaseline>,
) -> Result<Reply, Failure> {
    let level = level(&named)?;
    let draft = draft(&api, &context, &level, new).await?;
    let run = api.fleet().dry_run(&context, &level, draft, &page.request()?).await?;
    Reply::ok(&DryRun::new(run))
}

/// The devices of which something is wanted.
#[utoipa::path(get, path = "/configurations", tag = "configuration", params(StateFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A page of devices", body = Page<ConfigurationRow>)))]
pub(super) async fn standing(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<StateFilter>,
) -> Result<Reply, Failure> {
    let state = filter.state.map(fleet::configuration::ConfiguredState::from);
    let query = ConfigurationQuery { state, page: page(filter.after, filter.limit)? };
    let page = api.fleet().configurations(&context, &query).await?;
    Reply::ok(&Page::of(page, ConfigurationRow::from))
}

/// How many devices stand where.
#[utoipa::path(get, path = "/configurations/counts", tag = "configuration", security(("token" = ["read"])),
    responses((status = 200, description = "Counts by state", body = ConfigurationCounts)))]
pub(super) async fn counts(State(api): State<Arc<Api>>, Caller(context): Caller) -> Result<Reply, Failure> {
    let counts = api.fleet().configuration_counts(&context).await?;
    let states = counts.into_iter().map(|(state, count)| (state.into(), count)).collect();
    Reply::ok(&ConfigurationCounts { states })
}

/// What a device is to have, and where it stands.
#[utoipa::path(get, path = "/devices/{device}/configuration", tag = "configuration", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id")),
    responses((status = 200, description = "Line by line: expected, actual, and who wrote last", body = Configuration)))]
pub(super) async fn of_device(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
) -> Result<Reply, Failure> {
    let detail = api.fleet().configuration(&context, device_id(&device)?).await?;
    Reply::ok(&Configuration::from(detail))
}

/// Writes to a device now what it does not have, whatever its baselines say of that; once more also what it did not take.
#[utoipa::path(post, path = "/devices/{device}/configuration/repair", tag = "configuration", request_body = ConfigurationAct,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["operate"])),
    responses((status = 204, description = "It is written as soon as the device listens")))]
pub(super) async fn repair(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(act): Json<ConfigurationAct>,
) -> Result<Reply, Failure> {
    api.fleet().repair_configuration(&context, device_id(&device)?, act.ticket.as_deref()).await?;
    Ok(Reply::done())
}

/// Lets a device go on that was stopped because it did not stay as it is to be.
#[utoipa::path(post, path = "/devices/{device}/configuration/resume", tag = "configuration", request_body = ConfigurationAct,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["operate"])),
    responses((status = 204, description = "It goes on")))]
pub(super) async fn resume(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(act): Json<ConfigurationAct>,
) -> Result<Reply, Failure> {
    api.fleet().resume_configuration(&context, device_id(&device)?, act.ticket.as_deref()).await?;
    Ok(Reply::done())
}

/// Wants of a device what it has: the lines become lines of its own baseline.
#[utoipa::path(post, path = "/devices/{device}/configuration/accept", tag = "configuration", request_body = Acceptance,
    params(("device" = String, Path, description = "The device's id")), security(("token" = ["administer"])),
    responses((status = 204, description = "That is what it is to have")))]
pub(super) async fn accept(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Json(act): Json<Acceptance>,
) -> Result<Reply, Failure> {
    let lines: Result<Vec<LineKey>, Failure> = act
        .lines
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let path = text.parse().map_err(|_| {
                Failure::field(&format!("lines[{at}]"), "the path of a value is expected, such as /1/0/1")
            })?;
            Ok(LineKey { path, attributes: false })
        })
        .collect();
    api.fleet().accept_configuration(&context, device_id(&device)?, &lines?, act.ticket).await?;
    Ok(Reply::done())
}

async fn draft(api: &Api, context: &Context, level: &LevelName, new: NewBaseline) -> Result<Draft, Failure> {
    let lines = api.fleet().read_baseline(context, level, &new.lines).await?;
    Ok(new.draft(lines))
}

fn level(text: &str) -> Result<LevelName, Failure> {
    text.parse().map_err(|_| Failure::not_found("level"))
}
