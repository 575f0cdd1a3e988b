//! `/enrolment`: how devices become known: one by one here, many by a file, by themselves with a claim.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Class, ClassId, EndpointName, FleetError, GivenCredential, NewDevice, Permission};
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        given::{self, CredentialFields, MANAGEMENT, Names, OWN},
        shown::{self, Secret},
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    ui::{Field, Filled, Tab, mend},
};

pub(crate) mod awake;

pub(crate) mod belongs;

pub(crate) mod claims;

pub(crate) mod classes;

pub(crate) mod import;

pub(crate) mod policy;
pub(crate) mod retention;
pub(crate) mod updates;
pub(crate) mod wishes;

const TABS: [(&str, &str); 4] =
    [("", "Add one"), ("/import", "Import"), ("/claims", "Claims"), ("/classes", "Classes and plans")];

/// The tabs of the enrolment.
pub(crate) fn tabs(here: &str) -> Vec<Tab> {
    Tab::row("/enrolment", &TABS, here)
}

/// What the diary knows of a device that is to be added.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    identity: String,
    /// The listener that it came to.
    #[serde(default)]
    at: String,
}

impl Asked {
    /// Whether it has come to the management server with a key of its own: it does not bootstrap.
    fn manages(&self, app: &App) -> bool {
        let port = |uri: &str| uri.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let there = app.settings.places.coaps.as_deref().and_then(port);
        !self.identity.is_empty() && there.is_some() && port(&self.at) == there
    }

    fn identity_if(&self, wanted: bool) -> String {
        if wanted { self.identity.clone() } else { String::new() }
    }
}

#[derive(Template)]
#[template(path = "enrolment.html")]
struct AddPage {
    shell: Shell,
    tabs: Vec<Tab>,
    device: Vec<Field>,
    bootstraps: Field,
    bootstrap: CredentialFields,
    manages: Field,
    management: CredentialFields,
    /// Whether those are looked at first.
    management_open: bool,
    problems: Vec<String>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    login.demand(Permission::Administer)?;
    Ok(Page(AddPage::load(&app, &login, &asked, &Filled::default()).await?))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let sent = fields.clone();
    let (work, context, user) = (Arc::clone(&app), login.context.clone(), login.user());
    let done = app.act(&login, &fields, "add device", async move {
        let classes = work.fleet.classes(&context).await?;
        let device = new_device(&sent, &classes)?;
        let enrolled = work.fleet.add_device(&context, device).await?;
        let endpoint = enrolled.device.endpoint.to_string();
        let id = enrolled.device.public_id;
        if enrolled.shown.is_empty() {
            return Ok(format!("/devices/{id}/connect"));
        }
        shown::keep(&work, user, Secret::Device { device: id, endpoint, shown: enrolled.shown })
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let only_management = fields.has("management") && !fields.has("bootstrap");
            let mut filled = mend(fields, error)?.at("name", "endpoint");
            if only_management {
                filled = MANAGEMENT.located(filled);
            }
            Ok(again(AddPage::load(&app, &login, &Asked::default(), &filled).await?))
        }
    }
}

fn new_device(fields: &Fields, classes: &[Class]) -> Result<NewDevice, FleetError> {
    let endpoint = EndpointName::new(fields.text("endpoint").trim())
        .map_err(|error| FleetError::Invalid { field: "endpoint", reason: error.to_string() })?;
    let given = |box_name: &str, names: &Names| -> Result<Option<GivenCredential>, FleetError> {
        if fields.has(box_name) { given::given(fields, names).map(Some) } else { Ok(None) }
    };
    Ok(NewDevice {
        endpoint,
        class: class_named(classes, fields.text("class"))?,
        bootstrap: given("bootstrap", &OWN)?,
        management: given("management", &MANAGEMENT)?,
    })
}

/// The class that a form names; none where it names none.
pub(crate) fn class_named(classes: &[Class], name: &str) -> Result<Option<ClassId>, FleetError> {
    if name.is_empty() {
        return Ok(None);
    }
    let class = classes.iter().find(|class| class.name == name);
    class.map(|class| Some(class.id)).ok_or(FleetError::NotFound("class"))
}

/// A field to choose a class in.
pub(crate) fn class_field(classes: &[Class]) -> Field {
    let default = classes.iter().find(|class| class.id == ClassId::DEFAULT);
    Field::new("class", "Class")
        .select(classes.iter().map(|class| (class.name.clone(), class.name.clone())).collect())
        .value(default.map(|class| class.name.clone()).unwrap_or_default())
        .hint("Decides what it is given by bootstrap, and which kinds of credentials are let in.")
}

impl AddPage {
    async fn load(app: &App, login: &SignedIn, asked: &Asked, filled: &Filled) -> Result<Self, WebError> {
        let classes = app.fleet.classes(&login.context).await?;
        let fill = |fields: Vec<Field>| -> Vec<Field> {
            fields.into_iter().map(|field| field.filled(filled)).collect()
        };
        let manages = asked.manages(app);
        // An identity that is no text is no name that a person would give.
        let named = asked.endpoint.is_empty() && !asked.identity.starts_with("hex:");
        let endpoint = if named { &asked.identity } else { &asked.endpoint };
        let device = fill(vec![
            Field::new("endpoint", "Endpoint name")
                .required()
                .value(endpoint.clone())
                .hint("What the device calls itself, such as urn:imei:490154203237518. Up to 252 bytes."),
            class_field(&classes),
        ]);
        let credential = |names, identity, hint: &str| {
            given::fields(names, identity, hint).map(|field| field.filled(filled))
        };
        let bootstraps =
            Field::new("bootstrap", "It bootstraps here with a key").check(!manages).filled(filled);
        let hint = "Leave empty to use the endpoint name.";
        let bootstrap = credential(&OWN, asked.identity_if(!manages), hint);
        let hint = "Leave empty to have one made.";
        let management = credential(&MANAGEMENT, asked.identity_if(manages), hint);
        let has_one = Field::new("management", "It has a management key already (no bootstrap)");
        let has_one = has_one.check(manages).filled(filled);
        let boxes = [&bootstraps, &has_one];
        let shown: Vec<&Field> =
            device.iter().chain(boxes).chain(bootstrap.all()).chain(management.all()).collect();
        Ok(Self {
            shell: Shell::new(app, login, Area::Enrolment, "Add a device"),
            tabs: tabs(""),
            problems: filled.others(shown),
            management_open: manages || management.all().any(|field| field.problem.is_some()),
            device,
            bootstraps,
            bootstrap,
            manages: has_one,
            management,
        })
    }
}
