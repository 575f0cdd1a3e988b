//! The way of a simulated device to its server: a socket, or DTLS on one, as the client.

mod engine;
pub use engine::Connection;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use device::{Account, Security};
use futures::{FutureExt, future::BoxFuture};
use tokio::net::UdpSocket;
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, conn::DTLSConn};

/// By what DTLS is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stack {
    /// By the engine of our own, which takes little and has all suites and connection ids.
    Engine,
    /// By `webrtc-dtls`, which others have written.
    #[default]
    Webrtc,
}

/// How far it is.
pub enum Way {
    /// There is none, and none is being opened.
    Closed,
    /// A handshake is under way.
    Opening(BoxFuture<'static, Result<Open, WayError>>),
    /// Datagrams go both ways.
    Open(Open),
}

/// A way that was opened, from a port of its own.
pub enum Open {
    Udp(UdpSocket),
    Dtls(Box<DTLSConn>),
    Engine(Box<Connection>),
}

/// What has come of a way.
pub enum News {
    Opened,
    /// There is a datagram of this length in the buffer.
    Datagram(usize),
    /// It could not be opened, or is closed.
    Failed(WayError),
}

/// Why there is no way to the server.
#[derive(Debug)]
pub enum WayError {
    /// The address is not one of a host's own numbers.
    Address,
    /// The socket can't be used.
    Socket(io::Error),
    /// The handshake was refused, or broke off.
    Handshake(webrtc_dtls::Error),
    /// The same, by the engine of our own.
    Refused(Box<dtls::Failure>),
    /// The handshake did not end in time.
    TimedOut,
    /// The server has closed the connection.
    Closed,
}

impl Way {
    /// Sets out for a server. A handshake that meets silence ends after [`Self::HANDSHAKE_WITHIN`].
    pub fn to(account: &Account, stack: Stack) -> Self {
        let account = account.clone();
        let opening = async move {
            let opened = tokio::time::timeout(Self::HANDSHAKE_WITHIN, Open::open(&account, stack)).await;
            opened.unwrap_or(Err(WayError::TimedOut))
        };
        Self::Opening(opening.boxed())
    }

    /// Sends a datagram. One that can't be sent is lost, as datagrams are.
    pub async fn send(&mut self, datagram: &[u8]) {
        match self {
            Self::Open(Open::Udp(socket)) => drop(socket.send(datagram).await),
            Self::Open(Open::Dtls(connection)) => drop(connection.write(datagram, None).await),
            Self::Open(Open::Engine(connection)) => connection.send(datagram).await,
            Self::Closed | Self::Opening(_) => {}
        }
    }

    /// Waits for news; for ever where there is no way.
    pub async fn next(&mut self, buffer: &mut [u8]) -> News {
        let failed = match self {
            Self::Closed => return std::future::pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(open) => {
                    *self = Self::Open(open);
                    return News::Opened;
                }
                Err(error) => error,
            },
            Self::Open(open) => match open.receive(buffer).await {
                Ok(len) => return News::Datagram(len),
                Err(error) => error,
            },
        };
        *self = Self::Closed;
        News::Failed(failed)
    }

    const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
}

impl Open {
    async fn open(account: &Account, stack: Stack) -> Result<Self, WayError> {
        let (_, address) = account.uri.split_once("://").ok_or(WayError::Address)?;
        let server: SocketAddr = address.trim_end_matches('/').parse().map_err(|_| WayError::Address)?;
        let socket = UdpSocket::bind("127.0.0.1:0").await.map_err(WayError::Socket)?;
        socket.connect(server).await.map_err(WayError::Socket)?;
        let Security::Psk { identity, key } = &account.security else { return Ok(Self::Udp(socket)) };
        if stack == Stack::Engine {
            let connection = Connection::open(socket, server, identity, key).await?;
            return Ok(Self::Engine(Box::new(connection)));
        }
        let key = key.clone();
        let config = Config {
            psk: Some(Arc::new(move |_| Ok(key.clone()))),
            // What it calls a hint is the identity where it is the client.
            psk_identity_hint: Some(identity.clone()),
            cipher_suites: vec![CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8],
            ..Config::default()
        };
        let connection = DTLSConn::new(Arc::new(socket), config, true, None).await;
        connection.map(|connection| Self::Dtls(Box::new(connection))).map_err(WayError::Handshake)
    }

    /// The length of the next datagram.
    async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, WayError> {
        match self {
            // A refused port is an unreachable server: no datagram.
            Self::Udp(socket) => loop {
                if let Ok(len) = socket.recv(buffer).await {
                    return Ok(len);
                }
            },
            Self::Engine(connection) => connection.receive(buffer).await,
            Self::Dtls(connection) => match connection.read(buffer, None).await {
                Ok(len @ 1..) => Ok(len),
                _ => Err(WayError::Closed),
            },
        }
    }
}

impl std::fmt::Display for WayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address => f.write_str("the server's address is not understood"),
            Self::Socket(error) => write!(f, "the socket can't be used: {error}"),
            Self::Handshake(error) => write!(f, "the handshake failed: {error}"),
            Self::Refused(failure) => write!(f, "the handshake failed: {}", failure.reason),
            Self::TimedOut => f.write_str("the handshake timed out"),
            Self::Closed => f.write_str("the server has closed the connection"),
        }
    }
}
