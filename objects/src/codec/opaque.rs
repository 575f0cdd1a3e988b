//! `application/octet-stream`: the bytes of one opaque value (LwM2M Core 1.1.1 §7.4).

use super::{
    ContentFormat, DecodeError, EncodeError,
    content::{Content, check_level, defined_type, only_value, place},
};
use crate::{DataType, Models, Node, Path, Value};

const FORMAT: ContentFormat = ContentFormat::OPAQUE;

pub(super) fn decode(path: &Path, payload: &[u8], models: &Models<'_>) -> Result<Node, DecodeError> {
    check_level(FORMAT, path)?;
    let value = Content::Bytes(payload.to_vec()).into_value(path, defined_type(path, models))?;
    place(FORMAT, path, value)
}

pub(super) fn encode(path: &Path, node: &Node, models: &Models<'_>) -> Result<Vec<u8>, EncodeError> {
    match only_value(FORMAT, path, node, models)?.into_owned() {
        Value::Opaque(bytes) => Ok(bytes),
        other => {
            Err(EncodeError::WrongType { path: *path, expected: DataType::Opaque, found: other.data_type() })
        }
    }
}
