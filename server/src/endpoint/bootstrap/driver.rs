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
    endpoint::{Batch, Outlet},
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
                        self.endpoint.handle(self.clock.now(), incoming);
                        self.drain(&mut works);
                    }
                }
                () = tokio::time::sleep_until(wake) => {
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
                Output::Transmit { to, session, bytes } => {
                    if let Some(outlet) = self.outlets.get(&to.listener) {
                        outlet.send(to.address, session, &bytes);
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use fleet::{
        Actor, BootstrapResult, Context, DeviceId, EndpointName, EventKind, RequestId, Store, Watched,
        store::MemoryStore,
    };
    use objects::ContentFormat;
    use tokio::{net::UdpSocket, sync::oneshot};

    use super::*;
    use crate::endpoint::{
        bootstrap::{BootstrapBounds, tests::world},
        socket::SystemNetwork,
        udp::Listener,
    };

    #[tokio::test]
    async fn a_client_is_bootstrapped_through_a_socket_and_its_record_kept() {
        let (store, clock) = (Arc::new(MemoryStore::new()), Clock::start());
        let stray = Box::new(|_: SocketAddr, _: &str| {});
        let listener = Arc::new(
            Listener::bind(&SystemNetwork, ListenerId(0), ([127, 0, 0, 1], 0).into(), stray).unwrap(),
        );
        let server = listener.address().unwrap();
        let (sender, batches) = mpsc::channel(4);
        let receiving = tokio::spawn(Arc::clone(&listener).receive(sender));
        let (stop, stopped) = oneshot::channel::<()>();
        let fleet = world::fleet_on(&store, 0);
        let context = Context {
            actor: Actor::Server("test"),
            now: clock.now().wall,
            request: RequestId::from_random([1; 16]),
        };
        let mut events = fleet.subscribe(&context).await.unwrap();
        let driver = BootstrapDriver {
            endpoint: world::endpoint(0, BootstrapBounds::default(), clock.now().mono),
            clock: clock.clone(),
            outlets: [(ListenerId(0), Arc::clone(&listener) as Arc<dyn Outlet>)].into(),
            fleet,
            settings: Arc::new(world::settings()),
            batches,
        };
        let stopped = futures::FutureExt::map(stopped, |_| ());
        let running = tokio::spawn(driver.run(futures::FutureExt::shared(Box::pin(stopped))));

        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(server).await.unwrap();
        let asked = asked_by(&client).await;
        assert_eq!(asked, ["GET /", "PUT /0/1", "PUT /1/0", "POST /bs"]);
        let Some(Watched::Event(event)) = events.next().await else { panic!("something happens") };
        assert_eq!(event.kind, EventKind::Bootstrap(BootstrapResult::Finished));
        drop(stop);
        running.await.unwrap();
        receiving.abort();

        let view = store.device_by_endpoint(&EndpointName::new("node-7").unwrap()).await.unwrap().unwrap();
        assert_eq!(view.device.id, DeviceId(1));
        let record = store.bootstraps(view.device.id).await.unwrap().remove(0);
        assert_eq!((record.result, record.steps.len()), (BootstrapResult::Finished, 4));
    }

    /// What a client is asked that asks for a bootstrap and says yes to everything.
    async fn asked_by(client: &UdpSocket) -> Vec<String> {
        let boot = coap::Boot { number: 1, seed: [9; 32] };
        let (mut endpoint, started) = (coap::Endpoint::new(coap::Config::default(), boot), Clock::start());
        let mut request = coap::Request::new(coap::Method::Post, "bs");
        request.queries = vec!["ep=node-7".to_owned(), "pct=110".to_owned()];
        endpoint.send_request(Duration::ZERO, (), request).unwrap();
        let (mut asked, mut buffer) = (Vec::new(), [0; 2_048]);
        loop {
            while let Some(output) = endpoint.poll_output() {
                match output {
                    coap::Output::Transmit { bytes, .. } => drop(client.send(&bytes).await.unwrap()),
                    coap::Output::Event(coap::Event::Request { exchange, request, .. }) => {
                        let method = format!("{:?}", request.method).to_uppercase();
                        asked.push(format!("{method} /{}", request.path.join("/")));
                        let response = match request.method {
                            coap::Method::Get => coap::Response::new(coap::Code::CONTENT)
                                .with_payload(ContentFormat::LINK.0, "</0/0>,</1>"),
                            _ => coap::Response::new(coap::Code::CHANGED),
                        };
                        endpoint.respond(started.now().mono, exchange, response);
                    }
                    coap::Output::Event(_) => {}
                }
            }
            if asked.last().is_some_and(|last| last == "POST /bs") {
                return asked;
            }
            let len = client.recv(&mut buffer).await.unwrap();
            endpoint.handle_datagram(started.now().mono, (), &buffer[..len]);
        }
    }
}
