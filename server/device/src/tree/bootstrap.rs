//! What a bootstrap server does with the tree: Write, Delete and what Discover tells it (LwM2M Core 1.1.1 §6.1.7). It may
//! do what no management server may: read-only resources are written like any others.

use std::sync::Arc;

use objects::{Instance, InstanceId, Node, ObjectId, Path, Resource, link::DiscoveredLink};

use super::{Payload, Tree};
use crate::{
    refusal::Refusal,
    security::{SECURITY, short_server_id, uri},
};

impl Tree {
    /// Writes an object, an instance or a resource, whether it is there or not. Other instances of the object stay. On an
    /// error nothing has changed.
    pub(crate) fn bootstrap_write(&mut self, path: &Path, payload: Payload<'_>) -> Result<(), Refusal> {
        let object =
            path.object().filter(|_| path.depth() <= 3).ok_or(Refusal::NotAllowed { path: *path })?;
        let at = Path::Object(object);
        let mut written = self.objects.get(&object).ok_or(Refusal::NotFound { path: at })?.as_ref().clone();
        let given = match self.decode(payload.format, path, payload.bytes, payload.received_ms)? {
            Node::Object(given) => given.instances.into_iter().collect(),
            Node::Instance(given) => vec![(path.instance().unwrap_or_default(), given)],
            Node::Resource(given) => {
                self.check_shape(path, &given)?;
                let instance = written.instances.entry(path.instance().unwrap_or_default()).or_default();
                instance.resources.insert(path.resource().unwrap_or_default(), given);
                Vec::new()
            }
            Node::ResourceInstance(_) => return Err(Refusal::NotAllowed { path: *path }),
        };
        for (id, given) in given {
            let before = written.instances.remove(&id);
            let instance = self.bootstrapped(Path::Instance(object, id), given, before)?;
            written.instances.insert(id, instance);
        }
        let single = self.object_model(object).is_some_and(|model| !model.multiple);
        if let Some(id) = written.instances.keys().find(|id| single && id.0 != 0) {
            return Err(Refusal::Bootstrap { path: Path::Instance(object, *id) });
        }
        if written.instances.len() > Self::MAX_INSTANCES {
            return Err(Refusal::Full { path: at, max: Self::MAX_INSTANCES });
        }
        self.objects.insert(object, Arc::new(written));
        Ok(())
    }

    /// Deletes an instance, or those of one object or all, but for what `stays`. Objects stay without instances.
    pub(crate) fn bootstrap_delete(&mut self, path: &Path, stays: impl Fn(ObjectId, InstanceId) -> bool) {
        let gone: Vec<Path> = self
            .objects
            .iter()
            .flat_map(|(object, content)| content.instances.keys().map(|instance| (*object, *instance)))
            .filter(|(object, instance)| !stays(*object, *instance))
            .map(|(object, instance)| Path::Instance(object, instance))
            .filter(|instance| instance.is_within(path))
            .collect();
        gone.iter().for_each(|instance| self.remove(instance));
    }

    /// The links of an object and its instances (LwM2M Core 1.1.1 §6.1.7.3). Short server id and URI tell management
    /// accounts apart; an account without them is the bootstrap server's.
    pub(crate) fn bootstrap_links(
        &self,
        object: ObjectId,
        bootstrap: Option<InstanceId>,
    ) -> Vec<DiscoveredLink> {
        let version = self.link(Path::Object(object)).version;
        let mut links = vec![DiscoveredLink { version, ..DiscoveredLink::of(Path::Object(object)) }];
        for instance in self.instances(object) {
            let mut link = DiscoveredLink::of(Path::Instance(object, instance));
            let is_bootstrap = object == SECURITY && bootstrap == Some(instance);
            if matches!(object, SECURITY | super::SERVER) && !is_bootstrap {
                let id = short_server_id(self, object, instance);
                link.ssid = id.and_then(|id| u16::try_from(id).ok());
                // The URI came with LwM2M 1.1.
                if object == SECURITY && self.lwm2m >= objects::Version::V1_1 {
                    link.uri = uri(self, instance).map(str::to_owned);
                }
            }
            links.push(link);
        }
        links
    }

    /// Attributes are set for a server, and after a bootstrap that may be another one (LwM2M Core 1.1.1 §7.3.1).
    pub(crate) fn forget_attributes(&mut self) {
        self.attributes.clear();
    }

    /// An instance as a bootstrap server has written it. Optional resources that the device does not know are ignored; what
    /// it says of itself stays, where it is not given.
    fn bootstrapped(&self, at: Path, given: Instance, before: Option<Instance>) -> Result<Instance, Refusal> {
        let mut instance = before.unwrap_or_default();
        let is_account = matches!(at.object(), Some(ObjectId(0..=2)));
        instance
            .resources
            .retain(|id, _| !is_account && at.child(id.0).is_some_and(|path| !self.operations(&path).write));
        for (id, resource) in given.resources {
            let path = at.child(id.0).unwrap_or(at);
            match self.check_shape(&path, &resource) {
                Ok(()) => drop::<Option<Resource>>(instance.resources.insert(id, resource)),
                Err(Refusal::NotFound { .. } | Refusal::NotAllowed { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(instance)
    }
}
