//! `/configuration`: whether devices have what they are to have; below it, the baselines that say what that is.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::IntoResponse,
};
use fleet::{
    configuration::ConfiguredState,
    store::{ConfigurationQuery, Cursor, PageRequest},
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

mod access;

pub(crate) mod baseline;

pub(crate) mod baselines;

pub(crate) mod comparison;

mod server;

/// Rows a page.
const ROWS: usize = 50;

/// What the address asks for.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage {
    shell: Shell,
    tabs: Vec<Tab>,
    states: Vec<Choice>,
    counts: Vec<Count>,
    rows: Vec<Row>,
    filtered: bool,
    first: Option<String>,
    next: Option<String>,
}

/// How many devices stand in a state.
struct Count {
    badge: Badge,
    count: u64,
    url: String,
}

struct Row {
    url: String,
    endpoint: String,
    badge: Badge,
    since: Moment,
    generation: u64,
    reported: u64,
    detail: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let after = (!asked.after.is_empty()).then(|| Cursor(asked.after.clone()));
    let state = ConfiguredState::ALL.into_iter().find(|state| state.name() == asked.state);
    let query = ConfigurationQuery { state, page: PageRequest { after, limit: ROWS } };
    let found = app.fleet.configurations(&login.context, &query).await?;
    let counts = app.fleet.configuration_counts(&login.context).await?;
    let now = app.now();
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in &found.rows {
        rows.push(Row {
            url: format!("/devices/{}/configuration", row.device_public_id),
            endpoint: app.name_of(&login.context, row.device_public_id).await?,
            badge: Badge::of_configuration(row.state),
            since: Moment::new(row.since, now),
            generation: row.generation,
            reported: row.reported,
            detail: visible(row.detail.chars()),
        });
    }
    let url = |state: &str, after: &str| query_url("/configuration", &[("state", state), ("after", after)]);
    let counts = ConfiguredState::ALL.into_iter().filter_map(|state| {
        let count = counts.get(&state).copied().filter(|count| *count > 0)?;
        Some(Count { badge: Badge::of_configuration(state), count, url: url(state.name(), "") })
    });
    let each = ConfiguredState::ALL
        .map(|state| (state.name().to_owned(), Badge::of_configuration(state).text.to_owned()));
    let any = (String::new(), "Any state".to_owned());
    Ok(Page(ConfigurationPage {
        shell: Shell::new(&app, &login, Area::Configuration, "Configuration"),
        tabs: tabs("/configuration"),
        states: chosen(std::iter::once(any).chain(each), &asked.state),
        counts: counts.collect(),
        rows,
        filtered: state.is_some(),
        first: query.page.after.is_some().then(|| url(&asked.state, "")),
        next: found.next.map(|cursor| url(&asked.state, &cursor.0)),
    }))
}

/// The row of tabs of what is about configuration, with this one marked.
fn tabs(here: &str) -> Vec<Tab> {
    Tab::row("", &[("/configuration", "Devices"), ("/configuration/baselines", "Baselines")], here)
}
