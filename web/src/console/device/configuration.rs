//! `/devices/{device}/configuration`: what a device is to have, what it has, and who wrote last.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, Query, State},
    response::{IntoResponse, Response},
};
use fleet::{Permission, configuration::LevelName};

use super::Reachability;
use crate::{
    api::v1::types::{Configuration, LineStanding},
    app::App,
    console::{Done, badge::Badge, configuration::baselines::url_of, target::Target},
    error::WebError,
    form::Posted,
    page::{Area, Page, Shell, again},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Filled, Tab, mend},
};

#[derive(Template)]
#[template(path = "device/configuration.html")]
struct ConfigurationPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    stands: Option<Stands>,
    lines: Vec<Row>,
    conflicts: Vec<String>,
    /// Where attributes are still to be taken back.
    taking_back: String,
    findings: Vec<Found>,
    own: String,
    problems: Vec<String>,
    may_operate: bool,
    administers: bool,
}

/// Where it stands.
struct Stands {
    badge: Badge,
    since: Moment,
    generation: u64,
    reported: u64,
    checked: Option<Moment>,
    detail: String,
    flapping: bool,
}

struct Row {
    line: String,
    expected: String,
    actual: String,
    badge: Badge,
    wanted_by: String,
    writer: String,
    note: String,
}

struct Found {
    at: Moment,
    line: String,
    expected: String,
    actual: String,
    writer: String,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
    Query(done): Query<Done>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    Ok(Page(ConfigurationPage::load(&app, &login, &target, &done.done, &Filled::default()).await?))
}

/// Repairs, resumes or accepts, as the button says.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Address(device): Address<String>,
    Posted { login, fields }: Posted,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let (work, context, id, sent) = (Arc::clone(&app), login.context.clone(), target.id, fields.clone());
    let url = format!("{}/configuration", target.url());
    let done = app.act(&login, &fields, format!("configuration of {id}"), async move {
        let ticket = Some(sent.text("ticket").trim().to_owned()).filter(|ticket| !ticket.is_empty());
        let word = match sent.text("act") {
            "resume" => {
                work.fleet.resume_configuration(&context, id, ticket.as_deref()).await?;
                "configuration-resumed"
            }
            "accept" => {
                work.fleet.accept_configuration(&context, id, &[], ticket).await?;
                "configuration-accepted"
            }
            _ => {
                work.fleet.repair_configuration(&context, id, ticket.as_deref()).await?;
                "configuration-repaired"
            }
        };
        Ok(format!("{url}?done={word}"))
    });
    match done.await {
        Ok(response) => Ok(response),
        Err(error) => {
            let filled = mend(fields, error)?;
            Ok(again(ConfigurationPage::load(&app, &login, &target, "", &filled).await?))
        }
    }
}

impl ConfigurationPage {
    async fn load(
        app: &App,
        login: &SignedIn,
        target: &Target,
        done: &str,
        filled: &Filled,
    ) -> Result<Self, WebError> {
        let detail = app.fleet.configuration(&login.context, target.id).await?;
        let now = app.now();
        let text = |text: &str| visible(text.chars());
        let stands = detail.row.as_ref().map(|row| Stands {
            badge: Badge::of_configuration(row.state),
            since: Moment::new(row.since, now),
            generation: row.generation,
            reported: row.reported,
            checked: row.checked_at.map(|at| Moment::new(at, now)),
            detail: text(&row.detail),
            flapping: row.state == fleet::configuration::ConfiguredState::Flapping,
        });
        let findings_at: Vec<Moment> = detail
            .row
            .iter()
            .flat_map(|row| &row.findings)
            .map(|finding| Moment::new(finding.at, now))
            .collect();
        let shown = Configuration::from(detail);
        let lines = shown.lines.iter().map(|line| Row {
            line: line.line.clone(),
            expected: text(&line.expected),
            actual: text(line.actual.as_deref().unwrap_or_default()),
            badge: Badge::of_line(line.standing),
            wanted_by: text(&line.wanted_by),
            writer: text(line.writer.as_deref().unwrap_or_default()),
            note: match (&line.refused, line.standing) {
                (Some(refused), _) => text(refused),
                (None, LineStanding::Flapping) => format!("put right {} times within a day", line.repairs),
                _ => String::new(),
            },
        });
        let conflicts = shown.conflicts.iter().map(|conflict| {
            text(&format!(
                "{}: {} counts, {} wants something else",
                conflict.line, conflict.won, conflict.lost
            ))
        });
        let found = findings_at.into_iter().zip(&shown.findings).rev().map(|(at, finding)| Found {
            at,
            line: finding.line.clone(),
            expected: text(&finding.expected),
            actual: text(finding.actual.as_deref().unwrap_or_default()),
            writer: text(finding.writer.as_deref().unwrap_or_default()),
        });
        let endpoint = target.endpoint();
        Ok(Self {
            shell: Shell::new(app, login, Area::Devices, format!("Configuration of {endpoint}")).done(done),
            url: target.url(),
            endpoint,
            state: Reachability::new(target),
            tabs: target.tabs(login, "/configuration"),
            stands,
            lines: lines.collect(),
            conflicts: conflicts.collect(),
            taking_back: shown.taking_back.join(", "),
            findings: found.collect(),
            own: url_of(&LevelName::Device(target.id)),
            problems: filled.others(&[]),
            may_operate: login.may(Permission::Operate) && !target.removed(),
            administers: login.may(Permission::Administer) && !target.removed(),
        })
    }
}
