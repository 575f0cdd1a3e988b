//! `GET /devices/{device}/values`: the latest values of a device, and the chart of one of them over time.

use std::sync::Arc;

use ::objects::Path;
use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::IntoResponse,
};
use fleet::Reading;
use serde::Deserialize;

use crate::{
    app::App,
    console::{
        device::Reachability,
        target::{NodeLink, Target},
    },
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, Shown},
    ui::{Chart, Choice, Tab, chosen},
};

/// Values a page shows.
const ROWS: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    path: String,
}

#[derive(Template)]
#[template(path = "device/values.html")]
struct ValuesPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    more: usize,
    numbers: Vec<Choice>,
    chart: Option<Chart>,
    asked: bool,
}

struct Row {
    link: NodeLink,
    object: String,
    shown: Shown,
    unit: String,
    at: Moment,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let readings = &target.detail.readings;
    let numbers: Vec<Path> = readings
        .iter()
        .filter(|reading| crate::ui::number(&reading.reading.value).is_some())
        .map(|reading| reading.reading.path)
        .collect();
    let path = asked.path.parse().ok().filter(|path| numbers.contains(path));
    let chart = match path {
        Some(path) => {
            let history =
                app.fleet.history(&login.context, target.id, path, Reading::HISTORY_PER_PATH).await?;
            Chart::new(&target.name(&path), &unit(&target, &path), &history, target.now)
        }
        None => None,
    };
    let label = |path: &Path| (path.to_string(), format!("{} {path}", target.name(path)));
    let row = |path: Path, shown, at| Row {
        link: target.link(path),
        object: path.object().map(|object| target.name(&Path::Object(object))).unwrap_or_default(),
        shown,
        unit: unit(&target, &path),
        at,
    };
    Ok(Page(ValuesPage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Values of {}", target.endpoint())),
        url: target.url(),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        tabs: target.tabs(&login, "/values"),
        rows: readings
            .iter()
            .take(ROWS)
            .map(|reading| {
                row(
                    reading.reading.path,
                    Shown::new(&reading.reading.value, Shown::SHORT),
                    Moment::new(reading.at(), target.now),
                )
            })
            .collect(),
        more: readings.len().saturating_sub(ROWS),
        numbers: chosen(numbers.iter().take(ROWS).map(label), &asked.path),
        chart,
        asked: path.is_some(),
    }))
}

fn unit(target: &Target, path: &Path) -> String {
    target.resource(path).map(|model| model.units.clone()).unwrap_or_default()
}
