//! `/configuration/baselines/{level}/compare`: two versions of what a level wants, held against each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::IntoResponse,
};
use fleet::{
    configuration::{Baseline, Draft, Line, LineKey, Want},
    store::PageRequest,
};
use serde::Deserialize;

use super::{baseline::VERSIONS, baselines::url_of, tabs};
use crate::{
    app::App,
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    show::visible,
    ui::{Choice, Tab, chosen},
};

/// Which versions are compared; the newest and the one before it, where nothing is said.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    from: Option<u32>,
    to: Option<u32>,
}

#[derive(Template)]
#[template(path = "configuration/compare.html")]
struct ComparePage {
    shell: Shell,
    tabs: Vec<Tab>,
    url: String,
    name: String,
    from: u32,
    to: u32,
    earlier: Vec<Choice>,
    later: Vec<Choice>,
    rows: Vec<Change>,
}

/// One thing of which the versions say something else.
struct Change {
    what: String,
    from: String,
    to: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(level): Address<String>,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let level = level.parse().map_err(|_| WebError::NotFound("level"))?;
    let context = &login.context;
    let name = visible(app.fleet.level_name(context, &level).await?.chars());
    let versions = app.fleet.baseline_versions(context, &level, &PageRequest::first(VERSIONS)).await?.rows;
    let newest = versions.first().map(|baseline| baseline.version);
    let to = asked.to.or(newest).ok_or(WebError::NotFound("version of this baseline"))?;
    let from = asked.from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    let earlier = app.fleet.baseline(context, &level, Some(from)).await?;
    let later = app.fleet.baseline(context, &level, Some(to)).await?;
    let [earlier, later] =
        [earlier, later].map(|found| found.map(|baseline| baseline.draft).unwrap_or_default());
    let choices = |version: u32| chosen(versions.iter().map(choice), &version.to_string());
    Ok(Page(ComparePage {
        shell: Shell::new(&app, &login, Area::Configuration, format!("Versions {from} and {to} of {name}")),
        tabs: tabs("/configuration/baselines"),
        url: url_of(&level),
        name,
        from,
        to,
        earlier: choices(from),
        later: choices(to),
        rows: changes(&earlier, &later),
    }))
}

fn choice(baseline: &Baseline) -> (String, String) {
    let comment = visible(baseline.draft.comment.chars());
    let label = if comment.is_empty() { String::new() } else { format!(": {comment}") };
    (baseline.version.to_string(), format!("{}{label}", baseline.version))
}

fn changes(earlier: &Draft, later: &Draft) -> Vec<Change> {
    let by_key = |draft: &Draft| draft.lines.iter().map(|line| (line.key(), line.clone())).collect();
    let (before, then): (BTreeMap<LineKey, Line>, BTreeMap<LineKey, Line>) = (by_key(earlier), by_key(later));
    let keys: BTreeSet<&LineKey> = before.keys().chain(then.keys()).collect();
    let lines = keys.into_iter().filter_map(|key| {
        let (before, then) = (before.get(key), then.get(key));
        let is_same = before.map(Line::digest) == then.map(Line::digest);
        (!is_same).then(|| Change {
            what: key.to_string(),
            from: shown(before, None),
            to: shown(then, before),
        })
    });
    let hours = |draft: &Draft| format!("{} h", draft.check_every.as_secs().div_ceil(3_600));
    let terms = [
        ("Mode", earlier.mode.name().to_owned(), later.mode.name().to_owned()),
        ("Silent devices are looked at every", hours(earlier), hours(later)),
    ];
    let terms = terms.into_iter().filter(|(_, from, to)| from != to);
    lines.chain(terms.map(|(what, from, to)| Change { what: what.to_owned(), from, to })).collect()
}

/// What a line wants, where another stood in its place before.
fn shown(line: Option<&Line>, before: Option<&Line>) -> String {
    let is_secret = |line: &Line| matches!(line.want, Want::Secret(_));
    match line {
        None => "not wanted".to_owned(),
        Some(line) if is_secret(line) && before.is_some_and(is_secret) => "(another secret)".to_owned(),
        Some(line) => visible(line.want.shown().chars()),
    }
}
