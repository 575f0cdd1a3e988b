//! What bounds every request: its time, its body, its query, and a panic within it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fleet::{Context, ImportReport, Permission};
use futures::{FutureExt, StreamExt};
use tracing::Instrument;

use super::{failure::Failure, state::Api, types::ProblemKind};

/// Answers in time whatever happens. What changes something runs in a task of its own, so that it is done as a whole even
/// if the client goes away.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    let limit = match &request {
        upload if is_upload(upload) => Api::UPLOAD_TIMEOUT,
        bulk if is_bulk(bulk) => Api::BULK_TIMEOUT,
        _ => Api::TIMEOUT,
    };
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = if safe {
        answer.boxed()
    } else {
        let task = tokio::spawn(answer.in_current_span());
        async move { task.await.unwrap_or_else(|error| Err(Box::new(error))) }.boxed()
    };
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler of the API panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => {
            tracing::warn!("a request of the API took too long");
            let detail = "no answer in time; what was asked may still be done";
            Failure::new(ProblemKind::TimedOut, detail)
                .with(header::RETRY_AFTER, HeaderValue::from_static("10"))
                .into_response()
        }
    }
}

/// Refuses query parameters that the document does not name, and reads the body up to what the route takes.
pub(super) async fn within_limits(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    // Taken before the file is read into memory, and held until it is done with.
    let large = request.uri().path().ends_with(IMPORTS);
    let permit = if large { Arc::clone(&api.large).try_acquire_owned().ok() } else { None };
    if large && permit.is_none() {
        let detail = "as many files as may be are being imported; try again later";
        let failure = Failure::new(ProblemKind::TooManyRequests, detail);
        return failure.with(header::RETRY_AFTER, HeaderValue::from_static("10")).into_response();
    }
    match limited(&api, request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// Where files of many devices are sent to.
const IMPORTS: &str = "/devices/imports";

async fn limited(api: &Api, request: Request) -> Result<Request, Failure> {
    let path =
        request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    if let Some(known) = api.parameters_of(request.method(), &path) {
        let query = request.uri().query().unwrap_or_default();
        let names = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split('=').next().unwrap_or(pair));
        let unknown: Vec<&str> = names.filter(|name| !known.contains(*name)).collect();
        if let Some(first) = unknown.first() {
            let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let detail = if known.is_empty() {
                "this address takes no parameters".to_owned()
            } else {
                format!("no such parameter; this address takes {known}")
            };
            return Err(Failure::of_field(ProblemKind::BadRequest, first, detail));
        }
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    // It is read as it comes; its handler knows how much it may be.
    if is_upload(&request) {
        return Ok(request);
    }
    let context = request.extensions().get::<Context>();
    let administers = context.is_some_and(|context| context.actor.may(Permission::Administer));
    let limit = match path.as_str() {
        // Who may not do it sends no large file first.
        _ if !administers => Api::MAX_JSON_BYTES,
        path if path.ends_with(IMPORTS) => ImportReport::MAX_BYTES,
        path if path.ends_with("/models") => Api::MAX_MODEL_BYTES,
        path if path.ends_with("/revocation-list") => Api::MAX_REVOCATION_LIST_BYTES,
        _ => Api::MAX_JSON_BYTES,
    };
    let (parts, body) = request.into_parts();
    Ok(Request::from_parts(parts, Body::from(read(body, limit).await?)))
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Failure::new(ProblemKind::BadRequest, "the body breaks off"))?;
        if bytes.len() + chunk.len() > limit {
            let detail = format!("a body has at most {limit} bytes here");
            return Err(Failure::new(ProblemKind::TooLarge, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether a request is read by its handler as it comes, and may take long.
pub(super) fn is_upload(request: &Request) -> bool {
    *request.method() == Method::POST && request.uri().path().ends_with("/artefacts")
}

fn is_bulk(request: &Request) -> bool {
    let path = request.uri().path();
    path.ends_with(IMPORTS)
        || path.ends_with("/devices/removals")
        || (*request.method() == Method::POST && path.ends_with("/api/v1/updates"))
}
