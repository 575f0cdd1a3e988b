//! The store of tests, and the reference for every other: plain maps, a commit is a copy that replaces the original.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use objects::Path;

use super::{
    DeviceOrder, DeviceQuery, DeviceSummary, DeviceView, ENDED_OPERATION_KEPT, Overview, Page, PageRequest,
    Store, StoreError,
};
use crate::{
    AuditRecord, Change, Commit, Committed, Delivery, Device, DeviceId, DeviceState, EndReason, Observation,
    OperationId, OperationRecord, OperationState, PublicId, Reading, Registration, Restored, Role,
    StoredReading, TimelineEntry, TimelineRecord, Timestamp, User, WebSession,
};

mod cursor;
use cursor::Position;

/// Keeps everything in memory, and loses it with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    unavailable: bool,
    full: bool,
    boots: u64,
    tables: Tables,
}

/// Everything a commit can change.
#[derive(Clone, Debug, Default)]
struct Tables {
    devices: BTreeMap<DeviceId, Device>,
    registrations: BTreeMap<DeviceId, RegistrationRow>,
    observations: BTreeMap<(DeviceId, Vec<u16>), Observation>,
    latest: BTreeMap<(DeviceId, Vec<u16>), StoredReading>,
    history: BTreeMap<(DeviceId, Path), Vec<StoredReading>>,
    deliveries: Vec<(DeviceId, Delivery, Timestamp)>,
    operations: BTreeMap<OperationId, OperationRecord>,
    timeline: Vec<TimelineRecord>,
    users: Vec<User>,
    sessions: BTreeMap<[u8; 32], WebSession>,
    audit: Vec<AuditRecord>,
    /// The last number given to a reading, an entry of a timeline or of the audit log.
    sequence: i64,
}

#[derive(Clone, Debug)]
struct RegistrationRow {
    registration: Registration,
    state: DeviceState,
    seen_at: Timestamp,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it answers everything with [`StoreError::Unavailable`] from now on, for tests of those who need a store.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// Whether it answers every commit with [`StoreError::Unavailable`] from now on, as if its disk were full, and is read
    /// as before.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn available(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let inner = self.lock();
        if inner.unavailable { Err(StoreError::Unavailable) } else { Ok(inner) }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        let mut inner = self.available()?;
        if inner.full {
            return Err(StoreError::Unavailable);
        }
        let mut tables = inner.tables.clone();
        let committed = tables.commit(commit)?;
        inner.tables = tables;
        Ok(committed)
    }

    async fn begin_boot(&self) -> Result<u64, StoreError> {
        let mut inner = self.available()?;
        inner.boots += 1;
        Ok(inner.boots)
    }

    async fn restore(&self, now: Timestamp) -> Result<Restored, StoreError> {
        let tables = &self.available()?.tables;
        let rows = || tables.registrations.iter();
        Ok(Restored {
            devices: tables.devices.values().cloned().collect(),
            registrations: rows()
                .filter(|(_, row)| row.state == DeviceState::Registered)
                .map(|(_, row)| row.registration.clone())
                .collect(),
            epochs: rows().map(|(device, row)| (*device, row.registration.epoch)).collect(),
            seen: rows().map(|(device, row)| (*device, row.seen_at)).collect(),
            observations: tables.observations.values().cloned().collect(),
            operations: tables
                .operations
                .values()
                .filter(|record| !record.state.is_final())
                .cloned()
                .collect(),
            deliveries: tables
                .deliveries
                .iter()
                .filter(|(_, _, at)| at.after(Delivery::KEPT) > now)
                .map(|(device, delivery, _)| (*device, delivery.clone()))
                .collect(),
        })
    }

    async fn check(&self) -> Result<(), StoreError> {
        if self.available()?.full { Err(StoreError::Unavailable) } else { Ok(()) }
    }

    async fn purge(&self, now: Timestamp) -> Result<(), StoreError> {
        self.available()?.tables.purge(now);
        Ok(())
    }

    async fn overview(&self) -> Result<Overview, StoreError> {
        let tables = &self.available()?.tables;
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let in_state = |state| count(tables.registrations.values().filter(|row| row.state == state).count());
        let queued = tables.operations.values().filter(|record| record.state == OperationState::Queued);
        Ok(Overview {
            registered: in_state(DeviceState::Registered),
            deregistered: in_state(DeviceState::Deregistered),
            expired: in_state(DeviceState::Expired),
            queued_operations: count(queued.count()),
            observations: count(tables.observations.len()),
        })
    }

    async fn device(&self, id: PublicId) -> Result<Option<DeviceView>, StoreError> {
        let tables = &self.available()?.tables;
        let device = tables.devices.values().find(|device| device.public_id == id);
        Ok(device.and_then(|device| {
            let row = tables.registrations.get(&device.id)?.clone();
            let RegistrationRow { registration, state, seen_at } = row;
            Some(DeviceView { device: device.clone(), state, registration, seen_at })
        }))
    }

    async fn devices(&self, query: &DeviceQuery) -> Result<Page<DeviceSummary>, StoreError> {
        let tables = &self.available()?.tables;
        let position = |summary: &DeviceSummary| match query.order {
            DeviceOrder::Endpoint => Position::text(summary.device.endpoint.as_str(), summary.device.id.0),
            DeviceOrder::LastSeen => Position::newest(summary.seen_at.0, summary.device.id.0),
        };
        let rows = tables.devices.values().filter_map(|device| {
            let row = tables.registrations.get(&device.id)?;
            let prefix = query.prefix.as_deref().unwrap_or("");
            let wanted = device.endpoint.as_str().starts_with(prefix)
                && query.state.is_none_or(|state| state == row.state);
            wanted.then(|| summary(device, row))
        });
        page(&format!("devices {:?}", query.order), rows, &query.page, position)
    }

    async fn latest(&self, device: DeviceId, within: Path) -> Result<Vec<StoredReading>, StoreError> {
        let tables = &self.available()?.tables;
        let of_device = tables.latest.iter().filter(|((other, _), _)| *other == device);
        let within = of_device.filter(|(_, stored)| stored.reading.path.is_within(&within));
        Ok(within.map(|(_, stored)| stored.clone()).collect())
    }

    async fn history(
        &self,
        device: DeviceId,
        path: Path,
        limit: usize,
    ) -> Result<Vec<StoredReading>, StoreError> {
        let tables = &self.available()?.tables;
        let newest_first = tables.history.get(&(device, path)).into_iter().flatten().rev();
        Ok(newest_first.take(limit.min(Reading::HISTORY_PER_PATH)).cloned().collect())
    }

    async fn observations(&self, device: DeviceId) -> Result<Vec<Observation>, StoreError> {
        let tables = &self.available()?.tables;
        let of_device = tables.observations.values().filter(|observation| observation.device == device);
        Ok(of_device.cloned().collect())
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        Ok(self.available()?.tables.operations.get(&id).cloned())
    }

    async fn operations(
        &self,
        device: DeviceId,
        request: &PageRequest,
    ) -> Result<Page<OperationRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let rows = tables.operations.values().filter(|record| record.device == device).cloned();
        page(&format!("operations {}", device.0), rows, request, |record| Position::operation(record.id))
    }

    async fn timeline(
        &self,
        device: DeviceId,
        request: &PageRequest,
    ) -> Result<Page<TimelineRecord>, StoreError> {
        let tables = &self.available()?.tables;
        let rows = tables.timeline.iter().filter(|record| record.entry.device == device).cloned();
        page(&format!("timeline {}", device.0), rows, request, |record| Position::newest(record.sequence, 0))
    }

    async fn audit(&self, request: &PageRequest) -> Result<Page<AuditRecord>, StoreError> {
        let tables = &self.available()?.tables;
        page("audit", tables.audit.iter().cloned(), request, |record| Position::newest(record.sequence, 0))
    }

    async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        Ok(self.available()?.tables.users.iter().find(|user| user.name == name).cloned())
    }

    async fn has_administrator(&self) -> Result<bool, StoreError> {
        Ok(self.available()?.tables.users.iter().any(|user| user.role == Role::Administrator))
    }

    async fn session(&self, key: &[u8; 32], now: Timestamp) -> Result<Option<WebSession>, StoreError> {
        Ok(self.available()?.tables.sessions.get(key).filter(|session| session.expires_at > now).cloned())
    }
}

impl Tables {
    fn commit(&mut self, commit: Commit) -> Result<Committed, StoreError> {
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

    fn purge(&mut self, now: Timestamp) {
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

fn summary(device: &Device, row: &RegistrationRow) -> DeviceSummary {
    DeviceSummary {
        device: device.clone(),
        state: row.state,
        lwm2m: row.registration.lwm2m,
        binding: row.registration.binding.clone(),
        source: row.registration.source,
        seen_at: row.seen_at,
        expires_at: row.registration.expires_at,
    }
}

/// The rows behind the cursor, in the order of their positions.
fn page<T>(
    list: &str,
    rows: impl Iterator<Item = T>,
    request: &PageRequest,
    position: impl Fn(&T) -> Position,
) -> Result<Page<T>, StoreError> {
    let mut rows: Vec<(Position, T)> = rows.map(|row| (position(&row), row)).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(cursor) = &request.after {
        let after = Position::read(cursor, list)?;
        rows.retain(|(position, _)| *position > after);
    }
    let more = rows.len() > request.rows();
    rows.truncate(request.rows());
    let next = rows.last().filter(|_| more).map(|(position, _)| position.cursor(list));
    Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(case: crate::store::battery::Case) {
        futures::executor::block_on(case(&MemoryStore::new()));
    }

    crate::store_battery!(run);
}
