//! Bootstrap (LwM2M Core 1.1.1 §6.1, Transport 1.1.1 §6.4.2): the device asks for it, and the bootstrap server writes.

use std::time::Duration;

use coap::{Code, Failure, Method, Request, RequestId, Response};
use objects::{ContentFormat, ObjectId, Path, Value, Version, link::Discovered};

use super::{
    Device,
    client::{MAX_DOUBLINGS, Phase},
    connection::Goal,
    management::{After, Done},
};
use crate::{
    Event, Interaction, Tree,
    refusal::Refusal,
    registration::LAST_BOOTSTRAPPED,
    security::{Accounts, SECURITY},
    tree::{Payload, SERVER},
};

/// A bootstrap that is under way.
#[derive(Debug)]
pub(super) struct Session {
    /// The request for it, until it is answered.
    request: Option<RequestId>,
    /// When the server has been silent for too long.
    idle_at: Duration,
    /// What the device had before.
    before: (Tree, Accounts),
    /// Whether the server has asked for anything.
    heard: bool,
    /// Whether the server has finished, so that the device is about to leave.
    finished: bool,
}

impl Session {
    pub(super) fn due(&self) -> Option<Duration> {
        (!self.finished).then_some(self.idle_at)
    }
}

impl Device {
    /// Goes for the bootstrap server when the hold-off of its account is over (LwM2M Core 1.1.1 §E.1, Client Hold Off Time).
    pub(super) fn hold_off(&mut self, now: Duration) {
        self.disconnect(now);
        let pause = self.accounts.hold_off();
        if pause.is_zero() {
            self.connect(now, Goal::Bootstrap);
        } else {
            self.phase = Phase::Waiting { until: now.saturating_add(pause), goal: Goal::Bootstrap };
        }
    }

    /// Sends the Bootstrap-Request.
    pub(super) fn request_bootstrap(&mut self, now: Duration) {
        // What a management server has ordered does not break into a bootstrap.
        self.after = None;
        let mut request = Request::new(Method::Post, "/bs");
        if self.profile.names_itself {
            request.queries.push(format!("ep={}", self.profile.endpoint));
        }
        if let Some(format) = self.profile.preferred_bootstrap_format {
            request.queries.push(format!("pct={}", format.0));
        }
        match self.ask(now, Interaction::Bootstrap, request) {
            None => self.bootstrap_failed(now),
            request => {
                self.phase = Phase::Bootstrapping(Box::new(Session {
                    request,
                    idle_at: now + IDLE,
                    before: (self.tree.clone(), self.accounts.clone()),
                    heard: false,
                    finished: false,
                }));
            }
        }
    }

    /// Takes the answer to the Bootstrap-Request.
    pub(super) fn on_bootstrap_answered(&mut self, now: Duration, outcome: &Result<Response, Failure>) {
        let Phase::Bootstrapping(session) = &mut self.phase else { return };
        session.request = None;
        session.idle_at = now + IDLE;
        // The server may be at work though its answer was lost.
        let goes_on = session.heard && outcome.is_err();
        if !goes_on {
            if self.succeeded(Interaction::Bootstrap, outcome) {
                self.emit(Event::BootstrapAccepted);
            } else {
                self.give_up(now);
            }
        }
    }

    pub(super) fn awaits_bootstrap(&self, request: RequestId) -> bool {
        matches!(&self.phase, Phase::Bootstrapping(session) if session.request == Some(request))
    }

    /// Whether a bootstrap server is to be heard, and takes note that it was.
    pub(super) fn hear_bootstrap(&mut self, now: Duration) -> Option<Result<(), Refusal>> {
        let Phase::Bootstrapping(session) = &mut self.phase else { return None };
        session.heard = true;
        session.idle_at = now + IDLE;
        Some(if session.finished { Err(Refusal::Finished) } else { Ok(()) })
    }

    /// The server has been silent for EXCHANGE_LIFETIME.
    pub(super) fn time_out_bootstrap(&mut self, now: Duration) {
        self.emit(Event::BootstrapAbandoned);
        self.give_up(now);
    }

    /// Is as it was before the bootstrap, and tries something else.
    pub(super) fn abandon(&mut self, now: Duration, session: Session) {
        if session.finished {
            return self.connect(now, Goal::Register);
        }
        (self.tree, self.accounts) = session.before;
        self.bootstrap_failed(now);
    }

    /// What is left of a bootstrap that is under way when the device is turned off.
    pub(super) fn cut_off_bootstrap(&mut self) {
        if let Phase::Bootstrapping(session) = &mut self.phase
            && !session.finished
            && !self.faults.keeps_unfinished_bootstrap
        {
            std::mem::swap(&mut self.tree, &mut session.before.0);
            std::mem::swap(&mut self.accounts, &mut session.before.1);
        }
    }

    /// Falls back to the management server, at once the first time; without one, tries again. Each further failure in a row
    /// doubles the wait.
    pub(super) fn bootstrap_failed(&mut self, now: Duration) {
        self.disconnect(now);
        let goal = match self.accounts.management(&self.tree) {
            Some(_) => Goal::Register,
            None => Goal::Bootstrap,
        };
        let failures = self.bootstraps_failed;
        self.bootstraps_failed = failures.saturating_add(1);
        if goal == Goal::Register && failures == 0 {
            self.connect(now, goal);
        } else {
            let until = now + self.profile.retry * (1 << failures.min(MAX_DOUBLINGS));
            self.phase = Phase::Waiting { until, goal };
        }
    }

    /// Leaves the bootstrap server that has finished, when nothing is owed to it any more.
    pub(super) fn conclude(&mut self, now: Duration) {
        if let Some(owed) = self.late.iter().map(|(at, ..)| *at).max() {
            self.after = Some((owed, After::Conclude));
        } else if self.is_bootstrapping() {
            self.connect(now, Goal::Register);
        }
    }

    fn give_up(&mut self, now: Duration) {
        let waiting = Phase::Waiting { until: now, goal: Goal::Bootstrap };
        if let Phase::Bootstrapping(session) = std::mem::replace(&mut self.phase, waiting) {
            self.abandon(now, *session);
        }
    }

    // === What the bootstrap server asks ===

    /// The enabler version and the instances, all or of one object (LwM2M Core 1.1.1 §6.1.7.3).
    pub(super) fn bootstrap_discover(&self, path: &Path) -> Result<Done, Refusal> {
        let objects = match *path {
            Path::Root => [SECURITY].into_iter().chain(self.tree.objects()).collect(),
            Path::Object(SECURITY) => vec![SECURITY],
            Path::Object(object) if self.tree.exists(path) => vec![object],
            Path::Object(_) => return Err(Refusal::NotFound { path: *path }),
            _ => return Err(Refusal::Bootstrap { path: *path }),
        };
        let links =
            |object: ObjectId| self.tree_of(object).bootstrap_links(object, self.accounts.bootstrap());
        let lwm2m = self.tree.lwm2m();
        let mut found = Discovered {
            lwm2m: Some(lwm2m),
            links: objects.into_iter().flat_map(links).collect(),
            ..Discovered::default()
        };
        // LwM2M 1.0.2 §5.2.7.3 has the version in front of the links.
        let front = if lwm2m < Version::V1_1 {
            found.lwm2m = None;
            format!("lwm2m=\"{lwm2m}\",")
        } else {
            String::new()
        };
        let payload = format!("{front}{found}");
        Ok(Done::new(Response::new(Code::CONTENT).with_payload(ContentFormat::LINK.0, payload)))
    }

    /// Since LwM2M 1.1, and of Server and Access Control alone (LwM2M Core 1.1.1 §6.1.7, Bootstrap-Read).
    pub(super) fn bootstrap_read(&self, path: &Path, request: &Request) -> Result<Done, Refusal> {
        match path {
            Path::Object(ObjectId(1 | 2)) | Path::Instance(ObjectId(1 | 2), _)
                if self.tree.lwm2m() >= Version::V1_1 =>
            {
                self.read(path, request).map(Done::new)
            }
            _ => Err(Refusal::NotAllowed { path: *path }),
        }
    }

    pub(super) fn bootstrap_write(&mut self, path: Path, payload: Payload<'_>) -> Result<Done, Refusal> {
        let tree = match path.object() {
            Some(SECURITY) => self.accounts.tree_mut(),
            _ => &mut self.tree,
        };
        tree.bootstrap_write(&path, payload)?;
        Ok(Done::with(Code::CHANGED, Event::Written { path }))
    }

    /// Takes instances away; the bootstrap account and the Device instance stay (LwM2M Core 1.1.1 §6.1.7, Bootstrap-Delete).
    pub(super) fn bootstrap_delete(&mut self, path: Path) -> Result<Done, Refusal> {
        let bootstrap = self.accounts.bootstrap();
        let stays = move |object, instance| match object {
            SECURITY => Some(instance) == bootstrap,
            object => object == DEVICE,
        };
        let exists = path.object().is_none_or(|object| self.tree_of(object).exists(&path));
        let refused = match path {
            Path::Object(object) => object == DEVICE,
            Path::Instance(object, instance) => stays(object, instance),
            _ => path.depth() > 2,
        };
        if refused || !exists {
            return Err(Refusal::Bootstrap { path });
        }
        self.tree.bootstrap_delete(&path, stays);
        self.accounts.tree_mut().bootstrap_delete(&path, stays);
        Ok(Done::with(Code::DELETED, Event::Deleted { path }))
    }

    /// The server has written everything (LwM2M Core 1.1.1 §6.1.7, Bootstrap-Finish).
    pub(super) fn bootstrap_finish(&mut self, now: Duration) -> Result<Done, Refusal> {
        if let Err(reason) = self.accounts.check(&self.tree) {
            self.emit(Event::BootstrapInconsistent { reason: reason.clone() });
            return Err(reason.into());
        }
        if let Phase::Bootstrapping(session) = &mut self.phase {
            session.finished = true;
        }
        self.bootstraps_failed = 0;
        self.failures = 0;
        self.tree.forget_attributes();
        if let Some((_, server)) =
            self.accounts.management(&self.tree).filter(|_| self.tree.lwm2m() >= Version::V1_1)
        {
            let at = Path::Resource(SERVER, server, LAST_BOOTSTRAPPED);
            let seconds = Value::Time(self.time_ms(now) / 1000);
            self.tree.set(at, seconds).expect("Last Bootstrapped is a time");
        }
        self.put_off(now, After::Conclude);
        Ok(Done::with(Code::CHANGED, Event::Bootstrapped))
    }

    fn tree_of(&self, object: ObjectId) -> &Tree {
        if object == SECURITY { self.accounts.tree() } else { &self.tree }
    }
}

const DEVICE: ObjectId = ObjectId(3);

/// After which silence of the server the bootstrap has failed: EXCHANGE_LIFETIME (RFC 7252 §4.8.2).
const IDLE: Duration = Duration::from_secs(247);
