//! `GET /devices/{device}/objects`: the objects that a device registered, with their latest values.

use std::sync::Arc;

use ::objects::Version;
use askama::Template;
use axum::{
    extract::{Path as Address, State},
    response::IntoResponse,
};

use crate::{
    app::App,
    console::{device::Reachability, target::Target, tree::Tree},
    error::WebError,
    page::{Area, Page, Shell},
    session::SignedIn,
    ui::Tab,
};

#[derive(Template)]
#[template(path = "device/objects.html")]
struct ObjectsPage {
    shell: Shell,
    url: String,
    endpoint: String,
    state: Reachability,
    tabs: Vec<Tab>,
    registered: bool,
    /// Whether it may be asked for several nodes at once.
    composites: bool,
    tree: Tree,
}

pub(crate) async fn page(
    State(app): State<Arc<App>>,
    login: SignedIn,
    Address(device): Address<String>,
) -> Result<impl IntoResponse, WebError> {
    let target = Target::load(&app, &login, &device).await?;
    let events = format!("{}/events", target.url());
    let title = format!("Objects of {}", target.endpoint());
    let shell = Shell::new(&app, &login, Area::Devices, title).live(events);
    Ok(Page(ObjectsPage {
        registered: target.operable(),
        composites: target.operable() && target.lwm2m() >= Version::V1_1,
        shell,
        url: target.url(),
        endpoint: target.endpoint(),
        state: Reachability::new(&target),
        tabs: target.tabs(&login, "/objects"),
        tree: Tree::new(&target),
    }))
}
