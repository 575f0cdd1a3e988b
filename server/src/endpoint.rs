//! Where devices reach the server: sockets, the shards behind them, and the task that joins the two.
//!
//! [`doors`] are all the sockets: [`udp`] is plain CoAP, [`dtls`] the secure ones. [`shard`] is a state machine over a part of
//! the fleet, [`driver`] the task that feeds it; [`bootstrap`] is both for the bootstrap server. Whatever the security,
//! what arrives is [`Incoming`].

pub(crate) mod bootstrap;
pub(crate) mod doors;
pub(crate) mod driver;
pub(crate) mod dtls;
pub(crate) mod packages;
pub(crate) mod paths;
pub(crate) mod sessions;
pub(crate) mod shard;
pub(crate) mod socket;
pub(crate) mod udp;

use std::net::SocketAddr;

use fleet::{CredentialId, Origin, SecureSessionId, Source, Timestamp};

use sessions::Heard;

/// Something that came in at a listener; what one listener gives is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A datagram, deciphered: from where, in which session if it came in one, and its bytes.
    Datagram(Source, Option<Heard>, Vec<u8>),
    /// A handshake is done: what comes next from there comes in this session.
    SessionBegan(Origin, SecureSessionId),
    /// A session goes on that was there before the server started.
    SessionRestored {
        /// Where it is, and whose.
        origin: Origin,
        /// Which.
        session: SecureSessionId,
        /// When it had begun.
        began_at: Timestamp,
        /// Something had come in it.
        is_heard: bool,
    },
    /// A session is somewhere else from now on: what was there before is gone.
    SessionMoved {
        /// Which.
        session: SecureSessionId,
        /// Where it was. Another one may be there by now.
        from: Source,
        /// Where it is.
        to: Source,
    },
    /// A session is over.
    SessionEnded(Source, SecureSessionId),
}

/// What came in together.
pub(crate) type Batch = Vec<Incoming>;

/// A way out to devices: a socket, with or without security on it.
pub(crate) trait Outlet: Send + Sync {
    /// Sends a datagram, in this session if one is named; one that can't be sent at once is lost, as datagrams may be, and
    /// counted.
    fn send(&self, to: SocketAddr, session: Option<SecureSessionId>, bytes: &[u8]);

    /// The device at the other end of a session has answered something that it was asked since the start.
    fn confirm(&self, session: SecureSessionId);

    /// Something came in a session that nobody was told of, or that was lost since: it is to be told of again, as restored.
    fn introduce(&self, session: SecureSessionId);

    /// Ends the sessions that were opened by these credentials, and their handshakes.
    fn end(&self, credentials: &[CredentialId]);

    /// Ends a session whose device has a newer one.
    fn replace(&self, session: SecureSessionId);

    /// What people call it, such as `coaps://192.0.2.1:5684`.
    fn name(&self) -> &str;
}
