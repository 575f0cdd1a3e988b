//! `GET /updates`: the updates of the whole fleet, those that go on and those that have ended.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::IntoResponse,
};
use fleet::{
    ArtefactId, Permission,
    store::{Cursor, PageRequest, UpdateQuery},
    update::{Update, UpdatePhase},
};
use serde::Deserialize;

use crate::{
    app::App,
    console::{badge::Badge, query_url},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Choice, Tab, chosen},
};

pub(crate) mod begin;

pub(crate) mod live;

pub(crate) mod one;

pub(crate) mod several;

pub(crate) mod terms;

/// Rows a page.
const ROWS: usize = 50;

/// What the address asks for.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    /// A phase, or `running`.
    #[serde(default)]
    phase: String,
    #[serde(default)]
    artefact: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "updates.html")]
struct UpdatesPage {
    shell: Shell,
    tabs: Vec<Tab>,
    phases: Vec<Choice>,
    artefacts: Vec<Choice>,
    counts: Vec<Count>,
    rows: Vec<UpdateRow>,
    filtered: bool,
    may_begin: bool,
    first: Option<String>,
    next: Option<String>,
}

/// How many updates stand in a phase.
struct Count {
    badge: Badge,
    count: u64,
    url: String,
}

/// One update in a list.
pub(crate) struct UpdateRow {
    pub(crate) url: String,
    pub(crate) device_url: String,
    /// None where the list is of one device.
    pub(crate) endpoint: Option<String>,
    pub(crate) badge: Badge,
    pub(crate) version: String,
    pub(crate) target: String,
    /// How much the device has, while that is of interest.
    pub(crate) percent: Option<u64>,
    pub(crate) detail: String,
    pub(crate) begun: Moment,
    pub(crate) requested_by: String,
    pub(crate) ticket: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let query = asked.query()?;
    let found = app.fleet.updates(&login.context, &query).await?;
    let counts = app.fleet.update_counts(&login.context, query.artefact).await?;
    let now = app.now();
    let mut rows = Vec::with_capacity(found.rows.len());
    for update in &found.rows {
        let endpoint = app.name_of(&login.context, update.device_public_id).await?;
        rows.push(UpdateRow::new(update, Some(endpoint), now));
    }
    let counts = UpdatePhase::ALL.into_iter().filter_map(|phase| {
        let count = counts.get(&phase).copied().filter(|count| *count > 0)?;
        Some(Count { badge: Badge::of_update(phase), count, url: asked.of_phase(phase.name()) })
    });
    Ok(Page(UpdatesPage {
        shell: Shell::new(&app, &login, Area::Firmware, "Updates").done(&asked.done),
        tabs: tabs("/updates"),
        phases: phases(&asked.phase),
        artefacts: artefacts(&app, &login, &asked.artefact).await?,
        counts: counts.collect(),
        rows,
        filtered: !(asked.phase.is_empty() && asked.artefact.is_empty()),
        may_begin: login.may(Permission::Operate),
        first: query.page.after.is_some().then(|| asked.url("")),
        next: found.next.map(|cursor| asked.url(&cursor.0)),
    }))
}

/// The row of tabs of what is about firmware, with this one marked.
pub(crate) fn tabs(here: &str) -> Vec<Tab> {
    Tab::row("", &[("/updates", "Updates")], here)
}

impl Asked {
    /// What the address calls all that have not ended.
    const RUNNING: &str = "running";

    fn query(&self) -> Result<UpdateQuery, WebError> {
        let after = (!self.after.is_empty()).then(|| Cursor(self.after.clone()));
        let artefact: Option<ArtefactId> = match self.artefact.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| WebError::NotFound("artefact"))?),
        };
        Ok(UpdateQuery {
            artefact,
            phase: UpdatePhase::ALL.into_iter().find(|phase| phase.name() == self.phase),
            running: self.phase == Self::RUNNING,
            ..UpdateQuery::all(PageRequest { after, limit: ROWS })
        })
    }

    fn url(&self, after: &str) -> String {
        query_url("/updates", &[("phase", &self.phase), ("artefact", &self.artefact), ("after", after)])
    }

    fn of_phase(&self, phase: &str) -> String {
        query_url("/updates", &[("phase", phase), ("artefact", &self.artefact)])
    }
}

fn phases(here: &str) -> Vec<Choice> {
    let first = [("", "Any phase"), (Asked::RUNNING, "Not ended")]
        .map(|(value, label)| (value.to_owned(), label.to_owned()));
    let each =
        UpdatePhase::ALL.map(|phase| (phase.name().to_owned(), Badge::of_update(phase).text.to_owned()));
    chosen(first.into_iter().chain(each), here)
}

/// The newest artefacts, and the one that is chosen.
async fn artefacts(app: &App, login: &SignedIn, here: &str) -> Result<Vec<Choice>, WebError> {
    let page = app.fleet.artefacts(&login.context, &PageRequest::first(ROWS)).await?;
    let mut choices = vec![(String::new(), "Any artefact".to_owned())];
    choices.extend(page.rows.iter().map(|artefact| (artefact.id.to_string(), begin::named(artefact))));
    if !choices.iter().any(|(value, _)| value == here) {
        choices.push((here.to_owned(), "An older artefact".to_owned()));
    }
    Ok(chosen(choices, here))
}

impl UpdateRow {
    pub(crate) fn new(update: &Update, endpoint: Option<String>, now: fleet::Timestamp) -> Self {
        let delivering = update.phase == UpdatePhase::Delivering;
        Self {
            url: format!("/updates/{}", update.id),
            device_url: format!("/devices/{}/firmware", update.device_public_id),
            endpoint,
            badge: Badge::of_update(update.phase),
            version: visible(update.version.chars()),
            target: update.target.instance().to_string(),
            percent: delivering.then(|| crate::api::v1::types::percent(update.sent, update.size)),
            detail: visible(update.detail.chars()),
            begun: Moment::new(update.created_at, now),
            requested_by: visible(update.requested_by.chars()),
            ticket: visible(update.ticket.as_deref().unwrap_or_default().chars()),
        }
    }
}
