//! The formats that carry one value: plain text, opaque and CBOR.

use hex_literal::hex;
use objects::{
    ContentFormat, DataType, Node, ObjectLink, Resource, Value,
    codec::{self, DecodeError, EncodeError, Found},
};

use crate::common::{ALL_TYPES, decode, models, multiple, no_models, path, single, text};

fn value_at(format: ContentFormat, at: &str, payload: &[u8]) -> Value {
    match crate::common::decode_one(format, at, payload) {
        Node::Resource(Resource::Single(value)) | Node::ResourceInstance(value) => value,
        other => panic!("{other:?}"),
    }
}

fn written(format: ContentFormat, at: &str, value: Value) -> Vec<u8> {
    codec::encode(format, &path(at), &Node::Resource(single(value)), &models()).unwrap()
}

fn unknown(format: ContentFormat, payload: &[u8]) -> Value {
    value_at(format, "/32001/0/0", payload)
}

/// The resource of `ALL_TYPES` that has the type.
fn of_type(data_type: DataType) -> String {
    let id = DataType::ALL.iter().position(|known| *known == data_type).unwrap();
    format!("/{ALL_TYPES}/0/{id}")
}

// LwM2M Core 1.1.1 Appendix C
#[test]
fn every_type_as_text() {
    for (value, payload) in [
        (text(" Open Mobile Alliance "), " Open Mobile Alliance "),
        (Value::Integer(-42), "-42"),
        (Value::Unsigned(u64::MAX), "18446744073709551615"),
        (Value::Float(-21.5), "-21.5"),
        (Value::Boolean(true), "1"),
        (Value::Boolean(false), "0"),
        (Value::Opaque(vec![0xfb, 0xff, 0x00]), "+/8A"),
        (Value::Time(1_367_491_215), "1367491215"),
        (Value::ObjectLink(ObjectLink { object: 66, instance: 1 }), "66:1"),
        (Value::CoreLink("</3/0>".to_owned()), "</3/0>"),
    ] {
        let at = of_type(value.data_type());
        assert_eq!(value_at(ContentFormat::TEXT, &at, payload.as_bytes()), value);
        assert_eq!(written(ContentFormat::TEXT, &at, value), payload.as_bytes());
    }
}

#[test]
fn text_that_is_no_value_of_the_type_says_so() {
    let at = of_type(DataType::Integer);
    let error = decode(ContentFormat::TEXT, &at, b"12x").unwrap_err();
    assert!(matches!(error, DecodeError::Form { path: found, .. } if found == path(&at)));
    let at = of_type(DataType::Opaque);
    assert_eq!(decode(ContentFormat::TEXT, &at, b"a=b"), Err(DecodeError::NotBase64 { path: path(&at) }));
    let at = of_type(DataType::String);
    assert_eq!(decode(ContentFormat::TEXT, &at, b"\xff"), Err(DecodeError::NotUtf8 { path: path(&at) }));
    let infinite = Node::Resource(single(Value::Float(f64::INFINITY)));
    let at = path(&of_type(DataType::Float));
    assert_eq!(
        codec::encode(ContentFormat::TEXT, &at, &infinite, &models()),
        Err(EncodeError::NoForm { path: at, format: ContentFormat::TEXT })
    );
}

#[test]
fn true_and_false_are_read_as_text() {
    let at = of_type(DataType::Boolean);
    assert_eq!(value_at(ContentFormat::TEXT, &at, b"true"), Value::Boolean(true));
    assert_eq!(value_at(ContentFormat::TEXT, &at, b"false"), Value::Boolean(false));
}

#[test]
fn unknown_text_stays_text_and_unknown_bytes_stay_bytes() {
    assert_eq!(unknown(ContentFormat::TEXT, b"42"), text("42"));
    assert_eq!(unknown(ContentFormat::TEXT, b"\xff\x00"), Value::Opaque(vec![0xff, 0]));
}

#[test]
fn opaque_is_the_bytes_themselves() {
    let at = of_type(DataType::Opaque);
    for payload in [&b""[..], b"\x00\xff"] {
        assert_eq!(value_at(ContentFormat::OPAQUE, &at, payload), Value::Opaque(payload.to_vec()));
        assert_eq!(written(ContentFormat::OPAQUE, &at, Value::Opaque(payload.to_vec())), payload);
    }
    assert_eq!(unknown(ContentFormat::OPAQUE, b"abc"), Value::Opaque(b"abc".to_vec()));
}

#[test]
fn opaque_carries_no_other_type() {
    let error = decode(ContentFormat::OPAQUE, "/3/0/0", b"abc").unwrap_err();
    let (at, expected) = (path("/3/0/0"), DataType::String);
    assert_eq!(error, DecodeError::WrongType { path: at, expected, found: Found::Bytes });
    let node = Node::Resource(single(text("abc")));
    let error = codec::encode(ContentFormat::OPAQUE, &at, &node, &models()).unwrap_err();
    assert_eq!(
        error,
        EncodeError::WrongType { path: at, expected: DataType::Opaque, found: DataType::String }
    );
}

// The numbers are those of RFC 8949 Appendix A.
#[test]
fn every_type_as_cbor() {
    for (value, payload) in [
        (text("IETF"), &hex!("64 49455446")[..]),
        (text(""), &hex!("60")),
        (Value::Integer(0), &hex!("00")),
        (Value::Integer(23), &hex!("17")),
        (Value::Integer(24), &hex!("18 18")),
        (Value::Integer(1000), &hex!("19 03e8")),
        (Value::Integer(1_000_000), &hex!("1a 000f4240")),
        (Value::Integer(-1), &hex!("20")),
        (Value::Integer(-1000), &hex!("39 03e7")),
        (Value::Integer(i64::MIN), &hex!("3b 7fffffffffffffff")),
        (Value::Unsigned(u64::MAX), &hex!("1b ffffffffffffffff")),
        (Value::Float(1.5), &hex!("f9 3e00")),
        (Value::Float(-0.0), &hex!("f9 8000")),
        (Value::Float(100_000.0), &hex!("fa 47c35000")),
        (Value::Float(1.1), &hex!("fb 3ff199999999999a")),
        (Value::Float(f64::INFINITY), &hex!("f9 7c00")),
        (Value::Boolean(false), &hex!("f4")),
        (Value::Boolean(true), &hex!("f5")),
        (Value::Opaque(vec![1, 2, 3, 4]), &hex!("44 01020304")),
        (Value::Time(1_363_896_240), &hex!("c1 1a 514b67b0")),
        (Value::ObjectLink(ObjectLink { object: 3, instance: 0 }), &hex!("63 333a30")),
        (Value::CoreLink("</3>".to_owned()), &hex!("64 3c2f333e")),
    ] {
        let at = of_type(value.data_type());
        assert_eq!(value_at(ContentFormat::CBOR, &at, payload), value);
        assert_eq!(written(ContentFormat::CBOR, &at, value), payload);
    }
}

#[test]
fn cbor_numbers_are_read_in_every_form() {
    let float = of_type(DataType::Float);
    for (payload, number) in [
        (&hex!("f9 4d60")[..], 21.5),
        (&hex!("fa 41ac0000"), 21.5),
        (&hex!("fb 4035800000000000"), 21.5),
        (&hex!("15"), 21.0),
        // 27315 / 100, RFC 8949 §3.4.4
        (&hex!("c4 82 21 19 6ab3"), 273.15),
        (&hex!("c4 82 02 15"), 2100.0),
    ] {
        assert_eq!(value_at(ContentFormat::CBOR, &float, payload), Value::Float(number));
    }
    let integer = of_type(DataType::Integer);
    for payload in [&hex!("15")[..], &hex!("1b 0000000000000015"), &hex!("f9 4d40"), &hex!("c4 82 20 18 d2")]
    {
        assert_eq!(value_at(ContentFormat::CBOR, &integer, payload), Value::Integer(21));
    }
    for payload in [&hex!("f9 4d60")[..], &hex!("1b ffffffffffffffff"), &hex!("fb 43f0000000000000")] {
        let error = decode(ContentFormat::CBOR, &integer, payload).unwrap_err();
        assert!(matches!(error, DecodeError::OutOfRange { expected: DataType::Integer, .. }), "{error}");
    }
    let time = of_type(DataType::Time);
    assert_eq!(value_at(ContentFormat::CBOR, &time, &hex!("1a 514b67b0")), Value::Time(1_363_896_240));
    assert_eq!(
        value_at(ContentFormat::CBOR, &time, &hex!("c1 fb 41d452d9ec000000")),
        Value::Time(1_363_896_240)
    );
}

#[test]
fn unknown_cbor_is_typed_by_its_content() {
    for (payload, value) in [
        (&hex!("15")[..], Value::Integer(21)),
        (&hex!("1b ffffffffffffffff"), Value::Unsigned(u64::MAX)),
        (&hex!("f9 4d60"), Value::Float(21.5)),
        (&hex!("f5"), Value::Boolean(true)),
        (&hex!("63 616263"), text("abc")),
        (&hex!("7f 61 61 62 6263 ff"), text("abc")),
        (&hex!("41 00"), Value::Opaque(vec![0])),
    ] {
        assert_eq!(unknown(ContentFormat::CBOR, payload), value);
    }
}

#[test]
fn cbor_that_is_no_single_value_is_refused() {
    for payload in [
        &hex!("")[..],
        &hex!("f6"),
        &hex!("80"),
        &hex!("a0"),
        &hex!("82 21 19 6ab3"),
        &hex!("01 01"),
        &hex!("f8 20"),
        &hex!("62 c328"),
        &hex!("19 03"),
        &hex!("5b 7fffffffffffffff"),
        &hex!("3b ffffffffffffffff"),
        &hex!("c1 c1 01"),
    ] {
        assert!(decode(ContentFormat::CBOR, "/32001/0/0", payload).is_err(), "{payload:02x?}");
    }
}

#[test]
fn content_of_another_type_names_path_expected_and_found() {
    let error = decode(ContentFormat::CBOR, "/3/0/9", &hex!("63 616263")).unwrap_err();
    assert_eq!(error.to_string(), "/3/0/9: expected Integer, found text");
}

#[test]
fn only_resources_and_their_instances_have_one_value() {
    for format in [ContentFormat::TEXT, ContentFormat::OPAQUE, ContentFormat::CBOR] {
        for at in ["/", "/3", "/3/0"] {
            let error = decode(format, at, b"0").unwrap_err();
            assert_eq!(error, DecodeError::Level { format, path: path(at) });
        }
        let several = Node::Resource(multiple([(0, Value::Integer(1))]));
        let error = codec::encode(format, &path("/3/0/6"), &several, &models()).unwrap_err();
        assert_eq!(error, EncodeError::Level { format, path: path("/3/0/6") });
    }
    assert_eq!(value_at(ContentFormat::TEXT, "/3/0/6/1", b"5"), Value::Integer(5));
}

#[test]
fn formats_without_a_codec_say_so() {
    for format in [ContentFormat::LINK, ContentFormat(11545), ContentFormat(65_000)] {
        let error = decode(format, "/3/0/9", b"").unwrap_err();
        assert_eq!(error, DecodeError::Unsupported { format });
        let node = Node::Resource(single(Value::Integer(1)));
        let error = codec::encode(format, &path("/3/0/9"), &node, &no_models()).unwrap_err();
        assert_eq!(error, EncodeError::Unsupported { format });
    }
    let error = codec::decode_many(ContentFormat::TLV, b"", &models(), 0).unwrap_err();
    assert_eq!(error.to_string(), "content format TLV (11542) is not supported here");
}
