//! What goes to devices: orders, one under way a device, and what came of them.

use fleet::{
    CancelMode, Change, Commit, Content, DeviceId, Disposition, EventKind, Failure, Now, Observation,
    ObservationToken, Operation, OperationId, OperationState, Order, Outcome, Reading, Source, Subject,
    Taken, TimelineEntry, TimelineKind, Timestamp,
    wish::{NoComposites, WishChange},
};
use objects::Version;
use tracing::debug;

use super::{
    OrderTicket, Output, Shard,
    work::{After, Began, Ended, UnderWay, Work, turned_away},
};
use crate::binding;

impl Shard {
    /// Takes an order; who gave it, if anybody waits, is told what became of it.
    pub(super) fn take_order(&mut self, now: Now, ticket: Option<OrderTicket>, order: Order) {
        if let (Some(taken), Some(ticket)) = (self.take_in(now, ticket, order), ticket) {
            self.outputs.push_back(Output::Taken { ticket, taken });
        }
    }

    /// Takes an order. What is to be said of it at once: nothing of one that is sent now, or after others.
    pub(super) fn take_in(&mut self, now: Now, ticket: Option<OrderTicket>, order: Order) -> Option<Taken> {
        let (id, device) = (order.id, order.device);
        let disposition = self.roster.take(now, order);
        self.end_superseded(now);
        match disposition {
            Disposition::Send(order) => {
                self.callers.extend(ticket.map(|ticket| (id, ticket)));
                self.submit(now, Subject::Device(device), Work::Send(order));
                None
            }
            Disposition::Behind => {
                self.callers.extend(ticket.map(|ticket| (id, ticket)));
                None
            }
            Disposition::Queued => Some(Taken::Queued),
            Disposition::Asleep => Some(Taken::Asleep),
            Disposition::NotRegistered => Some(Taken::NotRegistered),
            Disposition::QueueFull => {
                turned_away("orders_per_device");
                Some(Taken::QueueFull)
            }
        }
    }

    /// Sends what waits longest for a device, if it listens and nothing is under way.
    pub(super) fn send_next(&mut self, now: Now, device: DeviceId) {
        if let Some(order) = self.roster.next_order(now, device) {
            self.submit(now, Subject::Device(device), Work::Send(order));
        }
        for order in self.roster.give_back(now, device) {
            self.tell_caller(order.id, Taken::Asleep);
        }
    }

    pub(super) fn send(&mut self, now: Now, order: Order) {
        let device = order.device;
        let Some(registration) = self.roster.registration(device) else {
            self.end_unsent(now, order, Failure::Cancelled);
            return;
        };
        if self.is_outdated(&order) {
            self.end_unsent(now, order, Failure::Cancelled);
            return;
        }
        if order.operation.is_observe() && !self.roster.may_observe(device, &order.operation.target()) {
            turned_away("observations_per_device");
            self.end_unsent(now, order, Failure::TooManyObservations);
            return;
        }
        if order.operation.cancels() == Some(CancelMode::Passive) {
            self.end(now, Ended { order, outcome: Outcome::Local, trace: None, began: None });
            return;
        }
        if let Operation::Push { .. } = &order.operation {
            let sent = Change::OperationSent { id: order.id, at: now.wall };
            let commit = Commit { changes: vec![sent], audit: Vec::new() };
            return self.commit(now, Some(Subject::Device(device)), commit, After::Push(order));
        }
        // RFC 7641 §3.1: an Observe under the token of a live observation renews it. Under a new one the device would
        // keep two.
        let known = if order.operation.is_observe() || order.operation.cancels().is_some() {
            let target = order.operation.target();
            self.roster.observations(device).find(|observation| observation.target == target)
        } else {
            None
        };
        let request = binding::with_models(&self.library.current(), registration, |models| {
            binding::downlink::request(&order.operation, registration, models, known)
        });
        #[cfg(planted)]
        let request = match request {
            Ok(request) if planted::is(planted::Fault::SentUnrecorded) => {
                self.transmit(now, order, request);
                return;
            }
            other => other,
        };
        match request {
            Err(failure) => self.end_unsent(now, order, failure),
            // Durable before it leaves: after a crash a sent Execute or Create is not sent again.
            Ok(request) if order.stored => {
                let sent = Change::OperationSent { id: order.id, at: now.wall };
                let commit = Commit { changes: vec![sent], audit: Vec::new() };
                let after = After::Transmit { order, request: Box::new(request) };
                self.commit(now, Some(Subject::Device(device)), commit, after);
            }
            Ok(request) => self.transmit(now, order, request),
        }
    }

    /// Whether the shard itself was to observe again what has ended since: nobody waits for that.
    fn is_outdated(&self, order: &Order) -> bool {
        let is_own = order.operation.is_observe() && !order.stored && !self.callers.contains_key(&order.id);
        let target = order.operation.target();
        is_own && !self.roster.observations(order.device).any(|observation| observation.target == target)
    }

    pub(super) fn transmit(&mut self, now: Now, order: Order, request: coap::Request) {
        let device = order.device;
        let Some(registration) = self.roster.registration(device) else {
            self.end_unsent(now, order, Failure::Cancelled);
            return;
        };
        let (source, under) = (registration.source, registration.id);
        if !self.reaches(device, source) {
            let reason = "another device has its address".to_owned();
            self.end_unsent(now, order, Failure::Transfer { reason });
            return;
        }
        let trace = binding::trace::sent(&request);
        self.have_proven(now, source, request.payload.len());
        match self.coap.send_request(now.mono, source, request) {
            Ok(id) => {
                self.publish_state(&order, OperationState::Sent);
                self.requests.insert(id, UnderWay { order, under, trace, sent_at: now.mono });
            }
            Err(error) => self.end_unsent(now, order, Failure::Transfer { reason: error.to_string() }),
        }
    }

    /// A request has come to its end.
    pub(super) fn answered(
        &mut self,
        now: Now,
        request: coap::RequestId,
        token: coap::Token,
        answer: Result<coap::Response, coap::Failure>,
    ) {
        if self.block_answered(now, request, &answer) {
            return;
        }
        let Some(UnderWay { order, under, mut trace, sent_at }) = self.requests.remove(&request) else {
            return;
        };
        let device = order.device;
        #[cfg(planted)]
        if answer.is_err() && planted::is(planted::Fault::OperationLeaked) {
            return;
        }
        // A Reset says that nothing was done (RFC 7252 §4.2). Leshan's client sends it to what comes before it has taken
        // note of the answer to its Register.
        if matches!(answer, Err(coap::Failure::Reset)) && self.is_settling(now, device) {
            self.too_early.push(order);
            return;
        }
        // Its session was replaced, or another device has its address: it was asked, and its answer will not be known.
        let cut_off = matches!(answer, Err(coap::Failure::Cancelled));
        let idempotent = order.operation.is_idempotent();
        if cut_off && idempotent && self.roster.registration(device).is_some() {
            self.too_early.push(order);
            return;
        }
        match &answer {
            Ok(_) => {
                self.roster.answered(now, device);
                self.heard(now, device);
            }
            Err(coap::Failure::TimedOut { acknowledged: false }) => {
                self.roster.unanswered(now, device, sent_at);
            }
            Err(_) => {}
        }
        binding::trace::answered(&mut trace, &answer, now.mono.saturating_sub(sent_at));
        let observing = order.operation.is_observe();
        let number = answer.as_ref().ok().and_then(|response| response.observe).filter(|_| observing);
        let began = number.map(|number| Began { token, under, number });
        let outcome = match (&answer, self.roster.registration(device)) {
            // What the end of the registration has made durable of it.
            (_, None) if idempotent => Outcome::Failed(Failure::Cancelled),
            (_, None) => Outcome::Failed(Failure::OutcomeUnknown),
            (Err(_), Some(_)) if cut_off => Outcome::Failed(Failure::OutcomeUnknown),
            (Err(failure), Some(_)) => Outcome::Failed(binding::downlink::failure(failure)),
            (Ok(response), Some(registration)) => {
                binding::with_models(&self.library.current(), registration, |models| {
                    binding::downlink::outcome(&order.operation, registration, models, response, now.wall.0)
                })
            }
        };
        let outcome = match outcome {
            Outcome::Success { .. } if observing && began.is_none() => Outcome::Failed(Failure::NotObserved),
            outcome => outcome,
        };
        let ended = Ended { order, outcome, trace: Some(trace), began };
        self.submit(now, Subject::Device(device), Work::End(ended));
    }

    /// Whether a device has registered only just now.
    fn is_settling(&self, now: Now, device: DeviceId) -> bool {
        self.registered_at.get(&device).is_some_and(|at| now.mono.saturating_sub(*at) < Self::SETTLES_WITHIN)
    }

    /// An order has an outcome: what is to be kept of it is committed.
    pub(super) fn end(&mut self, now: Now, ended: Ended) {
        let commit = Commit { changes: ended.changes(now.wall, self.lwm2m(&ended)), audit: Vec::new() };
        if ended.order.stored || !ended.order.operation.is_read_only() {
            let subject = Subject::Device(ended.order.device);
            self.commit(now, Some(subject), commit, After::Ended(ended));
        } else {
            // A Read from the console or REST waits for no commit; its values are kept all the same.
            self.commit(now, None, commit, After::Nothing);
            self.ended(now, ended);
        }
    }

    /// The version that the device of an order speaks, while it is registered.
    pub(super) fn lwm2m(&self, ended: &Ended) -> Option<Version> {
        self.roster.registration(ended.order.device).map(|registration| registration.lwm2m)
    }

    /// An order ends without having been sent.
    pub(super) fn end_unsent(&mut self, now: Now, order: Order, failure: Failure) {
        self.end(now, Ended { order, outcome: Outcome::Failed(failure), trace: None, began: None });
    }

    /// The end of an order is kept: its giver is told, and the next one goes out.
    pub(super) fn ended(&mut self, now: Now, ended: Ended) {
        let Ended { order, outcome, trace, began } = ended;
        let device = order.device;
        let name = order.operation.name();
        let result = match &outcome {
            Outcome::Success { .. } | Outcome::Local => "done",
            Outcome::Refused { .. } => "refused",
            Outcome::Failed(_) => "failed",
        };
        metrics::counter!("muster_operations_total", "operation" => name, "result" => result).increment(1);
        debug!(
            request.id = %order.request, device.id = device.0, lwm2m.operation = name,
            lwm2m.path = %order.operation.target(), result, "operation ended"
        );
        self.publish_state(&order, outcome.state(&order.operation));
        self.tell_caller(order.id, Taken::Ended { outcome, trace });
        self.roster.order_ended(device, order.id);
        if order.operation.is_observe() {
            self.keep_observing(now, device);
        }
        // A device that registered while it was asked has forgotten the observation since.
        let current = self.roster.registration(device).map(|registration| registration.id);
        if began.is_some_and(|began| current.is_some_and(|current| current != began.under)) {
            let again = self.own_order(now, device, order.operation);
            self.take_order(now, None, again);
        }
        self.send_next(now, device);
    }

    /// What is stored as observed is known to the exchanges whatever came of asking for it, and is asked for again with the next
    /// sign of the device if it was not answered since that has registered.
    pub(super) fn keep_observing(&mut self, now: Now, device: DeviceId) {
        self.restore_observations(now, device);
        if self.forgotten(device).next().is_some() {
            self.to_observe_again.insert(device);
        }
    }

    /// A registration has ended: what is under way for it or waits comes to nothing.
    pub(super) fn cancel_operations(&mut self, now: Now, device: DeviceId, source: Source) {
        // Another device may be reached at the same address by now.
        if self.roster.device_at(source).is_none() {
            self.coap.forget_peer(now.mono, source);
        }
        let early: Vec<Order> = self.too_early.extract_if(.., |order| order.device == device).collect();
        for order in early {
            self.end_unsent(now, order, Failure::Cancelled);
        }
        self.cancel_pushes(now, device);
        let cancelled = self.roster.cancel_all(device);
        // The commit that ended the registration ended what was queued then; orders may have come since.
        let result = Failure::Cancelled.to_string();
        let end = |order: &Order| Change::OperationEnded {
            id: order.id,
            state: OperationState::Cancelled,
            at: now.wall,
            result: result.clone(),
        };
        let changes: Vec<Change> = cancelled.iter().filter(|order| order.stored).map(end).collect();
        let (stored, others): (Vec<_>, Vec<_>) = cancelled.into_iter().partition(|order| order.stored);
        self.tell_cancelled(others.iter().map(|order| order.id).collect());
        if !changes.is_empty() {
            let stored = stored.iter().map(|order| order.id).collect();
            self.commit(now, None, Commit { changes, audit: Vec::new() }, After::Cancelled(stored));
        }
    }

    pub(super) fn tell_cancelled(&mut self, orders: Vec<OperationId>) {
        for order in orders {
            let outcome = Outcome::Failed(Failure::Cancelled);
            self.tell_caller(order, Taken::Ended { outcome, trace: None });
        }
    }

    /// The CoAP endpoint forgets the observations that a commit has ended; their next notification is reset.
    pub(super) fn let_observations_go(&mut self, now: Now, commit: &Commit) {
        for change in &commit.changes {
            let device = match change {
                Change::ObservationBegan(Observation { device, .. })
                | Change::ObservationEnded { device, .. }
                | Change::ObservationsEnded { device } => *device,
                _ => continue,
            };
            let Some(source) = self.source_of(device) else { continue };
            for token in self.roster.take_forgotten(device) {
                if let Some(token) = coap::Token::new(token.as_bytes()) {
                    self.coap.forget_observation(now.mono, source, &token);
                }
            }
            if matches!(change, Change::ObservationBegan(_)) {
                // The same token may have ended in what was stored before it.
                self.restore_observations(now, device);
            }
        }
    }

    pub(super) fn tell_caller(&mut self, operation: OperationId, taken: Taken) {
        if let Some(ticket) = self.callers.remove(&operation) {
            self.outputs.push_back(Output::Taken { ticket, taken });
        }
    }

    pub(super) fn publish_sent(&mut self, order: &Order) {
        self.publish_state(order, OperationState::Sent);
    }

    pub(super) fn publish_state(&mut self, order: &Order, state: OperationState) {
        let changed = state == OperationState::Done && order.stored && order.operation.changes_the_device();
        self.publish(order.device, EventKind::Operation { id: order.id, state, changed });
    }
}

impl Ended {
    /// What is kept of an order that has ended.
    pub(super) fn changes(&self, at: Timestamp, lwm2m: Option<Version>) -> Vec<Change> {
        let Self { order, outcome, began, .. } = self;
        let (device, target) = (order.device, order.operation.target());
        let result = outcome.result();
        let mut changes = Vec::new();
        if order.stored {
            let state = outcome.state(&order.operation);
            changes.push(Change::OperationEnded { id: order.id, state, at, result: result.clone() });
        }
        if let Outcome::Success { content: Content::Samples(samples), .. } = outcome {
            let readings = Reading::from_samples(samples);
            changes.push(Change::Report { device, received_at: at, delivery: None, readings });
        }
        let number = began.map(|began| began.number);
        let began = began.and_then(|began| ObservationToken::new(began.token.as_bytes()));
        let detail = format!("{} {target}: {result}", order.operation.name());
        match &order.operation {
            Operation::Observe { format, .. } | Operation::ObserveComposite { format, .. } => {
                match (began, outcome) {
                    (Some(token), Outcome::Success { .. }) => {
                        let (format, since) = (*format, at);
                        let observation = Observation { device, target, token, format, since, number };
                        changes.push(Change::ObservationBegan(observation));
                    }
                    // Nobody knows whether the device has one now: what is stored stays, and is asked for again.
                    (_, Outcome::Failed(failure)) if !matches!(failure, Failure::Unreadable { .. }) => {}
                    // A device that answers an Observe without beginning one has none of that.
                    _ => changes.push(Change::ObservationEnded { device, target }),
                }
            }
            #[cfg(planted)]
            Operation::CancelObservation { .. } if planted::is(planted::Fault::ObservationKept) => {}
            Operation::CancelObservation { .. } | Operation::CancelCompositeObservation { .. } => {
                changes.push(Change::ObservationEnded { device, target });
            }
            _ => {}
        }
        if order.operation.is_composite()
            && let Some(unanswered) = lwm2m.and_then(|lwm2m| NoComposites::told_by(outcome, at, lwm2m))
        {
            changes.push(Change::Wish(WishChange::Composites { device, unanswered }));
        }
        let kind = TimelineKind::Operation;
        changes.push(Change::Timeline(TimelineEntry::new(device, at, kind, Some(order.request), &detail)));
        changes
    }
}
