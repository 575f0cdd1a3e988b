//! `text/plain`: one value as text (LwM2M Core 1.1.1 §7.4 and Appendix C).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    ContentFormat, DecodeError, EncodeError,
    content::{check_level, defined_type, from_base64, only_value, place},
};
use crate::{DataType, Models, Node, Path, Value};

const FORMAT: ContentFormat = ContentFormat::TEXT;

/// Without a definition the text is kept as it is, and bytes that are no text as bytes.
pub(super) fn decode(path: &Path, payload: &[u8], models: &Models<'_>) -> Result<Node, DecodeError> {
    check_level(FORMAT, path)?;
    let expected = defined_type(path, models);
    let value = match (std::str::from_utf8(payload), expected) {
        (Ok(text), None) => Value::String(text.to_owned()),
        (Err(_), None) => Value::Opaque(payload.to_vec()),
        (Ok(text), Some(DataType::Opaque)) => {
            from_base64(text.trim()).map(Value::Opaque).ok_or(DecodeError::NotBase64 { path: *path })?
        }
        (Ok(text), Some(expected)) => {
            Value::parse(expected, text).map_err(|source| DecodeError::Form { path: *path, source })?
        }
        (Err(_), Some(_)) => return Err(DecodeError::NotUtf8 { path: *path }),
    };
    place(FORMAT, path, value)
}

pub(super) fn encode(path: &Path, node: &Node, models: &Models<'_>) -> Result<Vec<u8>, EncodeError> {
    let value = only_value(FORMAT, path, node, models)?;
    let text = match &*value {
        Value::Boolean(truth) => String::from(if *truth { "1" } else { "0" }),
        Value::Opaque(bytes) => STANDARD.encode(bytes),
        Value::Float(number) if !number.is_finite() => {
            return Err(EncodeError::NoForm { path: *path, format: FORMAT });
        }
        other => other.to_string(),
    };
    Ok(text.into_bytes())
}
