//! The store of tests, and the reference for every other: plain maps, a commit is a copy that replaces the original.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use objects::Path;

use super::{
    DeviceOrder, DeviceQuery, DeviceSummary, DeviceView, Overview, Page, PageRequest, Store, StoreError,
};
use crate::{
    AuditRecord, Commit, Committed, Device, DeviceId, DeviceState, Observation, OperationId, OperationRecord,
    OperationState, PublicId, Reading, Restored, Role, StoredReading, TimelineRecord, Timestamp, User,
    WebSession,
};

mod cursor;
use cursor::Position;

mod tables;
use tables::{RegistrationRow, Tables};

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

    async fn restore(&self) -> Result<Restored, StoreError> {
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
