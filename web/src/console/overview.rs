//! `GET /`: how the fleet is, and what happened last.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{extract::State, response::IntoResponse};
use fleet::{
    FleetError,
    store::{DeviceOrder, DeviceQuery, DiaryQuery, Overview, PageRequest},
};

use crate::{
    app::App,
    console::sentence_of,
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
};

/// How many devices the overview shows as heard last.
const HEARD: usize = 8;
/// Entries of the diary that it looks at.
const DIARY: usize = 200;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    let shell = Shell::new(&app, &login, Area::Overview, "Overview").live("/overview/events");
    let counts = Counts::load(&app, &login).await?;
    let first_device = (counts.total() == 0).then(|| FirstDevice::new(&app));
    let events = Events::load(&app, &login).await?;
    let heard = Heard::load(&app, &login).await?;
    let refused = Refused::load(&app, &login).await?;
    Ok(Page(OverviewPage { shell, counts, events, heard, refused, first_device }))
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    counts: Counts,
    events: Events,
    heard: Heard,
    refused: Refused,
    first_device: Option<FirstDevice>,
}

/// The counts over the fleet.
#[derive(Template)]
#[template(path = "fragments/counts.html")]
pub(crate) struct Counts {
    counts: Overview,
}

/// What did not get in, by cause.
#[derive(Template)]
#[template(path = "fragments/refused.html")]
pub(crate) struct Refused {
    causes: Vec<RefusedCause>,
    /// Whether there are older entries.
    more: bool,
}

struct RefusedCause {
    url: String,
    title: String,
    subjects: usize,
    count: u64,
    last: Moment,
}

/// What happened last.
#[derive(Template)]
#[template(path = "fragments/events.html")]
pub(crate) struct Events {
    lines: Vec<EventLine>,
}

struct EventLine {
    url: String,
    name: String,
    what: &'static str,
    count: usize,
    at: Moment,
}

/// The devices heard last.
#[derive(Template)]
#[template(path = "fragments/heard.html")]
pub(crate) struct Heard {
    devices: Vec<HeardDevice>,
}

struct HeardDevice {
    url: String,
    name: String,
    at: Moment,
}

/// How to connect a first device.
pub(crate) struct FirstDevice {
    /// Where devices without a key register: in the lab profile.
    pub(crate) coap_uri: Option<String>,
    pub(crate) command: String,
}

impl Counts {
    pub(crate) async fn load(app: &App, login: &SignedIn) -> Result<Self, FleetError> {
        Ok(Self { counts: app.fleet.overview(&login.context).await? })
    }

    fn total(&self) -> u64 {
        let counts = &self.counts;
        counts.registered + counts.deregistered + counts.expired + counts.awaited + counts.revoked
    }
}

impl Refused {
    /// By the causes of the entries of the last time: as many as are looked at say which they are.
    pub(crate) async fn load(app: &App, login: &SignedIn) -> Result<Self, FleetError> {
        let query = DiaryQuery::all(PageRequest::first(DIARY));
        let page = app.fleet.diary(&login.context, &query).await?;
        let now = app.now();
        let mut causes: Vec<RefusedCause> = Vec::new();
        for entry in &page.rows {
            let title = sentence_of(entry.cause.title());
            match causes.iter_mut().find(|cause| cause.title == title) {
                Some(cause) => {
                    cause.subjects += 1;
                    cause.count += entry.count;
                }
                None => causes.push(RefusedCause {
                    url: format!("/diary?cause={}", entry.cause.name()),
                    title,
                    subjects: 1,
                    count: entry.count,
                    last: Moment::new(entry.last_at, now),
                }),
            }
        }
        Ok(Self { causes, more: page.next.is_some() })
    }
}

impl Events {
    pub(crate) async fn load(app: &App, login: &SignedIn) -> Result<Self, FleetError> {
        let now = app.now();
        let mut lines = Vec::new();
        for happening in app.latest.lines() {
            let name = match app.name_of(&login.context, happening.device).await {
                Ok(name) => name,
                Err(FleetError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            lines.push(EventLine {
                url: format!("/devices/{}", happening.device),
                name,
                what: happening.what.text(),
                count: happening.count,
                at: Moment::new(happening.at, now),
            });
        }
        Ok(Self { lines })
    }
}

impl Heard {
    pub(crate) async fn load(app: &App, login: &SignedIn) -> Result<Self, FleetError> {
        let query =
            DeviceQuery { order: DeviceOrder::LastSeen, ..DeviceQuery::all(PageRequest::first(HEARD)) };
        let page = app.fleet.devices(&login.context, &query).await?;
        let now = app.now();
        let devices = page.rows.into_iter().filter_map(|row| {
            Some(HeardDevice {
                at: Moment::new(row.registered.as_ref()?.seen_at, now),
                url: format!("/devices/{}", row.device.public_id),
                name: visible(row.device.endpoint.as_str().chars()),
            })
        });
        Ok(Self { devices: devices.collect() })
    }
}

impl FirstDevice {
    pub(crate) fn new(app: &App) -> Self {
        let coap_uri = app.settings.places.coap.clone();
        let command = format!(
            "java -jar interop-tests/clients/leshan/target/leshan-client.jar --server {} --endpoint my-first-device",
            coap_uri.as_deref().unwrap_or_default()
        );
        Self { coap_uri, command }
    }
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Counts {}
impl HtmlSafe for Events {}
impl HtmlSafe for Heard {}
impl HtmlSafe for Refused {}
