//! The engine of configuration: sees what is known of a device, takes the step that follows, and asks what that says.
//!
//! One step at a time for each device. What is in memory of one is when to look at it; everything else is in its row, which is
//! written in one transaction with the operation that it waits for. A secret is written by an operation that leaves no row: if
//! the server stops within it, it is written again.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use objects::Path;

mod agenda;
use agenda::{After, Agenda, Sweep};

mod asking;

mod stepped;
pub use stepped::SteppedConfiguration;

mod wanted;
pub(super) use wanted::Wanted;

use super::{lock, schedule::Wake};
use crate::{
    Actor, Change, Commit, Context, DeviceId, EventKind, Fleet, FleetError, GroupChange, RequestId,
    TimelineEntry, TimelineKind, Timestamp,
    configuration::{
        AccountTerms, Ask, Asked, Asking, ConfigurationChange, Configured, ConfiguredState, Level,
    },
    store::{DeviceQuery, PageRequest},
};

/// What is held in memory of configuration.
#[derive(Default)]
pub(super) struct Configuring {
    agenda: Mutex<Agenda>,
    /// Read once, and held while it is forgotten.
    wanted: futures::lock::Mutex<Option<Arc<Wanted>>>,
    /// The resources that baselines name, and whether there are any.
    paths: RwLock<Arc<BTreeSet<Path>>>,
    is_wanted: AtomicBool,
    wake: Wake,
}

/// Where a device stands after its steps.
enum Advanced {
    /// When to look at it again, and whether it has what it is to have until then.
    Waits(Timestamp, bool),
    /// Nothing is wanted of it.
    Gone,
}

/// How long an operation of the engine may wait for its device.
const WAITS: Duration = Duration::from_secs(86_400);
/// How long after a failure of the store or the like the next try comes.
const AGAIN: Duration = Duration::from_secs(10);
/// How many steps of one device follow each other.
const MAX_STEPS: usize = 400;

impl Fleet {
    /// Reads back when to look at which device; to be called once at each start.
    pub async fn restore_configurations(&self) -> Result<(), FleetError> {
        let mut after = None;
        loop {
            let planned = self.store.planned_configurations(after, 1_000).await?;
            let Some(last) = planned.last() else { break };
            after = Some(last.device);
            let mut agenda = lock(&self.configuring.agenda);
            for planned in planned {
                agenda.plan(planned);
            }
        }
        // What has changed while nobody followed it, or was cut off.
        if !self.wanted().await?.is_nothing() {
            lock(&self.configuring.agenda).sweep(Level::Fleet);
        }
        Ok(())
    }

    /// The devices to take a step of now; each is to be handed to [`Fleet::advance_configuration`].
    pub fn due_configurations(&self, now: Timestamp) -> Vec<DeviceId> {
        lock(&self.configuring.agenda).take_due(now)
    }

    /// When [`Fleet::due_configurations`] has something, if nothing happens before that.
    pub fn next_configuration(&self) -> Option<Timestamp> {
        lock(&self.configuring.agenda).next()
    }

    /// Ready when something has happened that makes a device due earlier.
    pub fn poll_configurations(&self, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.configuring.wake.poll(context)
    }

    /// Something has happened to a device: its configuration is looked at if that may matter.
    pub fn configuration_happened(&self, device: DeviceId, kind: &EventKind, now: Timestamp) {
        let mut agenda = lock(&self.configuring.agenda);
        match kind {
            EventKind::Registered if self.configuring.is_wanted.load(Ordering::Acquire) => {
                agenda.touch(device, now);
            }
            EventKind::Registered | EventKind::Removed => agenda.hasten(device, now),
            // It wakes. Of one that has all of it that is nothing new, unless it says otherwise of its account.
            EventKind::Updated { changed } => {
                let paths = self.configuring.paths();
                let is_told = *changed
                    && (paths.iter().any(AccountTerms::tell)
                        || agenda.names_some(device, AccountTerms::tell));
                if agenda.rests(device) && !is_told {
                    return;
                }
                agenda.hasten(device, now);
            }
            EventKind::Readings(readings) => {
                let paths = self.configuring.paths();
                let is_read = |path: &Path| readings.iter().any(|reading| reading.reading.path == *path);
                let is_named = readings.iter().any(|reading| paths.contains(&reading.reading.path));
                let matters = agenda.is_planned(device) && (is_named || agenda.names_some(device, is_read));
                if !matters && agenda.rests(device) {
                    return;
                }
                agenda.hasten(device, now);
            }
            EventKind::Operation { id, state, changed } => {
                let is_asked = state.is_final() && agenda.is_waiting_for(device, *id);
                let is_told = is_asked || *changed && agenda.was_written(device, *id);
                if !is_told {
                    return;
                }
                agenda.hasten(device, now);
            }
            _ => return,
        }
        drop(agenda);
        self.wake_configurations();
    }

    /// How many devices one step of a sweep looks at.
    pub const SWEPT_TOGETHER: usize = 200;

    /// Takes a step through the devices of a level of which something else is wanted: they are looked at next. Whether there is
    /// more to go through; it waits while too many devices are due.
    pub async fn sweep_configurations(&self, now: Timestamp) -> Result<bool, FleetError> {
        let sweep = {
            let agenda = lock(&self.configuring.agenda);
            match agenda.sweeps.front() {
                Some(_) if agenda.is_behind(now) => return Ok(true),
                Some(sweep) => sweep.clone(),
                None => return Ok(false),
            }
        };
        let (devices, after) = self.swept(&sweep).await?;
        let mut agenda = lock(&self.configuring.agenda);
        for device in devices {
            agenda.touch(device, now);
        }
        if let Some(front) = agenda.sweeps.front_mut().filter(|front| front.level == sweep.level) {
            match after {
                Some(after) => front.after = after,
                None => drop(agenda.sweeps.pop_front()),
            }
        }
        Ok(!agenda.sweeps.is_empty())
    }

    /// The next devices of a level, and where to go on.
    async fn swept(&self, sweep: &Sweep) -> Result<(Vec<DeviceId>, Option<After>), FleetError> {
        let limit = Self::SWEPT_TOGETHER;
        let row = match &sweep.after {
            After::Device(device) => Some(*device),
            After::Begin | After::Page(_) => None,
        };
        let on = |devices: Vec<DeviceId>| {
            let last = devices.last().copied().filter(|_| devices.len() == limit);
            (devices, last.map(After::Device))
        };
        Ok(match sweep.level {
            Level::Fleet => on(self.store.devices_after(row, limit).await?),
            Level::Group(group) => on(self.store.members(group, row, limit).await?),
            Level::Device(device) => (vec![device], None),
            Level::Class(class) => {
                let after = match &sweep.after {
                    After::Page(cursor) => Some(cursor.clone()),
                    After::Begin | After::Device(_) => None,
                };
                let page = PageRequest { after, limit };
                let query = DeviceQuery { class: Some(class), ..DeviceQuery::all(page) };
                let page = self.store.devices(&query).await?;
                let devices = page.rows.iter().map(|row| row.device.id).collect();
                (devices, page.next.map(After::Page))
            }
        })
    }

    /// Takes steps of a device's configuration until it waits for something, and says what came of that. After an error it is due
    /// again.
    pub async fn advance_configuration(
        &self,
        device: DeviceId,
        now: impl Fn() -> Timestamp + Send + Sync,
    ) -> Result<SteppedConfiguration, FleetError> {
        let mut stepped = SteppedConfiguration::default();
        let was_written = lock(&self.configuring.agenda).take_written(device);
        let advanced = self.advance_configured(device, was_written, &now, &mut stepped).await;
        let next = match &advanced {
            Ok(Advanced::Waits(until, rests)) => Some((*until, *rests)),
            Ok(Advanced::Gone) => None,
            Err(_) => Some((now().after(AGAIN), false)),
        };
        let mut agenda = lock(&self.configuring.agenda);
        if was_written && advanced.is_err() {
            agenda.put_written_back(device);
        }
        agenda.stepped(device, next, now());
        drop(agenda);
        advanced?;
        Ok(stepped)
    }

    async fn advance_configured(
        &self,
        device: DeviceId,
        was_written: bool,
        now: &(impl Fn() -> Timestamp + Send + Sync),
        stepped: &mut SteppedConfiguration,
    ) -> Result<Advanced, FleetError> {
        let mut came: Option<(Asking, Asked)> = None;
        for _ in 0..MAX_STEPS {
            let wanted = self.wanted().await?;
            let found = self.configuration_of(device, &wanted).await?;
            let stored = self.store.configured(device).await?;
            let desired = found
                .as_ref()
                .map(|(candidate, own)| wanted.desired(candidate, own.as_ref(), None))
                .unwrap_or_default();
            // What was set of attributes is taken back before nothing is known of the device any more.
            let is_over = desired.is_empty() && !stored.as_ref().is_some_and(Configured::has_to_take_back);
            let Some((candidate, own)) = found.filter(|_| !is_over) else {
                return self.forget_configured(device, stored.is_some()).await;
            };
            let own: BTreeSet<Path> = own.iter().flat_map(wanted::paths_of).collect();
            lock(&self.configuring.agenda).names(device, own.into_iter().collect());
            let public_id = candidate.view.device.public_id;
            let mut row = stored.clone().unwrap_or_else(|| Configured::new(device, public_id, now()));
            let asked = match came.take() {
                Some((asking, asked)) => {
                    row.asking = Some(asking);
                    Some(asked)
                }
                None => self.what_became_of(&row).await?,
            };
            match asked {
                Some(Asked::UnderWay) => {
                    let operation = row.asking.as_ref().map(|asking| asking.operation);
                    lock(&self.configuring.agenda).waits_for(device, operation);
                    return Ok(Advanced::Waits(now().after(WAITS / 24), false));
                }
                Some(Asked::Away) => return Ok(Advanced::Waits(now().after(AGAIN), false)),
                _ => {}
            }
            let before = row.state;
            let seen = self.seen_for_configuration(&candidate, &desired, (&row, asked), was_written).await?;
            let step = row.step(&desired, &seen, now());
            let (row, counted) = (step.row, step.counted);
            if step.request.is_none() && desired.is_empty() && !row.has_to_take_back() {
                return self.forget_configured(device, true).await;
            }
            let is_new = stored
                .as_ref()
                .is_none_or(|stored| row != Configured { due_at: row.due_at, ..stored.clone() });
            match step.request {
                None => {
                    if is_new {
                        self.save_configured(&row, before, now()).await?;
                    }
                    stepped.count(counted);
                    if row.state != before {
                        stepped.became = Some(row.state);
                    }
                    lock(&self.configuring.agenda).waits_for(device, None);
                    let rests = row.state == ConfiguredState::InLine && row.due_at == row.next_check;
                    return Ok(Advanced::Waits(row.due_at, rests));
                }
                Some(request) if request.ask == Ask::Secret => {
                    if is_new {
                        self.save_configured(&row, before, now()).await?;
                    }
                    stepped.count(counted);
                    came = Some(self.write_secret(device, request, now()).await?);
                }
                Some(request) => {
                    came = self.ask_configured(row, request, candidate, now).await?;
                    stepped.count(counted);
                }
            }
        }
        Ok(Advanced::Waits(now().after(AGAIN), false))
    }

    /// Nothing is wanted of a device any more, and nothing is left to take back.
    async fn forget_configured(&self, device: DeviceId, is_known: bool) -> Result<Advanced, FleetError> {
        if is_known {
            let change = Change::Configuration(ConfigurationChange::Dropped(device));
            self.store.commit(Commit { changes: vec![change], audit: Vec::new() }).await?;
        }
        Ok(Advanced::Gone)
    }

    async fn save_configured(
        &self,
        row: &Configured,
        before: ConfiguredState,
        at: Timestamp,
    ) -> Result<(), FleetError> {
        let mut changes = vec![Change::Configuration(ConfigurationChange::Saved(Box::new(row.clone())))];
        let tells =
            row.state != before && !matches!(row.state, ConfiguredState::Waiting | ConfiguredState::Working);
        if tells {
            let detail = format!("generation {}: {}, {}", row.generation, row.state.name(), row.detail);
            let entry = TimelineEntry::new(row.device, at, TimelineKind::Configuration, None, &detail);
            changes.push(Change::Timeline(entry));
        }
        self.store.commit(Commit { changes, audit: Vec::new() }).await?;
        if tells {
            let kind = EventKind::Configuration { generation: row.generation, state: row.state };
            self.feed.publish(at, row.device, row.device_public_id, kind);
        }
        Ok(())
    }

    /// Something was committed that may change what is wanted of devices.
    pub(super) fn configuration_follows(&self, commit: &Commit) {
        let mut devices = BTreeSet::new();
        for change in &commit.changes {
            match change {
                Change::DeviceClassified { device, .. } => {
                    devices.insert(*device);
                }
                Change::Group(GroupChange::Members { joined, left, .. }) => {
                    devices.extend(joined.iter().chain(left));
                }
                _ => {}
            }
        }
        if devices.is_empty() || !self.configuring.is_wanted.load(Ordering::Acquire) {
            return;
        }
        let mut agenda = lock(&self.configuring.agenda);
        for device in devices {
            // As soon as can be.
            agenda.touch(device, Timestamp::default());
        }
        drop(agenda);
        self.wake_configurations();
    }

    /// A level wants something else, or a group is another one: what was read of it is forgotten, and its devices are looked at.
    pub(super) async fn level_changed(&self, level: Level) {
        *self.configuring.wanted.lock().await = None;
        self.configuring.is_wanted.store(true, Ordering::Release);
        lock(&self.configuring.agenda).sweep(level);
        self.wake_configurations();
    }

    pub(super) fn hasten_configuration(&self, device: DeviceId, now: Timestamp) {
        lock(&self.configuring.agenda).touch(device, now);
        self.wake_configurations();
    }

    fn wake_configurations(&self) {
        self.configuring.wake.wake();
    }

    /// With which the engine acts, each time anew.
    fn configurator(&self, now: Timestamp) -> Context {
        let request: RequestId = self.random_request();
        Context { actor: Actor::Server("configuration"), now, request }
    }
}

impl Configuring {
    fn paths(&self) -> Arc<BTreeSet<Path>> {
        Arc::clone(&self.paths.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn look_at(&self, paths: &BTreeSet<Path>, is_wanted: bool) {
        *self.paths.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(paths.clone());
        self.is_wanted.store(is_wanted, Ordering::Release);
    }
}
