//! A gate that is a table, and does what it is told: waits, fails, panics.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use dtls::Claim;
use fleet::{
    CredentialId, DeviceId, DiaryCause, Holder, Identity, Incident, Opening, PskKey, Purpose, SecureSession,
    SecureSessionId, SessionMark,
};
use tokio::sync::Semaphore;

use super::super::{Gate, Refused};

pub(super) const KEY: &str = "7d3b8c0f51a94e6288d1f0c47a5be913";

/// Identities with their credentials, all of the one key, and what is kept.
pub(super) struct Table {
    /// Raw public keys and certificates, with their credentials.
    pub(super) proofs: Mutex<BTreeMap<Vec<u8>, i64>>,
    pub(super) revoked: Mutex<BTreeSet<CredentialId>>,
    pub(super) incidents: Mutex<Vec<Incident>>,
    /// The credentials that were looked up.
    pub(super) asked: Mutex<Vec<i64>>,
    /// The sessions that are to be kept, asked for and kept in that order.
    pub(super) opening: Mutex<Vec<SecureSession>>,
    pub(super) sessions: Mutex<BTreeMap<SecureSessionId, SecureSession>>,
    /// Those that can only be resumed.
    pub(super) over: Mutex<BTreeMap<SecureSessionId, SecureSession>>,
    pub(super) reserves: Mutex<Vec<u64>>,
    /// `node-7` is looked up by one each.
    pub(super) lookups: Semaphore,
    /// Each session takes one to be kept.
    pub(super) permits: Semaphore,
    /// Nothing can be kept.
    pub(super) fails: AtomicBool,
    /// What is to be kept makes it panic.
    pub(super) panics: AtomicBool,
}

pub(super) fn identity_of(id: i64, purpose: Purpose) -> Identity {
    Identity { credential: CredentialId(id), holder: Holder::Device(DeviceId(id)), purpose }
}

fn refused<T>(cause: DiaryCause, device: Option<DeviceId>, detail: &str) -> Result<T, Refused> {
    Err(Refused { cause, device, detail: detail.to_owned() })
}

impl Table {
    /// Knows `node-0` to `node-7`, panics at `node-8`, and can't look up `node-9`.
    pub(super) fn new() -> Self {
        Self {
            proofs: Mutex::default(),
            revoked: Mutex::default(),
            incidents: Mutex::default(),
            asked: Mutex::default(),
            opening: Mutex::default(),
            sessions: Mutex::default(),
            over: Mutex::default(),
            reserves: Mutex::default(),
            lookups: Semaphore::new(0),
            permits: Semaphore::new(1_000),
            fails: AtomicBool::new(false),
            panics: AtomicBool::new(false),
        }
    }

    /// What a shard would keep of what was heard.
    pub(super) fn heard(&self, mark: &SessionMark) {
        if let Some(session) = self.sessions.lock().unwrap().get_mut(&mark.id) {
            session.heard(mark);
        }
    }

    /// From now on nothing can be kept, or everything again.
    pub(super) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    fn is_failing(&self) -> bool {
        assert!(!self.panics.load(Ordering::Relaxed), "a gate that fails");
        self.fails.load(Ordering::Relaxed)
    }

    fn check(&self, identity: Identity) -> Result<(), Refused> {
        match self.revoked.lock().unwrap().contains(&identity.credential) {
            true => refused(DiaryCause::CredentialRevoked, identity.device(), "taken away"),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Gate for Table {
    async fn opening(&self, purpose: Purpose, claim: &Claim) -> Result<Opening, Refused> {
        let known = match claim {
            Claim::Psk(name) => match &name[..] {
                b"node-8" => panic!("a gate that fails"),
                b"node-9" => {
                    return refused(DiaryCause::ServerUnavailable, None, "the store does not answer");
                }
                [b'n', b'o', b'd', b'e', b'-', digit @ b'0'..=b'7'] => Some(i64::from(digit - b'0')),
                _ => None,
            },
            Claim::RawPublicKey(key) => self.proofs.lock().unwrap().get(key).copied(),
            Claim::Certificate { chain, .. } => self.proofs.lock().unwrap().get(&chain[0]).copied(),
        };
        let Some(id) = known else {
            return match claim {
                Claim::Psk(_) => refused(DiaryCause::UnknownIdentity, None, "no credential of this identity"),
                _ => refused(DiaryCause::UnknownCertificate, None, "no credential of this key"),
            };
        };
        self.asked.lock().unwrap().push(id);
        if id == 7 {
            self.lookups.acquire().await.unwrap().forget();
        }
        let identity = identity_of(id, purpose);
        self.check(identity)?;
        let key = matches!(claim, Claim::Psk(_)).then(|| PskKey::from_hex(KEY).unwrap());
        Ok(Opening { key, identity, endpoint: None })
    }

    async fn opened(&self, session: SecureSession, _: Option<&Claim>) -> Result<(), Refused> {
        self.opening.lock().unwrap().push(session.clone());
        self.permits.acquire().await.unwrap().forget();
        if self.is_failing() {
            return refused(DiaryCause::ServerUnavailable, None, "the store does not answer");
        }
        self.check(session.identity)?;
        self.sessions.lock().unwrap().insert(session.id, session);
        Ok(())
    }

    async fn resumption(&self, _: Purpose, session: SecureSessionId) -> Option<SecureSession> {
        let kept = self.sessions.lock().unwrap().get(&session).cloned();
        let found = kept.or_else(|| self.over.lock().unwrap().get(&session).cloned())?;
        self.check(found.identity).is_ok().then_some(found)
    }

    async fn reserve(&self, session: SecureSessionId, upto: u64) -> bool {
        if self.is_failing() {
            return false;
        }
        self.reserves.lock().unwrap().push(upto);
        if let Some(session) = self.sessions.lock().unwrap().get_mut(&session) {
            session.reserved = session.reserved.max(upto);
        }
        true
    }

    async fn keep(&self, heard: Vec<SessionMark>, ended: Vec<(SecureSessionId, bool)>) -> bool {
        if self.is_failing() {
            return false;
        }
        heard.iter().for_each(|mark| self.heard(mark));
        for (id, resumable) in ended {
            let session = self.sessions.lock().unwrap().remove(&id);
            self.over.lock().unwrap().extend(session.filter(|_| resumable).map(|session| (id, session)));
        }
        true
    }

    fn incident(&self, incident: Incident) {
        self.incidents.lock().unwrap().push(incident);
    }
}
