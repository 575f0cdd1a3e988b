//! Between values and formats: content that says itself what kind it is, and how a definition's type applies to it.

use std::{borrow::Cow, fmt};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use super::{ContentFormat, DecodeError, EncodeError, Found};
use crate::{DataType, Models, Node, ObjectLink, Path, Resource, Value, ValueError};

/// One value as CBOR and SenML tell it, before a definition is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    ObjectLink(ObjectLink),
}

impl Content {
    /// The value of the expected type, or without one the value that the content itself suggests.
    pub(super) fn into_value(self, path: &Path, expected: Option<DataType>) -> Result<Value, DecodeError> {
        let path = *path;
        let Some(expected) = expected else {
            return Ok(match self {
                Self::Integer(number) => {
                    let unsigned = || u64::try_from(number).map(Value::Unsigned);
                    let out_of_range = |_| DecodeError::OutOfRange { path, expected: DataType::Integer };
                    i64::try_from(number).map(Value::Integer).or_else(|_| unsigned()).map_err(out_of_range)?
                }
                Self::Float(number) => Value::Float(number),
                Self::Boolean(truth) => Value::Boolean(truth),
                Self::Text(text) => Value::String(text),
                Self::Bytes(bytes) => Value::Opaque(bytes),
                Self::ObjectLink(link) => Value::ObjectLink(link),
            });
        };
        let out_of_range = DecodeError::OutOfRange { path, expected };
        match (expected, self) {
            (DataType::String, Self::Text(text)) => Ok(Value::String(text)),
            (DataType::CoreLink, Self::Text(text)) => Ok(Value::CoreLink(text)),
            (DataType::Boolean, Self::Boolean(truth)) => Ok(Value::Boolean(truth)),
            (DataType::Opaque, Self::Bytes(bytes)) => Ok(Value::Opaque(bytes)),
            (DataType::Float, Self::Float(number)) => Ok(Value::Float(number)),
            #[expect(clippy::cast_precision_loss, reason = "the nearest Float is meant")]
            (DataType::Float, Self::Integer(number)) => Ok(Value::Float(number as f64)),
            (DataType::Integer | DataType::Unsigned | DataType::Time, Self::Integer(number)) => {
                whole(number, expected).ok_or(out_of_range)
            }
            (DataType::Integer | DataType::Unsigned | DataType::Time, Self::Float(number)) => {
                without_fraction(number).and_then(|number| whole(number, expected)).ok_or(out_of_range)
            }
            (DataType::ObjectLink, Self::ObjectLink(link)) => Ok(Value::ObjectLink(link)),
            (DataType::ObjectLink, Self::Text(text)) => Value::parse(DataType::ObjectLink, &text)
                .map_err(|source: ValueError| DecodeError::Form { path, source }),
            (expected, other) => Err(DecodeError::WrongType { path, expected, found: other.kind() }),
        }
    }

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) | Value::CoreLink(text) => Self::Text(text.clone()),
            Value::Integer(number) | Value::Time(number) => Self::Integer((*number).into()),
            Value::Unsigned(number) => Self::Integer((*number).into()),
            Value::Float(number) => Self::Float(*number),
            Value::Boolean(truth) => Self::Boolean(*truth),
            Value::Opaque(bytes) => Self::Bytes(bytes.clone()),
            Value::ObjectLink(link) => Self::ObjectLink(*link),
        }
    }

    pub(super) fn kind(&self) -> Found {
        match self {
            Self::Integer(_) => Found::Integer,
            Self::Float(_) => Found::Float,
            Self::Boolean(_) => Found::Boolean,
            Self::Text(_) => Found::Text,
            Self::Bytes(_) => Found::Bytes,
            Self::ObjectLink(_) => Found::ObjectLink,
        }
    }

    /// The number it is, if it is one.
    #[expect(clippy::cast_precision_loss, reason = "what asks for a float accepts the nearest one")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

/// The value as its definition wants it written; another type is accepted where nothing is lost.
pub(super) fn as_defined<'v>(
    path: &Path,
    value: &'v Value,
    models: &Models<'_>,
) -> Result<Cow<'v, Value>, EncodeError> {
    let found = value.data_type();
    let expected = match models.resource_at(path).and_then(|resource| resource.data_type) {
        Some(expected) if expected != found => expected,
        _ => return Ok(Cow::Borrowed(value)),
    };
    let converted = match (expected, value) {
        (
            DataType::Integer | DataType::Unsigned | DataType::Time,
            Value::Integer(_) | Value::Unsigned(_) | Value::Time(_) | Value::Float(_),
        ) => match Content::of(value) {
            Content::Integer(number) => whole(number, expected),
            Content::Float(number) => without_fraction(number).and_then(|number| whole(number, expected)),
            _ => None,
        },
        (DataType::Float, Value::Integer(_) | Value::Unsigned(_) | Value::Time(_)) => {
            Content::of(value).number().filter(|number| without_fraction(*number).is_some()).map(Value::Float)
        }
        (DataType::CoreLink, Value::String(text)) => Some(Value::CoreLink(text.clone())),
        (DataType::String, Value::CoreLink(text)) => Some(Value::String(text.clone())),
        _ => None,
    };
    converted.map(Cow::Owned).ok_or(EncodeError::WrongType { path: *path, expected, found })
}

/// The type that the definition of the resource gives.
pub(super) fn defined_type(path: &Path, models: &Models<'_>) -> Option<DataType> {
    models.resource_at(path)?.data_type
}

/// Puts the one value that a format carries at its path.
pub(super) fn place(format: ContentFormat, path: &Path, value: Value) -> Result<Node, DecodeError> {
    match path {
        Path::Resource(..) => Ok(Node::Resource(Resource::Single(value))),
        Path::ResourceInstance(..) => Ok(Node::ResourceInstance(value)),
        _ => Err(DecodeError::Level { format, path: *path }),
    }
}

/// Whether a format that carries one value can be used at a path.
pub(super) fn check_level(format: ContentFormat, path: &Path) -> Result<(), DecodeError> {
    match path {
        Path::Resource(..) | Path::ResourceInstance(..) => Ok(()),
        _ => Err(DecodeError::Level { format, path: *path }),
    }
}

/// The one value of a node, for a format that carries one, as its definition wants it.
pub(super) fn only_value<'n>(
    format: ContentFormat,
    path: &Path,
    node: &'n Node,
    models: &Models<'_>,
) -> Result<Cow<'n, Value>, EncodeError> {
    check_node(path, node)?;
    match node {
        Node::Resource(Resource::Single(value)) | Node::ResourceInstance(value) => {
            as_defined(path, value, models)
        }
        _ => Err(EncodeError::Level { format, path: *path }),
    }
}

/// Whether a node is of the level of a path.
pub(super) fn check_node(path: &Path, node: &Node) -> Result<(), EncodeError> {
    match (path, node) {
        (Path::Object(..), Node::Object(_))
        | (Path::Instance(..), Node::Instance(_))
        | (Path::Resource(..), Node::Resource(_))
        | (Path::ResourceInstance(..), Node::ResourceInstance(_)) => Ok(()),
        _ => Err(EncodeError::Mismatch { path: *path }),
    }
}

/// Base64 in either alphabet, with or without padding.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let engine = if text.contains(['+', '/']) { &STANDARD } else { &URL_SAFE };
    engine.decode(text).ok()
}

/// Base64url without padding, as RFC 8428 §4.3 wants it.
pub(super) fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn whole(number: i128, expected: DataType) -> Option<Value> {
    match expected {
        DataType::Integer => number.try_into().ok().map(Value::Integer),
        DataType::Unsigned => number.try_into().ok().map(Value::Unsigned),
        DataType::Time => number.try_into().ok().map(Value::Time),
        _ => None,
    }
}

/// The integer that a float is, if it is one for certain: beyond 2^53 neighbours are more than 1 apart.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn without_fraction(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Only CBOR has decimal fractions; its own check has made sure that an array here is one.
        let fractions = !deserializer.is_human_readable();
        deserializer.deserialize_any(ContentVisitor { fractions })
    }
}

pub(super) struct ContentVisitor {
    pub(super) fractions: bool,
}

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a boolean, text or bytes")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Content, E> {
        Ok(Content::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Content, E> {
        Ok(Content::Integer(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Content, E> {
        Ok(Content::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Content, E> {
        Ok(Content::Bytes(bytes.to_vec()))
    }

    // A decimal fraction, [exponent, mantissa] (RFC 8949 §3.4.4).
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let pair = (seq.next_element::<i64>()?, seq.next_element::<i64>()?, seq.next_element::<i64>()?);
        match pair {
            (Some(exponent), Some(mantissa), None) if self.fractions => Ok(decimal(exponent, mantissa)),
            _ => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
        }
    }
}

fn decimal(exponent: i64, mantissa: i64) -> Content {
    let power = u32::try_from(exponent).ok().and_then(|exponent| 10_i128.checked_pow(exponent));
    match power.and_then(|power| power.checked_mul(mantissa.into())) {
        Some(number) => Content::Integer(number),
        // The parser rounds once; mantissa × 10^exponent computed in floats would round twice.
        None => Content::Float(format!("{mantissa}e{exponent}").parse().unwrap_or(f64::NAN)),
    }
}
