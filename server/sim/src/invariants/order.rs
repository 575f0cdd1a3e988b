//! Queue mode, order and observations: I-23, I-24 and I-25.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use coap::{Kind, Message, OptionNumber, Token};
use device::Event;
use fleet::{
    DeviceState, Observation, Presence, Reading, SecureSession, Timestamp, store::DeviceView, wish::Kept,
};
use objects::{Path, Value};

use super::{SENT, View};
use crate::model::operations::number_in;

/// What is remembered of devices.
#[derive(Default)]
pub(super) struct Order {
    /// When and from where the server last received something of a device.
    received: BTreeMap<usize, (Duration, SocketAddr)>,
    /// The commands that a device has heard, by when it heard them first.
    commands: BTreeMap<usize, Vec<u64>>,
    /// The tokens of notifications, by the device and the message id.
    notifications: BTreeMap<(usize, u16), Token>,
    /// What devices observe for the server.
    observed: BTreeSet<(usize, Path)>,
}

/// How long what was sent within the window may be sent again (RFC 7252 §4.8.2, MAX_TRANSMIT_SPAN), once what goes before it to
/// the same peer has been given up.
const SPAN: Duration = Duration::from_secs(45 + 60);

impl Order {
    /// The server has received something of a device.
    pub(super) fn received(&mut self, view: &View<'_>, device: usize, from: SocketAddr) {
        self.received.insert(device, (view.bench.now(), from));
    }

    /// I-23: the server sends nothing to a device that sleeps.
    pub(super) fn sent(&mut self, view: &View<'_>, to: SocketAddr) {
        let Some(device) = view.device_at(to) else { return };
        let Some((received, _)) = self.received.get(&device) else { return };
        let sleeps = view.nodes[device].device.profile().queue_mode;
        // What a slow store keeps is heard later.
        let heard = view.store.was_unwell().max(*received);
        if sleeps && view.bench.now() > heard + Presence::AWAKE_FOR + SPAN {
            let name = &view.model.devices[device].endpoint;
            let text = format!("{name} sleeps, was heard last at {received:?}, and is called");
            view.bench.violate("I-23", text);
        }
    }

    /// A device says something.
    pub(super) fn said(&mut self, device: usize, message: &Message) {
        if message.code.is_success() && message.options.uint(OptionNumber::OBSERVE).is_some() {
            self.notifications.insert((device, message.id.0), message.token);
        }
    }

    /// A device has heard something of the server's.
    pub(super) fn heard(&mut self, view: &View<'_>, device: usize, message: &Message) {
        match message.kind {
            Kind::Reset => self.reset(view, device, message),
            _ => self.commanded(view, device, message),
        }
    }

    /// A device says something of itself.
    pub(super) fn told(&mut self, device: usize, event: &Event) {
        match event {
            Event::Observed { path } => drop(self.observed.insert((device, *path))),
            Event::ObservationEnded { path } => drop(self.observed.remove(&(device, *path))),
            _ => {}
        }
    }

    /// I-25: what is stored as observed is not reset, unless the device has ended it, as it was asked to.
    fn reset(&mut self, view: &View<'_>, device: usize, message: &Message) {
        let Some(token) = self.notifications.get(&(device, message.id.0)) else { return };
        let Some(stored) = view.stored(device).filter(|_| view.nodes[device].way.secure) else { return };
        // The reset ends it, too, which the device says after this.
        let is_it = |observation: &Observation| {
            let is_known =
                observation.target.paths().iter().all(|path| self.observed.contains(&(device, *path)));
            observation.token.as_bytes() == token.as_bytes() && is_known
        };
        // One by wish that is not wished any more is being ended, as the device may not have heard yet.
        let (kept, wanted) = (kept(view, &stored), wanted(view, &stored));
        let is_let_go = |observation: &Observation| {
            let is_owned = kept.owned.contains_key(&observation.target);
            is_owned && !observation.target.paths().iter().all(|path| wanted.contains(path))
        };
        let is_it = |observation: &Observation| is_it(observation) && !is_let_go(observation);
        if stored.state == DeviceState::Registered && observations(view, &stored).iter().any(is_it) {
            let name = &view.model.devices[device].endpoint;
            view.bench
                .violate("I-25", format!("{name}: a notification was reset whose observation is stored"));
        }
    }

    /// I-24: commands arrive in the order in which they were taken.
    fn commanded(&mut self, view: &View<'_>, device: usize, message: &Message) {
        let Some(number) = number_in(message) else { return };
        let (operations, known) = (&view.model.operations, &view.model.devices[device]);
        let before = self.commands.entry(device).or_default();
        // After a start they are ordered by their names, which begin with the time by the wall clock.
        if known.mistaken || before.contains(&number) || operations.has_jumped {
            return;
        }
        let told = operations.told_at.get(&number).copied().unwrap_or(u64::MAX);
        if let Some(later) =
            before.iter().find(|other| operations.asked_at.get(other).is_some_and(|at| *at > told))
        {
            let text =
                format!("{}: command {number} was taken before {later} and comes after it", known.endpoint);
            view.bench.violate("I-24", text);
        }
        before.push(number);
    }
}

/// I-25: values of one observation are stored in the order in which they were measured. Without security they may be another's.
pub(super) fn observed(view: &View<'_>, device: usize) {
    let Some(stored) = view.stored(device).filter(|_| view.nodes[device].way.secure) else { return };
    let history =
        view.store.durable(|store| store.history(stored.device.id, SENT, Reading::HISTORY_PER_PATH));
    let mut history = history.unwrap_or_default();
    history.sort_by_key(|reading| reading.sequence);
    let values = history.iter().filter_map(|reading| match reading.reading.value {
        // Those of Sends are whole.
        Value::Float(value) if value.fract() == 0.5 => Some(value),
        _ => None,
    });
    let values: Vec<f64> = values.collect();
    if let Some(pair) = values.windows(2).find(|pair| pair[1] < pair[0]) {
        let name = &view.model.devices[device].endpoint;
        view.bench.violate("I-25", format!("{name}: {} was accepted after {}", pair[1], pair[0]));
    }
}

/// I-25: after all, what a device knows to be observed is.
pub(super) fn agreed(view: &View<'_>) {
    for (device, node) in view.nodes.iter().enumerate() {
        let known = &view.model.devices[device];
        let stored = view.stored(device).filter(|stored| stored.state == DeviceState::Registered);
        let Some(stored) = stored.filter(|_| known.is_here() && !known.unfollowed) else { continue };
        if !is_within_reach(view, node.way.secure, &stored) {
            continue;
        }
        let ours = observations(view, &stored);
        // An Observe by wish whose answer was lost and that was asked again leaves two of them with the device. The one that nobody
        // knows ends with its next report, which is reset; what is never measured is never reported.
        for path in node.device.observed().filter(|path| *path == SENT || !view.model.wished) {
            if !ours.iter().any(|observation| observation.target.paths().contains(&path)) {
                view.bench
                    .violate("I-25", format!("{}: {path} is observed, and not stored so", known.endpoint));
            }
        }
    }
}

/// I-25: after all, a device is observed for what its class wishes, for nothing twice, and by wish for nothing else.
pub(super) fn wished(order: &Order, view: &View<'_>) {
    for (device, node) in view.nodes.iter().enumerate() {
        let known = &view.model.devices[device];
        let stored = view.stored(device).filter(|stored| stored.state == DeviceState::Registered);
        let Some(stored) = stored.filter(|_| known.is_here() && !known.unfollowed) else { continue };
        // Who sleeps is asked when it is heard, and who is at an address that nobody knows, too.
        let is_known_there = order.received.get(&device).is_some_and(|(_, from)| *from == node.address);
        let is_within_reach = is_within_reach(view, node.way.secure, &stored);
        if node.device.profile().queue_mode || !is_known_there || !is_within_reach {
            continue;
        }
        let wanted = wanted(view, &stored);
        let ours = observations(view, &stored);
        let times = |path: &Path| ours.iter().filter(|one| one.target.paths().contains(path)).count();
        let kept = kept(view, &stored);
        for path in wanted.iter().filter(|path| times(path) != 1) {
            let why = kept.owned.iter().find(|(target, _)| target.paths().contains(path));
            let text =
                format!("{}: {path} is wished and observed {} times: {why:?}", known.endpoint, times(path));
            view.bench.violate("I-25", text);
        }
        let live = ours.iter().filter(|one| kept.owned.contains_key(&one.target));
        for path in live.flat_map(|one| one.target.paths()).filter(|path| !wanted.contains(path)) {
            view.bench.violate("I-25", format!("{}: {path} is observed, and not wished", known.endpoint));
        }
    }
}

/// Whether the server can tell a device anything before that is heard anew: without a session neither a request nor a reset gets
/// there. Whether a session may end is said of sessions.
fn is_within_reach(view: &View<'_>, secure: bool, stored: &DeviceView) -> bool {
    let sessions = view.store.durable(|store| store.secure_sessions(None, SecureSession::MAX_READ));
    let mut sessions = sessions.unwrap_or_default().into_iter();
    let listener = stored.registration.as_ref().map(|registration| registration.source.listener);
    let is_its = |session: &SecureSession| session.identity.device() == Some(stored.device.id);
    !secure || sessions.any(|session| is_its(&session) && Some(session.source.listener) == listener)
}

/// What the class of a device wishes of it.
fn wanted(view: &View<'_>, stored: &DeviceView) -> BTreeSet<Path> {
    let wishes = view.store.durable(|store| store.wishes()).unwrap_or_default();
    let wishes = wishes.iter().filter(|(class, _)| *class == stored.device.class);
    let patterns = wishes.flat_map(|(_, wishes)| wishes.iter().map(|wish| wish.pattern));
    let Some(registration) = &stored.registration else { return BTreeSet::new() };
    patterns.flat_map(|pattern| pattern.paths(&registration.links)).collect()
}

/// What was asked of a device by wish.
fn kept(view: &View<'_>, stored: &DeviceView) -> Kept {
    view.store.durable(|store| store.kept_wishes(stored.device.id)).unwrap_or_default()
}

/// I-25: an observation that was cancelled, as was asked at this time, is not stored any more.
pub(super) fn cancelled(view: &View<'_>, device: usize, path: Path, at: Timestamp) {
    let Some(stored) = view.stored(device).filter(|_| !view.model.operations.has_jumped) else { return };
    let is_it = |observation: &Observation| observation.target == path.into() && observation.since < at;
    if observations(view, &stored).iter().any(is_it) {
        let name = &view.model.devices[device].endpoint;
        view.bench.violate("I-25", format!("{name}: {path} was cancelled and is stored as observed"));
    }
}

fn observations(view: &View<'_>, stored: &DeviceView) -> Vec<Observation> {
    view.store.durable(|store| store.observations(stored.device.id)).unwrap_or_default()
}
