//! The gate: what the secure listeners ask, answered by the fleet.

use std::{net::SocketAddr, sync::Arc};

use ::fleet::{Closed, DiaryCause, Fleet, FleetError, Identity, Incident, Opening, Purpose};
use async_trait::async_trait;
use tracing::warn;

use crate::{
    clock,
    endpoint::dtls::{Gate, Refused},
};

/// The fleet, as it is asked at the door.
pub(crate) struct FleetGate(pub(crate) Arc<Fleet>);

#[async_trait]
impl Gate for FleetGate {
    async fn opening(&self, purpose: Purpose, identity: &[u8]) -> Result<Opening, Refused> {
        let asked = self.0.opening(purpose, identity, clock::wall()).await;
        asked.map_err(|error| unavailable(&error))?.map_err(refused)
    }

    async fn opened(&self, identity: Identity, from: SocketAddr) -> Result<(), Refused> {
        let asked = self.0.opened(identity, from, clock::wall()).await;
        asked.map_err(|error| unavailable(&error))?.map_err(refused)
    }

    fn incident(&self, incident: Incident) {
        self.0.incident(incident);
    }
}

fn refused(closed: Closed) -> Refused {
    Refused { cause: closed.cause, device: closed.device, detail: closed.detail }
}

// Whoever can't be looked up is not let in.
fn unavailable(error: &FleetError) -> Refused {
    warn!(%error, "a handshake could not be judged");
    Refused { cause: DiaryCause::ServerUnavailable, device: None, detail: error.to_string() }
}
