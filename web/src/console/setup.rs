//! `GET` and `POST /setup/{token}`: the one-time link of the first start makes the administrator.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use fleet::{FleetError, PasswordHash, RequestId};
use tower_sessions::Session;

use crate::{
    app::App,
    console::login::{outside_form, sentence},
    error::{Finished, WebError},
    form::Outside,
    page::{Page, Shell},
    session::SignedIn,
};

pub(super) mod restore;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    shell: Shell,
    token: String,
    name: String,
    name_problem: Option<String>,
    password_problem: Option<String>,
    min_characters: usize,
    /// Whether a backup can be restored here.
    restores: bool,
    restore_problem: Option<String>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    if !app.fleet.setup_open(&token, app.now()) {
        return Err(FleetError::SetupLink.into());
    }
    let (csrf, cookie) = outside_form(&app, &headers);
    Ok((cookie, Page(SetupPage::new(&app, csrf, token, String::new()))).into_response())
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    session: Session,
    Extension(request): Extension<RequestId>,
    Outside { fields }: Outside,
) -> Result<Response, WebError> {
    // Hashing costs 19 MiB: not for whoever has no link.
    if !app.fleet.setup_open(&token, app.now()) {
        return Err(FleetError::SetupLink.into());
    }
    let name = fields.text("name").trim().to_owned();
    let password = fields.text("password").to_owned();
    let mut page = SetupPage::new(&app, fields.text("csrf").to_owned(), token.clone(), name.clone());
    if password != fields.text("again") {
        page.password_problem = Some("The two passwords are not the same.".to_owned());
        return Ok(page.refused());
    }
    let (salt, account) = (app.random(), name.clone());
    let hash = app.hashing.run(move || PasswordHash::make(&account, &password, salt)).await?;
    let now = app.now();
    let made = match hash {
        Ok(hash) => app.fleet.complete_setup(&token, &name, hash, now, request).await,
        Err(error) => Err(error.into()),
    };
    match made {
        Ok(user) => {
            SignedIn::begin(&app, &session, &user, now).await?;
            Ok(Redirect::to("/").into_response())
        }
        Err(error @ FleetError::Password(_)) => {
            page.password_problem = Some(sentence(&error));
            Ok(page.refused())
        }
        Err(error @ FleetError::UserName(_)) => {
            page.name_problem = Some(sentence(&error));
            Ok(page.refused())
        }
        Err(error) => Err(error.into()),
    }
}

impl SetupPage {
    fn new(app: &App, csrf: String, token: String, name: String) -> Self {
        Self {
            shell: Shell { csrf, ..Shell::outside(app, "Set up Muster") },
            token,
            name,
            name_problem: None,
            password_problem: None,
            min_characters: PasswordHash::MIN_CHARACTERS,
            restores: app.settings.restore.is_some(),
            restore_problem: None,
        }
    }

    fn refused(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Extension(Finished), Page(self)).into_response()
    }
}
