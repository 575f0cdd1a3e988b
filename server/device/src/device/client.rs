//! The registration life: Register, Update, Deregister (LwM2M Core 1.1.1 §6.2), and the window of queue mode
//! (Transport 1.1.1 §6.5).

use std::time::Duration;

use coap::{Code, Failure, Method, Request, RequestId, Response};
use objects::Value;

use super::{Device, Server, endpoint};
use crate::{
    Event, Interaction,
    registration::{DISABLE_TIMEOUT, Registration},
};

/// Where a device is in its registration life.
#[derive(Debug)]
pub(super) enum Life {
    Off,
    Registering {
        request: RequestId,
        told: Registration,
    },
    /// Between two Registers.
    Waiting {
        until: Duration,
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
        /// When to register again, if ever.
        back_at: Option<Duration>,
    },
}

impl Life {
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until } => Some(*until),
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
            Some(request) => self.life = Life::Registering { request, told },
            None => self.wait(now),
        }
    }

    /// Sends an Update, with what the server does not know yet.
    pub(super) fn update(&mut self, now: Duration) {
        let Life::Registered { location, told, update: None, .. } = &self.life else { return };
        let next = Registration::of(&self.profile, &self.tree);
        let request = next.update(&self.profile, told, location);
        let sent = self.ask(now, Interaction::Update, request);
        if let (Some(request), Life::Registered { update, .. }) = (sent, &mut self.life) {
            *update = Some((request, next));
        } else {
            self.register(now);
        }
    }

    /// Sends an Update if the server knows something that is no longer so.
    pub(super) fn update_if_needed(&mut self, now: Duration) {
        if let Life::Registered { told, update: None, .. } = &self.life
            && *told != Registration::of(&self.profile, &self.tree)
        {
            self.update(now);
        }
    }

    /// Sends a Deregister if there is something to deregister from; then the device is off, or back at a given time.
    pub(super) fn leave(&mut self, now: Duration, back_at: Option<Duration>) {
        if let Life::Registered { location, .. } = &self.life {
            let request = Request { path: location.clone(), ..Request::new(Method::Delete, "/") };
            if let Some(request) = self.ask(now, Interaction::Deregister, request) {
                self.life = Life::Deregistering { request, back_at };
                return;
            }
        }
        self.left(back_at);
    }

    /// Leaves for as long as the Server object says (LwM2M Core 1.1.1 §E.2, Disable).
    pub(super) fn disable(&mut self, now: Duration) {
        let seconds = match self.tree.account(DISABLE_TIMEOUT) {
            Some(Value::Integer(seconds)) => u64::try_from(*seconds).unwrap_or(DAY),
            _ => DAY,
        };
        self.leave(now, Some(now + Duration::from_secs(seconds)));
    }

    /// Turns off whatever is under way.
    pub(super) fn turn_off(&mut self) {
        self.end_observations();
        self.starts = self.starts.wrapping_add(1);
        self.endpoint = endpoint(&self.profile, self.seed, self.starts);
        self.life = Life::Off;
        self.failures = 0;
        self.awake_until = None;
        self.sends.clear();
        self.late.clear();
        self.after = None;
    }

    /// Does what is due in the registration life.
    pub(super) fn live(&mut self, now: Duration) {
        if self.life.due().is_some_and(|due| due <= now) {
            match self.life {
                Life::Waiting { .. } => self.register(now),
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
        match &self.life {
            Life::Registering { request: due, told } if *due == request => {
                let told = told.clone();
                self.on_registered(now, told, outcome);
            }
            Life::Registered { update: Some((due, told)), .. } if *due == request => {
                let told = told.clone();
                self.on_updated(now, told, &outcome);
            }
            Life::Deregistering { request: due, back_at } if *due == request => {
                let back_at = *back_at;
                if self.succeeded(Interaction::Deregister, &outcome) {
                    self.emit(Event::Deregistered);
                }
                self.left(back_at);
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
                let location = response.location_path;
                self.emit(Event::Registered { location: format!("/{}", location.join("/")) });
                let update_at = now + self.update_period(&told);
                self.life = Life::Registered { location, told, update_at, update: None };
                self.update_if_needed(now);
            }
            _ => self.wait(now),
        }
    }

    /// An Update that fails, for whatever reason, leads to a Register (LwM2M Core 1.1.1 §6.2.2).
    fn on_updated(&mut self, now: Duration, next: Registration, outcome: &Result<Response, Failure>) {
        if !self.succeeded(Interaction::Update, outcome) {
            return self.register(now);
        }
        self.emit(Event::UpdateAccepted);
        let next_update_at = now + self.update_period(&next);
        if let Life::Registered { told, update, update_at, .. } = &mut self.life {
            *told = next;
            *update = None;
            *update_at = next_update_at;
        }
        self.update_if_needed(now);
    }

    fn left(&mut self, back_at: Option<Duration>) {
        match back_at {
            Some(until) => {
                self.end_observations();
                self.life = Life::Waiting { until };
            }
            None => self.turn_off(),
        }
    }

    /// Waits before the next Register.
    fn wait(&mut self, now: Duration) {
        let factor = 1 << self.failures.min(MAX_DOUBLINGS);
        self.failures += 1;
        self.life = Life::Waiting { until: now + self.profile.retry * factor };
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
        match self.endpoint.send_request(now, Server, request) {
            Ok(request) => Some(request),
            Err(error) => {
                self.emit(Event::Unsent { interaction, error });
                None
            }
        }
    }

    /// Whether the server has taken it; if not, the caller is told.
    fn succeeded(&mut self, interaction: Interaction, outcome: &Result<Response, Failure>) -> bool {
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
        if !self.profile.queue_mode || matches!(self.life, Life::Off) {
            return;
        }
        if self.awake_until.replace(now + self.profile.awake).is_none() {
            self.emit(Event::Awake);
        }
    }

    pub(super) fn fall_asleep(&mut self, now: Duration) {
        if self.awake_until.is_some_and(|until| until <= now) {
            self.awake_until = None;
            self.emit(Event::Asleep);
        }
    }
}

const DAY: u64 = 86_400;
const MAX_DOUBLINGS: u32 = 4;
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);
