//! The first version of the REST API, `/api/v1`: every verb that the console has, for programs.
//!
//! [`types`] are the bodies that go over the wire; each other module is the routes of one theme, and [`routes`] their
//! table. What holds for all of them lies around them: `access` says who asks, `bounds` what a request may cost, `once`
//! does what is asked once, `failure` turns every error into a problem (RFC 9457), `document` describes it all.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    routing::any,
};
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub mod types;

mod access;
mod bounds;
mod document;
mod extract;
mod failure;
mod given;
mod once;
mod reply;

mod state;
use state::Api;

mod underway;

mod artefacts;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod audit;
mod authorities;
mod bootstraps;
mod claims;
mod classes;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod configuration;
mod credentials;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod devices;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod diary;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod events;
mod groups;
mod labels;
mod models;
mod operations;
mod overview;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod queue;
mod tokens;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod updates;
mod users;
#[expect(unused_qualifications, reason = "utoipa's macros write the names of parameters out")]
mod values;
mod webhooks;
mod wishes;

/// Where the API lies.
pub const BASE: &str = "/api/v1";

/// The OpenAPI document of the API, as `GET /api/v1/openapi.json` gives it.
pub fn openapi() -> serde_json::Value {
    let (_, document) = OpenApiRouter::new().nest(BASE, routes()).split_for_parts();
    document::complete(document)
}

/// The table of the routes.
fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(overview::openapi))
        .routes(routes!(events::stream))
        .routes(routes!(audit::list))
        .routes(routes!(devices::list, devices::add))
        .routes(routes!(devices::import))
        .routes(routes!(devices::remove_many))
        .routes(routes!(devices::get, devices::remove))
        .routes(routes!(devices::classify))
        .routes(routes!(labels::label_many))
        .routes(routes!(labels::labels, labels::set_labels))
        .routes(routes!(values::latest))
        .routes(routes!(values::history))
        .routes(routes!(values::observations))
        .routes(routes!(values::timeline))
        .routes(routes!(operations::list, operations::ask))
        .routes(routes!(operations::get))
        .routes(routes!(operations::cancel))
        .routes(routes!(queue::waiting))
        .routes(routes!(queue::cancel_all))
        .routes(routes!(queue::awake_time, queue::set_awake_time))
        .routes(routes!(queue::class_awake_time, queue::set_class_awake_time))
        .routes(routes!(updates::list, updates::begin))
        .routes(routes!(updates::counts))
        .routes(routes!(updates::get))
        .routes(routes!(updates::cancel))
        .routes(routes!(updates::let_off))
        .routes(routes!(updates::of_device))
        .routes(routes!(configuration::list))
        .routes(routes!(configuration::get, configuration::set))
        .routes(routes!(configuration::versions))
        .routes(routes!(configuration::roll_back))
        .routes(routes!(configuration::dry_run))
        .routes(routes!(configuration::standing))
        .routes(routes!(configuration::counts))
        .routes(routes!(configuration::of_device))
        .routes(routes!(configuration::repair))
        .routes(routes!(configuration::resume))
        .routes(routes!(configuration::accept))
        .routes(routes!(credentials::list, credentials::add))
        .routes(routes!(credentials::rotate))
        .routes(routes!(credentials::revoke))
        .routes(routes!(credentials::revoke_all))
        .routes(routes!(bootstraps::list, bootstraps::trigger))
        .routes(routes!(bootstraps::get))
        .routes(routes!(bootstraps::device_plan, bootstraps::set_device_plan, bootstraps::clear_device_plan))
        .routes(routes!(classes::list, classes::add))
        .routes(routes!(classes::plan, classes::set_plan, classes::clear_plan))
        .routes(routes!(classes::policy, classes::set_policy))
        .routes(routes!(classes::retention, classes::set_retention))
        .routes(routes!(labels::class_rule, labels::set_class_rule))
        .routes(routes!(labels::contested))
        .routes(routes!(wishes::class_wishes, wishes::set_class_wishes))
        .routes(routes!(wishes::device_wishes))
        .routes(routes!(groups::list, groups::add))
        .routes(routes!(groups::preview))
        .routes(routes!(groups::get, groups::change, groups::remove))
        .routes(routes!(artefacts::updates, artefacts::set_updates))
        .routes(routes!(artefacts::update_keys, artefacts::add_update_key))
        .routes(routes!(artefacts::revoke_update_key))
        .routes(routes!(artefacts::list, artefacts::upload))
        .routes(routes!(artefacts::get, artefacts::remove))
        .routes(routes!(artefacts::devices))
        .routes(routes!(artefacts::content))
        .routes(routes!(artefacts::withdraw))
        .routes(routes!(authorities::list, authorities::add))
        .routes(routes!(authorities::remove))
        .routes(routes!(authorities::set_revocation_list))
        .routes(routes!(authorities::server_keys))
        .routes(routes!(claims::list, claims::open))
        .routes(routes!(claims::close))
        .routes(routes!(diary::list))
        .routes(routes!(diary::get, diary::clear))
        .routes(routes!(diary::approve))
        .routes(routes!(models::list, models::upload))
        .routes(routes!(models::reload))
        .routes(routes!(models::remove))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::change_role))
        .routes(routes!(users::disable))
        .routes(routes!(users::set_password))
        .routes(routes!(tokens::list, tokens::add))
        .routes(routes!(tokens::revoke))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::pause))
        .routes(routes!(webhooks::remove))
}

/// All routes of the API, with what lies around them, the outermost last.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let (router, document) = OpenApiRouter::new().nest(BASE, routes()).split_for_parts();
    let document = document::complete(document);
    let api = Arc::new(Api {
        app: Arc::clone(app),
        parameters: document::parameters(&document),
        document: document.to_string(),
        failures: access::Failures::default(),
        streams: events::Streams::default(),
        underway: underway::Underway::default(),
        large: Arc::new(Semaphore::new(Api::MAX_IMPORTS)),
    });
    let nothing = any(async || StatusCode::NOT_FOUND);
    let unknown = [BASE.to_owned(), format!("{BASE}/"), format!("{BASE}/{{*rest}}")];
    let router = unknown.iter().fold(router, |router, path| router.route(path, nothing.clone()));
    router
        .layer(from_fn_with_state(Arc::clone(&api), once::once))
        .layer(from_fn_with_state(Arc::clone(&api), bounds::within_limits))
        .layer(from_fn_with_state(Arc::clone(&api), access::authenticate))
        .layer(from_fn(bounds::in_time))
        .layer(from_fn(failure::problems))
        // Bodies are read within limits of our own.
        .layer(DefaultBodyLimit::disable())
        .with_state(api)
}
