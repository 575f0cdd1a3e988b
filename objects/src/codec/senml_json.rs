//! SenML as JSON (RFC 8428 §5, LwM2M Core 1.1.1 §7.4.6).

use super::{
    ContentFormat, DecodeError, EncodeError,
    senml::{Pack, Record},
};

const FORMAT: ContentFormat = ContentFormat::SENML_JSON;

pub(super) fn read(payload: &[u8]) -> Result<Pack, DecodeError> {
    serde_json::from_slice(payload).map_err(|error| DecodeError::Malformed {
        format: FORMAT,
        offset: offset(payload, &error),
        reason: error.to_string(),
    })
}

pub(super) fn write(records: &[Record]) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(records).map_err(|_| EncodeError::Unsupported { format: FORMAT })
}

/// The byte at the line and column that the parser names.
fn offset(payload: &[u8], error: &serde_json::Error) -> usize {
    let lines = payload.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    (before + error.column().saturating_sub(1)).min(payload.len())
}
