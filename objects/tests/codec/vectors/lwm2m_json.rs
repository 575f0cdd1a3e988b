//! The JSON of LwM2M 1.0, which is read and never written (LwM2M 1.0.2 §6.4.4).

use objects::{
    ContentFormat, Node, ObjectLink, Value,
    codec::{self, DecodeError, EncodeError},
};

use crate::common::{
    RECEIVED_MS, decode, decode_one, example_device, flat, models, path, single, text, timed,
};

const JSON: ContentFormat = ContentFormat::LWM2M_JSON;

#[test]
fn an_object_instance() {
    let payload = br#"{"bn":"/3/0/","e":[
        {"n":"0","sv":"Open Mobile Alliance"},
        {"n":"1","sv":"Lightweight M2M Client"},
        {"n":"2","sv":"345000123"},
        {"n":"3","sv":"1.0"},
        {"n":"6/0","v":1},
        {"n":"6/1","v":5},
        {"n":"7/0","v":3800},
        {"n":"7/1","v":5000},
        {"n":"8/0","v":125},
        {"n":"8/1","v":900},
        {"n":"9","v":100},
        {"n":"10","v":15},
        {"n":"11/0","v":0},
        {"n":"13","v":1367491215},
        {"n":"14","sv":"+02:00"},
        {"n":"16","sv":"U"}]}"#;
    assert_eq!(decode_one(JSON, "/3/0", payload), Node::Instance(example_device()));
    assert_eq!(decode_one(ContentFormat(1543), "/3/0", payload), Node::Instance(example_device()));
}

#[test]
fn object_links() {
    let payload = br#"{"bn":"/","e":[
        {"n":"65/0/0/0","ov":"66:0"},{"n":"65/0/0/1","ov":"66:1"},
        {"n":"65/0/1","sv":"8613800755500"},{"n":"65/0/2","v":1}]}"#;
    let link = |instance| Value::ObjectLink(ObjectLink { object: 66, instance });
    let expected = [
        ("/65/0/0/0".to_owned(), link(0)),
        ("/65/0/0/1".to_owned(), link(1)),
        ("/65/0/1".to_owned(), text("8613800755500")),
        ("/65/0/2".to_owned(), Value::Integer(1)),
    ];
    assert_eq!(flat("/65", &decode_one(JSON, "/65", payload)), expected);
}

#[test]
fn names_without_a_base_count_from_what_was_asked_for() {
    let payload =
        br#"{"e":[{"n":"0/5700","v":22.4,"t":-5},{"n":"0/5700","v":22.9,"t":-30}],"bt":1700000000}"#;
    let expected = [
        (Some(1_699_999_970_000), "/3303/0/5700".to_owned(), Value::Float(22.9)),
        (Some(1_699_999_995_000), "/3303/0/5700".to_owned(), Value::Float(22.4)),
    ];
    assert_eq!(timed(&decode(JSON, "/3303", payload).unwrap()), expected);
    for payload in [r#"{"e":[{"v":7}]}"#, r#"{"e":[{"n":"","v":7}]}"#, r#"{"e":[{"n":"/3/0/9","v":7}]}"#] {
        let node = decode_one(JSON, "/3/0/9", payload.as_bytes());
        assert_eq!(node, Node::Resource(single(Value::Integer(7))), "{payload}");
    }
}

#[test]
fn bytes_are_base64_text() {
    let payload = br#"{"bn":"/32000/0/","e":[{"n":"4","bv":true},{"n":"5","sv":"+/8A"}]}"#;
    let expected = [
        ("/32000/0/4".to_owned(), Value::Boolean(true)),
        ("/32000/0/5".to_owned(), Value::Opaque(vec![0xfb, 0xff, 0x00])),
    ];
    assert_eq!(flat("/32000/0", &decode_one(JSON, "/32000/0", payload)), expected);
    let error = decode(JSON, "/32000/0/5", br#"{"bn":"/32000/0/5","e":[{"sv":"?"}]}"#).unwrap_err();
    assert_eq!(error, DecodeError::NotBase64 { path: path("/32000/0/5") });
}

#[test]
fn what_breaks_its_rules_is_refused() {
    for payload in ["", "[]", "{}", r#"{"e":1}"#, r#"{"e":[],"e":[]}"#, r#"{"bt":"1","e":[]}"#] {
        let error = decode(JSON, "/3/0", payload.as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { format: JSON, .. }), "{payload}");
    }
    for payload in [
        r#"{"bn":"/3/0/","e":[{"n":"9","v":1},{"n":"9","v":2}]}"#,
        r#"{"bn":"/3/0/","e":[{"n":"9","v":1,"sv":"1"}]}"#,
        r#"{"bn":"/3/0/","e":[{"n":"9"}]}"#,
        r#"{"bn":"/3/1/","e":[{"n":"9","v":1}]}"#,
    ] {
        assert!(decode(JSON, "/3/0", payload.as_bytes()).is_err(), "{payload}");
    }
}

#[test]
fn it_is_neither_written_nor_sent() {
    let level = Node::Resource(single(Value::Integer(7)));
    let error = codec::encode(JSON, &path("/3/0/9"), &level, &models()).unwrap_err();
    assert_eq!(error, EncodeError::Unsupported { format: JSON });
    assert!(codec::decode_many(JSON, br#"{"e":[]}"#, &models(), RECEIVED_MS).is_err());
}
