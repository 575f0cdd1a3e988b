//! Object definitions: what each object and resource means, and in which version.
//!
//! Start with [`Registry::core`], which holds the definitions this package ships, or with [`Registry::empty`]; add
//! published definitions with [`Registry::load_ddf`]. [`Models`] is the view of one device: it knows which version of
//! each object that device has. Nothing here reads a folder: bytes come in, models come out.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{DataType, ObjectId, Path, ResourceId, Version};

mod core;

pub mod ddf;
pub use ddf::DdfError;

/// Object definitions, several versions of one object side by side.
///
/// A clone shares its content with the original until one of the two changes.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    models: Arc<BTreeMap<(ObjectId, Version), Arc<ObjectModel>>>,
}

/// One version of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectModel {
    /// The object: 3 is Device.
    pub id: ObjectId,
    /// The version of the object; what a device registers as `ver`.
    pub version: Version,
    /// The lowest version of the enabler that this version of the object needs.
    pub lwm2m_version: Version,
    /// A short name, such as `Device`.
    pub name: String,
    /// The registered name, such as `urn:oma:lwm2m:oma:3:1.2`.
    pub urn: String,
    /// What the object is for, as plain text. May be empty.
    pub description: String,
    /// Whether there may be more than one instance.
    pub multiple: bool,
    /// Whether every device has it.
    pub mandatory: bool,
    /// By their id.
    pub resources: BTreeMap<ResourceId, ResourceModel>,
}

/// A resource of an [`ObjectModel`].
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceModel {
    /// The resource within its object.
    pub id: ResourceId,
    /// A short name, such as `Battery Level`.
    pub name: String,
    /// What a server may do with it.
    pub operations: Operations,
    /// Whether it has resource instances instead of one value.
    pub multiple: bool,
    /// Whether every instance of the object has it.
    pub mandatory: bool,
    /// The type of its value or values; none for what is only executed.
    pub data_type: Option<DataType>,
    /// The values allowed, as the definition words it: `0..100`, `U|UQ|S`. May be empty.
    pub range: String,
    /// The unit of its values, such as `%` or `Cel`. May be empty.
    pub units: String,
    /// What the resource means, as plain text. May be empty.
    pub description: String,
}

/// What a server may do with a resource. With none of the three it belongs to the bootstrap server alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Operations {
    /// Read, and so Observe.
    pub read: bool,
    /// Write.
    pub write: bool,
    /// Execute.
    pub execute: bool,
}

/// The definitions as they apply to one device: a registry, and which version of each object the device has.
///
/// ```
/// use objects::{Models, ObjectId, Registry, ResourceId, Version};
///
/// let registry = Registry::core();
/// let models = Models { registry: &registry, versions: &|_| Version::V1_1 };
/// assert_eq!(models.resource(ObjectId(3), ResourceId(9)).unwrap().name, "Battery Level");
/// ```
#[derive(Clone, Copy)]
pub struct Models<'a> {
    /// All the definitions there are.
    pub registry: &'a Registry,
    /// The version the device has of an object, for instance by [`ObjectLinks::version_of`](crate::link::ObjectLinks::version_of).
    pub versions: &'a (dyn Fn(ObjectId) -> Version + Sync),
}

impl Registry {
    /// The definitions this package ships: objects 0 to 7, 9, 10, 16, 19, 21 and 3303. Parsed once a process.
    pub fn core() -> Self {
        core::registry().clone()
    }

    /// No definition at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds what a definition file of the OMA registry (DDF, XML) holds, and says which objects that was.
    ///
    /// A definition of the same object and version is replaced. On an error nothing has changed.
    pub fn load_ddf(&mut self, xml: &[u8]) -> Result<Vec<(ObjectId, Version)>, DdfError> {
        let models = ddf::parse(xml)?;
        let loaded = models.iter().map(|model| (model.id, model.version)).collect();
        models.into_iter().for_each(|model| self.insert(model));
        Ok(loaded)
    }

    /// Adds one definition; one of the same object and version is replaced.
    pub fn insert(&mut self, model: ObjectModel) {
        Arc::make_mut(&mut self.models).insert((model.id, model.version), Arc::new(model));
    }

    /// The definition that fits a device's version of an object best.
    ///
    /// That is the first of: this very version; the highest lower one of the same major number; the lowest higher one
    /// of the same major number (minor versions only add, LwM2M Core 1.1.1 §7.2.2); the highest there is.
    /// None only where the object is unknown in any version.
    pub fn object(&self, id: ObjectId, version: Version) -> Option<&ObjectModel> {
        let all = |low, high| self.models.range((id, low)..=(id, high)).map(|(_, model)| &**model);
        let major = version.major;
        all(Version { major, minor: 0 }, version)
            .next_back()
            .or_else(|| all(version, Version { major, minor: u8::MAX }).next())
            .or_else(|| all(LOWEST, HIGHEST).next_back())
    }

    /// A resource of the definition that [`Registry::object`] finds.
    pub fn resource(
        &self,
        object: ObjectId,
        version: Version,
        resource: ResourceId,
    ) -> Option<&ResourceModel> {
        self.object(object, version)?.resources.get(&resource)
    }

    /// The versions known of an object, lowest first.
    pub fn versions(&self, id: ObjectId) -> impl DoubleEndedIterator<Item = Version> {
        self.models.range((id, LOWEST)..=(id, HIGHEST)).map(|((_, version), _)| *version)
    }

    /// Every definition, by object and then version.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &ObjectModel> {
        self.models.values().map(|model| &**model)
    }
}

impl<'a> Models<'a> {
    /// The highest version known of each object: for devices and people that named no version.
    pub fn newest(registry: &'a Registry) -> Self {
        Self { registry, versions: &|_| HIGHEST }
    }

    /// The definition of an object.
    pub fn object(&self, id: ObjectId) -> Option<&'a ObjectModel> {
        self.registry.object(id, (self.versions)(id))
    }

    /// The definition of a resource.
    pub fn resource(&self, object: ObjectId, resource: ResourceId) -> Option<&'a ResourceModel> {
        self.object(object)?.resources.get(&resource)
    }

    /// The definition of the resource that a path names or lies in; none above the resource level.
    pub fn resource_at(&self, path: &Path) -> Option<&'a ResourceModel> {
        match *path {
            Path::Resource(object, _, resource) | Path::ResourceInstance(object, _, resource, _) => {
                self.resource(object, resource)
            }
            Path::Root | Path::Object(_) | Path::Instance(..) => None,
        }
    }
}

impl ObjectModel {
    /// A resource by its id.
    pub fn resource(&self, id: ResourceId) -> Option<&ResourceModel> {
        self.resources.get(&id)
    }
}

impl Operations {
    /// Read only.
    pub const R: Self = Self { read: true, write: false, execute: false };
    /// Write only.
    pub const W: Self = Self { read: false, write: true, execute: false };
    /// Read and write.
    pub const RW: Self = Self { read: true, write: true, execute: false };
    /// Execute only.
    pub const E: Self = Self { read: false, write: false, execute: true };
}

const LOWEST: Version = Version { major: 0, minor: 0 };
const HIGHEST: Version = Version { major: u8::MAX, minor: u8::MAX };

impl fmt::Debug for Models<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models").field("registry", self.registry).finish_non_exhaustive()
    }
}

/// The letters a definition uses: `R`, `W`, `RW`, `E`, or nothing.
impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [(self.read, "R"), (self.write, "W"), (self.execute, "E")];
        letters.iter().filter(|(may, _)| *may).try_for_each(|(_, letter)| f.write_str(letter))
    }
}

#[cfg(test)]
mod tests;
