//! `/settings`: what the server says of itself; accounts, tokens and webhooks are below.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::IntoResponse};
use fleet::Permission;

use crate::{
    app::App,
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    ui::Tab,
};

pub(crate) mod accounts;

pub(crate) mod tokens;

pub(crate) mod webhooks;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    places: Vec<(&'static str, String)>,
    facts: Vec<(String, String)>,
}

/// The tabs of the settings.
fn tabs(login: &SignedIn, here: &str) -> Vec<Tab> {
    let mut pages = vec![("", "Server"), ("/tokens", "Tokens")];
    if login.may(Permission::Administer) {
        pages.extend([("/accounts", "Accounts"), ("/webhooks", "Webhooks")]);
    }
    Tab::row("/settings", &pages, here)
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
) -> Result<impl IntoResponse, WebError> {
    let places = &app.settings.places;
    let served = |place: &Option<String>| place.clone().unwrap_or_else(|| "not served".to_owned());
    Ok(Page(SettingsPage {
        shell: Shell::new(&app, &login, Area::Settings, "Settings"),
        tabs: tabs(&login, ""),
        places: vec![
            ("Management, over DTLS", served(&places.coaps)),
            ("Bootstrap, over DTLS", served(&places.coaps_bootstrap)),
            ("Management, without security", served(&places.coap)),
            ("Bootstrap, without security", served(&places.coap_bootstrap)),
        ],
        facts: app.settings.facts.clone(),
    }))
}
