//! Sockets: datagrams in batches to a shard's driver, and out again.

use std::{io, net::SocketAddr, sync::Arc};

use fleet::{CredentialId, ListenerId, SecureSessionId, Source};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::{
    Batch, Incoming, Outlet,
    socket::{DatagramSocket, Network},
};

/// A bound socket.
pub(crate) struct Listener {
    id: ListenerId,
    name: String,
    socket: Box<dyn DatagramSocket>,
    stray: Stray,
}

/// Told of what is no plain CoAP at all.
pub(crate) type Stray = Box<dyn Fn(SocketAddr, &str) + Send + Sync>;

/// The most datagrams in one batch.
const BATCH: usize = 64;

/// A batch that holds so many bytes is handed on, however few datagrams they are.
const BATCH_BYTES: usize = 256 << 10;

/// The longest datagram there is: a socket cuts what does not fit its reader's buffer, and nobody could tell.
const MAX_DATAGRAM: usize = 65_535;

impl Listener {
    /// Binds an address.
    pub(crate) fn bind(
        network: &dyn Network,
        id: ListenerId,
        address: SocketAddr,
        stray: Stray,
    ) -> io::Result<Self> {
        let socket = network.bind(address)?;
        let name = format!("coap://{}", socket.local_addr()?);
        Ok(Self { id, name, socket, stray })
    }

    /// The address it is bound to.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Receives until nobody wants the batches any more.
    pub(crate) async fn receive(self: Arc<Self>, batches: mpsc::Sender<Batch>) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            let mut batch = Batch::new();
            match self.socket.recv_from(&mut buffer).await {
                Ok((len, address)) => batch.extend(self.incoming(address, &buffer[..len])),
                // ICMP errors of earlier sends come up here; the socket goes on.
                Err(error) => {
                    debug!(%error, "receiving failed");
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            let mut bytes = 0;
            while batch.len() < BATCH && bytes < BATCH_BYTES {
                let Ok((len, address)) = self.socket.try_recv_from(&mut buffer) else { break };
                bytes += len;
                batch.extend(self.incoming(address, &buffer[..len]));
            }
            // Waiting here is the back-pressure: the kernel's buffer fills, and what exceeds it is sent again by CON.
            if batches.send(batch).await.is_err() {
                warn!("a socket's shard is gone");
                return;
            }
        }
    }

    fn incoming(&self, address: SocketAddr, datagram: &[u8]) -> Option<Incoming> {
        if is_dtls(datagram) {
            (self.stray)(address, &self.name);
            return None;
        }
        Some(Incoming::Datagram(Source { listener: self.id, address }, None, datagram.to_vec()))
    }
}

impl Outlet for Listener {
    fn send(&self, to: SocketAddr, _: Option<SecureSessionId>, bytes: &[u8]) {
        if let Err(error) = self.socket.try_send_to(bytes, to) {
            metrics::counter!("muster_datagrams_unsent_total").increment(1);
            debug!(net.peer = %to, %error, "a datagram was not sent");
        }
    }

    // There are no sessions without security.
    fn confirm(&self, _: SecureSessionId) {}

    fn introduce(&self, _: SecureSessionId) {}

    fn end(&self, _: &[CredentialId]) {}

    fn replace(&self, _: SecureSessionId) {}

    fn name(&self) -> &str {
        &self.name
    }
}

/// Whether a datagram begins as a DTLS record does: a content type of RFC 6347 §4.1 and the version 1.x. No CoAP message
/// does: its first two bits are 01 (RFC 7252 §3).
fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=25, 0xfe, 0xfc..=0xff, ..])
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;
    use crate::endpoint::socket::SystemNetwork;

    #[tokio::test]
    async fn a_large_datagram_arrives_whole() {
        let stray = Box::new(|_: SocketAddr, _: &str| {});
        let listener = Arc::new(
            Listener::bind(&SystemNetwork, ListenerId(0), ([127, 0, 0, 1], 0).into(), stray).unwrap(),
        );
        let to = listener.address().unwrap();
        let (sender, mut batches) = mpsc::channel(1);
        let receiving = tokio::spawn(Arc::clone(&listener).receive(sender));
        let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for len in [4, 2_049, 60_000] {
            let sent: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            device.send_to(&sent, to).await.unwrap();
            let batch = batches.recv().await.unwrap();
            let arrived =
                |incoming: &Incoming| matches!(incoming, Incoming::Datagram(_, _, bytes) if *bytes == sent);
            assert!(batch.iter().any(arrived), "{len} bytes");
        }
        receiving.abort();
    }
}
