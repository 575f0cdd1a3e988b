//! The task that owns the bootstrap endpoint: it feeds it from the listeners, asks the fleet, and keeps what is to be kept.

use std::{collections::BTreeMap, sync::Arc, task::Poll, time::Duration};

use fleet::{BootstrapSettings, Fleet, FleetError, ListenerId, Refusal, Session};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::{BootstrapEndpoint, Output, Ticket};
use crate::{
    Stop,
    clock::Clock,
    endpoint::{Batch, Incoming, Outlet},
};

/// Runs the bootstrap endpoint.
pub(crate) struct BootstrapDriver {
    pub(crate) endpoint: BootstrapEndpoint,
    pub(crate) clock: Clock,
    /// The way out of each bootstrap listener.
    pub(crate) outlets: BTreeMap<ListenerId, Arc<dyn Outlet>>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) settings: Arc<BootstrapSettings>,
    pub(crate) batches: mpsc::Receiver<Batch>,
}

/// What the fleet has done.
enum Done {
    Begun(Ticket, Box<Result<Session, Refusal>>),
    Saved(Ticket),
    Ended,
}

type Works = FuturesUnordered<BoxFuture<'static, Done>>;

/// How long a stop waits for what is being kept.
const LAST_WORKS: Duration = Duration::from_secs(5);

/// After how many seconds the end of a session is offered to the store again.
const AGAIN_AFTER: [u64; 6] = [0, 1, 2, 4, 8, 16];

impl BootstrapDriver {
    /// Runs until `stop` ends, and then until what was under way is kept.
    pub(crate) async fn run(mut self, mut stop: Stop) {
        let mut works = Works::new();
        let mut next_count = Duration::ZERO;
        loop {
            self.drain(&mut works);
            let wake = self.clock.instant(self.endpoint.poll_timeout());
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(done) = works.next() => self.take(done),
                Some(batch) = self.batches.recv() => {
                    for incoming in batch {
                        let now = self.clock.now();
                        match incoming {
                            Incoming::Datagram(origin, bytes) => {
                                self.endpoint.handle_datagram(now, origin, &bytes);
                            }
                            Incoming::SessionBegan(origin) => self.endpoint.handle_session_began(now, origin),
                            Incoming::SessionEnded(origin) => self.endpoint.handle_session_ended(now, origin),
                        }
                        self.drain(&mut works);
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    self.endpoint.handle_timeout(self.clock.now());
                    if self.clock.now().mono >= next_count {
                        next_count = self.clock.now().mono + Duration::from_secs(1);
                        self.count();
                    }
                }
            }
        }
        // A device whose session is cut off here comes again: what it has taken is good.
        let last = async {
            while let Some(done) = works.next().await {
                self.take(done);
                self.drain(&mut works);
            }
        };
        if tokio::time::timeout(LAST_WORKS, last).await.is_err() {
            warn!("stopped before all bootstraps were kept");
        }
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Begun(ticket, begun) => self.endpoint.handle_begun(self.clock.now(), ticket, *begun),
            Done::Saved(ticket) => self.endpoint.handle_saved(ticket),
            Done::Ended => {}
        }
    }

    fn drain(&mut self, works: &mut Works) {
        while let Some(output) = self.endpoint.poll_output() {
            let fleet = Arc::clone(&self.fleet);
            let work: BoxFuture<'static, Done> = match output {
                Output::Transmit { to, bytes } => {
                    if let Some(outlet) = self.outlets.get(&to.listener) {
                        outlet.send(to.address, &bytes);
                    }
                    continue;
                }
                Output::Incident(incident) => {
                    fleet.incident(incident);
                    continue;
                }
                Output::Begin { ticket, asked } => {
                    let settings = Arc::clone(&self.settings);
                    Box::pin(async move {
                        Done::Begun(ticket, Box::new(fleet.begin_bootstrap(&asked, &settings).await))
                    })
                }
                Output::Save { ticket, record } => Box::pin(async move {
                    if let Err(error) = fleet.save_bootstrap(&record).await {
                        warn!(%error, "a step of a bootstrap could not be recorded");
                    }
                    Done::Saved(ticket)
                }),
                Output::Ended { session, asked } => Box::pin(async move {
                    for after in AGAIN_AFTER {
                        if after > 0 {
                            tokio::time::sleep(Duration::from_secs(after)).await;
                        }
                        match fleet.end_bootstrap(&session, &asked).await {
                            // What the store refuses today it refuses tomorrow.
                            Err(FleetError::Store(fleet::StoreError::Unavailable)) => {}
                            Err(error) => {
                                error!(%error, "the end of a bootstrap could not be recorded");
                                break;
                            }
                            Ok(()) => break,
                        }
                    }
                    Done::Ended
                }),
            };
            self.begin(work, works);
        }
    }

    // Polled once here, so that what is kept is begun in the order in which it came up.
    fn begin(&mut self, mut work: BoxFuture<'static, Done>, works: &mut Works) {
        let waker = futures::task::noop_waker();
        match work.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            Poll::Ready(done) => self.take(done),
            Poll::Pending => works.push(work),
        }
    }

    fn count(&self) {
        metrics::gauge!("muster_bootstraps_under_way").set(self.endpoint.under_way() as f64);
        for (name, value) in self.endpoint.coap_counters().iter() {
            let name = name.strip_suffix("_total").unwrap_or(name);
            metrics::counter!(format!("muster_bootstrap_coap_{name}_total")).absolute(value);
        }
    }
}
