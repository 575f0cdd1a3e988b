//! Failures: every answer of 400 and above is a [`Problem`] (RFC 9457).
//!
//! Handlers fail with a [`Failure`]; what the domain refuses is mapped in one `match`. What fails outside of a handler (a
//! method that is not there, a panic) has a status alone: [`problems`] finds the words for it.

use axum::{
    Extension,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fleet::{BlobError, FleetError, RequestId, StoreError};

use super::types::{FieldProblem, Problem, ProblemKind};
use crate::error::retry_after;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ProblemKind,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Marks an answer that is a problem already.
#[derive(Clone, Copy)]
struct Rendered;

impl Failure {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// A field that can be read and does not do.
    pub(crate) fn field(field: &str, detail: impl Into<String>) -> Self {
        Self::of_field(ProblemKind::Invalid, field, detail)
    }

    /// A failure about one field.
    pub(crate) fn of_field(kind: ProblemKind, field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = FieldProblem { field: field.to_owned(), detail: detail.clone() };
        Self { detail: format!("{field}: {detail}"), errors: vec![error], ..Self::new(kind, "") }
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        FleetError::NotFound(what).into()
    }

    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What the domain says.
    pub(crate) fn of(error: &FleetError) -> Self {
        use ProblemKind as Kind;
        let field = |field: &str| Self::field(field, error.to_string());
        let kind = match error {
            FleetError::Invalid { field, reason } => return Self::field(&field_name(field), reason.clone()),
            FleetError::Psk(psk) => match psk {
                fleet::PskError::IdentityLength { .. } => return field("identity"),
                _ => return field("key"),
            },
            FleetError::Plan(_) => Kind::Invalid,
            FleetError::Password(_) => return field("password"),
            FleetError::UserName(_) => return field("name"),
            FleetError::Store(StoreError::BadCursor) => {
                return Self::of_field(Kind::BadRequest, "after", error.to_string());
            }
            FleetError::Misfit(_) => return field("artefact"),
            FleetError::TooLarge { .. } => Kind::TooLarge,
            FleetError::Blob(BlobError::Gone) => Kind::NotFound,
            FleetError::Blob(BlobError::Full) => return Self::new(Kind::Unavailable, error.to_string()),
            FleetError::Blob(BlobError::Unavailable) => Kind::Unavailable,
            FleetError::BadCredentials | FleetError::Forbidden => Kind::Forbidden,
            FleetError::BadOperation(_) => Kind::OperationRefused,
            FleetError::AlreadyThere(_)
            | FleetError::AlreadyUpdating
            | FleetError::FleetFull
            | FleetError::TooMany { .. }
            | FleetError::Store(StoreError::Conflict) => Kind::AlreadyThere,
            FleetError::NotRegistered => Kind::NotRegistered,
            FleetError::LastAdministrator => Kind::LastAdministrator,
            FleetError::NotFound(_) | FleetError::SetupLink => Kind::NotFound,
            FleetError::QueueFull => Kind::QueueFull,
            FleetError::TooManyAttempts { .. } => Kind::TooManyRequests,
            FleetError::TooManyLogins => Kind::Unavailable,
            FleetError::TooLate => Kind::TooLate,
            FleetError::Store(StoreError::Unavailable) => Kind::Unavailable,
            FleetError::Issue(_)
            | FleetError::SessionTooLarge
            | FleetError::Store(StoreError::Corrupt { .. }) => Kind::Internal,
        };
        if let Some((name, value)) = retry_after(error) {
            return Self::new(kind, error.to_string()).with(name, value);
        }
        if matches!(kind, Kind::Internal | Kind::Unavailable) {
            // What the caller may know is the kind; what went wrong is for the log.
            tracing::error!(error = error as &dyn std::error::Error, "a request of the API failed");
            return Self::plain(kind);
        }
        Self::new(kind, error.to_string())
    }

    /// A failure of which nothing is said beyond its kind.
    fn plain(kind: ProblemKind) -> Self {
        Self::new(
            kind,
            match kind {
                ProblemKind::BadRequest => "the address or a header can't be read",
                ProblemKind::Forbidden => "this token may not do that",
                ProblemKind::Internal => {
                    "the fault is the server's; its log says more under this request's id"
                }
                ProblemKind::MethodNotAllowed => {
                    "see the header Allow for the methods that this address knows"
                }
                ProblemKind::NotFound => "there is no such address in this API",
                ProblemKind::TooLarge => "the body is larger than this address takes",
                ProblemKind::UnsupportedMediaType => "the body is in a form that this address does not take",
                _ => "try again in a moment",
            },
        )
    }

    /// As a problem of the request of this id.
    pub(crate) fn problem(&self, request: Option<RequestId>) -> Problem {
        Problem {
            kind: format!("{}{}", ProblemKind::URN, self.kind),
            title: self.kind.title().to_owned(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            instance: request.map(|id| id.0.urn().to_string()).unwrap_or_default(),
            errors: self.errors.clone(),
        }
    }

    /// As an answer to the request of this id.
    pub(crate) fn render(&self, request: Option<RequestId>) -> Response {
        let problem = self.problem(request);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
        headers.extend(self.headers.iter().cloned());
        (status, headers, Extension(Rendered), body).into_response()
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        Self::of(&error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Extension(self)).into_response()
    }
}

/// Turns every answer of 400 and above into a problem, unless it is one already.
pub(super) async fn problems(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().copied();
    let head = request.method() == Method::HEAD;
    let response = rendered(next.run(request).await, id);
    if head { response.map(|_| axum::body::Body::empty()) } else { response }
}

/// The same for one answer.
pub(super) fn rendered(response: Response, request: Option<RequestId>) -> Response {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || response.extensions().get::<Rendered>().is_some() {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned();
    let mut problem = failure.unwrap_or_else(|| Failure::plain(kind_of(status))).render(request);
    // Such as Allow, which a 405 is to have.
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_LENGTH | header::CONTENT_TYPE) {
            problem.headers_mut().insert(name.clone(), value.clone());
        }
    }
    problem
}

/// An answer that is as it is to be, whatever its status.
pub(super) fn as_rendered(mut response: Response) -> Response {
    response.extensions_mut().insert(Rendered);
    response
}

/// For an answer that is a status and nothing more.
fn kind_of(status: StatusCode) -> ProblemKind {
    match status {
        StatusCode::UNAUTHORIZED => ProblemKind::Unauthenticated,
        StatusCode::FORBIDDEN => ProblemKind::Forbidden,
        StatusCode::NOT_FOUND => ProblemKind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ProblemKind::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => ProblemKind::NotAcceptable,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => ProblemKind::Invalid,
        StatusCode::TOO_MANY_REQUESTS => ProblemKind::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE => ProblemKind::Unavailable,
        status if status.is_server_error() => ProblemKind::Internal,
        _ => ProblemKind::BadRequest,
    }
}

/// What the domain calls a field, as the API calls it.
fn field_name(field: &str) -> String {
    match field {
        "expires in" => "expires_in_seconds".to_owned(),
        field => field.replace(' ', "_"),
    }
}
