//! `/devices/removal`: removing many devices. What was chosen is frozen, shown again with its count, and confirmed.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{BulkReport, FleetError, Permission, PublicId};
use sha2::{Digest, Sha256};

use super::chosen::chosen;
use crate::{
    app::App,
    console::{confirm::Confirm, device::danger::keep_data},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::Filled,
};

/// Devices that one removal takes.
const MOST: usize = 10_000;
/// Names that a page shows of them.
const NAMED: usize = 100;

/// Devices that were chosen for removal, and how far it is.
#[derive(Clone)]
pub(crate) struct Removal {
    chosen: Arc<[(PublicId, String)]>,
    /// Whether there were more than one removal takes.
    cut: bool,
    /// Of the ids, so that it can be told which list it was.
    digest: String,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    Chosen,
    UnderWay,
    Done(Arc<BulkReport>),
    Refused(String),
}

#[derive(Template)]
#[template(path = "devices/removed.html")]
struct RemovedPage {
    shell: Shell,
    count: usize,
    digest: String,
    report: Option<Arc<BulkReport>>,
    failed: Vec<(String, String)>,
    refused: String,
}

/// Freezes what was ticked, or the whole result of the view.
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let (chosen, cut) = chosen(&app, &login, &fields, MOST).await?;
    if chosen.is_empty() {
        return Ok(Redirect::to("/devices?done=nothing-chosen").into_response());
    }
    let mut digest = Sha256::new();
    for (id, _) in &chosen {
        digest.update(id.to_string());
    }
    let digest = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let token = app.token();
    let removal = Removal { chosen: chosen.into(), cut, digest, stage: Stage::Chosen };
    app.removals.put(token.clone(), login.user(), app.now(), removal);
    Ok(Redirect::to(&format!("/devices/removal/{token}")).into_response())
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(token): Address<String>,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let removal = find(&app, &login, &token)?;
    let shell = Shell::new(&app, &login, Area::Devices, "Removal");
    let (report, refused) = match &removal.stage {
        Stage::Chosen => {
            return Ok(Page(confirm(&removal, &token).page(&app, &login, &Filled::default())).into_response());
        }
        Stage::UnderWay => (None, String::new()),
        Stage::Done(report) => (Some(Arc::clone(report)), String::new()),
        Stage::Refused(why) => (None, why.clone()),
    };
    let under_way = report.is_none() && refused.is_empty();
    let name =
        |id: &PublicId| removal.chosen.iter().find(|(other, _)| other == id).map(|(_, name)| name.as_str());
    let failed = report.iter().flat_map(|report| report.failed.iter().take(NAMED));
    Ok(Page(RemovedPage {
        shell: Shell { refresh: under_way.then_some(2), ..shell },
        count: removal.chosen.len(),
        digest: removal.digest.clone(),
        failed: failed
            .map(|(id, why)| (visible(name(id).unwrap_or_default().chars()), visible(why.chars())))
            .collect(),
        report,
        refused,
    })
    .into_response())
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(token): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let removal = find(&app, &login, &token)?;
    let url = format!("/devices/removal/{token}");
    if !matches!(removal.stage, Stage::Chosen) {
        return Ok(Redirect::to(&url).into_response());
    }
    let confirm = confirm(&removal, &token);
    let reason = match confirm.check(&fields) {
        Ok(reason) => reason,
        Err(problems) => return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems)))),
    };
    let keep_data = fields.has("keep_data");
    let user = login.user();
    app.removals.put(token.clone(), user, app.now(), Removal { stage: Stage::UnderWay, ..removal.clone() });
    let (work, context) = (Arc::clone(&app), login.context.clone());
    tokio::spawn(async move {
        let ids: Vec<PublicId> = removal.chosen.iter().map(|(id, _)| *id).collect();
        let stage = match work.fleet.remove_devices(&context, ids, fleet::Removal { keep_data, reason }).await
        {
            Ok(report) => Stage::Done(Arc::new(report)),
            Err(error) => Stage::Refused(crate::console::sentence(&error)),
        };
        work.removals.put(token, user, work.now(), Removal { stage, ..removal });
    });
    Ok(Redirect::to(&url).into_response())
}

fn find(app: &App, login: &SignedIn, token: &str) -> Result<Removal, WebError> {
    let found = app.removals.find(token, login.user(), app.now());
    found.ok_or_else(|| FleetError::NotFound("list of devices; it may have been too long ago").into())
}

fn confirm(removal: &Removal, token: &str) -> Confirm {
    let count = removal.chosen.len();
    let devices = if count == 1 { "device" } else { "devices" };
    let mut items: Vec<String> =
        removal.chosen.iter().take(NAMED).map(|(_, name)| visible(name.chars())).collect();
    if count > NAMED {
        items.push(format!("and {} more", count - NAMED));
    }
    let mut about = vec![
        "Their credentials are revoked, their sessions and registrations end at once, and none of them comes back unless it is added again.".to_owned(),
        format!("The list was frozen when you chose it (digest {}). What has changed since is not in it.", removal.digest),
    ];
    if removal.cut {
        about.insert(0, format!("More devices match than one removal takes: these are the first {count}. The others stay; choose them again afterwards."));
    }
    Confirm {
        area: Area::Devices,
        title: format!("Remove {count} {devices}"),
        about,
        items,
        expected: format!("remove {count} {devices}"),
        extra: vec![keep_data()],
        reason: true,
        button: "Remove them",
        action: format!("/devices/removal/{token}"),
        back: "/devices".to_owned(),
    }
}
