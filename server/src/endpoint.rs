//! Where devices reach the server: sockets, the shards behind them, and the task that joins the two.
//!
//! [`doors`] are all the sockets: [`udp`] is plain CoAP, [`dtls`] the secure ones. [`shard`] is a state machine over a part of
//! the fleet, [`driver`] the task that feeds it; [`bootstrap`] is both for the bootstrap server. Whatever the security,
//! what arrives is [`Incoming`].

pub(crate) mod bootstrap;
pub(crate) mod doors;
pub(crate) mod driver;
pub(crate) mod dtls;
pub(crate) mod shard;
pub(crate) mod udp;

use std::net::SocketAddr;

use fleet::{CredentialId, Origin};

/// Something that came in at a listener; what one listener gives is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A datagram, deciphered.
    Datagram(Origin, Vec<u8>),
    /// A handshake is done: what comes next from there comes in this session.
    SessionBegan(Origin),
    /// A session is over.
    SessionEnded(Origin),
}

/// What came in together.
pub(crate) type Batch = Vec<Incoming>;

/// A way out to devices: a socket, with or without security on it.
pub(crate) trait Outlet: Send + Sync {
    /// Sends a datagram; one that can't be sent at once is lost, as datagrams may be, and counted.
    fn send(&self, to: SocketAddr, bytes: &[u8]);

    /// Ends the sessions that were opened by these credentials, and their handshakes.
    fn end(&self, credentials: &[CredentialId]);

    /// What people call it, such as `coaps://192.0.2.1:5684`.
    fn name(&self) -> &str;
}
