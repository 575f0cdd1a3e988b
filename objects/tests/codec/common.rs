//! What the codec tests share: definitions, short constructors, and a flat view of what was decoded.

use std::{collections::BTreeMap, sync::LazyLock};

use objects::{
    ContentFormat, DataType, Instance, InstanceId, Models, Node, Object, ObjectId, ObjectModel, Operations,
    Path, Registry, Resource, ResourceId, ResourceInstanceId, ResourceModel, Sample, Value, Version,
    codec::{self, DecodeError},
};

/// When the payloads of the tests arrive: a Saturday in November 2023, in milliseconds.
pub(crate) const RECEIVED_MS: i64 = 1_700_000_000_000;

/// An object with resource `n` of type `DataType::ALL[n]`, and the same as multiple resources from 10 on.
pub(crate) const ALL_TYPES: ObjectId = ObjectId(32_000);

/// An object of which nothing is known.
pub(crate) const UNKNOWN: ObjectId = ObjectId(32_001);

/// The core objects, [`ALL_TYPES`], and objects 65 and 66 of the examples in LwM2M 1.0.2 §6.4.3.
pub(crate) fn models() -> Models<'static> {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let mut registry = Registry::core();
        let all = DataType::ALL.into_iter().zip(0..);
        let all = all.flat_map(|(data_type, id)| [(id, data_type, false), (id + 10, data_type, true)]);
        registry.insert(object(ALL_TYPES, true, all));
        let example =
            [(0, DataType::ObjectLink, true), (1, DataType::String, false), (2, DataType::Integer, false)];
        registry.insert(object(ObjectId(65), true, example));
        let example =
            [(0, DataType::String, false), (1, DataType::String, false), (2, DataType::ObjectLink, false)];
        registry.insert(object(ObjectId(66), true, example));
        registry
    });
    Models { registry: &REGISTRY, versions: &|_| Version::V1_1 }
}

/// No definition of anything.
pub(crate) fn no_models() -> Models<'static> {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::empty);
    Models { registry: &REGISTRY, versions: &|_| Version::V1_0 }
}

fn object(
    id: ObjectId,
    multiple: bool,
    resources: impl IntoIterator<Item = (u16, DataType, bool)>,
) -> ObjectModel {
    let resource = |(id, data_type, multiple)| ResourceModel {
        id: ResourceId(id),
        name: format!("Resource {id}"),
        operations: Operations::RW,
        multiple,
        mandatory: false,
        data_type: Some(data_type),
        range: String::new(),
        units: String::new(),
        description: String::new(),
    };
    ObjectModel {
        id,
        version: Version::V1_0,
        lwm2m_version: Version::V1_0,
        name: format!("Object {id}"),
        urn: String::new(),
        description: String::new(),
        multiple,
        mandatory: false,
        resources: resources
            .into_iter()
            .map(resource)
            .map(|resource: ResourceModel| (resource.id, resource))
            .collect(),
    }
}

pub(crate) fn path(text: &str) -> Path {
    text.parse().unwrap()
}

pub(crate) fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub(crate) fn decode(format: ContentFormat, at: &str, payload: &[u8]) -> Result<Vec<Sample>, DecodeError> {
    codec::decode(format, &path(at), payload, &models(), RECEIVED_MS)
}

/// What a payload without times holds.
pub(crate) fn decode_one(format: ContentFormat, at: &str, payload: &[u8]) -> Node {
    let mut samples = decode(format, at, payload).unwrap();
    assert_eq!(samples.len(), 1);
    let sample = samples.remove(0);
    assert_eq!((sample.time_ms, sample.path), (None, path(at)));
    sample.node
}

/// Every value with its path.
pub(crate) fn flat(at: &str, node: &Node) -> Vec<(String, Value)> {
    node.values(path(at)).into_iter().map(|(path, value)| (path.to_string(), value.clone())).collect()
}

/// Every value of samples with its time and path.
pub(crate) fn timed(samples: &[Sample]) -> Vec<(Option<i64>, String, Value)> {
    samples
        .iter()
        .flat_map(|sample| {
            let values = sample.node.values(sample.path);
            values.into_iter().map(|(path, value)| (sample.time_ms, path.to_string(), value.clone()))
        })
        .collect()
}

pub(crate) fn instance(resources: impl IntoIterator<Item = (u16, Resource)>) -> Instance {
    Instance { resources: resources.into_iter().map(|(id, resource)| (ResourceId(id), resource)).collect() }
}

pub(crate) fn object_of(instances: impl IntoIterator<Item = (u16, Instance)>) -> Object {
    Object { instances: instances.into_iter().map(|(id, instance)| (InstanceId(id), instance)).collect() }
}

pub(crate) fn single(value: Value) -> Resource {
    Resource::Single(value)
}

pub(crate) fn multiple(values: impl IntoIterator<Item = (u16, Value)>) -> Resource {
    Resource::Multiple(BTreeMap::from_iter(
        values.into_iter().map(|(id, value)| (ResourceInstanceId(id), value)),
    ))
}

/// The Device instance of the examples in LwM2M 1.0.2 §6.4.3.1 and §6.4.4.
pub(crate) fn example_device() -> Instance {
    instance([
        (0, single(text("Open Mobile Alliance"))),
        (1, single(text("Lightweight M2M Client"))),
        (2, single(text("345000123"))),
        (3, single(text("1.0"))),
        (6, multiple([(0, Value::Integer(1)), (1, Value::Integer(5))])),
        (7, multiple([(0, Value::Integer(3800)), (1, Value::Integer(5000))])),
        (8, multiple([(0, Value::Integer(125)), (1, Value::Integer(900))])),
        (9, single(Value::Integer(100))),
        (10, single(Value::Integer(15))),
        (11, multiple([(0, Value::Integer(0))])),
        (13, single(Value::Time(1_367_491_215))),
        (14, single(text("+02:00"))),
        (16, single(text("U"))),
    ])
}
