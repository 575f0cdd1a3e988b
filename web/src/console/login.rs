//! `GET` and `POST /login`, `POST /logout`.

use std::{fmt::Write as _, sync::Arc};

use askama::Template;
use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use fleet::{FleetError, RequestId};
use serde::Deserialize;
use tower_sessions::Session;

use crate::{
    app::App,
    client::Client,
    error::{Finished, WebError, retry_after, status_of},
    form::{OUTSIDE_COOKIE, Outside, Posted, outside_token},
    page::{Page, Shell},
    session::SignedIn,
};

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    next: String,
    name: String,
    problem: Option<String>,
    setup_needed: bool,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let (token, cookie) = outside_form(&app, &headers);
    let shell = Shell { csrf: token, ..Shell::outside(&app, "Log in") };
    let setup_needed = app.fleet.setup_needed().await?;
    let page = LoginPage {
        shell,
        next: local(&asked.next).to_owned(),
        name: String::new(),
        problem: None,
        setup_needed,
    };
    Ok((cookie, Page(page)).into_response())
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    session: Session,
    Client(from): Client,
    Extension(request): Extension<RequestId>,
    Outside { fields }: Outside,
) -> Result<Response, WebError> {
    let name = fields.text("name").trim().to_owned();
    let password = fields.text("password").to_owned();
    let now = app.now();
    let concluded = async {
        let attempt = app.fleet.begin_login(&name, from, now, request).await?;
        let attempt = app.hashing.run(move || attempt.verify(&password)).await?;
        app.fleet.finish_login(attempt, now, request).await
    };
    let next = local(fields.text("next"));
    match concluded.await {
        Ok(user) => {
            SignedIn::begin(&app, &session, &user, now).await?;
            Ok(Redirect::to(next).into_response())
        }
        Err(
            error @ (FleetError::BadCredentials
            | FleetError::TooManyAttempts { .. }
            | FleetError::TooManyLogins),
        ) => {
            let shell = Shell { csrf: fields.text("csrf").to_owned(), ..Shell::outside(&app, "Log in") };
            let problem = Some(sentence(&error));
            let page = LoginPage { shell, next: next.to_owned(), name, problem, setup_needed: false };
            if matches!(error, FleetError::TooManyAttempts { .. }) {
                metrics::counter!("muster_console_logins_throttled_total").increment(1);
            }
            let mut response = (status_of(&error), Extension(Finished), Page(page)).into_response();
            response.headers_mut().extend(retry_after(&error));
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn log_out(
    State(app): State<Arc<App>>,
    Posted { login, .. }: Posted,
) -> Result<Redirect, WebError> {
    login.end(&app.fleet).await?;
    Ok(Redirect::to("/login"))
}

/// The address of the login that leads on to `next`.
pub(crate) fn login_url(next: &str) -> String {
    match local(next) {
        "/" => "/login".to_owned(),
        next => format!("/login?next={}", encoded(next)),
    }
}

/// What a page without a login needs for its form: a token, and the cookie that holds the same one.
pub(super) fn outside_form(
    app: &App,
    headers: &HeaderMap,
) -> (String, AppendHeaders<Option<(header::HeaderName, HeaderValue)>>) {
    if let Some(token) = outside_token(headers) {
        return (token, AppendHeaders(None));
    }
    let token = app.token();
    let secure = if app.settings.cookie_secure { "; Secure" } else { "" };
    let cookie = format!("{OUTSIDE_COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::from_str(&cookie).expect("a token of hexadecimal digits fits into a header");
    (token, AppendHeaders(Some((header::SET_COOKIE, cookie))))
}

/// A path of ours, or the overview: a login leads nowhere else. Backslashes are slashes to browsers.
fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if ours { next } else { "/" }
}

/// Percent-encoded, for a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String does not fail"),
        }
        encoded
    })
}

/// An error as a sentence.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_ours_only() {
        assert_eq!(local("/devices?state=expired&after=x"), "/devices?state=expired&after=x");
        for foreign in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\nb"]
        {
            assert_eq!(local(foreign), "/", "{foreign:?}");
        }
        assert_eq!(login_url("/devices?a=b"), "/login?next=%2Fdevices%3Fa%3Db");
    }
}
