//! Inputs for values: which one a data type gets, and how what was typed becomes a value again.

use std::collections::BTreeMap;

use objects::{DataType, InstanceId, Resource, ResourceInstanceId, ResourceModel, Value};
use tower_sessions::cookie::time::{Date, Month, PrimitiveDateTime, Time};

use crate::form::Fields;

/// One input of a form.
pub(crate) struct Input {
    /// The name of its field, which is also how a problem refers to it.
    pub(crate) name: String,
    /// The element's id.
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) kind: Kind,
    pub(crate) value: String,
    pub(crate) problem: Option<String>,
    /// Whether leaving it empty leaves it out, and whether an empty text can be meant all the same.
    pub(crate) optional: bool,
    pub(crate) empty_meant: bool,
}

/// Which input it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text.
    Line,
    /// A whole number.
    Whole,
    /// A decimal number.
    Decimal,
    /// True or false.
    Truth,
    /// A date and a time in UTC.
    Time,
    /// Bytes in hexadecimal digits, or a file.
    Bytes,
    /// One `id = value` a line.
    Lines,
}

/// A form that was sent and could not be taken: what was typed, and what is wrong with it.
pub(crate) struct Attempt {
    /// Which form of the page.
    pub(crate) asked: String,
    pub(crate) fields: Fields,
    pub(crate) problems: Vec<Problem>,
}

/// What is wrong with a form: with one of its fields, or with all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) field: Option<String>,
    pub(crate) text: String,
}

/// One form of a page: empty, or as it was sent.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    form: &'static str,
    attempt: Option<&'a Attempt>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(form: &'static str, attempt: Option<&'a Attempt>) -> Self {
        Self { form, attempt: attempt.filter(|attempt| attempt.asked == form) }
    }

    /// What was typed into a field, or what stands there at first.
    pub(crate) fn text(&self, name: &str, first: &str) -> String {
        self.attempt.map_or(first, |attempt| attempt.fields.text(name)).to_owned()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attempt.is_some_and(|attempt| attempt.fields.has(name))
    }

    pub(crate) fn problem(&self, name: &str) -> Option<String> {
        let problem = self.attempt?.problems.iter().find(|problem| problem.field.as_deref() == Some(name))?;
        Some(problem.text.clone())
    }

    /// An input for a value of `data_type`.
    pub(crate) fn input(&self, name: &str, label: &str, data_type: DataType, first: &str) -> Input {
        Input {
            name: name.to_owned(),
            id: format!("{}-{}", self.form, name.replace('.', "-")),
            label: label.to_owned(),
            hint: String::new(),
            kind: Kind::of(data_type),
            value: self.text(name, first),
            problem: self.problem(name),
            optional: false,
            empty_meant: self.has(&format!("{name}.empty")),
        }
    }

    /// An input for a resource among others, which may be left out.
    pub(crate) fn resource(&self, model: &ResourceModel, data_type: DataType) -> Input {
        let name = format!("r.{}", model.id);
        let kind = if model.multiple { Kind::Lines } else { Kind::of(data_type) };
        Input {
            kind,
            optional: true,
            hint: hint(model, data_type),
            ..self.input(&name, &model.name, data_type, "")
        }
    }
}

impl Kind {
    pub(crate) fn of(data_type: DataType) -> Self {
        match data_type {
            DataType::String | DataType::CoreLink | DataType::ObjectLink => Self::Line,
            DataType::Integer | DataType::Unsigned => Self::Whole,
            DataType::Float => Self::Decimal,
            DataType::Boolean => Self::Truth,
            DataType::Opaque => Self::Bytes,
            DataType::Time => Self::Time,
        }
    }
}

impl Problem {
    pub(crate) fn of_field(field: &str, text: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), text: text.into() }
    }

    pub(crate) fn of_form(text: impl Into<String>) -> Self {
        Self { field: None, text: text.into() }
    }
}

/// What is said of an input: type, unit, allowed values.
pub(crate) fn hint(model: &ResourceModel, data_type: DataType) -> String {
    let mut parts = vec![data_type.to_string()];
    if !model.units.is_empty() {
        parts.push(format!("in {}", model.units));
    }
    if !model.range.is_empty() {
        parts.push(format!("allowed: {}", model.range));
    }
    if model.multiple {
        parts.push("one “id = value” a line".to_owned());
    } else if data_type == DataType::ObjectLink {
        parts.push("as object:instance, such as 3:0".to_owned());
    }
    parts.join(" · ")
}

/// How a value stands in its input, so that it can be sent back unchanged.
pub(crate) fn typed(value: &Value) -> String {
    match value {
        Value::Time(seconds) => {
            let at = fleet::Timestamp(seconds.saturating_mul(1_000));
            crate::show::Moment::new(at, at).iso.trim_end_matches('Z').to_owned()
        }
        value => value.to_string(),
    }
}

/// Reads a single value: what was typed, or the file that was chosen for bytes.
pub(crate) fn value(fields: &Fields, name: &str, data_type: DataType) -> Result<Value, Problem> {
    if data_type == DataType::Opaque
        && let Some(file) = fields.file(&format!("{name}.file"))
    {
        return Ok(Value::Opaque(file.to_vec()));
    }
    parse(data_type, fields.text(name)).map_err(|text| Problem::of_field(name, text))
}

/// Reads the values of a resource with several, one `id = value` a line.
pub(crate) fn lines(fields: &Fields, name: &str, data_type: DataType) -> Result<Resource, Problem> {
    let mut values = BTreeMap::new();
    for line in fields.text(name).lines().filter(|line| !line.trim().is_empty()) {
        let wrong = |text: String| Problem::of_field(name, format!("“{}”: {text}", line.trim()));
        let (id, text) =
            line.split_once('=').ok_or_else(|| wrong("expected id = value, such as 0 = 5.".to_owned()))?;
        let id = resource_instance(id.trim())
            .ok_or_else(|| wrong("the id is a number from 0 to 65534.".to_owned()))?;
        let value = parse(data_type, text.trim()).map_err(wrong)?;
        if values.insert(id, value).is_some() {
            return Err(wrong("this id is there twice.".to_owned()));
        }
    }
    Ok(Resource::Multiple(values))
}

/// Whether a resource that may be left out was filled in.
pub(crate) fn given(fields: &Fields, name: &str) -> bool {
    !fields.text(name).is_empty()
        || fields.has(&format!("{name}.empty"))
        || fields.file(&format!("{name}.file")).is_some()
}

pub(crate) fn resource_instance(text: &str) -> Option<ResourceInstanceId> {
    number(text).map(ResourceInstanceId)
}

pub(crate) fn instance(text: &str) -> Option<InstanceId> {
    number(text).map(InstanceId)
}

fn number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|id| *id != u16::MAX)
}

/// Reads a value as it is typed.
pub(crate) fn parse(data_type: DataType, text: &str) -> Result<Value, String> {
    match data_type {
        DataType::Time => moment(text).ok_or_else(|| {
            "Expected a date and time in UTC, such as 2026-05-17 08:30:00, or seconds since 1970.".to_owned()
        }),
        DataType::Opaque => {
            let digits: String =
                text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-')).collect();
            Value::parse(data_type, &digits)
                .map_err(|_| "Expected pairs of hexadecimal digits, such as 0a ff 31, or a file.".to_owned())
        }
        DataType::Boolean if text.is_empty() => Err("Choose true or false.".to_owned()),
        _ => Value::parse(data_type, text).map_err(|error| super::login::sentence(&error)),
    }
}

/// `2026-05-17T08:30`, `2026-05-17 08:30:00` or seconds since 1970.
fn moment(text: &str) -> Option<Value> {
    let text = text.trim().trim_end_matches('Z');
    if let Ok(seconds) = text.parse() {
        return Some(Value::Time(seconds));
    }
    let (day, clock) = text.split_once(['T', ' '])?;
    let numbers = |text: &str, separator| -> Option<Vec<u16>> {
        text.split(separator).map(|n| n.parse().ok()).collect()
    };
    let (day, clock) = (numbers(day, '-')?, numbers(clock, ':')?);
    let [year, month, day] = day[..] else { return None };
    let (hour, minute, second) = match clock[..] {
        [hour, minute] => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let small = |number: u16| u8::try_from(number).ok();
    let date =
        Date::from_calendar_date(i32::from(year), Month::try_from(small(month)?).ok()?, small(day)?).ok()?;
    let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    Some(Value::Time(PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_typed_as_dates_or_seconds() {
        for text in ["2023-11-14T22:13:20", "2023-11-14 22:13:20", "2023-11-14T22:13:20Z", "1700000000"] {
            assert_eq!(parse(DataType::Time, text), Ok(Value::Time(1_700_000_000)), "{text}");
        }
        assert_eq!(parse(DataType::Time, "2023-11-14T22:13"), Ok(Value::Time(1_699_999_980)));
        for wrong in ["", "tomorrow", "2023-02-30T00:00", "2023-11-14T25:00", "2023-11-14"] {
            assert!(parse(DataType::Time, wrong).is_err(), "{wrong}");
        }
        assert_eq!(typed(&Value::Time(1_700_000_000)), "2023-11-14T22:13:20");
    }

    #[test]
    fn bytes_are_typed_in_groups() {
        assert_eq!(parse(DataType::Opaque, "0a:FF 31"), Ok(Value::Opaque(vec![0x0a, 0xff, 0x31])));
        assert!(parse(DataType::Opaque, "0a f").is_err());
    }

    #[test]
    fn every_value_can_be_sent_back_as_it_is_shown() {
        for value in [
            Value::Boolean(false),
            Value::Float(1.5),
            Value::Opaque(vec![1]),
            Value::Time(86_400),
            Value::Integer(-3),
        ] {
            assert_eq!(parse(value.data_type(), &typed(&value)), Ok(value));
        }
    }
}
