//! What is wanted of whom: the baselines of the moment, and which of them are for a device.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use objects::Path;

use crate::{
    DeviceId, Fleet, FleetError, GroupId,
    configuration::{Baseline, Desired, Layer, Level},
    store::Candidate,
};

/// The newest baselines of the fleet, of the classes and of the groups, read once and forgotten when one of them changes.
#[derive(Debug, Default)]
pub(in crate::fleet) struct Wanted {
    baselines: BTreeMap<Level, Baseline>,
    groups: BTreeMap<GroupId, (String, i32)>,
    classes: BTreeMap<i64, String>,
    paths: BTreeSet<Path>,
}

impl Fleet {
    pub(in crate::fleet) async fn wanted(&self) -> Result<Arc<Wanted>, FleetError> {
        let mut held = self.configuring.wanted.lock().await;
        if let Some(wanted) = &*held {
            return Ok(Arc::clone(wanted));
        }
        let baselines = self.store.baselines().await?;
        let groups = self.store.groups().await?;
        let classes = self.store.classes().await?;
        let paths = baselines.iter().flat_map(paths_of).collect();
        let wanted = Wanted {
            baselines: baselines.into_iter().map(|baseline| (baseline.level, baseline)).collect(),
            groups: groups.into_iter().map(|group| (group.id, (group.name, group.rank))).collect(),
            classes: classes.into_iter().map(|class| (class.id.0, class.name)).collect(),
            paths,
        };
        self.configuring.look_at(&wanted.paths, !wanted.is_nothing());
        Ok(Arc::clone(held.insert(Arc::new(wanted))))
    }

    /// What is known of a device, as far as its configuration is concerned, with the baseline that is its own.
    pub(in crate::fleet) async fn configuration_of(
        &self,
        device: DeviceId,
        wanted: &Wanted,
    ) -> Result<Option<(Candidate, Option<Baseline>)>, FleetError> {
        self.known_of(device, wanted, None).await
    }

    /// The same, with what is known of the lines of another baseline, too.
    pub(in crate::fleet) async fn configuration_with(
        &self,
        device: DeviceId,
        wanted: &Wanted,
        other: &Baseline,
    ) -> Result<Option<(Candidate, Option<Baseline>)>, FleetError> {
        self.known_of(device, wanted, Some(other)).await
    }

    async fn known_of(
        &self,
        device: DeviceId,
        wanted: &Wanted,
        other: Option<&Baseline>,
    ) -> Result<Option<(Candidate, Option<Baseline>)>, FleetError> {
        let own = self.store.baseline(Level::Device(device), None).await?;
        let mut paths = wanted.paths.clone();
        paths.extend(own.iter().chain(other).flat_map(paths_of));
        let paths: Vec<Path> = paths.into_iter().collect();
        let mut found = self.store.candidates(&[device], &paths).await?;
        Ok(found.pop().map(|candidate| (candidate, own)))
    }
}

impl Wanted {
    /// What is desired of a device. `instead` stands for what its level wants now.
    pub(in crate::fleet) fn desired(
        &self,
        candidate: &Candidate,
        own: Option<&Baseline>,
        instead: Option<&Baseline>,
    ) -> Desired {
        let device = &candidate.view.device;
        let groups = candidate.groups.iter().map(|group| Level::Group(*group));
        let levels = [Level::Fleet, Level::Class(device.class)].into_iter().chain(groups);
        let own_level = Level::Device(device.id);
        let layers = levels.chain([own_level]).filter_map(|level| {
            let baseline = match (instead.filter(|instead| instead.level == level), level == own_level) {
                (Some(instead), _) => instead,
                (None, true) => own?,
                (None, false) => self.baselines.get(&level)?,
            };
            let (name, rank) = self.name(level, device.endpoint.as_str());
            Some(Layer { baseline, name, rank })
        });
        Desired::merge(layers)
    }

    fn name<'w>(&'w self, level: Level, endpoint: &'w str) -> (&'w str, i32) {
        match level {
            Level::Fleet => ("fleet", 0),
            Level::Class(class) => (self.classes.get(&class.0).map_or("", String::as_str), 0),
            Level::Group(group) => {
                self.groups.get(&group).map_or(("", 0), |(name, rank)| (name.as_str(), *rank))
            }
            Level::Device(_) => (endpoint, 0),
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.baselines.values().all(|baseline| baseline.draft.lines.is_empty())
    }
}

pub(super) fn paths_of(baseline: &Baseline) -> impl Iterator<Item = Path> {
    baseline.draft.lines.iter().filter(|line| !line.key().attributes).map(|line| line.path)
}
