//! Failures as pages. Every answer of 400 and above is a page that says what happened and what to do.
//!
//! Handlers fail with a [`WebError`]; its status and words are in one `match`. What fails outside of a handler (an
//! extractor of axum, a body that is too large, a panic) has a status alone: [`pages`] finds the words for it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use fleet::{BlobError, FleetError, RequestId, StoreError};

use crate::{
    app::App,
    hashing::Hashing,
    page::{Page, Shell},
};

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// The form does not belong to this session: too old, or not from here.
    #[error("the form was not made for this session")]
    ForeignForm,
    /// The request came from another site.
    #[error("the request came from another site")]
    ForeignSite,
    /// A verb was not done.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// Nobody is logged in; they wanted to see `next`.
    #[error("nobody is logged in")]
    LoggedOut {
        /// Where to go after the login; none for what can't be asked again.
        next: Option<String>,
    },
    /// No such page.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// As many live streams are open as may be.
    #[error("too many live streams are open")]
    TooManyStreams,
    /// The form can't be read.
    #[error("the form can't be read: {0}")]
    Unreadable(FormError),
    /// A verb that ran in a task of its own was not done.
    #[error(transparent)]
    Submission(Arc<FleetError>),
    /// The session could not be loaded or saved.
    #[error("the session store failed")]
    Session(#[from] tower_sessions::session::Error),
    /// A fragment could not be rendered.
    #[error("a fragment could not be rendered")]
    Template(#[from] askama::Error),
}

/// Why a form can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// Neither of the two encodings of HTML forms.
    #[error("it is not an HTML form")]
    Encoding,
    /// It does not keep to its encoding.
    #[error("it is malformed")]
    Malformed,
    /// More than is read.
    #[error("it is too large")]
    TooLarge,
}

/// Marks an answer that is not to become a page.
#[derive(Clone, Copy)]
pub(crate) struct Finished;

/// The words of an error page.
#[derive(Clone)]
struct Problem {
    title: String,
    advice: String,
}

impl WebError {
    fn status(&self) -> StatusCode {
        match self {
            Self::ForeignForm | Self::ForeignSite => StatusCode::FORBIDDEN,
            Self::Fleet(error) => status_of(error),
            Self::Submission(error) => status_of(error),
            Self::LoggedOut { .. } => StatusCode::UNAUTHORIZED,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::TooManyStreams => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreadable(FormError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable(FormError::Encoding) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unreadable(FormError::Malformed) => StatusCode::BAD_REQUEST,
            Self::Session(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn problem(&self) -> Problem {
        let (title, advice) = match self {
            Self::ForeignForm => (
                "This form is too old".to_owned(),
                "It was made before the last login, or in another session, so nothing was done. Go back, reload the page, and send it again.",
            ),
            Self::ForeignSite => (
                "This request came from another site".to_owned(),
                "Nothing was done. Open the page in this console and send the form from there.",
            ),
            Self::Fleet(error) => (capitalised(&error.to_string()), advice_for(error)),
            Self::Submission(error) => (capitalised(&error.to_string()), advice_for(error)),
            Self::LoggedOut { .. } => (
                "Log in first".to_owned(),
                "Nothing was done: the session has ended. Log in, then send the form again.",
            ),
            Self::NotFound(what) => (
                format!("There is no such {what}"),
                "It may have been removed, or the address is mistyped. The list of devices is a good place to start over.",
            ),
            Self::TooManyStreams => (
                "Too many pages are open".to_owned(),
                "As many pages as may be are being kept up to date already. Close some, or reload this page by hand.",
            ),
            Self::Unreadable(error) => {
                (format!("The form can't be read: {error}"), "Nothing was done. Go back and send it again.")
            }
            Self::Session(_) => (
                "The session can't be read now".to_owned(),
                "The store is not available. Try again in a moment.",
            ),
            Self::Template(_) => return Problem::of(StatusCode::INTERNAL_SERVER_ERROR),
        };
        Problem { title, advice: advice.to_owned() }
    }
}

pub(crate) fn status_of(error: &FleetError) -> StatusCode {
    match error {
        FleetError::Forbidden => StatusCode::FORBIDDEN,
        FleetError::NotFound(_) | FleetError::SetupLink => StatusCode::NOT_FOUND,
        FleetError::Store(StoreError::BadCursor) => StatusCode::BAD_REQUEST,
        FleetError::Store(StoreError::Conflict)
        | FleetError::AlreadyUpdating
        | FleetError::TooLate
        | FleetError::NotRegistered => StatusCode::CONFLICT,
        FleetError::Store(StoreError::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
        FleetError::Store(StoreError::Corrupt { .. }) => StatusCode::INTERNAL_SERVER_ERROR,
        FleetError::QueueFull | FleetError::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
        FleetError::TooManyLogins | FleetError::Blob(BlobError::Unavailable) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        FleetError::Blob(BlobError::Full) => StatusCode::INSUFFICIENT_STORAGE,
        FleetError::Blob(BlobError::Gone) => StatusCode::NOT_FOUND,
        FleetError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// When to ask again, for what is refused for a while (RFC 9110 §10.2.3).
pub(crate) fn retry_after(error: &FleetError) -> Option<(HeaderName, HeaderValue)> {
    let wait = match error {
        FleetError::TooManyAttempts { wait } => *wait,
        FleetError::TooManyLogins => Hashing::PATIENCE,
        _ => return None,
    };
    let seconds = wait.as_millis().div_ceil(1_000);
    Some((header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX))))
}

fn advice_for(error: &FleetError) -> &'static str {
    match error {
        FleetError::NotFound(_) => {
            "It may have been removed, or the address is mistyped. The list of devices is a good place to start over."
        }
        FleetError::Forbidden => "Ask an administrator of this server for the permission.",
        FleetError::NotRegistered => {
            "Nothing was sent. Wait until the device has registered, then try again."
        }
        FleetError::QueueFull => {
            "Nothing was added. Cancel operations that wait, or wait until the device has woken up."
        }
        FleetError::SetupLink => {
            "It holds for 30 minutes and for one account. If the account exists already, log in; otherwise restart the server and open the link it prints."
        }
        FleetError::Store(StoreError::BadCursor) => "Start again from the first page of the list.",
        FleetError::Store(_) => {
            "Nothing was changed. Try again in a moment; if it stays so, look into the server's log."
        }
        FleetError::TooLate => "It can't be called back any more. Its page shows what came of it.",
        FleetError::TooManyAttempts { .. } => "Wait a minute, then try again.",
        FleetError::TooManyLogins => "Nothing was changed. Try again in a moment.",
        _ => "Nothing was done. Go back, mend it, and send it again.",
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        if let Self::LoggedOut { next: Some(next) } = &self {
            return Redirect::to(&crate::console::login_url(next)).into_response();
        }
        let status = self.status();
        let later = match &self {
            Self::Fleet(error) => retry_after(error),
            Self::Submission(error) => retry_after(error),
            _ => None,
        };
        if status.is_server_error() && later.is_none() {
            tracing::error!(error = &self as &dyn std::error::Error, "a request failed");
        }
        (status, AppendHeaders(later), Extension(self.problem())).into_response()
    }
}

impl Problem {
    /// For an answer that is a status and nothing more.
    fn of(status: StatusCode) -> Self {
        let (title, advice) = match status {
            StatusCode::BAD_REQUEST => {
                ("This address or form can't be read", "Go back and follow a link of the console instead.")
            }
            StatusCode::NOT_FOUND => (
                "There is no such page",
                "The address may be mistyped. The overview is a good place to start over.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("This page is not used that way", "Go back and use the forms of the console.")
            }
            StatusCode::REQUEST_TIMEOUT => {
                ("This took too long", "The server gave up on it. Try again in a moment.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("This is too large", "Nothing was done. A form may hold up to 2 MiB.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("This is not a form", "Send what the forms of the console send.")
            }
            StatusCode::INTERNAL_SERVER_ERROR => (
                "Something went wrong in the server",
                "It is our fault, not yours. The server's log holds more under the request id below.",
            ),
            StatusCode::SERVICE_UNAVAILABLE => ("The server can't do that now", "Try again in a moment."),
            _ => ("This request can't be answered", "Go back and try another way."),
        };
        Self { title: title.to_owned(), advice: advice.to_owned() }
    }
}

/// Turns every answer of 400 and above into a page, unless it is one already.
pub(crate) async fn pages(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().copied();
    let head = request.method() == Method::HEAD;
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response.extensions().get::<Finished>().is_some()
    {
        return response;
    }
    let problem = response.extensions().get::<Problem>().cloned().unwrap_or_else(|| Problem::of(status));
    let page = ErrorPage {
        shell: Shell::outside(&app, &problem.title),
        status: status.as_u16(),
        logged_out: status == StatusCode::UNAUTHORIZED,
        problem,
        request: id.map(|id| id.to_string()).unwrap_or_default(),
    };
    let (mut parts, _) = response.into_parts();
    let (page, body) = Page(page).into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(page.headers);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 §15.5.2: a 401 names a way to log in.
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Form realm=\"Muster\""));
    }
    if head { (parts, ()).into_response() } else { Response::from_parts(parts, body) }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    logged_out: bool,
    problem: Problem,
    request: String,
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
