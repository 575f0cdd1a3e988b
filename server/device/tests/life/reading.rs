//! Read and Discover, and their errors.

use coap::{Code, Method};
use device::Profile;
use objects::{ContentFormat, Node, Resource, Version};

use crate::world::{SINGLE, STRUCTURED, World, attributes, get, node, path, seconds, sensor, with};

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
fn an_answer_after_a_long_silence_is_as_large_as_any() {
    let mut profile = sensor();
    profile.lifetime = 86_400;
    let mut world = World::registered(profile);
    world.run(seconds(3600));
    let before = world.sent;
    assert_eq!(world.code(get("/3/0", Some(ContentFormat::SENML_JSON))), "2.05");
    assert_eq!(world.sent - before, 1);
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
