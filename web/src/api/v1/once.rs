//! `Idempotency-Key`: a POST that names itself is done once, however often it is sent.
//!
//! The same key and the same request are answered as before, with `Idempotency-Replayed: true`; another request under
//! the key is 422; one that is under way, or was broken off, is 409. Names belong to a token, and are remembered for a
//! day. What was refused by the domain (4xx) is an answer like any other: a corrected request takes a new key. After a
//! fault of the server (5xx) whether it was done is not known, so that a repetition is 409.
//!
//! A secret is in no kept answer: the replay has the same form without it.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fleet::{Began, Context, RequestId, Submission};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    access::Bearer,
    bounds::is_upload,
    failure::{Failure, as_rendered, rendered},
    reply::Kept,
    state::Api,
    types::ProblemKind,
};

/// The header that names a request.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest name of a request, in bytes.
pub(crate) const MAX_KEY_BYTES: usize = 255;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    status: u16,
    location: Option<String>,
    content_type: Option<String>,
    /// None if it is too long to be kept.
    body: Option<String>,
}

/// Does a request that names itself once.
pub(super) async fn once(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let named =
        request.method() == Method::POST && request.headers().contains_key(KEY) && !is_upload(&request);
    if !named {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().copied();
    match run(&api, request, next, id).await {
        Ok(response) => response,
        Err(failure) => failure.render(id),
    }
}

async fn run(api: &Api, request: Request, next: Next, id: Option<RequestId>) -> Result<Response, Failure> {
    let name = name(request.headers())?;
    let (Some(bearer), Some(context)) =
        (request.extensions().get::<Bearer>().cloned(), request.extensions().get::<Context>().cloned())
    else {
        return Ok(next.run(request).await);
    };
    let principal = bearer.principal();
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let asked = parts.uri.path_and_query().map(|asked| asked.as_str()).unwrap_or_default();
    let fingerprint = fingerprint(&[asked.as_bytes(), content_type, &bytes]);
    match api.fleet().begin_submission(&principal, &name, fingerprint, context.now).await? {
        Began::New => {}
        Began::Again(answer) => return replay(&answer),
        Began::UnderWay => {
            let detail =
                "the request with this key is under way, or was broken off: look whether it was done";
            return Err(Failure::new(ProblemKind::IdempotencyUnderWay, detail));
        }
        Began::Other => {
            let detail = "this key was used for another request; take a new one";
            return Err(Failure::new(ProblemKind::IdempotencyKeyReused, detail));
        }
    }
    let response = rendered(next.run(Request::from_parts(parts, Body::from(bytes))).await, id);
    if response.status().is_server_error() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let kept = parts.extensions.get::<Kept>().map_or_else(|| body.clone(), |kept| kept.0.clone());
    api.fleet().end_submission(&principal, &name, keep(parts.status, &parts.headers, kept)).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// The name of a request: visible ASCII, which the header's draft asks for as a quoted or bare text.
fn name(headers: &HeaderMap) -> Result<String, Failure> {
    let wrong = || {
        let detail = format!("one key of 1 to {MAX_KEY_BYTES} visible ASCII characters, such as a UUID");
        Failure::of_field(ProblemKind::BadRequest, KEY.as_str(), detail)
    };
    let mut values = headers.get_all(KEY).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(wrong()) };
    let name = value.to_str().map_err(|_| wrong())?.trim().trim_matches('"').to_owned();
    let fits = (1..=MAX_KEY_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(name) } else { Err(wrong()) }
}

fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn keep(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Vec<u8> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer = Answer {
        status: status.as_u16(),
        location: text(header::LOCATION),
        content_type: text(header::CONTENT_TYPE),
        body: String::from_utf8(body.into()).ok(),
    };
    let kept = serde_json::to_vec(&answer).unwrap_or_default();
    if kept.len() <= Submission::MAX_BYTES {
        return kept;
    }
    answer.body = None;
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn replay(answer: &[u8]) -> Result<Response, Failure> {
    let unreadable = |_| Failure::new(ProblemKind::Internal, "the kept answer can't be read");
    let answer: Answer = serde_json::from_slice(answer).map_err(unreadable)?;
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::new();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    for (name, text) in [(header::LOCATION, answer.location), (header::CONTENT_TYPE, answer.content_type)] {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    }
    let response = (headers, answer.body.unwrap_or_default()).into_response();
    let (mut parts, body) = response.into_parts();
    parts.status = status;
    // What was a problem then is one already.
    Ok(as_rendered(Response::from_parts(parts, body)))
}
