//! What a TLV may look like and what it may not: heads, lengths, types and nesting.

use hex_literal::hex;
use objects::{
    ContentFormat, DataType, Node, Value,
    codec::{self, DecodeError, EncodeError},
};

use crate::common::{decode, decode_one, models, multiple, no_models, object_of, path, single};

const TLV: ContentFormat = ContentFormat::TLV;

fn value_at(at: &str, payload: &[u8]) -> Value {
    match decode_one(TLV, at, payload) {
        Node::Resource(objects::Resource::Single(value)) => value,
        other => panic!("{other:?}"),
    }
}

fn written(at: &str, value: Value) -> Vec<u8> {
    codec::encode(TLV, &path(at), &Node::Resource(single(value)), &models()).unwrap()
}

#[test]
fn heads_are_as_short_as_they_can_be() {
    for (length, head) in [
        (0, &hex!("c0 05")[..]),
        (7, &hex!("c7 05")),
        (8, &hex!("c8 05 08")),
        (255, &hex!("c8 05 ff")),
        (256, &hex!("d0 05 0100")),
        (65_535, &hex!("d0 05 ffff")),
        (65_536, &hex!("d8 05 010000")),
    ] {
        let payload = [head, &vec![0xaa; length]].concat();
        assert_eq!(written("/32000/0/5", Value::Opaque(vec![0xaa; length])), payload);
        assert_eq!(value_at("/32000/0/5", &payload), Value::Opaque(vec![0xaa; length]));
    }
    let wide =
        codec::encode(TLV, &path("/32001/0/256"), &Node::Resource(single(Value::Opaque(vec![1]))), &models());
    assert_eq!(wide.as_deref(), Ok(&hex!("e1 0100 01")[..]));
}

#[test]
fn longer_heads_than_needed_are_read() {
    for payload in
        [&hex!("e1 0009 64")[..], &hex!("c8 09 01 64"), &hex!("d0 09 0001 64"), &hex!("f8 0009 000001 64")]
    {
        assert_eq!(value_at("/3/0/9", payload), Value::Integer(100));
    }
    // The low bits of the type byte mean nothing beside a length field.
    assert_eq!(value_at("/3/0/9", &hex!("cf 09 01 64")), Value::Integer(100));
}

#[test]
fn more_than_24_bits_of_length_are_not_written() {
    let value = Value::Opaque(vec![0; 0x100_0000]);
    let result = codec::encode(TLV, &path("/32000/0/5"), &Node::Resource(single(value)), &models());
    assert_eq!(result, Err(EncodeError::TooLong { path: path("/32000/0/5"), length: 0x100_0000 }));
}

#[test]
fn integers_have_1_2_4_or_8_bytes() {
    for (payload, number) in [
        (&hex!("c1 01 80")[..], -128),
        (&hex!("c1 01 7f"), 127),
        (&hex!("c2 01 0080"), 128),
        (&hex!("c2 01 ff7f"), -129),
        (&hex!("c4 01 00008000"), 32_768),
        (&hex!("c8 01 08 0000000080000000"), 2_147_483_648),
        (&hex!("c8 01 08 8000000000000000"), i64::MIN),
    ] {
        assert_eq!(value_at("/32000/0/1", payload), Value::Integer(number));
        assert_eq!(written("/32000/0/1", Value::Integer(number)), payload);
    }
    for payload in [&hex!("c0 01")[..], &hex!("c3 01 000001"), &hex!("c8 01 09 000000000000000001")] {
        let error = decode(TLV, "/32000/0/1", payload).unwrap_err();
        assert!(matches!(error, DecodeError::Length { expected: DataType::Integer, .. }), "{error}");
    }
}

#[test]
fn unsigned_integers_are_read_as_such_and_written_for_those_who_read_them_signed() {
    assert_eq!(value_at("/32000/0/2", &hex!("c1 02 ff")), Value::Unsigned(255));
    assert_eq!(value_at("/32000/0/2", &hex!("c2 02 ffff")), Value::Unsigned(65_535));
    assert_eq!(written("/32000/0/2", Value::Unsigned(127)), hex!("c1 02 7f"));
    assert_eq!(written("/32000/0/2", Value::Unsigned(255)), hex!("c2 02 00ff"));
    assert_eq!(written("/32000/0/2", Value::Unsigned(u64::MAX)), hex!("c8 02 08 ffffffffffffffff"));
}

#[test]
fn floats_have_4_or_8_bytes_and_4_where_nothing_is_lost() {
    assert_eq!(value_at("/32000/0/3", &hex!("c4 03 41ac0000")), Value::Float(21.5));
    assert_eq!(value_at("/32000/0/3", &hex!("c8 03 08 4035800000000000")), Value::Float(21.5));
    assert_eq!(written("/32000/0/3", Value::Float(21.5)), hex!("c4 03 41ac0000"));
    assert_eq!(written("/32000/0/3", Value::Float(0.1)), hex!("c8 03 08 3fb999999999999a"));
    let error = decode(TLV, "/32000/0/3", &hex!("c2 03 0001")).unwrap_err();
    assert_eq!(error, DecodeError::Length { path: path("/32000/0/3"), expected: DataType::Float, length: 2 });
}

#[test]
fn a_boolean_is_0_or_1() {
    assert_eq!(value_at("/32000/0/4", &hex!("c1 04 00")), Value::Boolean(false));
    assert_eq!(value_at("/32000/0/4", &hex!("c1 04 01")), Value::Boolean(true));
    assert!(matches!(decode(TLV, "/32000/0/4", &hex!("c1 04 02")), Err(DecodeError::OutOfRange { .. })));
    assert!(matches!(decode(TLV, "/32000/0/4", &hex!("c0 04")), Err(DecodeError::Length { length: 0, .. })));
}

#[test]
fn text_is_utf8() {
    let error = decode(TLV, "/3/0/0", &hex!("c2 00 c328")).unwrap_err();
    assert_eq!(error, DecodeError::NotUtf8 { path: path("/3/0/0") });
}

#[test]
fn an_object_link_has_4_bytes() {
    assert!(matches!(
        decode(TLV, "/32000/0/7", &hex!("c3 07 000300")),
        Err(DecodeError::Length { length: 3, .. })
    ));
}

#[test]
fn a_length_never_reaches_past_the_end() {
    for (payload, offset, needed, available) in [
        (&hex!("c1")[..], 1, 1, 0),
        (&hex!("e1 00"), 1, 2, 1),
        (&hex!("c1 09"), 2, 1, 0),
        (&hex!("c8 00"), 2, 1, 0),
        (&hex!("d8 00 ffff"), 2, 3, 2),
        (&hex!("d8 00 ffffff 00"), 5, 0xff_ffff, 1),
        // Of an inner one, past the end of what holds it.
        (&hex!("82 06 41 00"), 4, 1, 0),
    ] {
        let error = decode(TLV, "/3/0", payload).unwrap_err();
        assert_eq!(error, DecodeError::Truncated { offset, needed, available }, "{payload:02x?}");
    }
}

#[test]
fn nesting_is_that_of_the_data_model() {
    for (at, payload, offset, found) in [
        ("/3/0", &hex!("41 00 01")[..], 0, "Resource Instance"),
        ("/3/0", &hex!("c1 09 64 00 00"), 3, "Object Instance"),
        ("/3", &hex!("41 00 01"), 0, "Resource Instance"),
        ("/3", &hex!("00 00 c1 09 64"), 2, "Resource with Value"),
        ("/3/0/6", &hex!("83 06 c1 00 01"), 2, "Resource with Value"),
        ("/3/0/6", &hex!("82 06 80 00"), 2, "Multiple Resource"),
        ("/3/0/6", &hex!("41 00 01 c1 06 01"), 3, "Resource with Value"),
    ] {
        match decode(TLV, at, payload).unwrap_err() {
            DecodeError::Misplaced { offset: at_offset, found: kind, .. } => {
                assert_eq!((at_offset, kind), (offset, found), "{payload:02x?}");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn nothing_stands_twice() {
    for (at, payload, twice) in [
        ("/3", &hex!("00 00 00 00")[..], "/3/0"),
        ("/3/0", &hex!("c1 09 64 c1 09 65"), "/3/0/9"),
        ("/3/0", &hex!("86 06 41 00 01 41 00 05"), "/3/0/6/0"),
        ("/3/0/9", &hex!("c1 09 64 c1 09 65"), "/3/0/9"),
    ] {
        let error = decode(TLV, at, payload).unwrap_err();
        assert_eq!(error, DecodeError::Duplicate { path: path(twice) });
    }
}

#[test]
fn what_was_not_asked_for_is_refused() {
    for (at, payload, found) in [
        ("/3/0", &hex!("00 01")[..], "/3/1"),
        ("/3/0/9", &hex!("c1 0a 64"), "/3/0/10"),
        ("/3/0/6/1", &hex!("41 00 05"), "/3/0/6/0"),
        ("/3/0/6/1", &hex!("86 06 41 00 01 41 01 05"), "/3/0/6/0"),
        ("/3/0/6/1", &hex!("c1 06 05"), "/3/0/6"),
    ] {
        let error = decode(TLV, at, payload).unwrap_err();
        assert_eq!(error, DecodeError::Outside { base: path(at), found: path(found) });
    }
}

#[test]
fn the_identifier_65535_names_nothing() {
    for (at, payload) in [
        ("/3", &hex!("20 ffff")[..]),
        ("/3/0", &hex!("e1 ffff 00")),
        ("/3/0", &hex!("a0 ffff")),
        ("/3/0/6", &hex!("61 ffff 00")),
    ] {
        assert!(matches!(decode(TLV, at, payload), Err(DecodeError::Reserved { .. })), "{payload:02x?}");
    }
}

// A Create may leave the choice of the instance to the device, which then reads the payload at its own choice.
#[test]
fn resources_without_an_instance_at_a_multiple_instance_object() {
    let payload = hex!("c4 01 00015180");
    let error = decode(TLV, "/1", &payload).unwrap_err();
    assert_eq!(error, DecodeError::NoInstance { path: path("/1") });
    assert!(matches!(decode_one(TLV, "/1/7", &payload), Node::Instance(_)));
}

#[test]
fn the_definition_decides_the_type_that_is_written() {
    assert_eq!(written("/32000/0/3", Value::Integer(5)), hex!("c4 03 40a00000"));
    assert_eq!(written("/32000/0/6", Value::Integer(5)), hex!("c1 06 05"));
    assert_eq!(written("/32000/0/1", Value::Float(5.0)), hex!("c1 01 05"));
    let wrong = |at: &str, value| {
        codec::encode(TLV, &path(at), &Node::Resource(single(value)), &models()).unwrap_err()
    };
    for (at, value, expected, found) in [
        ("/32000/0/1", Value::Float(5.5), DataType::Integer, DataType::Float),
        ("/32000/0/2", Value::Integer(-1), DataType::Unsigned, DataType::Integer),
        ("/32000/0/0", Value::Integer(5), DataType::String, DataType::Integer),
        ("/32000/0/3", Value::Integer(i64::MAX), DataType::Float, DataType::Integer),
    ] {
        assert_eq!(wrong(at, value), EncodeError::WrongType { path: path(at), expected, found });
    }
}

#[test]
fn a_node_of_another_level_than_its_path_is_refused() {
    for (at, node) in [
        ("/3", Node::Resource(single(Value::Integer(1)))),
        ("/3/0/6", Node::Object(object_of([]))),
        ("/3/0/6", Node::ResourceInstance(Value::Integer(1))),
        ("/", Node::Object(object_of([]))),
    ] {
        let error = codec::encode(TLV, &path(at), &node, &no_models()).unwrap_err();
        assert_eq!(error, EncodeError::Mismatch { path: path(at) });
    }
    let reserved = Node::Resource(multiple([(u16::MAX, Value::Integer(1))]));
    assert!(codec::encode(TLV, &path("/3/0/6"), &reserved, &models()).is_err());
}
