//! The task that owns a shard: it feeds it from sockets, callers and the store, and does what the shard wants done.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;
use fleet::{
    Commit, Committed, CredentialId, DeviceId, Downlink, Ending, Feed, Incident, OperationId, Order,
    Presence, Priority, Store, StoreError, Taken,
};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

mod parts;

use super::{
    Batch, Outlet,
    packages::{Answer, Opened, Packages},
    shard::{EndTicket, OrderTicket, Output, Shard, Ticket},
};
use crate::{Stop, clock::Clock, health::Health};
use parts::Parts;

/// Runs one shard.
pub(crate) struct Driver {
    pub(crate) shard: Shard,
    pub(crate) clock: Clock,
    /// In the order of their ids.
    pub(crate) outlets: Vec<Arc<dyn Outlet>>,
    /// Told of what did not get in.
    pub(crate) incidents: Box<dyn Fn(Incident) + Send + Sync>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) packages: Arc<dyn Packages>,
    pub(crate) health: Arc<Health>,
    pub(crate) feed: Feed,
    pub(crate) batches: mpsc::Receiver<Batch>,
    pub(crate) calls: mpsc::Receiver<Call>,
}

/// The way to a shard for everybody else.
#[derive(Clone)]
pub(crate) struct ShardHandle {
    calls: mpsc::Sender<Call>,
}

/// What others ask of a shard.
pub(crate) enum Call {
    /// See [`Downlink::send`].
    Send(Box<Order>, oneshot::Sender<Taken>),
    /// See [`Downlink::hand_over`].
    HandOver(Box<Order>, oneshot::Sender<Taken>),
    /// See [`Downlink::cancel`].
    Cancel(DeviceId, OperationId, oneshot::Sender<bool>),
    /// See [`Downlink::presence`].
    Presence(DeviceId, oneshot::Sender<Presence>),
    /// See [`Downlink::reserve`].
    Reserve(usize, oneshot::Sender<Option<Vec<DeviceId>>>),
    /// See [`Downlink::follow`].
    Follow(Arc<Commit>, oneshot::Sender<()>),
    /// See [`Downlink::end`].
    End(Box<Ending>, oneshot::Sender<Result<(), StoreError>>),
    /// See [`Downlink::end_sessions`].
    EndSessions(Vec<CredentialId>, oneshot::Sender<()>),
    /// See [`Downlink::renew_sessions`].
    RenewSessions(Vec<CredentialId>, oneshot::Sender<()>),
}

/// How many calls wait for a shard; further callers wait for a place.
const MAX_CALLS: usize = 1_024;

/// How many batches of datagrams wait for a shard; then the sockets wait.
pub(crate) const MAX_BATCHES: usize = 64;

/// Counters of messages that are well-formed and yet can't be served, beside those of malformed ones.
const NOT_SERVED: [&str; 4] = ["blocks_refused", "body_bytes", "critical_options", "methods_unknown"];

/// How long a stop waits for commits that are under way.
const LAST_COMMITS: Duration = Duration::from_secs(5);

/// What a shard waits for, and who waits for it.
#[derive(Default)]
struct Busy {
    commits: Commits,
    packages: Opened,
    givers: Givers,
}

/// Who waits for an answer.
#[derive(Default)]
struct Givers {
    orders: BTreeMap<OrderTicket, oneshot::Sender<Taken>>,
    endings: BTreeMap<EndTicket, oneshot::Sender<Result<(), StoreError>>>,
}

type Commits =
    FuturesUnordered<Pin<Box<dyn Future<Output = (Ticket, Result<Committed, StoreError>)> + Send>>>;

impl ShardHandle {
    /// A handle, and the end for the driver.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Call>) {
        let (calls, received) = mpsc::channel(MAX_CALLS);
        (Self { calls }, received)
    }

    async fn call<T>(&self, make: impl FnOnce(oneshot::Sender<T>) -> Call) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(make(answer)).await.ok()?;
        answered.await.ok()
    }
}

#[async_trait]
impl Downlink for ShardHandle {
    async fn send(&self, order: Order) -> Taken {
        let stored = order.stored;
        // Without an answer the shard is stopping. What is stored goes on with the next start.
        self.call(|answer| Call::Send(Box::new(order), answer)).await.unwrap_or(if stored {
            Taken::Queued
        } else {
            Taken::Stopping
        })
    }

    async fn hand_over(&self, order: Order) -> Taken {
        self.call(|answer| Call::HandOver(Box::new(order), answer)).await.unwrap_or(Taken::Queued)
    }

    async fn cancel(&self, device: DeviceId, operation: OperationId) -> bool {
        self.call(|answer| Call::Cancel(device, operation, answer)).await.unwrap_or(false)
    }

    async fn presence(&self, device: DeviceId) -> Presence {
        self.call(|answer| Call::Presence(device, answer)).await.unwrap_or(Presence::NotRegistered)
    }

    async fn reserve(&self, count: usize) -> Option<Vec<DeviceId>> {
        self.call(|answer| Call::Reserve(count, answer)).await.flatten()
    }

    async fn follow(&self, commit: Arc<Commit>) {
        // A shard that is stopping will read it from the store.
        self.call(|answer| Call::Follow(commit, answer)).await;
    }

    async fn end(&self, ending: Ending) -> Result<(), StoreError> {
        self.call(|answer| Call::End(Box::new(ending), answer)).await.unwrap_or(Err(StoreError::Unavailable))
    }

    async fn end_sessions(&self, credentials: &[CredentialId]) {
        self.call(|answer| Call::EndSessions(credentials.to_vec(), answer)).await;
    }

    async fn renew_sessions(&self, credentials: &[CredentialId]) {
        self.call(|answer| Call::RenewSessions(credentials.to_vec(), answer)).await;
    }
}

impl Driver {
    /// Runs until `stop` ends, and then until what was under way is stored.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let mut busy = Busy::default();
        let mut next = 0;
        let mut next_count = Duration::ZERO;
        let mut counted = coap::Counters::default();
        let mut parts = Parts::of(Arc::clone(&self.store));
        loop {
            self.drain(&mut busy).await;
            let wake = self.clock.instant(self.shard.poll_timeout());
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some((ticket, result)) = busy.commits.next() => {
                    self.shard.handle_committed(self.clock.now(), ticket, result);
                }
                // Before what comes in, so that a flood does not stop the clock.
                () = tokio::time::sleep_until(wake) => {
                    self.shard.handle_timeout(self.clock.now());
                    if self.clock.now().mono >= next_count {
                        next_count = self.clock.now().mono + Duration::from_secs(1);
                        self.count(&mut counted);
                    }
                }
                answer = busy.packages.next() => self.take_answer(Some(answer), &mut busy),
                part = parts.next() => match part {
                    Some(part) => self.shard.handle_restored(self.clock.now(), part),
                    None => {
                        // Whom people have enrolled meanwhile is known before it is said who is unknown.
                        while let Ok(call) = self.calls.try_recv() {
                            next += 1;
                            self.take_call(next, call, &mut busy).await;
                        }
                        self.shard.handle_restore_done(self.clock.now());
                    }
                },
                // What people and programs ask waits until all of the fleet is back to be asked.
                Some(call) = self.calls.recv(), if !self.shard.is_restoring() => {
                    next += 1;
                    self.take_call(next, call, &mut busy).await;
                }
                Some(batch) = self.batches.recv() => {
                    for incoming in batch {
                        self.shard.handle(self.clock.now(), incoming);
                        self.drain(&mut busy).await;
                    }
                }
            }
        }
        self.finish(busy).await;
    }

    async fn take_call(&mut self, number: u64, call: Call, busy: &mut Busy) {
        let now = self.clock.now();
        // Whoever asked may have stopped waiting.
        match call {
            Call::Send(order, giver) => {
                let ticket = OrderTicket(number);
                busy.givers.orders.insert(ticket, giver);
                self.shard.handle_order(now, ticket, *order);
            }
            Call::HandOver(order, answer) => {
                let _ = answer.send(self.shard.hand_over(now, *order));
            }
            Call::Cancel(device, operation, answer) => {
                let _ = answer.send(self.shard.cancel_order(now, device, operation));
            }
            Call::Presence(device, answer) => {
                let _ = answer.send(self.shard.presence(now, device));
            }
            Call::Reserve(count, answer) => {
                let _ = answer.send(self.shard.reserve(count));
            }
            Call::Follow(commit, answer) => {
                self.shard.handle_followed(now, &commit);
                let _ = answer.send(());
            }
            Call::End(ending, giver) => {
                let ticket = EndTicket(number);
                busy.givers.endings.insert(ticket, giver);
                self.shard.handle_ending(now, ticket, *ending);
            }
            Call::EndSessions(credentials, answer) => {
                self.shard.handle_sessions_ended(now, &credentials);
                self.drain(busy).await;
                let _ = answer.send(());
            }
            Call::RenewSessions(credentials, answer) => {
                self.shard.handle_sessions_renewed(now, &credentials);
                self.drain(busy).await;
                let _ = answer.send(());
            }
        }
    }

    // The commits under way were promised to nobody yet; their answers still leave if they return in time.
    async fn finish(mut self, mut busy: Busy) {
        self.shard.handle_stop(self.clock.now());
        self.drain(&mut busy).await;
        let last = async {
            while let Some((ticket, result)) = busy.commits.next().await {
                self.shard.handle_committed(self.clock.now(), ticket, result);
                self.drain(&mut busy).await;
            }
        };
        if tokio::time::timeout(LAST_COMMITS, last).await.is_err() {
            warn!("stopped before the store had answered");
        }
    }

    async fn drain(&mut self, busy: &mut Busy) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Transmit { to, session, bytes } => {
                    if let Some(outlet) = self.outlets.get(usize::from(to.listener.0)) {
                        outlet.send(to.address, session, &bytes);
                    }
                }
                Output::Confirm { at, session } => {
                    if let Some(outlet) = self.outlets.get(usize::from(at.0)) {
                        outlet.confirm(session);
                    }
                }
                Output::Introduce { at, session } => {
                    if let Some(outlet) = self.outlets.get(usize::from(at.0)) {
                        outlet.introduce(session);
                    }
                }
                Output::Commit { ticket, commit } => {
                    #[cfg(planted)]
                    if planted::is_once_in(16, planted::Fault::CommitLost) {
                        self.shard.handle_committed(self.clock.now(), ticket, Ok(Committed::default()));
                        continue;
                    }
                    let (store, health) = (Arc::clone(&self.store), Arc::clone(&self.health));
                    let mut commit = Box::pin(async move {
                        let result = store.commit(commit).await;
                        health.committed(&result);
                        (ticket, result)
                    });
                    // Polled once here, so that commits begin in the order in which the shard made them.
                    match futures::poll!(commit.as_mut()) {
                        Poll::Ready((ticket, result)) => {
                            self.shard.handle_committed(self.clock.now(), ticket, result);
                        }
                        Poll::Pending => busy.commits.push(commit),
                    }
                }
                Output::Open { operation, device, artefact, instance } => {
                    let answer =
                        busy.packages.open(&self.packages, operation, device, artefact, instance).await;
                    self.take_answer(answer, busy);
                }
                Output::Read { operation, offset, len } => {
                    let answer = busy.packages.read(operation, offset, len).await;
                    self.take_answer(answer, busy);
                }
                Output::Progress { operation, sent } => self.packages.progress(operation, sent),
                Output::Close { operation } => busy.packages.close(operation),
                Output::Taken { ticket, taken } => {
                    if let Some(giver) = busy.givers.orders.remove(&ticket) {
                        // Whoever gave it may have stopped waiting.
                        let _ = giver.send(taken);
                    }
                }
                Output::Ended { ticket, result } => {
                    if let Some(giver) = busy.givers.endings.remove(&ticket) {
                        let _ = giver.send(result);
                    }
                }
                Output::EndSessions(credentials) => {
                    for outlet in &self.outlets {
                        outlet.end(&credentials);
                    }
                }
                Output::EndSession { at, session } => {
                    if let Some(outlet) = self.outlets.get(usize::from(at.0)) {
                        outlet.replace(session);
                    }
                }
                Output::Incident { cause, subject, source, device, detail } => {
                    let outlet = self.outlets.get(usize::from(source.listener.0));
                    let listener = outlet.map_or_else(String::new, |outlet| outlet.name().to_owned());
                    let (at, from) = (self.clock.now().wall, source.address);
                    (self.incidents)(Incident { at, cause, subject, from, listener, device, detail });
                }
                Output::Event { device, public_id, kind } => {
                    self.feed.publish(self.clock.now().wall, device, public_id, kind);
                }
            }
        }
    }

    fn take_answer(&mut self, answer: Option<Answer>, busy: &mut Busy) {
        let now = self.clock.now();
        match answer {
            Some(Answer::Opened(operation, package)) => {
                let opened = busy.packages.take(operation, package);
                self.shard.handle_opened(now, operation, opened);
            }
            Some(Answer::Read(operation, offset, read)) => {
                self.shard.handle_read(now, operation, offset, read)
            }
            None => {}
        }
    }

    fn count(&self, before: &mut coap::Counters) {
        metrics::gauge!("muster_registrations").set(self.shard.registered() as f64);
        metrics::gauge!("muster_operations_under_way").set(self.shard.under_way() as f64);
        for priority in Priority::ALL {
            metrics::gauge!("muster_operations_waiting", "priority" => priority.name())
                .set(self.shard.waiting_of(priority) as f64);
        }
        let backlog = self.shard.backlog(self.clock.now());
        metrics::gauge!("muster_commits_waiting").set(backlog.commits as f64);
        metrics::gauge!("muster_commits_oldest_seconds").set(backlog.oldest.as_secs_f64());
        self.health.waiting(backlog);
        let counters = self.shard.coap_counters();
        for ((name, value), (_, before)) in counters.iter().zip(before.iter()) {
            // What never becomes a message of a device leaves its only trace here.
            let refused = name.starts_with("malformed_") || NOT_SERVED.contains(&name);
            if refused && value > before {
                info!(coap.reason = name, messages = value - before, "messages refused below LwM2M");
            }
            let name = name.strip_suffix("_total").unwrap_or(name);
            metrics::counter!(format!("muster_coap_{name}_total")).absolute(value);
        }
        *before = counters.clone();
    }
}

#[cfg(test)]
mod tests {
    use fleet::{Operation, RequestId, Timestamp};

    use super::*;

    #[tokio::test]
    async fn a_shard_that_has_ended_says_nothing_of_its_devices() {
        let (handle, ended) = ShardHandle::new();
        drop(ended);
        for (stored, taken) in [(false, Taken::Stopping), (true, Taken::Queued)] {
            let order = Order {
                id: OperationId::new(Timestamp(1), [1; 10]),
                device: DeviceId(1),
                operation: Operation::Read { path: objects::Path::Root, format: None },
                request: RequestId::from_random([1; 16]),
                stored,
                expires_at: Timestamp(0),
                priority: Priority::Normal,
            };
            assert_eq!(handle.send(order).await, taken);
        }
    }
}
