//! The console, pages for people that are rendered on the server and work without JavaScript; and the REST [`api`].
//!
//! Start with [`router`], which is the table of routes, and with [`Settings`]. Each page is one module of `console`: a
//! template struct, and the handler that fills it from the verbs of [`Fleet`]. What holds for all of them lives beside
//! it: `session` says who is there, `form` reads what they sent and refuses what is not from them, `error` turns every
//! failure into a page, `headers` guards the browser, `sse` keeps pages up to date.
//!
//! No SQL, no datagram and no clock: the store and the devices are behind [`Fleet`], time and randomness in [`Settings`].

use std::sync::Arc;

use axum::Router;
use fleet::Fleet;

pub mod api;

mod app;
mod artefact_form;
use app::App;

mod assets;
mod client;
mod console;
mod download;
mod error;
mod export;
mod form;
mod hashing;
mod headers;
mod health;
mod kept;
mod named;
mod page;
mod pem;
mod session;

mod settings;
pub use settings::{Entropy, Places, Restore, Settings};

mod show;
mod sse;
mod submission;
mod ui;

/// All routes of the console and of the API. To be called within a Tokio runtime: one task follows the feed for the overview.
///
/// It speaks plain HTTP and trusts no forwarded header, so it belongs on loopback or behind a proxy that ends TLS.
pub fn router(fleet: Arc<Fleet>, settings: Settings) -> Router {
    let app = App::new(fleet, settings);
    let console = console::routes().layer(session::layer(&app));
    let router = console.merge(assets::routes()).merge(health::routes()).with_state(Arc::clone(&app));
    let pages = headers::guard(router, Arc::clone(&app));
    let uploads = console::uploads().layer(session::layer(&app)).with_state(Arc::clone(&app));
    let pages = pages.merge(headers::guard_uploads(uploads, Arc::clone(&app)));
    let router = pages.merge(api::v1::router(&app));
    headers::frame(router, app)
}
