//! `GET /devices/{device}/firmware`: what a device runs, the update that goes on, and those that were. `POST` begins one.

use std::sync::Arc;

use askama::{Template, filters::HtmlSafe};
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    FleetError,
    store::{PageRequest, UpdateQuery},
    update::{DeviceStage, UpdateTarget},
};
use objects::{Path, Value};

use super::Reachability;
use crate::{
    app::App,
    console::{
        After,
        target::Target,
        updates::{
            UpdateRow, begin, live,
            one::{Explained, Standing},
            terms,
        },
    },
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, Shown, visible},
    ui::{Field, Filled, Tab, mend},
};

/// Rows a page of the history.
const ROWS: usize = 20;
/// Updates of one device that go on at one time and are shown: one each for firmware and the instances of software.
const AT_ONCE: usize = 10;

#[derive(Template)]
#[template(path = "device/firmware.html")]
struct FirmwarePage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    runs: Runs,
    running: Running,
    /// None where nothing may be begun by whoever looks.
    form: Option<BeginForm>,
    rows: Vec<UpdateRow>,
    first: Option<String>,
    next: Option<String>,
}

/// The form by which an update is begun.
struct BeginForm {
    /// Whether there is an artefact for its class.
    possible: bool,
    class: String,
    fields: Vec<Field>,
    terms: Vec<Field>,
    /// Whether something is wrong with the terms, so that they are to be seen.
    open: bool,
    problems: Vec<String>,
}

/// What the device says that it runs.
#[derive(Template)]
#[template(path = "fragments/runs.html")]
pub(crate) struct Runs {
    rows: Vec<Said>,
    result: Option<Explained>,
}

/// Something the device says of itself.
struct Said {
    label: &'static str,
    path: Path,
    text: String,
    at: Option<Moment>,
}

/// The updates that go on.
#[derive(Template)]
#[template(path = "fragments/running.html")]
pub(crate) struct Running {
    updates: Vec<Standing>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(after): Query<After>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(FirmwarePage::load(&app, &login, &target, &after, &Filled::default()).await?))
}

pub(crate) async fn events(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    live::of_device(app, login, target.id).await
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let sent = fields.clone();
    let (work, context, id) = (Arc::clone(&app), login.context.clone(), target.id);
    let done = app.act(&login, &fields, format!("update {id}"), async move {
        let begun = work.fleet.begin_updates(&context, &begin::read(&sent)?, &[id]).await?;
        let begun = begun.into_iter().next().ok_or(FleetError::NotFound("device"))?;
        Ok(format!("/updates/{}?done=update-begun", begun.update?.id))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            let after = After::default();
            Ok(again(FirmwarePage::load(&app, &login, &target, &after, &filled).await?))
        }
    }
}

impl FirmwarePage {
    async fn load(
        app: &App,
        login: &SignedIn,
        target: &Target,
        after: &After,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let here = format!("{}/firmware", target.url());
        let found = app.fleet.updates_of(&login.context, target.id, after.request(ROWS)).await?;
        let form = match target.may_operate() && !target.removed() {
            true => Some(BeginForm::load(app, login, target, filled).await?),
            false => None,
        };
        let title = format!("Firmware of {}", target.endpoint());
        Ok(Self {
            shell: Shell::new(app, login, Area::Devices, title)
                .live(format!("{here}/events"))
                .done(&after.done),
            url: target.url(),
            endpoint: target.endpoint(),
            state: Reachability::new(target),
            tabs: target.tabs(login, "/firmware"),
            runs: Runs::new(target),
            running: Running::load(app, login, target).await?,
            form,
            rows: found.rows.iter().map(|update| UpdateRow::new(update, None, target.now)).collect(),
            first: after.first(&here),
            next: found.next.map(|cursor| After::next(&here, &cursor)),
        })
    }
}

impl BeginForm {
    async fn load(app: &App, login: &SignedIn, target: &Target, filled: &Filled) -> Result<Self, WebError> {
        let view = &target.detail.view;
        let fields = begin::fields(app, login, Some(view.device.class)).await?;
        let possible = fields.iter().any(|field| field.name == "artefact" && !field.choices.is_empty());
        let fill = |fields: Vec<Field>| -> Vec<Field> {
            fields.into_iter().map(|field| field.filled(filled)).collect()
        };
        let (fields, terms) = (fill(fields), fill(terms::fields(&app.fleet)));
        let of_terms = |problem: &String| terms.iter().any(|field| field.problem.as_ref() == Some(problem));
        let problems = filled.others(&fields);
        Ok(Self {
            possible,
            class: visible(view.class_name.chars()),
            open: terms.iter().any(|field| field.problem.is_some()),
            problems: problems.into_iter().filter(|problem| !of_terms(problem)).collect(),
            fields,
            terms,
        })
    }
}

impl Runs {
    pub(crate) fn new(target: &Target) -> Self {
        let find = |path: Path| target.detail.readings.iter().find(|reading| reading.reading.path == path);
        let firmware = UpdateTarget::Firmware;
        let package =
            |id| Path::Resource(objects::ObjectId(5), objects::InstanceId(0), objects::ResourceId(id));
        let asked = [
            ("Firmware version", UpdateTarget::DEVICE_VERSION),
            ("Package name", package(6)),
            ("Package version", firmware.version()),
            ("State", firmware.state()),
            ("Last result", firmware.result()),
        ];
        let number = |path| match find(path).map(|found| &found.reading.value) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let text = |path: Path, value: &Value| match value {
            Value::Integer(state) if path == firmware.state() => {
                format!("{state}: {}", state_in_words(firmware.stage(*state)))
            }
            Value::Integer(result) if path == firmware.result() => {
                format!("{result}: {}", firmware.explain(*result).meaning)
            }
            value => Shown::new(value, Shown::SHORT).text,
        };
        let said = asked.into_iter().filter_map(|(label, path)| {
            let found = find(path)?;
            let at = Some(Moment::new(found.received_at, target.now));
            Some(Said { label, path, text: text(path, &found.reading.value), at })
        });
        Self {
            rows: said.collect(),
            result: number(firmware.result()).map(|code| Explained::new(firmware, code)),
        }
    }
}

fn state_in_words(stage: Option<DeviceStage>) -> &'static str {
    match stage {
        Some(DeviceStage::Idle) => "idle",
        Some(DeviceStage::Downloading) => "downloading",
        Some(DeviceStage::Downloaded) => "downloaded",
        Some(DeviceStage::Updating) => "updating",
        Some(DeviceStage::Installed) => "installed",
        None => "a state that is not defined",
    }
}

impl Running {
    pub(crate) async fn load(app: &App, login: &SignedIn, target: &Target) -> Result<Self, WebError> {
        let query = UpdateQuery {
            device: Some(target.detail.view.device.id),
            running: true,
            ..UpdateQuery::all(PageRequest::first(AT_ONCE))
        };
        let found = app.fleet.updates(&login.context, &query).await?;
        Ok(Self {
            updates: found.rows.iter().map(|update| Standing::new(login, update, target.now)).collect(),
        })
    }

    pub(crate) fn goes_on(&self) -> bool {
        !self.updates.is_empty()
    }
}

impl HtmlSafe for Runs {}
impl HtmlSafe for Running {}
