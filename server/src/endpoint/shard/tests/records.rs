//! Records with times of their own (RFC 8428 §4.5.3, LwM2M Core 1.1.1 §6.4.6): on each way every one of them is kept with its time.

use fleet::Reading;
use objects::{Models, Registry};

use super::*;
use crate::binding::downlink;

const TEMPERATURE: Path =
    Path::Resource(objects::ObjectId(3303), objects::InstanceId(0), objects::ResourceId(5700));

/// Absolute: half a minute apart, and within one millisecond.
const ABSOLUTE: &[u8] =
    br#"[{"bn":"/3303/0/5700","bt":1700000000,"v":1.5},{"t":30,"v":2.5},{"t":30.0004,"v":3.5}]"#;
/// The same two in CBOR: bn, bt, v; t, v.
const CBOR: &[u8] =
    b"\x82\xa3\x21\x6c/3303/0/5700\x22\x1a\x65\x53\xf1\x00\x02\xf9\x3e\x00\xa2\x06\x18\x1e\x02\xf9\x41\x00";
/// A minute ago, and now.
const RELATIVE: &[u8] = br#"[{"n":"/3303/0/5700","t":-60,"v":1.5},{"n":"/3303/0/5700","t":0,"v":2.5}]"#;

fn absolute() -> Vec<(Value, Option<i64>)> {
    let at = 1_700_000_030_000;
    vec![(Value::Float(3.5), Some(at)), (Value::Float(2.5), Some(at)), (Value::Float(1.5), Some(at - 30_000))]
}

fn is_relative(records: &[(Value, Option<i64>)]) -> bool {
    let [(Value::Float(2.5), Some(now)), (Value::Float(1.5), Some(before))] = records else { return false };
    now - before == 60_000
}

#[test]
fn every_record_of_a_send_is_kept_with_its_own_time() {
    for (format, payload, count) in [(110, ABSOLUTE, 3), (112, CBOR, 2), (110, RELATIVE, 2)] {
        let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
        world.inject(node, messages::sending_of(format, payload));
        world.run_for(SECOND);
        let records = world.records(node, TEMPERATURE);
        assert_eq!(records.len(), count, "{records:?}");
        match payload == RELATIVE {
            true => assert!(is_relative(&records), "{records:?}"),
            false => assert_eq!(records, absolute()[3 - count..]),
        }
    }
}

#[test]
fn every_record_of_a_notification_is_kept_with_its_own_time() {
    for (format, payload, count) in [(110, ABSOLUTE, 3), (112, CBOR, 2), (110, RELATIVE, 2)] {
        let (mut world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
        world.order(node, Operation::Observe { path: TEMPERATURE, format: None });
        let observation = world.stored_observations(node).remove(0);
        let token = coap::Token::new(observation.token.as_bytes()).unwrap();
        let number = observation.number.unwrap() + 100;
        world.inject(node, messages::notifying_of((token, 0x7000, number), format, payload));
        world.run_for(SECOND);
        // The answer that began it has no time of its own.
        let mut records = world.records(node, TEMPERATURE);
        records.retain(|(_, time)| time.is_some());
        assert_eq!(records.len(), count, "{records:?}");
        match payload == RELATIVE {
            true => assert!(is_relative(&records), "{records:?}"),
            false => assert_eq!(records, absolute()[3 - count..]),
        }
    }
}

#[test]
fn every_record_of_an_answer_is_kept_with_its_own_time() {
    let (world, node) = World::with_one(Profile::sensor("node-7", Version::V1_1));
    let registration = world.registration(node);
    let registry = Registry::core();
    let models = Models { registry: &registry, versions: &|_| Version::V1_1 };
    let one = Operation::Read { path: TEMPERATURE, format: None };
    let several = Operation::ReadComposite { paths: [TEMPERATURE].into_iter().collect(), format: None };
    for operation in [one, several] {
        for (format, payload, count) in [(110, ABSOLUTE, 3), (112, CBOR, 2)] {
            let mut response = coap::Response::new(coap::Code::CONTENT);
            (response.content_format, response.payload) = (Some(format), payload.to_vec());
            let outcome = downlink::outcome(&operation, &registration, &models, &response, 7);
            let Outcome::Success { content: Content::Samples(samples), .. } = outcome else {
                panic!("{outcome:?}")
            };
            let readings = Reading::from_samples(&samples).into_iter().rev();
            let records: Vec<_> =
                readings.map(|reading| (reading.value, reading.device_time.map(|time| time.0))).collect();
            assert_eq!(records, absolute()[3 - count..], "{} {format}", operation.name());
        }
    }
}
