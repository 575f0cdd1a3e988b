//! `application/vnd.oma.lwm2m+cbor` (LwM2M Core 1.2 §7.4): maps within maps, whose keys are the identifiers of a path.
//!
//! A key is one identifier or an array of several, in any mixture: `{3: {0: {9: 100}}}` and `{[3, 0]: {9: 100}}` say the same.
//! Paths count from the root, whatever the request was about. There are no times. Where a path alone is meant, its value is
//! null.

mod read;
mod tree;

use std::borrow::Cow;

use super::{
    ContentFormat, EncodeError, cbor,
    content::{as_defined, check_node},
};
use crate::{Models, Node, Path, Sample, Value};

pub(super) use read::read;
use tree::{Tree, map_head};

const FORMAT: ContentFormat = ContentFormat::LWM2M_CBOR;

/// What stands at a path.
pub(super) fn encode(path: &Path, node: &Node, models: &Models<'_>) -> Result<Vec<u8>, EncodeError> {
    check_node(path, node)?;
    encode_values(node.values(*path), models)
}

/// Values that stand anywhere, each as its definition wants it.
pub(super) fn encode_values<'v>(
    values: impl IntoIterator<Item = (Path, &'v Value)>,
    models: &Models<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let mut tree = Tree::default();
    for (path, value) in values {
        tree.insert(path, as_defined(&path, value, models)?)?;
    }
    tree.write()
}

/// Values as they are.
pub(super) fn encode_many(samples: &[Sample]) -> Result<Vec<u8>, EncodeError> {
    let mut tree = Tree::default();
    for sample in samples {
        check_node(&sample.path, &sample.node)?;
        if sample.time_ms.is_some() {
            return Err(EncodeError::NoForm { path: sample.path, format: FORMAT });
        }
        for (path, value) in sample.node.values(sample.path) {
            tree.insert(path, Cow::Borrowed(value))?;
        }
    }
    tree.write()
}

/// Paths, each a key of its own: one may lie within another.
pub(super) fn encode_paths(paths: &[Path]) -> Result<Vec<u8>, EncodeError> {
    let mut payload = map_head(paths.len());
    for path in paths {
        let key = cbor::write(&path.ids()).zip(cbor::write(&()));
        let (key, null) = key.ok_or(EncodeError::NoForm { path: *path, format: FORMAT })?;
        payload.extend(key.into_iter().chain(null));
    }
    Ok(payload)
}
