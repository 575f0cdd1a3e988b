//! Clients: webrtc-dtls, and bytes by hand.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use fleet::PskKey;
use tokio::{net::UdpSocket, time::timeout};
use webrtc_dtls::{cipher_suite::CipherSuiteId, config::Config, conn::DTLSConn};

use super::{
    gate::KEY,
    wire::{self, first, hello, second},
    world::{SOON, World},
};

pub(super) const OTHER_KEY: &str = "0f51a94e6288d1f0c47a5be9137d3b8c";
pub(super) const CCM_8: CipherSuiteId = CipherSuiteId::Tls_Psk_With_Aes_128_Ccm_8;

/// How a client goes about it.
#[derive(Clone)]
pub(super) struct Client {
    to: SocketAddr,
    identity: String,
    key: Vec<u8>,
    suites: Vec<CipherSuiteId>,
}

/// A client that is inside.
pub(super) struct Inside {
    pub(super) dtls: DTLSConn,
    pub(super) socket: Arc<UdpSocket>,
}

impl Client {
    pub(super) fn new(to: SocketAddr) -> Self {
        let key = PskKey::from_hex(KEY).unwrap().as_bytes().to_vec();
        Self { to, identity: "node-1".into(), key, suites: vec![CCM_8] }
    }

    pub(super) fn named(self, identity: &str) -> Self {
        Self { identity: identity.into(), ..self }
    }

    pub(super) fn with_key(self, hex: &str) -> Self {
        Self { key: PskKey::from_hex(hex).unwrap().as_bytes().to_vec(), ..self }
    }

    pub(super) fn offering(self, suites: &[CipherSuiteId]) -> Self {
        Self { suites: suites.to_vec(), ..self }
    }

    pub(super) async fn connect(self) -> Result<Inside, webrtc_dtls::Error> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        socket.connect(self.to).await.unwrap();
        self.connect_from(socket).await
    }

    pub(super) async fn connect_from(self, socket: Arc<UdpSocket>) -> Result<Inside, webrtc_dtls::Error> {
        let key = self.key;
        let config = Config {
            psk: Some(Arc::new(move |_| Ok(key.clone()))),
            psk_identity_hint: Some(self.identity.into_bytes()),
            cipher_suites: self.suites,
            flight_interval: Duration::from_millis(100),
            ..Config::default()
        };
        let connecting = DTLSConn::new(Arc::clone(&socket) as _, config, true, None);
        let dtls = timeout(SOON, connecting).await.expect("in time")?;
        Ok(Inside { dtls, socket })
    }
}

impl Inside {
    pub(super) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(super) async fn send(&self, bytes: &[u8]) {
        self.dtls.write(bytes, None).await.unwrap();
    }

    pub(super) async fn receive(&self) -> Result<Vec<u8>, webrtc_dtls::Error> {
        let mut buffer = vec![0; 2_000];
        let len = self.dtls.read(&mut buffer, Some(SOON)).await?;
        buffer.truncate(len);
        Ok(buffer)
    }
}

/// A client by hand.
pub(super) struct Raw {
    pub(super) socket: UdpSocket,
}

impl Raw {
    pub(super) async fn to(world: &World) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(world.to).await.unwrap();
        Self { socket }
    }

    /// A client's random.
    pub(super) fn random() -> [u8; 32] {
        let mut random = [0; 32];
        crate::fill_random(&mut random);
        random
    }

    pub(super) async fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).await.unwrap();
    }

    /// Says hello, and again with the cookie that was asked for.
    pub(super) async fn greet(&self, version: u16, suites: &[u16], tail: &[u8]) {
        let random = Self::random();
        let body = |cookie: &[u8]| {
            let mut body = hello(version, suites, cookie, tail);
            body[2..34].copy_from_slice(&random);
            body
        };
        self.send(&first(&body(&[]))).await;
        loop {
            // What else comes is a handshake's before.
            if let Some(cookie) = wire::cookie(&self.receive().await) {
                return self.send(&second(&body(cookie))).await;
            }
        }
    }

    pub(super) async fn receive(&self) -> Vec<u8> {
        let mut buffer = vec![0; 2_000];
        let len = timeout(SOON, self.socket.recv(&mut buffer)).await.expect("in time").unwrap();
        buffer.truncate(len);
        buffer
    }

    /// The description of the fatal alert that comes next.
    pub(super) async fn alert(&self) -> u8 {
        loop {
            let datagram = self.receive().await;
            if datagram[0] == wire::ALERT {
                assert_eq!((datagram.len(), datagram[13]), (15, wire::FATAL), "{datagram:?}");
                return datagram[14];
            }
        }
    }

    pub(super) async fn silent(&self) {
        let mut buffer = [0; 2_000];
        let received = timeout(Duration::from_millis(100), self.socket.recv(&mut buffer)).await;
        assert!(received.is_err(), "{received:?}");
    }
}
