//! Several nodes at once: Read-Composite and Write-Composite (LwM2M Core 1.1.1 §6.3.8, §6.3.9).

use std::collections::BTreeMap;

use coap::Method;
use objects::{
    ContentFormat, Models, Node, ObjectId, Path, Resource, Value, Version,
    codec::{self, DecodeError},
};

use super::{Tree, write::Payload};
use crate::refusal::Refusal;

impl Tree {
    /// Composite operations came with LwM2M 1.1.
    pub(crate) fn check_composites(&self) -> Result<(), Refusal> {
        if self.lwm2m < Version::V1_1 { Err(Refusal::NoOperation) } else { Ok(()) }
    }

    /// What is readable at these paths. What is not there is left out.
    pub(crate) fn read_several(&self, paths: &[Path]) -> Result<BTreeMap<Path, Value>, Refusal> {
        self.check_composites()?;
        let mut values = BTreeMap::new();
        let objects: Vec<Path> = self.objects().map(Path::Object).collect();
        for path in paths {
            // The root holds all but Security, OSCORE and their like (OMA ETS int-235).
            let listed = |path: &&Path| !matches!(path.object(), Some(ObjectId(0 | 21 | 23)));
            let below: Vec<Path> = match path {
                Path::Root => objects.iter().filter(listed).copied().collect(),
                path => vec![*path],
            };
            for path in below {
                let Ok(node) = self.read(&path) else { continue };
                let found = node.values(path).into_iter();
                values.extend(found.map(|(path, value)| (path, value.clone())));
            }
        }
        Ok(values)
    }

    /// The bytes of values from several places.
    pub(crate) fn encode_several(
        &self,
        format: ContentFormat,
        values: &BTreeMap<Path, Value>,
    ) -> Result<Vec<u8>, Refusal> {
        let versions = |object| self.version(object);
        let models = Models { registry: &self.registry, versions: &versions };
        let values = values.iter().map(|(path, value)| (*path, value));
        codec::encode_values(format, values, &models).map_err(Refusal::NotAcceptable)
    }

    /// Writes values in several places: all of them, or none. Says what has changed.
    pub(crate) fn write_several(&mut self, payload: Payload<'_>) -> Result<Vec<Path>, Refusal> {
        self.check_composites()?;
        let format = payload.format.ok_or(Refusal::NoContentFormat)?;
        if !codec::is_composite(format) {
            return Err(DecodeError::Unsupported { format }.into());
        }
        let versions = |object| self.version(object);
        let models = Models { registry: &self.registry, versions: &versions };
        let samples = codec::decode_many(format, payload.bytes, &models, payload.received_ms)?;
        let before = self.objects.clone();
        let written = samples.into_iter().map(|sample| {
            if let Some(ObjectId(0 | 21)) = sample.path.object() {
                return Err(Refusal::Unauthorized { path: sample.path });
            }
            self.put_value(sample.path, sample.node)?;
            Ok(sample.path)
        });
        let changed = written.collect::<Result<Vec<_>, _>>();
        if changed.is_err() {
            self.objects = before;
        }
        changed
    }

    /// A resource instance is added to its resource, or replaces the one of its id.
    fn put_value(&mut self, path: Path, node: Node) -> Result<(), Refusal> {
        let (at, given) = match (path, node) {
            (Path::ResourceInstance(o, i, r, ri), Node::ResourceInstance(value)) => {
                (Path::Resource(o, i, r), Resource::Multiple([(ri, value)].into()))
            }
            (path, Node::Resource(resource)) => (path, resource),
            (path, _) => return Err(Refusal::NotAllowed { path }),
        };
        self.write_resource(&at, Method::Post, given)
    }
}
