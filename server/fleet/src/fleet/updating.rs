//! The engine of updates: sees what is known of a device, takes the step that follows, and asks what that says.
//!
//! One step at a time for each update. What is in memory of one is when to look at it and how far its push is; everything
//! else is in its row, which is written in one transaction with the operation that it waits for.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

mod agenda;
use agenda::Agenda;

mod seeing;

use super::{Begun, lock, schedule::Wake, updates::engine};
use crate::{
    ArtefactKind, Change, Commit, Context, DeviceId, EventKind, Fleet, FleetError, Installed, Operation,
    OperationId, TimelineEntry, TimelineKind, Timestamp,
    store::{DeviceView, RunningUpdate},
    update::{Ask, Asked, Update, UpdateChange, UpdateId, UpdatePhase, UpdateTarget},
};

/// What is held in memory of updates.
#[derive(Default)]
pub(super) struct Updating {
    agenda: Mutex<Agenda>,
    wake: Wake,
    /// Each is held by one that is looked at.
    looks: [futures::lock::Mutex<()>; LOOKED_AT],
}

/// How many updates are looked at at the same moment: each asks the store some ten things, and it has others to answer, too.
const LOOKED_AT: usize = 16;

/// Where an update stands after its steps.
enum Advanced {
    Waits(Timestamp),
    Ended(Option<UpdatePhase>),
}

/// What a look at an update has come to.
enum Looked {
    Waits(Timestamp),
    /// It has ended before.
    Over,
    /// It has ended now.
    Ended(Box<(Update, DeviceView)>),
    /// It is to be looked at again at once.
    GoesOn,
    /// Something was to be asked that was never taken on.
    NotTaken(Ask, Asked),
    Asks(Box<(Context, Begun)>),
}

/// How long an operation of an update may wait for its device.
const WAITS: Duration = Duration::from_secs(30 * 86_400);
/// The least, where the update is to be given up by then.
const WAITS_AT_LEAST: Duration = Duration::from_secs(300);
/// How long after a failure of the store or the like the next try comes.
const AGAIN: Duration = Duration::from_secs(10);
/// How many steps of one update follow each other without anything having been asked.
const MAX_STEPS: usize = 16;

impl Fleet {
    /// Reads the updates back that go on; to be called once at each start.
    pub async fn restore_updates(&self) -> Result<(), FleetError> {
        let mut after = None;
        loop {
            let running = self.store.running_updates(after, 1_000).await?;
            let Some(last) = running.last() else { return Ok(()) };
            after = Some(last.id);
            let mut agenda = self.agenda();
            for running in running {
                agenda.add(running);
            }
        }
    }

    /// The updates to take a step of now; each is to be handed to [`Fleet::advance_update`].
    pub fn due_updates(&self, now: Timestamp) -> Vec<UpdateId> {
        self.agenda().take_due(now)
    }

    /// When [`Fleet::due_updates`] has something, if nothing happens before that.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.agenda().next()
    }

    /// Ready when something has happened that makes an update due earlier.
    pub fn poll_updates(&self, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.updating.wake.poll(context)
    }

    /// Something has happened to a device: its updates are looked at.
    pub fn device_happened(&self, device: DeviceId, kind: &EventKind, now: Timestamp) {
        if matches!(
            kind,
            EventKind::Awake
                | EventKind::Observations
                | EventKind::Update { .. }
                | EventKind::Configuration { .. }
        ) {
            return;
        }
        let mut agenda = self.agenda();
        for id in agenda.updates_of(device) {
            let matters = match kind {
                EventKind::Operation { id: operation, state, .. } => {
                    state.is_final() && agenda.waiting_for(*operation) == Some(id)
                }
                EventKind::Readings(readings) => {
                    readings.iter().any(|reading| UpdateTarget::tells(reading.reading.path))
                }
                _ => true,
            };
            if matters {
                agenda.hasten(id, now);
            }
        }
        drop(agenda);
        self.wake_updates();
    }

    /// A device has so many bytes of what it is pushed.
    pub fn push_progressed(&self, operation: OperationId, sent: u64, now: Timestamp) {
        let mut agenda = self.agenda();
        if let Some(id) = agenda.waiting_for(operation) {
            agenda.progress.insert(id, (sent, now));
        }
    }

    /// A device has been given what it fetches up to there. The furthest counts that was not written
    /// yet: blocks may be asked for in any order.
    pub(super) fn progress_of(&self, id: UpdateId, upto: u64, now: Timestamp) {
        let mut agenda = self.agenda();
        if agenda.goes_on(id) {
            let known = agenda.progress.get(&id).map_or(0, |(sent, _)| *sent);
            agenda.progress.insert(id, (upto.max(known), now));
        }
    }

    /// Writes how far pushes and downloads are, in one commit. To be called every few seconds.
    pub async fn flush_progress(&self) -> Result<(), FleetError> {
        let progress: Vec<_> =
            self.agenda().progress.iter().map(|(id, (sent, at))| (*id, *sent, *at)).collect();
        if progress.is_empty() {
            return Ok(());
        }
        let change = Change::Update(UpdateChange::Progressed(progress.clone()));
        self.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await?;
        let mut agenda = self.agenda();
        for (id, sent, at) in progress {
            if agenda.progress.get(&id) == Some(&(sent, at)) {
                agenda.progress.remove(&id);
            }
        }
        Ok(())
    }

    /// Takes steps of an update until it waits for something, or ends: in which phase, then. After an error it is due again.
    pub async fn advance_update(
        &self,
        id: UpdateId,
        now: impl Fn() -> Timestamp + Send + Sync,
    ) -> Result<Option<UpdatePhase>, FleetError> {
        let advanced = self.advance(id, &now).await;
        let due_at = match &advanced {
            Ok(Advanced::Waits(until)) => Some(*until),
            Ok(Advanced::Ended(_)) => None,
            Err(_) => Some(now().after(AGAIN)),
        };
        self.agenda().stepped(id, due_at, now());
        Ok(match advanced? {
            Advanced::Ended(phase) => phase,
            Advanced::Waits(_) => None,
        })
    }

    async fn advance(
        &self,
        id: UpdateId,
        now: &(impl Fn() -> Timestamp + Send + Sync),
    ) -> Result<Advanced, FleetError> {
        let mut came = None;
        for _ in 0..MAX_STEPS {
            // Boxed, so that nothing of it stays in memory while the device is waited for.
            match Box::pin(self.look(id, came.take(), now)).await? {
                Looked::Waits(until) => return Ok(Advanced::Waits(until)),
                Looked::Over => return Ok(Advanced::Ended(None)),
                Looked::Ended(ended) => {
                    let (update, view) = *ended;
                    Box::pin(self.let_go(&update, &view, now())).await;
                    return Ok(Advanced::Ended(Some(update.phase)));
                }
                Looked::GoesOn => {}
                Looked::NotTaken(ask, asked) => came = Some((ask, asked)),
                Looked::Asks(asks) => {
                    let (context, begun) = *asks;
                    // What comes of it is in the store.
                    let asked = match begun.operation() {
                        // It takes long, and thousands are under way: nothing of it stays in memory here.
                        Operation::Push { .. } => self.hand_over(&context, begun).await,
                        _ => Box::pin(self.carry_out(&context, begun)).await.map(drop),
                    };
                    match asked {
                        Ok(()) | Err(FleetError::NotRegistered | FleetError::QueueFull) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(Advanced::Waits(now().after(AGAIN)))
    }

    /// Sees what is known of an update and takes the step that follows, up to what is to be asked of the device.
    async fn look(
        &self,
        id: UpdateId,
        came: Option<(Ask, Asked)>,
        now: &(impl Fn() -> Timestamp + Send + Sync),
    ) -> Result<Looked, FleetError> {
        let place = id.0.as_u128() % LOOKED_AT as u128;
        let _looking = self.updating.looks[usize::try_from(place).unwrap_or_default()].lock().await;
        let Some(mut update) = self.store.update(id).await?.filter(|update| !update.has_ended()) else {
            return Ok(Looked::Over);
        };
        let stored = update.clone();
        self.overlay_progress(&mut update);
        let Some(view) = self.store.device_row(update.device).await? else { return Ok(Looked::Over) };
        let asked = match came {
            Some((ask, asked)) => {
                update.asking = Some((OperationId::new(now(), [0; 10]), ask));
                Some(asked)
            }
            None => self.asked(&update).await?,
        };
        if asked == Some(Asked::UnderWay) {
            let operation = update.asking.map(|(operation, _)| operation);
            self.agenda().waits_for(id, operation);
            return Ok(Looked::Waits(Update::look_again(now())));
        }
        let seen = self.seen_of(&update, asked, &view, now()).await?;
        // It is in the row from here on.
        self.agenda().progress.remove(&id);
        let before = update.phase;
        let step = update.step(&seen, now());
        let (update, at) = (step.update, now());
        let Some((ask, operation)) = step.ask else {
            // When to look again is written with something that has happened.
            if update != (Update { due_at: update.due_at, ..stored }) {
                self.save_update(&update, before, &view, at).await?;
            }
            return Ok(match update.due_at {
                _ if update.has_ended() => Looked::Ended(Box::new((update, view))),
                due_at if due_at > now() => Looked::Waits(due_at),
                _ => Looked::GoesOn,
            });
        };
        self.ask(&update, ask, operation, view, before, now).await
    }

    /// Takes on what is to be asked of a device.
    async fn ask(
        &self,
        update: &Update,
        ask: Ask,
        operation: Operation,
        view: DeviceView,
        before: UpdatePhase,
        now: &(impl Fn() -> Timestamp + Send + Sync),
    ) -> Result<Looked, FleetError> {
        let context = engine(now(), update.request);
        let (id, device, phase) = (update.id, update.device, update.phase);
        let (row, at) = (update.clone(), context.now);
        let also = move |operation| {
            let entry = (phase != before).then(|| timeline(device, at, &row));
            let row = Update { asking: Some((operation, ask)), ..row };
            std::iter::once(Change::Update(UpdateChange::Saved(Box::new(row)))).chain(entry).collect()
        };
        let waits = update.created_at.after(update.terms.give_up_after).since(context.now);
        let waits = waits.clamp(WAITS_AT_LEAST, WAITS);
        let begun = self.begin_for(&context, view.clone(), operation, waits, Box::new(also)).await;
        let begun = match begun {
            Ok(begun) => begun,
            Err(error @ FleetError::Store(_)) => return Err(error),
            Err(error) => return Ok(Looked::NotTaken(ask, Asked::Failed(error.to_string()))),
        };
        if phase != before {
            self.tell_update(update, &view, context.now);
        }
        self.agenda().waits_for(id, Some(begun.id()));
        Ok(Looked::Asks(Box::new((context, begun))))
    }

    async fn save_update(
        &self,
        update: &Update,
        before: UpdatePhase,
        view: &DeviceView,
        at: Timestamp,
    ) -> Result<(), FleetError> {
        let mut changes = vec![Change::Update(UpdateChange::Saved(Box::new(update.clone())))];
        if update.phase != before {
            changes.push(timeline(update.device, at, update));
        }
        if update.phase == UpdatePhase::Succeeded {
            let artefact = self.store.artefact(update.artefact).await?;
            let kind = match update.target {
                UpdateTarget::Firmware => ArtefactKind::Firmware,
                UpdateTarget::Software(_) => ArtefactKind::Software,
            };
            changes.push(Change::Artefact(crate::ArtefactChange::Installed(Installed {
                device: update.device,
                kind,
                instance: update.target.instance_id(),
                version: update.version.clone(),
                sequence: artefact.as_ref().map(|artefact| artefact.sequence),
                artefact: artefact.map(|artefact| artefact.id),
                at,
            })));
        }
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        if update.phase != before {
            self.tell_update(update, view, at);
        }
        Ok(())
    }

    /// The device is not observed any more for an update that has ended.
    async fn let_go(&self, update: &Update, view: &DeviceView, at: Timestamp) {
        let context = engine(at, update.request);
        for operation in update.farewell() {
            // Whether it comes to that or not: what the device still tells is taken as it is.
            if let Ok(begun) =
                self.begin_for(&context, view.clone(), operation, WAITS, Box::new(|_| Vec::new())).await
            {
                let _ = self.carry_out(&context, begun).await;
            }
        }
    }

    fn tell_update(&self, update: &Update, view: &DeviceView, at: Timestamp) {
        let kind = EventKind::Update { id: update.id, phase: update.phase };
        self.feed.publish(at, view.device.id, view.device.public_id, kind);
    }

    pub(super) fn note_update(&self, update: &Update) {
        self.agenda().add(RunningUpdate::from(update));
    }

    pub(super) fn hasten_update(&self, id: UpdateId, now: Timestamp) {
        self.agenda().hasten(id, now);
    }

    pub(super) fn overlay_progress(&self, update: &mut Update) {
        if let Some((sent, at)) = self.agenda().progress.get(&update.id) {
            (update.sent, update.progress_at) = (*sent, *at);
        }
    }

    pub(super) fn wake_updates(&self) {
        self.updating.wake.wake();
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        lock(&self.updating.agenda)
    }
}

fn timeline(device: DeviceId, at: Timestamp, update: &Update) -> Change {
    let detail = format!(
        "{} to {}: {}, {}",
        update.target.instance(),
        update.version,
        update.phase.name(),
        update.detail
    );
    Change::Timeline(TimelineEntry::new(device, at, TimelineKind::Firmware, Some(update.request), &detail))
}
