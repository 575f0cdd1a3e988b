//! The secure sockets: LwM2M over DTLS 1.2, by the [`dtls`] engine.
//!
//! Start with [`SecureListener`]: beside [`udp::Listener`], it hands over only what authenticated, each datagram with the
//! session it came in, and asks a [`Gate`] who may come in. It is the handle; the socket and the engine belong to one task, the
//! [`Doorkeeper`], which alone knows the engine.
//!
//! What takes long is done beside it: look-ups and commits by the gate, public-key work by blocking threads. Sessions outlive
//! the process: each is kept before its handshake's last flight leaves, and brought back at the start.

mod doorkeeper;
mod failure;
mod gate;
mod look;
mod suites;

#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc};

use fleet::{CredentialId, ListenerId, Purpose, SecureSession, SecureSessionId};
use tokio::sync::mpsc;

use super::{Outlet, socket::Network};
use crate::clock::Clock;

pub(crate) use self::{
    doorkeeper::Doorkeeper,
    gate::{Gate, Refused},
};

/// The way to a secure socket.
pub(crate) struct SecureListener {
    /// As the diary shows it.
    name: String,
    address: SocketAddr,
    sends: mpsc::Sender<Ask>,
    /// What must not get lost: rare, and each waited for by whoever asks.
    orders: mpsc::UnboundedSender<Ask>,
}

/// What a secure socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Devices are managed.
    Management,
    /// Devices bootstrap.
    Bootstrap,
    /// Devices that are managed fetch packages.
    Downloads,
}

/// What others ask of a doorkeeper.
pub(crate) enum Ask {
    /// See [`Outlet::send`].
    Send(SecureSessionId, Vec<u8>),
    /// See [`Outlet::confirm`].
    Confirm(SecureSessionId),
    /// See [`Outlet::introduce`].
    Introduce(SecureSessionId),
    /// See [`Outlet::end`].
    End(Vec<CredentialId>),
    /// See [`Outlet::replace`].
    Replace(SecureSessionId),
    /// Bring sessions back that were there when the server stopped.
    Restore(Vec<SecureSession>),
}

/// How many datagrams wait to be sealed; further ones are lost, as datagrams may be.
const MAX_SENDS: usize = 8_192;

impl Role {
    /// The credentials that open its sessions.
    fn purpose(self) -> Purpose {
        match self {
            Self::Bootstrap => Purpose::Bootstrap,
            Self::Management | Self::Downloads => Purpose::Management,
        }
    }
}

impl SecureListener {
    /// Binds an address. The doorkeeper is to be run.
    #[expect(clippy::too_many_arguments, reason = "called once, by the doors")]
    pub(crate) fn bind(
        network: &dyn Network,
        id: ListenerId,
        address: SocketAddr,
        role: Role,
        gate: Arc<dyn Gate>,
        clock: Clock,
        config: dtls::Config,
        seed: [u8; 32],
    ) -> io::Result<(Arc<Self>, Doorkeeper)> {
        let socket = network.bind(address)?;
        let address = socket.local_addr()?;
        let name = format!("coaps://{address}");
        let (sends, asked) = mpsc::channel(MAX_SENDS);
        let (orders, ordered) = mpsc::unbounded_channel();
        let engine = dtls::Endpoint::new(config, seed);
        let doorkeeper = Doorkeeper::new(id, name.clone(), socket, role, gate, clock, engine, asked, ordered);
        Ok((Arc::new(Self { name, address, sends, orders }), doorkeeper))
    }

    /// The address it is bound to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Brings sessions back that were there when the server stopped. Waits where there are many.
    pub(crate) async fn restore(&self, sessions: Vec<SecureSession>) {
        // A doorkeeper that is gone needs them no more.
        let _ = self.sends.send(Ask::Restore(sessions)).await;
    }
}

impl Outlet for SecureListener {
    fn send(&self, _: SocketAddr, session: Option<SecureSessionId>, bytes: &[u8]) {
        let sent = session.map(|session| self.sends.try_send(Ask::Send(session, bytes.to_vec())));
        if !matches!(sent, Some(Ok(()))) {
            metrics::counter!("muster_dtls_unsent_total").increment(1);
        }
    }

    fn confirm(&self, session: SecureSessionId) {
        let _ = self.orders.send(Ask::Confirm(session));
    }

    fn introduce(&self, session: SecureSessionId) {
        // It comes up again with the next datagram.
        let _ = self.sends.try_send(Ask::Introduce(session));
    }

    // A handshake that has not named its credential yet is refused by `Gate::opened`, if the credential was revoked before.
    // A batch that was handed over before is the shard's to refuse, which orders this.
    fn end(&self, credentials: &[CredentialId]) {
        let _ = self.orders.send(Ask::End(credentials.to_vec()));
    }

    fn replace(&self, session: SecureSessionId) {
        let _ = self.orders.send(Ask::Replace(session));
    }

    fn name(&self) -> &str {
        &self.name
    }
}
