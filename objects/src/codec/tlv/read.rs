//! TLV to nodes. The nesting has three levels at most and is walked level by level, so depth needs no bound.

use std::collections::BTreeMap;

use super::Kind;
use crate::{
    DataType, Instance, InstanceId, Models, Node, Object, ObjectLink, Path, Resource, ResourceId,
    ResourceInstanceId, Value,
    codec::{ContentFormat, DecodeError, content::defined_type},
};

pub(in crate::codec) fn decode(
    path: &Path,
    payload: &[u8],
    models: &Models<'_>,
) -> Result<Node, DecodeError> {
    let reader = Reader { models };
    let tlvs = split(payload, 0)?;
    match path {
        Path::Root => Err(DecodeError::Level { format: ContentFormat::TLV, path: *path }),
        Path::Object(_) => reader.object(path, &tlvs).map(Node::Object),
        Path::Instance(_, id) => {
            reader.resources(path, &unwrap_instance(path, *id, tlvs)?).map(Node::Instance)
        }
        Path::Resource(_, id, _) => {
            reader.resource_at(path, &unwrap_instance(path, *id, tlvs)?).map(Node::Resource)
        }
        Path::ResourceInstance(..) => reader.resource_instance_at(path, &tlvs).map(Node::ResourceInstance),
    }
}

/// One structure: what its head says, and its value with the place of it in the payload.
#[derive(Clone, Copy)]
struct Tlv<'p> {
    kind: Kind,
    id: u16,
    offset: usize,
    value: &'p [u8],
    value_offset: usize,
}

impl<'p> Tlv<'p> {
    fn children(&self) -> Result<Vec<Self>, DecodeError> {
        split(self.value, self.value_offset)
    }

    /// The path of this structure, a child of `parent`.
    fn path(&self, parent: &Path) -> Result<Path, DecodeError> {
        let reserved = DecodeError::Reserved { path: *parent, offset: self.offset };
        parent.child(self.id).filter(|_| self.id != u16::MAX).ok_or(reserved)
    }

    fn misplaced(&self, path: &Path) -> DecodeError {
        DecodeError::Misplaced { path: *path, offset: self.offset, found: self.kind.name() }
    }
}

/// The structures of one level. `base` is where `bytes` starts in the payload.
fn split(bytes: &[u8], base: usize) -> Result<Vec<Tlv<'_>>, DecodeError> {
    let mut tlvs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let offset = base + at;
        let type_byte = bytes[at];
        let mut take = |count: usize| -> Result<usize, DecodeError> {
            let field = bytes.get(at + 1..at + 1 + count).ok_or(DecodeError::Truncated {
                offset: base + at + 1,
                needed: count as u64,
                available: bytes.len() - at - 1,
            })?;
            at += count;
            Ok(field.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        };
        let id = take(if type_byte & 0b0010_0000 == 0 { 1 } else { 2 })?;
        let length = match type_byte >> 3 & 0b11 {
            0 => usize::from(type_byte & 0b111),
            length_bytes => take(length_bytes.into())?,
        };
        at += 1;
        let value = bytes.get(at..at + length).ok_or(DecodeError::Truncated {
            offset: base + at,
            needed: length as u64,
            available: bytes.len() - at,
        })?;
        tlvs.push(Tlv {
            kind: Kind::of(type_byte),
            // Two bytes at most were taken.
            id: u16::try_from(id).unwrap_or(u16::MAX),
            offset,
            value,
            value_offset: base + at,
        });
        at += length;
    }
    Ok(tlvs)
}

/// Takes away the object instance that a device may put around what stands in it.
fn unwrap_instance<'p>(path: &Path, id: InstanceId, tlvs: Vec<Tlv<'p>>) -> Result<Vec<Tlv<'p>>, DecodeError> {
    match tlvs.as_slice() {
        [only] if only.kind == Kind::ObjectInstance => {
            if only.id == id.0 {
                return only.children();
            }
            let object = path.object().map_or(Path::Root, Path::Object);
            Err(DecodeError::Outside { base: *path, found: only.path(&object)? })
        }
        _ => Ok(tlvs),
    }
}

struct Reader<'m> {
    models: &'m Models<'m>,
}

impl Reader<'_> {
    fn object(&self, path: &Path, tlvs: &[Tlv<'_>]) -> Result<Object, DecodeError> {
        let bare = |tlv: &Tlv<'_>| matches!(tlv.kind, Kind::Resource | Kind::MultipleResource);
        if tlvs.first().is_some_and(bare) {
            return self.only_instance(path, tlvs);
        }
        let mut instances = BTreeMap::new();
        for tlv in tlvs {
            if tlv.kind != Kind::ObjectInstance {
                return Err(tlv.misplaced(path));
            }
            let path = tlv.path(path)?;
            let instance = self.resources(&path, &tlv.children()?)?;
            if instances.insert(InstanceId(tlv.id), instance).is_some() {
                return Err(DecodeError::Duplicate { path });
            }
        }
        Ok(Object { instances })
    }

    /// Resources without an instance around them: instance 0 of an object that has no other. An unknown object is
    /// taken for one.
    fn only_instance(&self, path: &Path, tlvs: &[Tlv<'_>]) -> Result<Object, DecodeError> {
        if path.object().and_then(|id| self.models.object(id)).is_some_and(|object| object.multiple) {
            return Err(DecodeError::NoInstance { path: *path });
        }
        let id = InstanceId(0);
        let within = path.child(id.0).unwrap_or(*path);
        Ok(Object { instances: BTreeMap::from([(id, self.resources(&within, tlvs)?)]) })
    }

    fn resources(&self, path: &Path, tlvs: &[Tlv<'_>]) -> Result<Instance, DecodeError> {
        let mut resources = BTreeMap::new();
        for tlv in tlvs {
            let resource = self.resource(path, tlv)?;
            if resources.insert(ResourceId(tlv.id), resource).is_some() {
                return Err(DecodeError::Duplicate { path: tlv.path(path)? });
            }
        }
        Ok(Instance { resources })
    }

    fn resource(&self, instance: &Path, tlv: &Tlv<'_>) -> Result<Resource, DecodeError> {
        match tlv.kind {
            Kind::Resource => Ok(Resource::Single(self.value(&tlv.path(instance)?, tlv)?)),
            Kind::MultipleResource => {
                self.resource_instances(&tlv.path(instance)?, &tlv.children()?).map(Resource::Multiple)
            }
            Kind::ObjectInstance | Kind::ResourceInstance => Err(tlv.misplaced(instance)),
        }
    }

    fn resource_instances(
        &self,
        path: &Path,
        tlvs: &[Tlv<'_>],
    ) -> Result<BTreeMap<ResourceInstanceId, Value>, DecodeError> {
        let mut values = BTreeMap::new();
        for tlv in tlvs {
            if tlv.kind != Kind::ResourceInstance {
                return Err(tlv.misplaced(path));
            }
            let path = tlv.path(path)?;
            if values.insert(ResourceInstanceId(tlv.id), self.value(&path, tlv)?).is_some() {
                return Err(DecodeError::Duplicate { path });
            }
        }
        Ok(values)
    }

    /// A resource by itself: with its own structure, or as its bare instances.
    fn resource_at(&self, path: &Path, tlvs: &[Tlv<'_>]) -> Result<Resource, DecodeError> {
        let parent = path.parent().unwrap_or(*path);
        match tlvs {
            [] if self.models.resource_at(path).is_some_and(|resource| !resource.multiple) => {
                Err(DecodeError::NoValue { path: *path })
            }
            [first, rest @ ..] if first.kind != Kind::ResourceInstance => {
                let resource = self.resource(&parent, first)?;
                let wrong = [first].into_iter().chain(rest).find(|tlv| parent.child(tlv.id) != Some(*path));
                match (wrong, rest) {
                    (Some(wrong), _) => {
                        Err(DecodeError::Outside { base: *path, found: wrong.path(&parent)? })
                    }
                    (None, []) => Ok(resource),
                    (None, _) => Err(DecodeError::Duplicate { path: *path }),
                }
            }
            bare => self.resource_instances(path, bare).map(Resource::Multiple),
        }
    }

    /// A resource instance by itself, or within its resource.
    fn resource_instance_at(&self, path: &Path, tlvs: &[Tlv<'_>]) -> Result<Value, DecodeError> {
        let resource = path.parent().unwrap_or(*path);
        let values = match self.resource_at(&resource, tlvs)? {
            Resource::Multiple(values) => values,
            Resource::Single(_) => return Err(DecodeError::Outside { base: *path, found: resource }),
        };
        let mut found = None;
        for (id, value) in values {
            match resource.child(id.0) {
                Some(at) if at == *path => found = Some(value),
                other => {
                    return Err(DecodeError::Outside { base: *path, found: other.unwrap_or(resource) });
                }
            }
        }
        found.ok_or(DecodeError::NoValue { path: *path })
    }

    // LwM2M Core 1.1.1 Appendix C
    fn value(&self, path: &Path, tlv: &Tlv<'_>) -> Result<Value, DecodeError> {
        let bytes = tlv.value;
        let Some(expected) = defined_type(path, self.models) else {
            return Ok(Value::Opaque(bytes.to_vec()));
        };
        let path = *path;
        let length = DecodeError::Length { path, expected, length: bytes.len() };
        let text = || {
            let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8 { path })?;
            Ok(text.to_owned())
        };
        match expected {
            DataType::String => text().map(Value::String),
            DataType::CoreLink => text().map(Value::CoreLink),
            DataType::Opaque => Ok(Value::Opaque(bytes.to_vec())),
            DataType::Integer => signed(bytes).map(Value::Integer).ok_or(length),
            DataType::Time => signed(bytes).map(Value::Time).ok_or(length),
            DataType::Unsigned => unsigned(bytes).map(Value::Unsigned).ok_or(length),
            DataType::Float => float(bytes).map(Value::Float).ok_or(length),
            DataType::Boolean => match bytes {
                [0] => Ok(Value::Boolean(false)),
                [1] => Ok(Value::Boolean(true)),
                [_] => Err(DecodeError::OutOfRange { path, expected }),
                _ => Err(length),
            },
            DataType::ObjectLink => match bytes {
                &[a, b, c, d] => Ok(Value::ObjectLink(ObjectLink {
                    object: u16::from_be_bytes([a, b]),
                    instance: u16::from_be_bytes([c, d]),
                })),
                _ => Err(length),
            },
        }
    }
}

fn signed(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [a] => i8::from_be_bytes([a]).into(),
        [a, b] => i16::from_be_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_be_bytes([a, b, c, d]).into(),
        _ => i64::from_be_bytes(bytes.try_into().ok()?),
    })
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    Some(match *bytes {
        [a] => a.into(),
        [a, b] => u16::from_be_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]).into(),
        _ => u64::from_be_bytes(bytes.try_into().ok()?),
    })
}

fn float(bytes: &[u8]) -> Option<f64> {
    match *bytes {
        [a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d]).into()),
        _ => Some(f64::from_be_bytes(bytes.try_into().ok()?)),
    }
}
