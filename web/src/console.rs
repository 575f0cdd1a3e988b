//! The pages, one a module: [`routes`] is their table.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};

use tower_http::limit::RequestBodyLimitLayer;

use crate::app::App;

mod applies;

mod artefacts;

mod audit;

mod badge;

mod confirm;

mod connect_lines;

mod device;
pub(crate) use device::Done;

mod devices;
pub(crate) use devices::removal::Removal;

mod diary;

mod enrolment;
pub(crate) use enrolment::import::Import;

mod events;

mod expiry;

mod field;

mod given;

mod configuration;

mod groups;

mod latest;
pub(crate) use latest::Latest;

mod login;
use login::encoded;
pub(crate) use login::{login_url, sentence};

mod models;

mod node;

mod operate;

mod operation;

mod operations;

mod overview;

mod plan;

mod queue;

mod rights;

mod search;

mod security;

mod settings;

mod several;

mod setup;

mod shown;
pub(crate) use shown::Secret;

mod target;
pub(crate) use target::Target;
use target::public_id;

mod timeline;
use timeline::After;

mod tree;

mod updates;
pub(crate) use updates::several::Several;

mod waiting;

/// The console's routes. What changes something is a POST, and its handler takes a form by [`crate::form`].
pub(crate) fn routes() -> Router<Arc<App>> {
    let pages = Router::new()
        .route("/", get(overview::page))
        .route("/overview/events", get(events::overview))
        .route("/search", get(search::find))
        .route("/setup/{token}", get(setup::page).post(setup::submit))
        .route("/login", get(login::page).post(login::submit))
        .route("/logout", post(login::log_out))
        .route("/shown/{token}", get(shown::page))
        .merge(devices())
        .merge(groups())
        .merge(configuration())
        .merge(updates())
        .merge(enrolment())
        .route("/operations/waiting", get(queue::page))
        .route("/diary", get(diary::page))
        .route("/diary/{entry}", get(diary::entry))
        .route("/diary/{entry}/clear", post(diary::clear))
        .route("/diary/{entry}/approve", post(diary::approve))
        .route("/models", get(models::page).post(models::upload))
        .route("/models/reload", post(models::reload))
        .route("/models/{object}/{version}/remove", get(models::ask_remove).post(models::remove))
        .route("/artefacts", get(artefacts::page))
        .route("/artefacts/{artefact}", get(artefacts::artefact))
        .route("/artefacts/{artefact}/content", get(artefacts::content))
        .route("/artefacts/{artefact}/withdraw", post(artefacts::withdraw))
        .route("/artefacts/{artefact}/remove", post(artefacts::remove))
        .route("/audit", get(audit::page))
        .route("/audit/export", get(audit::export))
        .merge(security())
        .merge(settings())
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(RequestBodyLimitLayer::new(MAX_FORM_BYTES));
    // The forms that may be larger.
    pages.route("/enrolment/import", get(enrolment::import::page).post(enrolment::import::look)).route(
        "/security/authorities/{authority}/revocations",
        get(security::revocations::page)
            .post(security::revocations::save)
            .layer(RequestBodyLimitLayer::new(MAX_LIST_BYTES)),
    )
}

/// The routes whose bodies are longer than any form.
pub(crate) fn uploads() -> Router<Arc<App>> {
    Router::new()
        .route("/setup/{token}/restore", get(setup::restore::page).post(setup::restore::submit))
        .route("/artefacts/upload", get(artefacts::list).post(artefacts::upload))
}

fn devices() -> Router<Arc<App>> {
    Router::new()
        .route("/devices", get(devices::page))
        .route("/devices/export", get(devices::export::devices))
        .route("/devices/removal", post(devices::removal::choose))
        .route("/devices/removal/{token}", get(devices::removal::page).post(devices::removal::remove))
        .route("/devices/labels", post(device::labels::save_many))
        .route("/devices/{device}", get(device::page))
        .route("/devices/{device}/events", get(events::device))
        .route("/devices/{device}/objects", get(device::objects::page))
        .route("/devices/{device}/values", get(device::values::page))
        .route("/devices/{device}/timeline", get(timeline::page))
        .route("/devices/{device}/nodes/{*path}", get(node::page).post(operate::submit))
        .route("/devices/{device}/several", get(several::page).post(several::submit))
        .route("/devices/{device}/operations", get(operations::page))
        .route("/devices/{device}/operations/cancel", post(queue::cancel))
        .route("/devices/{device}/awake", post(device::awake::save))
        .route("/devices/{device}/operations/{operation}", get(operation::page))
        .route("/devices/{device}/operations/{operation}/cancel", post(operation::cancel))
        .route("/devices/{device}/waiting/{once}/{asked}/{*path}", get(waiting::page))
        .route(
            "/devices/{device}/configuration",
            get(device::configuration::page).post(device::configuration::submit),
        )
        .route("/devices/{device}/access", get(device::access::page).post(device::access::submit))
        .route("/devices/{device}/firmware", get(device::firmware::page).post(device::firmware::submit))
        .route("/devices/{device}/firmware/events", get(device::firmware::events))
        .route("/devices/{device}/connect", get(device::connect::page))
        .route("/devices/{device}/credentials", get(device::credentials::page).post(device::credentials::add))
        .route("/devices/{device}/credentials/{credential}/rotate", post(device::credentials::rotate))
        .route(
            "/devices/{device}/credentials/{credential}/revoke",
            get(device::credentials::ask_revoke).post(device::credentials::revoke),
        )
        .route("/devices/{device}/security", get(device::security::page).post(device::security::save_plan))
        .route("/devices/{device}/bootstraps/{bootstrap}", get(device::security::bootstrap))
        .route("/devices/{device}/danger", get(device::danger::page))
        .route("/devices/{device}/class", post(device::danger::classify))
        .route("/devices/{device}/labels", post(device::labels::save))
        .route("/devices/{device}/bootstrap", post(device::danger::bootstrap))
        .route("/devices/{device}/revoke", get(device::danger::ask_revoke).post(device::danger::revoke))
        .route("/devices/{device}/remove", get(device::danger::ask_remove).post(device::danger::remove))
}

fn groups() -> Router<Arc<App>> {
    Router::new()
        .route("/groups", get(groups::page).post(groups::rule::add))
        .route("/groups/rule", get(groups::rule::page))
        .route("/groups/{group}", get(groups::group).post(groups::rule::change))
        .route("/groups/{group}/remove", get(groups::ask_remove).post(groups::remove))
}

fn configuration() -> Router<Arc<App>> {
    use configuration::{baseline, baselines, comparison};
    Router::new()
        .route("/configuration", get(configuration::page))
        .route("/configuration/baselines", get(baselines::page))
        .route("/configuration/baselines/{level}", get(baseline::page).post(baseline::save))
        .route("/configuration/baselines/{level}/compare", get(comparison::page))
        .route("/configuration/baselines/{level}/server", post(baseline::save_server))
        .route("/configuration/baselines/{level}/access", post(baseline::save_access))
        .route("/configuration/baselines/{level}/roll-back/{version}", post(baseline::roll_back))
}

fn updates() -> Router<Arc<App>> {
    Router::new()
        .route("/updates", get(updates::page))
        .route("/updates/several", post(updates::several::choose))
        .route("/updates/several/{token}", get(updates::several::page).post(updates::several::submit))
        .route("/updates/{update}", get(updates::one::page))
        .route("/updates/{update}/events", get(updates::one::events))
        .route("/updates/{update}/cancel", post(updates::one::cancel))
        .route("/updates/{update}/let-off", post(updates::one::let_off))
}

fn enrolment() -> Router<Arc<App>> {
    Router::new()
        .route("/enrolment", get(enrolment::page).post(enrolment::submit))
        .route("/enrolment/import/{digest}", get(enrolment::import::looked).post(enrolment::import::take))
        .route("/enrolment/claims", get(enrolment::claims::page).post(enrolment::claims::submit))
        .route(
            "/enrolment/claims/{claim}/close",
            get(enrolment::claims::ask_close).post(enrolment::claims::close),
        )
        .route("/enrolment/classes", get(enrolment::classes::page).post(enrolment::classes::submit))
        .route("/enrolment/classes/{class}", get(enrolment::classes::class).post(enrolment::classes::save))
        .route("/enrolment/classes/{class}/policy", post(enrolment::policy::save))
        .route("/enrolment/classes/{class}/rule", post(enrolment::belongs::save))
        .route("/enrolment/classes/{class}/retention", post(enrolment::retention::save))
        .route("/enrolment/classes/{class}/wishes", post(enrolment::wishes::save))
        .route("/enrolment/classes/{class}/awake", post(enrolment::awake::save))
        .route(
            "/enrolment/classes/{class}/updates",
            get(enrolment::updates::page).post(enrolment::updates::save),
        )
        .route("/enrolment/classes/{class}/updates/keys", post(enrolment::updates::add_key))
        .route("/enrolment/classes/{class}/updates/keys/{key}/revoke", post(enrolment::updates::revoke_key))
}

fn security() -> Router<Arc<App>> {
    Router::new()
        .route("/security", get(security::page).post(security::submit))
        .route("/security/server.pem", get(security::download::server))
        .route("/security/server-key.pem", get(security::download::server_key))
        .route("/security/authorities/{authority}/certificate.pem", get(security::download::authority))
        .route(
            "/security/authorities/{authority}/remove",
            get(security::removal::ask).post(security::removal::remove),
        )
}

fn settings() -> Router<Arc<App>> {
    Router::new()
        .route("/settings", get(settings::page))
        .route("/settings/tokens", get(settings::tokens::page).post(settings::tokens::submit))
        .route("/settings/tokens/{token}/revoke", post(settings::tokens::revoke))
        .route("/settings/webhooks", get(settings::webhooks::page).post(settings::webhooks::submit))
        .route("/settings/webhooks/{webhook}/pause", post(settings::webhooks::pause))
        .route(
            "/settings/webhooks/{webhook}/remove",
            get(settings::webhooks::ask_remove).post(settings::webhooks::remove),
        )
        .route("/settings/accounts", get(settings::accounts::page).post(settings::accounts::submit))
        .route(
            "/settings/accounts/{account}",
            get(settings::accounts::account).post(settings::accounts::change),
        )
}

/// The longest form, files included; an import alone may be as long as [`crate::headers::MAX_BODY_BYTES`].
const MAX_FORM_BYTES: usize = 2 * 1024 * 1024;

/// The longest form with a revocation list: the longest that is taken, as PEM with its line ends.
const MAX_LIST_BYTES: usize = fleet::RevocationList::MAX_BYTES / 2 * 3;

/// An address with a query of those pairs that hold something.
fn query_url(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// A text of ours with a capital at its beginning.
fn sentence_of(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
