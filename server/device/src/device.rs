//! The device: one owner of its registration, its objects and its observations.
//!
//! This file holds the state and the verbs of the caller. `client` is the registration life and the window of queue mode,
//! `connection` the way to a server, `bootstrap` what a bootstrap server does, `management` answers the server's requests,
//! `firmware` and `software` take packages, `reporting` observes and sends.

mod bootstrap;
mod client;
mod connection;
mod firmware;
mod management;
mod reporting;
mod software;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    time::Duration,
};

use coap::{Boot, Endpoint, ExchangeId, RequestId, Response, Token, Usage};
use objects::{InstanceId, Path, Value};

use self::{
    client::{Phase, Then},
    connection::Link,
    firmware::Fetching,
    management::After,
};
pub use self::{firmware::FirmwareStatus, reporting::SendRefused};
use crate::{
    Account, Counters, Event, Factory, Faults, Output, Profile, Tree, TreeError,
    firmware::{Update, is_package},
    observation::Observation,
    security::Accounts,
    software::Component,
    tree::SERVER,
};

/// A simulated device.
///
/// `now` is always the time since the origin of one monotonic clock of the caller's; it must not go back. After each call
/// of a method that takes `now`, drain [`Self::poll_output`] and ask [`Self::poll_timeout`] again.
pub struct Device {
    profile: Profile,
    seed: u64,
    starts: u16,
    endpoint: Endpoint<Server>,
    tree: Tree,
    accounts: Accounts,
    faults: Faults,
    counters: Counters,
    phase: Phase,
    link: Link,
    /// The present server, or the next one if there is none.
    server: Server,
    /// How many Registers have failed in a row.
    failures: u32,
    /// How many bootstraps have failed in a row.
    bootstraps_failed: u32,
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
    update: Option<Box<Update>>,
    /// The instances of the Software Management object.
    components: BTreeMap<InstanceId, Component>,
    fetching: Option<Fetching>,
    /// How often it has set out to fetch a package.
    fetches: u16,
    outputs: VecDeque<Output>,
}

impl Device {
    /// The most observations. Beyond it an Observe is answered like a Read (RFC 7641 §4.1).
    pub const MAX_OBSERVATIONS: usize = 64;

    /// A device that is off. Two devices of the same profile and seed do the same at the same times.
    pub fn new(profile: Profile, seed: u64) -> Self {
        let tree = profile.tree();
        let accounts = Accounts::of(&profile.factory, &tree);
        let link = if profile.factory == Factory::default() { Link::Direct } else { Link::Down };
        let update = profile.firmware.as_ref().map(|_| Box::new(Update::of(&tree)));
        let mut device = Self {
            seed,
            starts: 0,
            endpoint: endpoint(&profile, seed, 0),
            tree,
            accounts,
            faults: profile.faults.clone(),
            counters: Counters::default(),
            phase: Phase::Off { back_at: None },
            link,
            server: Server(0),
            failures: 0,
            bootstraps_failed: 0,
            awake_until: None,
            observations: BTreeMap::new(),
            sequence: 0,
            sends: BTreeSet::new(),
            late: Vec::new(),
            after: None,
            update,
            components: BTreeMap::new(),
            fetching: None,
            fetches: 0,
            outputs: VecDeque::new(),
            profile,
        };
        device.unpack();
        device.show_update();
        device.outputs.clear();
        device
    }

    /// Turns the device on: it registers, or asks for the session it needs for that or for a bootstrap. Nothing happens if it
    /// is on.
    pub fn start(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Off { .. }) {
            self.set_out(now);
            self.settle(now);
        }
    }

    /// Sends an Update, though none is due. Nothing happens if it is not registered, or one is under way.
    pub fn refresh(&mut self, now: Duration) {
        self.update(now);
        self.settle(now);
    }

    /// Deregisters, and then turns the device off; at once if it is not registered.
    pub fn stop(&mut self, now: Duration) {
        self.cut_off_bootstrap();
        self.leave(now, Then::Off);
        self.settle(now);
    }

    /// Turns the device off without a word: its battery is empty. What was written stays, unless it
    /// [loses its state](Faults::loses_state); observations do not, nor does a bootstrap that is under way, unless
    /// [a fault](Faults::keeps_unfinished_bootstrap) says so. The session is over. [`Self::start`] brings it back.
    pub fn vanish(&mut self) {
        self.cut_off_bootstrap();
        self.turn_off();
        self.end_fetch();
        if let Some(update) = &mut self.update {
            update.lose_power();
        }
        self.software_loses_power();
        if self.faults.loses_state {
            self.reset();
        }
        self.show_update();
    }

    /// Turns the device off and, after [`Profile::boot_time`], on again.
    pub fn reboot(&mut self, now: Duration) {
        self.vanish();
        self.boot(now);
    }

    /// Takes a datagram of the server's. A device that is off or asleep does not hear it.
    pub fn handle_datagram(&mut self, now: Duration, bytes: &[u8]) {
        if !self.hears() {
            self.counters.unheard += 1;
            return;
        }
        self.stir(now);
        self.endpoint.handle_datagram(now, self.server, bytes);
        self.settle(now);
    }

    /// Takes note that time has passed. Too early a call does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.answer_late(now);
        self.settle(now);
        self.go_on(now);
        self.live(now);
        self.go_on_with_update(now);
        self.go_on_with_software(now);
        self.go_on_with_fetch(now);
        self.notify_due(now);
        self.settle(now);
        self.fall_asleep(now);
    }

    /// When to call [`Self::handle_timeout`] next. The value may change after every call that takes `now`.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let late = self.late.iter().map(|(at, ..)| *at).min();
        let after = self.after.as_ref().map(|(at, _)| *at);
        let reports = self.observations.values().filter_map(|observation| self.due(observation)).min();
        [
            self.endpoint.poll_timeout(),
            late,
            after,
            reports,
            self.phase.due(),
            self.sleeps_at(),
            self.update_due(),
            self.fetch_due(),
            self.software_due(),
        ]
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
        matches!(self.phase, Phase::Registered { .. })
    }

    /// Whether it has a server at the moment and, in queue mode, is awake.
    pub fn hears(&self) -> bool {
        !matches!(self.phase, Phase::Off { .. })
            && matches!(self.link, Link::Direct | Link::Up)
            && (!self.profile.queue_mode || self.awake_until.is_some())
    }

    /// Whether a bootstrap is under way, from its request to the end of the session.
    pub fn is_bootstrapping(&self) -> bool {
        matches!(self.phase, Phase::Bootstrapping(_))
    }

    /// The management server for which it has an account at present, unless its address is the caller's business.
    pub fn management_account(&self) -> Option<Account> {
        let (security, _) = self.accounts.management(&self.tree)?;
        self.accounts.account(security).ok()
    }

    /// What the server observes.
    pub fn observed(&self) -> impl Iterator<Item = Path> {
        self.observations.values().flat_map(|observation| observation.of.paths()).copied()
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
                coap::Output::Transmit { peer, bytes } if peer == self.server => {
                    self.stir(now);
                    self.outputs.push_back(Output::Transmit { bytes });
                }
                // What is repeated to a server that the device has left.
                coap::Output::Transmit { .. } => {}
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

    fn boot(&mut self, now: Duration) {
        if self.profile.boot_time.is_zero() {
            self.start(now);
        } else {
            self.phase = Phase::Off { back_at: Some(now.saturating_add(self.profile.boot_time)) };
        }
    }

    /// Forgets whatever was written since the device came out of the factory.
    fn reset(&mut self) {
        self.tree = self.profile.tree();
        self.accounts = Accounts::of(&self.profile.factory, &self.tree);
        self.unpack();
        self.show_update();
    }

    /// The software is as it comes out of the factory: none.
    fn unpack(&mut self) {
        let instances = self.profile.software.iter().flat_map(|software| 0..software.instances);
        self.components = instances.map(|id| (InstanceId(id), Component::default())).collect();
    }

    fn emit(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Milliseconds since 1970.
    pub(crate) fn time_ms(&self, now: Duration) -> i64 {
        self.profile.epoch_ms.saturating_add(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}

/// What was written by a bootstrap server is not for printing, and passes through the endpoint.
impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("endpoint", &self.profile.endpoint)
            .field("phase", &self.phase)
            .field("link", &self.link)
            .field("tree", &self.tree)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

/// The peer of one connection: each session with a server has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Server(u32);

/// An endpoint that knows nothing of the one before the start: neither messages nor exchanges.
fn endpoint(profile: &Profile, seed: u64, starts: u16) -> Endpoint<Server> {
    let mut config = profile.coap.clone();
    // All datagrams are the server's: there is no address to be proved, and no peer that takes another's room.
    config.bounds.unverified_reply_bytes = usize::MAX;
    config.bounds.remembered_per_peer = config.bounds.remembered_total;
    if profile.firmware.is_some() || profile.software.is_some() {
        config.is_streamed = is_package;
    }
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    Endpoint::new(config, Boot { number: starts, seed: bytes })
}
