//! `/configuration/baselines`: what the fleet, classes and groups want.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use fleet::configuration::LevelName;

use super::tabs;
use crate::{
    app::App,
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::Tab,
};

#[derive(Template)]
#[template(path = "configuration/baselines.html")]
struct BaselinesPage {
    shell: Shell,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
}

/// A level, whether it wants anything or not.
struct Row {
    url: String,
    kind: &'static str,
    name: String,
    /// None where it never wanted anything.
    newest: Option<Newest>,
}

struct Newest {
    version: u32,
    lines: usize,
    mode: &'static str,
    ticket: String,
    by: String,
    at: Moment,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    let context = &login.context;
    let now = app.now();
    let found = app.fleet.baselines(context).await?;
    let mut levels = vec![("fleet", LevelName::Fleet, "All devices".to_owned())];
    for class in app.fleet.classes(context).await? {
        levels.push(("class", LevelName::Class(class.name.clone()), class.name));
    }
    for group in app.fleet.groups(context).await? {
        levels.push(("group", LevelName::Group(group.group.public_id), group.group.name));
    }
    let rows = levels.into_iter().map(|(kind, level, name)| {
        let newest = found.iter().find(|(other, ..)| *other == level).map(|(_, _, baseline)| Newest {
            version: baseline.version,
            lines: baseline.draft.lines.len(),
            mode: baseline.draft.mode.name(),
            ticket: visible(baseline.draft.ticket.as_deref().unwrap_or_default().chars()),
            by: visible(baseline.by.chars()),
            at: Moment::new(baseline.at, now),
        });
        Row { url: url_of(&level), kind, name: visible(name.chars()), newest }
    });
    Ok(Page(BaselinesPage {
        shell: Shell::new(&app, &login, Area::Configuration, "Baselines"),
        tabs: tabs("/configuration/baselines"),
        rows: rows.collect(),
    }))
}

/// Where the page of a level is.
pub(crate) fn url_of(level: &LevelName) -> String {
    format!("/configuration/baselines/{}", crate::console::encoded(&level.to_string()))
}
