//! What the console is told by whoever starts it.

use std::sync::Arc;

use fleet::Timestamp;
use futures::future::{BoxFuture, Shared};

/// How the console runs. A clone shares its closures.
#[derive(Clone)]
pub struct Settings {
    /// Whether cookies are sent over TLS only. True wherever the browser sees `https`.
    pub cookie_secure: bool,
    /// A line shown on top of every page, such as the warning of the lab profile.
    pub profile_banner: Option<String>,
    /// Where devices register, such as `coap://192.0.2.1:5683`; shown to whoever connects a first device.
    pub coap_uri: String,
    /// The server's version, shown at the foot of every page.
    pub version: String,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fills a slice with bytes that nobody can guess.
    pub entropy: Entropy,
    /// What `GET /metrics` answers, in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the server can do its work, or one line that says why not: `GET /readyz`.
    pub ready: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
    /// Resolves when the server stops: live streams end then, so that a graceful stop does not wait for them.
    pub stop: Shared<BoxFuture<'static, ()>>,
}

/// Fills a slice with bytes that nobody can guess.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;
