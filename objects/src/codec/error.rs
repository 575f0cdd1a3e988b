//! Why bytes are no node, and why a node is no bytes.

use std::fmt;

use super::ContentFormat;
use crate::{DataType, Path, PathError, ValueError};

/// Why a payload could not be read.
///
/// [`Unsupported`](Self::Unsupported) and [`Level`](Self::Level) say that the format was the wrong choice (4.15 in an
/// answer to a device); every other variant says that the payload is malformed (4.00).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// There is no codec for this format, or not for what was asked.
    #[error("content format {format} is not supported here")]
    Unsupported {
        /// The format as it was given.
        format: ContentFormat,
    },
    /// The format cannot carry what stands at the path: text, opaque and CBOR carry one value, and the root needs SenML
    /// with [`decode_many`](super::decode_many).
    #[error("{format} cannot carry what stands at {path}")]
    Level {
        /// The format.
        format: ContentFormat,
        /// Where the payload was to stand.
        path: Path,
    },
    /// A length or count points past the end of the payload.
    #[error("the payload ends early: at byte {offset} {needed} bytes are announced, {available} are there")]
    Truncated {
        /// Where the announced bytes start.
        offset: usize,
        /// How many are announced.
        needed: u64,
        /// How many there are.
        available: usize,
    },
    /// Bytes follow what should have been all.
    #[error("{count} bytes follow the end of the content at byte {offset}")]
    Trailing {
        /// Where the content ends.
        offset: usize,
        /// How many bytes follow.
        count: usize,
    },
    /// The bytes break the grammar of the format, or its fields have the wrong kind of content.
    #[error("malformed {format} near byte {offset}: {reason}")]
    Malformed {
        /// The format.
        format: ContentFormat,
        /// Where.
        offset: usize,
        /// What the parser found wrong, in its words.
        reason: String,
    },
    /// More records than a payload may have ([`MAX_RECORDS`](super::MAX_RECORDS)).
    #[error("more than {max} records in one payload")]
    TooMany {
        /// The bound.
        max: usize,
    },
    /// Nested deeper than any content of LwM2M is.
    #[error("nested deeper than {max} levels at byte {offset}")]
    TooDeep {
        /// The bound.
        max: usize,
        /// Where the level too deep starts.
        offset: usize,
    },
    /// A TLV of a kind that may not stand where it does (LwM2M Core 1.1.1 §7.4).
    #[error("a TLV of kind {found} may not stand at {path} (byte {offset})")]
    Misplaced {
        /// What it would be part of.
        path: Path,
        /// Where it starts.
        offset: usize,
        /// The kind, in the words of the specification.
        found: &'static str,
    },
    /// A TLV value of a length that its type does not have.
    #[error("{path}: {length} bytes are no {expected}")]
    Length {
        /// The value.
        path: Path,
        /// Its type.
        expected: DataType,
        /// How many bytes there were.
        length: usize,
    },
    /// The identifier 65535, which names nothing (LwM2M Core 1.1.1 §7.2).
    #[error("the identifier 65535 below {path} is reserved (byte {offset})")]
    Reserved {
        /// What it would lie in.
        path: Path,
        /// Where its TLV starts.
        offset: usize,
    },
    /// Content of another kind than the definition of the resource gives.
    #[error("{path}: expected {expected}, found {found}")]
    WrongType {
        /// The value.
        path: Path,
        /// The type that the definition gives.
        expected: DataType,
        /// What there was.
        found: Found,
    },
    /// A number that the type does not hold.
    #[error("{path}: the number is outside the range of {expected}, or has a fraction it cannot hold")]
    OutOfRange {
        /// The value.
        path: Path,
        /// The type that the definition gives.
        expected: DataType,
    },
    /// A text that does not have the form of the type.
    #[error("{path}: {source}")]
    Form {
        /// The value.
        path: Path,
        /// What is wrong with it.
        source: ValueError,
    },
    /// Bytes that should be text are no UTF-8.
    #[error("{path}: the text is no UTF-8")]
    NotUtf8 {
        /// The value.
        path: Path,
    },
    /// Text that should be Base64 is none.
    #[error("{path}: the text is no Base64")]
    NotBase64 {
        /// The value.
        path: Path,
    },
    /// The text of a SenML data value is no Base64.
    #[error("record {record}: the field `vd` is no Base64")]
    DataNotBase64 {
        /// Which record, from 0.
        record: usize,
    },
    /// A name that is no path, or is missing.
    #[error("record {record}: `{name}` names nothing: {source}")]
    Name {
        /// Which record, from 0.
        record: usize,
        /// The resolved name, cut to 64 characters.
        name: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A value above the resource level, or at the root.
    #[error("record {record}: {path} is no resource or resource instance and cannot have a value")]
    NotAResource {
        /// Which record, from 0.
        record: usize,
        /// What the name resolves to.
        path: Path,
    },
    /// A value that does not belong below the path that was asked for.
    #[error("{found} does not lie in {base}")]
    Outside {
        /// What was asked for.
        base: Path,
        /// What there was.
        found: Path,
    },
    /// The same node twice (at the same time), or a resource both with a value and with instances.
    #[error("{path} is there more than once")]
    Duplicate {
        /// The node.
        path: Path,
    },
    /// There is no value where there must be one.
    #[error("{path} has no value")]
    NoValue {
        /// The node.
        path: Path,
    },
    /// A record has more than one value.
    #[error("record {record} has more than one value")]
    SeveralValues {
        /// Which record, from 0.
        record: usize,
    },
    /// Resources without an instance, at an object that may have several: a Create that leaves the choice to the device.
    /// It can be read at the path of the instance that was chosen.
    #[error("{path} may have several instances, and the payload does not say which one it is")]
    NoInstance {
        /// The object.
        path: Path,
    },
    /// A record has the same field twice.
    #[error("record {record} has the field `{field}` twice")]
    DuplicateField {
        /// Which record, from 0.
        record: usize,
        /// The label.
        field: &'static str,
    },
    /// A field has content of another kind than its label says (RFC 8428 §4.3).
    #[error("record {record}: the field `{field}` holds {found}")]
    FieldType {
        /// Which record, from 0.
        record: usize,
        /// The label.
        field: &'static str,
        /// What there was.
        found: Found,
    },
    /// A field that a reader must understand (its name ends in `_`, RFC 8428 §4.4), but does not.
    #[error("record {record}: the field `{field}` must be understood, but is not known")]
    UnknownField {
        /// Which record, from 0.
        record: usize,
        /// The label, cut to 64 characters.
        field: String,
    },
    /// A SenML version that is newer than 10 (RFC 8428 §4.4).
    #[error("record {record}: SenML version {version} is not supported")]
    SenmlVersion {
        /// Which record, from 0.
        record: usize,
        /// The version.
        version: u64,
    },
    /// A time that no calendar holds.
    #[error("record {record}: the time is out of range")]
    Time {
        /// Which record, from 0.
        record: usize,
    },
}

/// Why a node could not be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EncodeError {
    /// There is no codec for this format, or not for what was asked.
    #[error("content format {format} is not supported here")]
    Unsupported {
        /// The format as it was given.
        format: ContentFormat,
    },
    /// The format cannot carry what stands at the path: text, opaque and CBOR carry one value.
    #[error("{format} cannot carry what stands at {path}")]
    Level {
        /// The format.
        format: ContentFormat,
        /// Where the node stands.
        path: Path,
    },
    /// The node is not of the level of the path, or has the identifier 65535 in it.
    #[error("the node does not belong at {path}: it is of another level, or has a reserved identifier")]
    Mismatch {
        /// The path that was given.
        path: Path,
    },
    /// A value of another type than the definition of the resource gives.
    #[error("{path}: expected {expected}, found {found}")]
    WrongType {
        /// The value.
        path: Path,
        /// The type that the definition gives.
        expected: DataType,
        /// The type it has.
        found: DataType,
    },
    /// A value that the format has no form for, such as an infinite number in text.
    #[error("{path}: {format} has no form for this value")]
    NoForm {
        /// The value.
        path: Path,
        /// The format.
        format: ContentFormat,
    },
    /// A time that SenML cannot carry as an absolute one: before July 1978 or out of range (RFC 8428 §4.5.3).
    #[error("{path}: SenML cannot carry the time {time_ms} ms")]
    Time {
        /// The sample.
        path: Path,
        /// Its time, in milliseconds since 1970.
        time_ms: i64,
    },
    /// More than a TLV's length of 24 bits can say.
    #[error("{path}: {length} bytes are too long for the format")]
    TooLong {
        /// The node.
        path: Path,
        /// The length in bytes.
        length: usize,
    },
}

/// The kind of content a payload had, for formats that say so themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A number without a fraction.
    Integer,
    /// A number with a fraction, or a floating point number.
    Float,
    /// True or false.
    Boolean,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A link to an object instance.
    ObjectLink,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "an integer",
            Self::Float => "a floating point number",
            Self::Boolean => "a boolean",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::ObjectLink => "an object link",
        })
    }
}
