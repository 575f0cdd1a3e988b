//! `GET /devices/{device}`: one device, its state, what waits for it and what happened last. Its other tabs are below.

use std::sync::Arc;

use ::objects::ContentFormat;
use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::{Path as Address, Query, State},
    response::IntoResponse,
};
use fleet::{Binding, OperationState, Registration, store::PageRequest};
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        badge::Badge,
        operations::OperationRow,
        target::{AboutLink, Target},
        timeline::Entry,
    },
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, span, visible},
    ui::Tab,
};

pub(crate) mod access;

pub(crate) mod awake;
use awake::AwakeCard;

pub(crate) mod connect;

pub(crate) mod credentials;

pub(crate) mod danger;

pub(crate) mod configuration;

pub(crate) mod firmware;

pub(crate) mod labels;
use labels::Labelled;

pub(crate) mod objects;

pub(crate) mod security;

pub(crate) mod values;

mod wished;
use wished::Wished;

/// Operations that are looked at for those that wait.
const OPERATIONS: usize = 100;
/// Operations that have ended and are shown.
const ENDED: usize = 5;
/// Entries of the timeline that are shown.
const ENTRIES: usize = 8;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let events = format!("{}/events", target.url());
    Ok(Page(DevicePage {
        shell: Shell::new(&app, &login, Area::Devices, target.endpoint()).live(events).done(&done.done),
        tabs: target.tabs(&login, ""),
        facts: Facts::new(&target),
        labelled: Labelled::new(&target, &login),
        awake: AwakeCard::load(&app, &login, &target).await?,
        url: target.url(),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        operations: Operations::load(&app, &login, &target).await?,
        observations: Observations::load(&app, &login, &target).await?,
        timeline: Timeline::load(&app, &login, &target).await?,
    }))
}

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    facts: Facts,
    labelled: Labelled,
    awake: Option<AwakeCard>,
    operations: Operations,
    observations: Observations,
    timeline: Timeline,
    tabs: Vec<Tab>,
}

/// What was done just now.
#[derive(Default, Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    pub(crate) done: String,
}

/// Whether it can be reached.
#[derive(Template)]
#[template(path = "fragments/state.html")]
pub(crate) struct Reachability {
    badge: Badge,
    seen: Option<Moment>,
}

/// What is known of it: how it was enrolled, and what it said when it registered.
#[derive(Template)]
#[template(path = "fragments/facts.html")]
pub(crate) struct Facts {
    class: String,
    security: &'static str,
    added: Moment,
    registration: Option<Registered>,
}

/// What it said when it registered.
struct Registered {
    lwm2m: String,
    binding: Binding,
    lifetime: String,
    address: String,
    location: String,
    at: Moment,
    updated: Moment,
    expires: Moment,
    formats: String,
    root: Option<String>,
    sms_number: Option<String>,
    extra: Vec<(String, String)>,
    foreign: Vec<String>,
}

/// The operations that wait for it, and the last ones that ended.
#[derive(Template)]
#[template(path = "fragments/operations.html")]
pub(crate) struct Operations {
    url: String,
    rows: Vec<OperationRow>,
    waiting: usize,
}

/// What it reports by itself.
#[derive(Template)]
#[template(path = "fragments/observations.html")]
pub(crate) struct Observations {
    rows: Vec<ObservationRow>,
    registered: bool,
    wished: Wished,
}

struct ObservationRow {
    link: AboutLink,
    format: String,
    since: Moment,
    /// Whether its class wishes it; else somebody began it.
    by_wish: bool,
}

/// What happened to it last.
#[derive(Template)]
#[template(path = "fragments/timeline.html")]
pub(crate) struct Timeline {
    url: String,
    entries: Vec<Entry>,
}

impl Reachability {
    pub(crate) fn new(target: &Target) -> Self {
        let view = &target.detail.view;
        Self {
            badge: Badge::of_device(view.state, target.detail.presence),
            seen: view.seen_at.map(|at| Moment::new(at, target.now)),
        }
    }
}

impl Facts {
    pub(crate) fn new(target: &Target) -> Self {
        let view = &target.detail.view;
        Self {
            class: visible(view.class_name.chars()),
            security: if view.secured {
                "has a key of its own"
            } else {
                "none: no credential that opens sessions"
            },
            added: Moment::new(view.device.created_at, target.now),
            registration: target.registration().map(|registration| Registered::new(registration, target)),
        }
    }
}

impl Registered {
    fn new(registration: &Registration, target: &Target) -> Self {
        let links = &registration.links;
        let formats: Vec<String> =
            links.content_formats.iter().map(|format| ContentFormat(*format).to_string()).collect();
        let moment = |at| Moment::new(at, target.now);
        Self {
            lwm2m: registration.lwm2m.to_string(),
            binding: registration.binding.clone(),
            lifetime: format!("{} s ({})", registration.lifetime.0, span(registration.lifetime.0.into())),
            address: registration.source.address.to_string(),
            location: format!("/rd/{}", registration.id),
            at: moment(registration.registered_at),
            updated: moment(registration.updated_at),
            expires: moment(registration.expires_at),
            formats: formats.join(", "),
            root: links.root.clone(),
            sms_number: registration.sms_number.clone(),
            extra: registration
                .extra
                .iter()
                .map(|(name, value)| (visible(name.chars()), visible(value.chars())))
                .collect(),
            foreign: links.foreign.iter().map(|link| visible(link.target.chars())).collect(),
        }
    }
}

impl Operations {
    pub(crate) async fn load(app: &App, login: &SignedIn, target: &Target) -> Result<Self, WebError> {
        let page = app.fleet.operations(&login.context, target.id, &PageRequest::first(OPERATIONS)).await?;
        let (open, ended): (Vec<_>, Vec<_>) = page.rows.iter().partition(|record| !record.state.is_final());
        let waiting = open.iter().filter(|record| record.state == OperationState::Queued).count();
        let rows = open.into_iter().chain(ended.into_iter().take(ENDED));
        Ok(Self {
            url: target.url(),
            rows: rows.map(|record| OperationRow::new(target, record)).collect(),
            waiting,
        })
    }
}

impl Observations {
    pub(crate) async fn load(app: &App, login: &SignedIn, target: &Target) -> Result<Self, WebError> {
        let wishes = app.fleet.device_wishes(&login.context, target.id).await?;
        let row = |observation: &fleet::Observation| ObservationRow {
            by_wish: wishes.kept.owned.contains_key(&observation.target),
            link: target.about(observation.target.clone()),
            format: observation
                .format
                .map_or_else(|| "the device's choice".to_owned(), |format| format.to_string()),
            since: Moment::new(observation.since, target.now),
        };
        Ok(Self {
            rows: wishes.observations.iter().map(row).collect(),
            registered: target.operable(),
            wished: Wished::new(&wishes, target),
        })
    }
}

impl Timeline {
    pub(crate) async fn load(app: &App, login: &SignedIn, target: &Target) -> Result<Self, WebError> {
        let page = app.fleet.timeline(&login.context, target.id, &PageRequest::first(ENTRIES)).await?;
        let entries = page.rows.iter().map(|record| Entry::new(record, target.now));
        Ok(Self { url: target.url(), entries: entries.collect() })
    }
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Reachability {}
impl HtmlSafe for Facts {}
impl HtmlSafe for Operations {}
impl HtmlSafe for Observations {}
impl HtmlSafe for Timeline {}
