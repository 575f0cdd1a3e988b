//! `application/cbor`: one value (LwM2M Core 1.1.1 §7.4), and the one place that knows the CBOR library.
//!
//! The library is given bytes only after [`scan`] has walked them: lengths lie within the payload, nesting is
//! bounded, an array stands where a number may stand only as a decimal fraction.

mod scan;
use scan::Arrays;

use serde::{Serialize, Serializer, de::DeserializeOwned};

use super::{
    ContentFormat, DecodeError, EncodeError,
    content::{Content, check_level, defined_type, only_value, place},
};
use crate::{Models, Node, Path, Value};

const FORMAT: ContentFormat = ContentFormat::CBOR;
const TAG_EPOCH_TIME: u8 = 0xc1;

pub(super) fn decode(path: &Path, payload: &[u8], models: &Models<'_>) -> Result<Node, DecodeError> {
    check_level(FORMAT, path)?;
    let content: Content = read(FORMAT, 0, payload)?;
    place(FORMAT, path, content.into_value(path, defined_type(path, models))?)
}

pub(super) fn encode(path: &Path, node: &Node, models: &Models<'_>) -> Result<Vec<u8>, EncodeError> {
    let value = only_value(FORMAT, path, node, models)?;
    write_value(&value).ok_or(EncodeError::NoForm { path: *path, format: FORMAT })
}

/// Writes one value; none where the library has no form for it.
pub(super) fn write_value(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) | Value::CoreLink(text) => write(text),
        Value::Integer(number) => write(number),
        // RFC 8949 §3.4.2: epoch-based time. Leshan takes a time in no other form.
        Value::Time(number) => write(number).map(|number| [&[TAG_EPOCH_TIME], number.as_slice()].concat()),
        Value::Unsigned(number) => write(number),
        Value::Float(number) => write(number),
        Value::Boolean(truth) => write(truth),
        Value::Opaque(bytes) => write(&Bytes(bytes)),
        Value::ObjectLink(link) => write(&link.to_string()),
    }
}

/// Reads one item that is all of `payload`. `depth` is how many containers may lie within each other.
pub(super) fn read<T: DeserializeOwned>(
    format: ContentFormat,
    depth: usize,
    payload: &[u8],
) -> Result<T, DecodeError> {
    scan::scan(format, depth, Arrays::Anywhere, payload)?;
    built(format, payload)
}

/// The same, where an array may stand as a key only.
pub(super) fn read_with_keys<T: DeserializeOwned>(
    format: ContentFormat,
    depth: usize,
    payload: &[u8],
) -> Result<T, DecodeError> {
    scan::scan(format, depth, Arrays::AsKeys, payload)?;
    built(format, payload)
}

fn built<T: DeserializeOwned>(format: ContentFormat, payload: &[u8]) -> Result<T, DecodeError> {
    serde_cbor::from_slice(payload).map_err(|error| DecodeError::Malformed {
        format,
        offset: usize::try_from(error.offset()).unwrap_or_default().min(payload.len()),
        reason: error.to_string(),
    })
}

/// Writes one item, numbers in their shortest form; none where the library has no form for it.
pub(super) fn write<T: Serialize + ?Sized>(item: &T) -> Option<Vec<u8>> {
    serde_cbor::to_vec(&item).ok()
}

/// A byte string: what serde calls bytes, where a slice would be an array.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}
