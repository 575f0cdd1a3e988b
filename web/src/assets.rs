//! The stylesheet, the script and the icon: embedded, named with their hash, kept by the browser for good.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::Query,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::app::App;

pub(crate) static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("/static/muster.css", "text/css; charset=utf-8", include_bytes!("../static/muster.css"))
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("/static/muster.js", "text/javascript; charset=utf-8", include_bytes!("../static/muster.js"))
});
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("/static/muster.svg", "image/svg+xml", include_bytes!("../static/muster.svg"))
});

pub(crate) fn routes() -> Router<Arc<App>> {
    [&STYLESHEET, &SCRIPT, &ICON].into_iter().fold(Router::new(), |router, asset| {
        router.route(asset.path, get(async |query, headers| asset.serve(&query, &headers)))
    })
}

/// One embedded file.
pub(crate) struct Asset {
    path: &'static str,
    /// Its path and the hash of its content.
    pub(crate) url: String,
    hash: String,
    content_type: &'static str,
    bytes: &'static [u8],
}

#[derive(Deserialize)]
struct Asked {
    v: Option<String>,
}

impl Asset {
    fn new(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { path, url: format!("{path}?v={hash}"), hash, content_type, bytes }
    }

    fn serve(&self, query: &Query<Asked>, headers: &HeaderMap) -> Response {
        let etag = format!("\"{}\"", self.hash);
        // Under the hash of this very content it never changes; under any other name it is asked for again.
        let cache = match &query.v {
            Some(asked) if *asked == self.hash => "public, max-age=31536000, immutable",
            _ => "no-cache",
        };
        let known =
            headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
        let body = if known { StatusCode::NOT_MODIFIED.into_response() } else { self.bytes.into_response() };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.content_type)),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::ETAG, HeaderValue::from_str(&etag).expect("a hash in quotes is a header value")),
        ];
        (headers, body).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_stays_small() {
        assert!(SCRIPT.bytes.len() < 10 * 1024, "{} bytes", SCRIPT.bytes.len());
    }
}
