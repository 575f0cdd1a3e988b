//! The gate: what the secure listeners ask, answered by the fleet.

use std::sync::{Arc, Mutex, PoisonError};

use ::fleet::{
    Certificate, Change, Closed, Commit, DiaryCause, Distrust, Fleet, FleetError, Incident, Opening, Purpose,
    SecureSession, SecureSessionId, SeenCertificate, SessionMark, Store,
};
use async_trait::async_trait;
use dtls::{Claim, Trust, Untrusted};
use tracing::{error, warn};

use crate::{
    clock::Clock,
    endpoint::dtls::{Gate, Refused},
};

/// The fleet, as it is asked at the door.
pub(crate) struct FleetGate {
    fleet: Arc<Fleet>,
    store: Arc<dyn Store>,
    clock: Clock,
    /// Whom certificates are believed by, and the version of the authorities that it was made of.
    trust: Mutex<Option<(u64, Arc<Trust>)>>,
}

impl FleetGate {
    pub(crate) fn new(fleet: Arc<Fleet>, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { fleet, store, clock, trust: Mutex::default() }
    }

    /// Whether an authority vouches for a chain, by the authorities of this moment.
    async fn vouched(&self, chain: &[Vec<u8>]) -> Result<Result<(), Distrust>, FleetError> {
        let version = self.fleet.trust_version();
        let trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let trust = match trust {
            Some((of, trust)) if of == version => trust,
            _ => {
                let authorities = self.fleet.trusted().await?;
                let authorities = authorities.iter().map(|(one, list)| (one.as_slice(), list.as_deref()));
                let trust = Trust::new(authorities.filter(|authority| is_usable(*authority)))
                    .expect("each of them was looked at");
                let trust = Arc::new(trust);
                let mut kept = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some((version, Arc::clone(&trust)));
                trust
            }
        };
        Ok(trust.verify(chain, self.clock.unix_time()).map_err(distrust))
    }

    async fn commit(&self, changes: Vec<Change>) -> bool {
        let committed = self.store.commit(Commit { changes, audit: Vec::new() }).await;
        if let Err(error) = &committed {
            warn!(%error, "what is kept of secure sessions could not be written");
        }
        committed.is_ok()
    }
}

#[async_trait]
impl Gate for FleetGate {
    async fn opening(&self, purpose: Purpose, claim: &Claim) -> Result<Opening, Refused> {
        let now = self.clock.wall();
        let asked = match claim {
            Claim::Psk(identity) => self.fleet.opening(purpose, identity, now).await,
            Claim::RawPublicKey(key) => self.fleet.opening_by_key(purpose, key, now).await,
            Claim::Certificate { chain, .. } => {
                let own = chain.first().map_or(&[][..], Vec::as_slice);
                let certificate = Certificate::parse(own).map_err(|error| Refused {
                    cause: DiaryCause::CertificateUntrusted,
                    device: None,
                    detail: format!("its certificate can't be read: {error}"),
                })?;
                let vouched = self.vouched(chain).await.map_err(|error| unavailable(&error))?;
                self.fleet.opening_by_certificate(purpose, &certificate, vouched, now).await
            }
        };
        asked.map_err(|error| unavailable(&error))?.map_err(refused)
    }

    async fn opened(&self, session: SecureSession, claim: Option<&Claim>) -> Result<(), Refused> {
        let (now, identity, from) = (self.clock.wall(), session.identity, session.source.address);
        let seen = match claim {
            Some(Claim::Certificate { chain, .. }) => SeenCertificate::of(chain, now).ok(),
            Some(Claim::Psk(_) | Claim::RawPublicKey(_)) | None => None,
        };
        let asked = self.fleet.opened(identity, from, Some(session), seen.as_ref(), now).await;
        asked.map_err(|error| unavailable(&error))?.map_err(refused)
    }

    async fn resumption(&self, purpose: Purpose, session: SecureSessionId) -> Option<SecureSession> {
        let found = self.fleet.resumption(session, purpose, self.clock.wall()).await;
        found.unwrap_or_else(|error| {
            warn!(%error, "a session of old could not be looked up");
            None
        })
    }

    async fn reserve(&self, session: SecureSessionId, upto: u64) -> bool {
        self.commit(vec![Change::SecureSessionReserved { id: session, upto }]).await
    }

    async fn keep(&self, heard: Vec<SessionMark>, ended: Vec<(SecureSessionId, bool)>) -> bool {
        let ended = ended.into_iter().map(|(id, resumable)| Change::SecureSessionEnded { id, resumable });
        self.commit(std::iter::once(Change::SecureSessionsHeard(heard)).chain(ended).collect()).await
    }

    fn incident(&self, incident: Incident) {
        self.fleet.incident(incident);
    }
}

/// What is stored was looked at when it was given. One that is no good all the same takes no other along.
fn is_usable(authority: (&[u8], Option<&[u8]>)) -> bool {
    let read = Trust::new([authority]);
    if let Err(error) = &read {
        let fingerprint = ::fleet::Fingerprint::of(authority.0);
        error!(authority = %fingerprint, %error, "an authority is believed no more: it, or its revocation list, can't be read");
    }
    read.is_ok()
}

fn distrust(untrusted: Untrusted) -> Distrust {
    match untrusted {
        Untrusted::Expired { .. } => Distrust::Expired,
        Untrusted::NotYetValid { .. } => Distrust::NotYetValid,
        Untrusted::Revoked => Distrust::Revoked,
        other => Distrust::Unknown { detail: other.to_string() },
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
