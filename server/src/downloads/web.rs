//! Downloads over HTTP and HTTPS: GET and HEAD of one address, whole or one range of it, and nothing else.
//!
//! [`WebDownloads`] binds and serves.

mod wanted;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, on},
};
use fleet::{
    Asker, Offers,
    update::{DownloadKey, NotGiven, Scheme},
};
use futures::stream;
use tokio::{net::TcpListener, task::JoinHandle};

use self::wanted::Wanted;
use super::{Depot, PREFIX, Refused};
use crate::{Assembly, Config, StartError, addresses::offer, http, listen, tls::Tls};

/// The listeners, bound.
pub(crate) struct WebDownloads {
    https: Vec<TcpListener>,
    http: Vec<TcpListener>,
}

/// What the routes share.
#[derive(Clone)]
struct Counter {
    depot: Arc<Depot>,
    scheme: Scheme,
    /// As the diary shows it.
    listener: Arc<str>,
}

/// A download that goes on.
struct Sending {
    counter: Counter,
    key: DownloadKey,
    from: SocketAddr,
    etag: [u8; 8],
    at: u64,
    end: u64,
}

/// How much is read at a time.
const STEP: usize = 64 << 10;

impl WebDownloads {
    /// Binds them as configured.
    pub(crate) fn bind(config: &Config) -> Result<Self, StartError> {
        let https = listen::each(&config.downloads.https.listen, http::bind)?;
        Ok(Self { https, http: listen::each(&config.downloads.http.listen, http::bind)? })
    }

    /// What devices are told of them.
    pub(crate) fn offers(&self, config: &Config) -> Offers {
        let (downloads, host) = (&config.downloads, &config.public_host);
        [
            (Scheme::Https, &self.https, &downloads.https.public_uri),
            (Scheme::Http, &self.http, &downloads.http.public_uri),
        ]
        .into_iter()
        .filter_map(|(scheme, bound, public)| offer(scheme, &addresses(bound), public.as_ref(), host))
        .collect()
    }

    /// Serves on them, until the server stops.
    pub(crate) fn serve(
        self,
        config: &Config,
        assembly: &Assembly,
    ) -> Result<Vec<JoinHandle<()>>, StartError> {
        let tls = Tls::of_downloads(config, assembly.own.as_ref())?.map(Arc::new);
        let sides = [(Scheme::Https, self.https, tls), (Scheme::Http, self.http, None)];
        let serving = sides.into_iter().filter(|(_, listeners, _)| !listeners.is_empty());
        Ok(serving
            .map(|(scheme, listeners, tls)| {
                let first = addresses(&listeners).into_iter().next();
                let name =
                    first.map_or_else(|| scheme.name().to_owned(), |at| format!("{}://{at}", scheme.name()));
                let router = router(Arc::clone(&assembly.depot), scheme, &name);
                tokio::spawn(http::serve_downloads(listeners, tls, router, assembly.stopped.clone()))
            })
            .collect())
    }
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

/// The only route there is.
fn router(depot: Arc<Depot>, scheme: Scheme, listener: &str) -> Router {
    let counter = Counter { depot, scheme, listener: listener.into() };
    Router::new()
        .route(&format!("/{PREFIX}/{{key}}"), on(MethodFilter::GET.or(MethodFilter::HEAD), give))
        .fallback(async || bare(StatusCode::NOT_FOUND))
        .with_state(counter)
}

async fn give(
    State(counter): State<Counter>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Path(key): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Some(key) = DownloadKey::read(&key) else { return bare(StatusCode::NOT_FOUND) };
    let download = match counter.depot.open(&key, &counter.asker(from)).await {
        Ok(download) => download,
        Err(refused) => return bare(status(&refused)),
    };
    let (etag, size) = (download.etag(), download.size());
    let tag: String = etag.iter().map(|byte| format!("{byte:02x}")).collect();
    let wanted = Wanted::of(&headers, &format!("\"{tag}\""), size);
    let (status, from_byte, end) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Part { from, end } => (StatusCode::PARTIAL_CONTENT, from, end),
        Wanted::Nothing => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Another => (StatusCode::PRECONDITION_FAILED, 0, 0),
        Wanted::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let body = match (status, method) {
        (StatusCode::OK | StatusCode::PARTIAL_CONTENT, Method::GET) => {
            let sending = Sending { counter, key, from, etag, at: from_byte, end };
            Body::from_stream(stream::try_unfold(sending, Sending::next))
        }
        _ => Body::empty(),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::ETAG, format!("\"{tag}\""))
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, NO_STORE);
    response = match wanted {
        Wanted::Whole => response.header(header::CONTENT_LENGTH, size),
        Wanted::Part { from, end } => response
            .header(header::CONTENT_LENGTH, end - from)
            .header(header::CONTENT_RANGE, format!("bytes {from}-{}/{size}", end - 1)),
        Wanted::Beyond => response.header(header::CONTENT_RANGE, format!("bytes */{size}")),
        Wanted::Nothing | Wanted::Another => response,
    };
    if matches!(wanted, Wanted::Whole | Wanted::Part { .. }) {
        response = response.header(header::CONTENT_TYPE, "application/octet-stream");
    }
    response.body(body).expect("each header is made of digits and letters")
}

impl Counter {
    fn asker(&self, from: SocketAddr) -> Asker<'_> {
        Asker { scheme: self.scheme, device: None, from, listener: &self.listener }
    }
}

impl Sending {
    /// The next bytes. What is not to be sent any more ends the connection: the device sees that it has not got all.
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let left = self.end.saturating_sub(self.at);
        if left == 0 {
            return Ok(None);
        }
        let gone = || io::Error::other("the download was ended");
        let depot = &self.counter.depot;
        let opened = depot.open(&self.key, &self.counter.asker(self.from)).await;
        let download = opened.ok().filter(|download| download.etag() == self.etag).ok_or_else(gone)?;
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(STEP);
        let bytes = depot.read(&download, self.at, len).await.map_err(|_| gone())?;
        if bytes.is_empty() {
            return Err(gone());
        }
        self.at += bytes.len() as u64;
        depot.sent(&download, self.at, bytes.len());
        Ok(Some((bytes.into(), self)))
    }
}

fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Refused::NotGiven(NotGiven::Misfit(_) | NotGiven::NotAllowed(_)) => StatusCode::FORBIDDEN,
        Refused::NotGiven(NotGiven::Expired | NotGiven::OtherDevice | NotGiven::Over | NotGiven::Unknown) => {
            StatusCode::NOT_FOUND
        }
    }
}

fn bare(status: StatusCode) -> Response {
    (status, [(header::CACHE_CONTROL, NO_STORE)]).into_response()
}

/// An address is good for one device, and not for long.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

#[cfg(test)]
mod tests;
