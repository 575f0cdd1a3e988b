//! What SenML must not be: each rule in JSON, and in CBOR where it differs.

use hex_literal::hex;
use objects::{
    ContentFormat, DataType, Instance, Node, Path, PathError, Sample, Value,
    codec::{self, DecodeError, EncodeError, Found},
};

use crate::common::{decode, models, multiple, path, single};

const JSON: ContentFormat = ContentFormat::SENML_JSON;
const CBOR: ContentFormat = ContentFormat::SENML_CBOR;

fn refused(at: &str, payload: &str) -> DecodeError {
    decode(JSON, at, payload.as_bytes()).unwrap_err()
}

#[test]
fn a_name_that_is_no_path() {
    for (payload, name, source) in [
        (r#"[{"n":"3/0/9","v":1}]"#, "3/0/9", PathError::NoLeadingSlash),
        (r#"[{"v":1}]"#, "", PathError::NoLeadingSlash),
        (r#"[{"bn":"urn:dev:os:","n":"1","v":1}]"#, "urn:dev:os:1", PathError::NoLeadingSlash),
        (r#"[{"n":"/3/0/65535","v":1}]"#, "/3/0/65535", PathError::Reserved),
        (r#"[{"bn":"/3/0/6/0/","n":"1","v":1}]"#, "/3/0/6/0/1", PathError::TooLong { count: 5 }),
        (r#"[{"bn":"/3/0//","n":"9","v":1}]"#, "/3/0//9", PathError::NotANumber { segment: String::new() }),
    ] {
        assert_eq!(refused("/3/0", payload), DecodeError::Name { record: 0, name: name.to_owned(), source });
    }
}

#[test]
fn a_name_above_the_resources() {
    for (payload, at) in [
        (r#"[{"bn":"/3/0/","v":1}]"#, "/3/0"),
        (r#"[{"n":"/3","v":1}]"#, "/3"),
        (r#"[{"n":"/","v":1}]"#, "/"),
        // A slash forgotten between the two.
        (r#"[{"bn":"/3/0","n":"9","v":1}]"#, "/3/9"),
    ] {
        assert_eq!(refused("/3/0", payload), DecodeError::NotAResource { record: 0, path: path(at) });
    }
}

#[test]
fn a_value_from_elsewhere() {
    for (at, payload, found) in [
        ("/3/0", r#"[{"n":"/3/1/9","v":1}]"#, "/3/1/9"),
        ("/3/0/9", r#"[{"n":"/3/0/10","v":1}]"#, "/3/0/10"),
        ("/3/0/6/0", r#"[{"n":"/3/0/6/1","v":1}]"#, "/3/0/6/1"),
        ("/3/0/6/0", r#"[{"n":"/3/0/6","v":1}]"#, "/3/0/6"),
    ] {
        assert_eq!(refused(at, payload), DecodeError::Outside { base: path(at), found: path(found) });
    }
}

#[test]
fn the_same_value_twice_at_one_time() {
    for payload in [
        r#"[{"bn":"/3/0/9","v":1},{"v":1}]"#,
        r#"[{"bn":"/3/0/9","t":5,"v":1},{"t":5.0,"v":1}]"#,
        r#"[{"bn":"/3/0/","n":"9","v":1},{"n":"9/","v":1}]"#,
        r#"[{"bn":"/3/0/9","v":1},{"bn":"/3/0/9/","n":"0","v":1}]"#,
    ] {
        assert_eq!(refused("/3/0/9", payload), DecodeError::Duplicate { path: path("/3/0/9") });
    }
    assert!(codec::decode_many(JSON, br#"[{"bn":"/3/0/9","v":1},{"v":1}]"#, &models(), 0).is_err());
}

/// A device that measures every 250 microseconds, and one whose times are relative.
#[test]
fn values_within_one_millisecond_are_all_kept() {
    let payload =
        br#"[{"bn":"/3303/0/5700","bt":1700000000.5,"v":1},{"t":0.00025,"v":2},{"t":0.0003,"v":3},{"t":1,"v":4}]"#;
    let at = 1_700_000_000_500;
    let found = |samples: Vec<Sample>| {
        let value = |sample: &Sample| (sample.time_ms, sample.node.values(sample.path)[0].1.clone());
        samples.iter().map(value).collect::<Vec<_>>()
    };
    let expected = [(at, 1.0), (at, 2.0), (at, 3.0), (at + 1_000, 4.0)];
    let expected = expected.map(|(time_ms, value)| (Some(time_ms), Value::Float(value)));
    assert_eq!(found(codec::decode_many(JSON, payload, &models(), 0).unwrap()), expected);
    assert_eq!(found(decode(JSON, "/3303/0/5700", payload).unwrap()), expected);
    let relative = br#"[{"n":"/3303/0/5700","t":-0.0001,"v":1},{"n":"/3303/0/5700","t":0,"v":2}]"#;
    assert_eq!(codec::decode_many(JSON, relative, &models(), at).unwrap().len(), 2);
    let zeros = br#"[{"n":"/3303/0/5700","t":-0.0,"v":1},{"n":"/3303/0/5700","t":0,"v":2}]"#;
    assert!(codec::decode_many(JSON, zeros, &models(), at).is_err());
}

#[test]
fn a_field_twice_in_a_record() {
    let error = refused("/3/0/9", r#"[{"bn":"/3/0/9","v":1},{"v":1,"t":-5,"v":2}]"#);
    assert_eq!(error, DecodeError::DuplicateField { record: 1, field: "v" });
    let error = decode(CBOR, "/3/0/9", &hex!("81 a3 00 66 2f332f302f39 02 01 02 01")).unwrap_err();
    assert_eq!(error, DecodeError::DuplicateField { record: 0, field: "v" });
    // The label as a number and as text is the same field.
    let error = decode(CBOR, "/3/0/9", &hex!("81 a3 00 66 2f332f302f39 02 01 61 76 01")).unwrap_err();
    assert_eq!(error, DecodeError::DuplicateField { record: 0, field: "v" });
}

#[test]
fn two_values_in_a_record() {
    let error = refused("/3/0/9", r#"[{"n":"/3/0/9","v":1,"vs":"1"}]"#);
    assert_eq!(error, DecodeError::SeveralValues { record: 0 });
}

// RFC 8428 §4.2 allows a sum alone; LwM2M has no use for one.
#[test]
fn a_record_without_a_value() {
    for payload in [r#"[{"n":"/3/0/9"}]"#, r#"[{"n":"/3/0/9","s":7}]"#, r#"[{"bn":"/3/0/9","t":-5}]"#] {
        assert_eq!(refused("/3/0/9", payload), DecodeError::NoValue { path: path("/3/0/9") });
    }
}

// RFC 8428 §4.4
#[test]
fn a_field_that_must_be_understood() {
    let error = refused("/3/0/9", r#"[{"n":"/3/0/9","v":1,"must_":[{"a":1}]}]"#);
    assert_eq!(error, DecodeError::UnknownField { record: 0, field: "must_".to_owned() });
    let ignored =
        br#"[{"n":"/3/0/9","v":1,"may":{"a":[1]},"bx":null,"u":"%","ut":60,"s":7,"bs":1,"bu":"%"}]"#;
    assert!(decode(JSON, "/3/0/9", ignored).is_ok());
    let ignored = hex!("81 a5 00 66 2f332f302f39 02 01 63 6d6179 f6 38 63 01 18 63 01");
    assert!(decode(CBOR, "/3/0/9", &ignored).is_ok());
}

#[test]
fn a_newer_version() {
    let error = refused("/3/0/9", r#"[{"bver":11,"n":"/3/0/9","v":1}]"#);
    assert_eq!(error, DecodeError::SenmlVersion { record: 0, version: 11 });
    assert!(decode(JSON, "/3/0/9", br#"[{"bver":10,"n":"/3/0/9","v":1}]"#).is_ok());
    assert!(decode(JSON, "/3/0/9", br#"[{"bver":-1,"n":"/3/0/9","v":1}]"#).is_err());
}

#[test]
fn a_field_of_the_wrong_kind() {
    for (payload, field, found) in [
        (r#"[{"n":3}]"#, "n", Found::Integer),
        (r#"[{"n":"/3/0/9","v":"1"}]"#, "v", Found::Text),
        (r#"[{"n":"/3/0/9","v":true}]"#, "v", Found::Boolean),
        (r#"[{"n":"/3/0/9","vs":1}]"#, "vs", Found::Integer),
        (r#"[{"n":"/3/0/9","vb":1}]"#, "vb", Found::Integer),
        (r#"[{"n":"/3/0/9","vlo":"3"}]"#, "vlo", Found::Text),
        (r#"[{"n":"/3/0/9","t":"1","v":1}]"#, "t", Found::Text),
        (r#"[{"n":"/3/0/9","bver":1.5,"v":1}]"#, "bver", Found::Float),
    ] {
        assert_eq!(refused("/3/0/9", payload), DecodeError::FieldType { record: 0, field, found });
    }
    assert_eq!(
        decode(CBOR, "/32000/0/5", &hex!("81 a2 00 6a 2f33323030302f302f35 08 61 41")),
        Err(DecodeError::FieldType { record: 0, field: "vd", found: Found::Text })
    );
    assert_eq!(
        refused("/32000/0/5", r#"[{"n":"/32000/0/5","vd":"?"}]"#),
        DecodeError::DataNotBase64 { record: 0 }
    );
}

#[test]
fn a_value_that_contradicts_the_definition() {
    let error = refused("/3/0", r#"[{"n":"/3/0/9","vs":"full"}]"#);
    let (at, expected) = (path("/3/0/9"), DataType::Integer);
    assert_eq!(error, DecodeError::WrongType { path: at, expected, found: Found::Text });
    assert_eq!(
        refused("/3/0", r#"[{"n":"/3/0/9","v":1.5}]"#),
        DecodeError::OutOfRange { path: at, expected }
    );
}

#[test]
fn a_time_out_of_range() {
    for time in ["1e300", "-1e300", "4503599627371"] {
        let payload = format!(r#"[{{"n":"/3/0/9","t":{time},"v":1}}]"#);
        assert_eq!(refused("/3/0/9", &payload), DecodeError::Time { record: 0 });
    }
    let not_a_number = hex!("81 a3 00 66 2f332f302f39 06 f9 7e00 02 01");
    assert_eq!(decode(CBOR, "/3/0/9", &not_a_number), Err(DecodeError::Time { record: 0 }));
}

#[test]
fn what_is_no_senml_at_all() {
    for payload in ["", "{}", "[", "[1]", "[{]", r#"[{"n":"/3/0/9","v":[1]}]"#, "[] []", "[{\"n\":null}]"] {
        assert!(matches!(refused("/3/0", payload), DecodeError::Malformed { .. }), "{payload}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(refused("/3/0", &deep), DecodeError::Malformed { .. }));
    for payload in [&hex!("")[..], &hex!("a0"), &hex!("81 01"), &hex!("81 a1 02 81 01"), &hex!("80 80")] {
        assert!(decode(CBOR, "/3/0", payload).is_err(), "{payload:02x?}");
    }
    assert!(decode(CBOR, "/3/0", &[0x81; 100_000]).is_err());
}

#[test]
fn the_place_of_an_error_is_a_byte_of_the_payload() {
    let error = refused("/3/0", "[\n{\"n\":\"/3/0/9\",\n!");
    assert!(matches!(error, DecodeError::Malformed { offset: 17, .. }), "{error}");
}

#[test]
fn more_records_than_a_payload_may_have() {
    let many = |count: usize| format!("[{}{{}}]", "{},".repeat(count - 1));
    assert!(codec::decode_many(JSON, many(16_384).as_bytes(), &models(), 0).is_ok());
    let error = codec::decode_many(JSON, many(16_385).as_bytes(), &models(), 0).unwrap_err();
    assert_eq!(error, DecodeError::TooMany { max: 16_384 });
    let cbor = [&hex!("99 4001")[..], &[0xa0; 16_385]].concat();
    let error = codec::decode_many(CBOR, &cbor, &models(), 0).unwrap_err();
    assert_eq!(error, DecodeError::TooMany { max: 16_384 });
}

#[test]
fn the_root_is_read_by_decode_many_alone() {
    assert!(codec::decode(JSON, &Path::Root, b"[]", &models(), 0).is_err());
}

#[test]
fn what_senml_cannot_carry() {
    let level = |time_ms| Sample {
        time_ms: Some(time_ms),
        path: path("/3/0/9"),
        node: Node::Resource(single(Value::Integer(1))),
    };
    for time_ms in [0, -1, 268_435_455_999, i64::MAX, i64::MIN] {
        let error = codec::encode_many(JSON, &[level(time_ms)]).unwrap_err();
        assert_eq!(error, EncodeError::Time { path: path("/3/0/9"), time_ms });
    }
    let infinite = Node::Resource(single(Value::Float(f64::NEG_INFINITY)));
    let at = path("/3303/0/5700");
    assert_eq!(
        codec::encode(JSON, &at, &infinite, &models()),
        Err(EncodeError::NoForm { path: at, format: JSON })
    );
    assert!(codec::encode(CBOR, &at, &infinite, &models()).is_ok());
}

#[test]
fn the_identifier_65535_is_not_written() {
    let reserved = Node::Resource(multiple([(u16::MAX, Value::Integer(1))]));
    let error = codec::encode(JSON, &path("/3/0/6"), &reserved, &models()).unwrap_err();
    assert!(matches!(error, EncodeError::Mismatch { .. }));
}

#[test]
fn parts_without_a_value_have_no_record() {
    let device = Node::Instance(Instance {
        resources: [(objects::ResourceId(6), multiple([]))].into_iter().collect(),
    });
    assert_eq!(codec::encode(JSON, &path("/3/0"), &device, &models()).as_deref(), Ok(&b"[]"[..]));
}
