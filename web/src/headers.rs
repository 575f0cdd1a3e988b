//! What guards every request and answer: its id, its span, its headers, its limits.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};
use tracing::Instrument;

use crate::{app::App, error};

/// The content security policy: nothing but our own stylesheet, script, icon, forms and streams.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The longest request body: an import of 100 000 rows with room to spare. Other forms are bounded more narrowly.
pub(crate) const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// How long a request may take until its answer begins.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts the guards of the console around its routes, the outermost last.
pub(crate) fn guard(router: Router, app: Arc<App>) -> Router {
    router
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(app, error::pages))
}

/// Puts the guards around routes that take as many bytes as there is room for, and as long as that takes: they see to both.
pub(crate) fn guard_uploads(router: Router, app: Arc<App>) -> Router {
    router
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(app, error::pages))
}

/// Puts around all routes what holds for pages and for the API.
pub(crate) fn frame(router: Router, app: Arc<App>) -> Router {
    router.layer(middleware::from_fn(secure)).layer(middleware::from_fn_with_state(app, trace))
}

/// Names the request, in its span and in its answer. What a client calls it is not taken over.
async fn trace(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = app.request_id();
    request.extensions_mut().insert(id);
    // The path alone: a query may hold what somebody searched for, and a set-up path holds its token.
    let path = match request.uri().path() {
        path if path.starts_with("/setup/") => "/setup/…",
        path => path,
    };
    let span =
        tracing::info_span!("http", request.id = %id, http.method = %request.method(), http.path = path);
    async move {
        let mut response = next.run(request).await;
        tracing::debug!(http.status = response.status().as_u16(), "answered");
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}

async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
