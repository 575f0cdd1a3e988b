//! What is to be taken along from `/security`: certificates and the server's raw public key, as PEM.

use std::sync::Arc;

use axum::{
    extract::{Path as Address, State},
    http::{HeaderName, header},
    response::IntoResponse,
};

use crate::{app::App, console::security::find, error::WebError, pem, session::SignedIn};

pub(crate) async fn server(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    let keys = app.fleet.server_keys(&login.context).await?;
    let der = keys.certificate.ok_or(WebError::NotFound("certificate of the server"))?;
    Ok((headers("attachment; filename=\"muster-server.pem\""), pem::certificate(&der)))
}

pub(crate) async fn server_key(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    let keys = app.fleet.server_keys(&login.context).await?;
    let der = keys.public_key.ok_or(WebError::NotFound("public key of the server"))?;
    Ok((headers("attachment; filename=\"muster-server-key.pem\""), pem::public_key(&der)))
}

pub(crate) async fn authority(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(authority): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    let authority = find(&app, &login, &authority).await?;
    Ok((headers("attachment; filename=\"authority.pem\""), pem::certificate(&authority.certificate)))
}

fn headers(disposition: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, "application/x-pem-file"), (header::CONTENT_DISPOSITION, disposition)]
}
