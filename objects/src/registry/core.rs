//! The definitions this package ships: our own files in `models/`, embedded, one an object with all its versions.
//!
//! In such a file a resource has a line, with `since` and `until` where not every version has it (both included). What
//! a line leaves out is empty or false. A further line of the same resource says what changed `since` a version; the
//! rest stays as it was. Ranges are written `0..100` or `16,32,48`: a number's values, or a length in bytes.
//!
//! The facts are those of the OMA registry; a test compares them field by field and names the few places where this
//! package follows the registry's prose instead of its fields. The descriptions are our own.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{ObjectModel, Operations, Registry, ResourceModel};
use crate::{DataType, ObjectId, ResourceId, Version};

const FILES: [&str; 14] = [
    include_str!("../../models/security.toml"),
    include_str!("../../models/server.toml"),
    include_str!("../../models/access_control.toml"),
    include_str!("../../models/device.toml"),
    include_str!("../../models/connectivity_monitoring.toml"),
    include_str!("../../models/firmware_update.toml"),
    include_str!("../../models/location.toml"),
    include_str!("../../models/connectivity_statistics.toml"),
    include_str!("../../models/software_management.toml"),
    include_str!("../../models/cellular_connectivity.toml"),
    include_str!("../../models/portfolio.toml"),
    include_str!("../../models/binary_app_data_container.toml"),
    include_str!("../../models/oscore.toml"),
    include_str!("../../models/temperature.toml"),
];

pub(super) fn registry() -> &'static Registry {
    static CORE: LazyLock<Registry> = LazyLock::new(|| {
        let mut registry = Registry::empty();
        for file in FILES {
            let file: File =
                toml::from_str(file).expect("the embedded definitions are well-formed: a test reads them");
            file.models().for_each(|model| registry.insert(model));
        }
        registry
    });
    &CORE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: u16,
    name: String,
    urn: String,
    description: String,
    #[serde(default)]
    multiple: bool,
    #[serde(default)]
    mandatory: bool,
    versions: Vec<ObjectVersion>,
    resources: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectVersion {
    #[serde(deserialize_with = "parsed")]
    version: Version,
    #[serde(deserialize_with = "parsed")]
    lwm2m: Version,
}

/// A resource, or what changed in it since a version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u16,
    #[serde(default = "lowest", deserialize_with = "parsed")]
    since: Version,
    #[serde(default = "highest", deserialize_with = "parsed")]
    until: Version,
    name: Option<String>,
    #[serde(default, deserialize_with = "letters")]
    operations: Option<Operations>,
    #[serde(default, rename = "type", deserialize_with = "type_name")]
    data_type: Option<DataType>,
    multiple: Option<bool>,
    mandatory: Option<bool>,
    range: Option<String>,
    units: Option<String>,
    description: Option<String>,
}

impl File {
    fn models(&self) -> impl Iterator<Item = ObjectModel> {
        self.versions.iter().map(|of| ObjectModel {
            id: ObjectId(self.id),
            version: of.version,
            lwm2m_version: of.lwm2m,
            name: self.name.clone(),
            // A URN names its version unless that is 1.0.
            urn: if of.version == Version::V1_0 {
                self.urn.clone()
            } else {
                format!("{}:{}", self.urn, of.version)
            },
            description: self.description.clone(),
            multiple: self.multiple,
            mandatory: self.mandatory,
            resources: self.resources(of.version),
        })
    }

    fn resources(&self, version: Version) -> BTreeMap<ResourceId, ResourceModel> {
        let mut resources = BTreeMap::new();
        for line in self.resources.iter().filter(|line| line.since <= version && version <= line.until) {
            line.apply(resources.entry(ResourceId(line.id)).or_insert_with(|| ResourceModel {
                id: ResourceId(line.id),
                name: String::new(),
                operations: Operations::default(),
                multiple: false,
                mandatory: false,
                data_type: None,
                range: String::new(),
                units: String::new(),
                description: String::new(),
            }));
        }
        resources
    }
}

impl Line {
    fn apply(&self, resource: &mut ResourceModel) {
        let text = |to: &mut String, from: &Option<String>| {
            if let Some(from) = from {
                to.clone_from(from);
            }
        };
        text(&mut resource.name, &self.name);
        text(&mut resource.range, &self.range);
        text(&mut resource.units, &self.units);
        text(&mut resource.description, &self.description);
        resource.operations = self.operations.unwrap_or(resource.operations);
        resource.multiple = self.multiple.unwrap_or(resource.multiple);
        resource.mandatory = self.mandatory.unwrap_or(resource.mandatory);
        resource.data_type = self.data_type.or(resource.data_type);
    }
}

fn lowest() -> Version {
    super::LOWEST
}

fn highest() -> Version {
    super::HIGHEST
}

fn parsed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn letters<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Operations>, D::Error> {
    let letters = String::deserialize(deserializer)?;
    let known = [Operations::default(), Operations::R, Operations::W, Operations::RW, Operations::E];
    let named = known.into_iter().find(|operations| operations.to_string() == letters);
    named.map(Some).ok_or_else(|| serde::de::Error::custom("operations are R, W, RW or E"))
}

fn type_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<DataType>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let named = DataType::ALL.into_iter().find(|data_type| data_type.name() == name);
    named.map(Some).ok_or_else(|| serde::de::Error::custom("no such data type"))
}
