//! SenML as JSON (RFC 8428 §5, LwM2M Core 1.1.1 §7.4).

use super::{
    ContentFormat, DecodeError, EncodeError,
    senml::{Pack, Record},
};

const FORMAT: ContentFormat = ContentFormat::SENML_JSON;

pub(super) fn read(payload: &[u8]) -> Result<Pack, DecodeError> {
    serde_json::from_slice(payload).map_err(|error| malformed(FORMAT, payload, &error))
}

pub(super) fn write(records: &[Record]) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(records).map_err(|_| EncodeError::Unsupported { format: FORMAT })
}

/// What the parser of JSON found wrong, with the place of it as a byte of the payload.
pub(super) fn malformed(format: ContentFormat, payload: &[u8], error: &serde_json::Error) -> DecodeError {
    let lines = payload.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    let offset = (before + error.column().saturating_sub(1)).min(payload.len());
    DecodeError::Malformed { format, offset, reason: error.to_string() }
}
