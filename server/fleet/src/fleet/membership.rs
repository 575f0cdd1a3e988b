//! What the rules say of the devices, kept where it is asked for: who is in which group, and of which class a device is that
//! nobody has put into one.
//!
//! Nothing of this is on the way of a datagram. A job of the server's own ([`Fleet::evaluate`], [`Fleet::evaluate_after`])
//! follows what happens ([`Fleet::concerns_rules`]) and goes through the fleet in small steps where it can't know what did.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use objects::Path;

use super::class_policy::Classes;
use crate::{
    Actor, AuditEntry, Belongs, Change, ClassId, ClassRule, Commit, Context, DeviceId, Event, EventKind,
    Facts, Fleet, FleetError, GroupChange, GroupId, Rule, TimelineKind, Timestamp, Verb, store::Candidate,
};

/// What it took to ask the rules about some devices, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluated {
    /// How many devices were looked at.
    pub devices: u64,
    /// How many times a group's rule was asked.
    pub rules: u64,
    /// How many times it could not say.
    pub undecided: u64,
    /// How many times a device joined a group.
    pub joined: u64,
    /// How many times one left.
    pub left: u64,
    /// How many devices were put into a class.
    pub classified: u64,
}

/// What is held in memory of the rules.
#[derive(Default)]
pub(super) struct Membership {
    /// Read once, and held while it is forgotten or while devices are judged by it, so that no earlier judgement is written
    /// after a later one.
    rules: futures::lock::Mutex<Option<Arc<Rules>>>,
    /// The resources that rules look at.
    paths: RwLock<Arc<BTreeSet<Path>>>,
    /// Grows when all devices are to be looked at.
    sweeps: AtomicU64,
}

/// The rules, compiled.
#[derive(Debug, Default)]
pub(super) struct Rules {
    groups: Vec<(GroupId, Rule)>,
    classes: Vec<(ClassId, ClassRule)>,
    paths: Vec<Path>,
}

/// What the rules say of one device.
#[derive(Debug, Default)]
struct Judged {
    class: Option<Belongs>,
    joined: Vec<GroupId>,
    left: Vec<GroupId>,
    undecided: u64,
}

impl Fleet {
    /// How many devices are looked at with one commit.
    pub const EVALUATED_TOGETHER: usize = 200;

    /// Asks the rules about devices, and keeps what they say.
    pub async fn evaluate(&self, now: Timestamp, devices: &[DeviceId]) -> Result<Evaluated, FleetError> {
        let mut evaluated = Evaluated::default();
        for devices in devices.chunks(Self::EVALUATED_TOGETHER) {
            evaluated.add(self.evaluate_some(now, devices).await?);
        }
        Ok(evaluated)
    }

    /// Asks the rules about the next devices by their rows. Gives where to go on; none at the end of the fleet.
    pub async fn evaluate_after(
        &self,
        now: Timestamp,
        after: Option<DeviceId>,
    ) -> Result<(Evaluated, Option<DeviceId>), FleetError> {
        let devices = self.store.devices_after(after, Self::EVALUATED_TOGETHER).await?;
        let evaluated = self.evaluate_some(now, &devices).await?;
        Ok((evaluated, devices.last().copied().filter(|_| devices.len() == Self::EVALUATED_TOGETHER)))
    }

    /// Whether something that happened may change what a rule says of its device. Looks at nothing but the event.
    pub fn concerns_rules(&self, event: &Event) -> bool {
        match &event.kind {
            EventKind::Registered | EventKind::Updated { .. } => true,
            EventKind::Deregistered | EventKind::Expired | EventKind::Revoked | EventKind::Removed => true,
            EventKind::Readings(readings) => {
                let paths = self.membership.paths();
                readings.iter().any(|stored| paths.contains(&stored.reading.path))
            }
            EventKind::Operation { .. } | EventKind::Observations | EventKind::Awake => false,
            EventKind::Bootstrap(_) | EventKind::Update { .. } | EventKind::Configuration { .. } => false,
        }
    }

    /// Grows each time that all devices are to be looked at: a rule is another.
    pub fn sweeps_wanted(&self) -> u64 {
        self.membership.sweeps.load(Ordering::Acquire)
    }

    /// Whether there is any rule to ask.
    pub async fn has_rules(&self) -> Result<bool, FleetError> {
        let mut held = self.membership.rules.lock().await;
        let rules = self.rules_in(&mut held).await?;
        Ok(!rules.groups.is_empty() || !rules.classes.is_empty())
    }

    /// Makes a change of the rules: what was compiled is forgotten, and all devices are looked at again.
    pub(super) async fn change_rules(&self, commit: Commit, what: &'static str) -> Result<(), FleetError> {
        let committed = self.commit_forgetting(&self.membership.rules, commit).await;
        self.level_changed(crate::configuration::Level::Fleet).await;
        self.membership.sweeps.fetch_add(1, Ordering::AcqRel);
        committed.map(drop).map_err(|error| super::taken(error, what))
    }

    async fn evaluate_some(&self, now: Timestamp, devices: &[DeviceId]) -> Result<Evaluated, FleetError> {
        let mut held = self.membership.rules.lock().await;
        let rules = self.rules_in(&mut held).await?;
        if devices.is_empty() || rules.groups.is_empty() && rules.classes.is_empty() {
            return Ok(Evaluated::default());
        }
        let candidates = self.store.candidates(devices, &rules.paths).await?;
        let classes = self.known_classes().await?;
        let name_of = |class: &ClassId| classes.get(class).map_or("", |class| class.name.as_str());
        let mut evaluated = Evaluated::default();
        let mut commit = Commit::default();
        let mut members = BTreeMap::<GroupId, (Vec<DeviceId>, Vec<DeviceId>)>::new();
        let mut classified = Vec::new();
        for mut candidate in candidates {
            let device = candidate.view.device.id;
            let judged = rules.judge(&mut candidate, &classes);
            evaluated.devices += 1;
            evaluated.rules += rules.groups.len() as u64;
            evaluated.undecided += judged.undecided;
            for group in judged.joined {
                evaluated.joined += 1;
                members.entry(group).or_default().0.push(device);
            }
            for group in judged.left {
                evaluated.left += 1;
                members.entry(group).or_default().1.push(device);
            }
            let contested = match judged.class {
                Some(Belongs::To(class)) => {
                    classified.push((device, class));
                    continue;
                }
                Some(Belongs::Contested(classes)) => classes,
                Some(Belongs::Nowhere) => Vec::new(),
                None => continue,
            };
            if !contested.iter().eq(&candidate.contested) {
                commit.changes.push(Change::Group(GroupChange::Contested { device, classes: contested }));
            }
        }
        evaluated.classified = classified.len() as u64;
        let context = Context { actor: Actor::RULE, now, request: self.random_request() };
        for (device, class) in &classified {
            let name = name_of(class);
            let detail = format!("put into the class {name} by its rule");
            commit.changes.push(Change::DeviceClassified { device: *device, class: *class });
            commit.changes.push(super::timeline(&context, *device, TimelineKind::Enrolment, &detail));
            commit.audit.push(AuditEntry::by(&context, Verb::ClassifyDevice, Some(*device), name.to_owned()));
        }
        for (group, (joined, left)) in members {
            commit.changes.push(Change::Group(GroupChange::Members { group, joined, left }));
        }
        if commit != Commit::default() {
            self.commit_and_follow(commit, "class").await?;
        }
        drop(held);
        let devices: Vec<DeviceId> = classified.iter().map(|(device, _)| *device).collect();
        self.look_at_wishes_of(&devices);
        for (device, class) in classified {
            if let Some(class) = classes.get(&class) {
                self.end_barred_of(device, &class.policy).await?;
            }
        }
        Ok(evaluated)
    }

    async fn rules_in(&self, held: &mut Option<Arc<Rules>>) -> Result<Arc<Rules>, FleetError> {
        if let Some(rules) = held {
            return Ok(Arc::clone(rules));
        }
        let groups = self.store.groups().await?;
        // One that an earlier version took and this one does not is said on its page, and keeps its members.
        let groups =
            groups.into_iter().filter_map(|group| Some((group.id, Rule::compile(&group.rule).ok()?)));
        let groups: Vec<(GroupId, Rule)> = groups.collect();
        let classes = self.store.class_rules().await?;
        let of_groups = groups.iter().flat_map(|(_, rule)| rule.paths().iter().copied());
        let of_classes = classes.iter().flat_map(|(_, rule)| rule.paths());
        let paths: BTreeSet<Path> = of_groups.chain(of_classes).collect();
        let rules = Rules { groups, classes, paths: paths.iter().copied().collect() };
        self.membership.look_at(paths);
        Ok(Arc::clone(held.insert(Arc::new(rules))))
    }
}

impl Rules {
    /// What they say of a device. One that they put into a class is of that class for the groups, too.
    fn judge(&self, candidate: &mut Candidate, classes: &Classes) -> Judged {
        let mut judged = Judged::default();
        if candidate.view.device.class == ClassId::DEFAULT && !self.classes.is_empty() {
            let rules = self.classes.iter().map(|(class, rule)| (*class, rule));
            let belongs = ClassRule::belongs(rules, candidate);
            if let Belongs::To(class) = belongs {
                candidate.view.device.class = class;
                candidate.view.class_name =
                    classes.get(&class).map_or_else(String::new, |class| class.name.clone());
            }
            judged.class = Some(belongs);
        }
        if self.groups.is_empty() {
            return judged;
        }
        let facts = Facts::new(candidate);
        for (group, rule) in &self.groups {
            let holds = rule.holds(&facts).unwrap_or_else(|_| {
                judged.undecided += 1;
                false
            });
            match (candidate.groups.contains(group), holds) {
                (false, true) => judged.joined.push(*group),
                (true, false) => judged.left.push(*group),
                (true, true) | (false, false) => {}
            }
        }
        judged
    }
}

impl Membership {
    fn paths(&self) -> Arc<BTreeSet<Path>> {
        Arc::clone(&self.paths.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn look_at(&self, paths: BTreeSet<Path>) {
        *self.paths.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(paths);
    }
}

impl Evaluated {
    /// Adds what came of further devices.
    pub fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.rules += other.rules;
        self.undecided += other.undecided;
        self.joined += other.joined;
        self.left += other.left;
        self.classified += other.classified;
    }
}
