//! Values as people type and read them.

use std::str::FromStr;

use objects::DataType;
use web::api::v1::types::Value;

/// The word of the API for a value's type, and its text.
pub(crate) fn parts(value: &Value) -> (String, String) {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match serde_json::to_value(value) {
        Ok(json) => (text(&json["type"]), text(&json["value"])),
        Err(_) => (String::new(), objects::Value::from(value.clone()).to_string()),
    }
}

/// A value for a node below a path: `5700=float:21.5`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) below: String,
    pub(crate) value: Value,
}

/// A text that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssignmentError {
    #[error("expected a path below, a type and a value, such as 5700=float:21.5")]
    Form,
    #[error(
        "there is no type `{0}`: string, integer, unsigned, float, boolean, opaque, time, object-link or core-link"
    )]
    Type(String),
    #[error(transparent)]
    Value(#[from] objects::ValueError),
}

impl FromStr for Assignment {
    type Err = AssignmentError;

    fn from_str(text: &str) -> Result<Self, AssignmentError> {
        let (below, typed) = text.split_once('=').ok_or(AssignmentError::Form)?;
        let (word, text) = typed.split_once(':').ok_or(AssignmentError::Form)?;
        let data_type = match word {
            "string" => DataType::String,
            "integer" => DataType::Integer,
            "unsigned" => DataType::Unsigned,
            "float" => DataType::Float,
            "boolean" => DataType::Boolean,
            "opaque" => DataType::Opaque,
            "time" => DataType::Time,
            "object-link" => DataType::ObjectLink,
            "core-link" => DataType::CoreLink,
            word => return Err(AssignmentError::Type(word.to_owned())),
        };
        let value = objects::Value::parse(data_type, text)?.into();
        Ok(Self { below: below.trim_start_matches('/').to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_reads_as_the_api_writes_it() {
        for (typed, word, text) in [
            ("5700=float:21.5", "float", "21.5"),
            ("0=string:a=b:c", "string", "a=b:c"),
            ("6/0=integer:-1", "integer", "-1"),
            ("1=unsigned:7", "unsigned", "7"),
            ("1=boolean:true", "boolean", "true"),
            ("2=opaque:0aFF", "opaque", "0aff"),
            ("5518=time:1700000000", "time", "2023-11-14T22:13:20.000Z"),
            ("/3=object-link:3:0", "object-link", "3:0"),
        ] {
            let assignment: Assignment = typed.parse().unwrap();
            assert_eq!(parts(&assignment.value), (word.to_owned(), text.to_owned()), "{typed}");
        }
        assert_eq!("x".parse::<Assignment>(), Err(AssignmentError::Form));
        assert_eq!("1=number:2".parse::<Assignment>(), Err(AssignmentError::Type("number".to_owned())));
        assert!(matches!("1=integer:x".parse::<Assignment>(), Err(AssignmentError::Value(_))));
    }
}
