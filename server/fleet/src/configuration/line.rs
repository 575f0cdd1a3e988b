//! Lines of a baseline: one value, or the notification attributes of one node.

use std::fmt;

use objects::{Attributes, Path, Value};
use zeroize::Zeroize as _;

use super::Digest;

/// One line of a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// A resource or resource instance; for attributes, whatever can have some.
    pub path: Path,
    /// What is to be there.
    pub want: Want,
}

/// What is to be at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// A value.
    Value(Value),
    /// A value that is never shown and never read.
    Secret(Hidden),
    /// Notification attributes. Those that are not named are as the device has them.
    Attributes(Attributes),
}

/// A value that is not shown. Two of the same value are alike only if they have the same salt, so that a digest tells nothing of a
/// short secret.
#[derive(Clone, PartialEq)]
pub struct Hidden {
    /// The value.
    pub value: Value,
    /// Random bytes.
    pub salt: [u8; 16],
}

/// What a line is about: a path has a value and attributes, each of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// Where.
    pub path: Path,
    /// Whether it is about the attributes.
    pub attributes: bool,
}

impl Line {
    /// What it is about.
    pub fn key(&self) -> LineKey {
        LineKey { path: self.path, attributes: matches!(self.want, Want::Attributes(_)) }
    }

    /// By what it is compared.
    pub fn digest(&self) -> Digest {
        let path = self.path.to_string();
        match &self.want {
            Want::Value(value) => {
                let kind = value.data_type().name();
                Digest::of([b"value", path.as_bytes(), kind.as_bytes(), value.to_string().as_bytes()])
            }
            Want::Secret(hidden) => {
                let mut text = hidden.value.to_string();
                let kind = hidden.value.data_type().name();
                let parts: [&[u8]; 5] =
                    [b"secret", path.as_bytes(), &hidden.salt, kind.as_bytes(), text.as_bytes()];
                let digest = Digest::of(parts);
                text.zeroize();
                digest
            }
            Want::Attributes(attributes) => {
                let queries = attributes.to_queries().join("&");
                Digest::of([b"attributes".as_slice(), path.as_bytes(), queries.as_bytes()])
            }
        }
    }
}

impl Want {
    /// The longest text that is shown of a value, in bytes.
    pub const MAX_SHOWN: usize = 256;

    /// As it is shown.
    pub fn shown(&self) -> String {
        match self {
            Self::Value(value) => shown(value),
            Self::Secret(_) => "(secret)".to_owned(),
            Self::Attributes(attributes) => attributes.to_queries().join("&"),
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// `/1/0/1`, or `/3303/0/5700?` for its attributes.
impl fmt::Display for LineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, if self.attributes { "?" } else { "" })
    }
}

/// A value as one line, cut where it is too long.
pub(super) fn shown(value: &Value) -> String {
    crate::timeline::one_line(&value.to_string(), Want::MAX_SHOWN)
}

/// Whether a device has what is wanted: whole numbers by their amount whatever their type, and a Float as near as a device that
/// computes in 32 bits comes (LwM2M Core 1.1.1 Appendix C).
pub(crate) fn same(wanted: &Value, actual: &Value) -> bool {
    let whole = |value: &Value| match *value {
        Value::Integer(number) | Value::Time(number) => Some(i128::from(number)),
        Value::Unsigned(number) => Some(i128::from(number)),
        _ => None,
    };
    let float = |value: &Value| match *value {
        Value::Float(number) => Some(number),
        _ => whole(value).map(|number| number as f64),
    };
    match (whole(wanted), whole(actual)) {
        (Some(one), Some(other)) => one == other,
        _ => match (float(wanted), float(actual)) {
            (Some(one), Some(other)) => one == other || one as f32 == other as f32,
            _ => wanted == actual,
        },
    }
}
