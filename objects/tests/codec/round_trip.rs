//! What is written is read back as it was, and what is broken is refused without a panic.

use objects::{
    ContentFormat, DataType, Instance, Models, Node, Object, ObjectId, ObjectLink, Path, Resource, Sample,
    Value, codec,
};
use proptest::{collection, prelude::*, test_runner::RngSeed};

use crate::common::{
    ALL_TYPES, RECEIVED_MS, UNKNOWN, instance, models, multiple, no_models, object_of, single,
};

const FORMATS: [ContentFormat; 7] = [
    ContentFormat::TEXT,
    ContentFormat::OPAQUE,
    ContentFormat::CBOR,
    ContentFormat::TLV,
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::LWM2M_CBOR,
];

/// A value has a path there, and what has no value leaves no trace.
const BY_VALUE: [ContentFormat; 3] =
    [ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR, ContentFormat::LWM2M_CBOR];

const SENML: [ContentFormat; 2] = [ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR];

const TREES: [ContentFormat; 4] =
    [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR, ContentFormat::LWM2M_CBOR];

fn any_id() -> impl Strategy<Value = u16> {
    prop_oneof![0..=3_u16, 254..=257_u16, 0..u16::MAX]
}

fn value_of(data_type: DataType) -> BoxedStrategy<Value> {
    let integer = prop_oneof![any::<i64>(), -200..200_i64, any::<i32>().prop_map(i64::from)];
    match data_type {
        DataType::String => any::<String>().prop_map(Value::String).boxed(),
        DataType::Integer => integer.prop_map(Value::Integer).boxed(),
        DataType::Unsigned => prop_oneof![any::<u64>(), 0..300_u64].prop_map(Value::Unsigned).boxed(),
        DataType::Float => {
            let short = any::<f32>().prop_map(f64::from).prop_filter("finite", |number| number.is_finite());
            let long = any::<f64>().prop_filter("finite", |number| number.is_finite());
            let whole = any::<i16>().prop_map(f64::from);
            prop_oneof![short, long, whole].prop_map(Value::Float).boxed()
        }
        DataType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        DataType::Opaque => collection::vec(any::<u8>(), 0..300).prop_map(Value::Opaque).boxed(),
        DataType::Time => integer.prop_map(Value::Time).boxed(),
        DataType::ObjectLink => any::<(u16, u16)>()
            .prop_map(|(object, instance)| Value::ObjectLink(ObjectLink { object, instance }))
            .boxed(),
        DataType::CoreLink => "(</[0-9/]{0,12}>)?".prop_map(Value::CoreLink).boxed(),
    }
}

/// A resource of [`ALL_TYPES`] with its id.
fn defined_resource() -> impl Strategy<Value = (u16, Resource)> {
    (0..DataType::ALL.len()).prop_flat_map(|index| {
        let (id, value) = (u16::try_from(index).unwrap(), value_of(DataType::ALL[index]));
        let values = collection::vec((any_id(), value.clone()), 0..4).prop_map(multiple);
        prop_oneof![
            value.prop_map(move |value| (id, single(value))),
            values.prop_map(move |values| (id + 10, values)),
        ]
    })
}

/// The values that every format with types of its own gives back without a definition.
fn plain_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        value_of(DataType::String),
        value_of(DataType::Integer),
        value_of(DataType::Float),
        value_of(DataType::Boolean),
        value_of(DataType::Opaque),
    ]
}

fn undefined_resource(value: impl Strategy<Value = Value>) -> impl Strategy<Value = (u16, Resource)> {
    let resource = collection::vec((any_id(), value), 1..4).prop_flat_map(|values| {
        let one = values[0].1.clone();
        prop_oneof![Just(single(one)), Just(multiple(values))]
    });
    (any_id(), resource)
}

fn objects_of(resource: impl Strategy<Value = (u16, Resource)>) -> impl Strategy<Value = Object> {
    let instances = (any_id(), collection::vec(resource, 0..5).prop_map(instance));
    collection::vec(instances, 0..4).prop_map(object_of)
}

fn round_trip(format: ContentFormat, path: Path, node: &Node, models: &Models<'_>) {
    let payload = codec::encode(format, &path, node, models).unwrap();
    let samples = codec::decode(format, &path, &payload, models, RECEIVED_MS).unwrap();
    assert_eq!(samples, [Sample { time_ms: None, path, node: node.clone() }], "{format}");
    assert_eq!(codec::encode(format, &path, &samples[0].node, models), Ok(payload));
}

/// Tries the node and everything below it by itself.
fn round_trip_each(formats: &[ContentFormat], id: ObjectId, object: &Object, models: &Models<'_>) {
    for format in formats {
        let base = Path::Object(id);
        let sparse = BY_VALUE.contains(format);
        if !sparse {
            round_trip(*format, base, &Node::Object(object.clone()), models);
        } else if let Some(object) = without_gaps(object) {
            round_trip(*format, base, &Node::Object(object), models);
        }
        for (instance_id, instance) in &object.instances {
            let base = base.child(instance_id.0).unwrap();
            let dense = if sparse { dense(instance) } else { instance.clone() };
            round_trip(*format, base, &Node::Instance(dense), models);
            for (resource_id, resource) in &instance.resources {
                let base = base.child(resource_id.0).unwrap();
                round_trip(*format, base, &Node::Resource(resource.clone()), models);
                let Resource::Multiple(values) = resource else { continue };
                for (id, value) in values {
                    let base = base.child(id.0).unwrap();
                    round_trip(*format, base, &Node::ResourceInstance(value.clone()), models);
                }
            }
        }
    }
}

/// SenML has a record a value, so what has no value leaves no trace.
fn dense(instance: &Instance) -> Instance {
    let mut instance = instance.clone();
    instance.resources.retain(|_, resource| *resource != multiple([]));
    instance
}

fn without_gaps(object: &Object) -> Option<Object> {
    let mut object = object.clone();
    object.instances.values_mut().for_each(|instance| *instance = dense(instance));
    object.instances.retain(|_, instance| !instance.resources.is_empty());
    (!object.instances.is_empty()).then_some(object)
}

/// The same cases in each run.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
        rng_seed: RngSeed::Fixed(0x6d75_7374),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn defined_nodes_survive_every_tree_format(object in objects_of(defined_resource())) {
        round_trip_each(&TREES, ALL_TYPES, &object, &models());
    }

    #[test]
    fn undefined_nodes_survive_where_values_have_paths(object in objects_of(undefined_resource(plain_value()))) {
        round_trip_each(&BY_VALUE, UNKNOWN, &object, &models());
        round_trip_each(&BY_VALUE, ObjectId(3), &object, &no_models());
    }

    #[test]
    fn undefined_bytes_survive_tlv(
        object in objects_of(undefined_resource(value_of(DataType::Opaque))),
    ) {
        round_trip_each(&[ContentFormat::TLV], UNKNOWN, &object, &models());
    }

    #[test]
    fn single_values_survive_text_opaque_and_cbor((id, resource) in defined_resource()) {
        let (Resource::Single(value), path) = (resource, Path::from_ids(&[ALL_TYPES.0, 0, id]).unwrap()) else {
            return Ok(());
        };
        for format in [ContentFormat::TEXT, ContentFormat::OPAQUE, ContentFormat::CBOR] {
            if format != ContentFormat::OPAQUE || value.data_type() == DataType::Opaque {
                round_trip(format, path, &Node::Resource(single(value.clone())), &models());
                let instance = path.child(7).unwrap();
                round_trip(format, instance, &Node::ResourceInstance(value.clone()), &models());
            }
        }
    }

    #[test]
    fn samples_survive_senml(
        values in collection::btree_map((any_id(), proptest::option::of(268_435_456_000..4_000_000_000_000_i64)), plain_value(), 0..8),
    ) {
        let sample = |((id, time_ms), value): (&(u16, Option<i64>), &Value)| Sample {
            time_ms: *time_ms,
            path: Path::from_ids(&[UNKNOWN.0, 0, *id]).unwrap(),
            node: Node::Resource(single(value.clone())),
        };
        let mut samples: Vec<Sample> = values.iter().map(sample).collect();
        for format in SENML {
            let payload = codec::encode_many(format, &samples).unwrap();
            let back = codec::decode_many(format, &payload, &models(), RECEIVED_MS).unwrap();
            samples.sort_by_key(|sample| (sample.time_ms.unwrap_or(RECEIVED_MS), sample.time_ms, sample.path));
            prop_assert_eq!(&back, &samples);
        }
    }

    #[test]
    fn a_payload_cut_short_or_changed_never_panics(
        object in objects_of(defined_resource()),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let base = Path::Object(ALL_TYPES);
        for format in TREES {
            let mut payload = codec::encode(format, &base, &Node::Object(object.clone()), &models()).unwrap();
            for length in 0..payload.len() {
                let _ = codec::decode(format, &base, &payload[..length], &models(), RECEIVED_MS);
            }
            if !payload.is_empty() {
                let at = at.index(payload.len());
                payload[at] ^= 1 << bit;
                for format in FORMATS {
                    let _ = codec::decode(format, &base, &payload, &models(), RECEIVED_MS);
                    let _ = codec::decode_many(format, &payload, &models(), RECEIVED_MS);
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(payload in collection::vec(any::<u8>(), 0..64), depth in 1..=4_usize) {
        let path = Path::from_ids(&[ALL_TYPES.0, 0, 3, 0][..depth]).unwrap();
        for format in FORMATS.into_iter().chain([ContentFormat::LWM2M_JSON]) {
            let _ = codec::decode(format, &path, &payload, &models(), RECEIVED_MS);
        }
    }
}
