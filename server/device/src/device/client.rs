//! The registration life: Register, Update, Deregister (LwM2M Core 1.1.1 §6.2), and the window of queue mode
//! (Transport 1.1.1 §6.5).

use std::time::Duration;

use coap::{Code, Failure, Method, Request, RequestId, Response};
use objects::{ResourceId, Value};

use super::{
    Device,
    bootstrap::Session,
    connection::{Goal, Link},
    endpoint,
};
use crate::{
    Event, Interaction,
    registration::{
        BOOTSTRAP_ON_FAILURE, DISABLE_TIMEOUT, RETRY_COUNT, RETRY_TIMER, Registration, SEQUENCE_COUNT,
        SEQUENCE_DELAY,
    },
};

/// Where a device is in its life.
#[derive(Debug)]
pub(super) enum Phase {
    Off {
        /// When the power is back, if nobody turns the device on before.
        back_at: Option<Duration>,
    },
    /// Between the request for a session and the session.
    Connecting {
        goal: Goal,
    },
    Bootstrapping(Box<Session>),
    Registering {
        request: RequestId,
        told: Registration,
    },
    /// Before the next attempt.
    Waiting {
        until: Duration,
        goal: Goal,
    },
    Registered {
        /// The segments of the path of the registration.
        location: Vec<String>,
        /// What the server knows.
        told: Registration,
        /// When the next Update is due.
        update_at: Duration,
        /// The Update that is under way, and what it tells.
        update: Option<(RequestId, Registration)>,
    },
    Deregistering {
        request: RequestId,
        then: Then,
    },
}

/// What follows when a device has left its server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// It registers again at this time.
    Back(Duration),
    Bootstrap,
    Off,
}

impl Phase {
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Self::Off { back_at } => *back_at,
            Self::Waiting { until, .. } => Some(*until),
            Self::Bootstrapping(session) => session.due(),
            Self::Registered { update_at, update: None, .. } => Some(*update_at),
            _ => None,
        }
    }
}

impl Device {
    /// Sends a Register. The observations of an earlier registration are over (LwM2M Core 1.1.1 §6.4).
    pub(super) fn register(&mut self, now: Duration) {
        self.end_observations();
        let told = Registration::of(&self.profile, &self.tree);
        let request = told.register(&self.profile);
        match self.ask(now, Interaction::Register, request) {
            Some(request) => self.phase = Phase::Registering { request, told },
            None => self.register_failed(now, None),
        }
    }

    /// Sends an Update, with what the server does not know yet.
    pub(super) fn update(&mut self, now: Duration) {
        let Phase::Registered { location, told, update: None, .. } = &self.phase else { return };
        let next = Registration::of(&self.profile, &self.tree);
        let request = next.update(&self.profile, told, location);
        let sent = self.ask(now, Interaction::Update, request);
        if let (Some(request), Phase::Registered { update, .. }) = (sent, &mut self.phase) {
            *update = Some((request, next));
        } else {
            self.register(now);
        }
    }

    /// Sends an Update if the server knows something that is no longer so.
    pub(super) fn update_if_needed(&mut self, now: Duration) {
        if let Phase::Registered { told, update: None, .. } = &self.phase
            && *told != Registration::of(&self.profile, &self.tree)
        {
            self.update(now);
        }
    }

    /// Sends a Deregister if there is something to deregister from.
    pub(super) fn leave(&mut self, now: Duration, then: Then) {
        if let Phase::Registered { location, .. } = &self.phase {
            let request = Request { path: location.clone(), ..Request::new(Method::Delete, "/") };
            if let Some(request) = self.ask(now, Interaction::Deregister, request) {
                self.phase = Phase::Deregistering { request, then };
                return;
            }
        }
        self.left(now, then);
    }

    /// Leaves for as long as the Server object says (LwM2M Core 1.1.1 §E.2, Disable).
    pub(super) fn disable(&mut self, now: Duration) {
        let seconds = match self.tree.account(DISABLE_TIMEOUT) {
            Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(DAY),
            _ => DAY,
        };
        self.leave(now, Then::Back(now + Duration::from_secs(seconds)));
    }

    /// Turns off whatever is under way.
    pub(super) fn turn_off(&mut self) {
        self.end_observations();
        self.starts = self.starts.wrapping_add(1);
        self.endpoint = endpoint(&self.profile, self.seed, self.starts);
        if self.link != Link::Direct {
            self.link = Link::Down;
        }
        self.phase = Phase::Off { back_at: None };
        self.failures = 0;
        self.bootstraps_failed = 0;
        self.awake_until = None;
        self.sends.clear();
        self.late.clear();
        self.after = None;
    }

    /// Does what is due in this phase of life.
    pub(super) fn live(&mut self, now: Duration) {
        if self.phase.due().is_some_and(|due| due <= now) {
            match self.phase {
                Phase::Off { .. } => self.start(now),
                Phase::Waiting { goal, .. } => self.connect(now, goal),
                Phase::Bootstrapping(_) => self.time_out_bootstrap(now),
                _ => self.update(now),
            }
        }
    }

    /// Takes the outcome of a request of ours.
    pub(super) fn on_outcome(
        &mut self,
        now: Duration,
        request: RequestId,
        outcome: Result<Response, Failure>,
    ) {
        if self.sends.remove(&request) {
            if self.succeeded(Interaction::Send, &outcome) {
                self.emit(Event::SendAccepted);
            }
            return;
        }
        if self.awaits_bootstrap(request) {
            return self.on_bootstrap_answered(now, &outcome);
        }
        match &self.phase {
            Phase::Registering { request: due, told } if *due == request => {
                let told = told.clone();
                self.on_registered(now, told, outcome);
            }
            Phase::Registered { update: Some((due, told)), .. } if *due == request => {
                let told = told.clone();
                self.on_updated(now, told, &outcome);
            }
            Phase::Deregistering { request: due, then } if *due == request => {
                let then = *then;
                if self.succeeded(Interaction::Deregister, &outcome) {
                    self.emit(Event::Deregistered);
                }
                self.left(now, then);
            }
            // What had been asked before the life took another turn.
            _ => {}
        }
    }

    fn on_registered(&mut self, now: Duration, told: Registration, outcome: Result<Response, Failure>) {
        let succeeded = self.succeeded(Interaction::Register, &outcome);
        match outcome {
            Ok(response) if succeeded => {
                self.failures = 0;
                self.bootstraps_failed = 0;
                let location = response.location_path;
                self.emit(Event::Registered { location: format!("/{}", location.join("/")) });
                let update_at = now + self.update_period(&told);
                self.phase = Phase::Registered { location, told, update_at, update: None };
                self.update_if_needed(now);
                self.resume_fetch(now);
            }
            outcome => self.register_failed(now, outcome.ok().map(|response| response.code)),
        }
    }

    /// An Update that fails, for whatever reason, leads to a Register (LwM2M Core 1.1.1 §6.2.2); where there was no answer, in
    /// a new session.
    fn on_updated(&mut self, now: Duration, next: Registration, outcome: &Result<Response, Failure>) {
        if !self.succeeded(Interaction::Update, outcome) {
            return if outcome.is_ok() { self.register(now) } else { self.connect(now, Goal::Register) };
        }
        self.emit(Event::UpdateAccepted);
        let next_update_at = now + self.update_period(&next);
        if let Phase::Registered { told, update, update_at, .. } = &mut self.phase {
            *told = next;
            *update = None;
            *update_at = next_update_at;
        }
        self.update_if_needed(now);
    }

    pub(super) fn left(&mut self, now: Duration, then: Then) {
        match then {
            Then::Back(until) => {
                self.disconnect(now);
                self.phase = Phase::Waiting { until, goal: Goal::Register };
            }
            Then::Bootstrap => self.hold_off(now),
            Then::Off => self.turn_off(),
        }
    }

    /// Waits before the next Register, or goes for the bootstrap server when it was the last (LwM2M Core 1.1.1 §6.2.1.2).
    pub(super) fn register_failed(&mut self, now: Duration, code: Option<Code>) {
        self.failures = self.failures.saturating_add(1);
        self.disconnect(now);
        let mut within = self.failures;
        let mut pause = None;
        if self.accounts.bootstrap().is_some() && self.tree.account(BOOTSTRAP_ON_FAILURE) != Some(&NO) {
            let count = self.number(RETRY_COUNT).unwrap_or(RETRIES).max(1);
            let sequences = self.number(SEQUENCE_COUNT).unwrap_or(1).max(1);
            if code == Some(Code::FORBIDDEN) || self.failures >= count.saturating_mul(sequences) {
                self.failures = 0;
                return self.hold_off(now);
            }
            within = self.failures % count;
            if within == 0 {
                pause = Some(Duration::from_secs(self.number(SEQUENCE_DELAY).map_or(DAY, u64::from)));
            }
        }
        let timer = self
            .number(RETRY_TIMER)
            .map_or(self.profile.retry, |seconds| Duration::from_secs(seconds.into()));
        let doubled = timer * (1 << within.saturating_sub(1).min(MAX_DOUBLINGS));
        self.phase = Phase::Waiting { until: now + pause.unwrap_or(doubled), goal: Goal::Register };
    }

    /// A number of the Server object.
    fn number(&self, resource: ResourceId) -> Option<u32> {
        match self.tree.account(resource)? {
            Value::Unsigned(number) => Some(u32::try_from(*number).unwrap_or(u32::MAX)),
            _ => None,
        }
    }

    /// How long after a Register or Update the next Update is due.
    fn update_period(&self, told: &Registration) -> Duration {
        // Object 1 calls a lifetime of 0 endless: nothing has to be refreshed in time.
        let lifetime = Duration::from_secs(if told.lifetime == 0 { DAY } else { told.lifetime.into() });
        (lifetime * self.profile.update_percent / 100).max(SHORTEST_PERIOD)
    }

    /// Sends a request of ours.
    pub(super) fn ask(
        &mut self,
        now: Duration,
        interaction: Interaction,
        request: Request,
    ) -> Option<RequestId> {
        match self.endpoint.send_request(now, self.server, request) {
            Ok(request) => Some(request),
            Err(error) => {
                self.emit(Event::Unsent { interaction, error });
                None
            }
        }
    }

    /// Whether the server has taken it; if not, the caller is told.
    pub(super) fn succeeded(
        &mut self,
        interaction: Interaction,
        outcome: &Result<Response, Failure>,
    ) -> bool {
        match outcome {
            Ok(Response { code, .. }) if Code::is_success(*code) => return true,
            Ok(Response { code, .. }) => self.emit(Event::Rejected { interaction, code: *code }),
            Err(failure) => self.emit(Event::Unanswered { interaction, failure: *failure }),
        }
        false
    }

    // === Queue mode ===

    /// A message comes or goes: the device is awake for a while.
    pub(super) fn stir(&mut self, now: Duration) {
        if !self.profile.queue_mode || matches!(self.phase, Phase::Off { .. }) {
            return;
        }
        if self.awake_until.replace(now + self.profile.awake).is_none() {
            self.emit(Event::Awake);
        }
    }

    /// When the window closes. It stays open while a session is made and a bootstrap is under way.
    pub(super) fn sleeps_at(&self) -> Option<Duration> {
        let busy = matches!(self.phase, Phase::Connecting { .. } | Phase::Bootstrapping(_));
        self.awake_until.filter(|_| !busy)
    }

    pub(super) fn fall_asleep(&mut self, now: Duration) {
        if self.sleeps_at().is_some_and(|until| until <= now) {
            self.awake_until = None;
            self.emit(Event::Asleep);
        }
    }
}

const DAY: u64 = 86_400;
pub(super) const MAX_DOUBLINGS: u32 = 4;
const NO: Value = Value::Boolean(false);
/// The default of the Communication Retry Count (LwM2M Core 1.1.1 §E.2).
const RETRIES: u32 = 5;
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);
