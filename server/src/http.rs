//! Listeners for HTTP, of the console and of downloads: connections bounded in number, and cut off when they dawdle.
//!
//! [`bind`] takes the ports, [`Console::serve`] and [`serve_downloads`] serve on them. `front` looks at each request before the console does: whom
//! it is from, and whether a proxy says so.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, middleware};
use futures::future;
use hyper::{body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, warn};

use crate::{Stop, config::ConsoleConfig, tls::Tls};

mod front;
use front::Front;

mod patient;
use patient::Patient;

/// What the console is served with.
pub(crate) struct Console {
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) config: ConsoleConfig,
    pub(crate) tls: Option<Arc<Tls>>,
}

/// How many connections there are at most. One more is closed at once; a browser tries again.
const MAX_CONNECTIONS: usize = if cfg!(test) { 32 } else { 1_024 };

/// How long a client may take for the TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may take nothing of what it is sent, until its place is somebody else's.
const SENT_WITHIN: Duration = Duration::from_secs(120);

/// How long a stop waits for answers that are under way.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// How many connections the system holds until they are accepted.
const BACKLOG: i32 = 1_024;

/// Binds an address. `[::]` is IPv6 alone, so that it can stand beside `0.0.0.0`.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart need not wait for the last connections of the one before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

impl Console {
    /// Serves until `stop`, and then until what was asked is answered.
    pub(crate) async fn serve(self, router: Router, stop: Stop) {
        let front = Arc::new(Front::new(self.config, self.tls.as_deref()));
        let router = router.layer(middleware::from_fn_with_state(Arc::clone(&front), front::guard));
        let door = Door { of: "console", ..Door::new(router, Some(front), self.tls, stop) };
        door.serve(&self.listeners).await;
    }
}

/// Serves downloads until `stop`: no proxy is asked for, nor believed.
pub(crate) async fn serve_downloads(
    listeners: Vec<TcpListener>,
    tls: Option<Arc<Tls>>,
    router: Router,
    stop: Stop,
) {
    let door = Door { of: "downloads", ..Door::new(router, None, tls, stop) };
    door.serve(&listeners).await;
}

struct Door {
    /// `console` or `downloads`.
    of: &'static str,
    router: Router,
    /// Who guards it; nobody where everybody may come.
    front: Option<Arc<Front>>,
    tls: Option<Arc<Tls>>,
    /// One permit a connection, from its first byte on.
    places: Arc<Semaphore>,
    stop: Stop,
}

impl Door {
    fn new(router: Router, front: Option<Arc<Front>>, tls: Option<Arc<Tls>>, stop: Stop) -> Self {
        Self { of: "", router, front, tls, places: Arc::new(Semaphore::new(MAX_CONNECTIONS)), stop }
    }

    async fn serve(&self, listeners: &[TcpListener]) {
        let connections = GracefulShutdown::new();
        let follow = async {
            if let Some(tls) = &self.tls {
                Arc::clone(tls).follow(self.stop.clone()).await;
            }
        };
        let accept = listeners.iter().map(|listener| self.accept(listener, &connections));
        future::join(future::join_all(accept), follow).await;
        let _ = timeout(LAST_ANSWERS, connections.shutdown()).await;
    }

    fn refused(&self) {
        metrics::counter!(format!("muster_{}_connections_refused_total", self.of)).increment(1);
    }

    async fn accept(&self, listener: &TcpListener, connections: &GracefulShutdown) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.clone() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                // Out of file descriptors, mostly: others have to end first.
                Err(error) => {
                    warn!(%error, "a connection to the {} was not accepted", self.of);
                    sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let here = stream.local_addr().ok().map(|address| address.ip());
            let admits = self.front.as_ref().is_none_or(|front| front.admits(peer.ip()));
            if here != Some(peer.ip()) && !admits {
                self.refused();
                debug!(net.peer = %peer, "not a trusted proxy, and the console speaks no TLS of its own");
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.refused();
                continue;
            };
            let stream = Patient::new(stream, SENT_WITHIN);
            let of = self.of;
            let (router, tls) = (self.router.clone(), self.tls.as_ref().map(|tls| tls.acceptor()));
            let (watcher, stop) = (connections.watcher(), self.stop.clone());
            tokio::spawn(async move {
                match tls {
                    None => answer(stream, peer, router, watcher).await,
                    Some(tls) => {
                        // Before the handshake nothing was asked that a stop would have to wait for.
                        let stream = tokio::select! {
                            () = stop => None,
                            stream = handshake(of, tls, stream, peer) => stream,
                        };
                        if let Some(stream) = stream {
                            answer(stream, peer, router, watcher).await;
                        }
                    }
                }
                drop(place);
            });
        }
    }
}

async fn handshake<S>(of: &'static str, tls: TlsAcceptor, stream: S, peer: SocketAddr) -> Option<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let failed = |error: &dyn std::fmt::Display| {
        metrics::counter!(format!("muster_{of}_handshakes_failed_total")).increment(1);
        debug!(net.peer = %peer, %error, "a TLS handshake with the {of} failed");
    };
    match timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            failed(&error);
            None
        }
        Err(elapsed) => {
            failed(&elapsed);
            None
        }
    }
}

async fn answer<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let router = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    // What a client breaks off is its own affair.
    let _ = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await;
}

#[cfg(test)]
mod tests;
