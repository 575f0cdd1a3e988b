//! Write, Create and Delete, and their errors.

use coap::{BlockSize, Code, Method, Request};
use device::Event;
use objects::{
    ContentFormat, Instance, InstanceId, Models, Node, Object, Registry, Resource, ResourceId, Value, codec,
};

use crate::world::{
    SINGLE, STRUCTURED, World, attributes, get, node, path, seconds, sensor, several, value, with,
};

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

fn text(text: &str) -> Value {
    Value::String(text.into())
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
    let cases: [(Request, &str); 17] = [
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
        (with(Method::Put, "/3/0/9", ContentFormat::TEXT, "full"), "4.05"),
        (with(Method::Put, "/3/0/7/0", ContentFormat::TEXT, "1"), "4.05"),
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
fn a_new_instance_has_no_attributes_of_an_old_one() {
    let mut world = World::registered(sensor());
    assert_eq!(world.code(attributes("/3303/0/5700", "pmin=5")), "2.04");
    assert_eq!(world.code(Request::new(Method::Delete, "/3303/0")), "2.02");
    assert_eq!(world.code(with(Method::Post, "/3303", ContentFormat::TLV, [])), "2.01");
    let links = world.ask(get("/3303/0/5700", Some(ContentFormat::LINK)));
    assert_eq!(links.payload, b"</3303/0/5700>");
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
        (Request::new(Method::Fetch, "/"), "4.00"),
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
