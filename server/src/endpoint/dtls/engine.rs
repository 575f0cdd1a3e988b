//! webrtc-dtls as the server's side of one handshake, in a task of its own. The one place that runs it.
//!
//! It has no sockets: it is fed records one by one and says what it would send.

use std::{
    any::Any,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use fleet::PskKey;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use webrtc_dtls::{
    cipher_suite::CipherSuiteId,
    config::{Config, ExtendedMasterSecretType},
    conn::DTLSConn,
};
use webrtc_util::Conn;

use super::hello;

/// One handshake of the engine. Dropped, it ends.
pub(super) struct Engine {
    records: mpsc::Sender<Vec<u8>>,
    datagrams: mpsc::Receiver<Vec<u8>>,
    key: Arc<OnceLock<PskKey>>,
    task: JoinHandle<Result<(), webrtc_dtls::Error>>,
}

/// What the engine has to say.
pub(super) enum Said {
    /// A datagram to the client.
    Datagram(Vec<u8>),
    /// Its handshake is complete.
    Done,
    /// It gave up, or its task ended by a panic.
    Failed { reason: String, panic: bool },
}

/// How many records and datagrams wait on either side of the engine; it never has more than a flight under way.
const QUEUE: usize = 16;

/// What the engine takes for a socket.
struct Pipe {
    peer: SocketAddr,
    records: Mutex<mpsc::Receiver<Vec<u8>>>,
    datagrams: mpsc::Sender<Vec<u8>>,
}

impl Engine {
    pub(super) fn start(peer: SocketAddr) -> Self {
        let (records, fed) = mpsc::channel(QUEUE);
        let (said, datagrams) = mpsc::channel(QUEUE);
        let key = Arc::new(OnceLock::<PskKey>::new());
        let slot = Arc::clone(&key);
        let config = Config {
            // Its own list has no suite of CCM.
            cipher_suites: hello::SERVED.iter().map(|suite| CipherSuiteId::from(*suite)).collect(),
            extended_master_secret: ExtendedMasterSecretType::Request,
            // It asks when it reads the ClientKeyExchange, which it gets when the key is known.
            psk: Some(Arc::new(move |_| {
                let key = slot.get().ok_or(webrtc_dtls::Error::ErrIdentityNoPsk)?;
                Ok(key.as_bytes().to_vec())
            })),
            ..Config::default()
        };
        let pipe = Arc::new(Pipe { peer, records: Mutex::new(fed), datagrams: said });
        let task = tokio::spawn(async move { DTLSConn::new(pipe, config, false, None).await.map(drop) });
        Self { records, datagrams, key, task }
    }

    /// Gives it a record. It reads them in order.
    pub(super) fn feed(&self, record: Vec<u8>) {
        // A full queue loses a record as a network would.
        let _ = self.records.try_send(record);
    }

    /// Gives it the key of the client.
    pub(super) fn prove(&self, key: PskKey) {
        // Set before: the same ClientKeyExchange, once more.
        let _ = self.key.set(key);
    }

    /// What it says next. Not to be called again after [`Said::Done`] or [`Said::Failed`].
    pub(super) async fn said(&mut self) -> Said {
        if let Some(datagram) = self.datagrams.recv().await {
            return Said::Datagram(datagram);
        }
        // The pipe is gone, and with it whoever held it.
        match (&mut self.task).await {
            Ok(Ok(())) => Said::Done,
            Ok(Err(error)) => Said::Failed { reason: error.to_string(), panic: false },
            Err(error) => Said::Failed { reason: error.to_string(), panic: error.is_panic() },
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[async_trait]
impl Conn for Pipe {
    async fn connect(&self, _: SocketAddr) -> webrtc_util::Result<()> {
        Ok(())
    }

    async fn recv(&self, buffer: &mut [u8]) -> webrtc_util::Result<usize> {
        let Some(record) = self.records.lock().await.recv().await else {
            // The handshake is given up. The engine would spin on an error; its task is about to be ended.
            return std::future::pending().await;
        };
        let len = record.len().min(buffer.len());
        buffer[..len].copy_from_slice(&record[..len]);
        Ok(len)
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> webrtc_util::Result<(usize, SocketAddr)> {
        Ok((self.recv(buffer).await?, self.peer))
    }

    async fn send(&self, datagram: &[u8]) -> webrtc_util::Result<usize> {
        let _ = self.datagrams.try_send(datagram.to_vec());
        Ok(datagram.len())
    }

    async fn send_to(&self, datagram: &[u8], _: SocketAddr) -> webrtc_util::Result<usize> {
        self.send(datagram).await
    }

    fn local_addr(&self) -> webrtc_util::Result<SocketAddr> {
        Ok(self.peer)
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(self.peer)
    }

    async fn close(&self) -> webrtc_util::Result<()> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}
