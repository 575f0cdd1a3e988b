//! SenML CBOR as the specifications write it.

use hex_literal::hex;
use objects::{ContentFormat, Node, ObjectLink, Value, codec};

use crate::common::{decode, decode_one, example_device, flat, models, path, single, timed};

const CBOR: ContentFormat = ContentFormat::SENML_CBOR;

/// The records of the JSON example in LwM2M Core 1.1.1 §7.4, as RFC 8428 §6 writes them.
const DEVICE: &[u8] = &hex!(
    "90"
    "a3 21 65 2f332f302f 00 61 30 03 74 4f70656e204d6f62696c6520416c6c69616e6365"
    "a2 00 61 31 03 76 4c69676874776569676874204d324d20436c69656e74"
    "a2 00 61 32 03 69 333435303030313233"
    "a2 00 61 33 03 63 312e30"
    "a2 00 63 362f30 02 01"
    "a2 00 63 362f31 02 05"
    "a2 00 63 372f30 02 19 0ed8"
    "a2 00 63 372f31 02 19 1388"
    "a2 00 63 382f30 02 18 7d"
    "a2 00 63 382f31 02 19 0384"
    "a2 00 61 39 02 18 64"
    "a2 00 62 3130 02 0f"
    "a2 00 64 31312f30 02 00"
    "a2 00 62 3133 02 1a 5182428f"
    "a2 00 62 3134 03 66 2b30323a3030"
    "a2 00 62 3136 03 61 55"
);

#[test]
fn an_object_instance() {
    let device = Node::Instance(example_device());
    assert_eq!(decode_one(CBOR, "/3/0", DEVICE), device);
    assert_eq!(codec::encode(CBOR, &path("/3/0"), &device, &models()).as_deref(), Ok(DEVICE));
}

// RFC 8428 §6, with the names of resources.
#[test]
fn times_relative_to_a_base_time() {
    let payload = hex!(
        "84"
        "a7 21 68 2f333330332f302f 22 fb 41d303a15b001062 23 61 41 20 05 00 64 35363031 01 61 56 02 fb 405e066666666666"
        "a3 00 64 35373030 06 24 02 fb 3ff3333333333333"
        "a3 00 64 35373030 06 21 02 f9 3e00"
        "a3 00 64 35373030 06 00 02 fb 3ffb333333333333"
    );
    let sensor = |time_ms, id: u16, number| (Some(time_ms), format!("/3303/0/{id}"), Value::Float(number));
    let expected = [
        sensor(1_276_020_071_001, 5700, 1.2),
        sensor(1_276_020_074_001, 5700, 1.5),
        sensor(1_276_020_076_001, 5601, 120.1),
        sensor(1_276_020_076_001, 5700, 1.7),
    ];
    assert_eq!(timed(&decode(CBOR, "/3303/0", &payload).unwrap()), expected);
}

#[test]
fn every_kind_of_value() {
    let payload = hex!(
        "86"
        "a3 21 69 2f33323030302f302f 00 61 32 02 1b ffffffffffffffff"
        "a2 00 61 33 02 f9 4d60"
        "a2 00 61 34 04 f5"
        "a2 00 61 35 08 43 fbff00"
        "a2 00 61 37 63 766c6f 64 36363a31"
        "a2 00 61 38 03 66 3c2f332f303e"
    );
    let node = decode_one(CBOR, "/32000/0", &payload);
    let values: Vec<Value> = flat("/32000/0", &node).into_iter().map(|(_, value)| value).collect();
    let expected = [
        Value::Unsigned(u64::MAX),
        Value::Float(21.5),
        Value::Boolean(true),
        Value::Opaque(vec![0xfb, 0xff, 0x00]),
        Value::ObjectLink(ObjectLink { object: 66, instance: 1 }),
        Value::CoreLink("</3/0>".to_owned()),
    ];
    assert_eq!(values, expected);
    assert_eq!(codec::encode(CBOR, &path("/32000/0"), &node, &models()).as_deref(), Ok(&payload[..]));
}

#[test]
fn a_decimal_fraction_is_a_number() {
    let payload = hex!("81 a2 00 6c 2f333330332f302f35373030 02 c4 82 21 19 6ab3");
    assert_eq!(decode_one(CBOR, "/3303/0/5700", &payload), Node::Resource(single(Value::Float(273.15))));
    let time = hex!("81 a3 00 66 2f332f302f39 06 c4 82 20 1b 00000003f5476a05 02 01");
    assert_eq!(decode(CBOR, "/3/0/9", &time).unwrap()[0].time_ms, Some(1_700_000_000_500));
}

// RFC 8428 §6 keeps indefinite lengths for streams; there are devices that send them.
#[test]
fn indefinite_lengths_are_read() {
    let payload = hex!("9f bf 00 66 2f332f302f39 02 18 64 ff ff");
    assert_eq!(decode_one(CBOR, "/3/0/9", &payload), Node::Resource(single(Value::Integer(100))));
}

#[test]
fn whole_times_are_written_as_integers() {
    let sample = objects::Sample {
        time_ms: Some(1_700_000_000_000),
        path: path("/3/0/9"),
        node: Node::Resource(single(Value::Integer(100))),
    };
    let payload = codec::encode_many(CBOR, &[sample]).unwrap();
    assert_eq!(payload, hex!("81 a3 21 66 2f332f302f39 22 1a 6553f100 02 18 64"));
}
