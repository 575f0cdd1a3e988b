//! Who decides: the endpoint asks, and tells what failed.

use std::net::SocketAddr;

use async_trait::async_trait;
use fleet::{DeviceId, DiaryCause, Identity, Incident, Opening, Purpose};

/// Whoever knows the credentials.
#[async_trait]
pub(crate) trait Gate: Send + Sync {
    /// Looks up what a client names by its PSK identity, before it has proved anything.
    async fn opening(&self, purpose: Purpose, identity: &[u8]) -> Result<Opening, Refused>;

    /// Says whether a client that has proved its key may come in. Asked after the handshake and before its last
    /// flight leaves: what was revoked meanwhile is seen here.
    async fn opened(&self, identity: Identity, from: SocketAddr) -> Result<(), Refused>;

    /// Takes note of what failed. Never waits.
    fn incident(&self, incident: Incident);
}

/// A no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Why.
    pub(crate) cause: DiaryCause,
    /// Whose credential it is, where that is known.
    pub(crate) device: Option<DeviceId>,
    /// What a person should know of it.
    pub(crate) detail: String,
}
