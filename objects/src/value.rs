//! Values: one typed value of a resource or resource instance.

use std::fmt;

use crate::{ObjectId, Path};

/// A value of one of the data types of LwM2M Core 1.1.1 Appendix C.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// UTF-8 text.
    String(String),
    /// A signed integer of up to 64 bits.
    Integer(i64),
    /// An unsigned integer of up to 64 bits, since LwM2M 1.1.
    Unsigned(u64),
    /// A 32- or 64-bit floating point number, kept as 64 bits.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// Bytes without a meaning of their own; also what an unknown resource is kept as where its format carries no type.
    Opaque(Vec<u8>),
    /// Seconds since 1970-01-01T00:00:00Z.
    Time(i64),
    /// A reference to an object instance.
    ObjectLink(ObjectLink),
    /// Links in CoRE Link Format, since LwM2M 1.1.
    CoreLink(String),
}

/// The data type that a resource's definition gives. An executable resource has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// `String`
    String,
    /// `Integer`
    Integer,
    /// `Unsigned Integer`
    Unsigned,
    /// `Float`
    Float,
    /// `Boolean`
    Boolean,
    /// `Opaque`
    Opaque,
    /// `Time`
    Time,
    /// `Objlnk`
    ObjectLink,
    /// `Corelnk`
    CoreLink,
}

/// `object:instance`; 65535:65535 is the null link (LwM2M Core 1.1.1 Appendix C).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectLink {
    /// The object, 65535 in the null link.
    pub object: u16,
    /// The object instance, 65535 in the null link.
    pub instance: u16,
}

/// Why a text is no value of a data type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It does not have the form of the type.
    #[error("not a value of type {expected}: {form}")]
    WrongForm {
        /// The type that was asked for.
        expected: DataType,
        /// What such a value looks like.
        form: &'static str,
    },
    /// It has the form, but lies outside what the type holds.
    #[error("outside the range of type {expected}")]
    OutOfRange {
        /// The type that was asked for.
        expected: DataType,
    },
}

impl Value {
    /// The data type it is of.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::String(_) => DataType::String,
            Self::Integer(_) => DataType::Integer,
            Self::Unsigned(_) => DataType::Unsigned,
            Self::Float(_) => DataType::Float,
            Self::Boolean(_) => DataType::Boolean,
            Self::Opaque(_) => DataType::Opaque,
            Self::Time(_) => DataType::Time,
            Self::ObjectLink(_) => DataType::ObjectLink,
            Self::CoreLink(_) => DataType::CoreLink,
        }
    }

    /// Reads what a person or a program typed for a resource of `data_type`.
    ///
    /// The forms are those of the plain text format (LwM2M Core 1.1.1 §7.4.2 and Appendix C), with two more that
    /// people expect: `true`/`false` for Boolean and hexadecimal digits for Opaque.
    pub fn parse(data_type: DataType, text: &str) -> Result<Self, ValueError> {
        let wrong = |form| ValueError::WrongForm { expected: data_type, form };
        let number_error = |error: &std::num::ParseIntError, form| match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                ValueError::OutOfRange { expected: data_type }
            }
            _ => wrong(form),
        };
        let trimmed = text.trim();
        match data_type {
            DataType::String => Ok(Self::String(text.to_owned())),
            DataType::CoreLink => Ok(Self::CoreLink(text.to_owned())),
            DataType::Integer => trimmed
                .parse()
                .map(Self::Integer)
                .map_err(|error| number_error(&error, "expected a whole number, such as -42")),
            DataType::Unsigned => trimmed
                .parse()
                .map(Self::Unsigned)
                .map_err(|error| number_error(&error, "expected a whole number of 0 or more, such as 42")),
            DataType::Time => trimmed
                .parse()
                .map(Self::Time)
                .map_err(|error| number_error(&error, "expected seconds since 1970, such as 1700000000")),
            DataType::Float => match trimmed.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Self::Float(number)),
                Ok(_) => Err(ValueError::OutOfRange { expected: data_type }),
                Err(_) => Err(wrong("expected a decimal number, such as 21.5")),
            },
            DataType::Boolean => match trimmed {
                "1" | "true" => Ok(Self::Boolean(true)),
                "0" | "false" => Ok(Self::Boolean(false)),
                _ => Err(wrong("expected true or false")),
            },
            DataType::Opaque => from_hex(trimmed)
                .map(Self::Opaque)
                .ok_or_else(|| wrong("expected pairs of hexadecimal digits, such as 0a1b")),
            DataType::ObjectLink => ObjectLink::parse(trimmed)
                .map(Self::ObjectLink)
                .ok_or_else(|| wrong("expected object:instance, such as 3:0")),
        }
    }
}

impl DataType {
    /// All of them, in the order of LwM2M Core 1.1.1 Appendix C.
    pub const ALL: [Self; 9] = [
        Self::String,
        Self::Integer,
        Self::Unsigned,
        Self::Float,
        Self::Boolean,
        Self::Opaque,
        Self::Time,
        Self::ObjectLink,
        Self::CoreLink,
    ];

    /// The name that OMA's definitions use.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Unsigned => "Unsigned Integer",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Opaque => "Opaque",
            Self::Time => "Time",
            Self::ObjectLink => "Objlnk",
            Self::CoreLink => "Corelnk",
        }
    }
}

impl ObjectLink {
    /// The link that points nowhere.
    pub const NULL: Self = Self { object: u16::MAX, instance: u16::MAX };

    /// Reads `object:instance`.
    pub fn parse(text: &str) -> Option<Self> {
        let (object, instance) = text.split_once(':')?;
        let number =
            |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        Some(Self { object: number(object)?, instance: number(instance)? })
    }

    /// The instance it points to, unless it is null.
    pub fn target(self) -> Option<Path> {
        (self != Self::NULL).then(|| Path::from_ids(&[ObjectId(self.object).0, self.instance]).ok()).flatten()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ObjectLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object, self.instance)
    }
}

/// As [`Value::parse`] reads it back: opaque values as hexadecimal digits, Boolean as `true` and `false`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) | Self::CoreLink(text) => f.write_str(text),
            Self::Integer(number) | Self::Time(number) => number.fmt(f),
            Self::Unsigned(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Opaque(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::ObjectLink(link) => link.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_typed_again() {
        for value in [
            Value::String(" spaces stay ".into()),
            Value::Integer(i64::MIN),
            Value::Unsigned(u64::MAX),
            Value::Float(-0.1),
            Value::Boolean(true),
            Value::Opaque(vec![0, 0xab]),
            Value::Time(1_700_000_000),
            Value::ObjectLink(ObjectLink::NULL),
            Value::CoreLink("</3/0>".into()),
        ] {
            assert_eq!(Value::parse(value.data_type(), &value.to_string()), Ok(value));
        }
    }

    #[test]
    fn a_wrong_form_and_a_wrong_range_are_told_apart() {
        assert!(matches!(Value::parse(DataType::Integer, "12x"), Err(ValueError::WrongForm { .. })));
        let too_large = Value::parse(DataType::Integer, "9223372036854775808");
        assert_eq!(too_large, Err(ValueError::OutOfRange { expected: DataType::Integer }));
        assert!(matches!(Value::parse(DataType::Opaque, "abc"), Err(ValueError::WrongForm { .. })));
        assert!(matches!(Value::parse(DataType::Opaque, "é"), Err(ValueError::WrongForm { .. })));
        assert!(Value::parse(DataType::Float, "inf").is_err());
        assert!(Value::parse(DataType::ObjectLink, "3:").is_err());
    }
}
