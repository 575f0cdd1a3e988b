//! SenML as CBOR (RFC 8428 §6, LwM2M Core 1.1.1 §7.4).

use super::{
    ContentFormat, DecodeError, EncodeError, cbor,
    senml::{Pack, Record},
};

const FORMAT: ContentFormat = ContentFormat::SENML_CBOR;

/// A pack is an array of maps; no field holds a container.
const DEPTH: usize = 2;

pub(super) fn read(payload: &[u8]) -> Result<Pack, DecodeError> {
    cbor::read(FORMAT, DEPTH, payload)
}

pub(super) fn write(records: &[Record]) -> Result<Vec<u8>, EncodeError> {
    cbor::write(records).ok_or(EncodeError::Unsupported { format: FORMAT })
}
