//! The decisions. Each looks at what is known and says what becomes durable, what is answered and what follows.

use objects::{Path, Sample};

use super::{Decision, Live, Reply, Roster, Then, text};
use crate::{
    Change, ClassId, Commit, Device, DeviceId, DomainId, EndReason, EndpointName, Malformed, Now,
    Observation, ObservationToken, OperationState, Origin, PublicId, Purpose, Reading, Refusal, Register,
    Registration, RegistrationId, Report, Source, TimelineKind, Timestamp, Update, Uplink,
    registration::rules::{self, Given},
};

impl Roster {
    /// Decides on a message. Commit, then [`Roster::apply`], then reply, then the rest; on a failed commit nothing has
    /// changed. A device has one commit in flight at most.
    ///
    /// It changes nothing but the counter of device ids, with one exception: where nothing becomes durable there is
    /// nothing to wait for, and the lease of an Update that changes nothing is renewed at once.
    ///
    /// `random` is fresh for each call; Register makes its two ids of it.
    pub fn decide(
        &mut self,
        now: Now,
        origin: Origin,
        uplink: Uplink,
        random: [u8; 24],
    ) -> Result<Decision, Refusal> {
        match uplink {
            Uplink::Register(register) => self.decide_register(now, origin, *register, random),
            Uplink::Update(id, update) => {
                let decision = self.decide_update(now, origin, id, *update)?;
                if decision.commit.changes.is_empty() {
                    self.renew(now, decision.device);
                }
                Ok(decision)
            }
            Uplink::Deregister(id) => self.decide_deregister(now, origin, id),
            Uplink::Send(report) => self.decide_send(now, origin, report),
            Uplink::Notify { device, token, observe, report } => {
                self.decide_notify(now, origin, (device, token), observe, report)
            }
        }
    }

    fn decide_register(
        &mut self,
        now: Now,
        origin: Origin,
        register: Register,
        random: [u8; 24],
    ) -> Result<Decision, Refusal> {
        let source = origin.source;
        let (id, public_id) = split(random);
        let mut changes = Vec::new();
        let device = match self.registrant(origin, register.endpoint.clone())? {
            Registrant::Known(device) => device,
            Registrant::New(endpoint) => {
                let device = self.new_device(now, endpoint, public_id)?;
                let id = device.id;
                changes.push(Change::DeviceAdded(device));
                id
            }
        };
        let id = self.registration_id(id);
        let epoch = self.devices.get(&device).map_or(0, |hot| hot.epoch) + 1;
        let given = Given { device, id, node: self.node, epoch };
        let registration = rules::register(now.wall, origin, given, register);
        let before = self.live(device);
        let line = text::registered(&registration, before);
        let timeline = text::entry(&registration, now.wall, TimelineKind::Registered, &line);

        // LwM2M Core 1.1.1 §6.4: a device forgets its observations when it registers, and the server begins them again.
        let mut then = Vec::new();
        changes.extend(before.map(|live| lost_observations(live, &registration)).unwrap_or_default());
        for observation in before.into_iter().flat_map(|live| &live.observations) {
            if registration.covers_some(&observation.target) {
                then.push(Then::Observe { target: observation.target.clone(), format: observation.format });
            }
        }
        then.push(Then::ReleaseQueue);
        changes.push(Change::Registered(Box::new(registration)));
        changes.push(Change::Timeline(timeline));
        let moved_from = before.and_then(|live| self.moved_from(live, source));
        let commit = Commit { changes, audit: Vec::new() };
        Ok(Decision { device, source, moved_from, reply: Reply::Created(id), commit, then })
    }

    fn decide_update(
        &self,
        now: Now,
        origin: Origin,
        id: RegistrationId,
        update: Update,
    ) -> Result<Decision, Refusal> {
        let source = origin.source;
        let live = self.registered_as(now, id)?;
        self.own(live, origin, self.limits.follow_address_changes)?;
        let current = &Registration { source: live.stored_source, ..live.registration.clone() };
        let mut changes = Vec::new();
        if let Some(registration) = rules::update(now.wall, origin, current, update)? {
            changes.extend(lost_observations(live, &registration));
            let line = text::updated(current, &registration);
            let timeline = text::entry(&registration, now.wall, TimelineKind::Updated, &line);
            changes.push(Change::Registered(Box::new(registration)));
            changes.push(Change::Timeline(timeline));
        }
        #[cfg(planted)]
        if planted::is(planted::Fault::UpdateForgotten) {
            changes.clear();
        }
        let moved_from = self.moved_from(live, source);
        Ok(Decision { source, moved_from, ..released(live, Reply::Changed, changes) })
    }

    fn decide_deregister(&self, now: Now, origin: Origin, id: RegistrationId) -> Result<Decision, Refusal> {
        let live = self.registered_as(now, id)?;
        // In the lab whoever knows the location may end the registration, as test suites expect that spoof it.
        self.own(live, origin, self.limits.lab)?;
        #[cfg(planted)]
        if planted::is(planted::Fault::DeregisterUndone) {
            return Ok(released(live, Reply::Deleted, Vec::new()));
        }
        let commit = self.ended(now, live, EndReason::Deregistered);
        let then = vec![Then::CancelOperations];
        Ok(Decision { commit, then, ..released(live, Reply::Deleted, Vec::new()) })
    }

    fn decide_send(&self, now: Now, origin: Origin, report: Report) -> Result<Decision, Refusal> {
        let live = self.sender(origin).and_then(|device| self.live(device));
        let live = live.filter(|live| live.lease_until > now.mono).ok_or(Refusal::UnknownRegistration)?;
        self.own(live, origin, false)?;
        // LwM2M Core 1.1.1 §6.4.6: 4.04 if an object or instance is not registered.
        if let Some(path) = report.paths().find(|path| !live.registration.covers(*path)) {
            return Err(Refusal::NotRegisteredPath { path });
        }
        #[cfg(planted)]
        if planted::is(planted::Fault::SendDropped) {
            return Ok(released(live, Reply::Changed, Vec::new()));
        }
        let device = live.registration.device;
        let changes = Vec::from_iter(stored(now.wall, device, report));
        Ok(released(live, Reply::Changed, changes))
    }

    fn decide_notify(
        &self,
        now: Now,
        origin: Origin,
        (device, token): (DeviceId, ObservationToken),
        observe: Option<u32>,
        report: Report,
    ) -> Result<Decision, Refusal> {
        let live = self.live(device).ok_or(Refusal::UnknownObservation)?;
        self.own(live, origin, false)?;
        let observation = self.observation_by_token(device, token).ok_or(Refusal::UnknownObservation)?;
        let target = &observation.target;
        let outside = report.paths().find(|reported| !target.contains(*reported));
        let mut changes = Vec::new();
        let mut note = |kind, line: String| {
            changes.push(Change::Timeline(text::entry(&live.registration, now.wall, kind, &line)));
        };
        if let Some(outside) = outside {
            note(
                TimelineKind::Rejected,
                format!("the notification of {target} holds {outside}: nothing of it was kept"),
            );
        }
        // RFC 7641 §3.2 and §4.2: without the Observe option it is the last one.
        if observe.is_none() {
            note(TimelineKind::Observation, format!("the device ended the observation of {target}"));
            changes.push(Change::ObservationEnded { device, target: target.clone() });
        }
        if outside.is_none() {
            changes.extend(stored(now.wall, device, report));
        }
        Ok(released(live, Reply::Acknowledged, changes))
    }

    /// What the end of a registration makes durable: its observations and operations end with it.
    pub(super) fn ended(&self, now: Now, live: &Live, reason: EndReason) -> Commit {
        let (device, at) = (live.registration.device, now.wall);
        let mut changes = vec![Change::RegistrationEnded { device, at, reason }];
        if !live.observations.is_empty() {
            changes.push(Change::ObservationsEnded { device });
        }
        let (kind, how) = match reason {
            EndReason::Deregistered => (TimelineKind::Deregistered, "the device deregistered"),
            EndReason::Expired => (TimelineKind::Expired, "the registration expired"),
            EndReason::Revoked => (TimelineKind::Credential, "the credential was revoked"),
            EndReason::Removed => (TimelineKind::Enrolment, "the device was removed"),
        };
        let mut line = format!("registration {}", live.registration.id);
        let mut cancelled = 0_usize;
        for (order, under_way) in self.orders.stored(device) {
            // Nobody will know what became of a sent Execute or Create.
            let (state, result) = if under_way && !order.idempotent {
                (OperationState::Unknown, format!("{how} before it answered"))
            } else {
                (OperationState::Cancelled, format!("{how} first"))
            };
            changes.push(Change::OperationEnded { id: order.id, state, at, result });
            cancelled += 1;
        }
        if cancelled > 0 {
            text::push(&mut line, format_args!("{cancelled} operations ended with it"));
        }
        changes.push(Change::Timeline(text::entry(&live.registration, at, kind, &line)));
        Commit { changes, audit: Vec::new() }
    }

    /// Who registers.
    fn registrant(&self, origin: Origin, endpoint: Option<EndpointName>) -> Result<Registrant, Refusal> {
        let Some(identity) = origin.identity else {
            let endpoint = endpoint.ok_or(Malformed::MissingEndpoint)?;
            let known =
                self.by_endpoint.get(&endpoint).and_then(|device| Some((device, self.devices.get(device)?)));
            return match known {
                _ if !self.limits.lab => Err(Refusal::Forbidden),
                Some((_, hot)) if hot.removed => Err(Refusal::Removed),
                Some((_, hot)) if hot.secured => Err(Refusal::Secured),
                Some((device, _)) => Ok(Registrant::Known(*device)),
                None => Ok(Registrant::New(endpoint)),
            };
        };
        let device = identity.device().filter(|_| identity.purpose == Purpose::Management);
        let device = device.ok_or(Refusal::WrongPurpose { purpose: identity.purpose })?;
        let hot = self.devices.get(&device).filter(|hot| !hot.removed).ok_or(Refusal::Removed)?;
        // LwM2M Core 1.1.1 §6.2.1: without `ep` the security layer says who it is, and with it they must agree.
        if endpoint.is_some_and(|endpoint| endpoint != hot.endpoint) {
            return Err(Refusal::EndpointNotIdentity);
        }
        Ok(Registrant::Known(device))
    }

    /// Whether the sender of a message is the device whose registration it is about. With a secure session the identity
    /// decides, wherever it comes from; without one an address is all that tells devices apart.
    fn own(&self, live: &Live, origin: Origin, from_anywhere: bool) -> Result<(), Refusal> {
        #[cfg(planted)]
        if planted::is(planted::Fault::ForeignUpdate) {
            return Ok(());
        }
        let known = live.registration.source;
        let own = match origin.identity {
            Some(identity) => {
                identity.purpose == Purpose::Management && identity.device() == Some(live.registration.device)
            }
            None => {
                let secured = self.devices.get(&live.registration.device).is_some_and(|hot| hot.secured);
                let there = known.address == origin.source.address || from_anywhere;
                !secured && known.listener == origin.source.listener && there
            }
        };
        if own { Ok(()) } else { Err(Refusal::ForeignSource) }
    }

    /// The live registration with this id, unless its time is over.
    fn registered_as(&self, now: Now, id: RegistrationId) -> Result<&Live, Refusal> {
        let live = self.device_of_registration(id).and_then(|device| self.live(device));
        #[cfg(planted)]
        let live = live.filter(|live| {
            !planted::is(planted::Fault::LeaseByWallClock) || live.registration.expires_at > now.wall
        });
        live.filter(|live| live.lease_until > now.mono).ok_or(Refusal::UnknownRegistration)
    }

    /// Where a device was reached before, if it is another address and still its own.
    fn moved_from(&self, live: &Live, source: Source) -> Option<Source> {
        let from = live.registration.source;
        let own = self.by_source.get(&from) == Some(&live.registration.device);
        (from != source && own).then_some(from)
    }

    fn new_device(
        &mut self,
        now: Now,
        endpoint: EndpointName,
        public_id: [u8; 16],
    ) -> Result<Device, Refusal> {
        if self.held() >= self.limits.max_devices {
            return Err(Refusal::FleetFull);
        }
        Ok(Device {
            id: self.next_id(),
            public_id: PublicId::from_random(public_id),
            domain: DomainId::ROOT,
            class: ClassId::DEFAULT,
            endpoint,
            created_at: now.wall,
            removed_at: None,
        })
    }

    fn registration_id(&self, mut random: [u8; 8]) -> RegistrationId {
        random[0] = self.shard;
        let mut id = RegistrationId(u64::from_be_bytes(random));
        while self.by_registration.contains_key(&id) {
            id = RegistrationId(id.0 & !LOW_56 | id.0.wrapping_add(1) & LOW_56);
        }
        id
    }
}

/// Who registers.
enum Registrant {
    Known(DeviceId),
    /// Nobody has seen it before; only the lab takes it in.
    New(EndpointName),
}

const LOW_56: u64 = (1 << 56) - 1;

fn split(random: [u8; 24]) -> ([u8; 8], [u8; 16]) {
    (std::array::from_fn(|at| random[at]), std::array::from_fn(|at| random[8 + at]))
}

/// What is decided on a message of a device that stays where it is: it listens now.
fn released(live: &Live, reply: Reply, changes: Vec<Change>) -> Decision {
    Decision {
        device: live.registration.device,
        source: live.registration.source,
        moved_from: None,
        reply,
        commit: Commit { changes, audit: Vec::new() },
        then: vec![Then::ReleaseQueue],
    }
}

/// The ends of the observations whose objects a device does not have any more.
fn lost_observations(live: &Live, registration: &Registration) -> Vec<Change> {
    let lost = live.observations.iter().filter(|observation| !registration.covers_some(&observation.target));
    let ended = |observation: &Observation| Change::ObservationEnded {
        device: observation.device,
        target: observation.target.clone(),
    };
    lost.map(ended).collect()
}

/// The values of a report with what makes its retransmission recognisable; none if it holds no value.
fn stored(received_at: Timestamp, device: DeviceId, report: Report) -> Option<Change> {
    let readings = Reading::from_samples(&report.samples);
    let delivery = Some(report.delivery);
    #[cfg(planted)]
    let delivery = delivery.filter(|_| !planted::is(planted::Fault::DeliveryForgotten));
    (!readings.is_empty()).then_some(Change::Report { device, received_at, delivery, readings })
}

impl Reading {
    /// The values of samples, each with its time. An address that this server has told a device to fetch from comes back without
    /// its key.
    pub fn from_samples(samples: &[Sample]) -> Vec<Self> {
        let of = |sample: &Sample| {
            let device_time = sample.time_ms.map(Timestamp);
            let reading = move |(path, value): (Path, &objects::Value)| {
                let mut value = value.clone();
                crate::update::veil(path, &mut value);
                Self { path, value, device_time }
            };
            sample.node.values(sample.path).into_iter().map(reading).collect::<Vec<_>>()
        };
        samples.iter().flat_map(of).collect()
    }
}
