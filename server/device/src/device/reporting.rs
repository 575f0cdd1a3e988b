//! Observe, Notify and Send (LwM2M Core 1.1.1 §6.4, Transport 1.1.1 §6.4.5, RFC 7641).

use std::{collections::BTreeMap, time::Duration};

use coap::{Failure, Method, Request, Response, Token};
use objects::{
    Attributes, ContentFormat, Node, Path, Sample, Value, Version,
    codec::{self, EncodeError},
};

use super::Device;
use crate::{
    Event, Interaction,
    observation::{Observation, Observed, Values},
    refusal::Refusal,
    registration::{DEFAULT_PMAX, DEFAULT_PMIN, MUTE_SEND},
};

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SendRefused {
    /// The server does not know the device.
    #[error("the device is not registered")]
    NotRegistered,
    /// Send came with LwM2M 1.1.
    #[error("a device of LwM2M {lwm2m} has no Send")]
    Unknown {
        /// The version of the device.
        lwm2m: Version,
    },
    /// The server does not want any (`/1/x/23`, Mute Send).
    #[error("the server has muted Send")]
    Muted,
    /// There is nothing readable at a path.
    #[error("there is nothing to read at {path}")]
    Missing {
        /// The path.
        path: Path,
    },
    /// The samples cannot be written as SenML.
    #[error(transparent)]
    Unencodable(#[from] EncodeError),
    /// The CoAP endpoint has not taken the request; an event says why.
    #[error("the request could not be put into a message")]
    Unsent,
}

impl Device {
    /// Sends what is at these paths, with the present time. An event tells what the server says to it.
    ///
    /// # Errors
    /// If the device may not send, or has nothing there.
    pub fn send(&mut self, now: Duration, paths: &[Path]) -> Result<(), SendRefused> {
        let time_ms = Some(self.time_ms(now));
        let mut samples = Vec::new();
        for path in paths {
            let node = self.tree.read(path).map_err(|_| SendRefused::Missing { path: *path })?;
            samples.push(Sample { time_ms, path: *path, node });
        }
        self.send_samples(now, &samples)
    }

    /// Sends samples with times of their own, such as those of hours without a network.
    ///
    /// # Errors
    /// If the device may not send, or SenML cannot carry the samples.
    pub fn send_samples(&mut self, now: Duration, samples: &[Sample]) -> Result<(), SendRefused> {
        let lwm2m = self.tree.lwm2m();
        if lwm2m < Version::V1_1 {
            return Err(SendRefused::Unknown { lwm2m });
        }
        if !self.is_registered() {
            return Err(SendRefused::NotRegistered);
        }
        if self.tree.account(MUTE_SEND) == Some(&Value::Boolean(true)) {
            return Err(SendRefused::Muted);
        }
        let format = match self.profile.preferred_format {
            ContentFormat::SENML_JSON => ContentFormat::SENML_JSON,
            _ => ContentFormat::SENML_CBOR,
        };
        let payload = codec::encode_many(format, samples)?;
        let request =
            Request { content_format: Some(format.0), payload, ..Request::new(Method::Post, "/dp") };
        let request = self.ask(now, Interaction::Send, request).ok_or(SendRefused::Unsent)?;
        self.sends.insert(request);
        self.settle(now);
        Ok(())
    }

    /// Answers an Observe like a Read and takes note of it, if a bound does not forbid that (RFC 7641 §4.1).
    pub(super) fn observe(
        &mut self,
        now: Duration,
        path: &Path,
        request: &Request,
    ) -> Result<Response, Refusal> {
        let format = request.accept.map_or(self.profile.preferred_format, ContentFormat).registered();
        self.begin_observation(now, Observed::One(*path), format, request)
    }

    /// Answers an Observe-Composite like a Read-Composite, and takes note of it in the same way.
    pub(super) fn observe_several(
        &mut self,
        now: Duration,
        paths: Vec<Path>,
        request: &Request,
    ) -> Result<Response, Refusal> {
        let format = self.composite_format(request)?;
        self.begin_observation(now, Observed::Several(paths), format, request)
    }

    fn begin_observation(
        &mut self,
        now: Duration,
        of: Observed,
        format: ContentFormat,
        request: &Request,
    ) -> Result<Response, Refusal> {
        let mut response = self.content_of(&of, format)?;
        let Some(token) = request.token else { return Ok(response) };
        if !self.observations.contains_key(&token) && self.observations.len() >= Self::MAX_OBSERVATIONS {
            self.counters.max_observations += 1;
            return Ok(response);
        }
        let observation = Observation::new(of.clone(), format, now, self.values_of(&of)?);
        self.observations.insert(token, observation);
        of.paths().iter().for_each(|path| self.emit(Event::Observed { path: *path }));
        response.observe = Some(self.next_sequence());
        Ok(response)
    }

    /// Ends the observation with the token of a request (RFC 7641 §3.6).
    pub(super) fn cancel(&mut self, request: &Request) {
        if let Some(token) = request.token {
            self.end_observation(token);
        }
    }

    pub(super) fn end_observations(&mut self) {
        for token in self.observations.keys().copied().collect::<Vec<_>>() {
            self.end_observation(token);
        }
    }

    /// Looks at what is observed of what has changed, and reports what is due.
    pub(super) fn watch(&mut self, now: Duration, changed: &[Path]) {
        let concerned = |observed: &Path| {
            changed.iter().any(|changed| changed.is_within(observed) || observed.is_within(changed))
        };
        let watched =
            self.observations.iter().filter(|(_, observation)| observation.of.paths().iter().any(concerned));
        for token in watched.map(|(token, _)| *token).collect::<Vec<_>>() {
            let Some(observation) = self.observations.get(&token) else { continue };
            let of = observation.of.clone();
            match self.values_of(&of) {
                Ok(values) => {
                    let attributes: BTreeMap<Path, Attributes> =
                        of.paths().iter().map(|path| (*path, self.reporting_attributes(path))).collect();
                    if let Some(observation) = self.observations.get_mut(&token) {
                        observation.see(|path| attributes.get(path).copied().unwrap_or_default(), values);
                    }
                }
                Err(refusal) => self.fail_observation(now, token, refusal.into()),
            }
        }
        self.notify_due(now);
    }

    /// Reports what is due.
    pub(super) fn notify_due(&mut self, now: Duration) {
        let is_due = |observation: &Observation| self.due(observation).is_some_and(|due| due <= now);
        let due = self.observations.iter().filter(|(_, observation)| is_due(observation));
        for token in due.map(|(token, _)| *token).collect::<Vec<_>>() {
            self.notify(now, token);
        }
    }

    /// When an observation is to be reported.
    pub(super) fn due(&self, observation: &Observation) -> Option<Duration> {
        let each = observation.of.paths().iter().map(|path| self.reporting_attributes(path));
        // One report holds all: it keeps the longest of the shortest periods, and the shortest of the longest.
        let together = each.reduce(|all, one| Attributes {
            pmin: all.pmin.max(one.pmin),
            pmax: all.pmax.into_iter().chain(one.pmax).min(),
            ..all
        });
        observation.due(&together.unwrap_or_default())
    }

    /// Takes note of what has become of a notification: after a reset or a time-out the server is no observer any more
    /// (RFC 7641 §4.5).
    pub(super) fn on_notification_sent(&mut self, token: Token, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) => {
                let of = self.observations.get(&token).map(|observation| observation.of.clone());
                for path in of.iter().flat_map(Observed::paths) {
                    self.emit(Event::Notified { path: *path });
                }
            }
            Err(Failure::Cancelled) => {}
            Err(_) => self.end_observation(token),
        }
    }

    fn notify(&mut self, now: Duration, token: Token) {
        let Some(observation) = self.observations.get(&token) else { return };
        let mut response = match self.content_of(&observation.of, observation.format) {
            Ok(response) => response,
            Err(refusal) => return self.fail_observation(now, token, refusal.into()),
        };
        response.observe = Some(self.next_sequence());
        let prefers = self.profile.confirmable_notifications;
        let Some(observation) = self.observations.get_mut(&token) else { return };
        let confirmable = prefers || observation.is_unconfirmed(now);
        observation.report(now);
        if confirmable {
            observation.confirm(now);
        }
        self.transmit_notification(now, token, &response, confirmable);
    }

    /// Ends an observation with an error, since there is nothing to be observed any more (RFC 7641 §4.2).
    fn fail_observation(&mut self, now: Duration, token: Token, response: Response) {
        self.end_observation(token);
        self.transmit_notification(now, token, &response, true);
    }

    fn transmit_notification(&mut self, now: Duration, token: Token, response: &Response, confirmable: bool) {
        if self.endpoint.notify(now, self.server, token, response, confirmable).is_err() {
            self.counters.notifications_unsent += 1;
        }
    }

    fn end_observation(&mut self, token: Token) {
        if let Some(observation) = self.observations.remove(&token) {
            for path in observation.of.paths() {
                self.emit(Event::ObservationEnded { path: *path });
            }
        }
    }

    fn content_of(&self, of: &Observed, format: ContentFormat) -> Result<Response, Refusal> {
        match of {
            Observed::One(path) => self.content(path, format),
            Observed::Several(paths) => self.composite_content(paths, format),
        }
    }

    fn values_of(&self, of: &Observed) -> Result<Values, Refusal> {
        match of {
            Observed::One(path) => Ok(values(path, &self.tree.read(path)?)),
            Observed::Several(paths) => Ok(self.tree.read_several(paths)?),
        }
    }

    /// The attributes at a path, with the periods of the server account where there are none (LwM2M Core 1.1.1 §E.2).
    fn reporting_attributes(&self, path: &Path) -> Attributes {
        let period = |resource| match self.tree.account(resource) {
            Some(Value::Integer(seconds)) => u32::try_from(*seconds).ok().filter(|seconds| *seconds > 0),
            _ => None,
        };
        let defaults =
            Attributes { pmin: period(DEFAULT_PMIN), pmax: period(DEFAULT_PMAX), ..Attributes::default() };
        self.tree.effective_attributes(path).merged_over(&defaults)
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = (self.sequence + 1) & 0x00ff_ffff;
        self.sequence
    }
}

fn values(path: &Path, node: &Node) -> Values {
    node.values(*path).into_iter().map(|(path, value)| (path, value.clone())).collect()
}
