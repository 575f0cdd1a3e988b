//! Values of resources.

use std::borrow::Cow;

use objects::{DataType, ValueError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OneOfBuilder, RefOr, Schema},
};

use super::Time;

/// A value with its type (LwM2M Core 1.1.1 Appendix C): what is read can be written back as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Value {
    /// Text.
    String(String),
    /// A signed integer of 64 bits.
    Integer(i64),
    /// An unsigned integer of 64 bits.
    Unsigned(u64),
    /// A number; `"NaN"`, `"Infinity"` and `"-Infinity"` are texts, for JSON has none of them.
    Float(#[serde(with = "float")] f64),
    /// True or false.
    Boolean(bool),
    /// Bytes, as hexadecimal digits, two a byte.
    Opaque(#[serde(with = "hex")] Vec<u8>),
    /// A moment (RFC 3339); `@` and seconds since 1970 where that lies outside the years 0 to 9999.
    Time(#[serde(with = "seconds")] i64),
    /// An object instance, such as `3:0`; `65535:65535` is the null link.
    ObjectLink(ObjectLink),
    /// Links in CoRE Link Format.
    CoreLink(String),
}

/// `object:instance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectLink(pub objects::ObjectLink);

impl ToSchema for Value {
    fn name() -> Cow<'static, str> {
        "Value".into()
    }
}

impl PartialSchema for Value {
    fn schema() -> RefOr<Schema> {
        let typed = |word: &str, value: serde_json::Value| {
            json!({
                "type": "object",
                "required": ["type", "value"],
                "properties": {"type": {"type": "string", "enum": [word]}, "value": value},
                "additionalProperties": false,
            })
        };
        let choices = [
            typed("string", json!({"type": "string"})),
            typed("integer", json!({"type": "integer", "format": "int64"})),
            typed("unsigned", json!({"type": "integer", "format": "uint64", "minimum": 0})),
            typed(
                "float",
                json!({"type": ["number", "string"],
                    "description": "A number; `NaN`, `Infinity` and `-Infinity` are texts, for JSON has none of them."}),
            ),
            typed("boolean", json!({"type": "boolean"})),
            typed(
                "opaque",
                json!({"type": "string", "pattern": "^([0-9a-fA-F]{2})*$",
                    "description": "Bytes, as hexadecimal digits, two a byte."}),
            ),
            typed(
                "time",
                json!({"type": "string",
                    "description": "A moment (RFC 3339); `@` and seconds since 1970 outside the years 0 to 9999."}),
            ),
            typed(
                "object-link",
                json!({"type": "string", "pattern": "^[0-9]+:[0-9]+$",
                    "description": "An object instance; `65535:65535` is the null link."}),
            ),
            typed("core-link", json!({"type": "string", "description": "Links in CoRE Link Format."})),
        ];
        let choice = |schema| -> Schema {
            serde_json::from_value(schema).expect("a schema that is written down here")
        };
        let whole = OneOfBuilder::new().description(Some(
            "A value with its type (LwM2M Core 1.1.1 Appendix C): what is read can be written back as it is.",
        ));
        let whole = whole.examples([json!({"type": "string", "value": "Europe/Berlin"})]);
        choices.into_iter().map(choice).fold(whole, OneOfBuilder::item).into()
    }
}

impl From<ObjectLink> for String {
    fn from(ObjectLink(link): ObjectLink) -> Self {
        format!("{}:{}", link.object, link.instance)
    }
}

impl TryFrom<String> for ObjectLink {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        match objects::Value::parse(DataType::ObjectLink, &text)? {
            objects::Value::ObjectLink(link) => Ok(Self(link)),
            _ => Err(ValueError::OutOfRange { expected: DataType::ObjectLink }),
        }
    }
}

impl From<objects::Value> for Value {
    fn from(value: objects::Value) -> Self {
        match value {
            objects::Value::String(text) => Self::String(text),
            objects::Value::Integer(number) => Self::Integer(number),
            objects::Value::Unsigned(number) => Self::Unsigned(number),
            objects::Value::Float(number) => Self::Float(number),
            objects::Value::Boolean(flag) => Self::Boolean(flag),
            objects::Value::Opaque(bytes) => Self::Opaque(bytes),
            objects::Value::Time(seconds) => Self::Time(seconds),
            objects::Value::ObjectLink(link) => Self::ObjectLink(ObjectLink(link)),
            objects::Value::CoreLink(text) => Self::CoreLink(text),
        }
    }
}

impl From<Value> for objects::Value {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::String(text),
            Value::Integer(number) => Self::Integer(number),
            Value::Unsigned(number) => Self::Unsigned(number),
            Value::Float(number) => Self::Float(number),
            Value::Boolean(flag) => Self::Boolean(flag),
            Value::Opaque(bytes) => Self::Opaque(bytes),
            Value::Time(seconds) => Self::Time(seconds),
            Value::ObjectLink(link) => Self::ObjectLink(link.0),
            Value::CoreLink(text) => Self::CoreLink(text),
        }
    }
}

mod float {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    pub(super) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        match *number {
            number if number.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            number => serializer.serialize_f64(number),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let expected = "expected a number, or one of \"NaN\", \"Infinity\" and \"-Infinity\"";
        match Written::deserialize(deserializer).map_err(|_| D::Error::custom(expected))? {
            Written::Number(number) => Ok(number),
            Written::Word(word) if word == "NaN" => Ok(f64::NAN),
            Written::Word(word) if word == "Infinity" => Ok(f64::INFINITY),
            Written::Word(word) if word == "-Infinity" => Ok(f64::NEG_INFINITY),
            Written::Word(_) => Err(D::Error::custom(expected)),
        }
    }
}

mod hex {
    use objects::{DataType, Value};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Value::parse(DataType::Opaque, &String::deserialize(deserializer)?).map_err(D::Error::custom)? {
            Value::Opaque(bytes) => Ok(bytes),
            _ => Err(D::Error::custom("expected bytes")),
        }
    }
}

mod seconds {
    use fleet::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Time;

    pub(super) fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        let at = seconds.checked_mul(1_000).map(Timestamp);
        match at.map(Time::from).filter(|time| Some(time.timestamp()) == at) {
            Some(time) => serializer.collect_str(&time),
            None => serializer.collect_str(&format_args!("@{seconds}")),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix('@') {
            Some(digits) => digits.parse().map_err(D::Error::custom),
            None => {
                let time: Time = text.parse().map_err(D::Error::custom)?;
                Ok(time.timestamp().0.div_euclid(1_000))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &objects::Value) -> String {
        serde_json::to_string(&Value::from(value.clone())).unwrap()
    }

    #[test]
    fn every_value_is_read_back_as_it_was_written() {
        use objects::Value as V;
        for (value, json) in [
            (V::String("a\r\n\0\"".into()), r#"{"type":"string","value":"a\r\n\u0000\""}"#),
            (V::Integer(i64::MIN), r#"{"type":"integer","value":-9223372036854775808}"#),
            (V::Unsigned(u64::MAX), r#"{"type":"unsigned","value":18446744073709551615}"#),
            (V::Float(0.1), r#"{"type":"float","value":0.1}"#),
            (V::Float(f64::NEG_INFINITY), r#"{"type":"float","value":"-Infinity"}"#),
            (V::Boolean(true), r#"{"type":"boolean","value":true}"#),
            (V::Opaque(vec![0x0a, 0xff]), r#"{"type":"opaque","value":"0aff"}"#),
            (V::Opaque(vec![]), r#"{"type":"opaque","value":""}"#),
            (V::Time(1_700_000_000), r#"{"type":"time","value":"2023-11-14T22:13:20.000Z"}"#),
            (V::Time(i64::MAX), r#"{"type":"time","value":"@9223372036854775807"}"#),
            (
                V::ObjectLink(objects::ObjectLink { object: 3, instance: 0 }),
                r#"{"type":"object-link","value":"3:0"}"#,
            ),
            (V::CoreLink("</3>".into()), r#"{"type":"core-link","value":"</3>"}"#),
        ] {
            assert_eq!(written(&value), json);
            let read: Value = serde_json::from_str(json).unwrap();
            assert_eq!(objects::Value::from(read), value);
        }
        let nan: Value = serde_json::from_str(&written(&V::Float(f64::NAN))).unwrap();
        assert!(matches!(nan, Value::Float(number) if number.is_nan()));
    }

    #[test]
    fn a_value_of_another_form_is_refused() {
        for json in [
            r#"{"type":"string"}"#,
            r#"{"value":"x"}"#,
            r#"{"type":"String","value":"x"}"#,
            r#"{"type":"integer","value":"1"}"#,
            r#"{"type":"integer","value":1.5}"#,
            r#"{"type":"float","value":"nan"}"#,
            r#"{"type":"float","value":null}"#,
            r#"{"type":"opaque","value":"0"}"#,
            r#"{"type":"time","value":1700000000}"#,
            r#"{"type":"object-link","value":"3"}"#,
            r#"{"type":"string","value":"x","unit":"s"}"#,
        ] {
            assert!(serde_json::from_str::<Value>(json).is_err(), "{json}");
        }
    }
}
