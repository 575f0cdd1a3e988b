//! One rule after another, on a device with Server (1), Access Control (2), Device (3) and an object nobody defined.

use std::{collections::BTreeMap, sync::Arc};

use objects::{
    Attribute, Attributes, ObjectModel, Registry, ResourceId, ResourceInstanceId,
    link::{ObjectEntry, ObjectLinks},
};

use super::*;
use crate::{Binding, CancelMode, DeviceId, Lifetime, ListenerId, NodeId, RegistrationId, Source, Timestamp};

mod composite;

const V1_0: Version = Version::V1_0;
const V1_1: Version = Version::V1_1;

#[test]
fn each_operation_works_on_its_levels() {
    let at = |operation: fn(Path) -> Operation| {
        ["/", "/3", "/3/0", "/3/0/7", "/3/0/7/0"]
            .into_iter()
            .filter(|text| !matches!(check(V1_1, operation(path(text))), Err(BadOperation::Level { .. })))
            .collect::<Vec<_>>()
    };
    assert_eq!(at(read), ["/3", "/3/0", "/3/0/7", "/3/0/7/0"]);
    assert_eq!(at(|path| Operation::Observe { path, format: None }), ["/3", "/3/0", "/3/0/7", "/3/0/7/0"]);
    assert_eq!(at(|path| Operation::Discover { path }), ["/3", "/3/0", "/3/0/7"]);
    assert_eq!(at(|path| Operation::Delete { path }), ["/3/0"]);
    assert_eq!(at(execute), ["/3/0/7"]);
    assert_eq!(at(|path| write(path, number(1))), ["/3/0", "/3/0/7", "/3/0/7/0"]);
    assert_eq!(at(|path| update(path, number(1))), ["/3/0", "/3/0/7"]);
    assert_eq!(at(|path| attributes(path, "pmin=1")), ["/3", "/3/0", "/3/0/7", "/3/0/7/0"]);
    assert_eq!(
        at(|path| Operation::CancelObservation { path, mode: CancelMode::Active }),
        ["/3", "/3/0", "/3/0/7", "/3/0/7/0"]
    );
    let refused = check(V1_1, execute(path("/3"))).unwrap_err();
    assert_eq!(refused.to_string(), "Execute is not possible at /3: it works on resources");
}

#[test]
fn a_device_of_lwm2m_1_0_knows_no_access_to_resource_instances() {
    assert_eq!(check(V1_1, read(path("/3/0/7/0"))), Ok(()));
    let refused = check(V1_0, read(path("/3/0/7/0"))).unwrap_err();
    let expected = "access to one resource instance came with LwM2M 1.1, this device speaks 1.0";
    assert_eq!(refused.to_string(), expected);
    let part = || update(path("/3/0/14"), several(&[(0, Value::String("+01".into()))]));
    assert!(matches!(check(V1_0, part()), Err(BadOperation::TooNew { .. })));
}

#[test]
fn only_what_the_device_registered_can_be_asked_for() {
    for text in ["/4", "/4/0", "/5/0/1"] {
        let missing = Path::Object(path(text).object().unwrap());
        assert_eq!(check(V1_1, read(path(text))), Err(BadOperation::NotRegistered { path: missing }));
    }
    let refused = check(V1_1, read(path("/3/7/0"))).unwrap_err();
    assert_eq!(refused.to_string(), "the device has no /3/7");
    assert_eq!(check(V1_1, read(path("/30000/12/5"))), Ok(()), "objects without a list of instances");
}

#[test]
fn the_objects_that_are_registered_with_nobody_may_be_asked_for() {
    for text in ["/0", "/0/0", "/21/0/1"] {
        assert_eq!(check(V1_1, read(path(text))), Ok(()), "the device's 4.01 is the answer");
    }
}

#[test]
fn the_model_says_what_may_be_done() {
    for (operation, text) in [
        (read(path("/3/0/4")), "/3/0/4 (Reboot) is only executed, it can't be read"),
        (
            Operation::Observe { path: path("/3/0/4"), format: None },
            "/3/0/4 (Reboot) is only executed, it can't be read",
        ),
        (write(path("/3/0/9"), number(1)), "/3/0/9 (Battery Level) is only read, it can't be written"),
        (execute(path("/3/0/9")), "/3/0/9 (Battery Level) is only read, it can't be executed"),
        (execute(path("/1/0/1")), "/1/0/1 (Lifetime) is read and written, it can't be executed"),
        (read(path("/1/0/20")), "/1/0/20 (Secret) is only written, it can't be read"),
        (read(path("/1/0/21")), "/1/0/21 (Key) is for the bootstrap server alone, it can't be read"),
    ] {
        assert_eq!(check(V1_1, operation).unwrap_err().to_string(), text);
    }
    for operation in [read(path("/3/0/9")), write(path("/1/0/1"), number(1)), execute(path("/3/0/4"))] {
        assert_eq!(check(V1_1, operation), Ok(()));
    }
}

#[test]
fn what_no_model_knows_is_left_to_the_device() {
    for operation in [
        read(path("/3/0/9999")),
        write(path("/3/0/9999"), number(1)),
        execute(path("/3/0/9999")),
        write(path("/30000/0/1"), several(&[(1, Value::Boolean(true))])),
        write(path("/30000/0/1/3"), Node::ResourceInstance(Value::Boolean(true))),
        attributes(path("/30000/0/1"), "gt=1"),
    ] {
        assert_eq!(check(V1_1, operation), Ok(()));
    }
}

#[test]
fn a_node_stands_at_its_own_level() {
    let instance = || Node::Instance(Instance::default());
    for (text, node) in [
        ("/3/0", number(1)),
        ("/1/0/1", instance()),
        ("/1/0/1", Node::ResourceInstance(Value::Integer(1))),
        ("/3/0/14/0", number(1)),
    ] {
        assert_eq!(
            check(V1_1, write(path(text), node)),
            Err(BadOperation::Node { path: path(text) }),
            "{text}"
        );
    }
    let refused = check(V1_1, update(path("/1/0/1"), number(1)));
    assert_eq!(refused, Err(BadOperation::Node { path: path("/1/0/1") }), "one value has no parts");
}

#[test]
fn a_value_is_of_the_type_of_its_resource_or_becomes_it_without_loss() {
    let lifetime = |value| check(V1_1, write(path("/1/0/1"), Node::Resource(Resource::Single(value))));
    for value in [Value::Integer(-1), Value::Unsigned(1), Value::Time(0)] {
        assert_eq!(lifetime(value), Ok(()));
    }
    for value in [Value::Unsigned(u64::MAX), Value::Float(1.0), Value::Boolean(true), Value::Opaque(vec![])] {
        assert!(matches!(lifetime(value), Err(BadOperation::Type { .. })));
    }
    let refused = lifetime(Value::String("60".into())).unwrap_err();
    assert_eq!(refused.to_string(), "/1/0/1 (Lifetime) takes values of type Integer, not String");
    let level = |value| check(V1_1, write(path("/1/0/22"), Node::Resource(Resource::Single(value))));
    for value in [Value::Float(0.5), Value::Integer(1 << 53), Value::Integer(-(1 << 53))] {
        assert_eq!(level(value), Ok(()));
    }
    assert!(matches!(level(Value::Integer((1 << 53) + 1)), Err(BadOperation::Type { .. })));
    for number in [f64::NAN, f64::INFINITY] {
        assert_eq!(level(Value::Float(number)), Err(BadOperation::NotFinite { path: path("/1/0/22") }));
        let unknown = write(path("/30000/0/1"), Node::Resource(Resource::Single(Value::Float(number))));
        assert!(matches!(check(V1_1, unknown), Err(BadOperation::NotFinite { .. })));
    }
}

#[test]
fn one_value_or_several_is_what_the_model_says() {
    let text = |text: &str| Value::String(text.into());
    let zones = || several(&[(0, text("+01")), (3, text("+02"))]);
    for operation in [write(path("/3/0/14"), zones()), update(path("/3/0/14"), zones())] {
        assert_eq!(check(V1_1, operation), Ok(()));
    }
    assert_eq!(check(V1_1, write(path("/3/0/14/2"), Node::ResourceInstance(text("+03")))), Ok(()));
    for (operation, words) in [
        (
            write(path("/3/0/14"), Node::Resource(Resource::Single(text("+01")))),
            "/3/0/14 (Zones) has resource instances, each with a value",
        ),
        (
            write(path("/1/0/1"), several(&[(0, Value::Integer(1))])),
            "/1/0/1 (Lifetime) has one value and no resource instances",
        ),
        (read(path("/3/0/9/0")), "/3/0/9/0 (Battery Level) has one value and no resource instances"),
    ] {
        assert_eq!(check(V1_1, operation).unwrap_err().to_string(), words);
    }
    let wrong = write(path("/3/0/14"), several(&[(0, text("+01")), (7, Value::Integer(1))]));
    assert!(
        matches!(check(V1_1, wrong), Err(BadOperation::Type { path, .. }) if path.to_string() == "/3/0/14/7")
    );
}

#[test]
fn an_instance_is_written_as_each_of_its_resources_allows() {
    let of = |resources: &[(u16, Value)]| Node::Instance(instance(resources));
    assert_eq!(
        check(V1_1, update(path("/1/0"), of(&[(1, Value::Integer(60)), (20, Value::Opaque(vec![1]))]))),
        Ok(())
    );
    let refused = check(V1_1, write(path("/3/0"), of(&[(9, Value::Integer(1))])));
    assert!(matches!(refused, Err(BadOperation::NotAllowed { .. })));
    let refused = check(V1_1, write(path("/1/0"), of(&[(1, Value::Boolean(true))])));
    assert!(matches!(refused, Err(BadOperation::Type { .. })));
    let refused = check(V1_1, write(path("/1/0"), of(&[(u16::MAX, Value::Integer(1))])));
    assert!(matches!(refused, Err(BadOperation::Node { .. })));
}

#[test]
fn an_instance_is_created_where_there_is_room() {
    let create = |object, instance: Option<u16>, resources: &[(u16, Value)]| {
        let node = Node::Instance(self::instance(resources));
        let instance = instance.map(InstanceId);
        check(V1_1, Operation::Create { object: ObjectId(object), instance, node, format: None })
    };
    assert_eq!(create(1, Some(5), &[(1, Value::Integer(60))]), Ok(()));
    assert_eq!(create(1, None, &[(30, Value::Integer(3))]), Ok(()), "also what is only read afterwards");
    assert_eq!(create(1, Some(0), &[]), Err(BadOperation::Exists { path: path("/1/0") }));
    assert_eq!(create(3, None, &[]).unwrap_err().to_string(), "/3/0 exists already");
    assert_eq!(create(3, Some(1), &[]), Err(BadOperation::Exists { path: path("/3/0") }));
    assert_eq!(create(5, None, &[]), Err(BadOperation::NotRegistered { path: path("/5") }));
    assert_eq!(create(30_000, None, &[(7, Value::Integer(3))]), Ok(()));
    assert!(matches!(create(1, Some(u16::MAX), &[]), Err(BadOperation::Node { .. })));
    assert!(matches!(create(1, None, &[(1, Value::Boolean(true))]), Err(BadOperation::Type { .. })));
    assert!(matches!(create(1, None, &[(4, Value::Boolean(true))]), Err(BadOperation::NotAllowed { .. })));
    let node = number(1);
    let wrong = Operation::Create { object: ObjectId(1), instance: None, node, format: None };
    assert!(matches!(check(V1_1, wrong), Err(BadOperation::Node { .. })));
}

#[test]
fn a_format_carries_what_it_can() {
    let with = |text: &str, format| check(V1_1, Operation::Read { path: path(text), format: Some(format) });
    for format in [ContentFormat::TEXT, ContentFormat::OPAQUE, ContentFormat::CBOR, ContentFormat(1541)] {
        assert_eq!(with("/3/0/9", format), Ok(()));
        assert!(matches!(with("/3/0", format), Err(BadOperation::Format { .. })), "{format}");
    }
    for format in
        [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR, ContentFormat(1542)]
    {
        assert_eq!(with("/3/0/9", format), Ok(()));
        assert_eq!(with("/3", format), Ok(()));
    }
    let refused = with("/3/0/9", ContentFormat::LINK).unwrap_err();
    assert_eq!(refused.to_string(), "link-format (40) can't be used for Read at /3/0/9");
    assert!(matches!(with("/3/0/9", ContentFormat(9_999)), Err(BadOperation::Format { .. })));
}

#[test]
fn attributes_stand_where_they_mean_something() {
    for (version, text, queries) in [
        (V1_0, "/3", "pmin=1&pmax=2"),
        (V1_0, "/3/0/9", "gt=80&lt=20&st=5"),
        (V1_1, "/3/0/14/0", "pmin&epmin=1&epmax=2"),
        (V1_1, "/3/0/9", "pmin&pmax&gt&lt&st"),
    ] {
        assert_eq!(check(version, attributes(path(text), queries)), Ok(()), "{text}?{queries}");
    }
    for (version, text, queries, words) in [
        (V1_1, "/3/0", "", "no attribute is set or unset"),
        (V1_1, "/3/0/9", "pmin=9&pmax=8", "pmin (9 s) must not be above pmax (8 s)"),
        (V1_1, "/3/0", "gt=1", "gt can't be set at /3/0 of a device that speaks LwM2M 1.1"),
        (V1_0, "/3/0", "epmin=1", "epmin can't be set at /3/0 of a device that speaks LwM2M 1.0"),
        (V1_1, "/3/0/9", "con=1", "con can't be set at /3/0/9 of a device that speaks LwM2M 1.1"),
        (V1_1, "/3/0/14", "gt=1", "gt means nothing for /3/0/14, whose values are of type String"),
    ] {
        assert_eq!(check(version, attributes(path(text), queries)).unwrap_err().to_string(), words);
    }
    let both = Operation::WriteAttributes {
        path: path("/3"),
        set: Attributes { pmin: Some(1), ..Attributes::default() },
        unset: vec![Attribute::Pmin],
    };
    assert_eq!(check(V1_1, both).unwrap_err().to_string(), "pmin is both set and unset");
}

#[test]
fn arguments_have_the_form_of_the_specification() {
    let with = |arguments: &str| {
        check(V1_1, Operation::Execute { path: path("/3/0/4"), arguments: arguments.into() })
    };
    for good in
        ["", "0", "5", "0,1,9", "0='a',1,2=''", "2='10.3'", "7='https://www.omaspecworks.org'", "0='é,1=\"'"]
    {
        assert_eq!(with(good), Ok(()), "{good}");
    }
    for bad in [
        ",", "0,", ",0", "a", "10", "0=", "0=a", "0='a", "0='a'1", "0='a'b'", "0,0", "0 ,1", "٣", "0='\n'",
        "0=''''",
    ] {
        assert_eq!(with(bad), Err(BadOperation::Arguments), "{bad}");
    }
}

fn check(lwm2m: Version, operation: Operation) -> Result<(), BadOperation> {
    let registry = registry();
    let models = Models { registry: &registry, versions: &|_| Version::V1_0 };
    operation.check(&registration(lwm2m), &models)
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn read(path: Path) -> Operation {
    Operation::Read { path, format: None }
}

fn execute(path: Path) -> Operation {
    Operation::Execute { path, arguments: String::new() }
}

fn write(path: Path, node: Node) -> Operation {
    Operation::Write { path, mode: WriteMode::Replace, node, format: None }
}

fn update(path: Path, node: Node) -> Operation {
    Operation::Write { path, mode: WriteMode::Update, node, format: None }
}

fn attributes(path: Path, queries: &str) -> Operation {
    let queries = queries.split('&').filter(|query| !query.is_empty());
    let (set, unset) = Attributes::parse_queries(queries).unwrap();
    Operation::WriteAttributes { path, set, unset }
}

fn number(number: i64) -> Node {
    Node::Resource(Resource::Single(Value::Integer(number)))
}

fn several(values: &[(u16, Value)]) -> Node {
    let values = values.iter().map(|(id, value)| (ResourceInstanceId(*id), value.clone())).collect();
    Node::Resource(Resource::Multiple(values))
}

fn instance(resources: &[(u16, Value)]) -> Instance {
    let resource = |(id, value): &(u16, Value)| (ResourceId(*id), Resource::Single(value.clone()));
    Instance { resources: resources.iter().map(resource).collect() }
}

fn registration(lwm2m: Version) -> Registration {
    let entry = |instances: &[u16]| ObjectEntry {
        instances: instances.iter().copied().map(InstanceId).collect(),
        ..ObjectEntry::default()
    };
    let objects: BTreeMap<_, _> =
        [(ObjectId(1), entry(&[0])), (ObjectId(3), entry(&[0])), (ObjectId(30_000), entry(&[]))].into();
    Registration {
        device: DeviceId(1),
        id: RegistrationId(1),
        lwm2m,
        lifetime: Lifetime(300),
        binding: Binding { transports: "U".into(), queue_mode: false },
        sms_number: None,
        links: Arc::new(ObjectLinks { objects, ..ObjectLinks::default() }),
        extra: vec![],
        source: Source { listener: ListenerId(0), address: "127.0.0.1:5683".parse().unwrap() },
        credential: None,
        registered_at: Timestamp(0),
        updated_at: Timestamp(0),
        expires_at: Timestamp(0),
        node: NodeId::SINGLE,
        epoch: 1,
    }
}

fn registry() -> Registry {
    let resource = |(id, name, operations, data_type): (u16, &str, Operations, Option<DataType>)| {
        let model = ResourceModel {
            id: ResourceId(id),
            name: name.into(),
            operations,
            multiple: matches!(id, 7 | 14),
            mandatory: false,
            data_type,
            range: String::new(),
            units: String::new(),
            description: String::new(),
        };
        (model.id, model)
    };
    let object = |id, multiple, resources: Vec<_>| ObjectModel {
        id: ObjectId(id),
        version: V1_0,
        lwm2m_version: V1_0,
        name: String::new(),
        urn: String::new(),
        description: String::new(),
        multiple,
        mandatory: true,
        resources: resources.into_iter().map(resource).collect(),
    };
    let mut registry = Registry::empty();
    registry.insert(object(
        1,
        true,
        vec![
            (1, "Lifetime", Operations::RW, Some(DataType::Integer)),
            (4, "Disable", Operations::E, None),
            (20, "Secret", Operations::W, Some(DataType::Opaque)),
            (21, "Key", Operations::default(), Some(DataType::Opaque)),
            (22, "Level", Operations::RW, Some(DataType::Float)),
            (30, "Id", Operations::R, Some(DataType::Integer)),
        ],
    ));
    registry.insert(object(
        3,
        false,
        vec![
            (4, "Reboot", Operations::E, None),
            (7, "Voltage", Operations::R, Some(DataType::Integer)),
            (9, "Battery Level", Operations::R, Some(DataType::Integer)),
            (14, "Zones", Operations::RW, Some(DataType::String)),
        ],
    ));
    registry
}
