//! Those who want to come in: what they ask of the gate, and what becomes of them.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use dtls::{Claim, Event, Failure, HandshakeId, Job, Known, Reason, Saved, SessionId, Tag};
use fleet::{
    CredentialId, DiaryCause, Identity, Opening, Origin, SecureSession, SecureSessionId, SessionState,
};
use futures::FutureExt;
use tracing::error;

use super::{Answer, Doorkeeper, saved};
use crate::endpoint::{
    Incoming,
    dtls::{Refused, failure, gate},
};

/// What is known of somebody who is not in yet.
#[derive(Debug, Default)]
pub(super) struct Entering {
    /// Whom the gate knows them as.
    identity: Option<Identity>,
    /// Why the gate does not let them in.
    refused: Option<Refused>,
    /// The session that is being kept, or is.
    session: Option<SecureSessionId>,
}

impl Doorkeeper {
    /// Does what a handshake asks.
    pub(super) fn attend(&mut self, event: Event) {
        match event {
            Event::Identify { handshake, claim, .. } => {
                self.entering.entry(handshake).or_default();
                let (gate, purpose) = (Arc::clone(&self.gate), self.purpose);
                self.beside(async move { gate.opening(purpose, &claim).await }, move |answer| {
                    Answer::Identified(handshake, answer.unwrap_or_else(|| Err(failed())))
                });
            }
            Event::Resume { handshake, session } => {
                self.entering.entry(handshake).or_default();
                let (gate, purpose) = (Arc::clone(&self.gate), self.purpose);
                self.beside(
                    async move { gate.resumption(purpose, SecureSessionId(session.0)).await },
                    move |found| Answer::Resumed(handshake, found.flatten()),
                );
            }
            Event::Compute(job) => self.compute(job),
            Event::Opened { handshake, session, claim, .. } => self.open(handshake, session, claim),
            Event::Connected { handshake, session } => self.enter(handshake, session),
            Event::Failed(failure) => self.fail(&failure),
            _ => {}
        }
    }

    pub(super) fn take(&mut self, answer: Answer) {
        let now = self.now();
        match answer {
            Answer::Identified(handshake, Ok(opening)) => {
                let Some(entering) = self.entering.get_mut(&handshake) else { return };
                entering.identity = Some(opening.identity);
                self.engine.identified(now, handshake, Ok(known(opening)));
            }
            Answer::Identified(handshake, Err(refused)) => self.refuse(handshake, refused, false),
            Answer::Computed(computed) => self.engine.computed(now, computed),
            Answer::Admitted(handshake, session, admitted) => match admitted {
                // It has ended meanwhile, which the gate may have been told before it kept this.
                _ if !self.entering.contains_key(&handshake) => self.ended.push((session, false)),
                Ok(()) => self.engine.admitted(now, handshake, Ok(())),
                Err(refused) => self.refuse(handshake, refused, true),
            },
            Answer::Resumed(handshake, found) => {
                let Some(entering) = self.entering.get_mut(&handshake) else { return };
                entering.identity = found.as_ref().map(|session| session.identity);
                self.engine.resumed(now, handshake, found.map(saved).as_ref());
            }
            Answer::Introduced(session, found) => self.introduce_found(session, found),
            Answer::Reserved(session, upto, true) => self.engine.reserved(session, upto),
            Answer::Reserved(session, upto, false) => {
                if self.engine.peer_of(session).is_some() {
                    self.unreserved.insert(session, upto);
                }
            }
            Answer::Kept(ended) => self.ended.extend(ended),
        }
    }

    /// A credential is good for nothing any more.
    pub(super) fn take_back(&mut self, credential: CredentialId) {
        self.arrived.retain(|incoming| match incoming {
            Incoming::SessionBegan(origin, _) | Incoming::SessionRestored { origin, .. } => {
                origin.identity.is_none_or(|identity| identity.credential != credential)
            }
            _ => true,
        });
    }

    /// A public-key operation takes a tenth of a millisecond and more, of which there are many: not on the threads that
    /// serve sockets.
    fn compute(&self, job: Job) {
        let (answers, clock) = (self.answers.clone(), self.clock.clone());
        tokio::task::spawn_blocking(move || {
            let computed = job.run(&ring::rand::SystemRandom::new(), clock.unix_time());
            // Nobody is there any more who could use it.
            let _ = answers.blocking_send(Answer::Computed(computed));
        });
    }

    /// Somebody has proved who they are: the session is kept, and then they are let in.
    fn open(&mut self, handshake: HandshakeId, session: Saved, claim: Option<Claim>) {
        let identity = self.entering.get(&handshake).and_then(|entering| entering.identity);
        let Some(identity) = identity.filter(|identity| tag(identity.credential) == session.tag) else {
            return self.refuse(handshake, failed(), true);
        };
        let at = self.clock.now().wall;
        // A wall clock that was set back does not put it before those that are there.
        self.newest = at.max(self.newest.after(Duration::from_millis(1)));
        let session = SecureSession {
            id: SecureSessionId(session.id.0),
            identity,
            source: self.source(session.peer),
            reserved: session.reserved,
            received: session.received,
            state: SessionState::new(session.state.to_vec()),
            began_at: self.newest,
            heard_at: at,
        };
        let (gate, id) = (Arc::clone(&self.gate), session.id);
        self.entering.entry(handshake).or_default().session = Some(id);
        self.beside(async move { gate.opened(session, claim.as_ref()).await }, move |answer| {
            Answer::Admitted(handshake, id, answer.unwrap_or_else(|| Err(failed())))
        });
    }

    fn enter(&mut self, handshake: HandshakeId, session: SessionId) {
        let identity = self.entering.remove(&handshake).and_then(|entering| entering.identity);
        if let (Some(identity), Some(peer)) = (identity, self.engine.peer_of(session)) {
            let origin = Origin { source: self.source(peer), identity: Some(identity) };
            self.arrived.push(Incoming::SessionBegan(origin, SecureSessionId(session.0)));
        }
    }

    fn refuse(&mut self, handshake: HandshakeId, refused: Refused, proved: bool) {
        let now = self.now();
        let alert = failure::alert(&refused, proved);
        // One that has ended meanwhile is told of already.
        let Some(entering) = self.entering.get_mut(&handshake) else { return };
        entering.refused = Some(refused);
        match proved {
            true => self.engine.admitted(now, handshake, Err(alert)),
            false => self.engine.identified(now, handshake, Err(alert)),
        }
    }

    fn fail(&mut self, failure: &Failure) {
        let entering = failure.handshake.and_then(|handshake| self.entering.remove(&handshake));
        let entering = entering.unwrap_or_default();
        // It may have been kept already.
        self.ended.extend(entering.session.map(|session| (session, false)));
        let subject = failure.claim.as_ref().map_or_else(|| failure.from.ip().to_string(), failure::subject);
        let refused = entering.refused.filter(|_| matches!(failure.reason, Reason::Refused(_)));
        if let Some(Refused { cause, device, detail }) = refused {
            let at = self.clock.now().wall;
            let (from, listener) = (failure.from, self.name.clone());
            self.gate.incident(fleet::Incident { at, cause, subject, from, listener, device, detail });
        } else if let Some(cause) = failure::cause(&failure.reason) {
            self.tell(cause, failure.from, subject, entering.identity, failure::detail(failure));
        }
    }

    /// Does something beside, and hands back what came of it: nothing if it panicked.
    pub(super) fn beside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        answer: impl FnOnce(Option<T>) -> Answer + Send + 'static,
    ) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let done = AssertUnwindSafe(work).catch_unwind().await.ok();
            if done.is_none() {
                error!("what a secure socket had asked for panicked");
                metrics::counter!("muster_dtls_panics_total").increment(1);
            }
            // Nobody is there any more who could use it.
            let _ = answers.send(answer(done)).await;
        });
    }
}

pub(super) fn tag(credential: CredentialId) -> Tag {
    Tag(credential.0.cast_unsigned())
}

fn known(opening: Opening) -> Known {
    Known {
        tag: tag(opening.identity.credential),
        key: opening.key.map(|key| zeroize::Zeroizing::new(key.as_bytes().to_vec())),
        shared: gate::is_shared(&opening.identity),
    }
}

fn failed() -> Refused {
    let detail = "the server failed within the handshake; its log says where".to_owned();
    Refused { cause: DiaryCause::ServerUnavailable, device: None, detail }
}
