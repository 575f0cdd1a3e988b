//! The TLV examples of the specification, read and written (LwM2M 1.0.2 §6.4.3, LwM2M Core 1.1.1 §7.4).

use hex_literal::hex;
use objects::{ContentFormat, Instance, Node, ObjectLink, Path, Value, codec};

use crate::common::{
    decode, decode_one, example_device, flat, instance, models, multiple, object_of, path, single, text,
};

/// Reads the payload at the path, expects the node, and expects the same payload to be written for it.
fn both_ways(at: &str, payload: &[u8], node: Node) {
    assert_eq!(decode_one(ContentFormat::TLV, at, payload), node);
    assert_eq!(codec::encode(ContentFormat::TLV, &path(at), &node, &models()).as_deref(), Ok(payload));
}

/// LwM2M 1.0.2 §6.4.3.1
const DEVICE: [u8; 121] = hex!(
    "c8 00 14 4f70656e204d6f62696c6520416c6c69616e6365"
    "c8 01 16 4c69676874776569676874204d324d20436c69656e74"
    "c8 02 09 333435303030313233"
    "c3 03 312e30"
    "86 06 41 00 01 41 01 05"
    "88 07 08 42 00 0ed8 42 01 1388"
    "87 08 41 00 7d 42 01 0384"
    "c1 09 64"
    "c1 0a 0f"
    "83 0b 41 00 00"
    "c4 0d 5182428f"
    "c6 0e 2b30323a3030"
    "c1 10 55"
);

#[test]
fn an_object_instance() {
    both_ways("/3/0", &DEVICE, Node::Instance(example_device()));
}

// LwM2M 1.0.2 §6.4.3.2 A
#[test]
fn an_object_of_one_instance() {
    let payload = [&hex!("08 00 79")[..], &DEVICE].concat();
    both_ways("/3", &payload, Node::Object(object_of([(0, example_device())])));
}

// LwM2M 1.0.2 §6.4.3.2 B
#[test]
fn an_object_of_two_instances() {
    let payload = hex!(
        "08 00 0e  c1 00 01  c1 01 00  83 02 41 7f 07  c1 03 7f"
        "08 02 12  c1 00 03  c1 01 00  87 02 41 7f 07 61 0136 01  c1 03 7f"
    );
    let entry = |object, rights: &[(u16, i64)]| {
        instance([
            (0, single(Value::Integer(object))),
            (1, single(Value::Integer(0))),
            (2, multiple(rights.iter().map(|(server, rights)| (*server, Value::Integer(*rights))))),
            (3, single(Value::Integer(127))),
        ])
    };
    let object = object_of([(0, entry(1, &[(127, 7)])), (2, entry(3, &[(127, 7), (310, 1)]))]);
    both_ways("/2", &payload, Node::Object(object));
}

// LwM2M 1.0.2 §6.4.3.2 C
#[test]
fn an_object_that_could_have_more_instances() {
    let payload = hex!("08 00 0f  c1 00 01  c4 01 00015180  c1 06 01  c1 07 55");
    let server = instance([
        (0, single(Value::Integer(1))),
        (1, single(Value::Integer(86_400))),
        (6, single(Value::Boolean(true))),
        (7, single(text("U"))),
    ]);
    both_ways("/1", &payload, Node::Object(object_of([(0, server)])));
}

// LwM2M 1.0.2 §6.4.3.3
#[test]
fn object_links() {
    let link = |object, instance| Value::ObjectLink(ObjectLink { object, instance });
    let payload = hex!(
        "88 00 0c 44 00 00420000 44 01 00420001"
        "c8 01 0d 38363133383030373535353030"
        "c4 02 12345678"
    );
    let referring = instance([
        (0, multiple([(0, link(66, 0)), (1, link(66, 1))])),
        (1, single(text("8613800755500"))),
        (2, single(Value::Integer(0x1234_5678))),
    ]);
    both_ways("/65/0", &payload, Node::Instance(referring));

    let payload = hex!(
        "08 00 26 c8 00 0b 6d79536572766963652031 c8 01 0f 496e7465726e65742e31352e323334 c4 02 00430000"
        "08 01 26 c8 00 0b 6d79536572766963652032 c8 01 0f 496e7465726e65742e31352e323335 c4 02 ffffffff"
    );
    let service = |name: &str, address: &str, link| {
        instance([(0, single(text(name))), (1, single(text(address))), (2, single(link))])
    };
    let services = object_of([
        (0, service("myService 1", "Internet.15.234", link(67, 0))),
        (1, service("myService 2", "Internet.15.235", Value::ObjectLink(ObjectLink::NULL))),
    ]);
    both_ways("/66", &payload, Node::Object(services));
}

#[test]
fn a_single_resource() {
    both_ways("/3/0/9", &hex!("c1 09 64"), Node::Resource(single(Value::Integer(100))));
}

#[test]
fn a_multiple_resource() {
    let sources = multiple([(0, Value::Integer(1)), (1, Value::Integer(5))]);
    both_ways("/3/0/6", &hex!("86 06 41 00 01 41 01 05"), Node::Resource(sources));
}

#[test]
fn a_resource_instance() {
    both_ways("/3/0/6/1", &hex!("41 01 05"), Node::ResourceInstance(Value::Integer(5)));
}

#[test]
fn a_resource_instance_within_its_resource() {
    let node = decode_one(ContentFormat::TLV, "/3/0/6/1", &hex!("83 06 41 01 05"));
    assert_eq!(node, Node::ResourceInstance(Value::Integer(5)));
}

// A Write of an array may name the resource by its path alone.
#[test]
fn bare_resource_instances_at_their_resource() {
    let node = decode_one(ContentFormat::TLV, "/3/0/6", &hex!("41 00 01 41 01 05"));
    assert_eq!(node, Node::Resource(multiple([(0, Value::Integer(1)), (1, Value::Integer(5))])));
}

#[test]
fn an_instance_around_what_was_asked_for() {
    let payload = [&hex!("08 00 79")[..], &DEVICE].concat();
    assert_eq!(decode_one(ContentFormat::TLV, "/3/0", &payload), Node::Instance(example_device()));
    let node = decode_one(ContentFormat::TLV, "/3/0/9", &hex!("03 00 c1 09 64"));
    assert_eq!(node, Node::Resource(single(Value::Integer(100))));
}

// LwM2M 1.0.2 §6.4.3.1: the instance may be left out where the object has no other.
#[test]
fn resources_without_an_instance_at_a_single_instance_object() {
    assert_eq!(
        decode_one(ContentFormat::TLV, "/3", &DEVICE),
        Node::Object(object_of([(0, example_device())]))
    );
}

#[test]
fn nothing_at_all_is_an_empty_node() {
    both_ways("/3", &[], Node::Object(object_of([])));
    both_ways("/3/0", &[], Node::Instance(Instance::default()));
    assert_eq!(decode_one(ContentFormat::TLV, "/3/0/6", &[]), Node::Resource(multiple([])));
    assert!(decode(ContentFormat::TLV, "/3/0/9", &[]).is_err());
}

#[test]
fn empty_parts_are_kept() {
    both_ways("/3/0/6", &hex!("80 06"), Node::Resource(multiple([])));
    both_ways("/3/0/0", &hex!("c0 00"), Node::Resource(single(text(""))));
    both_ways("/3/0", &hex!("80 06"), Node::Instance(instance([(6, multiple([]))])));
    both_ways("/3303", &hex!("00 05"), Node::Object(object_of([(5, Instance::default())])));
}

#[test]
fn unknown_resources_are_kept_as_bytes() {
    let payload = hex!("c1 09 64  e2 1234 abcd  a4 1235 42 00 0102");
    let node = decode_one(ContentFormat::TLV, "/3/0", &payload);
    let expected = [
        ("/3/0/9".to_owned(), Value::Integer(100)),
        ("/3/0/4660".to_owned(), Value::Opaque(vec![0xab, 0xcd])),
        ("/3/0/4661/0".to_owned(), Value::Opaque(vec![1, 2])),
    ];
    assert_eq!(flat("/3/0", &node), expected);
    assert_eq!(
        codec::encode(ContentFormat::TLV, &path("/3/0"), &node, &models()).as_deref(),
        Ok(&payload[..])
    );
}

#[test]
fn an_unknown_object_is_kept_as_bytes() {
    let node = decode_one(ContentFormat::TLV, "/32001", &hex!("05 07 c3 01 616263"));
    assert_eq!(flat("/32001", &node), [("/32001/7/1".to_owned(), Value::Opaque(b"abc".to_vec()))]);
    let node = decode_one(ContentFormat::TLV, "/32001", &hex!("c3 01 616263"));
    assert_eq!(flat("/32001", &node), [("/32001/0/1".to_owned(), Value::Opaque(b"abc".to_vec()))]);
}

#[test]
fn the_number_used_before_the_registered_one_is_read() {
    let before = ContentFormat(1542);
    let node = decode_one(before, "/3/0/9", &hex!("c1 09 64"));
    assert_eq!(node, Node::Resource(single(Value::Integer(100))));
    assert_eq!(codec::encode(before, &path("/3/0/9"), &node, &models()).unwrap(), hex!("c1 09 64"));
}

#[test]
fn the_root_has_no_tlv() {
    assert!(codec::decode(ContentFormat::TLV, &Path::Root, &[], &models(), 0).is_err());
}
