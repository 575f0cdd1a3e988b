//! `GET /devices/{device}/waiting/…`: a page that waits for a device which takes its time to answer.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    app::App,
    console::target::{AboutLink, Target, about_path},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    submission::SubmissionKey,
};

/// How long the page looks before it says that nothing has come yet.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Template)]
#[template(path = "waiting.html")]
struct WaitingPage {
    shell: Shell,
    url: String,
    endpoint: String,
    node: AboutLink,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address((device, once, asked, path)): Address<(String, String, String, String)>,
) -> Result<Response, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let about = about_path(&path)?;
    let key = SubmissionKey::new(&login, once, &target, &asked, &about);
    // After a restart, or long after: the operations of the device tell the rest.
    let Some(submission) = app.submissions.find(&key) else {
        return Ok(Redirect::to(&format!("{}/operations", target.url())).into_response());
    };
    match tokio::time::timeout(LOOK, submission).await {
        Ok(Ok(concluded)) => {
            Ok(Redirect::to(&format!("{}/operations/{}", target.url(), concluded.id)).into_response())
        }
        Ok(Err(error)) => Err(WebError::Submission(error)),
        Err(_) => {
            let shell = Shell::new(&app, &login, Area::Devices, "Waiting for the device");
            let page = WaitingPage {
                shell: Shell { refresh: Some(2), ..shell },
                url: target.url(),
                endpoint: target.endpoint(),
                node: target.about(about),
            };
            Ok(Page(page).into_response())
        }
    }
}
