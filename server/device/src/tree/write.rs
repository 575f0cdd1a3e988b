//! What a server changes in the tree: Write, Create, Delete (LwM2M Core 1.1.1 §6.3.3, §6.3.6, §6.3.7).

use std::sync::Arc;

use coap::Method;
use objects::{
    ContentFormat, DataType, Instance, InstanceId, Node, ObjectId, ObjectLink, Path, Resource, ResourceId,
    ResourceModel, Value, codec::DecodeError,
};

use super::{SERVER, Tree};
use crate::refusal::Refusal;

/// The payload of a request.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'r> {
    pub(crate) format: Option<ContentFormat>,
    pub(crate) bytes: &'r [u8],
    /// When it came, in milliseconds since 1970.
    pub(crate) received_ms: i64,
}

impl Tree {
    /// Writes an instance, a resource or a resource instance: by PUT in place of what was there, by POST added to it.
    /// Says what has changed.
    pub(crate) fn write(
        &mut self,
        path: &Path,
        method: Method,
        payload: Payload<'_>,
    ) -> Result<Vec<Path>, Refusal> {
        match *path {
            Path::Instance(o, i) => {
                let instance = self.instance(o, i).ok_or(Refusal::NotFound { path: *path })?;
                let mut instance = instance.clone();
                let Node::Instance(given) = self.parse(path, payload)? else { return Err(not_allowed(path)) };
                for (id, resource) in &given.resources {
                    self.check_written(&child(path, *id), resource)?;
                }
                if method == Method::Put {
                    self.check_complete(path, &given)?;
                    instance.resources.retain(|id, _| !self.operations(&child(path, *id)).write);
                }
                let changed = given.resources.keys().map(|id| child(path, *id)).collect();
                for (id, resource) in given.resources {
                    merge(&mut instance, id, resource, method);
                }
                self.put(o, i, instance);
                Ok(changed)
            }
            Path::Resource(..) => {
                self.check_writable(path)?;
                let Node::Resource(given) = self.parse(path, payload)? else { return Err(not_allowed(path)) };
                self.write_resource(path, method, given)?;
                Ok(vec![*path])
            }
            Path::ResourceInstance(_, _, _, id) => {
                self.check_writable(path)?;
                let Node::ResourceInstance(given) = self.parse(path, payload)? else {
                    return Err(not_allowed(path));
                };
                if let Some(Resource::Multiple(values)) = self.resource_mut(path) {
                    values.insert(id, given);
                }
                Ok(vec![*path])
            }
            Path::Root | Path::Object(_) => Err(not_allowed(path)),
        }
    }

    /// Writes what was read of the payload for a resource.
    pub(super) fn write_resource(
        &mut self,
        path: &Path,
        method: Method,
        given: Resource,
    ) -> Result<(), Refusal> {
        let Path::Resource(o, i, r) = *path else { return Err(not_allowed(path)) };
        self.check_writable(path)?;
        self.check_written(path, &given)?;
        let mut instance = self.instance(o, i).cloned().unwrap_or_default();
        merge(&mut instance, r, given, method);
        self.put(o, i, instance);
        Ok(())
    }

    /// Whether something stands there that a server may write.
    fn check_writable(&self, path: &Path) -> Result<(), Refusal> {
        self.check_leaf(path)?;
        if self.operations(path).write { Ok(()) } else { Err(not_allowed(path)) }
    }

    /// Makes an instance and says where it is. What is mandatory and not writable gets a first value.
    pub(crate) fn create(&mut self, object: ObjectId, payload: Payload<'_>) -> Result<Path, Refusal> {
        let at = Path::Object(object);
        let existing = &self.objects.get(&object).ok_or(Refusal::NotFound { path: at })?.instances;
        let single = self.object_model(object).is_some_and(|model| !model.multiple);
        // There is one account (SERVER), and no second Device: OMA ETS int-680 wants 4.05 for the latter.
        if object == SERVER || single && !existing.is_empty() {
            return Err(not_allowed(&at));
        }
        if existing.len() >= Self::MAX_INSTANCES {
            return Err(Refusal::Full { path: at, max: Self::MAX_INSTANCES });
        }
        let (id, mut instance) = self.parse_instance(object, payload)?;
        let path = Path::Instance(object, id);
        if self.exists(&path) {
            return Err(Refusal::Exists { path });
        }
        for (id, resource) in &instance.resources {
            self.check_shape(&child(&path, *id), resource)?;
        }
        self.check_complete(&path, &instance)?;
        let mandatory = self.object_model(object).into_iter().flat_map(|model| model.resources.values());
        for model in mandatory.filter(|model| model.mandatory) {
            if let Some(first) = first_value(model) {
                instance.resources.entry(model.id).or_insert(first);
            }
        }
        self.put(object, id, instance);
        Ok(path)
    }

    /// Deletes an instance.
    pub(crate) fn delete(&mut self, path: &Path) -> Result<(), Refusal> {
        let Path::Instance(object, _) = *path else { return Err(not_allowed(path)) };
        if !self.exists(path) {
            return Err(Refusal::NotFound { path: *path });
        }
        let only = self.object_model(object).is_some_and(|model| model.mandatory && !model.multiple);
        if object == SERVER || only {
            return Err(not_allowed(path));
        }
        self.remove(path);
        Ok(())
    }

    /// Whether there is something to execute.
    pub(crate) fn check_executable(&self, path: &Path) -> Result<(), Refusal> {
        self.check_leaf(path)?;
        if self.operations(path).execute { Ok(()) } else { Err(not_allowed(path)) }
    }

    fn parse(&self, path: &Path, payload: Payload<'_>) -> Result<Node, Refusal> {
        self.decode(payload.format, path, payload.bytes, payload.received_ms)
    }

    /// The one instance in the payload of a Create; one without an id gets the first free one.
    fn parse_instance(
        &self,
        object: ObjectId,
        payload: Payload<'_>,
    ) -> Result<(InstanceId, Instance), Refusal> {
        let path = Path::Object(object);
        let free = self.free_instance(object);
        let node = match self.parse(&path, payload) {
            Err(Refusal::Unreadable(DecodeError::NoInstance { .. })) => {
                self.parse(&Path::Instance(object, free), payload)?
            }
            other => other?,
        };
        match node {
            Node::Instance(instance) => Ok((free, instance)),
            Node::Object(mut object) if object.instances.len() <= 1 => {
                Ok(object.instances.pop_first().unwrap_or_else(|| (free, Instance::default())))
            }
            Node::Object(object) => Err(Refusal::Instances { count: object.instances.len() }),
            Node::Resource(_) | Node::ResourceInstance(_) => Err(not_allowed(&path)),
        }
    }

    fn free_instance(&self, object: ObjectId) -> InstanceId {
        let taken = |id: &u16| self.instance(object, InstanceId(*id)).is_some();
        InstanceId((0..u16::MAX).find(|id| !taken(id)).unwrap_or_default())
    }

    /// Whether a server may write this resource of an instance.
    fn check_written(&self, path: &Path, resource: &Resource) -> Result<(), Refusal> {
        self.check_shape(path, resource)?;
        if self.operations(path).write { Ok(()) } else { Err(not_allowed(path)) }
    }

    /// Whether a resource is as its definition says.
    pub(super) fn check_shape(&self, path: &Path, resource: &Resource) -> Result<(), Refusal> {
        match self.model_at(path) {
            Some(model) if model.data_type.is_none() => Err(not_allowed(path)),
            Some(model) if model.multiple != matches!(resource, Resource::Multiple(_)) => {
                Err(Refusal::Shape { path: *path, multiple: model.multiple })
            }
            None if path.object().and_then(|object| self.object_model(object)).is_some() => {
                Err(Refusal::NotFound { path: *path })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether everything is given that a server has to give.
    fn check_complete(&self, path: &Path, given: &Instance) -> Result<(), Refusal> {
        let model = path.object().and_then(|object| self.object_model(object));
        let mut needed = model
            .into_iter()
            .flat_map(|model| model.resources.values())
            .filter(|resource| resource.mandatory && resource.operations.write);
        match needed.find(|resource| !given.resources.contains_key(&resource.id)) {
            Some(missing) => Err(Refusal::Incomplete { path: child(path, missing.id) }),
            None => Ok(()),
        }
    }

    fn put(&mut self, object: ObjectId, id: InstanceId, instance: Instance) {
        Arc::make_mut(self.objects.entry(object).or_default()).instances.insert(id, instance);
    }

    fn resource_mut(&mut self, path: &Path) -> Option<&mut Resource> {
        self.instance_mut(path.object()?, path.instance()?)?.resources.get_mut(&path.resource()?)
    }
}

fn merge(instance: &mut Instance, id: ResourceId, given: Resource, method: Method) {
    match (instance.resources.get_mut(&id), given) {
        (Some(Resource::Multiple(values)), Resource::Multiple(given)) if method == Method::Post => {
            values.extend(given);
        }
        (_, given) => drop(instance.resources.insert(id, given)),
    }
}

fn first_value(model: &ResourceModel) -> Option<Resource> {
    let value = match model.data_type? {
        DataType::String => Value::String(String::new()),
        DataType::Integer => Value::Integer(0),
        DataType::Unsigned => Value::Unsigned(0),
        DataType::Float => Value::Float(0.0),
        DataType::Boolean => Value::Boolean(false),
        DataType::Opaque => Value::Opaque(Vec::new()),
        DataType::Time => Value::Time(0),
        DataType::ObjectLink => Value::ObjectLink(ObjectLink::NULL),
        DataType::CoreLink => Value::CoreLink(String::new()),
    };
    let several = || Resource::Multiple([(objects::ResourceInstanceId(0), value.clone())].into());
    Some(if model.multiple { several() } else { Resource::Single(value) })
}

fn child(instance: &Path, resource: ResourceId) -> Path {
    instance.child(resource.0).unwrap_or(*instance)
}

fn not_allowed(path: &Path) -> Refusal {
    Refusal::NotAllowed { path: *path }
}
