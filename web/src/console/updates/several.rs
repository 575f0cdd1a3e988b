//! `/updates/several`: updating many devices. What was chosen is frozen, shown again with its count, and confirmed.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{ArtefactId, FleetError, NewUpdate, Permission, PublicId};

use super::{begin, terms};
use crate::{
    app::App,
    console::{confirm::Confirm, devices::chosen, sentence},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Filled, mend},
};

/// Names that a page shows of them.
const NAMED: usize = 100;

/// Devices that were chosen for an update, and how far it is.
#[derive(Clone)]
pub(crate) struct Several {
    chosen: Arc<[(PublicId, String)]>,
    /// Whether there were more than one list takes.
    cut: bool,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    Chosen,
    UnderWay,
    Done(Arc<Report>),
    Refused(String),
}

/// What became of them.
struct Report {
    artefact: ArtefactId,
    begun: usize,
    /// Who is not updated, and why.
    failed: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "updates/several.html")]
struct SeveralPage {
    shell: Shell,
    count: usize,
    report: Option<Arc<Report>>,
    refused: String,
}

/// Freezes what was ticked, or the whole result of the view.
pub(crate) async fn choose(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Operate)?;
    let (chosen, cut) = chosen::chosen(&app, &login, &fields, NewUpdate::MAX_DEVICES).await?;
    if chosen.is_empty() {
        return Ok(Redirect::to("/devices?done=nothing-chosen").into_response());
    }
    let token = app.token();
    let several = Several { chosen: chosen.into(), cut, stage: Stage::Chosen };
    app.several.put(token.clone(), login.user(), app.now(), several);
    Ok(Redirect::to(&format!("/updates/several/{token}")).into_response())
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(token): Address<String>,
) -> Result<Response, WebError> {
    login.demand(Permission::Operate)?;
    let several = find(&app, &login, &token)?;
    let (report, refused) = match &several.stage {
        Stage::Chosen => {
            let confirm = confirm(&app, &login, &several, &token).await?;
            return Ok(Page(confirm.page(&app, &login, &Filled::default())).into_response());
        }
        Stage::UnderWay => (None, String::new()),
        Stage::Done(report) => (Some(Arc::clone(report)), String::new()),
        Stage::Refused(why) => (None, why.clone()),
    };
    let under_way = report.is_none() && refused.is_empty();
    let shell = Shell::new(&app, &login, Area::Firmware, "Updates begun");
    Ok(Page(SeveralPage {
        shell: Shell { refresh: under_way.then_some(2), ..shell },
        count: several.chosen.len(),
        report,
        refused,
    })
    .into_response())
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address(token): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Operate)?;
    let several = find(&app, &login, &token)?;
    let url = format!("/updates/several/{token}");
    if !matches!(several.stage, Stage::Chosen) {
        return Ok(Redirect::to(&url).into_response());
    }
    let confirm = confirm(&app, &login, &several, &token).await?;
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let wanted = match begin::read(&fields) {
        Ok(wanted) => wanted,
        Err(error) => {
            let filled = mend(fields, error.into())?;
            return Ok(again(confirm.page(&app, &login, &filled)));
        }
    };
    let user = login.user();
    app.several.put(token.clone(), user, app.now(), Several { stage: Stage::UnderWay, ..several.clone() });
    let (work, context) = (Arc::clone(&app), login.context.clone());
    tokio::spawn(async move {
        let ids: Vec<PublicId> = several.chosen.iter().map(|(id, _)| *id).collect();
        let stage = match work.fleet.begin_updates(&context, &wanted, &ids).await {
            Ok(begun) => Stage::Done(Arc::new(Report::new(wanted.artefact, begun, &several))),
            Err(error) => Stage::Refused(sentence(&error)),
        };
        work.several.put(token, user, work.now(), Several { stage, ..several });
    });
    Ok(Redirect::to(&url).into_response())
}

impl Report {
    fn new(artefact: ArtefactId, begun: Vec<fleet::UpdateBegun>, several: &Several) -> Self {
        let mut failed = Vec::new();
        let count = begun.len();
        // Each in the order of the list.
        for (begun, (_, name)) in begun.into_iter().zip(several.chosen.iter()) {
            if let Err(error) = begun.update {
                failed.push((visible(name.chars()), sentence(&error)));
            }
        }
        Self { artefact, begun: count - failed.len(), failed }
    }

    /// As many of those that failed as a page shows.
    fn named(&self) -> &[(String, String)] {
        &self.failed[..self.failed.len().min(NAMED)]
    }
}

fn find(app: &App, login: &SignedIn, token: &str) -> Result<Several, WebError> {
    let found = app.several.find(token, login.user(), app.now());
    found.ok_or_else(|| FleetError::NotFound("list of devices; it may have been too long ago").into())
}

async fn confirm(app: &App, login: &SignedIn, several: &Several, token: &str) -> Result<Confirm, WebError> {
    let count = several.chosen.len();
    let devices = if count == 1 { "device" } else { "devices" };
    let mut items: Vec<String> =
        several.chosen.iter().take(NAMED).map(|(_, name)| visible(name.chars())).collect();
    if count > NAMED {
        items.push(format!("and {} more", count - NAMED));
    }
    let mut about = vec![
        "Each device to which the artefact may go is updated as soon as it can be; every other one is named with the reason.".to_owned(),
        "The list was frozen when you chose it. What has changed since is not in it.".to_owned(),
    ];
    if several.cut {
        about.insert(0, format!("More devices match than one list takes: these are the first {count}."));
    }
    let mut extra = begin::fields(app, login, None).await?;
    extra.extend(terms::fields(&app.fleet));
    Ok(Confirm {
        area: Area::Firmware,
        title: format!("Update {count} {devices}"),
        about,
        items,
        expected: format!("update {count} {devices}"),
        extra,
        reason: false,
        button: "Update them",
        action: format!("/updates/several/{token}"),
        back: "/devices".to_owned(),
    })
}
