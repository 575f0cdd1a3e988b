//! `/models`: the object definitions in use: those that come with the server, those of its folder, uploaded ones.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{FleetError, ModelEntry, ModelSource, Permission};
use objects::{ObjectId, Version};

use crate::{
    app::App,
    console::{Done, confirm::Confirm},
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::visible,
    ui::{Field, Filled, mend},
};

#[derive(Template)]
#[template(path = "models.html")]
struct ModelsPage {
    shell: Shell,
    rows: Vec<Row>,
    more: usize,
    fields: Vec<Field>,
    problems: Vec<String>,
}

struct Row {
    object: ObjectId,
    version: Version,
    name: String,
    source: &'static str,
    uploaded: bool,
}

/// Models that a page shows.
const ROWS: usize = 400;

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    Ok(Page(ModelsPage::load(&app, &login, &done.done, &Filled::default()).await?))
}

pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let sent = fields.clone();
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, "upload model", async move {
        work.fleet.upload_model(&context, xml_of(&sent)?).await?;
        Ok("/models?done=model-uploaded".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?.at("xml", "file");
            Ok(again(ModelsPage::load(&app, &login, "", &filled).await?))
        }
    }
}

pub(crate) async fn reload(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let (work, context) = (Arc::clone(&app), login.context.clone());
    let done = app.act(&login, &fields, "reload models", async move {
        work.fleet.reload_models(&context).await?;
        Ok("/models?done=models-reloaded".to_owned())
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(ModelsPage::load(&app, &login, "", &filled).await?))
        }
    }
}

pub(crate) async fn ask_remove(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((object, version)): Address<(String, String)>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    let model = find(&app, &login, &object, &version).await?;
    Ok(Page(confirm(&model).page(&app, &login, &Filled::default())))
}

pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Address((object, version)): Address<(String, String)>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    login.demand(Permission::Administer)?;
    let model = find(&app, &login, &object, &version).await?;
    let confirm = confirm(&model);
    if let Err(problems) = confirm.check(&fields) {
        return Ok(again(confirm.page(&app, &login, &Filled::with(fields, problems))));
    }
    let (work, context) = (Arc::clone(&app), login.context.clone());
    app.act(&login, &fields, format!("remove model {object} {version}"), async move {
        work.fleet.remove_model(&context, model.object, model.version).await?;
        Ok("/models?done=model-removed".to_owned())
    })
    .await
}

fn confirm(model: &ModelEntry) -> Confirm {
    let expected = format!("{} {}", model.object, model.version);
    Confirm {
        area: Area::Models,
        title: format!("Remove the model of {}", visible(model.name.chars())),
        about: vec![format!(
            "The uploaded definition of object {}, version {}, is removed. If the server or its folder has one, that one counts again; otherwise the object is shown raw.",
            model.object, model.version
        )],
        items: Vec::new(),
        expected,
        extra: Vec::new(),
        reason: false,
        button: "Remove the model",
        action: format!("/models/{}/{}/remove", model.object, model.version),
        back: "/models".to_owned(),
    }
}

async fn find(app: &App, login: &SignedIn, object: &str, version: &str) -> Result<ModelEntry, WebError> {
    let models = app.fleet.models(&login.context).await?;
    models
        .into_iter()
        .filter(|model| model.source == ModelSource::Uploaded)
        .find(|model| model.object.to_string() == object && model.version.to_string() == version)
        .ok_or(WebError::NotFound("uploaded model"))
}

fn xml_of(fields: &Fields) -> Result<&str, FleetError> {
    let invalid = |reason: &str| FleetError::Invalid { field: "file", reason: reason.to_owned() };
    match fields.file("file") {
        Some(bytes) => std::str::from_utf8(bytes).map_err(|_| invalid("it is not text in UTF-8")),
        None if fields.text("text").trim().is_empty() => Err(invalid("choose a file, or paste its text")),
        None => Ok(fields.text("text")),
    }
}

impl ModelsPage {
    async fn load(app: &App, login: &SignedIn, done: &str, filled: &Filled) -> Result<Self, WebError> {
        let models = app.fleet.models(&login.context).await?;
        let fields = vec![
            Field::new("file", "Definition file (DDF, XML)").kind("file"),
            Field::new("text", "Or its text").kind("area"),
        ];
        let fields: Vec<Field> = fields.into_iter().map(|field| field.filled(filled)).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Models, "Models").done(done),
            more: models.len().saturating_sub(ROWS),
            rows: models.iter().take(ROWS).map(Row::new).collect(),
            problems: filled.others(&fields),
            fields,
        })
    }
}

impl Row {
    fn new(model: &ModelEntry) -> Self {
        Self {
            object: model.object,
            version: model.version,
            name: visible(model.name.chars()),
            source: match model.source {
                ModelSource::BuiltIn => "built in",
                ModelSource::Folder => "folder",
                ModelSource::Uploaded => "uploaded",
            },
            uploaded: model.source == ModelSource::Uploaded,
        }
    }
}
