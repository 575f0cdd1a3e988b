//! A value as a number for its type and its bytes, so that every value comes back exactly: any text, any float.

use objects::{DataType, ObjectLink, Value};

/// The columns `kind` and `value`.
pub(in crate::store) fn columns(value: &Value) -> (i64, Vec<u8>) {
    let bytes = match value {
        Value::String(text) | Value::CoreLink(text) => text.as_bytes().to_vec(),
        Value::Integer(number) | Value::Time(number) => number.to_be_bytes().to_vec(),
        Value::Unsigned(number) => number.to_be_bytes().to_vec(),
        Value::Float(number) => number.to_be_bytes().to_vec(),
        Value::Boolean(truth) => vec![u8::from(*truth)],
        Value::Opaque(bytes) => bytes.clone(),
        Value::ObjectLink(link) => [link.object.to_be_bytes(), link.instance.to_be_bytes()].concat(),
    };
    (kind(value.data_type()), bytes)
}

pub(in crate::store) fn value(kind: i64, bytes: Vec<u8>) -> Option<Value> {
    Some(match data_type(kind)? {
        DataType::String => Value::String(String::from_utf8(bytes).ok()?),
        DataType::CoreLink => Value::CoreLink(String::from_utf8(bytes).ok()?),
        DataType::Integer => Value::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
        DataType::Unsigned => Value::Unsigned(u64::from_be_bytes(bytes.try_into().ok()?)),
        DataType::Float => Value::Float(f64::from_be_bytes(bytes.try_into().ok()?)),
        DataType::Time => Value::Time(i64::from_be_bytes(bytes.try_into().ok()?)),
        DataType::Boolean => Value::Boolean(match bytes[..] {
            [0] => false,
            [1] => true,
            _ => return None,
        }),
        DataType::Opaque => Value::Opaque(bytes),
        DataType::ObjectLink => {
            let [object, instance] = *bytes.as_chunks::<2>().0 else { return None };
            let (object, instance) = (u16::from_be_bytes(object), u16::from_be_bytes(instance));
            Value::ObjectLink(ObjectLink { object, instance })
        }
    })
}

// These numbers stand in databases: they never change.
fn kind(data_type: DataType) -> i64 {
    match data_type {
        DataType::String => 1,
        DataType::Integer => 2,
        DataType::Unsigned => 3,
        DataType::Float => 4,
        DataType::Boolean => 5,
        DataType::Opaque => 6,
        DataType::Time => 7,
        DataType::ObjectLink => 8,
        DataType::CoreLink => 9,
    }
}

fn data_type(number: i64) -> Option<DataType> {
    DataType::ALL.into_iter().find(|&data_type| kind(data_type) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_as_it_was() {
        for one in [
            Value::String("a\0b ☃ '; DROP TABLE device; --".into()),
            Value::String(String::new()),
            Value::Integer(i64::MIN),
            Value::Unsigned(u64::MAX),
            Value::Float(f64::INFINITY),
            Value::Float(0.1 + 0.2),
            Value::Boolean(true),
            Value::Boolean(false),
            Value::Opaque(vec![]),
            Value::Opaque((0..=255).collect()),
            Value::Time(-1),
            Value::ObjectLink(ObjectLink::NULL),
            Value::CoreLink("</3/0>".into()),
        ] {
            let (kind, bytes) = columns(&one);
            assert_eq!(value(kind, bytes), Some(one));
        }
        let (kind, bytes) = columns(&Value::Float(-0.0));
        assert!(matches!(value(kind, bytes), Some(Value::Float(zero)) if zero.is_sign_negative()));
        let (kind, bytes) = columns(&Value::Float(f64::NAN));
        assert!(matches!(value(kind, bytes), Some(Value::Float(number)) if number.is_nan()));
    }

    #[test]
    fn bytes_that_are_no_value_are_refused() {
        for (kind, bytes) in
            [(0, vec![]), (10, vec![]), (1, vec![0xff]), (2, vec![1]), (5, vec![2]), (8, vec![0; 3])]
        {
            assert_eq!(value(kind, bytes.clone()), None, "{kind} {bytes:?}");
        }
    }
}
