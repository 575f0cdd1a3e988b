//! `GET /updates/{update}`: one update, where it stands, what was done, and what its result means.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    Permission, Timestamp,
    update::{Delivery, Update, UpdateId, UpdatePhase, UpdateTarget, UpdateTerms, VersionAt},
};

use super::live;
use crate::{
    app::App,
    console::{Done, badge::Badge, sentence_of},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, bytes, span, visible},
};

#[derive(Template)]
#[template(path = "updates/one.html")]
struct UpdatePage {
    shell: Shell,
    endpoint: String,
    device_url: String,
    version: String,
    standing: Standing,
    facts: Vec<(&'static str, String)>,
    terms: Vec<(&'static str, String)>,
}

/// Where an update stands, what is going on, and what was done.
#[derive(Template)]
#[template(path = "fragments/update.html")]
pub(crate) struct Standing {
    id: UpdateId,
    url: String,
    badge: Badge,
    version: String,
    detail: String,
    since: Moment,
    ended: Option<Moment>,
    attempt: u8,
    attempts: u8,
    /// How many bytes the device has, of how many; none where nothing was sent yet.
    progress: Option<Progress>,
    result: Option<Explained>,
    cancelling: bool,
    cancellable: bool,
    restable: bool,
    notes: Vec<(Moment, String)>,
}

struct Progress {
    sent: u64,
    size: u64,
    text: String,
    at: Moment,
}

/// A result with what it means.
pub(crate) struct Explained {
    pub(crate) code: i64,
    pub(crate) meaning: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) bad: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(id): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let update = app.fleet.update(&login.context, update_id(&id)?).await?;
    let endpoint = app.name_of(&login.context, update.device_public_id).await?;
    let version = visible(update.version.chars());
    let shell = Shell::new(&app, &login, Area::Firmware, format!("Update to {version}")).done(&done.done);
    let events = format!("/updates/{}/events", update.id);
    Ok(Page(UpdatePage {
        shell: if update.has_ended() { shell } else { shell.live(events) },
        endpoint,
        device_url: format!("/devices/{}/firmware", update.device_public_id),
        version,
        facts: facts(&app, &login, &update).await?,
        terms: terms(&update.terms),
        standing: Standing::new(&login, &update, app.now()),
    }))
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(id): Address<String>,
) -> Result<Response, WebError> {
    let update = app.fleet.update(&login.context, update_id(&id)?).await?;
    live::of_update(app, login, &update).await
}

pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = update_id(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("cancel update {id}"), async move {
        work.fleet.cancel_update(&context, id).await?;
        Ok(format!("/updates/{id}?done=update-cancelled"))
    })
    .await
}

pub(crate) async fn let_off(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = update_id(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("let off {id}"), async move {
        work.fleet.let_off(&context, id).await?;
        Ok(format!("/updates/{id}?done=let-off"))
    })
    .await
}

pub(crate) fn update_id(text: &str) -> Result<UpdateId, WebError> {
    text.parse().map_err(|_| WebError::NotFound("update"))
}

impl Standing {
    pub(crate) fn new(login: &SignedIn, update: &Update, now: Timestamp) -> Self {
        let moment = |at| Moment::new(at, now);
        let open = !update.has_ended() && login.may(Permission::Operate);
        let progress = || Progress {
            sent: update.sent,
            size: update.size,
            text: format!("{} of {}", bytes(update.sent), bytes(update.size)),
            at: moment(update.progress_at),
        };
        let notes = update.notes.iter().rev().map(|note| (moment(note.at), visible(note.text.chars())));
        Self {
            id: update.id,
            url: format!("/updates/{}", update.id),
            badge: Badge::of_update(update.phase),
            version: visible(update.version.chars()),
            detail: sentence_of(&visible(update.detail.chars())),
            since: moment(update.since),
            ended: update.ended_at.map(moment),
            attempt: update.attempt,
            attempts: update.terms.attempts,
            progress: (update.sent > 0 || update.phase == UpdatePhase::Delivering).then(progress),
            result: update.result.map(|code| Explained::new(update.target, code.into())),
            cancelling: update.cancelling && !update.has_ended(),
            cancellable: open && !update.cancelling,
            restable: open && update.phase == UpdatePhase::Waiting && !update.rested,
            notes: notes.collect(),
        }
    }
}

impl Explained {
    pub(crate) fn new(target: UpdateTarget, code: i64) -> Self {
        let result = target.explain(code);
        let fleet::update::UpdateResult { meaning, remedy, .. } = result;
        Self { code, meaning, remedy, bad: result.is_failure() }
    }
}

impl HtmlSafe for Standing {}

async fn facts(
    app: &App,
    login: &SignedIn,
    update: &Update,
) -> Result<Vec<(&'static str, String)>, WebError> {
    let artefact = match app.fleet.artefact(&login.context, update.artefact).await {
        Ok(detail) => super::begin::named(&detail.artefact),
        Err(_) => "removed since".to_owned(),
    };
    let mut facts = vec![
        ("Artefact", artefact),
        ("Goes to", update.target.instance().to_string()),
        ("Size", bytes(update.size)),
        ("Asked by", visible(update.requested_by.chars())),
        ("Asked", Moment::new(update.created_at, app.now()).text),
    ];
    if let Some(ticket) = &update.ticket {
        facts.push(("Ticket", visible(ticket.chars())));
    }
    if let Some(before) = &update.version_before {
        facts.push(("Version before", visible(before.chars())));
    }
    facts.push(("Request", update.request.to_string()));
    Ok(facts)
}

fn terms(terms: &UpdateTerms) -> Vec<(&'static str, String)> {
    let time = |time: std::time::Duration| span(time.as_secs());
    let delivery = match terms.delivery {
        Delivery::Any => "as the device prefers",
        Delivery::Push => "pushed",
        Delivery::Pull => "pulled",
    };
    let version = match terms.version_at {
        VersionAt::Any => "at /3/0/3, else at the package’s version",
        VersionAt::Device => "at /3/0/3",
        VersionAt::Package => "at the package’s version",
    };
    let severity = match terms.severity {
        Some(0) => "critical",
        Some(1) => "mandatory",
        Some(_) => "optional",
        None => "not said",
    };
    let yes = |truth| if truth { "yes" } else { "no" };
    vec![
        ("Delivery", delivery.to_owned()),
        ("Largest block", bytes(terms.block_bytes.into())),
        ("Resumed when interrupted", yes(terms.resume).to_owned()),
        ("Tries", terms.attempts.to_string()),
        ("Severity", severity.to_owned()),
        ("May be put off", terms.defer_up_to.map_or_else(|| "as the device decides".to_owned(), time)),
        ("Version is looked at", version.to_owned()),
        ("Must run it for", time(terms.quiet)),
        ("Longest pause in a download", time(terms.download_within)),
        ("Longest installation", time(terms.install_within)),
        ("Waits for the device", time(terms.give_up_after)),
        ("Also the same or an older version", yes(terms.again).to_owned()),
    ]
}
