//! The device: one owner of its registration, its objects and its observations.
//!
//! This file holds the state and the verbs of the caller. `client` is the registration life and the window of queue mode,
//! `management` answers the server's requests, `reporting` observes and sends.

mod client;
mod management;
mod reporting;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use coap::{Boot, Endpoint, ExchangeId, RequestId, Response, Token, Usage};
use objects::{Path, Value};

pub use self::reporting::SendRefused;
use self::{client::Life, management::After};
use crate::{
    Counters, Event, Faults, Output, Profile, Tree, TreeError, observation::Observation, tree::SERVER,
};

/// A simulated device.
///
/// `now` is always the time since the origin of one monotonic clock of the caller's; it must not go back. After each call
/// of a method that takes `now`, drain [`Self::poll_output`] and ask [`Self::poll_timeout`] again.
#[derive(Debug)]
pub struct Device {
    profile: Profile,
    seed: u64,
    starts: u16,
    endpoint: Endpoint<Server>,
    tree: Tree,
    faults: Faults,
    counters: Counters,
    life: Life,
    /// How many Registers have failed in a row.
    failures: u32,
    /// Until when a device in queue mode hears; none while it sleeps.
    awake_until: Option<Duration>,
    observations: BTreeMap<Token, Observation>,
    /// The sequence number of the last notification (RFC 7641 §3.4).
    sequence: u32,
    sends: BTreeSet<RequestId>,
    /// Answers that are held back by a fault.
    late: Vec<(Duration, ExchangeId, Response)>,
    /// What an Execute has left to do.
    after: Option<(Duration, After)>,
    outputs: VecDeque<Output>,
}

impl Device {
    /// The most observations. Beyond it an Observe is answered like a Read (RFC 7641 §4.1).
    pub const MAX_OBSERVATIONS: usize = 64;

    /// A device that is off. Two devices of the same profile and seed do the same at the same times.
    pub fn new(profile: Profile, seed: u64) -> Self {
        Self {
            seed,
            starts: 0,
            endpoint: endpoint(&profile, seed, 0),
            tree: profile.tree(),
            faults: profile.faults.clone(),
            counters: Counters::default(),
            life: Life::Off,
            failures: 0,
            awake_until: None,
            observations: BTreeMap::new(),
            sequence: 0,
            sends: BTreeSet::new(),
            late: Vec::new(),
            after: None,
            outputs: VecDeque::new(),
            profile,
        }
    }

    /// Turns the device on: it registers. Nothing happens if it is on.
    pub fn start(&mut self, now: Duration) {
        if matches!(self.life, Life::Off) {
            self.register(now);
            self.settle(now);
        }
    }

    /// Deregisters, and then turns the device off; at once if it is not registered.
    pub fn stop(&mut self, now: Duration) {
        self.leave(now, None);
        self.settle(now);
    }

    /// Turns the device off without a word: its battery is empty. What was written stays, unless it
    /// [loses its state](Faults::loses_state); observations do not. [`Self::start`] brings it back.
    pub fn vanish(&mut self) {
        self.turn_off();
        if self.faults.loses_state {
            self.tree = self.profile.tree();
        }
    }

    /// Turns the device off and on again.
    pub fn reboot(&mut self, now: Duration) {
        self.vanish();
        self.start(now);
    }

    /// Takes a datagram of the server's. A device that is off or asleep does not hear it.
    pub fn handle_datagram(&mut self, now: Duration, bytes: &[u8]) {
        if !self.hears() {
            self.counters.unheard += 1;
            return;
        }
        self.stir(now);
        self.endpoint.handle_datagram(now, Server, bytes);
        self.settle(now);
    }

    /// Takes note that time has passed. Too early a call does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.answer_late(now);
        self.settle(now);
        self.go_on(now);
        self.live(now);
        self.notify_due(now);
        self.settle(now);
        self.fall_asleep(now);
    }

    /// When to call [`Self::handle_timeout`] next. The value may change after every call that takes `now`.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let late = self.late.iter().map(|(at, ..)| *at).min();
        let after = self.after.as_ref().map(|(at, _)| *at);
        let reports = self.observations.values().filter_map(|observation| self.due(observation)).min();
        [self.endpoint.poll_timeout(), late, after, reports, self.life.due(), self.awake_until]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next thing to send or to take note of. Call it until it returns nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Changes a value as the device itself does: a sensor reads, a counter counts. Observers are told when their
    /// attributes say so.
    ///
    /// # Errors
    /// If the path is no place for this value.
    pub fn set(&mut self, now: Duration, path: Path, value: Value) -> Result<(), TreeError> {
        let instance = path.object().zip(path.instance()).map(|(object, id)| Path::Instance(object, id));
        let instance = instance.filter(|instance| !self.tree.exists(instance));
        self.tree.set(path, value)?;
        self.changed(now, &[instance.unwrap_or(path)]);
        self.settle(now);
        Ok(())
    }

    /// Takes something away as the device itself does, with what is below it.
    pub fn remove(&mut self, now: Duration, path: Path) {
        self.tree.remove(&path);
        self.changed(now, &[path]);
        self.settle(now);
    }

    /// What the device does wrong from now on.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// What kind of device it is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its objects as they are at present.
    pub fn objects(&self) -> &Tree {
        &self.tree
    }

    /// Whether the server knows it, as far as the device can tell.
    pub fn is_registered(&self) -> bool {
        matches!(self.life, Life::Registered { .. })
    }

    /// Whether datagrams reach it: it is on and, in queue mode, awake.
    pub fn hears(&self) -> bool {
        !matches!(self.life, Life::Off) && (!self.profile.queue_mode || self.awake_until.is_some())
    }

    /// What the server observes.
    pub fn observed(&self) -> impl Iterator<Item = Path> {
        self.observations.values().map(|observation| observation.path)
    }

    /// What was turned away.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What the CoAP endpoint has seen and turned away since the device was turned on.
    pub fn coap_counters(&self) -> &coap::Counters {
        self.endpoint.counters()
    }

    /// What the CoAP endpoint holds at the moment.
    pub fn usage(&self) -> Usage {
        self.endpoint.usage()
    }

    /// Takes what the endpoint has to say until it has nothing more to say.
    fn settle(&mut self, now: Duration) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                coap::Output::Transmit { bytes, .. } => {
                    self.stir(now);
                    self.outputs.push_back(Output::Transmit { bytes });
                }
                coap::Output::Event(event) => self.on_event(now, event),
            }
        }
    }

    fn on_event(&mut self, now: Duration, event: coap::Event<Server>) {
        match event {
            coap::Event::Request { exchange, request, .. } => self.on_request(now, exchange, &request),
            coap::Event::Response { request, outcome, .. } => self.on_outcome(now, request, outcome),
            // The device observes nothing.
            coap::Event::Notification { id, .. } => self.endpoint.reject_notification(now, id),
            coap::Event::NotificationSent { token, outcome, .. } => self.on_notification_sent(token, outcome),
        }
    }

    /// Tells whom it concerns that something in the tree has changed.
    fn changed(&mut self, now: Duration, paths: &[Path]) {
        self.watch(now, paths);
        // A value says nothing to the registration, unless it is one of the account's.
        if paths.iter().any(|path| path.depth() < 3 || path.object() == Some(SERVER)) {
            self.update_if_needed(now);
        }
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Milliseconds since 1970.
    fn time_ms(&self, now: Duration) -> i64 {
        self.profile.epoch_ms.saturating_add(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Server;

/// An endpoint that knows nothing of the one before the start: neither messages nor exchanges.
fn endpoint(profile: &Profile, seed: u64, starts: u16) -> Endpoint<Server> {
    let mut config = profile.coap.clone();
    // All datagrams are the server's: there is no address to be proved, and no peer that takes another's room.
    config.bounds.unverified_reply_bytes = usize::MAX;
    config.bounds.remembered_per_peer = config.bounds.remembered_total;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    Endpoint::new(config, Boot { number: starts, seed: bytes })
}
