//! What the console is told by whoever starts it.

use std::{io, sync::Arc};

use axum::body::Bytes;
use fleet::Timestamp;
use futures::{
    future::{BoxFuture, Shared},
    stream::BoxStream,
};

/// How the console runs. A clone shares its closures.
#[derive(Clone)]
pub struct Settings {
    /// Whether cookies are sent over TLS only. True wherever the browser sees `https`.
    pub cookie_secure: bool,
    /// A line shown on top of every page, such as the warning of the lab profile.
    pub profile_banner: Option<String>,
    /// Where devices reach this server; shown to whoever connects one.
    pub places: Places,
    /// The server's version, shown at the foot of every page.
    pub version: String,
    /// What else the page of the settings says of the server, in order: a name and a value.
    pub facts: Vec<(String, String)>,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fills a slice with bytes that nobody can guess.
    pub entropy: Entropy,
    /// What `GET /metrics` answers, in the Prometheus text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Whether the server can do its work, or one line that says why not: `GET /readyz`.
    pub ready: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
    /// Takes a backup in the place of this server's data; none if that is not possible here.
    pub restore: Option<Restore>,
    /// Resolves when the server stops: live streams end then, so that a graceful stop does not wait for them.
    pub stop: Shared<BoxFuture<'static, ()>>,
}

/// Where devices reach this server, as URIs with the public host: `coaps://muster.example.com:5684`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Where devices register over DTLS.
    pub coaps: Option<String>,
    /// Where they bootstrap over DTLS.
    pub coaps_bootstrap: Option<String>,
    /// Where they register without security: the lab profile only.
    pub coap: Option<String>,
    /// Where they bootstrap without security: the lab profile only.
    pub coap_bootstrap: Option<String>,
    /// The number of this server in devices (`/1/x/0`).
    pub short_server_id: u16,
}

/// Fills a slice with bytes that nobody can guess.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Takes the bytes of a backup and its passphrase. When it returns the backup is whole and open, and the server is about to
/// start again on what it holds; or else nothing has changed, and a sentence says why.
pub type Restore = Arc<
    dyn Fn(BoxStream<'static, io::Result<Bytes>>, String) -> BoxFuture<'static, Result<(), String>>
        + Send
        + Sync,
>;
