//! The verbs on baselines: what levels want, its versions, and what a change of it would do.

use std::collections::BTreeMap;

use objects::{Models, Path, Value};

use super::configuring::Wanted;
use crate::{
    AuditEntry, Change, Commit, Context, Device, DeviceId, Fleet, FleetError, Permission, PublicId,
    StoreError, Verb,
    configuration::{
        Baseline, BaselineError, ConfigurationChange, Difference, Draft, Effect, Level, LevelName, Line,
        TextError, difference, read_lines,
    },
    store::{Candidate, Cursor, DeviceQuery, Page, PageRequest},
};

/// What a change of what a level wants would do to its devices, a few of them at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DryRun {
    /// The devices to which something would happen.
    pub devices: Vec<DryRunDevice>,
    /// How many devices were looked at for this page.
    pub looked_at: u64,
    /// Where to go on; none at the end of the level.
    pub next: Option<Cursor>,
}

/// What would happen to one device.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRunDevice {
    /// Which.
    pub device: Device,
    /// Line by line.
    pub differences: Vec<Difference>,
}

impl DryRunDevice {
    /// Whether anything would be written to it, as far as that is known.
    pub fn is_written(&self) -> bool {
        let writes = [Effect::Write, Effect::Look, Effect::TakeBack];
        self.differences.iter().any(|difference| writes.contains(&difference.effect))
    }
}

impl Fleet {
    /// The newest baselines of the fleet, of classes and of groups, each with what its level is called.
    pub async fn baselines(
        &self,
        context: &Context,
    ) -> Result<Vec<(LevelName, String, Baseline)>, FleetError> {
        self.demand(context, Permission::View, "baselines").await?;
        let groups: BTreeMap<i64, (PublicId, String)> = self
            .store
            .groups()
            .await?
            .into_iter()
            .map(|group| (group.id.0, (group.public_id, group.name)))
            .collect();
        let classes: BTreeMap<i64, String> =
            self.store.classes().await?.into_iter().map(|class| (class.id.0, class.name)).collect();
        let named = |baseline: Baseline| match baseline.level {
            Level::Fleet => Some((LevelName::Fleet, "the fleet".to_owned(), baseline)),
            Level::Class(class) => {
                let name = classes.get(&class.0)?.clone();
                Some((LevelName::Class(name.clone()), name, baseline))
            }
            Level::Group(group) => {
                let (id, name) = groups.get(&group.0)?.clone();
                Some((LevelName::Group(id), name, baseline))
            }
            Level::Device(_) => None,
        };
        Ok(self.store.baselines().await?.into_iter().filter_map(named).collect())
    }

    /// One version of what a level wants; without a number, the newest. None if it never wanted anything.
    pub async fn baseline(
        &self,
        context: &Context,
        level: &LevelName,
        version: Option<u32>,
    ) -> Result<Option<Baseline>, FleetError> {
        self.demand(context, Permission::View, "baseline").await?;
        let (level, _) = self.level(level).await?;
        let found = self.store.baseline(level, version).await?;
        match (&found, version) {
            (None, Some(_)) => Err(FleetError::NotFound("version of this baseline")),
            _ => Ok(found),
        }
    }

    /// The versions of what a level wants, the newest first.
    pub async fn baseline_versions(
        &self,
        context: &Context,
        level: &LevelName,
        page: &PageRequest,
    ) -> Result<Page<Baseline>, FleetError> {
        self.demand(context, Permission::View, "baseline versions").await?;
        let (level, _) = self.level(level).await?;
        Ok(self.store.baseline_versions(level, page).await?)
    }

    /// What a level is called.
    pub async fn level_name(&self, context: &Context, level: &LevelName) -> Result<String, FleetError> {
        self.demand(context, Permission::View, "level").await?;
        Ok(self.level(level).await?.1)
    }

    /// Reads the lines of a baseline as people write them. A secret without a value is that of the newest version.
    pub async fn read_baseline(
        &self,
        context: &Context,
        level: &LevelName,
        text: &str,
    ) -> Result<Vec<Line>, FleetError> {
        self.demand(context, Permission::View, "read baseline").await?;
        let (level, _) = self.level(level).await?;
        let before = self.store.baseline(level, None).await?.map(|baseline| baseline.draft.lines);
        let registry = self.registry();
        let models = Models::newest(&registry);
        let lines = read_lines(text, &models, &before.unwrap_or_default(), || self.random());
        let lines = lines.map_err(|error: TextError| invalid(&error))?;
        let draft = Draft { lines, ..Draft::default() };
        draft.check().map_err(|error| refusal(&error))?;
        Ok(draft.sorted().lines)
    }

    /// Says what a level wants from now on. `after` is the version that it is meant to follow, 0 if there is none yet: if
    /// somebody else was faster, it is refused.
    pub async fn set_baseline(
        &self,
        context: &Context,
        level: &LevelName,
        draft: Draft,
        after: Option<u32>,
    ) -> Result<Baseline, FleetError> {
        self.demand(context, Permission::Administer, "set baseline").await?;
        self.save_baseline(context, level, draft, after, None).await
    }

    /// Wants again what an earlier version wanted, as a new version.
    pub async fn roll_back_baseline(
        &self,
        context: &Context,
        level: &LevelName,
        to: u32,
        ticket: Option<String>,
        comment: String,
    ) -> Result<Baseline, FleetError> {
        self.demand(context, Permission::Administer, "roll back baseline").await?;
        let (row, _) = self.level(level).await?;
        let earlier = self.store.baseline(row, Some(to)).await?;
        let earlier = earlier.ok_or(FleetError::NotFound("version of this baseline"))?;
        let draft = Draft { ticket, comment, ..earlier.draft };
        self.save_baseline(context, level, draft, None, Some(to)).await
    }

    pub(super) async fn save_baseline(
        &self,
        context: &Context,
        level: &LevelName,
        draft: Draft,
        after: Option<u32>,
        rolls_back_to: Option<u32>,
    ) -> Result<Baseline, FleetError> {
        let ticket = draft.ticket.map(|ticket| ticket.trim().to_owned()).filter(|ticket| !ticket.is_empty());
        let draft = Draft { ticket, comment: draft.comment.trim().to_owned(), ..draft };
        draft.check().map_err(|error| refusal(&error))?;
        let (row, name) = self.level(level).await?;
        let before = self.store.baseline(row, None).await?.map_or(0, |baseline| baseline.version);
        if after.is_some_and(|after| after != before) {
            return Err(moved_on(before));
        }
        let baseline = Baseline {
            level: row,
            version: before.saturating_add(1),
            draft: draft.sorted(),
            rolls_back_to,
            by: context.actor.name().to_owned(),
            at: context.now,
        };
        let (verb, device) = match row {
            Level::Device(device) if rolls_back_to.is_some() => (Verb::RollBackBaseline, Some(device)),
            Level::Device(device) => (Verb::SaveBaseline, Some(device)),
            _ if rolls_back_to.is_some() => (Verb::RollBackBaseline, None),
            _ => (Verb::SaveBaseline, None),
        };
        let object = described(row, &name, &baseline);
        let commit = Commit {
            changes: vec![Change::Configuration(ConfigurationChange::BaselineSaved(Box::new(
                baseline.clone(),
            )))],
            audit: vec![AuditEntry::by(context, verb, device, object)],
        };
        let committed = self.store.commit(commit).await;
        // Of one that failed it is not known whether it was kept.
        self.level_changed(row).await;
        match committed {
            Ok(_) => Ok(baseline),
            Err(StoreError::Conflict) => Err(moved_on(baseline.version)),
            Err(error) => Err(error.into()),
        }
    }

    /// Says for the next devices of a level what would happen to them if it wanted this, and changes nothing: those to which
    /// nothing would happen are left out. By what the devices have said last.
    pub async fn dry_run(
        &self,
        context: &Context,
        level: &LevelName,
        draft: Draft,
        page: &PageRequest,
    ) -> Result<DryRun, FleetError> {
        self.demand(context, Permission::View, "dry run").await?;
        draft.check().map_err(|error| refusal(&error))?;
        let (row, _) = self.level(level).await?;
        let wanted = self.wanted().await?;
        let baseline = Baseline {
            level: row,
            version: 0,
            draft: draft.sorted(),
            rolls_back_to: None,
            by: context.actor.name().to_owned(),
            at: context.now,
        };
        let (devices, next) = self.devices_of(row, page).await?;
        let mut run = DryRun { next, ..DryRun::default() };
        for device in devices {
            let Some((candidate, own)) = self.configuration_with(device, &wanted, &baseline).await? else {
                continue;
            };
            run.looked_at += 1;
            let differences = self.differences(&wanted, &candidate, own.as_ref(), &baseline).await?;
            if !differences.is_empty() {
                run.devices.push(DryRunDevice { device: candidate.view.device, differences });
            }
        }
        Ok(run)
    }

    async fn differences(
        &self,
        wanted: &Wanted,
        candidate: &Candidate,
        own: Option<&Baseline>,
        instead: &Baseline,
    ) -> Result<Vec<Difference>, FleetError> {
        let before = wanted.desired(candidate, own, None);
        let after = wanted.desired(candidate, own, Some(instead));
        let reading = |stored: &crate::StoredReading| (stored.reading.path, stored.reading.value.clone());
        let actual: BTreeMap<Path, Value> = candidate.values.iter().map(reading).collect();
        let row = self.store.configured(candidate.view.device.id).await?;
        Ok(difference(&before, &after, &actual, row.as_ref()))
    }

    /// The next devices of a level.
    async fn devices_of(
        &self,
        level: Level,
        page: &PageRequest,
    ) -> Result<(Vec<DeviceId>, Option<Cursor>), FleetError> {
        let query = match level {
            Level::Device(device) => return Ok((vec![device], None)),
            Level::Fleet => DeviceQuery::all(page.clone()),
            Level::Class(class) => DeviceQuery { class: Some(class), ..DeviceQuery::all(page.clone()) },
            Level::Group(group) => DeviceQuery { group: Some(group), ..DeviceQuery::all(page.clone()) },
        };
        let page = self.store.devices(&query).await?;
        Ok((page.rows.iter().map(|row| row.device.id).collect(), page.next))
    }

    /// The row of a level, and what it is called.
    pub(super) async fn level(&self, level: &LevelName) -> Result<(Level, String), FleetError> {
        Ok(match level {
            LevelName::Fleet => (Level::Fleet, "the fleet".to_owned()),
            LevelName::Class(class) => {
                let mut classes = self.store.classes().await?.into_iter();
                let class = classes.find(|one| one.name == *class).ok_or(FleetError::NotFound("class"))?;
                (Level::Class(class.id), class.name)
            }
            LevelName::Group(id) => {
                let mut groups = self.store.groups().await?.into_iter();
                let group =
                    groups.find(|group| group.public_id == *id).ok_or(FleetError::NotFound("group"))?;
                (Level::Group(group.id), group.name)
            }
            LevelName::Device(id) => {
                let device = self.enrolled(*id).await?.device;
                (Level::Device(device.id), device.endpoint.as_str().to_owned())
            }
        })
    }
}

fn moved_on(version: u32) -> FleetError {
    let reason = format!("there is a version {version} by now: look at what it wants and try again");
    FleetError::Invalid { field: "after", reason }
}

fn refusal(error: &BaselineError) -> FleetError {
    FleetError::Invalid { field: "lines", reason: error.to_string() }
}

fn invalid(error: &TextError) -> FleetError {
    FleetError::Invalid { field: "lines", reason: error.to_string() }
}

/// Without values: what the audit log says.
fn described(level: Level, name: &str, baseline: &Baseline) -> String {
    let Baseline { version, draft, rolls_back_to, .. } = baseline;
    let lines = draft.lines.len();
    let back = rolls_back_to.map_or_else(String::new, |to| format!(", as version {to}"));
    let kind = level.kind();
    let text = format!("{kind} {name}, version {version}{back}: {lines} lines, {}", draft.mode.name());
    with_ticket(text, draft.ticket.as_deref())
}

pub(super) fn with_ticket(text: String, ticket: Option<&str>) -> String {
    match ticket.filter(|ticket| !ticket.is_empty()) {
        Some(ticket) => format!("{text}; ticket {ticket}"),
        None => text,
    }
}
