//! The pages, one a module: [`routes`] is their table.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};

use crate::app::App;

mod badge;

mod device;

mod devices;

mod events;

mod field;

mod latest;
pub(crate) use latest::Latest;

mod login;
pub(crate) use login::login_url;

mod node;

mod operate;

mod operation;

mod operations;

mod overview;

mod setup;

mod target;
pub(crate) use target::Target;

mod timeline;

mod tree;

mod waiting;

/// The console's routes. What changes something is a POST, and its handler takes a form by [`crate::form`].
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(overview::page))
        .route("/overview/events", get(events::overview))
        .route("/setup/{token}", get(setup::page).post(setup::submit))
        .route("/login", get(login::page).post(login::submit))
        .route("/logout", post(login::log_out))
        .route("/devices", get(devices::page))
        .route("/devices/{device}", get(device::page))
        .route("/devices/{device}/events", get(events::device))
        .route("/devices/{device}/timeline", get(timeline::page))
        .route("/devices/{device}/nodes/{*path}", get(node::page).post(operate::submit))
        .route("/devices/{device}/operations", get(operations::page))
        .route("/devices/{device}/operations/{operation}", get(operation::page))
        .route("/devices/{device}/operations/{operation}/cancel", post(operation::cancel))
        .route("/devices/{device}/waiting/{once}/{asked}/{*path}", get(waiting::page))
        .fallback(async || StatusCode::NOT_FOUND)
}
