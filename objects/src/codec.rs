//! Content formats: nodes to bytes and back (LwM2M Core 1.1.1 §7.4).
//!
//! Start with [`decode`] and [`encode`], which take one node at one path, or with [`decode_many`] and [`encode_many`],
//! which take samples from all over a device, as Send and the composite operations carry them. Each format is one
//! private module below this one.
//!
//! The object definitions decide types. What [`Models`] defines is decoded to the type it gives, and content that
//! contradicts it is an error that names path, expected and found. What it does not define is kept and typed by its
//! content: bytes from TLV, by form from CBOR and SenML, text from plain text. Whether a resource is single or multiple
//! is what the payload says, never the definition.
//!
//! Accepted beyond the letter, because devices send it:
//! - an integer for a Float, and a number without a fraction for an Integer, Unsigned Integer or Time;
//! - `object:instance` as SenML text for an Objlnk, where `vlo` is due;
//! - `true` and `false` for a Boolean in plain text;
//! - Base64 in either alphabet, with or without padding;
//! - in TLV, an object instance around the resources of one instance; resources without it where the object has a single
//!   instance or is unknown, which makes them instance 0; the instances of a resource without the resource around them;
//! - in SenML, records that set base fields only, and in CBOR indefinite lengths;
//! - the content format numbers that were used before OMA registered its own ([`ContentFormat::registered`]).
//!
//! Not carried: SenML has a record a value, so that an instance or a multiple resource without a value leaves no trace
//! in it, unless it is the whole payload, which is then an empty array.

mod cbor;
mod content;
mod error;
mod lwm2m_cbor;
mod lwm2m_json;
mod opaque;
mod senml;
mod senml_cbor;
mod senml_json;
mod text;
mod tlv;

use std::fmt;

pub use error::{DecodeError, EncodeError, Found};
pub use senml::MAX_RECORDS;

use crate::{Models, Node, Path, Sample, Value};

/// A number of the CoAP Content-Formats registry, as the Content-Format and Accept options carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentFormat(pub u16);

impl ContentFormat {
    /// `text/plain`: one value.
    pub const TEXT: Self = Self(0);
    /// `application/link-format`: Register and Discover. No codec of nodes; see [`crate::link`].
    pub const LINK: Self = Self(40);
    /// `application/octet-stream`: one opaque value.
    pub const OPAQUE: Self = Self(42);
    /// `application/cbor`: one value, since LwM2M 1.1.
    pub const CBOR: Self = Self(60);
    /// `application/senml+json`, since LwM2M 1.1.
    pub const SENML_JSON: Self = Self(110);
    /// `application/senml+cbor`, since LwM2M 1.1.
    pub const SENML_CBOR: Self = Self(112);
    /// `application/senml-etch+json` (RFC 8790), since LwM2M 1.2: what a composite operation asks for or writes, never an answer.
    pub const SENML_ETCH_JSON: Self = Self(320);
    /// `application/senml-etch+cbor`: the same as CBOR.
    pub const SENML_ETCH_CBOR: Self = Self(322);
    /// `application/vnd.oma.lwm2m+tlv`
    pub const TLV: Self = Self(11542);
    /// `application/vnd.oma.lwm2m+json`, of LwM2M 1.0. Read, never written.
    pub const LWM2M_JSON: Self = Self(11543);
    /// `application/vnd.oma.lwm2m+cbor`, since LwM2M 1.2.
    pub const LWM2M_CBOR: Self = Self(11544);

    /// The registered number for one that was in use before OMA had its own: 1541 text, 1542 TLV, 1543 JSON.
    /// Every other number is itself.
    #[must_use]
    pub fn registered(self) -> Self {
        match self.0 {
            1541 => Self::TEXT,
            1542 => Self::TLV,
            1543 => Self::LWM2M_JSON,
            _ => self,
        }
    }

    /// In which a composite operation is answered that was asked in this one: SenML-ETCH is for requests (RFC 8790 §3).
    #[must_use]
    pub fn of_answer(self) -> Self {
        match self.registered() {
            Self::SENML_ETCH_JSON => Self::SENML_JSON,
            Self::SENML_ETCH_CBOR => Self::SENML_CBOR,
            _ => self,
        }
    }

    /// A short name for people, if it is one of the formats named here.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.registered() {
            Self::TEXT => "text",
            Self::LINK => "link-format",
            Self::OPAQUE => "opaque",
            Self::CBOR => "CBOR",
            Self::SENML_JSON => "SenML JSON",
            Self::SENML_CBOR => "SenML CBOR",
            Self::SENML_ETCH_JSON => "SenML-ETCH JSON",
            Self::SENML_ETCH_CBOR => "SenML-ETCH CBOR",
            Self::TLV => "TLV",
            Self::LWM2M_JSON => "LwM2M JSON",
            Self::LWM2M_CBOR => "LwM2M CBOR",
            _ => return None,
        })
    }
}

/// The name and the number, `TLV (11542)`, or the number alone.
impl fmt::Display for ContentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => self.0.fmt(f),
        }
    }
}

/// Reads what stands at `path`: the answer to a Read, a notification, or the payload of a Write or Create there.
///
/// One sample for each distinct time in the payload, in the order of time; a sample without a time counts as
/// `received_ms` (milliseconds since 1970), which is also what relative SenML times are resolved against.
/// The node of each sample is at the level of `path`.
pub fn decode(
    format: ContentFormat,
    path: &Path,
    payload: &[u8],
    models: &Models<'_>,
    received_ms: i64,
) -> Result<Vec<Sample>, DecodeError> {
    let format = format.registered();
    let now = |node| vec![Sample { time_ms: None, path: *path, node }];
    match format {
        ContentFormat::TEXT => text::decode(path, payload, models).map(now),
        ContentFormat::OPAQUE => opaque::decode(path, payload, models).map(now),
        ContentFormat::CBOR => cbor::decode(path, payload, models).map(now),
        ContentFormat::TLV => tlv::decode(path, payload, models).map(now),
        ContentFormat::SENML_JSON => {
            senml::samples_at(format, path, senml_json::read(payload)?, models, received_ms)
        }
        ContentFormat::SENML_CBOR => {
            senml::samples_at(format, path, senml_cbor::read(payload)?, models, received_ms)
        }
        ContentFormat::LWM2M_CBOR => {
            senml::samples_at(format, path, lwm2m_cbor::read(payload)?, models, received_ms)
        }
        ContentFormat::LWM2M_JSON => {
            senml::samples_at(format, path, lwm2m_json::read(path, payload)?, models, received_ms)
        }
        _ => Err(DecodeError::Unsupported { format }),
    }
}

/// Reads values from all over a device: the payload of Send, or what a composite operation carries.
///
/// One sample for each value, at its resource or resource instance, ordered by time and path. Only SenML and LwM2M CBOR name
/// a path for each value, so every other format is [`DecodeError::Unsupported`].
pub fn decode_many(
    format: ContentFormat,
    payload: &[u8],
    models: &Models<'_>,
    received_ms: i64,
) -> Result<Vec<Sample>, DecodeError> {
    senml::samples(read_records(format, payload)?, models, received_ms)
}

/// Writes what stands at `path`, which is the level of `node`: the payload of a Write, a Create or the answer to a Read.
///
/// Each value is written as the type that [`Models`] defines for it, if it can be without loss.
pub fn encode(
    format: ContentFormat,
    path: &Path,
    node: &Node,
    models: &Models<'_>,
) -> Result<Vec<u8>, EncodeError> {
    match format.registered() {
        ContentFormat::TEXT => text::encode(path, node, models),
        ContentFormat::OPAQUE => opaque::encode(path, node, models),
        ContentFormat::CBOR => cbor::encode(path, node, models),
        ContentFormat::TLV => tlv::encode(path, node, models),
        ContentFormat::SENML_JSON => senml_json::write(&senml::records_at(format, path, node, models)?),
        ContentFormat::SENML_CBOR => senml_cbor::write(&senml::records_at(format, path, node, models)?),
        ContentFormat::LWM2M_CBOR => lwm2m_cbor::encode(path, node, models),
        _ => Err(EncodeError::Unsupported { format }),
    }
}

/// Writes values from all over a device, each as the type that [`Models`] defines for it, if it can be without loss: the
/// payload of Write-Composite (LwM2M Core 1.1.1 §6.3.9). See [`is_composite`].
pub fn encode_values<'v>(
    format: ContentFormat,
    values: impl IntoIterator<Item = (Path, &'v Value)>,
    models: &Models<'_>,
) -> Result<Vec<u8>, EncodeError> {
    match format {
        ContentFormat::LWM2M_CBOR => lwm2m_cbor::encode_values(values, models),
        _ => write_records(format, &senml::records_of_values(format, values, models)?),
    }
}

/// Writes paths without values: what Read-Composite and Observe-Composite ask for (LwM2M Core 1.1.1 §6.3.8). See
/// [`is_composite`].
pub fn encode_paths(format: ContentFormat, paths: &[Path]) -> Result<Vec<u8>, EncodeError> {
    match format {
        ContentFormat::LWM2M_CBOR => lwm2m_cbor::encode_paths(paths),
        _ => write_records(format, &senml::records_of_paths(paths)),
    }
}

/// Reads what [`encode_paths`] writes: the name of each record is a path, its value means nothing.
pub fn decode_paths(format: ContentFormat, payload: &[u8]) -> Result<Vec<Path>, DecodeError> {
    senml::paths(read_records(format, payload)?)
}

/// Whether one payload of the format may hold values from all over a device, so that composite operations can use it: SenML,
/// LwM2M CBOR, and for requests SenML-ETCH.
#[must_use]
pub fn is_composite(format: ContentFormat) -> bool {
    matches!(
        format.of_answer(),
        ContentFormat::SENML_JSON | ContentFormat::SENML_CBOR | ContentFormat::LWM2M_CBOR
    )
}

/// Writes samples from all over a device, each with its own path and time, as they are: the payload of Send,
/// of a notification with history, or of a composite operation. SenML, or LwM2M CBOR where no sample has a time.
pub fn encode_many(format: ContentFormat, samples: &[Sample]) -> Result<Vec<u8>, EncodeError> {
    if format == ContentFormat::LWM2M_CBOR {
        return lwm2m_cbor::encode_many(samples);
    }
    write_records(format, &senml::records(format, samples)?)
}

fn read_records(format: ContentFormat, payload: &[u8]) -> Result<senml::Pack, DecodeError> {
    match format.of_answer() {
        ContentFormat::SENML_JSON => senml_json::read(payload),
        ContentFormat::SENML_CBOR => senml_cbor::read(payload),
        ContentFormat::LWM2M_CBOR => lwm2m_cbor::read(payload),
        _ => Err(DecodeError::Unsupported { format }),
    }
}

fn write_records(format: ContentFormat, records: &[senml::Record]) -> Result<Vec<u8>, EncodeError> {
    match format.of_answer() {
        ContentFormat::SENML_JSON => senml_json::write(records),
        ContentFormat::SENML_CBOR => senml_cbor::write(records),
        _ => Err(EncodeError::Unsupported { format }),
    }
}
