//! What a handshake asks: who names this identity, and may they come in. Called by the secure endpoint.

use std::net::SocketAddr;

use super::{credentials::name_of, enrol::removed_since, lock, make::not_let_in, when::utc};
use crate::{
    AuditEntry, Cause, Change, Claim, Commit, Credential, CredentialId, CredentialState, DeviceId,
    DiaryCause, EndpointName, Fleet, FleetError, Holder, Identity, Opening, PskIdentity, PskKey, Purpose,
    SecureSession, SecureSessionId, SeenCertificate, StoreError, TimelineEntry, TimelineKind, Timestamp,
    Verb,
    store::{AuditQuery, PageRequest},
};

mod recognise;

/// Why somebody is not let in. The device is told nothing of it; it is for the connection diary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Why.
    pub cause: DiaryCause,
    /// The device, where it is known.
    pub device: Option<DeviceId>,
    /// What was seen, in one line, without keys.
    pub detail: String,
}

/// A credential with the name of who holds it; what it may not be used for has been refused.
pub(super) struct Found {
    credential: Credential,
    endpoint: Option<EndpointName>,
}

impl Fleet {
    /// What a handshake at the server for `purpose` needs that names `identity`: the key to prove, and who it would be.
    ///
    /// The outer error is that of the store: nothing is known, and nothing is to be noted.
    pub async fn opening(
        &self,
        purpose: Purpose,
        identity: &[u8],
        now: Timestamp,
    ) -> Result<Result<Opening, Closed>, FleetError> {
        let unknown = |detail: &str| Closed {
            cause: DiaryCause::UnknownIdentity,
            device: None,
            detail: detail.to_owned(),
        };
        let Ok(identity) = PskIdentity::new(identity) else {
            return Ok(Err(unknown("an identity has 1 to 128 bytes")));
        };
        let Some((credential, secret)) = self.store.credential_by_name(&identity.into()).await? else {
            return Ok(Err(unknown("no credential has this identity")));
        };
        let key = secret.psk().cloned();
        Ok(self.judge(credential, purpose, now).await?.and_then(|found| match key {
            Some(key) => Ok(found.opening(Some(key))),
            // What was deleted with its device opens nothing, and was refused for that.
            None => Err(unknown("the credential of this identity has no key")),
        }))
    }

    /// A handshake has proved a key. Looks again, for it may have been revoked meanwhile; the first time, the credential
    /// becomes live and takes the place of all others of the device and purpose, whose sessions end. The session is kept in
    /// the same transaction, so that it may be told the peer once this returns; so is the certificate, if it is another.
    pub async fn opened(
        &self,
        identity: Identity,
        from: SocketAddr,
        session: Option<SecureSession>,
        certificate: Option<&SeenCertificate>,
        now: Timestamp,
    ) -> Result<Result<(), Closed>, FleetError> {
        let found = match self.still(identity, now).await? {
            Ok(found) => found,
            Err(closed) => return Ok(Err(closed)),
        };
        let mut commit = Commit::default();
        let mut retired = Vec::new();
        if found.credential.state == CredentialState::Staged {
            retired = self.prove(&mut commit, &found, from, now).await?;
        }
        if let Some(certificate) = certificate {
            self.see(&mut commit, &found, certificate, now).await?;
        }
        commit.changes.extend(session.map(|session| Change::SecureSessionOpened(Box::new(session))));
        if !commit.changes.is_empty() {
            match self.store.commit(commit).await {
                // It was revoked at this very moment, or proved by another handshake.
                Err(StoreError::Conflict) => {
                    let again = self.still(identity, now).await?;
                    return again.map_or_else(|closed| Ok(Err(closed)), |_| Err(StoreError::Conflict.into()));
                }
                committed => committed?,
            };
        }
        if !retired.is_empty() {
            self.downlink.end_sessions(&retired).await;
        }
        lock(&self.uses).credential(identity.credential, now);
        Ok(Ok(()))
    }

    /// A session of old that a peer wants to go on with by a new handshake, if whoever it belongs to may still come in.
    pub async fn resumption(
        &self,
        id: SecureSessionId,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<SecureSession>, FleetError> {
        let session = self.store.secure_session(id).await?;
        let Some(session) = session.filter(|session| session.identity.purpose == purpose) else {
            return Ok(None);
        };
        if self.still(session.identity, now).await?.is_err() {
            return Ok(None);
        }
        let seen = self.store.seen_certificates(&[session.identity.credential]).await?;
        let over = seen.iter().any(|(_, certificate)| certificate.not_after < now);
        Ok((!over).then_some(session))
    }

    /// What opens a session, as it is now.
    async fn still(&self, identity: Identity, now: Timestamp) -> Result<Result<Found, Closed>, FleetError> {
        let row = self.store.credential_row(identity.credential).await?;
        let Some((credential, _)) = row.filter(|(row, _)| row.holder == identity.holder) else {
            let detail = "the credential was deleted within the handshake".to_owned();
            let device = identity.device();
            return Ok(Err(Closed { cause: DiaryCause::CredentialRevoked, device, detail }));
        };
        self.judge(credential, identity.purpose, now).await
    }

    pub(super) async fn judge(
        &self,
        credential: Credential,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Result<Found, Closed>, FleetError> {
        let (device, endpoint, barred) = match credential.holder {
            Holder::Device(id) => {
                let device = self.store.device_row(id).await?.map(|view| view.device);
                let barred = match device.as_ref().map(removed_since) {
                    Some(None) => None,
                    Some(Some(since)) => Some((DiaryCause::DeviceRemoved, since)),
                    None => Some((DiaryCause::DeviceRemoved, "the device is not there any more".to_owned())),
                };
                (Some(id), device.map(|device| device.endpoint), barred)
            }
            Holder::Claim(id) => {
                let claim = self.store.claim(id).await?;
                let gone =
                    || Some((DiaryCause::ClaimWindowClosed, "the claim is not there any more".to_owned()));
                (None, None, claim.map_or_else(gone, |claim| shut(&claim, now)))
            }
        };
        let barred = match barred {
            Some(barred) => Some(barred),
            None if !credential.state.opens() => Some(self.ended(&credential, device).await?),
            None => match refused(&credential, purpose, now) {
                Some(refused) => Some(refused),
                None => self.barred(&credential).await?,
            },
        };
        Ok(match barred {
            Some((cause, detail)) => Err(Closed { cause, device, detail }),
            None => Ok(Found { credential, endpoint }),
        })
    }

    /// Since when a credential opens nothing, and by whom.
    async fn ended(
        &self,
        credential: &Credential,
        device: Option<DeviceId>,
    ) -> Result<(DiaryCause, String), FleetError> {
        let since = utc(credential.changed_at);
        if credential.state == CredentialState::Retired {
            return Ok((DiaryCause::CredentialReplaced, format!("replaced on {since}")));
        }
        let query = AuditQuery {
            verb: Some(Verb::RevokeCredential),
            device,
            since: Some(credential.changed_at),
            until: Some(Timestamp(credential.changed_at.0.saturating_add(1))),
            ..AuditQuery::all(PageRequest::first(PageRequest::MAX_LIMIT))
        };
        let name = name_of(credential);
        let entries = self.store.audit(&query).await?.rows.into_iter().map(|record| record.entry);
        let by = entries.filter(|entry| entry.object.starts_with(&name)).map(|entry| entry.actor).next();
        let by = by.map_or_else(String::new, |actor| format!(" by {actor}"));
        Ok((DiaryCause::CredentialRevoked, format!("revoked on {since}{by}")))
    }

    async fn prove(
        &self,
        commit: &mut Commit,
        found: &Found,
        from: SocketAddr,
        now: Timestamp,
    ) -> Result<Vec<CredentialId>, FleetError> {
        let Found { credential, endpoint } = found;
        commit.changes.push(Change::CredentialProved { id: credential.id, at: now });
        let request = self.random_request();
        let device = match credential.holder {
            Holder::Device(device) => Some(device),
            Holder::Claim(_) => None,
        };
        let tell = |commit: &mut Commit, verb, credential: &Credential, how: &str| {
            let name = name_of(credential);
            if let Some(device) = device {
                let detail = format!("{name} {how}");
                let kind = TimelineKind::Credential;
                let entry = TimelineEntry::new(device, now, kind, Some(request), &detail);
                commit.changes.push(Change::Timeline(entry));
            }
            let actor = endpoint.as_ref().map_or_else(|| "claim".to_owned(), ToString::to_string);
            let object = format!("{name}; {from}");
            commit.audit.push(AuditEntry {
                at: now,
                actor,
                cause: Cause::Device,
                request,
                verb,
                device,
                object,
            });
        };
        tell(commit, Verb::ProveCredential, credential, &format!("has proved itself from {from}"));
        let mut retired = Vec::new();
        if let Some(device) = device {
            for other in self.store.credentials(device).await? {
                let replaced =
                    other.id != credential.id && other.purpose == credential.purpose && other.state.opens();
                if replaced {
                    let (id, state) = (other.id, CredentialState::Retired);
                    commit.changes.push(Change::CredentialEnded { id, state, at: now });
                    tell(commit, Verb::RetireCredential, &other, "was replaced");
                    retired.push(other.id);
                }
            }
        }
        Ok(retired)
    }

    /// Keeps the certificate that a device has come with, if it is another than the last time.
    async fn see(
        &self,
        commit: &mut Commit,
        found: &Found,
        certificate: &SeenCertificate,
        now: Timestamp,
    ) -> Result<(), FleetError> {
        let credential = found.credential.id;
        let before = self.store.seen_certificates(&[credential]).await?;
        if before.iter().any(|(_, before)| before.is_same(certificate)) {
            return Ok(());
        }
        if let Holder::Device(device) = found.credential.holder {
            let (serial, issuer, until) =
                (&certificate.serial, &certificate.issuer, utc(certificate.not_after));
            let detail = format!("came with certificate {serial} of {issuer}, good until {until}");
            let entry = TimelineEntry::new(device, now, TimelineKind::Credential, None, &detail);
            commit.changes.push(Change::Timeline(entry));
        }
        let certificate = Box::new(certificate.clone());
        commit.changes.push(Change::CertificateSeen { credential, certificate });
        Ok(())
    }

    /// Why the class of whoever holds a credential does not let it in.
    async fn barred(&self, credential: &Credential) -> Result<Option<(DiaryCause, String)>, FleetError> {
        let class = self.class_of(credential).await?;
        let class = class.filter(|class| !class.policy.allows(credential.kind));
        let detail = class.map(|class| not_let_in(&class, credential.kind.name()));
        Ok(detail.map(|detail| (DiaryCause::CredentialKindNotAllowed, detail)))
    }
}

impl Found {
    /// What is told of it to whoever shakes hands.
    pub(super) fn opening(self, key: Option<PskKey>) -> Opening {
        let Credential { id, holder, purpose, .. } = self.credential;
        Opening { key, identity: Identity { credential: id, holder, purpose }, endpoint: self.endpoint }
    }
}

/// Why a credential that opens sessions does not open this one.
fn refused(credential: &Credential, purpose: Purpose, now: Timestamp) -> Option<(DiaryCause, String)> {
    match (credential.purpose, purpose) {
        (Purpose::Bootstrap, Purpose::Management) => {
            let detail = "this identity opens the bootstrap server, not the management server".to_owned();
            return Some((DiaryCause::BootstrapCredentialAtManagement, detail));
        }
        (Purpose::Management, Purpose::Bootstrap) => {
            let detail = "this identity opens the management server, not the bootstrap server".to_owned();
            return Some((DiaryCause::ManagementCredentialAtBootstrap, detail));
        }
        (Purpose::Bootstrap, Purpose::Bootstrap) | (Purpose::Management, Purpose::Management) => {}
    }
    // One that nobody asked to begin later is good from its making on, whatever a clock says that was set back since.
    if credential.valid_from > credential.created_at && now < credential.valid_from {
        let detail = format!("good from {} on", utc(credential.valid_from));
        return Some((DiaryCause::CredentialNotYetValid, detail));
    }
    let over = credential.valid_to.filter(|end| *end <= now)?;
    Some((DiaryCause::CredentialExpired, format!("its time was over on {}", utc(over))))
}

/// Why a claim lets nobody in now.
fn shut(claim: &Claim, now: Timestamp) -> Option<(DiaryCause, String)> {
    let closed = |detail: String| Some((DiaryCause::ClaimWindowClosed, detail));
    let name = &claim.name;
    if claim.closed {
        return closed(format!("the claim {name} was closed by hand"));
    }
    if now < claim.opens_at {
        return closed(format!("the claim {name} opens on {}", utc(claim.opens_at)));
    }
    if now >= claim.closes_at {
        return closed(format!("the claim {name} closed on {}", utc(claim.closes_at)));
    }
    // Whether the quota is used up is asked where the device is known: the last one may have been cut off within its
    // bootstrap, or have an approval.
    None
}
