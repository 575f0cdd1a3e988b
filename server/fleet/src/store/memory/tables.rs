//! The tables, and what each change does to them.

use std::collections::BTreeMap;

use objects::Path;

use crate::{
    AuditRecord, Change, Commit, Committed, Delivery, Device, DeviceId, DeviceState, EndReason, Observation,
    OperationId, OperationRecord, OperationState, Reading, Registration, StoreError, StoredReading,
    TimelineEntry, TimelineRecord, Timestamp, User, WebSession, store::ENDED_OPERATION_KEPT,
};

/// Everything a commit can change.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) registrations: BTreeMap<DeviceId, RegistrationRow>,
    pub(super) observations: BTreeMap<(DeviceId, Vec<u16>), Observation>,
    pub(super) latest: BTreeMap<(DeviceId, Vec<u16>), StoredReading>,
    pub(super) history: BTreeMap<(DeviceId, Path), Vec<StoredReading>>,
    pub(super) deliveries: Vec<(DeviceId, Delivery, Timestamp)>,
    pub(super) operations: BTreeMap<OperationId, OperationRecord>,
    pub(super) timeline: Vec<TimelineRecord>,
    pub(super) users: Vec<User>,
    pub(super) sessions: BTreeMap<[u8; 32], WebSession>,
    pub(super) audit: Vec<AuditRecord>,
    /// The last number given to a reading, an entry of a timeline or of the audit log.
    pub(super) sequence: i64,
}

#[derive(Clone, Debug)]
pub(super) struct RegistrationRow {
    pub(super) registration: Registration,
    pub(super) state: DeviceState,
    pub(super) seen_at: Timestamp,
}

impl Tables {
    pub(super) fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
        let mut committed = Committed::default();
        for change in commit.changes {
            self.change(change, &mut committed)?;
        }
        for entry in commit.audit {
            let sequence = self.next_sequence();
            self.audit.push(AuditRecord { sequence, entry });
        }
        Ok(committed)
    }

    fn change(&mut self, change: Change, committed: &mut Committed) -> Result<(), StoreError> {
        match change {
            Change::DeviceAdded(device) => self.add_device(device)?,
            Change::Registered(registration) => self.register(*registration)?,
            Change::LeaseRenewed { device, seen_at, expires_at } => {
                if let Some(row) = self.live(device) {
                    row.seen_at = row.seen_at.max(seen_at);
                    row.registration.expires_at = expires_at;
                }
            }
            Change::RegistrationEnded { device, at, reason } => {
                if let Some(row) = self.live(device) {
                    row.registration.expires_at = at;
                    row.state = reason.state();
                    if reason == EndReason::Deregistered {
                        row.seen_at = row.seen_at.max(at);
                    }
                }
            }
            Change::ObservationBegan(observation) => {
                self.known(observation.device)?;
                self.observations.insert((observation.device, observation.path.ids()), observation);
            }
            Change::ObservationEnded { device, path } => {
                self.observations.remove(&(device, path.ids()));
            }
            Change::ObservationsEnded { device } => {
                self.observations.retain(|(other, _), _| *other != device)
            }
            Change::Report { device, received_at, delivery, readings } => {
                self.known(device)?;
                match delivery {
                    Some(delivery) if !self.deliver(device, &delivery, received_at) => {
                        committed.duplicate = true
                    }
                    _ => readings.into_iter().for_each(|reading| self.read(device, received_at, reading)),
                }
            }
            Change::OperationQueued(record) => {
                self.known(record.device)?;
                unique(!self.operations.contains_key(&record.id))?;
                self.operations.insert(record.id, *record);
            }
            Change::OperationSent { id, at } => {
                if let Some(record) = self.open(id) {
                    record.state = OperationState::Sent;
                    record.sent_at = Some(at);
                }
            }
            Change::OperationEnded { id, state, at, result } => {
                if let Some(record) = self.open(id) {
                    record.state = state;
                    record.ended_at = Some(at);
                    record.result = Some(result);
                }
            }
            Change::Timeline(entry) => {
                self.known(entry.device)?;
                let sequence = self.next_sequence();
                self.timeline.push(TimelineRecord { sequence, entry });
            }
            Change::UserAdded(user) => {
                unique(self.users.iter().all(|other| {
                    other.id != user.id && other.public_id != user.public_id && other.name != user.name
                }))?;
                self.users.push(user);
            }
            Change::SessionSaved(session) => {
                self.sessions.insert(session.key, session);
            }
            Change::SessionEnded { key } => {
                self.sessions.remove(&key);
            }
        }
        Ok(())
    }

    fn add_device(&mut self, device: Device) -> Result<(), StoreError> {
        unique(self.devices.values().all(|other| {
            other.id != device.id
                && other.public_id != device.public_id
                && (other.domain, &other.endpoint) != (device.domain, &device.endpoint)
        }))?;
        self.devices.insert(device.id, device);
        Ok(())
    }

    fn register(&mut self, registration: Registration) -> Result<(), StoreError> {
        let device = registration.device;
        self.known(device)?;
        unique(
            self.registrations
                .values()
                .all(|row| row.registration.device == device || row.registration.id != registration.id),
        )?;
        let before = self.registrations.get(&device);
        // A stale owner's write: an older registration, or one that has ended already.
        unique(before.is_none_or(|row| {
            let epoch = row.registration.epoch;
            registration.epoch > epoch || registration.epoch == epoch && row.state == DeviceState::Registered
        }))?;
        let seen_at = before.map_or(registration.updated_at, |row| row.seen_at.max(registration.updated_at));
        let row = RegistrationRow { registration, state: DeviceState::Registered, seen_at };
        self.registrations.insert(device, row);
        Ok(())
    }

    /// Whether a delivery is new. A message id and token may come again once EXCHANGE_LIFETIME has passed.
    fn deliver(&mut self, device: DeviceId, delivery: &Delivery, at: Timestamp) -> bool {
        let same = |row: &(DeviceId, Delivery, Timestamp)| row.0 == device && row.1 == *delivery;
        if self.deliveries.iter().any(|row| same(row) && row.2.after(Delivery::KEPT) > at) {
            return false;
        }
        self.deliveries.retain(|row| !same(row));
        self.deliveries.push((device, delivery.clone(), at));
        true
    }

    fn read(&mut self, device: DeviceId, received_at: Timestamp, reading: Reading) {
        let path = reading.path;
        let stored = StoredReading { reading, received_at, sequence: self.next_sequence() };
        let key = (device, path.ids());
        if self.latest.get(&key).is_none_or(|latest| latest.at() <= stored.at()) {
            self.latest.insert(key, stored.clone());
        }
        let history = self.history.entry((device, path)).or_default();
        history.push(stored);
        history.sort_by_key(|stored| (stored.at(), stored.sequence));
    }

    pub(super) fn purge(&mut self, now: Timestamp) {
        for history in self.history.values_mut() {
            history.drain(..history.len().saturating_sub(Reading::HISTORY_PER_PATH));
        }
        let mut kept: BTreeMap<DeviceId, usize> = BTreeMap::new();
        let mut newest_first: Vec<_> = std::mem::take(&mut self.timeline).into_iter().rev().collect();
        newest_first.retain(|record| {
            let count = kept.entry(record.entry.device).or_default();
            *count += 1;
            *count <= TimelineEntry::PER_DEVICE
        });
        newest_first.reverse();
        self.timeline = newest_first;
        self.operations.retain(|_, record| {
            record.ended_at.is_none_or(|ended_at| ended_at.after(ENDED_OPERATION_KEPT) > now)
        });
        self.deliveries.retain(|(_, _, at)| at.after(Delivery::KEPT) > now);
        self.sessions.retain(|_, session| session.expires_at > now);
    }

    fn known(&self, device: DeviceId) -> Result<(), StoreError> {
        unique(self.devices.contains_key(&device))
    }

    fn live(&mut self, device: DeviceId) -> Option<&mut RegistrationRow> {
        self.registrations.get_mut(&device).filter(|row| row.state == DeviceState::Registered)
    }

    fn open(&mut self, id: OperationId) -> Option<&mut OperationRecord> {
        self.operations.get_mut(&id).filter(|record| !record.state.is_final())
    }

    fn next_sequence(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }
}

fn unique(holds: bool) -> Result<(), StoreError> {
    holds.then_some(()).ok_or(StoreError::Conflict)
}
