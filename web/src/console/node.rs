//! `GET /devices/{device}/nodes/{path}`: one object, instance or resource, with a form for each operation on it.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{
    Extension,
    extract::{Path as Address, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fleet::Order;
use objects::{Attribute, ContentFormat, DataType, Path, ResourceModel, Version};

use crate::{
    app::App,
    console::{
        badge::Badge,
        field::{Attempt, Draft, Input, Kind, Problem, hint, typed},
        target::{NodeLink, Target, node_path},
        tree::{InstanceBranch, Rows, by_resource, has_object, kind, resource_of},
    },
    error::{Finished, WebError},
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, Shown, span},
};

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
    crumbs: Vec<NodeLink>,
    node: NodeLink,
    facts: Vec<(&'static str, String)>,
    about: Vec<String>,
    instances: Vec<NodeLink>,
    rows: Option<Rows>,
    latest: Latest,
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

/// The operations that the model allows here.
struct Forms {
    formats: Vec<Choice>,
    write_formats: Vec<Choice>,
    expiries: Vec<Choice>,
    read: bool,
    discover: bool,
    observed: bool,
    write: Option<WriteForm>,
    attributes: Vec<AttributeInput>,
    execute: Option<Input>,
    create: Option<CreateForm>,
    delete: bool,
    level: &'static str,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct WriteForm {
    inputs: Vec<Input>,
    /// For a resource with several values, or an unknown one.
    pairs: Vec<Pair>,
    /// For what no model describes.
    types: Vec<Choice>,
    /// Whether the two ways of writing differ here.
    modes: bool,
    partial: bool,
    problem: Option<String>,
}

/// A resource instance with its value.
struct Pair {
    number: usize,
    key: String,
    input: Input,
}

struct AttributeInput {
    name: &'static str,
    label: &'static str,
    value: String,
    unset: bool,
    problem: Option<String>,
}

struct CreateForm {
    instance: Input,
    inputs: Vec<Input>,
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
            true => app.fleet.history(&login.context, target.id, path, HISTORY).await?,
            false => Vec::new(),
        };
        if latest.values.is_empty() && past.is_empty() && !exists(target, &path) {
            return Err(WebError::NotFound("object, instance or resource on this device"));
        }
        let history = past.iter().map(|reading| Past {
            at: Moment::new(reading.at(), target.now),
            received: Moment::new(reading.received_at, target.now),
            shown: Shown::new(&reading.reading.value, Shown::SHORT),
        });
        let events = format!("{}/events?node={path}", target.url());
        let instances = match path {
            Path::Object(id) => target.registration().links.objects.get(&id).map(|entry| &entry.instances),
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
            crumbs: crumbs(target, &path),
            node: target.link(path),
            facts: facts(target, &path),
            about: about(target, &path),
            instances: instances.collect(),
            rows: matches!(path, Path::Instance(..))
                .then(|| InstanceBranch::new(target, path, &by_resource(readings)).rows),
            latest,
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

impl Forms {
    fn new(target: &Target, path: Path, attempt: Option<&Attempt>) -> Self {
        let model = target.resource(&path);
        let operations = model.map(|model| model.operations);
        let is_resource = path.resource().is_some();
        let chosen = attempt.map(|attempt| attempt.fields.text("format")).unwrap_or_default();
        let expiry = attempt.map(|attempt| attempt.fields.text("expires")).unwrap_or_default();
        Self {
            formats: formats(target, &path, chosen, "The device's choice"),
            write_formats: formats(target, &path, chosen, "What fits the device"),
            expiries: if target.sleeps() { expiries(expiry) } else { Vec::new() },
            read: !is_resource || operations.is_none_or(|operations| operations.read),
            discover: path.resource_instance().is_none(),
            observed: target.observed(&path),
            write: write_form(target, &path, attempt),
            attributes: attribute_inputs(target, &path, attempt),
            execute: (matches!(path, Path::Resource(..))
                && operations.is_none_or(|operations| operations.execute))
            .then(|| Draft::new("execute", attempt).input("arguments", "Arguments", DataType::String, "")),
            create: create_form(target, &path, attempt),
            delete: matches!(path, Path::Instance(..)),
            level: level(&path),
        }
    }

    /// Whether there is nothing but asking.
    fn readable(&self) -> bool {
        self.read
    }
}

fn write_form(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Option<WriteForm> {
    let draft = Draft::new("write", attempt);
    let partial = draft.text("mode", "") == "update";
    let form = |inputs, modes| WriteForm {
        inputs,
        pairs: Vec::new(),
        types: Vec::new(),
        modes,
        partial,
        problem: None,
    };
    match *path {
        Path::Root | Path::Object(_) => None,
        Path::Instance(object, _) => {
            let inputs = resource_inputs(target.object(object)?, &draft, false);
            (!inputs.is_empty()).then(|| WriteForm {
                partial: draft.text("mode", "update") == "update",
                ..form(inputs, true)
            })
        }
        Path::Resource(..) | Path::ResourceInstance(..) => {
            let Some(model) = target.resource(path) else {
                return Some(raw_form(&draft, form(Vec::new(), false)));
            };
            if !model.operations.write {
                return None;
            }
            let data_type = model.data_type?;
            if model.multiple && path.resource_instance().is_none() {
                let pairs = pairs(target, path, model, data_type, &draft);
                return Some(WriteForm { pairs, problem: draft.problem("values"), ..form(Vec::new(), true) });
            }
            let latest = target.detail.readings.iter().find(|reading| reading.reading.path == *path);
            let first =
                latest.map(|reading| typed(&reading.reading.value)).filter(|text| text.len() <= 1_024);
            let input = draft.input("value", "Value", data_type, &first.unwrap_or_default());
            Some(form(vec![Input { hint: hint(model, data_type), ..input }], false))
        }
    }
}

/// The form for what no model describes: the type is asked for, too.
fn raw_form(draft: &Draft<'_>, form: WriteForm) -> WriteForm {
    let chosen = draft.text("type", DataType::String.name());
    let choice = |data_type: DataType| Choice {
        value: data_type.name().to_owned(),
        label: data_type.name().to_owned(),
        chosen: data_type.name() == chosen,
    };
    let mut input = draft.input("value", "Value", DataType::String, "");
    input.hint =
        "As text: numbers in digits, true or false, bytes in hexadecimal digits, object:instance.".to_owned();
    WriteForm { types: DataType::ALL.into_iter().map(choice).collect(), inputs: vec![input], ..form }
}

fn pairs(
    target: &Target,
    path: &Path,
    model: &ResourceModel,
    data_type: DataType,
    draft: &Draft<'_>,
) -> Vec<Pair> {
    const MORE: usize = 3;
    let latest =
        target.detail.readings.iter().filter(|reading| resource_of(&reading.reading.path) == Some(*path));
    let known: Vec<(String, String)> = latest
        .filter_map(|reading| {
            Some((reading.reading.path.resource_instance()?.to_string(), typed(&reading.reading.value)))
        })
        .collect();
    let sent = (0..Pair::MAX).filter(|number| draft.has(&format!("key.{number}"))).count();
    let count = sent.max(known.len() + MORE).min(Pair::MAX);
    let pair = |number: usize| {
        let (key, value) = known.get(number).map_or(("", ""), |(key, value)| (key, value));
        let label = format!("Value {}", number + 1);
        let input = draft.input(&format!("value.{number}"), &label, data_type, value);
        Pair {
            number,
            key: draft.text(&format!("key.{number}"), key),
            input: Input { hint: hint_once(model, data_type, number), ..input },
        }
    };
    (0..count).map(pair).collect()
}

/// The hint of many equal inputs stands at the first.
fn hint_once(model: &ResourceModel, data_type: DataType, number: usize) -> String {
    if number > 0 {
        return String::new();
    }
    hint(&ResourceModel { multiple: false, ..model.clone() }, data_type)
}

impl Pair {
    /// How many resource instances one form writes.
    const MAX: usize = 64;
}

fn create_form(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Option<CreateForm> {
    let Path::Object(object) = *path else { return None };
    let model = target.object(object)?;
    let instances = target.registration().links.objects.get(&object).map_or(0, |entry| entry.instances.len());
    if !model.multiple && instances > 0 {
        return None;
    }
    let draft = Draft::new("create", attempt);
    let instance = Input {
        hint: "Leave empty to let the device choose.".to_owned(),
        ..draft.input("instance", "Instance id", DataType::Unsigned, "")
    };
    Some(CreateForm { instance, inputs: resource_inputs(model, &draft, true) })
}

/// One input a resource that can be written, or that can be given at its creation.
fn resource_inputs(model: &objects::ObjectModel, draft: &Draft<'_>, creating: bool) -> Vec<Input> {
    let resources = model.resources.values().filter(|resource| {
        resource.operations.write || (creating && resource.mandatory && !resource.operations.execute)
    });
    resources
        .filter_map(|resource| {
            let mut input = draft.resource(resource, resource.data_type?);
            if resource.mandatory {
                input.label.push_str(" (mandatory)");
            }
            Some(input)
        })
        .collect()
}

fn attribute_inputs(target: &Target, path: &Path, attempt: Option<&Attempt>) -> Vec<AttributeInput> {
    let draft = Draft::new("attributes", attempt);
    let data_type = target.resource(path).and_then(|model| model.data_type);
    let observable =
        path.resource().is_none() || target.resource(path).is_none_or(|model| model.operations.read);
    Attribute::ALL
        .into_iter()
        .filter(|attribute| observable && attribute.applies_to(path, target.lwm2m()))
        .filter(|attribute| data_type.is_none_or(|data_type| attribute.fits(data_type)))
        .map(|attribute| AttributeInput {
            name: attribute.name(),
            label: label(attribute),
            value: draft.text(&format!("set.{attribute}"), ""),
            unset: draft.has(&format!("unset.{attribute}")),
            problem: draft.problem(&format!("set.{attribute}")),
        })
        .collect()
}

fn label(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Pmin => "Report at most every … seconds",
        Attribute::Pmax => "Report at least every … seconds",
        Attribute::Epmin => "Measure at most every … seconds",
        Attribute::Epmax => "Measure at least every … seconds",
        Attribute::Gt => "Report when it crosses from below …",
        Attribute::Lt => "Report when it crosses from above …",
        Attribute::St => "Report when it has changed by …",
        Attribute::Edge => "Report on rising (1) or falling (0)",
        Attribute::Con => "Confirmable reports (1) or not (0)",
        Attribute::Hqmax => "Reports kept while offline",
    }
}

/// The formats a device may be asked for at this level.
fn formats(target: &Target, path: &Path, chosen: &str, default: &str) -> Vec<Choice> {
    let single = path.resource_instance().is_some()
        || (path.resource().is_some() && target.resource(path).is_none_or(|model| !model.multiple));
    let opaque = target.resource(path).is_none_or(|model| model.data_type == Some(DataType::Opaque));
    let mut offered = Vec::new();
    if single {
        offered.push(ContentFormat::TEXT);
        if opaque {
            offered.push(ContentFormat::OPAQUE);
        }
    }
    offered.push(ContentFormat::TLV);
    if target.lwm2m() >= Version::V1_1 {
        offered.extend([ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR]);
        if single {
            offered.push(ContentFormat::CBOR);
        }
    }
    let first = Choice { value: String::new(), label: default.to_owned(), chosen: chosen.is_empty() };
    let named = offered.into_iter().map(|format| {
        let value = format.0.to_string();
        Choice { chosen: value == chosen, value, label: format.to_string() }
    });
    std::iter::once(first).chain(named).collect()
}

fn expiries(chosen: &str) -> Vec<Choice> {
    let default = Order::DEFAULT_EXPIRY.as_secs();
    let seconds = [3_600, 86_400, 7 * 86_400, 30 * 86_400];
    let choice = |seconds: u64| Choice {
        value: seconds.to_string(),
        label: span(seconds),
        chosen: if chosen.is_empty() { seconds == default } else { chosen == seconds.to_string() },
    };
    seconds.into_iter().map(choice).collect()
}

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
    target.registration().links.objects.get(&object).is_some_and(|entry| entry.instances.contains(&instance))
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

fn level(path: &Path) -> &'static str {
    match path {
        Path::Root => "device",
        Path::Object(_) => "object",
        Path::Instance(..) => "instance",
        Path::Resource(..) => "resource",
        Path::ResourceInstance(..) => "resource instance",
    }
}
