//! The task that owns a shard: it feeds it from sockets, callers and the store, and does what the shard wants done.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, task::Poll, time::Duration};

use async_trait::async_trait;
use fleet::{Committed, DeviceId, Downlink, Feed, OperationId, Order, Presence, Store, StoreError, Taken};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::{
    shard::{OrderTicket, Output, Shard, Ticket},
    udp::{Batch, Listener},
};
use crate::{Stop, clock::Clock, health::Health};

/// Runs one shard.
pub(crate) struct Driver {
    pub(crate) shard: Shard,
    pub(crate) clock: Clock,
    pub(crate) listeners: Vec<Arc<Listener>>,
    pub(crate) store: Arc<dyn Store>,
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
    /// See [`Downlink::cancel`].
    Cancel(DeviceId, OperationId, oneshot::Sender<bool>),
    /// See [`Downlink::presence`].
    Presence(DeviceId, oneshot::Sender<Presence>),
}

/// How many calls wait for a shard; further callers wait for a place.
const MAX_CALLS: usize = 1_024;

/// How many batches of datagrams wait for a shard; then the sockets wait.
pub(crate) const MAX_BATCHES: usize = 64;

/// Counters of messages that are well-formed and yet can't be served, beside those of malformed ones.
const NOT_SERVED: [&str; 4] = ["blocks_refused", "body_bytes", "critical_options", "methods_unknown"];

/// How long a stop waits for commits that are under way.
const LAST_COMMITS: Duration = Duration::from_secs(5);

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
            Taken::NotRegistered
        })
    }

    async fn cancel(&self, device: DeviceId, operation: OperationId) -> bool {
        self.call(|answer| Call::Cancel(device, operation, answer)).await.unwrap_or(false)
    }

    async fn presence(&self, device: DeviceId) -> Presence {
        self.call(|answer| Call::Presence(device, answer)).await.unwrap_or(Presence::NotRegistered)
    }
}

impl Driver {
    /// Runs until `stop` ends, and then until what was under way is stored.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let mut commits = Commits::new();
        let mut givers = BTreeMap::new();
        let mut next_order = 0;
        let mut next_count = Duration::ZERO;
        let mut counted = coap::Counters::default();
        loop {
            self.drain(&mut commits, &mut givers).await;
            let wake = self.clock.instant(self.shard.poll_timeout());
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some((ticket, result)) = commits.next() => {
                    self.shard.handle_committed(self.clock.now(), ticket, result);
                }
                Some(call) = self.calls.recv() => match call {
                    Call::Send(order, giver) => {
                        let ticket = OrderTicket(next_order);
                        next_order += 1;
                        givers.insert(ticket, giver);
                        self.shard.handle_order(self.clock.now(), ticket, *order);
                    }
                    Call::Cancel(device, operation, answer) => {
                        let _ = answer.send(self.shard.cancel_order(device, operation));
                    }
                    Call::Presence(device, answer) => {
                        let _ = answer.send(self.shard.presence(self.clock.now(), device));
                    }
                },
                Some(batch) = self.batches.recv() => {
                    for (source, bytes) in batch {
                        self.shard.handle_datagram(self.clock.now(), source, &bytes);
                        self.drain(&mut commits, &mut givers).await;
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    self.shard.handle_timeout(self.clock.now());
                    if self.clock.now().mono >= next_count {
                        next_count = self.clock.now().mono + Duration::from_secs(1);
                        self.count(&mut counted);
                    }
                }
            }
        }
        self.finish(commits, givers).await;
    }

    // The commits under way were promised to nobody yet; their answers still leave if they return in time.
    async fn finish(
        mut self,
        mut commits: Commits,
        mut givers: BTreeMap<OrderTicket, oneshot::Sender<Taken>>,
    ) {
        self.shard.handle_stop();
        self.drain(&mut commits, &mut givers).await;
        let last = async {
            while let Some((ticket, result)) = commits.next().await {
                self.shard.handle_committed(self.clock.now(), ticket, result);
                self.drain(&mut commits, &mut givers).await;
            }
        };
        if tokio::time::timeout(LAST_COMMITS, last).await.is_err() {
            warn!("stopped before the store had answered");
        }
    }

    async fn drain(
        &mut self,
        commits: &mut Commits,
        givers: &mut BTreeMap<OrderTicket, oneshot::Sender<Taken>>,
    ) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Transmit { to, bytes } => {
                    if let Some(listener) = self.listeners.get(usize::from(to.listener.0)) {
                        listener.send(to.address, &bytes);
                    }
                }
                Output::Commit { ticket, commit } => {
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
                        Poll::Pending => commits.push(commit),
                    }
                }
                Output::Taken { ticket, taken } => {
                    if let Some(giver) = givers.remove(&ticket) {
                        // Whoever gave it may have stopped waiting.
                        let _ = giver.send(taken);
                    }
                }
                Output::Event { device, public_id, kind } => {
                    self.feed.publish(self.clock.now().wall, device, public_id, kind);
                }
            }
        }
    }

    fn count(&self, before: &mut coap::Counters) {
        metrics::gauge!("muster_registrations").set(self.shard.registered() as f64);
        metrics::gauge!("muster_operations_under_way").set(self.shard.under_way() as f64);
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
