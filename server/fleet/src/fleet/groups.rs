//! The verbs on groups, and on which devices are of a class.

use super::claims::named;
use crate::{
    AuditEntry, Change, Class, ClassId, ClassRule, Commit, Context, Device, DeviceId, Facts, Fleet,
    FleetError, Group, GroupChange, GroupId, Permission, PublicId, Rule, RuleError, Verb,
    configuration::{ConfigurationChange, Level},
};

/// What people say of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    /// What it is called.
    pub name: String,
    /// Which devices are in it, in CEL.
    pub rule: String,
    /// Of two groups, what that of the higher rank says holds.
    pub rank: i32,
    /// What it is for.
    pub description: String,
}

/// A group with what its page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDetail {
    /// The group.
    pub group: Group,
    /// How many devices are in it.
    pub members: u64,
    /// Why its rule is not asked any more, if this version does not take it.
    pub broken: Option<RuleError>,
}

/// What a rule would change, by a sample of the fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many devices were looked at.
    pub sampled: u64,
    /// Whether that was all of them.
    pub all: bool,
    /// For how many of them the rule holds.
    pub holds: u64,
    /// How many would join.
    pub join: u64,
    /// How many would leave.
    pub leave: u64,
    /// Of how many it could not say whether it holds.
    pub undecided: u64,
    /// Why not, of the first of them.
    pub why: Option<String>,
    /// The first [`Preview::MAX_SHOWN`] for which it holds.
    pub shown: Vec<Device>,
}

impl Preview {
    /// How many devices are looked at, at most.
    pub const SAMPLE: usize = 1_000;
    /// How many devices are shown.
    pub const MAX_SHOWN: usize = 10;
    /// In how many places of the fleet is looked.
    const PLACES: usize = 10;
}

impl Fleet {
    /// The groups, the highest rank first, each with how many devices are in it.
    pub async fn groups(&self, context: &Context) -> Result<Vec<GroupDetail>, FleetError> {
        self.demand(context, Permission::View, "groups").await?;
        let mut groups = Vec::new();
        for group in self.store.groups().await? {
            groups.push(self.group_detail(group).await?);
        }
        Ok(groups)
    }

    /// One group.
    pub async fn group(&self, context: &Context, id: PublicId) -> Result<GroupDetail, FleetError> {
        self.demand(context, Permission::View, "group").await?;
        let group = self.group_of(id).await?;
        self.group_detail(group).await
    }

    /// Makes a group, or changes one. Who is in it follows in small steps.
    pub async fn save_group(
        &self,
        context: &Context,
        id: Option<PublicId>,
        new: NewGroup,
    ) -> Result<Group, FleetError> {
        self.demand(context, Permission::Administer, "save group").await?;
        let invalid = |field, reason| FleetError::Invalid { field, reason };
        let name = named(&new.name, Group::MAX_NAME)?;
        let description = new.description.trim().to_owned();
        if description.chars().count() > Group::MAX_DESCRIPTION {
            let reason = format!("at most {} characters", Group::MAX_DESCRIPTION);
            return Err(invalid("description", reason));
        }
        let rule = new.rule.trim().to_owned();
        Rule::compile(&rule).map_err(|error| invalid("rule", error.to_string()))?;
        let groups = self.store.groups().await?;
        let group = match id {
            Some(id) => {
                let group = groups.into_iter().find(|group| group.public_id == id);
                Group {
                    name,
                    rule,
                    description,
                    rank: new.rank,
                    ..group.ok_or(FleetError::NotFound("group"))?
                }
            }
            None if groups.len() >= Group::MAX => {
                return Err(FleetError::TooMany { what: "groups", max: Group::MAX });
            }
            None => Group {
                id: GroupId(self.random_id()),
                public_id: PublicId::from_random(self.random()),
                name,
                rule,
                rank: new.rank,
                description,
                created_by: context.actor.name().to_owned(),
                created_at: context.now,
            },
        };
        let object = format!("{}, rank {}: {}", group.name, group.rank, group.rule);
        let commit = Commit {
            changes: vec![Change::Group(GroupChange::Saved(Box::new(group.clone())))],
            audit: vec![AuditEntry::by(context, Verb::SaveGroup, None, object)],
        };
        self.change_rules(commit, "group").await?;
        Ok(group)
    }

    /// Removes a group. What it applied to its devices is not applied any more.
    pub async fn remove_group(&self, context: &Context, id: PublicId) -> Result<(), FleetError> {
        self.demand(context, Permission::Administer, "remove group").await?;
        let group = self.group_of(id).await?;
        let commit = Commit {
            changes: vec![
                Change::Group(GroupChange::Removed(group.id)),
                Change::Configuration(ConfigurationChange::BaselinesDropped(Level::Group(group.id))),
            ],
            audit: vec![AuditEntry::by(context, Verb::RemoveGroup, None, group.name)],
        };
        self.change_rules(commit, "group").await
    }

    /// Says for a sample of the fleet what a rule would change, and changes nothing: who would be in a group, and of the group
    /// `id` who would join it and leave it.
    pub async fn preview_rule(
        &self,
        context: &Context,
        id: Option<PublicId>,
        rule: &str,
    ) -> Result<Preview, FleetError> {
        self.demand(context, Permission::View, "preview rule").await?;
        let invalid = |error: RuleError| FleetError::Invalid { field: "rule", reason: error.to_string() };
        let rule = Rule::compile(rule.trim()).map_err(invalid)?;
        let group = match id {
            Some(id) => Some(self.group_of(id).await?.id),
            None => None,
        };
        let (devices, all) = self.sample().await?;
        let paths: Vec<objects::Path> = rule.paths().iter().copied().collect();
        let mut preview = Preview { all, ..Preview::default() };
        for candidate in self.store.candidates(&devices, &paths).await? {
            preview.sampled += 1;
            let holds = rule.holds(&Facts::new(&candidate)).unwrap_or_else(|why| {
                preview.undecided += 1;
                preview.why.get_or_insert_with(|| format!("{}: {why}", candidate.view.device.endpoint));
                false
            });
            let is_in = group.is_some_and(|group| candidate.groups.contains(&group));
            preview.holds += u64::from(holds);
            preview.join += u64::from(holds && !is_in);
            preview.leave += u64::from(is_in && !holds);
            if holds && preview.shown.len() < Preview::MAX_SHOWN {
                preview.shown.push(candidate.view.device);
            }
        }
        Ok(preview)
    }

    /// The rule of a class: an empty one if it has none.
    pub async fn class_rule(&self, context: &Context, class: ClassId) -> Result<ClassRule, FleetError> {
        self.demand(context, Permission::View, "class rule").await?;
        let mut rules = self.store.class_rules().await?.into_iter();
        Ok(rules.find(|(of, _)| *of == class).map(|(_, rule)| rule).unwrap_or_default())
    }

    /// Says which devices are of a class. Those that nobody has put into one are put into it from now on.
    pub async fn set_class_rule(
        &self,
        context: &Context,
        class: ClassId,
        rule: ClassRule,
    ) -> Result<Class, FleetError> {
        self.demand(context, Permission::Administer, "set class rule").await?;
        let invalid = |field, reason| FleetError::Invalid { field, reason };
        let of_class = self.class(class).await?;
        if class == ClassId::DEFAULT && !rule.is_empty() {
            let reason = "the default class is that of devices which no rule fits";
            return Err(invalid("class", reason.to_owned()));
        }
        for (field, text) in [("manufacturer", &rule.manufacturer), ("model", &rule.model)] {
            if text
                .as_ref()
                .is_some_and(|text| text.is_empty() || text.chars().count() > ClassRule::MAX_CHARS)
            {
                return Err(invalid(field, format!("1 to {} characters", ClassRule::MAX_CHARS)));
            }
        }
        if rule.objects.len() > ClassRule::MAX_OBJECTS {
            return Err(invalid("objects", format!("at most {} objects", ClassRule::MAX_OBJECTS)));
        }
        let object = format!("{}: its devices are {}", of_class.name, described(&rule));
        let commit = Commit {
            changes: vec![Change::Group(GroupChange::ClassRule { class, rule })],
            audit: vec![AuditEntry::by(context, Verb::SaveClass, None, object)],
        };
        self.change_rules(commit, "class").await?;
        Ok(of_class)
    }

    /// The first devices that may be of a class and of others as well.
    pub async fn contested(
        &self,
        context: &Context,
        class: ClassId,
        limit: usize,
    ) -> Result<Vec<Device>, FleetError> {
        self.demand(context, Permission::View, "contested").await?;
        let devices = self.store.contested(class, limit).await?;
        let candidates = self.store.candidates(&devices, &[]).await?;
        Ok(candidates.into_iter().map(|candidate| candidate.view.device).collect())
    }

    pub(super) async fn groups_of(&self, device: DeviceId) -> Result<Vec<Group>, FleetError> {
        let of = self.store.groups_of(device).await?;
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let groups = self.store.groups().await?.into_iter();
        Ok(groups.filter(|group| of.contains(&group.id)).collect())
    }

    async fn group_of(&self, id: PublicId) -> Result<Group, FleetError> {
        let mut groups = self.store.groups().await?.into_iter();
        groups.find(|group| group.public_id == id).ok_or(FleetError::NotFound("group"))
    }

    async fn group_detail(&self, group: Group) -> Result<GroupDetail, FleetError> {
        let members = self.store.member_count(group.id).await?;
        Ok(GroupDetail { members, broken: Rule::compile(&group.rule).err(), group })
    }

    /// Devices from places all over the fleet, and whether these are all.
    async fn sample(&self) -> Result<(Vec<DeviceId>, bool), FleetError> {
        let first = self.store.devices_after(None, Preview::SAMPLE + 1).await?;
        if first.len() <= Preview::SAMPLE {
            return Ok((first, true));
        }
        let from = first.first().map_or(0, |device| device.0);
        let last = self.store.last_device().await?.map_or(from, |device| device.0);
        let places = i64::try_from(Preview::PLACES).unwrap_or(1);
        let step = (last - from) / places;
        let mut sample = std::collections::BTreeSet::new();
        for place in 0..places {
            let after = DeviceId(from + place * step - 1);
            let some = self.store.devices_after(Some(after), Preview::SAMPLE / Preview::PLACES).await?;
            sample.extend(some);
        }
        Ok((sample.into_iter().collect(), false))
    }
}

fn described(rule: &ClassRule) -> String {
    let ClassRule { manufacturer, model, objects, labels } = rule;
    let mut parts = Vec::new();
    parts.extend(manufacturer.as_ref().map(|text| format!("made by {text}")));
    parts.extend(model.as_ref().map(|text| format!("of the model {text}")));
    parts.extend(objects.iter().map(|object| format!("with the object {}", object.0)));
    parts.extend((!labels.is_empty()).then(|| format!("labelled {labels}")));
    if parts.is_empty() { "those that are put into it".to_owned() } else { parts.join(", ") }
}
