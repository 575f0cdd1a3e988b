//! `POST /setup/{token}/restore`: a backup in the place of a server that nobody has set up; and `GET`, which waits until it is
//! back.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use fleet::FleetError;

use super::SetupPage;
use crate::{
    app::App,
    error::WebError,
    form::Streamed,
    page::{Page, Shell},
};

#[derive(Template)]
#[template(path = "restoring.html")]
struct RestoringPage {
    shell: Shell,
}

/// How long a start takes, mostly: a page that comes again while nothing listens would not come once more.
const BACK_AFTER_S: u32 = 8;

/// Waits for the server on the backup, which knows no such link.
pub(crate) async fn page(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    if !app.fleet.setup_open(&token, app.now()) {
        return Redirect::to("/login").into_response();
    }
    let shell = Shell { refresh: Some(BACK_AFTER_S), ..Shell::outside(&app, "Restoring") };
    Page(RestoringPage { shell }).into_response()
}

pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    Streamed { fields, file }: Streamed,
) -> Result<Response, WebError> {
    let restore = app.settings.restore.clone().ok_or(FleetError::SetupLink)?;
    if !app.fleet.setup_open(&token, app.now()) {
        return Err(FleetError::SetupLink.into());
    }
    match restore(file, fields.text("passphrase").to_owned()).await {
        Ok(()) => Ok(Redirect::to(&format!("/setup/{token}/restore")).into_response()),
        Err(problem) => {
            let mut page = SetupPage::new(&app, fields.text("csrf").to_owned(), token, String::new());
            page.restore_problem = Some(problem);
            Ok(page.refused())
        }
    }
}
