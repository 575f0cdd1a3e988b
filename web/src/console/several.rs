//! `GET /devices/{device}/several`: several nodes of a device, read or observed at once (LwM2M Core 1.1.1 §6.3.8, §6.4.4).
//! `POST` asks for it; the buttons of an observation of several nodes come here, too, and name them in the address.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{CancelMode, FleetError, Operation, Paths};
use objects::Path;
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        device::Reachability,
        login::sentence,
        operate::{ask, format},
        target::Target,
    },
    error::WebError,
    form::{Fields, Posted},
    page::{Area, Page, Shell, again},
    session::SignedIn,
    ui::{Field, Filled, Tab},
};

#[derive(Template)]
#[template(path = "device/several.html")]
struct SeveralPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    field: Field,
    problems: Vec<String>,
    observed: bool,
}

/// The nodes that an address names, with commas between them.
#[derive(Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    paths: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(named): Query<Named>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(SeveralPage::new(&app, &login, &target, &named.paths, &Filled::default())))
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Query(named): Query<Named>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let refused = |problem: String, fields| {
        let filled = Filled::with(fields, vec![("paths", problem)]);
        again(SeveralPage::new(&app, &login, &target, &named.paths, &filled))
    };
    let given = if fields.has("paths") { fields.text("paths") } else { &named.paths };
    let operation = match paths(given).and_then(|paths| operation(&fields, paths)) {
        Ok(operation) => operation,
        Err(problem) => return Ok(refused(problem, fields)),
    };
    match ask(&app, &login, &target, fields.text("op"), operation, &fields).await {
        Ok(asked) => Ok(Redirect::to(&asked.url).into_response()),
        Err(error) => match &*error {
            FleetError::BadOperation(reason) => Ok(refused(sentence(reason), fields)),
            _ => Err(WebError::Submission(error)),
        },
    }
}

fn operation(fields: &Fields, paths: Paths) -> Result<Operation, String> {
    let format = format(fields).map_err(|problem| problem.text)?;
    match fields.text("op") {
        "read" => Ok(Operation::ReadComposite { paths, format }),
        "observe" => Ok(Operation::ObserveComposite { paths, format }),
        "cancel-active" => Ok(Operation::CancelCompositeObservation { paths, mode: CancelMode::Active }),
        "cancel-passive" => Ok(Operation::CancelCompositeObservation { paths, mode: CancelMode::Passive }),
        _ => Err("Choose Read or Observe.".to_owned()),
    }
}

/// Paths as a person types them: one a line, or with spaces or commas between them.
fn paths(text: &str) -> Result<Paths, String> {
    let parts = text.split([',', ' ', '\t', '\r', '\n']).filter(|part| !part.is_empty());
    let parsed = parts.map(|part| match part.parse() {
        Ok(Path::Root) => Err("Name objects, instances or resources.".to_owned()),
        Ok(path) => Ok(path),
        Err(error) => Err(format!("“{part}”: {error}")),
    });
    parsed.collect()
}

impl SeveralPage {
    fn new(app: &App, login: &SignedIn, target: &Target, named: &str, filled: &Filled) -> Self {
        let named: Vec<&str> = named.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
        let field = Field::new("paths", "Nodes")
            .kind("area")
            .required()
            .value(named.join("\n"))
            .hint("Paths such as /3/0/9 or /3303, one a line. None may lie within another.")
            .filled(filled);
        let about: Paths = named.iter().filter_map(|path| path.parse().ok()).collect();
        let is_it = |observation: &fleet::Observation| observation.target == about.clone().into();
        Self {
            shell: Shell::new(app, login, Area::Devices, format!("Several nodes of {}", target.endpoint())),
            url: target.url(),
            endpoint: target.endpoint(),
            state: Reachability::new(target),
            tabs: target.tabs(login, "/objects"),
            problems: filled.others([&field]),
            observed: target.detail.observations.iter().any(is_it),
            field,
        }
    }
}
