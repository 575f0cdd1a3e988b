//! `/audit`: what people, programs and credentials did.

use std::{io, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use fleet::{
    Context,
    store::{AuditQuery, PageRequest},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    access::Caller,
    devices::device_id,
    extract::{Query, page},
    failure::Failure,
    reply::Reply,
    state::Api,
    types::{AuditAction, AuditEntry, Page, ProblemKind, Time},
};
use crate::export::Form;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditFilter {
    /// Only what this actor did, by name.
    actor: Option<String>,
    /// Only this.
    action: Option<AuditAction>,
    /// Only what was done to the device with this id.
    device: Option<String>,
    /// Only from then on.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// Only before that.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Time>,
    /// Where the page before ended: its `next`, as it is. An export has no pages.
    after: Option<String>,
    /// How many rows at most: 1 to 500; 50 if nothing is said. An export has no pages.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The audit log, newest first: a page as JSON, or the whole result as CSV or JSON lines, by Accept.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditFilter), security(("token" = ["administer"])),
    responses((status = 200, description = "A page of the log, or the whole result", content(
        (Page<AuditEntry> = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Caller(context): Caller,
    Query(filter): Query<AuditFilter>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let form = wanted(&headers)?;
    let device = match filter.device {
        Some(device) => Some(api.fleet().device(&context, device_id(&device)?).await?.view.device.id),
        None => None,
    };
    let query = AuditQuery {
        actor: filter.actor,
        verb: filter.action.map(fleet::Verb::from),
        device,
        since: filter.since.map(Time::timestamp),
        until: filter.until.map(Time::timestamp),
        page: page(filter.after, filter.limit)?,
    };
    let Some(form) = form else {
        let page = api.fleet().audit(&context, &query).await?;
        return Ok(Reply::ok(&Page::of(page, AuditEntry::from))?.into_response());
    };
    // Asked before the answer begins, so that who may not is told so by its status.
    let query = AuditQuery { page: PageRequest::first(PageRequest::MAX_LIMIT), ..query };
    let first = api.fleet().audit(&context, &query).await?;
    api.fleet().export(&context, "audit").await?;
    Ok(form.answer("muster-audit", lines(api, context, query, first, form)))
}

fn lines(
    api: Arc<Api>,
    context: Context,
    mut query: AuditQuery,
    first: fleet::store::Page<fleet::AuditRecord>,
    form: Form,
) -> impl futures::Stream<Item = Result<String, io::Error>> + Send + 'static {
    async_stream::try_stream! {
        let head = form.head(&AuditEntry::COLUMNS);
        if !head.is_empty() {
            yield head;
        }
        let mut page = first;
        loop {
            let line = |record| form.line(&AuditEntry::COLUMNS, &row(AuditEntry::from(record)));
            let text: String = page.rows.into_iter().map(line).collect();
            if !text.is_empty() {
                yield text;
            }
            let Some(next) = page.next else { break };
            query.page.after = Some(next);
            page = api.fleet().audit(&context, &query).await.map_err(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "an export breaks off");
                io::Error::other("the export breaks off")
            })?;
        }
    }
}

fn row(entry: AuditEntry) -> Vec<String> {
    vec![
        entry.sequence.to_string(),
        entry.at.to_string(),
        entry.actor,
        entry.cause.to_string(),
        entry.action.to_string(),
        entry.object,
        entry.request,
    ]
}

/// In which form the whole result is asked for; none for a page.
fn wanted(headers: &HeaderMap) -> Result<Option<Form>, Failure> {
    let Some(accept) = headers.get(header::ACCEPT) else { return Ok(None) };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    let kinds = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    for kind in kinds {
        match kind {
            "application/json" | "application/*" | "*/*" | "" => return Ok(None),
            "text/csv" | "text/*" => return Ok(Some(Form::Csv)),
            "application/x-ndjson" | "application/jsonl" => return Ok(Some(Form::NdJson)),
            _ => {}
        }
    }
    let detail = "there are application/json, text/csv and application/x-ndjson";
    Err(Failure::new(ProblemKind::NotAcceptable, detail))
}
