//! `/updates`: devices are given new firmware and software.

use std::sync::Arc;

use axum::extract::{Path, State};
use fleet::{ArtefactId, Context, FleetError, PublicId, store::UpdateQuery, update::UpdateId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    devices::device_id,
    extract::{Json, PageQuery, Query, id, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{NewUpdates, Page, ProblemKind, Update, UpdateBegun, UpdateCounts, UpdatePhase, UpdatesBegun},
};

/// Which updates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UpdateFilter {
    /// Only those of the device of this id.
    device: Option<String>,
    /// Only those with the artefact of this id.
    artefact: Option<String>,
    /// Only those that stand there.
    phase: Option<UpdatePhase>,
    /// Only those that have not ended.
    running: Option<bool>,
    /// Where the page before ended: its `next`, as it is.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Of which updates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CountsOf {
    /// Only those with the artefact of this id.
    artefact: Option<String>,
}

/// The updates, the newest first.
#[utoipa::path(get, path = "/updates", tag = "updates", params(UpdateFilter), security(("token" = ["read"])),
    responses((status = 200, description = "A page of updates", body = Page<Update>)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<UpdateFilter>,
) -> Result<Reply, Failure> {
    let mut query = UpdateQuery::all(page(filter.after, filter.limit)?);
    if let Some(device) = filter.device {
        let unknown = || Failure::of_field(ProblemKind::BadRequest, "device", "there is no such device");
        let found = match device.parse::<PublicId>() {
            Ok(device) => api.fleet().device(&context, device).await,
            Err(_) => return Err(unknown()),
        };
        query.device = match found {
            Err(FleetError::NotFound("device")) => return Err(unknown()),
            found => Some(found?.view.device.id),
        };
    }
    query.artefact = artefact_filter(filter.artefact)?;
    query.phase = filter.phase.map(fleet::update::UpdatePhase::from);
    query.running = filter.running.unwrap_or(false);
    Reply::ok(&Page::of(api.fleet().updates(&context, &query).await?, Update::from))
}

/// Begins to update devices. Each has its own answer: one that can't be updated keeps no other from it.
#[utoipa::path(post, path = "/updates", tag = "updates", request_body = NewUpdates, security(("token" = ["operate"])),
    responses((status = 202, description = "What became of each device: its update goes on by itself", body = UpdatesBegun)))]
pub(super) async fn begin(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Json(new): Json<NewUpdates>,
) -> Result<Reply, Failure> {
    let no_artefact = || Failure::field("artefact", "there is no such artefact");
    let wanted = fleet::NewUpdate {
        artefact: id(&new.artefact, "artefact").map_err(|_| no_artefact())?,
        instance: new.instance.map(objects::InstanceId),
        terms: new.terms.into(),
        ticket: new.ticket,
    };
    let devices: Result<Vec<PublicId>, Failure> = new
        .devices
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let field = format!("devices[{at}]");
            id(text, "device").map_err(|_| Failure::field(&field, "the id of a device is expected"))
        })
        .collect();
    let begun = match api.fleet().begin_updates(&context, &wanted, &devices?).await {
        Err(FleetError::NotFound("artefact")) => return Err(no_artefact()),
        begun => begun?,
    };
    let begun: Vec<UpdateBegun> = begun.into_iter().map(|begun| told(&context, begun)).collect();
    let location = match &begun[..] {
        [UpdateBegun { update: Some(update), .. }] => format!("/updates/{update}"),
        _ => format!("/updates?artefact={}", wanted.artefact),
    };
    Reply::accepted(location, &UpdatesBegun { devices: begun })
}

/// How many updates stand in each phase.
#[utoipa::path(get, path = "/updates/counts", tag = "updates", params(CountsOf), security(("token" = ["read"])),
    responses((status = 200, description = "Counts by phase", body = UpdateCounts)))]
pub(super) async fn counts(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(of): Query<CountsOf>,
) -> Result<Reply, Failure> {
    let counts = api.fleet().update_counts(&context, artefact_filter(of.artefact)?).await?;
    let phases = counts.into_iter().map(|(phase, count)| (phase.into(), count)).collect();
    Reply::ok(&UpdateCounts { phases })
}

/// One update.
#[utoipa::path(get, path = "/updates/{update}", tag = "updates", security(("token" = ["read"])),
    params(("update" = String, Path, description = "The update's id")),
    responses((status = 200, description = "The update", body = Update)))]
pub(super) async fn get(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(update): Path<String>,
) -> Result<Reply, Failure> {
    Reply::ok(&Update::from(api.fleet().update(&context, update_id(&update)?).await?))
}

/// Ends an update as soon as that can be: what a device installs already it goes on with.
#[utoipa::path(post, path = "/updates/{update}/cancel", tag = "updates", security(("token" = ["operate"])),
    params(("update" = String, Path, description = "The update's id")),
    responses((status = 204, description = "It ends; what came of it is told by the update")))]
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(update): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().cancel_update(&context, update_id(&update)?).await?;
    Ok(Reply::done())
}

/// Lets a device off that rests because its updates have failed too often: this one goes on.
#[utoipa::path(post, path = "/updates/{update}/let-off", tag = "updates", security(("token" = ["operate"])),
    params(("update" = String, Path, description = "The update's id")),
    responses((status = 204, description = "The device does not rest any more")))]
pub(super) async fn let_off(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(update): Path<String>,
) -> Result<Reply, Failure> {
    api.fleet().let_off(&context, update_id(&update)?).await?;
    Ok(Reply::done())
}

/// The updates of a device, the newest first.
#[utoipa::path(get, path = "/devices/{device}/updates", tag = "updates", security(("token" = ["read"])),
    params(("device" = String, Path, description = "The device's id"), PageQuery),
    responses((status = 200, description = "A page of updates", body = Page<Update>)))]
pub(super) async fn of_device(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Path(device): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Failure> {
    let page = api.fleet().updates_of(&context, device_id(&device)?, page.request()?).await?;
    Reply::ok(&Page::of(page, Update::from))
}

fn artefact_filter(text: Option<String>) -> Result<Option<ArtefactId>, Failure> {
    let unknown = |_| Failure::of_field(ProblemKind::BadRequest, "artefact", "there is no such artefact");
    text.map(|text| id(&text, "artefact").map_err(unknown)).transpose()
}

fn update_id(text: &str) -> Result<UpdateId, Failure> {
    id(text, "update")
}

fn told(context: &Context, begun: fleet::UpdateBegun) -> UpdateBegun {
    let (update, problem) = match begun.update {
        Ok(update) => (Some(update.id.to_string()), None),
        Err(error) => (None, Some(Failure::of(&error).problem(Some(context.request)))),
    };
    UpdateBegun { device: begun.device.to_string(), update, problem }
}
