//! Work: what is done for one device at a time, and what follows its commit.

use std::time::Duration;

use fleet::{
    Change, Commit, Committed, Decision, DeviceId, Ending, Failure, Now, OperationId, OperationState, Order,
    Origin, Outcome, RegistrationId, RequestId, Sender, Source, StoreError, Subject, WireTrace,
};
use tracing::{error, info, warn};

use super::{EndTicket, Output, Shard, Ticket};
use crate::binding::rejection::Rejection;

/// Something to decide, on what is durable at that time.
pub(super) enum Work {
    /// A request of a device.
    Request { exchange: coap::ExchangeId, received: Received, request: Box<coap::Request> },
    /// A notification of a device.
    Notification { id: coap::NotificationId, device: DeviceId, received: Received, response: coap::Response },
    /// An order whose turn it is.
    Send(Order),
    /// What came of an order.
    End(Ended),
    /// A registration may have reached its end.
    Expire(DeviceId),
    /// A verb takes something from the device.
    Take(EndTicket, Box<Ending>),
}

/// What names a message.
#[derive(Clone, Copy)]
pub(super) struct Received {
    pub(super) id: RequestId,
    pub(super) origin: Origin,
    pub(super) sender: Sender,
    pub(super) message_id: u16,
    pub(super) token: coap::Token,
    pub(super) confirmable: bool,
}

/// An order and what came of it.
pub(super) struct Ended {
    pub(super) order: Order,
    pub(super) outcome: Outcome,
    pub(super) trace: Option<WireTrace>,
    /// The observation that the answer began.
    pub(super) began: Option<Began>,
}

/// An observation that an answer began.
#[derive(Clone, Copy)]
pub(super) struct Began {
    pub(super) token: coap::Token,
    /// The registration that lived when it was asked for.
    pub(super) under: RegistrationId,
    /// The place of the answer among its notifications.
    pub(super) number: u32,
}

/// What follows a commit.
pub(super) enum After {
    /// The answer to a request of a device.
    Reply { exchange: coap::ExchangeId, received: Received, decision: Box<Decision> },
    /// The verdict on a notification.
    Acknowledge { id: coap::NotificationId, decision: Box<Decision> },
    /// An order goes to the wire.
    Transmit { order: Order, request: Box<coap::Request> },
    /// A package begins to go there.
    Push(Order),
    /// An order has ended.
    Ended(Ended),
    /// A registration has ended.
    Gone { device: DeviceId, source: Source },
    /// A verb has taken something from a device, which was reached there if its registration went too.
    Taken { ticket: EndTicket, ending: Box<Ending>, source: Option<Source> },
    /// What waited for a device comes to nothing: who waits for that is told.
    Cancelled(Vec<OperationId>),
    /// An order was made pointless by a later one.
    Superseded { order: Order, by: OperationId },
    /// A fact that nothing follows.
    Nothing,
}

impl After {
    /// Of an order that had ended before, what is told is what is stored: its registration may have ended, or somebody have taken
    /// it back, while its outcome waited.
    pub(super) fn into_stored(self, committed: Committed) -> Self {
        let Self::Ended(mut ended) = self else { return self };
        let failure = match committed.ended_before {
            Some(OperationState::Cancelled) => Some(Failure::Cancelled),
            Some(OperationState::Expired) => Some(Failure::Expired),
            Some(OperationState::Unknown) => Some(Failure::OutcomeUnknown),
            _ => None,
        };
        if let Some(failure) = failure {
            ended.outcome = Outcome::Failed(failure);
        }
        Self::Ended(ended)
    }

    /// Where the message came from that the commit follows from.
    fn source(&self) -> Option<Source> {
        match self {
            Self::Reply { received, .. } => Some(received.origin.source),
            Self::Acknowledge { decision, .. } => Some(decision.source),
            _ => None,
        }
    }
}

/// A commit that the store works on.
pub(super) struct InFlight {
    pub(super) since: Duration,
    pub(super) subject: Option<Subject>,
    pub(super) commit: Commit,
    pub(super) after: After,
}

/// A request of ours that the device has.
pub(super) struct UnderWay {
    pub(super) order: Order,
    pub(super) under: RegistrationId,
    pub(super) trace: WireTrace,
    pub(super) sent_at: Duration,
}

impl Shard {
    /// Does some work now, or after what is being committed for its subject.
    pub(super) fn submit(&mut self, now: Now, subject: Subject, work: Work) {
        let Some(waiting) = self.busy.get_mut(&subject) else {
            self.perform(now, subject, work);
            return;
        };
        if waiting.len() < Self::MAX_WAITING {
            waiting.push_back(work);
            return;
        }
        match work {
            // Silence: a confirmable message comes again.
            Work::Request { exchange, .. } => {
                turned_away("waiting_per_device");
                self.coap.drop_exchange(now.mono, exchange);
            }
            Work::Notification { id, .. } => {
                turned_away("waiting_per_device");
                self.coap.drop_notification(now.mono, id);
            }
            // Ours, and at most one of each a device.
            Work::Send(_) | Work::End(_) | Work::Expire(_) | Work::Take(..) => waiting.push_back(work),
        }
    }

    fn perform(&mut self, now: Now, subject: Subject, work: Work) {
        match work {
            // It has waited behind what has ended the credential it came under.
            Work::Request { exchange, received, .. } if self.has_ended(&received) => {
                turned_away("ended_sessions");
                self.coap.drop_exchange(now.mono, exchange);
            }
            Work::Notification { id, received, .. } if self.has_ended(&received) => {
                turned_away("ended_sessions");
                self.coap.drop_notification(now.mono, id);
            }
            Work::Request { exchange, received, request } => {
                self.decide_request(now, subject, exchange, received, &request);
            }
            Work::Notification { id, device, received, response } => {
                self.decide_notification(now, id, device, received, &response);
            }
            Work::Send(order) => self.send(now, order),
            Work::End(ended) => self.end(now, ended),
            Work::Expire(device) => {
                if let (Some(source), Some(commit)) =
                    (self.source_of(device), self.roster.expire(now, device))
                {
                    self.commit(now, Some(subject), commit, After::Gone { device, source });
                }
            }
            Work::Take(ticket, ending) => self.take_from(now, ticket, ending),
        }
    }

    /// Whether that came under a credential that has ended since.
    fn has_ended(&self, received: &Received) -> bool {
        received.origin.identity.is_some_and(|identity| self.ended.contains_key(&identity.credential))
    }

    /// Hands a commit to the store. With a subject, that subject's further work waits for it. What was heard of a device is
    /// kept with what it does, so that a record is not taken twice after a restart.
    pub(super) fn commit(&mut self, now: Now, subject: Option<Subject>, mut commit: Commit, after: After) {
        if let Some(mark) = after.source().and_then(|source| self.sessions.take_heard(source)) {
            commit.changes.push(Change::SecureSessionsHeard(vec![mark]));
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        if let Some(subject) = &subject {
            self.busy.entry(subject.clone()).or_default();
        }
        self.outputs.push_back(Output::Commit { ticket, commit: commit.clone() });
        self.commits.insert(ticket, InFlight { since: now.mono, subject, commit, after });
    }

    /// The commit is durable: hot state follows, then the answer leaves, then what comes after it.
    pub(super) fn conclude(&mut self, now: Now, commit: &Commit, after: After) {
        let source = after.source();
        let before = source.and_then(|source| self.roster.device_at(source));
        self.roster.apply(now, commit);
        if let Some(source) = source {
            self.cut_off(now, source, before);
        }
        self.let_observations_go(now, commit);
        self.publish_commit(commit);
        match after {
            After::Reply { exchange, received, decision } => self.reply(now, exchange, received, *decision),
            After::Acknowledge { id, decision } => {
                self.coap.accept_notification(now.mono, id);
                self.follow(now, *decision);
            }
            After::Transmit { order, request } => self.transmit(now, order, *request),
            After::Push(order) => self.begin_push(now, order),
            After::Ended(ended) => self.ended(now, ended),
            After::Gone { device, source } => {
                info!(device.id = device.0, "registration expired");
                self.miss(device, source);
                self.cancel_operations(now, device, source);
            }
            After::Taken { ticket, ending, source } => self.taken_from(now, ticket, &ending, source),
            After::Cancelled(orders) => self.tell_cancelled(orders),
            After::Superseded { order, by } => self.superseded(&order, by),
            After::Nothing => {}
        }
    }

    /// The commit failed: nothing has changed, and nobody is told otherwise.
    pub(super) fn abandon(&mut self, now: Now, commit: Commit, after: After, error: &StoreError) {
        metrics::counter!("muster_commits_failed_total").increment(1);
        for change in &commit.changes {
            if let Change::SecureSessionsHeard(marks) = change {
                self.sessions.keep_heard(marks);
            }
        }
        match after {
            After::Reply { exchange, received, .. } => {
                warn!(request.id = %received.id, %error, "a device's request could not be stored");
                let rejection = Rejection::from(&fleet::Refusal::StoreUnavailable);
                self.coap.respond(now.mono, exchange, rejection.response());
            }
            // Silence: a confirmable notification comes again.
            After::Acknowledge { id, .. } => self.coap.drop_notification(now.mono, id),
            After::Transmit { order, .. } | After::Push(order) => {
                self.end_unsent(now, order, Failure::NotStored);
            }
            // An observation that is not stored would be reset after a restart: it is not begun. The device learns of
            // it by the reset of its next notification.
            After::Ended(Ended { order, trace, began: Some(began), .. })
                if !self.is_stored(&order, began) =>
            {
                if let Some(source) = self.source_of(order.device) {
                    self.coap.forget_observation(now.mono, source, &began.token);
                }
                let outcome = Outcome::Failed(Failure::NotStored);
                let ended = Ended { order, outcome, trace, began: None };
                let commit =
                    Commit { changes: ended.changes(now.wall, self.lwm2m(&ended)), audit: Vec::new() };
                self.keep_unrecorded(commit, error);
                self.ended(now, ended);
            }
            // It has happened on the device: it is told, and recorded as soon as the store is back.
            After::Ended(ended) => {
                self.keep_unrecorded(commit, error);
                self.ended(now, ended);
            }
            // Expiry is decided again at the next tick.
            After::Gone { .. } => {}
            After::Taken { ticket, .. } => {
                self.outputs.push_back(Output::Ended { ticket, result: Err(error.clone()) });
            }
            After::Cancelled(orders) => {
                self.keep_unrecorded(commit, error);
                self.tell_cancelled(orders);
            }
            // It is not in the queue any more.
            After::Superseded { order, by } => {
                self.keep_unrecorded(commit, error);
                self.superseded(&order, by);
            }
            After::Nothing => self.keep_unrecorded(commit, error),
        }
    }

    /// Goes on with what waited for a subject's commit.
    pub(super) fn release(&mut self, now: Now, subject: Subject) {
        let Some(mut waiting) = self.busy.remove(&subject) else { return };
        // What was only a name until now may be a device: what follows goes under that.
        let subject = self.roster.settled(subject);
        while let Some(work) = waiting.pop_front() {
            if let Some(behind) = self.busy.get_mut(&subject) {
                behind.push_front(work);
                while let Some(work) = waiting.pop_back() {
                    behind.insert(1, work);
                }
                return;
            }
            self.submit(now, subject.clone(), work);
            self.drain_coap(now);
        }
    }

    /// Whether an observation that was established is one that the store holds: a device that registers is asked anew for those.
    fn is_stored(&self, order: &Order, began: Began) -> bool {
        let (target, token) = (order.operation.target(), began.token);
        let mut observations = self.roster.observations(order.device);
        observations.any(|observation| {
            observation.target == target && observation.token.as_bytes() == token.as_bytes()
        })
    }

    fn keep_unrecorded(&mut self, mut commit: Commit, error: &StoreError) {
        // By then the value that an observation begins with is older than what was notified since.
        if commit.changes.iter().any(|change| matches!(change, Change::ObservationBegan(_))) {
            commit.changes.retain(|change| !matches!(change, Change::Report { .. }));
        }
        // What the store refuses today it refuses tomorrow: trying again is for a store that can't be reached.
        if *error != StoreError::Unavailable {
            error!(%error, "a fact could not be recorded and is dropped");
            return;
        }
        if self.unrecorded.len() >= Self::MAX_UNRECORDED {
            turned_away("unrecorded");
            self.unrecorded.pop_front();
        }
        self.unrecorded.push_back(commit);
    }
}

/// Counts what a named bound turned away.
pub(super) fn turned_away(bound: &'static str) {
    metrics::counter!("muster_messages_turned_away_total", "bound" => bound).increment(1);
}
