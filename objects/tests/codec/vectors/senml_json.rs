//! SenML JSON as the specifications and real clients write it.

use objects::{ContentFormat, Node, ObjectLink, Value, codec};

use crate::common::{
    RECEIVED_MS, decode, decode_one, example_device, flat, instance, models, multiple, object_of, path,
    single, text, timed,
};

const JSON: ContentFormat = ContentFormat::SENML_JSON;

fn written(at: &str, node: &Node) -> String {
    String::from_utf8(codec::encode(JSON, &path(at), node, &models()).unwrap()).unwrap()
}

/// LwM2M Core 1.1.1 §7.4, without the spaces.
const DEVICE: &str = concat!(
    r#"[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},"#,
    r#"{"n":"1","vs":"Lightweight M2M Client"},"#,
    r#"{"n":"2","vs":"345000123"},"#,
    r#"{"n":"3","vs":"1.0"},"#,
    r#"{"n":"6/0","v":1},{"n":"6/1","v":5},"#,
    r#"{"n":"7/0","v":3800},{"n":"7/1","v":5000},"#,
    r#"{"n":"8/0","v":125},{"n":"8/1","v":900},"#,
    r#"{"n":"9","v":100},{"n":"10","v":15},{"n":"11/0","v":0},"#,
    r#"{"n":"13","v":1367491215},{"n":"14","vs":"+02:00"},{"n":"16","vs":"U"}]"#,
);

#[test]
fn an_object_instance() {
    let device = Node::Instance(example_device());
    assert_eq!(decode_one(JSON, "/3/0", DEVICE.as_bytes()), device);
    assert_eq!(written("/3/0", &device), DEVICE);
}

#[test]
fn an_object() {
    let payload = concat!(
        r#"[{"bn":"/3303/","n":"0/5700","v":21.5},{"n":"0/5701","vs":"Cel"},"#,
        r#"{"n":"7/5700","v":-3.0}]"#
    );
    let sensors = Node::Object(object_of([
        (0, instance([(5700, single(Value::Float(21.5))), (5701, single(text("Cel")))])),
        (7, instance([(5700, single(Value::Float(-3.0)))])),
    ]));
    assert_eq!(decode_one(JSON, "/3303", payload.as_bytes()), sensors);
    assert_eq!(written("/3303", &sensors), payload);
}

#[test]
fn a_resource_and_a_resource_instance() {
    let level = Node::Resource(single(Value::Integer(100)));
    assert_eq!(decode_one(JSON, "/3/0/9", br#"[{"bn":"/3/0/9","v":100}]"#), level);
    assert_eq!(decode_one(JSON, "/3/0/9", br#"[{"n":"/3/0/9","v":100}]"#), level);
    assert_eq!(written("/3/0/9", &level), r#"[{"bn":"/3/0/9","v":100}]"#);
    let source = Node::ResourceInstance(Value::Integer(5));
    assert_eq!(decode_one(JSON, "/3/0/6/1", br#"[{"bn":"/3/0/6/1","v":5}]"#), source);
    assert_eq!(written("/3/0/6/1", &source), r#"[{"bn":"/3/0/6/1","v":5}]"#);
    let sources = Node::Resource(multiple([(0, Value::Integer(1)), (1, Value::Integer(5))]));
    let payload = r#"[{"bn":"/3/0/6/","n":"0","v":1},{"n":"1","v":5}]"#;
    assert_eq!(decode_one(JSON, "/3/0/6", payload.as_bytes()), sources);
    assert_eq!(written("/3/0/6", &sources), payload);
}

#[test]
fn every_kind_of_value() {
    let payload = concat!(
        r#"[{"bn":"/32000/0/","n":"0","vs":"a\"b\u00e9"},{"n":"1","v":-9223372036854775808},"#,
        r#"{"n":"2","v":18446744073709551615},{"n":"3","v":5e-324},{"n":"4","vb":true},"#,
        r#"{"n":"5","vd":"-_8A"},{"n":"6","v":1367491215},{"n":"7","vlo":"65535:65535"},{"n":"8","vs":"</3/0>"}]"#
    );
    let node = decode_one(JSON, "/32000/0", payload.as_bytes());
    let values: Vec<Value> = flat("/32000/0", &node).into_iter().map(|(_, value)| value).collect();
    let expected = [
        text("a\"bé"),
        Value::Integer(i64::MIN),
        Value::Unsigned(u64::MAX),
        Value::Float(5e-324),
        Value::Boolean(true),
        Value::Opaque(vec![0xfb, 0xff, 0x00]),
        Value::Time(1_367_491_215),
        Value::ObjectLink(ObjectLink::NULL),
        Value::CoreLink("</3/0>".into()),
    ];
    assert_eq!(values, expected);
    assert_eq!(written("/32000/0", &node), payload.replace(r"\u00e9", "é"));
}

// RFC 8428 §4.3 asks for the URL-safe alphabet without padding; devices send the others too.
#[test]
fn base64_is_read_in_either_alphabet_with_or_without_padding() {
    for data in ["-_8", "-_8=", "+/8", "+/8="] {
        let payload = format!(r#"[{{"n":"/32000/0/5","vd":"{data}"}}]"#);
        let node = decode_one(JSON, "/32000/0/5", payload.as_bytes());
        assert_eq!(node, Node::Resource(single(Value::Opaque(vec![0xfb, 0xff]))), "{data}");
    }
    assert!(decode(JSON, "/32000/0/5", br#"[{"n":"/32000/0/5","vd":"a"}]"#).is_err());
    assert!(decode(JSON, "/32000/0/5", br#"[{"n":"/32000/0/5","vd":"+_8A"}]"#).is_err());
}

#[test]
fn unknown_resources_are_typed_by_their_content() {
    let payload = concat!(
        r#"[{"bn":"/32001/2/","n":"0","v":1},{"n":"1","v":1.0},{"n":"2","v":1e0},{"n":"3","vs":"x"},"#,
        r#"{"n":"4","vb":false},{"n":"5","vd":""},{"n":"6","vlo":"3:0"},{"n":"7/65534","v":9223372036854775808}]"#
    );
    let values: Vec<Value> = flat("/32001", &decode_one(JSON, "/32001", payload.as_bytes()))
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    let expected = [
        Value::Integer(1),
        Value::Float(1.0),
        Value::Float(1.0),
        text("x"),
        Value::Boolean(false),
        Value::Opaque(vec![]),
        Value::ObjectLink(ObjectLink { object: 3, instance: 0 }),
        Value::Unsigned(1 << 63),
    ];
    assert_eq!(values, expected);
}

// RFC 8428 §5.1.3, with the names of resources.
#[test]
fn times_relative_to_a_base_time() {
    let payload = br#"[
        {"bn":"/3303/0/","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"5601","u":"V","v":120.1},
        {"n":"5700","t":-5,"v":1.2},
        {"n":"5700","t":-4,"v":1.3},
        {"n":"5700","v":1.7}]"#;
    let samples = decode(JSON, "/3303/0", payload).unwrap();
    let sensor = |id: u16, number| ("/3303/0/".to_owned() + &id.to_string(), Value::Float(number));
    let at = |time_ms, (path, value)| (Some(time_ms), path, value);
    let expected = [
        at(1_276_020_071_001, sensor(5700, 1.2)),
        at(1_276_020_072_001, sensor(5700, 1.3)),
        at(1_276_020_076_001, sensor(5601, 120.1)),
        at(1_276_020_076_001, sensor(5700, 1.7)),
    ];
    assert_eq!(timed(&samples), expected);
    assert_eq!(samples.len(), 3);
}

// RFC 8428 §5.1.2: without an absolute time, times count from now.
#[test]
fn times_relative_to_now() {
    let payload = br#"[{"bn":"/3/0/9","t":-5,"v":1},{"t":-2.5,"v":2},{"t":0,"v":3},{"v":4},{"t":1.5,"v":5}]"#;
    let samples = decode(JSON, "/3/0/9", payload).unwrap();
    let times: Vec<_> = timed(&samples).into_iter().map(|(time, _, value)| (time, value)).collect();
    let expected = [
        (Some(RECEIVED_MS - 5000), Value::Integer(1)),
        (Some(RECEIVED_MS - 2500), Value::Integer(2)),
        (None, Value::Integer(4)),
        (Some(RECEIVED_MS), Value::Integer(3)),
        (Some(RECEIVED_MS + 1500), Value::Integer(5)),
    ];
    assert_eq!(times, expected);
}

#[test]
fn times_are_absolute_from_2_to_the_28_on() {
    let payload = br#"[{"bn":"/3/0/9","t":268435456,"v":1},{"t":268435455.999,"v":2}]"#;
    let times: Vec<_> =
        decode(JSON, "/3/0/9", payload).unwrap().iter().map(|sample| sample.time_ms).collect();
    assert_eq!(times, [Some(268_435_456_000), Some(RECEIVED_MS + 268_435_455_999)]);
}

#[test]
fn a_base_name_is_split_anywhere() {
    for (base, names) in [
        ("/", ["3/0/9", "3/0/10"]),
        ("/3/", ["0/9", "0/10"]),
        ("/3/0/", ["9", "10"]),
        ("/3/0", ["/9", "/10"]),
        ("", ["/3/0/9", "/3/0/10"]),
    ] {
        let payload = format!(r#"[{{"bn":"{base}","n":"{}","v":1}},{{"n":"{}","v":2}}]"#, names[0], names[1]);
        let node = decode_one(JSON, "/3/0", payload.as_bytes());
        let expected = [("/3/0/9".to_owned(), Value::Integer(1)), ("/3/0/10".to_owned(), Value::Integer(2))];
        assert_eq!(flat("/3/0", &node), expected, "{base}");
    }
    let payload = br#"[{"bn":"/3/0/1","n":"0","v":1},{"bn":"/3/0","n":"/9","v":2}]"#;
    assert_eq!(flat("/3/0", &decode_one(JSON, "/3/0", payload)).len(), 2);
}

#[test]
fn a_base_name_holds_until_the_next() {
    let payload = br#"[{"bn":"/1/0/"},{"n":"1","v":60},{"bn":"/3/0/","n":"9","v":1},{"n":"10","v":2}]"#;
    let samples = codec::decode_many(JSON, payload, &models(), RECEIVED_MS).unwrap();
    let expected = [
        (None, "/1/0/1".to_owned(), Value::Integer(60)),
        (None, "/3/0/9".to_owned(), Value::Integer(1)),
        (None, "/3/0/10".to_owned(), Value::Integer(2)),
    ];
    assert_eq!(timed(&samples), expected);
}

// RFC 8428 §4.5.4
#[test]
fn a_base_value_is_added_to_numbers_only() {
    let payload = br#"[
        {"bn":"/3303/0/","bv":20,"n":"5700","v":1.5},{"n":"5601","v":1},{"n":"5602"},{"n":"5701","vs":"Cel"}]"#;
    let node = decode_one(JSON, "/3303/0", payload);
    let expected = [
        ("/3303/0/5601".to_owned(), Value::Float(21.0)),
        ("/3303/0/5602".to_owned(), Value::Float(20.0)),
        ("/3303/0/5700".to_owned(), Value::Float(21.5)),
        ("/3303/0/5701".to_owned(), text("Cel")),
    ];
    assert_eq!(flat("/3303/0", &node), expected);
}

#[test]
fn no_record_is_an_empty_node() {
    assert_eq!(decode_one(JSON, "/3303", b"[]"), Node::Object(object_of([])));
    assert_eq!(decode_one(JSON, "/3/0", b"[]"), Node::Instance(instance([])));
    assert_eq!(decode_one(JSON, "/3/0/6", b"[]"), Node::Resource(multiple([])));
    assert!(decode(JSON, "/3/0/9", b"[]").is_err());
    assert!(decode(JSON, "/3/0/6/0", b"[]").is_err());
    assert_eq!(codec::decode_many(JSON, b"[]", &models(), 0), Ok(vec![]));
    assert_eq!(written("/3/0/6", &Node::Resource(multiple([]))), "[]");
}

#[test]
fn samples_with_times_are_written_with_base_times() {
    let sample = |time_ms, at: &str, value| objects::Sample {
        time_ms,
        path: path(at),
        node: Node::Resource(single(value)),
    };
    let samples = [
        sample(Some(1_700_000_000_500), "/3303/0/5700", Value::Float(21.5)),
        sample(Some(1_700_000_000_500), "/3/0/9", Value::Integer(99)),
        sample(Some(1_700_000_060_000), "/3303/0/5700", Value::Float(22.0)),
        sample(None, "/3/0/13", Value::Time(1_700_000_060)),
    ];
    let payload = codec::encode_many(JSON, &samples).unwrap();
    let expected = concat!(
        r#"[{"bn":"/3/0/13","v":1700000060},{"bn":"/3303/0/5700","bt":1700000000.5,"v":21.5},"#,
        r#"{"bn":"/3/0/9","v":99},{"bn":"/3303/0/5700","bt":1700000060,"v":22.0}]"#
    );
    assert_eq!(String::from_utf8_lossy(&payload), expected);
    let back = codec::decode_many(JSON, &payload, &models(), 1_700_000_070_000).unwrap();
    assert_eq!(back.len(), 4);
    assert!(samples.iter().all(|sample| back.contains(sample)));
}
