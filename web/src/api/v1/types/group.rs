//! Groups, labels, and which devices are of a class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

/// A group: the devices that a rule names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What it is called.
    #[schema(example = "low batteries")]
    pub name: String,
    /// Which devices are in it, in CEL.
    #[schema(example = "class == \"meters\" && value(\"/3/0/9\") < 20")]
    pub rule: String,
    /// Of two groups that a device is in, what that of the higher rank says holds.
    #[schema(example = 0)]
    pub rank: i32,
    /// What it is for.
    #[schema(example = "to be visited")]
    pub description: String,
    /// How many devices are in it.
    #[schema(example = 17)]
    pub members: u64,
    /// Why its rule is not asked any more, if this version of the server does not take it.
    pub broken: Option<String>,
    /// Who made it.
    #[schema(example = "ada")]
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

/// A group to make, or what one is changed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// What it is called: 1 to 64 characters, unique.
    #[schema(example = "low batteries")]
    pub name: String,
    /// Which devices are in it, in CEL: over `endpoint`, `class`, `labels`, `created`, `state`, `secured`, `lwm2m`, `binding`,
    /// `queue_mode`, `lifetime`, `objects`, `value("/3/0/9")` and `older(value("/3/0/3"), "1.10")`.
    #[schema(example = "class == \"meters\" && value(\"/3/0/9\") < 20")]
    pub rule: String,
    /// Of two groups that a device is in, what that of the higher rank says holds; 0 if nothing is said.
    #[serde(default)]
    #[schema(example = 0)]
    pub rank: i32,
    /// What it is for: at most 500 characters.
    #[serde(default)]
    #[schema(example = "to be visited")]
    pub description: String,
}

/// A rule to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rule": "class == \"meters\" && value(\"/3/0/9\") < 20"}))]
pub struct RuleTest {
    /// The rule, in CEL.
    #[schema(example = "class == \"meters\" && value(\"/3/0/9\") < 20")]
    pub rule: String,
    /// The id of the group whose rule it would be, if it is there already.
    #[schema(nullable)]
    pub group: Option<String>,
}

/// What a rule would change, by a sample of the fleet. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulePreview {
    /// How many devices were looked at, 1000 at most.
    #[schema(example = 1000)]
    pub sampled: u64,
    /// Whether that was all of them.
    pub all: bool,
    /// For how many of them the rule holds.
    #[schema(example = 17)]
    pub holds: u64,
    /// How many would join the group.
    #[schema(example = 17)]
    pub join: u64,
    /// How many would leave it.
    #[schema(example = 0)]
    pub leave: u64,
    /// Of how many it can't be said; they would not be in it.
    #[schema(example = 3)]
    pub undecided: u64,
    /// Why not, of the first of them.
    #[schema(example = "node-7: No such key: site")]
    pub why: Option<String>,
    /// The endpoint names of the first ten for which it holds.
    #[schema(example = json!(["node-7"]))]
    pub endpoints: Vec<String>,
}

/// The labels of a device: texts by keys, the text is empty where the key says all. At most 16, of letters, digits and `._-/:+@`,
/// 63 characters each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// All of them.
    #[schema(example = json!({"site": "zurich", "spare": ""}))]
    pub labels: BTreeMap<String, String>,
}

/// Labels to put on devices and to take off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkLabelling {
    /// The ids of the devices, at most 10 000.
    #[schema(example = json!(["5f0c7a52d1f34d5b8d6f2f2a9f3f4c11"]))]
    pub devices: Vec<String>,
    /// The labels to put on.
    #[serde(default)]
    #[schema(example = json!({"site": "zurich"}))]
    pub set: BTreeMap<String, String>,
    /// The keys of those to take off.
    #[serde(default)]
    #[schema(example = json!(["spare"]))]
    pub unset: Vec<String>,
}

/// Which devices are of a class, by all that is given; by nothing, if nothing is. Only devices that nobody has put into a class
/// are put into one by it; of several classes whose rules hold, it is the one that says the most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClassRule {
    /// Their manufacturer, `/3/0/0`.
    #[schema(example = "ACME")]
    pub manufacturer: Option<String>,
    /// Their model number, `/3/0/1`.
    #[schema(example = "M1")]
    pub model: Option<String>,
    /// The objects that they have registered, among others; at most 32.
    #[schema(example = json!([3303]))]
    pub objects: Vec<u16>,
    /// Their labels, among others; one without a text is there with any.
    #[schema(example = json!({"site": "zurich"}))]
    pub labels: BTreeMap<String, String>,
}

/// A device that may be of several classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContestedDevice {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
}

impl From<fleet::Device> for ContestedDevice {
    fn from(device: fleet::Device) -> Self {
        Self { id: device.public_id.to_string(), endpoint: device.endpoint.to_string() }
    }
}

impl From<fleet::GroupDetail> for Group {
    fn from(fleet::GroupDetail { group, members, broken }: fleet::GroupDetail) -> Self {
        Self {
            id: group.public_id.to_string(),
            name: group.name,
            rule: group.rule,
            rank: group.rank,
            description: group.description,
            members,
            broken: broken.map(|error| error.to_string()),
            created_by: group.created_by,
            created_at: group.created_at.into(),
        }
    }
}

impl From<NewGroup> for fleet::NewGroup {
    fn from(NewGroup { name, rule, rank, description }: NewGroup) -> Self {
        Self { name, rule, rank, description }
    }
}

impl From<fleet::Preview> for RulePreview {
    fn from(preview: fleet::Preview) -> Self {
        let fleet::Preview { sampled, all, holds, join, leave, undecided, why, shown } = preview;
        let endpoints = shown.into_iter().map(|device| device.endpoint.to_string()).collect();
        Self { sampled, all, holds, join, leave, undecided, why, endpoints }
    }
}

impl From<&fleet::Labels> for Labels {
    fn from(labels: &fleet::Labels) -> Self {
        Self { labels: texts(labels) }
    }
}

impl From<fleet::ClassRule> for ClassRule {
    fn from(fleet::ClassRule { manufacturer, model, objects, labels }: fleet::ClassRule) -> Self {
        let objects = objects.into_iter().map(|object| object.0).collect();
        Self { manufacturer, model, objects, labels: texts(&labels) }
    }
}

fn texts(labels: &fleet::Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
