//! LwM2M CBOR: what LwM2M Core 1.2 §7.4 allows, and what clients make of it.

use hex_literal::hex;
use objects::{
    ContentFormat, Node, ObjectLink, Path, Resource, Sample, Value,
    codec::{self, DecodeError, EncodeError},
};

use crate::common::{RECEIVED_MS, decode, decode_one, example_device, flat, models, path, single};

const CBOR: ContentFormat = ContentFormat::LWM2M_CBOR;

fn battery(payload: &[u8]) -> Result<Vec<Sample>, DecodeError> {
    codec::decode_many(CBOR, payload, &models(), RECEIVED_MS)
}

fn refused(payload: &[u8]) -> DecodeError {
    battery(payload).expect_err("it says nothing that may be")
}

/// `{3: {0: {…}}}`
const DEVICE: &[u8] = &hex!(
    "a1 03 a1 00 ad"
    "00 74 4f70656e204d6f62696c6520416c6c69616e6365"
    "01 76 4c69676874776569676874204d324d20436c69656e74"
    "02 69 333435303030313233"
    "03 63 312e30"
    "06 a2 00 01 01 05"
    "07 a2 00 19 0ed8 01 19 1388"
    "08 a2 00 18 7d 01 19 0384"
    "09 18 64"
    "0a 0f"
    "0b a1 00 00"
    "0d c1 1a 5182428f"
    "0e 66 2b30323a3030"
    "10 61 55"
);

#[test]
fn an_object_instance() {
    let device = Node::Instance(example_device());
    assert_eq!(decode_one(CBOR, "/3/0", DEVICE), device);
    assert_eq!(codec::encode(CBOR, &path("/3/0"), &device, &models()).as_deref(), Ok(DEVICE));
}

// Keys are identifiers or arrays of them, maps of either length: Anjay writes the third form.
#[test]
fn a_path_may_be_split_anywhere() {
    let expected =
        [Sample { time_ms: None, path: path("/3/0/9"), node: Node::Resource(single(Value::Integer(100))) }];
    for payload in [
        &hex!("a1 83 03 00 09 18 64")[..],
        &hex!("a1 03 a1 00 a1 09 18 64"),
        &hex!("bf 03 bf 00 bf 09 18 64 ff ff ff"),
        &hex!("bf 9f 03 00 09 ff 18 64 ff"),
        &hex!("a1 82 03 00 a1 81 09 18 64"),
        &hex!("a1 03 a1 82 00 09 18 64"),
    ] {
        assert_eq!(battery(payload).as_deref(), Ok(&expected[..]), "{payload:02x?}");
    }
}

#[test]
fn every_kind_of_value() {
    let payload = hex!(
        "a1 19 7d00 a1 00 a6"
        "02 1b ffffffffffffffff"
        "03 f9 4d60"
        "04 f5"
        "05 43 fbff00"
        "07 64 36363a31"
        "08 66 3c2f332f303e"
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
    // A decimal fraction is a number (RFC 8949 §3.4.4).
    let fraction = decode_one(CBOR, "/32000/0/3", &hex!("a1 83 19 7d00 00 03 c4 82 20 18 d7"));
    assert_eq!(fraction, Node::Resource(single(Value::Float(21.5))));
}

#[test]
fn what_has_no_value_is_an_empty_map() {
    assert_eq!(decode_one(CBOR, "/3/0", &hex!("bf ff")), Node::Instance(Default::default()));
    let empty = Node::Instance(Default::default());
    assert_eq!(codec::encode(CBOR, &path("/3/0"), &empty, &models()).as_deref(), Ok(&hex!("a0")[..]));
}

#[test]
fn values_of_several_roots_share_what_they_can() {
    let payload = hex!("a2 01 a1 00 a1 01 1a 00015180 03 a1 00 a1 0e 66 2b30323a3030");
    let values =
        [(path("/3/0/14"), Value::String("+02:00".into())), (path("/1/0/1"), Value::Integer(86_400))];
    let given = values.iter().map(|(path, value)| (*path, value));
    assert_eq!(codec::encode_values(CBOR, given, &models()).as_deref(), Ok(&payload[..]));
    let read: Vec<Path> = battery(&payload).unwrap().into_iter().map(|sample| sample.path).collect();
    assert_eq!(read, [path("/1/0/1"), path("/3/0/14")]);
}

#[test]
fn a_list_of_paths_has_nulls() {
    let paths = ["/3/0/0", "/3/0", "/1"].map(path);
    let payload = hex!("a3 83 03 00 00 f6 82 03 00 f6 81 01 f6");
    assert_eq!(codec::encode_paths(CBOR, &paths).as_deref(), Ok(&payload[..]));
    assert_eq!(codec::decode_paths(CBOR, &payload).as_deref(), Ok(&paths[..]));
    let nested = hex!("a1 03 a1 00 a2 00 f6 09 f6");
    assert_eq!(codec::decode_paths(CBOR, &nested), Ok(["/3/0/0", "/3/0/9"].map(path).to_vec()));
    assert_eq!(battery(&nested), Err(DecodeError::NoValue { path: path("/3/0/0") }));
}

#[test]
fn what_is_no_path_or_no_value_is_refused() {
    // A key of text, a negative one, one that is too large, five identifiers, an array as a value, a map as a key.
    for payload in [
        &hex!("a1 61 33 01")[..],
        &hex!("a1 83 03 00 28 01"),
        &hex!("a1 83 03 00 1a 00010000 01"),
        &hex!("a1 85 03 00 00 00 00 01"),
        &hex!("a1 83 03 00 09 82 01 02"),
        &hex!("a1 a1 03 00 01"),
        &hex!("18 64"),
        &hex!("83 03 00 09"),
        &hex!("f6"),
        &hex!(""),
    ] {
        let error = refused(payload);
        let is_said = matches!(
            error,
            DecodeError::Malformed { .. } | DecodeError::Truncated { .. } | DecodeError::TooDeep { .. }
        );
        assert!(is_said, "{payload:02x?}: {error}");
    }
    assert!(matches!(refused(&hex!("a1 82 03 00 01")), DecodeError::NotAResource { .. }));
    assert_eq!(
        refused(&hex!("a2 83 03 00 09 01 83 03 00 09 02")),
        DecodeError::Duplicate { path: path("/3/0/9") }
    );
    let outside = decode(CBOR, "/3/0", &hex!("a1 83 01 00 01 01"));
    assert!(matches!(outside, Err(DecodeError::Outside { .. })), "{outside:?}");
}

#[test]
fn it_has_no_times() {
    let node = Node::Resource(Resource::Single(Value::Integer(1)));
    let sample = |time_ms| [Sample { time_ms, path: path("/3/0/9"), node: node.clone() }];
    assert_eq!(codec::encode_many(CBOR, &sample(None)).as_deref(), Ok(&hex!("a1 03 a1 00 a1 09 01")[..]));
    let refused = codec::encode_many(CBOR, &sample(Some(RECEIVED_MS)));
    assert_eq!(refused, Err(EncodeError::NoForm { path: path("/3/0/9"), format: CBOR }));
}

// RFC 8790: what is asked for and what is written is as in SenML; the answer is in SenML.
#[test]
fn etch_is_senml_for_requests() {
    for (etch, senml) in [
        (ContentFormat::SENML_ETCH_JSON, ContentFormat::SENML_JSON),
        (ContentFormat::SENML_ETCH_CBOR, ContentFormat::SENML_CBOR),
    ] {
        assert!(codec::is_composite(etch));
        assert_eq!(etch.of_answer(), senml);
        let paths = ["/3/0/0", "/1"].map(path);
        assert_eq!(codec::encode_paths(etch, &paths), codec::encode_paths(senml, &paths));
        let value = Value::String("+02:00".into());
        let values = || [(path("/3/0/14"), &value)];
        let written = codec::encode_values(etch, values(), &models());
        assert_eq!(written, codec::encode_values(senml, values(), &models()));
        let read = codec::decode_many(etch, &written.unwrap(), &models(), RECEIVED_MS).unwrap();
        assert_eq!(read[0].path, path("/3/0/14"));
        let one = codec::encode(etch, &path("/3/0/14"), &Node::Resource(single(value.clone())), &models());
        assert_eq!(one, Err(EncodeError::Unsupported { format: etch }), "an answer, or a Write of one node");
    }
}
