//! The roster: the hot state of one shard, and the decisions on what its devices say.
//!
//! Start with [`Roster::decide`]: it changes nothing. What it decides becomes durable first, then [`Roster::apply`] lets
//! the hot state follow, then the reply leaves. Orders for devices are in [`crate::Disposition`]'s module.
//!
//! Not here: whether a notification is newer than the one before it (RFC 7641 §3.4), which the CoAP endpoint judges, and
//! whether a report was stored before a restart, which the store says ([`crate::Committed`]).

mod apply;
mod awake;
mod decide;
mod hot;
mod lease;
mod links;
mod restore;
mod text;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use objects::ContentFormat;

use crate::{
    ClassId, Commit, Device, DeviceId, EndReason, Ending, EndpointName, NodeId, Notified, Now, Observation,
    ObservationToken, OperationRecord, Origin, Presence, PublicId, Purpose, Registration, RegistrationId,
    Source, Target, Timestamp,
    queue::{AwakeTimes, Orders},
};
use hot::{Hot, Live};
use links::LinkPool;

/// The devices of one shard and all that is live of them.
#[derive(Debug)]
pub struct Roster {
    shard: u8,
    node: NodeId,
    limits: Limits,
    next_device: i64,
    devices: BTreeMap<DeviceId, Hot>,
    /// How many of them were removed.
    removed: usize,
    // These maps are only looked into: their order never shows.
    by_endpoint: HashMap<EndpointName, DeviceId>,
    by_registration: HashMap<RegistrationId, DeviceId>,
    /// The device that registered or updated last from an address.
    by_source: HashMap<Source, DeviceId>,
    /// When to look at each registration again: its end, or the next try to end it.
    alarms: BTreeSet<(Duration, DeviceId)>,
    /// Whose liveness is not in a batch yet.
    unwritten: BTreeSet<DeviceId>,
    /// How long the devices of a class listen, where somebody has said it.
    class_awake: BTreeMap<ClassId, Duration>,
    /// Of whom something was learned that is not in a batch yet.
    taught: BTreeSet<DeviceId>,
    /// The tokens of observations that have ended while their device stays registered.
    forgotten: BTreeMap<DeviceId, Vec<ObservationToken>>,
    links: LinkPool,
    pub(crate) orders: Orders,
}

/// What a roster is told to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many devices there are at most; one more is refused with [`crate::Refusal::FleetFull`].
    pub max_devices: usize,
    /// Whether this is the lab profile, in which any endpoint without a credential may register without security, and
    /// anyone at the same listener may deregister it who knows the location.
    pub lab: bool,
    /// Whether an Update from another address moves the registration there. Nothing proves who sends it.
    pub follow_address_changes: bool,
    /// How long a device in queue mode listens after it was heard, unless something else is known of it or said.
    pub awake_for: Duration,
    /// How long a registration outlives its lifetime, so that an Update of the last moment may be sent twice.
    pub grace: Duration,
}

/// Under whose name the messages and commits of a device are done one after the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A device.
    Device(DeviceId),
    /// A device that is not known yet. It is known once its commit has returned: what waits under this name then is
    /// the device's.
    Endpoint(EndpointName),
    /// Nobody: it will be refused.
    Nobody,
}

/// What a message of a device leads to: first the commit, then the reply, then the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Whom it is about.
    pub device: DeviceId,
    /// Where the device is reached from now on; once it has deregistered, where it was reached.
    pub source: Source,
    /// Where it was reached before, if that changes and nobody else is reached there.
    pub moved_from: Option<Source>,
    /// The answer that leaves after the commit.
    pub reply: Reply,
    /// What becomes durable; empty if only liveness changed, which is written in batches.
    pub commit: Commit,
    /// What follows once the reply has left.
    pub then: Vec<Then>,
}

/// A positive answer to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To Register: 2.01 with `/rd/<id>`.
    Created(RegistrationId),
    /// To Update and Send: 2.04.
    Changed,
    /// To Deregister: 2.02.
    Deleted,
    /// To a notification: the acknowledgement.
    Acknowledged,
}

/// What follows a reply, so that no request overtakes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// Observe again what was observed before the device registered anew.
    Observe {
        /// What.
        target: Target,
        /// In which format.
        format: Option<ContentFormat>,
    },
    /// The device listens: send what waits for it.
    ReleaseQueue,
    /// The registration ended: cancel what is under way.
    CancelOperations,
}

/// What a start reads back from the store, or a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restored {
    /// All devices.
    pub devices: Vec<Device>,
    /// All live registrations.
    pub registrations: Vec<Registration>,
    /// The epoch of each device's last registration, live or ended, so that the next one is above it.
    pub epochs: BTreeMap<DeviceId, i64>,
    /// When each device was last heard, by the last written batch.
    pub seen: BTreeMap<DeviceId, Timestamp>,
    /// All live observations.
    pub observations: Vec<Observation>,
    /// The newest notification under each token, where one was stored lately.
    pub notified: BTreeMap<DeviceId, BTreeMap<ObservationToken, Notified>>,
    /// All operations without a final state, the oldest first.
    pub operations: Vec<OperationRecord>,
    /// The devices that hold or held a credential: none of them may come without security.
    pub secured: BTreeSet<DeviceId>,
    /// How long devices listen, where anything is known of it.
    pub awake: AwakeTimes,
    /// After which device the next part begins; none behind the last part.
    pub more_after: Option<DeviceId>,
}

impl Restored {
    /// Of how many devices a part is that is read in a few milliseconds.
    pub const PART: usize = 1_000;

    pub(crate) fn append(&mut self, mut part: Self) {
        self.devices.append(&mut part.devices);
        self.registrations.append(&mut part.registrations);
        self.epochs.append(&mut part.epochs);
        self.seen.append(&mut part.seen);
        self.observations.append(&mut part.observations);
        self.notified.append(&mut part.notified);
        self.operations.append(&mut part.operations);
        self.secured.append(&mut part.secured);
        self.awake.devices.append(&mut part.awake.devices);
        self.awake.classes.append(&mut part.awake.classes);
        self.more_after = part.more_after;
    }
}

impl Roster {
    /// How long after an end that was not carried out a registration comes up again in [`Roster::expired`].
    pub const EXPIRY_RETRY: Duration = Duration::from_secs(5);

    /// An empty one.
    pub fn new(shard: u8, node: NodeId, limits: Limits) -> Self {
        Self {
            shard,
            node,
            limits,
            next_device: 1,
            devices: BTreeMap::new(),
            removed: 0,
            by_endpoint: HashMap::new(),
            by_registration: HashMap::new(),
            by_source: HashMap::new(),
            alarms: BTreeSet::new(),
            unwritten: BTreeSet::new(),
            class_awake: BTreeMap::new(),
            taught: BTreeSet::new(),
            forgotten: BTreeMap::new(),
            links: LinkPool::default(),
            orders: Orders::default(),
        }
    }

    /// Devices have been given ids up to this one: new ones get others.
    pub fn begin_after(&mut self, last: DeviceId) {
        self.next_device = self.next_device.max((last.0 >> 8) + 1);
    }

    /// Whether a device of this name is known, registered or not.
    pub fn knows_endpoint(&self, endpoint: &EndpointName) -> bool {
        self.by_endpoint.contains_key(endpoint)
    }

    /// Whether a device is known, registered or not.
    pub fn knows(&self, device: DeviceId) -> bool {
        self.devices.contains_key(&device)
    }

    /// The subject as it is called now: what was a name may have become a device.
    pub fn settled(&self, subject: Subject) -> Subject {
        if let Subject::Endpoint(endpoint) = &subject
            && let Some(device) = self.by_endpoint.get(endpoint)
        {
            return Subject::Device(*device);
        }
        subject
    }

    /// The registered devices, in the order of their ids.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> {
        self.devices.iter().filter(|(_, hot)| hot.live.is_some()).map(|(device, _)| *device)
    }

    /// How many devices are registered.
    pub fn registered(&self) -> usize {
        self.by_registration.len()
    }

    /// The device that registered or updated last from there, if it is still registered there.
    pub fn device_at(&self, source: Source) -> Option<DeviceId> {
        self.by_source.get(&source).copied()
    }

    /// Whose messages come from there: the identity's device, or else the one that is registered there.
    pub fn sender(&self, origin: Origin) -> Option<DeviceId> {
        match origin.identity {
            Some(identity) => identity.device(),
            None => self.device_at(origin.source),
        }
    }

    /// A device is reached where its newest session is, from the first datagram on. Gives where it was reached before, if
    /// that has changed.
    pub fn follow_session(&mut self, origin: Origin) -> Option<Source> {
        let identity = origin.identity.filter(|identity| identity.purpose == Purpose::Management)?;
        let device = identity.device()?;
        let live = self.live_mut(device)?;
        let from = std::mem::replace(&mut live.registration.source, origin.source);
        if from == origin.source {
            return None;
        }
        let own = self.by_source.get(&from) == Some(&device);
        if own {
            self.by_source.remove(&from);
        }
        self.by_source.insert(origin.source, device);
        own.then_some(from)
    }

    /// What a verb takes from a device, with the end of its registration where that goes too. One commit; see
    /// [`Roster::apply`].
    pub fn end_device(&self, now: Now, ending: &Ending) -> Commit {
        let registered = self.live(ending.device).filter(|live| {
            let made_with = live.registration.credential;
            ending.reason == EndReason::Removed
                || made_with.is_some_and(|id| ending.credentials.contains(&id))
        });
        let mut commit = registered.map(|live| self.ended(now, live, ending.reason)).unwrap_or_default();
        commit.changes.extend(ending.commit.changes.iter().cloned());
        commit.audit.extend(ending.commit.audit.iter().cloned());
        commit
    }

    /// Ids for new devices, given to nobody else; none if that would be more than there may be.
    pub fn reserve(&mut self, count: usize) -> Option<Vec<DeviceId>> {
        if self.held().saturating_add(count) > self.limits.max_devices {
            return None;
        }
        Some((0..count).map(|_| self.next_id()).collect())
    }

    /// How many devices are known and not removed.
    fn held(&self) -> usize {
        self.devices.len() - self.removed
    }

    /// The low byte is the shard, so that shards count without asking each other.
    fn next_id(&mut self) -> DeviceId {
        let id = DeviceId(self.next_device << 8 | i64::from(self.shard));
        self.next_device += 1;
        id
    }

    /// The device whose live registration has this id.
    pub fn device_of_registration(&self, id: RegistrationId) -> Option<DeviceId> {
        self.by_registration.get(&id).copied()
    }

    /// A device's live registration.
    pub fn registration(&self, device: DeviceId) -> Option<&Registration> {
        self.live(device).map(|live| &live.registration)
    }

    /// A device's endpoint name, registered or not.
    pub fn endpoint(&self, device: DeviceId) -> Option<&EndpointName> {
        self.devices.get(&device).map(|hot| &hot.endpoint)
    }

    /// A device's public name, registered or not.
    pub fn public_id(&self, device: DeviceId) -> Option<PublicId> {
        self.devices.get(&device).map(|hot| hot.public_id)
    }

    /// The live observation of a device that has this token.
    pub fn observation_by_token(&self, device: DeviceId, token: ObservationToken) -> Option<&Observation> {
        self.observations(device).find(|observation| observation.token == token)
    }

    /// The live observations of a device, in the order of their targets.
    pub fn observations(&self, device: DeviceId) -> impl Iterator<Item = &Observation> {
        self.live(device).into_iter().flat_map(|live| &live.observations)
    }

    /// Whether one more target of a device may be observed, or again one: it has at most
    /// [`Observation::MAX_PER_DEVICE`]. To be asked before an Observe is sent.
    pub fn may_observe(&self, device: DeviceId, target: &Target) -> bool {
        let Some(live) = self.live(device) else { return false };
        let known = live.observations.iter().any(|observation| observation.target == *target);
        known || live.observations.len() < Observation::MAX_PER_DEVICE
    }

    /// Whether a device can be reached now.
    pub fn presence(&self, now: Now, device: DeviceId) -> Presence {
        #[cfg(planted)]
        if planted::is(planted::Fault::AsleepCalled) && self.live(device).is_some() {
            return Presence::Awake;
        }
        let Some(hot) = self.devices.get(&device) else { return Presence::NotRegistered };
        match hot.live.as_deref() {
            None => Presence::NotRegistered,
            Some(live) if self.sleeps(now, hot, live) => Presence::Asleep,
            Some(_) => Presence::Awake,
        }
    }

    /// When [`Roster::expired`] or [`Roster::expire_orders`] will have something. It changes with every other call.
    pub fn next_expiry(&self) -> Option<Duration> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        alarm.into_iter().chain(self.orders.next_deadline()).min()
    }

    fn live(&self, device: DeviceId) -> Option<&Live> {
        self.devices.get(&device)?.live.as_deref()
    }
}

/// Closed: nobody may register. The rest is what the specifications suggest.
impl Default for Limits {
    fn default() -> Self {
        Self {
            max_devices: 1_000_000,
            lab: false,
            follow_address_changes: false,
            awake_for: Presence::AWAKE_FOR,
            // RFC 7252 §4.8: ACK_TIMEOUT * ACK_RANDOM_FACTOR, the longest wait before the first retransmission.
            grace: Duration::from_secs(3),
        }
    }
}

#[cfg(test)]
mod tests;
