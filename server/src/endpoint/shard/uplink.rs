//! What devices send: requests and notifications, decided by the roster and answered after their commit.

use fleet::{
    Change, Commit, Decision, DeviceId, EndpointName, EventKind, Now, Observation, Operation, OperationId,
    Order, Priority, Reply, Sender, Source, Subject, Then, TimelineEntry, TimelineKind,
};
use tracing::{debug, info};

use super::{
    Output, Shard,
    work::{After, Received, Work, turned_away},
};
use crate::binding::{self, rejection::Rejection};

impl Shard {
    pub(super) fn handle_coap(&mut self, now: Now, event: coap::Event<Source>) {
        match event {
            coap::Event::Request { peer, exchange, message_id, token, confirmable, request } => {
                let received = self.received(peer, message_id, token, confirmable);
                let subject = self.subject_of(peer, &request);
                self.submit(now, subject, Work::Request { exchange, received, request: Box::new(request) });
            }
            coap::Event::Response { peer, request, token, outcome } => {
                if outcome.is_ok() {
                    self.paths.prove(peer);
                    self.confirm(peer);
                }
                self.answered(now, request, token, outcome);
            }
            coap::Event::Notification { peer, id, token, message_id, confirmable, response, .. } => {
                self.paths.prove(peer);
                let Some(device) = self.roster.sender(self.origin(peer)) else {
                    self.coap.reject_notification(now.mono, id);
                    return;
                };
                let received = self.received(peer, message_id, token, confirmable);
                let work = Work::Notification { id, device, received, response };
                self.submit(now, Subject::Device(device), work);
            }
            // The server sends no notifications.
            coap::Event::NotificationSent { .. } => {}
        }
    }

    pub(super) fn decide_request(
        &mut self,
        now: Now,
        subject: Subject,
        exchange: coap::ExchangeId,
        received: Received,
        request: &coap::Request,
    ) {
        let uplink =
            binding::uplink::request(&self.roster, &self.library.current(), on_wire(&received, now), request);
        match uplink.and_then(|uplink| self.decide(now, received, uplink)) {
            Ok((commit, decision)) => {
                let after = After::Reply { exchange, received, decision: Box::new(decision) };
                self.commit_or_conclude(now, subject, commit, after);
            }
            Err(rejection) => {
                self.reject(now, received, &subject, &rejection);
                self.coap.respond(now.mono, exchange, rejection.response());
            }
        }
    }

    pub(super) fn decide_notification(
        &mut self,
        now: Now,
        id: coap::NotificationId,
        device: DeviceId,
        received: Received,
        response: &coap::Response,
    ) {
        let wire = on_wire(&received, now);
        let uplink =
            binding::uplink::notification(&self.roster, &self.library.current(), wire, device, response);
        match uplink.and_then(|uplink| self.decide(now, received, uplink)) {
            Ok((commit, decision)) => {
                let after = After::Acknowledge { id, decision: Box::new(decision) };
                self.commit_or_conclude(now, Subject::Device(device), commit, after);
            }
            // RFC 7641 §3.6: a Reset ends an observation that is not wanted.
            Err(rejection) if rejection.code == coap::Code::NOT_FOUND => {
                self.coap.reject_notification(now.mono, id);
            }
            // Content that can't be read is acknowledged: it would be the same when sent again.
            Err(rejection) => {
                self.reject(now, received, &Subject::Device(device), &rejection);
                self.coap.accept_notification(now.mono, id);
            }
        }
    }

    /// The answer leaves, and then what follows it.
    pub(super) fn reply(
        &mut self,
        now: Now,
        exchange: coap::ExchangeId,
        received: Received,
        decision: Decision,
    ) {
        let device = decision.device;
        let mut response = coap::Response::new(match decision.reply {
            Reply::Created(_) => coap::Code::CREATED,
            Reply::Changed | Reply::Acknowledged => coap::Code::CHANGED,
            Reply::Deleted => coap::Code::DELETED,
        });
        if let Reply::Created(id) = decision.reply {
            response.location_path = vec!["rd".to_owned(), id.to_string()];
            metrics::counter!("muster_registrations_total").increment(1);
            self.registered_at.insert(device, now.mono);
            self.notified.remove(&device);
            self.coap.restart_notifications(decision.source);
        }
        let endpoint = self.roster.endpoint(device).map(tracing::field::display);
        match decision.reply {
            Reply::Created(_) => info!(request.id = %received.id, device.endpoint = endpoint, "registered"),
            Reply::Deleted => info!(request.id = %received.id, device.endpoint = endpoint, "deregistered"),
            Reply::Changed | Reply::Acknowledged => {
                debug!(request.id = %received.id, device.endpoint = endpoint, "accepted");
            }
        }
        count_request(response.code);
        self.coap.respond(now.mono, exchange, response);
        self.follow(now, decision);
    }

    /// What follows an answer, so that nothing overtakes it.
    pub(super) fn follow(&mut self, now: Now, decision: Decision) {
        let Decision { device, source, moved_from, reply, then, .. } = decision;
        self.heard(now, device);
        if let Some(from) = moved_from {
            if matches!(reply, Reply::Created(_)) && self.is_left(device, from) {
                // One that registers elsewhere has started anew, and may count its messages from where it did before.
                self.coap.forget_received(now.mono, from);
            }
            self.take_along(now, device, from, source);
            self.restore_observations(now, device);
        }
        self.observe_again(now, device);
        for then in then {
            match then {
                Then::Observe { target, format } => {
                    let order = self.own_order(now, device, Operation::observe(target, format));
                    self.take_order(now, None, order);
                }
                Then::ReleaseQueue => self.send_next(now, device),
                Then::CancelOperations => self.cancel_operations(now, device, source),
            }
        }
    }

    /// A device forgets its observations when it registers. What was observed before the registration that the store
    /// holds, and not since, is observed again: the server had stopped in between.
    pub(super) fn observe_again(&mut self, now: Now, device: DeviceId) {
        if !self.to_observe_again.remove(&device) {
            return;
        }
        let again = |known: &Observation| Operation::observe(known.target.clone(), known.format);
        let forgotten: Vec<Operation> = self.forgotten(device).map(again).collect();
        for operation in forgotten {
            let order = self.own_order(now, device, operation);
            self.take_order(now, None, order);
        }
    }

    /// What was observed before a device's registration, and not since.
    pub(super) fn forgotten(&self, device: DeviceId) -> impl Iterator<Item = &Observation> {
        let since = self.roster.registration(device).map(|registration| registration.registered_at);
        self.roster.observations(device).filter(move |known| since.is_some_and(|since| known.since < since))
    }

    fn decide(
        &mut self,
        now: Now,
        received: Received,
        uplink: fleet::Uplink,
    ) -> Result<(Commit, Decision), Rejection> {
        let random = self.random();
        let source = received.origin.source;
        let before = self.roster.device_at(source);
        let mut decision = self
            .roster
            .decide(now, received.origin, uplink, random)
            .map_err(|refusal| Rejection::from(&refusal))?;
        self.cut_off(now, source, before);
        let mut commit = std::mem::take(&mut decision.commit);
        for change in &mut commit.changes {
            if let Change::Timeline(entry) = change {
                entry.request.get_or_insert(received.id);
            }
        }
        Ok((commit, decision))
    }

    // Where only liveness changed there is nothing to wait for.
    fn commit_or_conclude(&mut self, now: Now, subject: Subject, commit: Commit, after: After) {
        if commit.changes.is_empty() {
            if let After::Reply { decision, .. } = &after {
                self.publish(decision.device, EventKind::Updated { changed: false });
            }
            self.conclude(now, &commit, after);
        } else if self.backlog(now).is_too_much() {
            self.turn_away(now, after);
        } else {
            #[cfg(planted)]
            if planted::is(planted::Fault::RepliedEarly) {
                self.commit(now, None, commit.clone(), After::Nothing);
                self.conclude(now, &commit, after);
                return;
            }
            self.commit(now, Some(subject), commit, after);
        }
    }

    /// Leaves a trace of a message that was not accepted: a metric, a log line, and a line in the timeline, one a
    /// second and device at most.
    fn reject(&mut self, now: Now, received: Received, subject: &Subject, rejection: &Rejection) {
        let Rejection { code, reason, .. } = rejection;
        count_request(*code);
        let source = received.origin.source;
        info!(request.id = %received.id, net.peer = %source.address, coap.code = %code, reason, "rejected");
        let device = match subject {
            Subject::Device(device) => Some(*device),
            Subject::Endpoint(_) | Subject::Nobody => None,
        };
        if let Some(cause) = rejection.cause {
            let name = match (device.and_then(|device| self.roster.endpoint(device)), subject) {
                (Some(endpoint), _) | (None, Subject::Endpoint(endpoint)) => endpoint.to_string(),
                (None, _) => source.address.ip().to_string(),
            };
            self.outputs.push_back(Output::Incident {
                cause,
                subject: name,
                source,
                device,
                detail: reason.clone(),
            });
        }
        let Some(device) = device else { return };
        if self.last_rejection.contains_key(&device) {
            turned_away("rejections_per_second");
            return;
        }
        if self.backlog(now).is_too_much() {
            turned_away("commits_in_flight");
            return;
        }
        self.last_rejection.insert(device, now.mono);
        let detail = format!("{code} {reason}");
        let entry = TimelineEntry::new(device, now.wall, TimelineKind::Rejected, Some(received.id), &detail);
        let commit = Commit { changes: vec![Change::Timeline(entry)], audit: Vec::new() };
        self.commit(now, None, commit, After::Nothing);
    }

    /// An order of the server itself; no row of it is stored.
    pub(super) fn own_order(&mut self, now: Now, device: DeviceId, operation: Operation) -> Order {
        Order {
            id: OperationId::new(now.wall, self.random()),
            device,
            operation,
            request: self.request_id(),
            stored: false,
            expires_at: now.wall.after(Order::DEFAULT_EXPIRY),
            priority: Priority::Normal,
        }
    }

    fn received(
        &mut self,
        source: Source,
        message_id: coap::MessageId,
        token: coap::Token,
        confirmable: bool,
    ) -> Received {
        Received {
            id: self.request_id(),
            origin: self.origin(source),
            sender: self.sessions.at(source).map_or(Sender::At(source), |secure| Sender::In(secure.id)),
            message_id: message_id.0,
            token,
            confirmable,
        }
    }

    // Under whose name a request waits its turn. Whether it is good is decided when the turn has come.
    fn subject_of(&self, source: Source, request: &coap::Request) -> Subject {
        let device = match request.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["rd"] => {
                if let Some(device) = self.origin(source).identity.and_then(|identity| identity.device()) {
                    return Subject::Device(device);
                }
                let name = request.queries.iter().find_map(|query| query.strip_prefix("ep="));
                let Some(endpoint) = name.and_then(|name| EndpointName::new(name).ok()) else {
                    return Subject::Nobody;
                };
                return self.roster.settled(Subject::Endpoint(endpoint));
            }
            ["rd", id] => id.parse().ok().and_then(|id| self.roster.device_of_registration(id)),
            _ => self.roster.sender(self.origin(source)),
        };
        device.map_or(Subject::Nobody, Subject::Device)
    }
}

pub(super) fn count_request(code: coap::Code) {
    metrics::counter!("muster_requests_total", "code" => code.to_string()).increment(1);
}

fn on_wire(received: &Received, now: Now) -> binding::uplink::Received<'_> {
    binding::uplink::Received {
        origin: received.origin,
        sender: received.sender,
        message_id: received.message_id,
        token: received.token.as_bytes(),
        confirmable: received.confirmable,
        at_ms: now.wall.0,
    }
}
