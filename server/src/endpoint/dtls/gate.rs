//! Who decides: the endpoint asks, and tells what failed.

use async_trait::async_trait;
use dtls::Claim;
use fleet::{
    DeviceId, DiaryCause, Identity, Incident, Opening, Purpose, SecureSession, SecureSessionId, SessionMark,
};

/// Whoever knows the credentials, and keeps the sessions.
#[async_trait]
pub(crate) trait Gate: Send + Sync {
    /// Looks up who a peer says it is. By a PSK identity it has not proved anything yet; otherwise it holds its key.
    async fn opening(&self, purpose: Purpose, claim: &Claim) -> Result<Opening, Refused>;

    /// Says whether a peer that has proved its key may come in, and keeps its session. Asked before the last flight leaves:
    /// what was revoked meanwhile is seen here. One that goes on with a session of old has made no claim.
    async fn opened(&self, session: SecureSession, claim: Option<&Claim>) -> Result<(), Refused>;

    /// A session of old that a peer wants to go on with, if whoever it belongs to may still come in.
    async fn resumption(&self, purpose: Purpose, session: SecureSessionId) -> Option<SecureSession>;

    /// Keeps that a session may use sequence numbers up to `upto`. False if that is not sure.
    async fn reserve(&self, session: SecureSessionId, upto: u64) -> bool;

    /// Keeps how far sessions were heard, and which are over, and whether they can be resumed.
    async fn keep(&self, heard: Vec<SessionMark>, ended: Vec<(SecureSessionId, bool)>) -> bool;

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

/// Whether many devices come by one credential.
pub(super) fn is_shared(identity: &Identity) -> bool {
    identity.device().is_none()
}
