//! The connection diary: its verbs, and what the server itself tells it.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::{lock, when::utc};
use crate::{
    AuditEntry, Change, Commit, Context, DeviceId, DiaryCause, DiaryEntry, DiaryId, Fleet, FleetError,
    Incident, Permission, Timestamp, Verb,
    store::{DiaryQuery, Page},
};

/// A device that has taken everything its bootstrap wrote, and is to register now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrapped {
    /// Which.
    pub device: DeviceId,
    /// When.
    pub at: Timestamp,
    /// Its endpoint name.
    pub subject: String,
    /// From where it bootstrapped.
    pub from: SocketAddr,
    /// At which listener.
    pub listener: String,
}

/// Devices that have bootstrapped and are waited for.
#[derive(Debug, Default)]
pub(super) struct Finished {
    devices: BTreeMap<DeviceId, Bootstrapped>,
    not_awaited: u64,
}

impl Bootstrapped {
    /// How long a device has to register after its bootstrap, until the diary asks where it is.
    pub const PATIENCE: Duration = Duration::from_secs(300);
    /// How many are waited for at most; further ones are counted and not waited for.
    pub const MAX: usize = 100_000;
    /// How many are looked at by one flush.
    const AT_ONCE: usize = 256;
}

impl Fleet {
    /// A page of the diary, those of the last time first.
    pub async fn diary(&self, context: &Context, query: &DiaryQuery) -> Result<Page<DiaryEntry>, FleetError> {
        self.demand(context, Permission::View, "diary").await?;
        Ok(self.store.diary(query).await?)
    }

    /// One entry of the diary.
    pub async fn diary_entry(&self, context: &Context, id: DiaryId) -> Result<DiaryEntry, FleetError> {
        self.demand(context, Permission::View, "diary entry").await?;
        self.store.diary_entry(id).await?.ok_or(FleetError::NotFound("diary entry"))
    }

    /// When the device of an entry was heard after the last incident of it: it has got in since.
    pub async fn got_in_since(
        &self,
        context: &Context,
        entry: &DiaryEntry,
    ) -> Result<Option<Timestamp>, FleetError> {
        self.demand(context, Permission::View, "diary entry").await?;
        let Some(device) = entry.device else { return Ok(None) };
        let view = self.store.device(device).await?;
        Ok(view.and_then(|view| view.seen_at).filter(|seen_at| *seen_at > entry.last_at))
    }

    /// Takes an entry out of the diary: it was dealt with.
    pub async fn clear_diary(&self, context: &Context, id: DiaryId) -> Result<(), FleetError> {
        self.demand(context, Permission::Operate, "clear diary").await?;
        let entry = self.store.diary_entry(id).await?.ok_or(FleetError::NotFound("diary entry"))?;
        let object = format!("{}: {}", entry.cause.name(), entry.subject);
        let commit = Commit {
            changes: vec![Change::DiaryCleared(id)],
            audit: vec![AuditEntry::by(context, Verb::ClearDiary, None, object)],
        };
        self.store.commit(commit).await?;
        Ok(())
    }

    // === What the server calls ===

    /// Notes what did not get in. Never waits; bounded by [`crate::DiaryBounds`].
    pub fn incident(&self, incident: Incident) {
        lock(&self.diary).gather(incident);
    }

    /// How many incidents were turned away by the bounds, for the metrics.
    pub fn incidents_turned_away(&self) -> u64 {
        lock(&self.diary).turned_away()
    }

    /// Waits for a device that has bootstrapped: if it does not register within [`Bootstrapped::PATIENCE`], that is an
    /// incident. A device that bootstraps again is waited for anew. Gone after a restart.
    pub fn await_registration(&self, bootstrapped: Bootstrapped) {
        let mut finished = lock(&self.bootstrapped);
        if finished.devices.len() < Bootstrapped::MAX || finished.devices.contains_key(&bootstrapped.device) {
            finished.devices.insert(bootstrapped.device, bootstrapped);
        } else {
            finished.not_awaited += 1;
        }
    }

    /// How many devices were not waited for after their bootstrap, for the metrics: too many were.
    pub fn bootstraps_not_awaited(&self) -> u64 {
        lock(&self.bootstrapped).not_awaited
    }

    /// Writes what has been gathered, and looks for devices that were to register by now. To be called about once a
    /// second, and at the end. What the store does not take waits on.
    pub async fn flush_diary(&self, now: Timestamp) -> Result<(), FleetError> {
        for incident in self.overdue(now).await? {
            self.incident(incident);
        }
        let notes = lock(&self.diary).take(now, || DiaryId::from_random(self.random()));
        if notes.is_empty() {
            return Ok(());
        }
        let changes = notes.iter().map(|note| Change::DiaryNoted(Box::new(note.clone()))).collect();
        let written = self.store.commit(Commit { changes, audit: Vec::new() }).await;
        if written.is_err() {
            lock(&self.diary).give_back(notes);
        }
        Ok(written.map(drop)?)
    }

    /// The devices that have bootstrapped and did not register in time, each told once.
    async fn overdue(&self, now: Timestamp) -> Result<Vec<Incident>, FleetError> {
        let due: Vec<Bootstrapped> = {
            let finished = lock(&self.bootstrapped);
            let due = finished.devices.values().filter(|one| now.since(one.at) >= Bootstrapped::PATIENCE);
            due.take(Bootstrapped::AT_ONCE).cloned().collect()
        };
        let mut incidents = Vec::new();
        for one in due {
            let view = self.store.device_row(one.device).await?;
            let mut finished = lock(&self.bootstrapped);
            // It may have bootstrapped again meanwhile.
            if finished.devices.get(&one.device).is_some_and(|now| now.at == one.at) {
                finished.devices.remove(&one.device);
            }
            let Some(view) = view.filter(|view| view.device.removed_at.is_none()) else { continue };
            if view.registration.is_some_and(|registration| registration.updated_at >= one.at) {
                continue;
            }
            let detail = format!("bootstrap finished on {} and no Register has come since", utc(one.at));
            incidents.push(Incident {
                at: now,
                cause: DiaryCause::NeverRegisteredAfterBootstrap,
                subject: one.subject,
                from: one.from,
                listener: one.listener,
                device: Some(one.device),
                detail,
            });
        }
        Ok(incidents)
    }
}
