//! The server's requests: Read, Discover, Write, Write-Attributes, Execute, Create, Delete, and their errors.

use std::time::Duration;

use coap::{BlockSize, Code, Failure, Method, Request};
use device::{Argument, Device, Event, How, Misbehaviour, Operation, Profile};
use objects::{
    ContentFormat, Instance, InstanceId, Models, Node, Object, Registry, Resource, ResourceId,
    ResourceInstanceId, Value, Version, codec,
};

use crate::world::{World, attributes, get, node, path, seconds, sensor, value, with};

const STRUCTURED: [ContentFormat; 3] =
    [ContentFormat::TLV, ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR];
const SINGLE: [ContentFormat; 2] = [ContentFormat::TEXT, ContentFormat::CBOR];

fn tlv(at: &str, node: &Node) -> Vec<u8> {
    let registry = Registry::core();
    codec::encode(ContentFormat::TLV, &path(at), node, &Models::newest(&registry)).unwrap()
}

fn instance(resources: &[(u16, Resource)]) -> Instance {
    Instance {
        resources: resources.iter().map(|(id, resource)| (ResourceId(*id), resource.clone())).collect(),
    }
}

fn single(value: Value) -> Resource {
    Resource::Single(value)
}

fn several(values: &[(u16, Value)]) -> Resource {
    Resource::Multiple(values.iter().map(|(id, value)| (ResourceInstanceId(*id), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn every_resource_of_the_device_object_is_read_typed_in_every_format() {
    let mut world = World::registered(sensor());
    let expected = world.device.objects().clone();
    let Node::Instance(device) = node("/3/0", &world.ask(get("/3/0", Some(ContentFormat::TLV)))) else {
        panic!("an instance was due")
    };
    assert_eq!(device.resources.len(), 14);
    for (id, resource) in &device.resources {
        let at = format!("/3/0/{id}");
        let formats = match resource {
            Resource::Single(_) => [&STRUCTURED[..], &SINGLE[..]].concat(),
            Resource::Multiple(_) => STRUCTURED.to_vec(),
        };
        for format in formats {
            let response = world.ask(get(&at, Some(format)));
            assert_eq!(response.code, Code::CONTENT, "{at} in {format}");
            assert_eq!(response.content_format, Some(format.0));
            assert_eq!(node(&at, &response), Node::Resource(resource.clone()), "{at} in {format}");
            for (path, value) in Node::Resource(resource.clone()).values(path(&at)) {
                assert_eq!(expected.get(&path), Some(value));
            }
        }
    }
}

#[test]
fn objects_and_instances_are_read_in_every_structured_format() {
    let mut world = World::registered(sensor());
    for at in ["/3", "/3/0", "/1", "/3303", "/3/0/7", "/3/0/7/1", "/16"] {
        let expected = node(at, &world.ask(get(at, None)));
        for format in STRUCTURED {
            // SenML has no form for an object without instances.
            if at != "/16" {
                assert_eq!(node(at, &world.ask(get(at, Some(format)))), expected, "{at} in {format}");
            }
        }
    }
}

#[test]
fn without_accept_the_device_chooses() {
    let mut profile = sensor();
    profile.preferred_format = ContentFormat::SENML_JSON;
    let mut world = World::registered(profile);
    assert_eq!(world.ask(get("/3/0", None)).content_format, Some(110));
    assert_eq!(world.ask(get("/3/0", Some(ContentFormat(1542)))).content_format, Some(11542));
}

#[test]
fn what_cannot_be_read_says_why() {
    let mut world = World::registered(sensor());
    for (at, format, code) in [
        ("/3/0/0", Some(ContentFormat(9999)), "4.06"),
        ("/3/0", Some(ContentFormat::TEXT), "4.06"),
        ("/3/0/0", Some(ContentFormat::OPAQUE), "4.06"),
        ("/3/0", Some(ContentFormat::LWM2M_JSON), "4.06"),
        ("/3/0/4", None, "4.05"),
        ("/5", None, "4.04"),
        ("/3/1", None, "4.04"),
        ("/3/0/17", None, "4.04"),
        ("/3/0/7/9", None, "4.04"),
        ("/3/0/0/0", None, "4.04"),
        ("/0", None, "4.01"),
        ("/0/0/0", None, "4.01"),
        ("/", None, "4.05"),
        ("/nothing", None, "4.04"),
        ("/3/65535", None, "4.04"),
    ] {
        assert_eq!(world.code(get(at, format)), code, "{at} {format:?}");
    }
}

#[test]
fn a_device_of_lwm2m_1_0_knows_its_own_formats_and_levels_only() {
    let mut world = World::registered(Profile::sensor("old", Version::V1_0));
    assert_eq!(world.code(get("/3/0", Some(ContentFormat::TLV))), "2.05");
    assert_eq!(world.code(get("/3/0/0", Some(ContentFormat::TEXT))), "2.05");
    assert_eq!(world.code(get("/3/0", Some(ContentFormat::SENML_CBOR))), "4.06");
    assert_eq!(world.code(get("/3/0/7/0", None)), "4.05");
    assert_eq!(world.code(with(Method::Put, "/3/0/15", ContentFormat::CBOR, [0x61, b'a'])), "4.15");
    assert_eq!(world.code(attributes("/3/0/7/0", "pmin=1")), "4.00");
    let (now, paths) = (world.now, [path("/3/0/9")]);
    assert!(world.device.send(now, &paths).is_err());
}

#[test]
fn a_resource_is_written_in_every_format() {
    let mut world = World::registered(sensor());
    let registry = Registry::core();
    let models = Models::newest(&registry);
    for (number, format) in STRUCTURED.into_iter().chain(SINGLE).enumerate() {
        let zone = text(&format!("zone {number}"));
        let payload =
            codec::encode(format, &path("/3/0/15"), &Node::Resource(single(zone.clone())), &models).unwrap();
        assert_eq!(world.code(with(Method::Put, "/3/0/15", format, payload)), "2.04", "{format}");
        assert_eq!(world.device.objects().get(&path("/3/0/15")), Some(&zone));
    }
    assert_eq!(world.count(&Event::Written { path: path("/3/0/15") }), 5);
    let json = br#"{"bn":"/3/0/15","e":[{"sv":"LwM2M JSON"}]}"#;
    assert_eq!(world.code(with(Method::Put, "/3/0/15", ContentFormat::LWM2M_JSON, *json)), "2.04");
    assert_eq!(world.code(with(Method::Put, "/3/0/15", ContentFormat(1541), "legacy")), "2.04");
    assert_eq!(world.device.objects().get(&path("/3/0/15")), Some(&text("legacy")));
}

#[test]
fn an_instance_is_replaced_by_put_and_added_to_by_post() {
    let mut world = World::registered(sensor());
    let write = |method, resources: &[(u16, Resource)]| {
        with(method, "/1/0", ContentFormat::TLV, tlv("/1/0", &Node::Instance(instance(resources))))
    };
    let mandatory =
        [(1, single(Value::Integer(600))), (6, single(Value::Boolean(true))), (7, single(text("U")))];
    assert_eq!(world.code(write(Method::Post, &[(3, single(Value::Integer(60)))])), "2.04");
    let get = |world: &World, at: &str| world.device.objects().get(&path(at)).cloned();
    assert_eq!(get(&world, "/1/0/3"), Some(Value::Integer(60)));
    assert_eq!(get(&world, "/1/0/2"), Some(Value::Integer(0)), "POST leaves the rest");
    assert_eq!(world.code(write(Method::Put, &mandatory[..2])), "4.00", "one is missing");
    assert_eq!(get(&world, "/1/0/1"), Some(Value::Integer(300)), "nothing has changed");
    assert_eq!(world.code(write(Method::Put, &mandatory)), "2.04");
    assert_eq!(get(&world, "/1/0/1"), Some(Value::Integer(600)));
    assert_eq!(get(&world, "/1/0/3"), None, "PUT takes away what is not given");
    assert_eq!(get(&world, "/1/0/0"), Some(Value::Integer(1)), "but not what cannot be written");
}

#[test]
fn resource_instances_are_replaced_added_to_and_written_one_by_one() {
    let mut world = World::registered(sensor());
    let write = |method, values: &[(u16, Value)]| {
        let node = Node::Resource(several(values));
        with(method, "/19/0/0", ContentFormat::TLV, tlv("/19/0/0", &node))
    };
    let bytes = |byte: u8| Value::Opaque(vec![byte]);
    let all = |world: &mut World| node("/19/0/0", &world.ask(get("/19/0/0", None)));
    assert_eq!(world.code(write(Method::Post, &[(3, bytes(3))])), "2.04");
    assert_eq!(all(&mut world), Node::Resource(several(&[(0, Value::Opaque(vec![])), (3, bytes(3))])));
    assert_eq!(world.code(with(Method::Put, "/19/0/0/3", ContentFormat::OPAQUE, [9])), "2.04");
    assert_eq!(world.code(with(Method::Put, "/19/0/0/4", ContentFormat::OPAQUE, [9])), "4.04");
    assert_eq!(world.code(write(Method::Put, &[(1, bytes(1)), (2, bytes(2))])), "2.04");
    assert_eq!(all(&mut world), Node::Resource(several(&[(1, bytes(1)), (2, bytes(2))])));
    assert_eq!(world.code(write(Method::Put, &[])), "2.04");
    assert_eq!(all(&mut world), Node::Resource(several(&[])));
}

#[test]
fn malformed_writes_are_refused_and_change_nothing() {
    let mut world = World::registered(sensor());
    let before = format!("{:?}", world.device.objects());
    let json = ContentFormat::SENML_JSON;
    let cases: [(Request, &str); 15] = [
        (with(Method::Put, "/3/0/15", ContentFormat(9999), "a"), "4.15"),
        (with(Method::Put, "/3/0/15", ContentFormat::LINK, "</>"), "4.15"),
        (with(Method::Put, "/1/0", ContentFormat::TEXT, "a"), "4.15"),
        (Request { payload: vec![1], ..Request::new(Method::Put, "/3/0/15") }, "4.00"),
        (with(Method::Put, "/1/0/1", ContentFormat::TEXT, "soon"), "4.00"),
        (with(Method::Put, "/1/0/1", ContentFormat::TLV, [0xc8, 1, 200, 1]), "4.00"),
        (with(Method::Put, "/1/0/1", ContentFormat::CBOR, [0xff]), "4.00"),
        (with(Method::Put, "/1/0/1", json, "[{"), "4.00"),
        (with(Method::Put, "/1/0/1", json, r#"[{"n":"/3/0/15","vs":"a"}]"#), "4.00"),
        (with(Method::Put, "/19/0/0", ContentFormat::OPAQUE, [1]), "4.00"),
        (with(Method::Put, "/3/0/0", ContentFormat::TEXT, "a"), "4.05"),
        (with(Method::Put, "/3/0/4", ContentFormat::TEXT, "a"), "4.05"),
        (with(Method::Put, "/3", ContentFormat::TLV, []), "4.05"),
        (with(Method::Put, "/3/0/17", ContentFormat::TEXT, "a"), "4.04"),
        (with(Method::Put, "/0/0/0", ContentFormat::TEXT, "a"), "4.01"),
    ];
    for (request, code) in cases {
        let response = world.ask(request.clone());
        assert_eq!(response.code.to_string(), code, "{request:?}");
        assert!(!response.payload.is_empty(), "the server is told why");
    }
    assert_eq!(format!("{:?}", world.device.objects()), before);
    assert!(world.events.is_empty());
}

#[test]
fn a_hundred_kibibytes_are_written_and_read_back_in_blocks() {
    for size in [BlockSize::B1024, BlockSize::B64] {
        let mut profile = sensor();
        profile.coap.block_size = size;
        let mut world = World::registered(profile);
        let body: Vec<u8> = (0..100 * 1024_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
        assert_eq!(world.code(with(Method::Put, "/19/0/0/0", ContentFormat::OPAQUE, body.clone())), "2.04");
        assert_eq!(world.ask(get("/19/0/0/0", Some(ContentFormat::OPAQUE))).payload, body);
        let response = world.ask(get("/19/0/0/0", Some(ContentFormat::SENML_CBOR)));
        assert_eq!(value("/19/0/0/0", &response), Value::Opaque(body));
        assert_eq!(world.events, [(world.events[0].0, Event::Written { path: path("/19/0/0/0") })]);
    }
}

#[test]
fn discover_names_what_is_there_with_attributes_and_dimensions() {
    let mut world = World::registered(sensor());
    let mut discover = |at: &str| {
        let response = world.ask(get(at, Some(ContentFormat::LINK)));
        assert_eq!(response.content_format, Some(40));
        String::from_utf8(response.payload).unwrap()
    };
    assert_eq!(discover("/16"), "</16>");
    assert_eq!(
        discover("/3303"),
        "</3303>,</3303/0>,</3303/0/5601>,</3303/0/5602>,</3303/0/5605>,</3303/0/5700>,</3303/0/5701>"
    );
    assert!(discover("/3").starts_with("</3>;ver=1.1,</3/0>,</3/0/0>,"));
    assert!(discover("/3/0").contains("</3/0/4>,</3/0/5>,</3/0/6>;dim=2,"));
    assert_eq!(discover("/3/0/6"), "</3/0/6>;dim=2,</3/0/6/0>,</3/0/6/1>");
    assert_eq!(world.code(attributes("/3303", "pmax=60")), "2.04");
    assert_eq!(world.code(attributes("/3303/0", "pmin=5")), "2.04");
    assert_eq!(world.code(attributes("/3303/0/5700", "gt=30 st=0.5 pmax=90")), "2.04");
    let mut discover =
        |at: &str| String::from_utf8(world.ask(get(at, Some(ContentFormat::LINK))).payload).unwrap();
    assert_eq!(discover("/3303/0/5700"), "</3303/0/5700>;pmin=5;pmax=90;gt=30;st=0.5");
    assert!(discover("/3303/0").starts_with("</3303/0>;pmin=5;pmax=60,</3303/0/5601>,"));
    assert!(discover("/3303/0").contains("</3303/0/5700>;pmax=90;gt=30;st=0.5,"));
    assert_eq!(world.code(get("/5", Some(ContentFormat::LINK))), "4.04");
    assert_eq!(world.code(get("/3/0/6/0", Some(ContentFormat::LINK))), "4.05");
}

#[test]
fn attributes_that_cannot_be_are_refused() {
    let mut world = World::registered(sensor());
    for (at, queries, code) in [
        ("/3303/0/5700", "pmin=60 pmax=5", "4.00"),
        ("/3303/0/5700", "epmin=5 epmax=5", "4.00"),
        ("/3303/0/5700", "lt=30 gt=20", "4.00"),
        ("/3303/0/5700", "lt=20 gt=22 st=1", "4.00"),
        ("/3303/0/5700", "st=-1", "4.00"),
        ("/3303/0/5700", "pmin=soon", "4.00"),
        ("/3303/0/5700", "colour=red", "4.00"),
        ("/3303/0/5700", "con=1", "4.00"),
        ("/3303/0", "gt=1", "4.00"),
        ("/3/0/0", "gt=1", "4.00"),
        ("/3/0/4", "pmin=1", "4.00"),
        ("/3303/9", "pmin=1", "4.04"),
        ("/0", "pmin=1", "4.01"),
    ] {
        assert_eq!(world.code(attributes(at, queries)), code, "{at} {queries}");
    }
    assert_eq!(world.code(attributes("/3303", "pmax=10")), "2.04");
    assert_eq!(world.code(attributes("/3303/0/5700", "pmin=11")), "4.00", "what is inherited counts");
    assert_eq!(world.code(attributes("/3303", "pmax")), "2.04");
    assert_eq!(world.code(attributes("/3303/0/5700", "pmin=11")), "2.04");
}

#[test]
fn an_execute_hands_its_arguments_over() {
    let mut world = World::registered(sensor());
    let execute = |at: &str, arguments: &str| with(Method::Post, at, ContentFormat::TEXT, arguments);
    assert_eq!(world.code(execute("/3303/0/5605", "0='a',1")), "2.04");
    let arguments = vec![Argument { digit: 0, value: Some("a".into()) }, Argument { digit: 1, value: None }];
    assert_eq!(world.count(&Event::Executed { path: path("/3303/0/5605"), arguments }), 1);
    assert_eq!(world.code(execute("/3303/0/5605", "0=a")), "4.00");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/5700")), "4.05");
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/15")), "4.05");
    assert_eq!(world.code(Request::new(Method::Post, "/1/0/9")), "4.05", "there is no bootstrap");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/9999")), "4.04");
    assert_eq!(world.code(Request::new(Method::Post, "/3303/1/5605")), "4.04");
    assert_eq!(world.events.len(), 1);
}

#[test]
fn reset_error_code_leaves_no_error() {
    let mut world = World::registered(sensor());
    world.set("/3/0/11/0", Value::Integer(1));
    world.set("/3/0/11/1", Value::Integer(4));
    assert_eq!(world.code(Request::new(Method::Post, "/3/0/12")), "2.04");
    let codes = world.ask(get("/3/0/11", None));
    assert_eq!(node("/3/0/11", &codes), Node::Resource(several(&[(0, Value::Integer(0))])));
}

#[test]
fn instances_are_created_and_deleted() {
    let mut world = World::registered(sensor());
    let identity = instance(&[(0, several(&[(0, text("host")), (3, text("version"))]))]);
    let bare = tlv("/16/0", &Node::Instance(identity.clone()));
    let response = world.ask(with(Method::Post, "/16", ContentFormat::TLV, bare.clone()));
    assert_eq!((response.code, response.location_path), (Code::CREATED, vec!["16".into(), "0".into()]));
    let named = Node::Object(Object { instances: [(InstanceId(7), identity.clone())].into() });
    let response = world.ask(with(Method::Post, "/16", ContentFormat::TLV, tlv("/16", &named)));
    assert_eq!(response.location_path, ["16", "7"]);
    let response = world.ask(with(Method::Post, "/16", ContentFormat::TLV, bare));
    assert_eq!(response.location_path, ["16", "1"], "the first one that is free");
    assert_eq!(node("/16/7", &world.ask(get("/16/7", None))), Node::Instance(identity));
    assert_eq!(world.count(&Event::Created { path: path("/16/7") }), 1);
    world.run(seconds(1));
    let links = String::from_utf8_lossy(&world.asked.last().unwrap().request.payload).into_owned();
    assert!(links.contains("</16/0>,</16/1>,</16/7>"), "{links}");

    assert_eq!(
        world.code(with(Method::Post, "/16", ContentFormat::TLV, tlv("/16", &named))),
        "4.00",
        "it exists"
    );
    assert_eq!(world.code(Request::new(Method::Delete, "/16/7")), "2.02");
    assert_eq!(world.code(Request::new(Method::Delete, "/16/7")), "4.04");
    assert_eq!(world.count(&Event::Deleted { path: path("/16/7") }), 1);
    world.run(seconds(1));
    let links = String::from_utf8_lossy(&world.asked.last().unwrap().request.payload).into_owned();
    assert!(links.contains("</16/0>,</16/1>,</19/0>"), "{links}");
}

#[test]
fn a_created_instance_has_all_that_is_mandatory() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(with(Method::Post, "/3303", ContentFormat::TLV, [])), "2.01");
    let sensor = world.ask(get("/3303/1/5700", None));
    assert_eq!(value("/3303/1/5700", &sensor), Value::Float(0.0));
    assert_eq!(world.code(Request::new(Method::Post, "/3303/1/5605")), "2.04");
}

#[test]
fn what_cannot_be_created_or_deleted_says_why() {
    let mut world = World::registered(sensor());
    let json = |at, text: &str| with(Method::Post, at, ContentFormat::SENML_JSON, text);
    for (request, code) in [
        (with(Method::Post, "/3", ContentFormat::TLV, []), "4.05"),
        (with(Method::Post, "/1", ContentFormat::TLV, []), "4.05"),
        (with(Method::Post, "/5", ContentFormat::TLV, []), "4.04"),
        (with(Method::Post, "/0", ContentFormat::TLV, []), "4.01"),
        (with(Method::Post, "/16", ContentFormat::TLV, []), "4.00"),
        (with(Method::Post, "/16", ContentFormat::TEXT, "a"), "4.15"),
        (Request::new(Method::Post, "/16"), "4.00"),
        (json("/16", r#"[{"n":"/16/0/9","vs":"a"}]"#), "4.04"),
        (json("/16", r#"[{"n":"/16/0/0","vs":"a"}]"#), "4.00"),
        (json("/16", r#"[{"n":"/16/0/0/0","vs":"a"},{"n":"/16/1/0/0","vs":"a"}]"#), "4.00"),
        (Request::new(Method::Delete, "/3/0"), "4.05"),
        (Request::new(Method::Delete, "/1/0"), "4.05"),
        (Request::new(Method::Delete, "/3303"), "4.05"),
        (Request::new(Method::Delete, "/3303/0/5700"), "4.05"),
        (Request::new(Method::Delete, "/3303/5"), "4.04"),
        (Request::new(Method::Fetch, "/"), "4.05"),
        (Request::new(Method::IPatch, "/3"), "4.05"),
    ] {
        assert_eq!(world.code(request.clone()), code, "{request:?}");
    }
}

#[test]
fn an_object_has_a_bounded_number_of_instances() {
    let mut world = World::registered(sensor());
    let max = device::Tree::MAX_INSTANCES;
    for id in 0..max {
        world.set(&format!("/3303/{id}/5700"), Value::Float(0.0));
    }
    assert_eq!(world.code(with(Method::Post, "/3303", ContentFormat::TLV, [])), "5.03");
    assert_eq!(world.device.counters().max_instances, 1);
}

#[test]
fn faults_are_as_they_are_set() {
    let mut world = World::registered(sensor());
    let fault = |how| vec![Misbehaviour { operation: Operation::Read, within: path("/3/0"), how }];
    let mut read = |how| {
        world.device.faults_mut().misbehaviours = fault(how);
        let before = world.now;
        let (_, outcome) = world.outcome(get("/3/0/9", None));
        (world.now - before, outcome)
    };
    assert_eq!(read(How::Ignore).1, Err(Failure::TimedOut { acknowledged: false }));
    assert_eq!(read(How::AcknowledgeOnly).1, Err(Failure::TimedOut { acknowledged: true }));
    assert_eq!(read(How::AnswerWith(Code::FORBIDDEN)).1.unwrap().code, Code::FORBIDDEN);
    let (took, outcome) = read(How::AnswerLate(seconds(30)));
    assert_eq!(value("/3/0/9", &outcome.unwrap()), Value::Integer(100));
    assert_eq!(took.as_secs(), 30);
    let (took, outcome) = read(How::AnswerLate(Duration::from_millis(300)));
    assert!(outcome.is_ok() && took < seconds(1));
    let malformed = read(How::AnswerMalformed).1.unwrap();
    assert_eq!((malformed.code, malformed.content_format), (Code::CONTENT, Some(11542)));
    let registry = Registry::core();
    let models = Models::newest(&registry);
    for format in STRUCTURED.into_iter().chain([ContentFormat::CBOR, ContentFormat::TEXT]) {
        assert!(codec::decode(format, &path("/3/0/9"), &malformed.payload, &models, 0).is_err(), "{format}");
    }
    assert_eq!(world.code(get("/3303/0", None)), "2.05", "elsewhere it behaves");
    assert_eq!(world.code(get("/3/0/9", Some(ContentFormat::LINK))), "2.05", "and with other operations");
}

#[test]
fn an_operation_that_is_answered_late_is_done_once() {
    let mut world = World::registered(sensor());
    let how = How::AnswerLate(seconds(20));
    let fault = Misbehaviour { operation: Operation::Execute, within: path("/3303"), how };
    world.device.faults_mut().misbehaviours.push(fault);
    assert_eq!(world.code(Request::new(Method::Post, "/3303/0/5605")), "2.04");
    assert_eq!(world.events.len(), 1);
    world.call(Device::stop);
    world.assert_quiescence();
}
