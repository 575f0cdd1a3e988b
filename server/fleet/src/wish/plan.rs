//! What is left to ask of a device: pure.

use std::collections::{BTreeMap, BTreeSet};

use objects::{Attribute, Attributes, Path};

use super::{Kept, LeftOut, Pattern, Trouble, Why, Wishes};
use crate::{Observation, Paths, Registration, Target, Timestamp};

/// What is known of a device when it is planned.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its registration.
    pub registration: &'a Registration,
    /// The observations that live.
    pub observations: &'a [Observation],
    /// What was asked of it by wish before.
    pub kept: &'a Kept,
    /// Whether it answers composite operations.
    pub composites: bool,
    /// The time.
    pub now: Timestamp,
}

/// Something to ask of a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Write-Attributes.
    Write {
        /// Where.
        path: Path,
        /// Those to set.
        set: Attributes,
        /// Those to unset.
        unset: Vec<Attribute>,
    },
    /// Observe, or Observe-Composite.
    Observe(Target),
    /// The end of an observation.
    Cancel(Target),
}

/// What is left to do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be asked one after the other; after each it is planned anew.
    pub steps: Vec<Step>,
    /// Observations that were there and are not any more: to be noted as [`Trouble`] before they are asked for again.
    pub lost: Vec<Target>,
    /// Observations that had failed, and are there after all.
    pub found: Vec<Target>,
    /// Observations whose mark goes: neither wished nor there.
    pub let_go: Vec<Target>,
    /// Attributes whose mark goes: what had them is gone, or they were never taken and are not wished.
    pub unwritten: Vec<Path>,
    /// When something that failed is to be tried again.
    pub again_at: Option<Timestamp>,
    /// What is wished and is not asked of this device.
    pub left_out: Vec<LeftOut>,
}

impl Plan {
    /// How many paths of one device are observed by wish at most. People and updates observe, too: see
    /// [`Observation::MAX_PER_DEVICE`].
    pub const MAX_PATHS: usize = 192;
}

/// Holds what a class wishes against what is known of one of its devices.
///
/// What lives is never asked for again, and what somebody has begun by hand is left alone: a path that is observed so, by
/// itself or among others, is not observed a second time.
pub fn plan(wishes: &Wishes, seen: Seen<'_>) -> Plan {
    let mut plan = Plan::default();
    let wanted = plan.wanted(wishes, seen.registration);
    plan.attributes(&wanted, seen);
    plan.observations(&wanted, seen);
    plan
}

impl Plan {
    /// Whether nothing is left to ask or to note.
    pub fn is_done(&self) -> bool {
        let notes = [&self.lost, &self.found, &self.let_go];
        self.steps.is_empty() && self.unwritten.is_empty() && notes.iter().all(|notes| notes.is_empty())
    }

    /// What is wished of this device, path by path. A line that names an instance is stronger than one for each.
    pub(super) fn wanted(
        &mut self,
        wishes: &Wishes,
        registration: &Registration,
    ) -> BTreeMap<Path, Attributes> {
        let mut wanted = BTreeMap::new();
        let named = wishes.iter().filter(|wish| matches!(wish.pattern, Pattern::One(_)));
        let each = wishes.iter().filter(|wish| matches!(wish.pattern, Pattern::Each(_)));
        for wish in named.chain(each) {
            let paths = wish.pattern.paths(&registration.links);
            // Objects that hold keys are covered by nothing.
            let there: Vec<Path> = paths.into_iter().filter(|path| registration.covers(*path)).collect();
            if there.is_empty() {
                self.leave_out(wish, Why::NotThere);
            }
            for path in there {
                if wanted.contains_key(&path) {
                    continue;
                }
                if !known_level(path, registration) {
                    self.leave_out(wish, Why::Level);
                    continue;
                }
                if wanted.len() >= Self::MAX_PATHS {
                    self.leave_out(wish, Why::TooMany(1));
                    continue;
                }
                let attributes = known_attributes(&wish.attributes, path, registration);
                let unknown = wish.attributes.names().filter(|name| attributes.text(*name).is_none());
                let unknown: Vec<_> = unknown.collect();
                if !unknown.is_empty() {
                    self.leave_out(wish, Why::Attributes(unknown));
                }
                wanted.insert(path, attributes);
            }
        }
        wanted
    }

    fn attributes(&mut self, wanted: &BTreeMap<Path, Attributes>, seen: Seen<'_>) {
        let paths: BTreeSet<Path> = wanted.keys().chain(seen.kept.written.keys()).copied().collect();
        for path in paths {
            let want = wanted.get(&path).copied().unwrap_or_default();
            let kept = seen.kept.written.get(&path);
            let have = kept.map(|kept| kept.attributes).unwrap_or_default();
            let current = kept.is_some_and(|kept| kept.registration == Some(seen.registration.id));
            let is_there = seen.registration.covers(path);
            if want.is_empty() && (have.is_empty() || !is_there) {
                self.unwritten.extend(kept.map(|_| path));
                continue;
            }
            let trouble = kept.and_then(|kept| kept.trouble.as_ref());
            if current && want == have && trouble.is_none() {
                continue;
            }
            if self.waits(trouble, seen) {
                continue;
            }
            let unset = have.names().filter(|attribute| want.text(*attribute).is_none()).collect();
            self.steps.push(Step::Write { path, set: want, unset });
        }
    }

    fn observations(&mut self, wanted: &BTreeMap<Path, Attributes>, seen: Seen<'_>) {
        let owned = &seen.kept.owned;
        let live: BTreeSet<&Target> =
            seen.observations.iter().map(|observation| &observation.target).collect();
        let by_hand = live.iter().filter(|target| !owned.contains_key(*target));
        let by_hand: BTreeSet<Path> = by_hand.flat_map(|target| target.paths()).copied().collect();
        let wanted: BTreeMap<Path, Attributes> = wanted
            .iter()
            .filter(|(path, _)| !by_hand.contains(path))
            .map(|(path, of)| (*path, *of))
            .collect();
        let merged = if seen.composites { merge(&wanted) } else { Vec::new() };
        // What a device does not take together it is asked for one by one, until it registers anew.
        let (refused, merged): (Vec<Target>, Vec<Target>) = merged.into_iter().partition(|target| {
            let trouble = owned.get(target).and_then(|owned| owned.trouble.as_ref());
            trouble.is_some_and(|trouble| trouble.at >= seen.registration.registered_at)
        });
        let together: BTreeSet<Path> = merged.iter().flat_map(Target::paths).copied().collect();
        let alone = wanted.keys().filter(|path| !together.contains(path)).map(|path| Target::One(*path));
        let targets: BTreeSet<Target> = merged.iter().cloned().chain(alone).collect();
        let is_found = |target: &&Target| {
            live.contains(*target) && owned.get(*target).is_some_and(|owned| owned.trouble.is_some())
        };
        self.found = targets.iter().filter(is_found).cloned().collect();
        for target in targets.iter().filter(|target| !live.contains(target)) {
            let kept = owned.get(target);
            let trouble = kept.and_then(|kept| kept.trouble.as_ref());
            if self.waits(trouble, seen) {
                continue;
            }
            let was_there = kept.is_some_and(|kept| kept.registration == Some(seen.registration.id));
            if was_there && trouble.is_none() {
                self.lost.push(target.clone());
            } else {
                self.steps.push(Step::Observe(target.clone()));
            }
        }
        let unwanted = owned.keys().filter(|target| !targets.contains(target));
        for target in unwanted {
            if live.contains(target) {
                self.steps.push(Step::Cancel(target.clone()));
            } else if !refused.contains(target) {
                self.let_go.push(target.clone());
            }
        }
    }

    /// Whether something that failed is not tried again yet. With each registration it is.
    fn waits(&mut self, trouble: Option<&Trouble>, seen: Seen<'_>) -> bool {
        // What lies ahead was noted by a clock that has been set back since.
        let recent =
            trouble.filter(|trouble| trouble.at >= seen.registration.registered_at && trouble.at <= seen.now);
        let Some(again_at) = recent.map(Trouble::again_at).filter(|at| *at > seen.now) else { return false };
        self.again_at = Some(self.again_at.map_or(again_at, |before| before.min(again_at)));
        true
    }
}

/// The paths that go into composites: those that share their attributes, none within another.
// LwM2M Core 1.1.1 §6.4.4; where paths differ in their attributes, one composite would be reported by those of each.
fn merge(wanted: &BTreeMap<Path, Attributes>) -> Vec<Target> {
    let mut groups = Vec::<(Attributes, Vec<Path>)>::new();
    for (path, attributes) in wanted {
        let overlaps =
            |paths: &[Path]| paths.iter().any(|other| path.is_within(other) || other.is_within(path));
        let group = groups
            .iter_mut()
            .find(|(shared, paths)| shared == attributes && paths.len() < Paths::MAX && !overlaps(paths));
        match group {
            Some((_, paths)) => paths.push(*path),
            None => groups.push((*attributes, vec![*path])),
        }
    }
    let several = groups.into_iter().map(|(_, paths)| paths).filter(|paths| paths.len() > 1);
    several.map(|paths| Target::Several(paths.into_iter().collect())).collect()
}

// LwM2M Core 1.1.1 §6.3.1: resource instances can be addressed since 1.1.
fn known_level(path: Path, registration: &Registration) -> bool {
    path.depth() < 4 || registration.lwm2m >= objects::Version::V1_1
}

/// Those that the device's version knows there.
fn known_attributes(attributes: &Attributes, path: Path, registration: &Registration) -> Attributes {
    let mut known = *attributes;
    for attribute in attributes.names() {
        if !attribute.applies_to(&path, registration.lwm2m) {
            known.unset(attribute);
        }
    }
    known
}
