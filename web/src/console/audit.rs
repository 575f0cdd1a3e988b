//! `GET /audit`: who did what, with filters and pages; `/audit/export`: the whole result as a file.

use std::{io, sync::Arc};

use askama::Template;
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use fleet::{
    AuditRecord, DeviceId, EndpointName, FleetError, Timestamp, Verb,
    store::{AuditQuery, Cursor, PageRequest},
};
use objects::{DataType, Value};
use serde::Deserialize;

use crate::{
    app::App,
    console::{field, query_url},
    error::WebError,
    export::{Form, Row},
    page::{Area, Page, Shell},
    session::SignedIn,
    show::{Moment, visible},
    ui::{Choice, chosen},
};

/// Rows a page.
const ROWS: usize = 50;

#[derive(Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    verb: String,
    /// By its endpoint name.
    #[serde(default)]
    device: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    format: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    asked: Asked,
    verbs: Vec<Choice>,
    rows: Vec<Line>,
    first: Option<String>,
    next: Option<String>,
    exports: Vec<(String, &'static str)>,
}

struct Line {
    at: Moment,
    actor: String,
    verb: &'static str,
    cause: &'static str,
    object: String,
    request: String,
}

const COLUMNS: [&str; 7] = ["sequence", "at", "actor", "cause", "verb", "object", "request"];

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<impl IntoResponse, WebError> {
    let query = asked.query(&app, &login).await?;
    let found = app.fleet.audit(&login.context, &query).await?;
    let now = app.now();
    let any = std::iter::once((String::new(), "Anything".to_owned()));
    let verbs = Verb::ALL.into_iter().map(|verb| (verb.name().to_owned(), verb.name().to_owned()));
    Ok(Page(AuditPage {
        shell: Shell::new(&app, &login, Area::Audit, "Audit"),
        verbs: chosen(any.chain(verbs), &asked.verb),
        rows: found.rows.iter().map(|record| Line::new(record, now)).collect(),
        first: query.page.after.is_some().then(|| asked.url("/audit", "", "")),
        next: found.next.map(|cursor| asked.url("/audit", &cursor.0, "")),
        exports: [("csv", "CSV"), ("ndjson", "JSON lines")]
            .map(|(format, label)| (asked.url("/audit/export", "", format), label))
            .into(),
        asked,
    }))
}

pub(crate) async fn export(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let form = Form::named(&asked.format).ok_or(WebError::NotFound("form of export"))?;
    let mut query = asked.query(&app, &login).await?;
    query.page = PageRequest::first(PageRequest::MAX_LIMIT);
    app.fleet.export(&login.context, "audit").await?;
    let mut page = app.fleet.audit(&login.context, &query).await?;
    let context = login.context.clone();
    let lines = async_stream::try_stream! {
        yield form.head(&COLUMNS);
        loop {
            let lines: String = page.rows.iter().map(|record| form.line(&COLUMNS, &row(record))).collect();
            yield lines;
            let Some(next) = page.next.take() else { break };
            query.page.after = Some(next);
            page = app.fleet.audit(&context, &query).await.map_err(io::Error::other)?;
        }
    };
    Ok(form.answer("muster-audit", lines))
}

fn row(record: &AuditRecord) -> Row {
    let entry = &record.entry;
    vec![
        record.sequence.to_string(),
        Moment::new(entry.at, entry.at).iso,
        entry.actor.clone(),
        entry.cause.name().to_owned(),
        entry.verb.name().to_owned(),
        entry.object.clone(),
        entry.request.to_string(),
    ]
}

impl Asked {
    async fn query(&self, app: &App, login: &SignedIn) -> Result<AuditQuery, WebError> {
        let moment = |text: &str| match field::parse(DataType::Time, text) {
            Ok(Value::Time(seconds)) => Some(Timestamp(seconds.saturating_mul(1_000))),
            _ => None,
        };
        let device = match EndpointName::new(self.device.trim()) {
            Ok(endpoint) => {
                match app.fleet.device_by_endpoint(&login.context, &endpoint).await {
                    Ok(view) => Some(view.device.id),
                    // To one that is not there nothing was done.
                    Err(FleetError::NotFound(_)) => Some(DeviceId(i64::MIN)),
                    Err(error) => return Err(error.into()),
                }
            }
            Err(_) => None,
        };
        Ok(AuditQuery {
            actor: (!self.actor.is_empty()).then(|| self.actor.trim().to_owned()),
            verb: Verb::ALL.into_iter().find(|verb| verb.name() == self.verb),
            device,
            since: moment(&self.since),
            until: moment(&self.until),
            page: PageRequest {
                after: (!self.after.is_empty()).then(|| Cursor(self.after.clone())),
                limit: ROWS,
            },
        })
    }

    fn url(&self, path: &str, after: &str, format: &str) -> String {
        query_url(
            path,
            &[
                ("actor", &self.actor),
                ("verb", &self.verb),
                ("device", &self.device),
                ("since", &self.since),
                ("until", &self.until),
                ("after", after),
                ("format", format),
            ],
        )
    }
}

impl Line {
    fn new(record: &AuditRecord, now: Timestamp) -> Self {
        let entry = &record.entry;
        Self {
            at: Moment::new(entry.at, now),
            actor: visible(entry.actor.chars()),
            verb: entry.verb.name(),
            cause: entry.cause.name(),
            object: visible(entry.object.chars()),
            request: entry.request.to_string(),
        }
    }
}
