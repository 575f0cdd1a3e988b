//! `/artefacts`: firmware and software for devices: the list, the upload, and a page for each.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{ArtefactId, FleetError, Permission, RunsArtefact, Timestamp, store::PageRequest};
use serde::Deserialize;

use crate::{
    api::v1::types::Time,
    app::App,
    artefact_form::{ArtefactForm, UploadError},
    console::Done,
    download,
    error::{FormError, WebError},
    form::{Fields, Posted, Uploading, same_secret},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Field, Filled, mend},
};

#[derive(Template)]
#[template(path = "artefacts.html")]
struct ArtefactsPage {
    shell: Shell,
    operates: bool,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
    fields: Vec<Field>,
    problems: Vec<String>,
}

struct Row {
    id: ArtefactId,
    name: String,
    version: String,
    kind: &'static str,
    class: String,
    size: String,
    proof: &'static str,
    at: Moment,
    withdrawn: bool,
}

#[derive(Template)]
#[template(path = "artefact.html")]
struct ArtefactPage {
    shell: Shell,
    operates: bool,
    row: Row,
    sha256: String,
    sequence: u64,
    key: Option<String>,
    key_name: Option<String>,
    not_after: Option<Moment>,
    sends: &'static str,
    uploaded_by: String,
    misfit: Option<String>,
    devices: u64,
    runs: Vec<Runs>,
    problems: Vec<String>,
}

struct Runs {
    url: String,
    endpoint: String,
    instance: u16,
    at: Moment,
}

/// Which page of the list, and what was done before.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    done: String,
    after: Option<String>,
}

/// How many artefacts a page of the list shows, and how many devices the page of an artefact.
const ROWS: usize = 50;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(ArtefactsPage::load(&app, &login, &asked, &Filled::default()).await?))
}

/// Where the form of an upload was: the list has it.
pub(crate) async fn list() -> Redirect {
    Redirect::to("/artefacts")
}

pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Uploading { login, parts }: Uploading,
) -> Result<Response, WebError> {
    let Some(parts) = parts else {
        let reason = "the form came without any".to_owned();
        let error = FleetError::Invalid { field: "image", reason };
        return refused(&app, &login, Fields::default(), error).await;
    };
    let trusted = |form: &ArtefactForm| same_secret(form.text("csrf"), &login.csrf).is_ok();
    let form = ArtefactForm::read(&app.fleet, &login.context, parts, trusted).await;
    let form = match form {
        Ok(form) => form,
        Err(UploadError::Fleet(error)) => return refused(&app, &login, Fields::default(), error).await,
        Err(_) => return Err(WebError::Unreadable(FormError::Malformed)),
    };
    let fields = Fields::of_texts(form.texts());
    match form.add(&app.fleet, &login.context, moment).await {
        Ok(artefact) => {
            Ok(Redirect::to(&format!("/artefacts/{}?done=artefact-added", artefact.id)).into_response())
        }
        Err(error) => refused(&app, &login, fields, error).await,
    }
}

async fn refused(
    app: &App,
    login: &SignedIn,
    fields: Fields,
    error: FleetError,
) -> Result<Response, WebError> {
    let filled = mend(fields, error.into())?;
    let asked = Asked { done: String::new(), after: None };
    Ok(again(ArtefactsPage::load(app, login, &asked, &filled).await?))
}

pub(crate) async fn artefact(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(id): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(ArtefactPage::load(&app, &login, named(&id)?, &done.done, Vec::new()).await?))
}

pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = named(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("withdraw artefact {id}"), async move {
        work.fleet.withdraw_artefact(&context, id).await?;
        Ok(format!("/artefacts/{id}?done=artefact-withdrawn"))
    })
    .await
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address(id): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let id = named(&id)?;
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, format!("remove artefact {id}"), async move {
        work.fleet.remove_artefact(&context, id).await?;
        Ok("/artefacts?done=artefact-removed".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let problems = mend(fields, error)?.others(&[]);
            Ok(again(ArtefactPage::load(&app, &login, id, "", problems).await?))
        }
    }
}

pub(crate) async fn content(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(id): Address<String>,
) -> Result<Response, WebError> {
    let download = app.fleet.download_artefact(&login.context, named(&id)?).await?;
    Ok(download::response(download))
}

fn named(text: &str) -> Result<ArtefactId, WebError> {
    text.parse().map_err(|_| WebError::NotFound("artefact"))
}

/// What an input of the browser holds: a moment in UTC, with or without seconds.
fn moment(text: &str) -> Option<Timestamp> {
    let read = |text: String| text.parse::<Time>().ok().map(|time| time.timestamp());
    read(format!("{text}Z")).or_else(|| read(format!("{text}:00Z"))).or_else(|| read(text.to_owned()))
}

fn sized(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

impl Row {
    fn new(artefact: &fleet::Artefact, class: &str, now: Timestamp) -> Self {
        Self {
            id: artefact.id,
            name: visible(artefact.name.chars()),
            version: visible(artefact.version.chars()),
            kind: artefact.kind.name(),
            class: visible(class.chars()),
            size: sized(artefact.size),
            proof: match artefact.proof {
                fleet::Proof::Unsigned => "unsigned",
                fleet::Proof::Detached(_) => "signed manifest",
                fleet::Proof::Suit(_) => "SUIT envelope",
            },
            at: Moment::new(artefact.uploaded_at, now),
            withdrawn: artefact.withdrawn_at.is_some(),
        }
    }
}

impl ArtefactsPage {
    async fn load(app: &App, login: &SignedIn, asked: &Asked, filled: &Filled) -> Result<Self, WebError> {
        let request = PageRequest { after: asked.after.clone().map(fleet::store::Cursor), limit: ROWS };
        let page = app.fleet.artefacts(&login.context, &request).await?;
        let classes = app.fleet.classes(&login.context).await?;
        let names: HashMap<_, _> = classes.iter().map(|class| (class.id, class.name.as_str())).collect();
        let now = app.now();
        let row = |artefact: &fleet::Artefact| {
            Row::new(artefact, names.get(&artefact.class).copied().unwrap_or_default(), now)
        };
        let pairs = |words: &[(&str, &str)]| {
            words.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
        };
        let of_classes =
            classes.iter().map(|class| (class.name.clone(), visible(class.name.chars()))).collect();
        let fields = [
            Field::new("name", "Name").required().hint("What people call it: gateway firmware, say."),
            Field::new("class", "Class").select(of_classes).hint("The devices that it is for."),
            Field::new("kind", "Kind").select(pairs(&[
                ("", "As its manifest says"),
                ("firmware", "Firmware (/5)"),
                ("software", "Software (/9)"),
            ])),
            Field::new("version", "Version")
                .hint("As its maker writes it. A signed manifest says it itself."),
            Field::new("not_after", "To be sent until")
                .kind("moment")
                .hint("Empty: as long as it is not withdrawn."),
            Field::new("sends", "Devices are sent").select(pairs(&[
                ("image", "The image"),
                ("envelope", "The SUIT envelope, which they process"),
            ])),
            Field::new("signature", "Signed manifest")
                .kind("file")
                .hint("What “muster artefact sign” has written for the image."),
            Field::new("envelope", "SUIT envelope").kind("file").hint("In place of a signed manifest."),
            Field::new("image", "Image").kind("file").hint("Not needed if the envelope holds it."),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Artefacts, "Artefacts").done(&asked.done),
            operates: login.may(Permission::Operate),
            rows: page.rows.iter().map(row).collect(),
            first: asked.after.is_some().then(|| "/artefacts".to_owned()),
            next: page.next.map(|cursor| format!("/artefacts?after={}", cursor.0)),
            problems: filled.others(&fields),
            fields,
        })
    }
}

impl ArtefactPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        id: ArtefactId,
        done: &str,
        problems: Vec<String>,
    ) -> Result<Self, WebError> {
        let detail = app.fleet.artefact(&login.context, id).await?;
        let runs = app.fleet.artefact_runs(&login.context, id, None, ROWS).await?;
        let (artefact, now) = (detail.artefact, app.now());
        let of_device = |runs: RunsArtefact| Runs {
            url: format!("/devices/{}", runs.device),
            endpoint: visible(runs.endpoint.as_str().chars()),
            instance: runs.instance,
            at: Moment::new(runs.at, now),
        };
        let row = Row::new(&artefact, &detail.class, now);
        Ok(Self {
            shell: Shell::new(app, login, Area::Artefacts, format!("{} {}", row.name, row.version))
                .done(done),
            operates: login.may(Permission::Operate),
            sha256: artefact.digest.to_string(),
            sequence: artefact.sequence,
            key: artefact.key.map(|key| key.to_string()),
            key_name: detail.key.map(|name| visible(name.chars())),
            not_after: artefact.not_after.map(|at| Moment::new(at, now)),
            sends: match artefact.sends {
                fleet::Sends::Image => "the image",
                fleet::Sends::Envelope => "the SUIT envelope",
            },
            uploaded_by: visible(artefact.uploaded_by.chars()),
            misfit: detail.check.err().map(|misfit| misfit.to_string()),
            devices: detail.runs,
            runs: runs.into_iter().map(of_device).collect(),
            row,
            problems,
        })
    }
}
