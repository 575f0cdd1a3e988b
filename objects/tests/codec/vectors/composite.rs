//! What composite operations carry: paths without values, and values from several roots (LwM2M Core 1.1.1 §6.3.8, §6.3.9).

use hex_literal::hex;
use objects::{
    ContentFormat, Node, Path, Resource, Value,
    codec::{self, DecodeError, EncodeError},
};

use crate::common::{RECEIVED_MS, models, path};

const JSON: ContentFormat = ContentFormat::SENML_JSON;
const CBOR: ContentFormat = ContentFormat::SENML_CBOR;

fn paths() -> Vec<Path> {
    ["/3/0/0", "/3/0/9", "/1/0/1"].map(path).to_vec()
}

// LwM2M Core 1.1.1 §7.4: the request of a Read-Composite.
#[test]
fn a_list_of_paths_has_no_values() {
    let json = br#"[{"n":"/3/0/0"},{"n":"/3/0/9"},{"n":"/1/0/1"}]"#;
    assert_eq!(codec::encode_paths(JSON, &paths()).as_deref(), Ok(&json[..]));
    let cbor = hex!("83 a1 00 66 2f332f302f30 a1 00 66 2f332f302f39 a1 00 66 2f312f302f31");
    assert_eq!(codec::encode_paths(CBOR, &paths()).as_deref(), Ok(&cbor[..]));
    for (format, payload) in [(JSON, &json[..]), (CBOR, &cbor[..])] {
        assert_eq!(codec::decode_paths(format, payload), Ok(paths()), "{format}");
    }
}

#[test]
fn any_node_may_be_in_a_list_of_paths() {
    let given = ["/", "/3303", "/3/0", "/3/0/11/1"].map(path);
    for format in [JSON, CBOR] {
        let payload = codec::encode_paths(format, &given).unwrap();
        assert_eq!(codec::decode_paths(format, &payload).as_deref(), Ok(&given[..]), "{format}");
    }
}

#[test]
fn base_names_and_values_in_a_list_of_paths_are_read_over() {
    let payload = br#"[{"bn":"/3/0/"},{"n":"0"},{"n":"9","v":0},{"bn":"/1/0/","n":"1"}]"#;
    assert_eq!(codec::decode_paths(JSON, payload), Ok(paths()));
}

#[test]
fn what_is_no_path_is_refused_in_a_list_of_paths() {
    let refused = codec::decode_paths(JSON, br#"[{"n":"/3/0/0"},{"n":"temperature"}]"#);
    assert!(matches!(refused, Err(DecodeError::Name { record: 1, .. })), "{refused:?}");
    let refused = codec::decode_paths(ContentFormat::TLV, b"");
    assert!(matches!(refused, Err(DecodeError::Unsupported { .. })), "{refused:?}");
}

// LwM2M Core 1.1.1 §7.4: the answer to it, from two roots.
#[test]
fn values_of_several_roots_are_told_apart() {
    let payload = br#"[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"9","v":95},{"bn":"/1/0/","n":"1","v":86400}]"#;
    let samples = codec::decode_many(JSON, payload, &models(), RECEIVED_MS).unwrap();
    let flat: Vec<_> = samples.into_iter().map(|sample| (sample.path, sample.node)).collect();
    let single = |value| Node::Resource(Resource::Single(value));
    assert_eq!(
        flat,
        [
            (path("/1/0/1"), single(Value::Integer(86_400))),
            (path("/3/0/0"), single(Value::String("Open Mobile Alliance".into()))),
            (path("/3/0/9"), single(Value::Integer(95))),
        ]
    );
}

#[test]
fn what_an_answer_has_not_is_left_out_of_it() {
    assert_eq!(codec::decode_many(JSON, b"[]", &models(), RECEIVED_MS), Ok(Vec::new()));
    assert_eq!(codec::decode_many(CBOR, &hex!("80"), &models(), RECEIVED_MS), Ok(Vec::new()));
}

// LwM2M Core 1.1.1 §6.3.9.
#[test]
fn values_are_written_as_their_definitions_say() {
    // A number without a fraction goes into a Float, and back.
    let values = [(path("/1/0/1"), Value::Float(300.0)), (path("/3/0/14"), Value::String("+02:00".into()))];
    let given = || values.iter().map(|(path, value)| (*path, value));
    let json = br#"[{"n":"/1/0/1","v":300},{"n":"/3/0/14","vs":"+02:00"}]"#;
    assert_eq!(codec::encode_values(JSON, given(), &models()).as_deref(), Ok(&json[..]));
    let cbor = hex!("82 a2 00 66 2f312f302f31 02 19 012c a2 00 67 2f332f302f3134 03 66 2b30323a3030");
    assert_eq!(codec::encode_values(CBOR, given(), &models()).as_deref(), Ok(&cbor[..]));
}

#[test]
fn only_resources_have_values_to_write() {
    let value = Value::Integer(1);
    let refused = codec::encode_values(JSON, [(path("/3/0"), &value)], &models());
    assert_eq!(refused, Err(EncodeError::Mismatch { path: path("/3/0") }));
    let refused = codec::encode_values(JSON, [(path("/1/0/1"), &Value::String("soon".into()))], &models());
    assert!(matches!(refused, Err(EncodeError::WrongType { .. })), "{refused:?}");
    let refused = codec::encode_values(ContentFormat::TLV, [(path("/1/0/1"), &value)], &models());
    assert!(matches!(refused, Err(EncodeError::Unsupported { .. })), "{refused:?}");
}

#[test]
fn a_value_of_each_time_is_kept() {
    let payload = br#"[{"bn":"/3303/0/5700","bt":1700000000,"v":1.5},{"t":1,"v":2.5},{"t":2,"v":1.5}]"#;
    let samples = codec::decode_many(JSON, payload, &models(), RECEIVED_MS).unwrap();
    let times: Vec<_> = samples.iter().map(|sample| sample.time_ms).collect();
    assert_eq!(times, [0, 1000, 2000].map(|ms| Some(1_700_000_000_000 + ms)));
}
