//! `GET /devices/{device}/connect`: the lines that connect a client as this device. Without keys: they were shown once.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::IntoResponse,
};

use crate::{
    app::App,
    console::{
        connect_lines::{Account, Recipe, recipes},
        target::Target,
    },
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
};

#[derive(Template)]
#[template(path = "device/connect.html")]
struct ConnectPage {
    shell: Shell,
    url: String,
    endpoint: String,
    secured: bool,
    recipes: Vec<Recipe>,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let credentials = app.fleet.credentials(&login.context, target.id).await?;
    let accounts: Vec<Account> =
        credentials.iter().filter(|credential| credential.state.opens()).map(Account::known).collect();
    let name = target.detail.view.device.endpoint.as_str();
    Ok(Page(ConnectPage {
        shell: Shell::new(&app, &login, Area::Devices, format!("Connect {}", target.endpoint())),
        url: target.url(),
        endpoint: target.endpoint(),
        secured: !accounts.is_empty(),
        recipes: recipes(&app.settings.places, name, &accounts),
    }))
}
