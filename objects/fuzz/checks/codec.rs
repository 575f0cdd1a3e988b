//! Payloads of a content format: what is read survives being written and read again.
//!
//! The first byte chooses the path, the second whether the core objects are known; the rest is the payload.

use objects::{
    ContentFormat, Models, Node, Path, Registry, Resource, Sample, Value, Version,
    codec::{self, EncodeError},
};

const RECEIVED_MS: i64 = 1_700_000_000_000;

/// One of each level, of objects that are single, multiple and unknown.
const PATHS: [&[u16]; 16] = [
    &[],
    &[3],
    &[1],
    &[32_001],
    &[3, 0],
    &[1, 0],
    &[3303, 0],
    &[32_001, 7],
    &[3, 0, 9],
    &[3, 0, 6],
    &[3, 0, 13],
    &[5, 0, 0],
    &[3303, 0, 5700],
    &[32_001, 7, 1],
    &[3, 0, 6, 1],
    &[32_001, 7, 1, 0],
];

pub(crate) fn check(format: ContentFormat, bytes: &[u8]) {
    let [path, known, payload @ ..] = bytes else { return };
    let path = PATHS[usize::from(*path) % PATHS.len()];
    let path = Path::from_ids(path).expect("the paths above are well-formed");
    let registry = if known & 1 == 0 { Registry::empty() } else { Registry::core() };
    let models = Models { registry: &registry, versions: &|_| Version::V1_1 };
    one_node(format, path, payload, &models);
    many_nodes(format, payload, &models);
    paths(format, payload);
}

fn one_node(format: ContentFormat, path: Path, payload: &[u8], models: &Models<'_>) {
    let Ok(samples) = codec::decode(format, &path, payload, models, RECEIVED_MS) else { return };
    assert!(!samples.is_empty());
    assert!(samples.is_sorted_by_key(|sample| sample.time_ms.unwrap_or(RECEIVED_MS)));
    // The JSON of LwM2M 1.0 is never written; what it says can be.
    let format = if format == ContentFormat::LWM2M_JSON { ContentFormat::SENML_CBOR } else { format };
    for sample in samples {
        assert_eq!(sample.path, path);
        if is_lossy(format, &sample, models) {
            continue;
        }
        let written = match codec::encode(format, &path, &sample.node, models) {
            // The sum of value and base value may be infinite.
            Err(EncodeError::NoForm { .. }) if format == ContentFormat::SENML_JSON => continue,
            written => written.expect("what was read can be written"),
        };
        let again = codec::decode(format, &path, &written, models, RECEIVED_MS);
        let expected = vec![Sample { time_ms: None, ..sample }];
        // By their text: a float that is no number is not equal to itself.
        assert_eq!(format!("{again:?}"), format!("Ok({expected:?})"));
    }
}

/// Bytes that nothing is known of are no text, and become Base64 when written as such.
fn is_lossy(format: ContentFormat, sample: &Sample, models: &Models<'_>) -> bool {
    let bytes = matches!(
        sample.node,
        Node::Resource(Resource::Single(Value::Opaque(_))) | Node::ResourceInstance(Value::Opaque(_))
    );
    format == ContentFormat::TEXT && bytes && models.resource_at(&sample.path).is_none()
}

fn many_nodes(format: ContentFormat, payload: &[u8], models: &Models<'_>) {
    let Ok(samples) = codec::decode_many(format, payload, models, RECEIVED_MS) else { return };
    match codec::encode_many(format, &samples) {
        // Times before July 1978 have no absolute form.
        Err(EncodeError::Time { .. } | EncodeError::NoForm { .. }) => {}
        written => {
            let written = written.expect("what was read can be written");
            let again = codec::decode_many(format, &written, models, RECEIVED_MS);
            assert_eq!(format!("{again:?}"), format!("Ok({samples:?})"));
        }
    }
}

fn paths(format: ContentFormat, payload: &[u8]) {
    let Ok(paths) = codec::decode_paths(format, payload) else { return };
    let written = codec::encode_paths(format, &paths).expect("what was read can be written");
    assert_eq!(codec::decode_paths(format, &written), Ok(paths));
}
