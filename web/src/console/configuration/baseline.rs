//! `/configuration/baselines/{level}`: what a level wants, its versions, and what a change of it would do.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    Context, DryRun, FleetError, Permission,
    configuration::{Baseline, Draft, LevelName, Line, Mode, write_lines},
    store::PageRequest,
};
use serde::Deserialize;

use super::{access, baselines::url_of, server, tabs};
use crate::{
    app::App,
    console::rights::RightsRow,
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, Tab, mend},
};

/// Versions that are shown.
pub(super) const VERSIONS: usize = 50;
/// Devices of a dry run that are shown.
const SHOWN: usize = 200;

/// What the address asks for.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    /// A version whose lines are put into the form.
    version: Option<u32>,
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "configuration/baseline.html")]
struct BaselinePage {
    shell: Shell,
    tabs: Vec<Tab>,
    url: String,
    name: String,
    newest: u32,
    administers: bool,
    fields: Vec<Field>,
    problems: Vec<String>,
    server: Vec<Field>,
    rights: Vec<RightsRow>,
    run: Option<Run>,
    versions: Vec<Version>,
}

struct Version {
    number: u32,
    lines: usize,
    mode: &'static str,
    ticket: String,
    comment: String,
    by: String,
    at: Moment,
    is_newest: bool,
}

/// What a change would do.
struct Run {
    looked_at: u64,
    more: bool,
    rows: Vec<RunRow>,
}

struct RunRow {
    url: String,
    endpoint: String,
    line: String,
    before: String,
    wanted: String,
    actual: String,
    effect: &'static str,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(level): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let level = named(&level)?;
    let page = BaselinePage::load(&app, &login, &level, &asked, &Filled::default(), None).await?;
    Ok(Page(page).into_response())
}

/// Makes a new version; with the button that tries it, only says what it would do.
pub(crate) async fn save(
    State(app): State<Arc<App>>,
    Address(level): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let level = named(&level)?;
    if fields.has("try") {
        return try_it(&app, &login, &level, fields).await;
    }
    login.demand(Permission::Administer)?;
    let (work, context, sent, of) = (Arc::clone(&app), login.context.clone(), fields.clone(), level.clone());
    let done = app.act(&login, &fields, format!("baseline of {level}"), async move {
        let draft = draft(&work, &context, &of, &sent).await?;
        work.fleet.set_baseline(&context, &of, draft, after(&sent)).await?;
        Ok(format!("{}?done=baseline-saved", url_of(&of)))
    });
    let done = done.await;
    mended(&app, &login, &level, fields, done).await
}

/// A part of a baseline that is edited as what it means.
struct Part {
    name: &'static str,
    /// Whether a line is of it.
    covers: fn(&Line) -> bool,
    /// The lines that a form says.
    lines: fn(&Fields) -> Result<String, FleetError>,
}

const SERVER: Part = Part { name: "server account", covers: server::covers, lines: server::lines };
const ACCESS: Part = Part { name: "access rights", covers: access::covers, lines: access::lines };

pub(crate) async fn save_server(
    State(app): State<Arc<App>>,
    Address(level): Address<String>,
    posted: Posted,
) -> Result<Response, WebError> {
    save_part(&app, &level, posted, &SERVER).await
}

pub(crate) async fn save_access(
    State(app): State<Arc<App>>,
    Address(level): Address<String>,
    posted: Posted,
) -> Result<Response, WebError> {
    save_part(&app, &level, posted, &ACCESS).await
}

/// Sets a part; the other lines stay.
async fn save_part(
    app: &Arc<App>,
    level: &str,
    Posted { login, fields }: Posted,
    part: &'static Part,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let level = named(level)?;
    let (work, context, sent, of) = (Arc::clone(app), login.context.clone(), fields.clone(), level.clone());
    let done = app.act(&login, &fields, format!("{} of {level}", part.name), async move {
        let before = work.fleet.baseline(&context, &of, None).await?.map(|baseline| baseline.draft);
        let mut before = before.unwrap_or_default();
        before.lines.retain(|line| !(part.covers)(line));
        let text = (part.lines)(&sent)?;
        before.lines.extend(work.fleet.read_baseline(&context, &of, &text).await?);
        let draft = Draft { ticket: optional(&sent, "ticket"), comment: part.name.to_owned(), ..before };
        work.fleet.set_baseline(&context, &of, draft, after(&sent)).await?;
        Ok(format!("{}?done=baseline-saved", url_of(&of)))
    });
    let done = done.await;
    mended(app, &login, &level, fields, done).await
}

/// Wants again what an earlier version wanted.
pub(crate) async fn roll_back(
    State(app): State<Arc<App>>,
    Address((level, to)): Address<(String, u32)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let level = named(&level)?;
    let (work, context, sent, of) = (Arc::clone(&app), login.context.clone(), fields.clone(), level.clone());
    let done = app.act(&login, &fields, format!("roll {level} back to {to}"), async move {
        let ticket = optional(&sent, "ticket");
        work.fleet.roll_back_baseline(&context, &of, to, ticket, String::new()).await?;
        Ok(format!("{}?done=baseline-rolled-back", url_of(&of)))
    });
    let done = done.await;
    mended(&app, &login, &level, fields, done).await
}

async fn try_it(
    app: &Arc<App>,
    login: &SignedIn,
    level: &LevelName,
    fields: Fields,
) -> Result<Response, WebError> {
    let run = match draft(app, &login.context, level, &fields).await {
        Ok(draft) => {
            let page = PageRequest::first(SHOWN);
            app.fleet.dry_run(&login.context, level, draft, &page).await
        }
        Err(error) => Err(error),
    };
    match run {
        Ok(run) => {
            let filled = Filled::with(fields, Vec::new());
            let page = BaselinePage::load(app, login, level, &Asked::default(), &filled, Some(Run::new(run)))
                .await?;
            Ok(Page(page).into_response())
        }
        Err(error) => mended(app, login, level, fields, Err(error.into())).await,
    }
}

async fn mended(
    app: &Arc<App>,
    login: &SignedIn,
    level: &LevelName,
    fields: Fields,
    done: Result<Response, WebError>,
) -> Result<Response, WebError> {
    match done {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(BaselinePage::load(app, login, level, &Asked::default(), &filled, None).await?))
        }
    }
}

async fn draft(
    app: &App,
    context: &Context,
    level: &LevelName,
    fields: &Fields,
) -> Result<Draft, FleetError> {
    let invalid = |field, reason: &str| FleetError::Invalid { field, reason: reason.to_owned() };
    let lines = app.fleet.read_baseline(context, level, fields.text("lines")).await?;
    let mode =
        Mode::from_name(fields.text("mode")).ok_or_else(|| invalid("mode", "choose one of the list"))?;
    let hours: u64 = fields
        .text("check_hours")
        .trim()
        .parse()
        .map_err(|_| invalid("check_hours", "expected a whole number of hours, 1 to 720"))?;
    let check_every = Duration::from_secs(hours.saturating_mul(3_600));
    let (ticket, comment) = (optional(fields, "ticket"), fields.text("comment").to_owned());
    Ok(Draft { lines, mode, check_every, ticket, comment })
}

fn optional(fields: &Fields, name: &str) -> Option<String> {
    Some(fields.text(name).trim().to_owned()).filter(|text| !text.is_empty())
}

/// The version that the form was filled with.
fn after(fields: &Fields) -> Option<u32> {
    fields.text("after").parse().ok()
}

fn named(level: &str) -> Result<LevelName, WebError> {
    level.parse().map_err(|_| WebError::NotFound("level"))
}

impl BaselinePage {
    async fn load(
        app: &App,
        login: &SignedIn,
        level: &LevelName,
        asked: &Asked,
        filled: &Filled,
        run: Option<Run>,
    ) -> Result<Self, WebError> {
        let context = &login.context;
        let name = visible(app.fleet.level_name(context, level).await?.chars());
        let newest = app.fleet.baseline(context, level, None).await?;
        let shown = match asked.version {
            Some(version) => app.fleet.baseline(context, level, Some(version)).await?,
            None => newest.clone(),
        };
        let draft = shown.map(|baseline| baseline.draft).unwrap_or_default();
        let fields: Vec<Field> = fields(&draft).into_iter().map(|field| field.filled(filled)).collect();
        let newest_draft = newest.as_ref().map(|baseline| baseline.draft.lines.clone()).unwrap_or_default();
        let server: Vec<Field> = server::fields(&newest_draft);
        let rights = access::rows(&newest_draft, filled.sent(), app.settings.places.short_server_id);
        let problems = filled.others(&fields);
        let newest = newest.map_or(0, |baseline| baseline.version);
        let versions = app.fleet.baseline_versions(context, level, &PageRequest::first(VERSIONS)).await?;
        let now = app.now();
        Ok(Self {
            shell: Shell::new(app, login, Area::Configuration, format!("Baseline of {name}"))
                .done(&asked.done),
            tabs: tabs("/configuration/baselines"),
            url: url_of(level),
            name,
            newest,
            administers: login.may(Permission::Administer),
            fields,
            problems,
            server,
            rights,
            run,
            versions: versions.rows.iter().map(|baseline| Version::new(baseline, newest, now)).collect(),
        })
    }
}

fn fields(draft: &Draft) -> Vec<Field> {
    let modes = [
        (Mode::Repair, "Repair: write what is wanted"),
        (Mode::Ask, "Ask: write once a person has said so"),
        (Mode::Report, "Report: say so, and write nothing"),
    ];
    let modes = modes.map(|(mode, label)| (mode.name().to_owned(), label.to_owned()));
    let hours = draft.check_every.as_secs().div_ceil(3_600).max(1);
    vec![
        Field::new("lines", "Lines")
            .kind("area")
            .hint("A line each: /1/0/1 = 86400 for a value, /3303/0/5700 ? pmin=10&pmax=60 for attributes, /10/0/3 secret … for what is never shown; secret alone keeps what there is.")
            .value(write_lines(&draft.lines)),
        Field::new("mode", "Where a device has something else").select(modes.into()).value(draft.mode.name()),
        Field::new("check_hours", "Look at silent devices every, in hours").kind("number").value(hours.to_string()),
        Field::new("ticket", "Change ticket").value(""),
        Field::new("comment", "What it is for").value(""),
    ]
}

impl Version {
    fn new(baseline: &Baseline, newest: u32, now: fleet::Timestamp) -> Self {
        let back = baseline.rolls_back_to.map_or_else(String::new, |to| format!("as version {to}; "));
        Self {
            number: baseline.version,
            lines: baseline.draft.lines.len(),
            mode: baseline.draft.mode.name(),
            ticket: visible(baseline.draft.ticket.as_deref().unwrap_or_default().chars()),
            comment: visible(format!("{back}{}", baseline.draft.comment).trim_end_matches("; ").chars()),
            by: visible(baseline.by.chars()),
            at: Moment::new(baseline.at, now),
            is_newest: baseline.version == newest,
        }
    }
}

impl Run {
    fn new(run: DryRun) -> Self {
        let text = |text: Option<&String>| visible(text.map(String::as_str).unwrap_or_default().chars());
        let mut rows = Vec::new();
        for of in &run.devices {
            rows.extend(of.differences.iter().map(|one| RunRow {
                url: format!("/devices/{}/configuration", of.device.public_id),
                endpoint: visible(of.device.endpoint.as_str().chars()),
                line: one.key.to_string(),
                before: text(one.before.as_ref()),
                wanted: text(one.wanted.as_ref()),
                actual: text(one.actual.as_ref()),
                effect: one.effect.name(),
            }));
        }
        Self { looked_at: run.looked_at, more: run.next.is_some(), rows }
    }
}
