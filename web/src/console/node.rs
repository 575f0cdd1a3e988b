//! `GET /devices/{device}/nodes/{path}`: one object, instance or resource, with a form for each operation on it.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{
    Extension,
    extract::{Path as Address, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fleet::Reading;
use objects::Path;

use crate::{
    app::App,
    console::{
        badge::Badge,
        field::{Attempt, Kind, Problem},
        target::{NodeLink, Target, node_path},
        tree::{InstanceBranch, Rows, by_resource, has_object, kind},
    },
    error::{Finished, WebError},
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, Shown},
    ui::Chart,
};

mod forms;
use forms::Forms;

/// Readings of the past that are shown.
const HISTORY: usize = 50;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((device, path)): Address<(String, String)>,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let page = NodePage::load(&app, &login, &target, node_path(&path)?, None).await?;
    Ok(Page(page).into_response())
}

/// The page again, with the form as it was sent and what is wrong with it.
pub(crate) async fn again(
    app: &App,
    login: &SignedIn,
    target: &Target,
    path: Path,
    attempt: &Attempt,
) -> Result<Response, WebError> {
    let page = NodePage::load(app, login, target, path, Some(attempt)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Extension(Finished), Page(page)).into_response())
}

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage {
    shell: Shell,
    url: String,
    endpoint: String,
    badge: Badge,
    registered: bool,
    operable: bool,
    crumbs: Vec<NodeLink>,
    node: NodeLink,
    facts: Vec<(&'static str, String)>,
    about: Vec<String>,
    instances: Vec<NodeLink>,
    rows: Option<Rows>,
    latest: Latest,
    chart: Option<Chart>,
    history: Vec<Past>,
    problems: Vec<Listed>,
    forms: Forms,
}

/// The latest values at or below a resource: takes its own place when one of them changes.
#[derive(Template)]
#[template(path = "fragments/latest.html")]
pub(crate) struct Latest {
    path: Path,
    values: Vec<LatestValue>,
}

struct LatestValue {
    link: NodeLink,
    shown: Shown,
    unit: String,
    at: Moment,
    received: Moment,
}

struct Past {
    at: Moment,
    received: Moment,
    shown: Shown,
}

/// A problem in the list on top of the page.
struct Listed {
    anchor: Option<String>,
    text: String,
}

impl NodePage {
    async fn load(
        app: &App,
        login: &SignedIn,
        target: &Target,
        path: Path,
        attempt: Option<&Attempt>,
    ) -> Result<Self, WebError> {
        let resource_level = path.resource().is_some();
        let readings = &target.detail.readings;
        let latest = Latest::new(target, path);
        let past = match resource_level {
            true => app.fleet.history(&login.context, target.id, path, Reading::HISTORY_PER_PATH).await?,
            false => Vec::new(),
        };
        if latest.values.is_empty() && past.is_empty() && !exists(target, &path) {
            return Err(WebError::NotFound("object, instance or resource on this device"));
        }
        let unit = target.resource(&path).map(|model| model.units.clone()).unwrap_or_default();
        let chart =
            (past.len() > 1).then(|| Chart::new(&target.name(&path), &unit, &past, target.now)).flatten();
        let history = past.iter().take(HISTORY).map(|reading| Past {
            at: Moment::new(reading.at(), target.now),
            received: Moment::new(reading.received_at, target.now),
            shown: Shown::new(&reading.reading.value, Shown::SHORT),
        });
        let events = format!("{}/events?node={path}", target.url());
        let instances = match path {
            Path::Object(id) => target.links.objects.get(&id).map(|entry| &entry.instances),
            _ => None,
        };
        let instances =
            instances.into_iter().flatten().filter_map(|instance| Some(target.link(path.child(instance.0)?)));
        Ok(Self {
            shell: Shell::new(
                app,
                login,
                Area::Devices,
                format!("{} of {}", target.name(&path), target.endpoint()),
            )
            .live(events),
            url: target.url(),
            endpoint: target.endpoint(),
            badge: Badge::of_device(target.detail.view.state, target.detail.presence),
            registered: target.registered(),
            operable: target.operable(),
            crumbs: crumbs(target, &path),
            node: target.link(path),
            facts: facts(target, &path),
            about: about(target, &path),
            instances: instances.collect(),
            rows: matches!(path, Path::Instance(..))
                .then(|| InstanceBranch::new(target, path, &by_resource(readings)).rows),
            latest,
            chart,
            history: history.collect(),
            problems: attempt.map(listed).unwrap_or_default(),
            forms: Forms::new(target, path, attempt),
        })
    }
}

impl Latest {
    pub(crate) fn new(target: &Target, path: Path) -> Self {
        let unit = target.resource(&path).map(|model| model.units.clone()).unwrap_or_default();
        let readings = target.detail.readings.iter();
        let readings =
            readings.filter(|reading| path.resource().is_some() && reading.reading.path.is_within(&path));
        let value = |reading: &fleet::StoredReading| LatestValue {
            link: target.link(reading.reading.path),
            shown: Shown::new(&reading.reading.value, Shown::LONG),
            unit: unit.clone(),
            at: Moment::new(reading.at(), target.now),
            received: Moment::new(reading.received_at, target.now),
        };
        Self { path, values: readings.map(value).collect() }
    }
}

// Templates escape what they show, so that one may stand within another.
impl HtmlSafe for Latest {}

/// The nodes above this one, the object first.
fn crumbs(target: &Target, path: &Path) -> Vec<NodeLink> {
    let above = std::iter::successors(path.parent(), Path::parent).filter(|path| *path != Path::Root);
    let link = |path: Path| match path {
        Path::Instance(_, instance) => NodeLink { name: format!("Instance {instance}"), ..target.link(path) },
        path => target.link(path),
    };
    let mut crumbs: Vec<NodeLink> = above.map(link).collect();
    crumbs.reverse();
    crumbs
}

fn exists(target: &Target, path: &Path) -> bool {
    let Some(object) = path.object() else { return false };
    if !has_object(target, object) {
        return false;
    }
    let Some(instance) = path.instance() else { return true };
    target.links.objects.get(&object).is_some_and(|entry| entry.instances.contains(&instance))
}

fn facts(target: &Target, path: &Path) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Path", path.to_string())];
    let object = path.object().and_then(|object| target.object(object));
    if path.resource().is_none() {
        if let Some(object) = path.object() {
            facts.push(("Version on the device", target.version_of(object).to_string()));
        }
        match object {
            Some(model) => {
                facts.push(("Described by", model.urn.clone()));
                facts.push(("Instances", if model.multiple { "any number" } else { "one" }.to_owned()));
            }
            None => facts.push(("Described by", "no model: shown as it came".to_owned())),
        }
        return facts;
    }
    let Some(model) = target.resource(path) else {
        facts.push(("Described by", "no model: shown as it came".to_owned()));
        return facts;
    };
    facts.push(("Type", kind(model)));
    if !model.units.is_empty() {
        facts.push(("Unit", model.units.clone()));
    }
    if !model.range.is_empty() {
        facts.push(("Allowed", model.range.clone()));
    }
    facts.push((
        "Operations",
        match model.operations.to_string() {
            none if none.is_empty() => "bootstrap only".to_owned(),
            letters => letters,
        },
    ));
    facts.push(("Mandatory", if model.mandatory { "yes" } else { "no" }.to_owned()));
    facts
}

fn about(target: &Target, path: &Path) -> Vec<String> {
    let object = path.object().and_then(|object| target.object(object));
    let text = match path.resource() {
        Some(_) => target.resource(path).map(|model| &model.description),
        None => object.map(|model| &model.description),
    };
    text.map(|text| text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
        .unwrap_or_default()
}

fn listed(attempt: &Attempt) -> Vec<Listed> {
    let anchor = |problem: &Problem| {
        problem.field.as_ref().map(|field| format!("{}-{}", attempt.asked, field.replace('.', "-")))
    };
    attempt
        .problems
        .iter()
        .map(|problem| Listed { anchor: anchor(problem), text: problem.text.clone() })
        .collect()
}
