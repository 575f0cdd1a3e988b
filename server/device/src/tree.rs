//! What a device holds: objects, instances, resources, and the notification attributes set on them.
//!
//! The object definitions of a [`Registry`] decide what may be read, written and executed and of which type it is; an
//! instance has every executable resource of its definition. What no definition knows may be read and written.
//! `write` holds what changes the tree for a management server, `composite` what it does in several places at once, `bootstrap` what a bootstrap server does, `discover` what is
//! said about its shape.

mod bootstrap;
mod composite;
mod discover;
mod write;
pub(crate) use write::Payload;

use std::{collections::BTreeMap, sync::Arc};

use objects::{
    Attributes, ContentFormat, DataType, Instance, InstanceId, Models, Node, Object, ObjectId, ObjectModel,
    Operations, Path, Registry, Resource, ResourceId, ResourceModel, Sample, Value, Version,
    codec::{self, DecodeError, EncodeError},
    link::ObjectLinks,
};

use crate::refusal::Refusal;

/// The objects of a device.
#[derive(Clone, Debug)]
pub struct Tree {
    registry: Registry,
    lwm2m: Version,
    versions: BTreeMap<ObjectId, Version>,
    /// Shared with the trees that this one was cloned from or into, until they differ.
    objects: BTreeMap<ObjectId, Arc<Object>>,
    attributes: BTreeMap<Path, Attributes>,
    /// Which Server instance is the one of the server that the device speaks to, where it is not the first.
    account: Option<InstanceId>,
}

/// Why a value has no place in a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Values stand at resources and resource instances only.
    #[error("{path} is no resource and no resource instance")]
    Level {
        /// Where the value was to stand.
        path: Path,
    },
    /// The definition of the resource gives another type.
    #[error("{path} is of type {expected}, not {found}")]
    Type {
        /// Where the value was to stand.
        path: Path,
        /// The type that the definition gives.
        expected: DataType,
        /// The type of the value.
        found: DataType,
    },
    /// The definition says that there are several values there, or that there is one.
    #[error("{path} has {}", if *.multiple { "several instances" } else { "a single value" })]
    Shape {
        /// Where the value was to stand.
        path: Path,
        /// Whether there are several.
        multiple: bool,
    },
}

impl Tree {
    /// The most instances of an object. Beyond it a Create is answered with 5.03.
    pub const MAX_INSTANCES: usize = 256;

    /// A device without any object, of a version of the enabler.
    pub fn new(registry: Registry, lwm2m: Version) -> Self {
        Self {
            registry,
            lwm2m,
            versions: BTreeMap::new(),
            objects: BTreeMap::new(),
            attributes: BTreeMap::new(),
            account: None,
        }
    }

    /// Adds an object, without instances where it is not there yet.
    pub fn add_object(&mut self, object: ObjectId) {
        self.objects.entry(object).or_default();
    }

    /// Says which version of an object the device has, where it is not the one that a server takes for granted.
    pub fn set_version(&mut self, object: ObjectId, version: Version) {
        self.versions.insert(object, version);
    }

    /// Puts a value in its place, and makes the object, instance and resource around it where they are missing. Whether a
    /// server could write it does not matter.
    ///
    /// # Errors
    /// If the path is no place for a value, or not for this one.
    pub fn set(&mut self, path: Path, value: Value) -> Result<(), TreeError> {
        let (Path::Resource(o, i, r) | Path::ResourceInstance(o, i, r, _)) = path else {
            return Err(TreeError::Level { path });
        };
        let found = value.data_type();
        if let Some(model) = self.model_at(&path) {
            if model.multiple != path.resource_instance().is_some() {
                return Err(TreeError::Shape { path, multiple: model.multiple });
            }
            if let Some(expected) = model.data_type.filter(|expected| *expected != found) {
                return Err(TreeError::Type { path, expected, found });
            }
        }
        let object = Arc::make_mut(self.objects.entry(o).or_default());
        let resources = &mut object.instances.entry(i).or_default().resources;
        match path.resource_instance() {
            None => {
                resources.insert(r, Resource::Single(value));
            }
            Some(id) => {
                let resource = resources.entry(r).or_insert_with(|| Resource::Multiple(BTreeMap::new()));
                match resource {
                    Resource::Multiple(values) => drop(values.insert(id, value)),
                    Resource::Single(_) => *resource = Resource::Multiple([(id, value)].into()),
                }
            }
        }
        Ok(())
    }

    /// The value at a resource or resource instance.
    pub fn get(&self, path: &Path) -> Option<&Value> {
        match (self.resource(path)?, path.resource_instance()) {
            (Resource::Single(value), None) => Some(value),
            (Resource::Multiple(values), Some(id)) => values.get(&id),
            _ => None,
        }
    }

    /// Takes away an object, an instance, a resource or a resource instance, with what is below it. Nothing happens where
    /// there is none.
    pub fn remove(&mut self, path: &Path) {
        match *path {
            Path::Root => self.objects.clear(),
            Path::Object(o) => drop(self.objects.remove(&o)),
            Path::Instance(o, i) => {
                self.objects.get_mut(&o).and_then(|object| Arc::make_mut(object).instances.remove(&i));
            }
            Path::Resource(o, i, r) => {
                self.instance_mut(o, i).and_then(|instance| instance.resources.remove(&r));
            }
            Path::ResourceInstance(o, i, r, ri) => {
                let resource = self.instance_mut(o, i).and_then(|instance| instance.resources.get_mut(&r));
                if let Some(Resource::Multiple(values)) = resource {
                    values.remove(&ri);
                }
            }
        }
        self.attributes.retain(|at, _| !at.is_within(path));
    }

    /// The version of the enabler.
    pub fn lwm2m(&self) -> Version {
        self.lwm2m
    }

    /// A tree of the same definitions, with nothing in it.
    pub(crate) fn without_objects(&self) -> Self {
        Self::new(self.registry.clone(), self.lwm2m)
    }

    /// The instances of an object.
    pub(crate) fn instances(&self, object: ObjectId) -> impl Iterator<Item = InstanceId> {
        self.objects.get(&object).into_iter().flat_map(|object| object.instances.keys().copied())
    }

    /// The objects, with and without instances.
    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectId> {
        self.objects.keys().copied()
    }

    // === What a server may read ===

    /// What a Read of a path finds: what is readable there.
    pub(crate) fn read(&self, path: &Path) -> Result<Node, Refusal> {
        let missing = Refusal::NotFound { path: *path };
        match *path {
            Path::Root => Err(Refusal::NotAllowed { path: *path }),
            Path::Object(o) => {
                let object = self.objects.get(&o).ok_or(missing)?;
                let readable = |(i, instance): (&InstanceId, &Instance)| {
                    (*i, self.readable(Path::Instance(o, *i), instance))
                };
                Ok(Node::Object(Object { instances: object.instances.iter().map(readable).collect() }))
            }
            Path::Instance(o, i) => {
                let instance = self.instance(o, i).ok_or(missing)?;
                Ok(Node::Instance(self.readable(*path, instance)))
            }
            Path::Resource(..) | Path::ResourceInstance(..) => {
                self.check_leaf(path)?;
                if !self.operations(path).read {
                    return Err(Refusal::NotAllowed { path: *path });
                }
                let resource = self.resource(path).ok_or_else(|| missing.clone())?;
                match (resource, path.resource_instance()) {
                    (resource, None) => Ok(Node::Resource(resource.clone())),
                    (Resource::Multiple(values), Some(id)) => {
                        values.get(&id).cloned().map(Node::ResourceInstance).ok_or(missing)
                    }
                    (Resource::Single(_), Some(_)) => Err(missing),
                }
            }
        }
    }

    /// The bytes of what stands at a path.
    pub(crate) fn encode(&self, format: ContentFormat, path: &Path, node: &Node) -> Result<Vec<u8>, Refusal> {
        if !self.content_formats().contains(&format) {
            return Err(Refusal::NotAcceptable(EncodeError::Unsupported { format }));
        }
        let versions = |object| self.version(object);
        let models = Models { registry: &self.registry, versions: &versions };
        codec::encode(format, path, node, &models).map_err(Refusal::NotAcceptable)
    }

    /// What a device of this version understands and speaks.
    pub(crate) fn content_formats(&self) -> &'static [ContentFormat] {
        if self.lwm2m < Version::V1_1 { &FORMATS_1_0 } else { &FORMATS_1_1 }
    }

    /// The notification attributes that hold at a path: those set there, above them those it inherits
    /// (LwM2M Core 1.1.1 §7.3.1).
    pub(crate) fn effective_attributes(&self, path: &Path) -> Attributes {
        let own = self.attributes.get(path).copied().unwrap_or_default();
        path.parent().map_or(own, |parent| own.merged_over(&self.effective_attributes(&parent)))
    }

    /// Says which Server instance is the one of the server that the device speaks to.
    pub(crate) fn choose_account(&mut self, instance: InstanceId) {
        self.account = Some(instance);
    }

    /// A resource of the server account.
    pub(crate) fn account(&self, resource: ResourceId) -> Option<&Value> {
        self.get(&self.account_path(resource))
    }

    /// Where a resource of the server account is.
    pub(crate) fn account_path(&self, resource: ResourceId) -> Path {
        let account = self.account.or_else(|| self.instances(SERVER).next());
        Path::Resource(SERVER, account.unwrap_or_default(), resource)
    }

    // === Definitions ===

    pub(crate) fn operations(&self, path: &Path) -> Operations {
        self.model_at(path).map_or(Operations::RW, |model| model.operations)
    }

    pub(crate) fn version(&self, object: ObjectId) -> Version {
        let assumed = || ObjectLinks::default().version_of(object, self.lwm2m);
        self.versions.get(&object).copied().unwrap_or_else(assumed)
    }

    fn object_model(&self, object: ObjectId) -> Option<&ObjectModel> {
        self.registry.object(object, self.version(object))
    }

    fn model_at(&self, path: &Path) -> Option<&ResourceModel> {
        self.object_model(path.object()?)?.resource(path.resource()?)
    }

    fn decode(
        &self,
        format: Option<ContentFormat>,
        path: &Path,
        payload: &[u8],
        received_ms: i64,
    ) -> Result<Node, Refusal> {
        let format = format.ok_or(Refusal::NoContentFormat)?;
        let known = self.content_formats().contains(&format.registered());
        if !known && format.registered() != ContentFormat::LWM2M_JSON {
            return Err(DecodeError::Unsupported { format }.into());
        }
        let versions = |object| self.version(object);
        let models = Models { registry: &self.registry, versions: &versions };
        let samples = codec::decode(format, path, payload, &models, received_ms)?;
        match <[Sample; 1]>::try_from(samples) {
            Ok([sample]) => Ok(sample.node),
            Err(samples) => Err(Refusal::Times { count: samples.len() }),
        }
    }

    // === Places ===

    fn instance(&self, object: ObjectId, instance: InstanceId) -> Option<&Instance> {
        self.objects.get(&object)?.instances.get(&instance)
    }

    fn instance_mut(&mut self, object: ObjectId, instance: InstanceId) -> Option<&mut Instance> {
        Arc::make_mut(self.objects.get_mut(&object)?).instances.get_mut(&instance)
    }

    fn resource(&self, path: &Path) -> Option<&Resource> {
        self.instance(path.object()?, path.instance()?)?.resources.get(&path.resource()?)
    }

    /// Whether something stands there. An executable resource does where its instance does.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        match *path {
            Path::Root => true,
            Path::Object(o) => self.objects.contains_key(&o),
            Path::Instance(o, i) => self.instance(o, i).is_some(),
            Path::Resource(o, i, _) => {
                self.resource(path).is_some()
                    || self.instance(o, i).is_some() && self.operations(path).execute
            }
            Path::ResourceInstance(.., id) => {
                matches!(self.resource(path), Some(Resource::Multiple(values)) if values.contains_key(&id))
            }
        }
    }

    /// Whether something stands at a resource or resource instance, for a device of this version.
    fn check_leaf(&self, path: &Path) -> Result<(), Refusal> {
        // Resource instances can be addressed since LwM2M 1.1.
        if path.resource_instance().is_some() && self.lwm2m < Version::V1_1 {
            return Err(Refusal::NotAllowed { path: *path });
        }
        if self.exists(path) { Ok(()) } else { Err(Refusal::NotFound { path: *path }) }
    }

    fn readable(&self, at: Path, instance: &Instance) -> Instance {
        let readable = |id: &ResourceId| at.child(id.0).is_some_and(|path| self.operations(&path).read);
        let resources = instance.resources.iter().filter(|(id, _)| readable(id));
        Instance { resources: resources.map(|(id, resource)| (*id, resource.clone())).collect() }
    }
}

/// LwM2M Server, the object of the account.
pub(crate) const SERVER: ObjectId = ObjectId(1);

const FORMATS_1_0: [ContentFormat; 3] = [ContentFormat::TEXT, ContentFormat::OPAQUE, ContentFormat::TLV];
const FORMATS_1_1: [ContentFormat; 6] = [
    ContentFormat::TEXT,
    ContentFormat::OPAQUE,
    ContentFormat::CBOR,
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::TLV,
];
