//! Records as serde reads and writes them: text labels in JSON, numbers in CBOR (RFC 8428 §4.3, §6).
//!
//! Nothing is resolved here. What is wrong with a record beyond its grammar is kept as its [`Fault`], so that whoever
//! resolves it can say which record it was.

use std::fmt;

use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};

use crate::ObjectLink;
use crate::codec::{
    DecodeError, Found,
    cbor::Bytes,
    content::{Content, from_base64, to_base64url},
};

/// How many records a payload of SenML or of LwM2M 1.0's JSON may have; with more it is refused as a whole
/// ([`DecodeError::TooMany`]).
pub const MAX_RECORDS: usize = 16_384;

/// The records of a payload.
#[derive(Debug, Default)]
pub(in crate::codec) struct Pack {
    /// At most one more than [`MAX_RECORDS`].
    pub(in crate::codec) records: Vec<Record>,
    /// Whether text is Base64 where an opaque value is due: the JSON of LwM2M 1.0 has no field for bytes.
    pub(in crate::codec) opaque_as_text: bool,
}

/// One record with the fields that mean something to LwM2M.
#[derive(Debug, Default)]
pub(in crate::codec) struct Record {
    pub(super) version: Option<u64>,
    pub(in crate::codec) base_name: Option<String>,
    pub(in crate::codec) base_time: Option<f64>,
    pub(super) base_value: Option<Content>,
    pub(in crate::codec) name: Option<String>,
    pub(super) time: Option<f64>,
    pub(super) content: Option<Content>,
    /// Whether it has a field that is no base field.
    pub(super) regular: bool,
    /// The first thing that is wrong with it.
    pub(super) fault: Option<Fault>,
}

/// What makes a record unusable.
#[derive(Debug)]
pub(super) enum Fault {
    DataNotBase64,
    Duplicate(Field),
    SeveralValues,
    Type(Field, Found),
    Unknown(String),
}

impl Fault {
    pub(super) fn at(self, record: usize) -> DecodeError {
        match self {
            Self::DataNotBase64 => DecodeError::DataNotBase64 { record },
            Self::Duplicate(field) => DecodeError::DuplicateField { record, field: field.label() },
            Self::SeveralValues => DecodeError::SeveralValues { record },
            Self::Type(field, found) => DecodeError::FieldType { record, field: field.label(), found },
            Self::Unknown(field) => DecodeError::UnknownField { record, field },
        }
    }
}

/// The fields of RFC 8428 §4.3 and `vlo` of LwM2M Core 1.1.1 §7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::codec) enum Field {
    BaseVersion,
    BaseName,
    BaseTime,
    BaseUnit,
    BaseValue,
    BaseSum,
    Name,
    Unit,
    Value,
    StringValue,
    BooleanValue,
    Sum,
    Time,
    UpdateTime,
    DataValue,
    ObjectLinkValue,
}

impl Field {
    /// Each with its label in JSON and in CBOR, where `vlo` has no number.
    const ALL: [(Self, &'static str, Option<i64>); 16] = [
        (Self::BaseVersion, "bver", Some(-1)),
        (Self::BaseName, "bn", Some(-2)),
        (Self::BaseTime, "bt", Some(-3)),
        (Self::BaseUnit, "bu", Some(-4)),
        (Self::BaseValue, "bv", Some(-5)),
        (Self::BaseSum, "bs", Some(-6)),
        (Self::Name, "n", Some(0)),
        (Self::Unit, "u", Some(1)),
        (Self::Value, "v", Some(2)),
        (Self::StringValue, "vs", Some(3)),
        (Self::BooleanValue, "vb", Some(4)),
        (Self::Sum, "s", Some(5)),
        (Self::Time, "t", Some(6)),
        (Self::UpdateTime, "ut", Some(7)),
        (Self::DataValue, "vd", Some(8)),
        (Self::ObjectLinkValue, "vlo", None),
    ];

    fn of(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == label).map(|(field, ..)| field)
    }

    fn label(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    fn number(self) -> Option<i64> {
        Self::ALL[self as usize].2
    }

    fn is_base(self) -> bool {
        self.label().starts_with('b')
    }

    fn is_value(self) -> bool {
        self.label().starts_with('v')
    }
}

/// A key of a record's map.
enum Label {
    Known(Field),
    Unknown(String),
}

impl Record {
    /// One that names a path, with what stands there.
    pub(in crate::codec) fn of(name: String, content: Option<Content>) -> Self {
        Self { name: Some(name), content, regular: true, ..Self::default() }
    }

    fn set(&mut self, field: Field, content: Content, text: bool) {
        let found = content.kind();
        match (field, content) {
            (Field::BaseName, Content::Text(name)) => self.base_name = Some(name),
            (Field::Name, Content::Text(name)) => self.name = Some(name),
            (Field::BaseVersion, Content::Integer(version)) => {
                // A version that is no u64 is refused as a newer one; RFC 8428 §4.4 knows no negative one.
                self.version = Some(u64::try_from(version).unwrap_or(u64::MAX));
            }
            (Field::BaseTime, number @ (Content::Integer(_) | Content::Float(_))) => {
                self.base_time = number.number();
            }
            (Field::Time, number @ (Content::Integer(_) | Content::Float(_))) => self.time = number.number(),
            (Field::BaseValue, number @ (Content::Integer(_) | Content::Float(_))) => {
                self.base_value = Some(number);
            }
            (Field::Value, content @ (Content::Integer(_) | Content::Float(_)))
            | (Field::StringValue, content @ Content::Text(_))
            | (Field::BooleanValue, content @ Content::Boolean(_)) => self.content = Some(content),
            (Field::DataValue, content @ Content::Bytes(_)) if !text => self.content = Some(content),
            (Field::DataValue, Content::Text(data)) if text => match from_base64(&data) {
                Some(data) => self.content = Some(Content::Bytes(data)),
                None => self.refuse(Fault::DataNotBase64),
            },
            (Field::ObjectLinkValue, Content::Text(link)) => match ObjectLink::parse(&link) {
                Some(link) => self.content = Some(Content::ObjectLink(link)),
                None => self.refuse(Fault::Type(field, found)),
            },
            // Accepted and without meaning to LwM2M.
            (Field::BaseUnit | Field::Unit, Content::Text(_))
            | (Field::BaseSum | Field::Sum | Field::UpdateTime, Content::Integer(_) | Content::Float(_)) => {}
            _ => self.refuse(Fault::Type(field, found)),
        }
    }

    fn refuse(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}

impl<'de> Deserialize<'de> for Pack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.is_human_readable();
        let records = read_records(deserializer, RecordVisitor { text, field: Field::of })?;
        Ok(Self { records, opaque_as_text: false })
    }
}

/// Reads an array of records, and keeps at most one more than [`MAX_RECORDS`].
pub(in crate::codec) fn read_records<'de, D: Deserializer<'de>>(
    deserializer: D,
    record: RecordVisitor,
) -> Result<Vec<Record>, D::Error> {
    deserializer.deserialize_seq(RecordsVisitor { record })
}

struct RecordsVisitor {
    record: RecordVisitor,
}

impl<'de> Visitor<'de> for RecordsVisitor {
    type Value = Vec<Record>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Record>, A::Error> {
        // The announced length is the sender's word: it may reserve little.
        let mut records = Vec::with_capacity(seq.size_hint().unwrap_or_default().min(64));
        while records.len() <= MAX_RECORDS {
            match seq.next_element_seed(self.record)? {
                Some(record) => records.push(record),
                None => return Ok(records),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(records)
    }
}

/// Reads one record.
#[derive(Clone, Copy)]
pub(in crate::codec) struct RecordVisitor {
    /// Whether the notation is text, in which bytes are Base64.
    pub(in crate::codec) text: bool,
    /// The field that has a label.
    pub(in crate::codec) field: fn(&str) -> Option<Field>,
}

impl<'de> DeserializeSeed<'de> for RecordVisitor {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        let mut seen = [false; Field::ALL.len()];
        while let Some(label) = map.next_key_seed(LabelVisitor { field: self.field })? {
            match label {
                Label::Known(field) => {
                    let several = field.is_value() && record.content.is_some();
                    record.regular |= !field.is_base();
                    if std::mem::replace(&mut seen[field as usize], true) {
                        record.refuse(Fault::Duplicate(field));
                    } else if several {
                        record.refuse(Fault::SeveralValues);
                    }
                    record.set(field, map.next_value()?, self.text);
                }
                Label::Unknown(label) => {
                    // RFC 8428 §4.4: ignored, unless it says that it must be understood.
                    if label.ends_with('_') {
                        record.refuse(Fault::Unknown(label.chars().take(64).collect()));
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(record)
    }
}

struct LabelVisitor {
    field: fn(&str) -> Option<Field>,
}

impl<'de> DeserializeSeed<'de> for LabelVisitor {
    type Value = Label;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Label, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for LabelVisitor {
    type Value = Label;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label")
    }

    fn visit_str<E>(self, label: &str) -> Result<Label, E> {
        Ok((self.field)(label).map_or_else(|| Label::Unknown(label.to_owned()), Label::Known))
    }

    fn visit_i64<E>(self, label: i64) -> Result<Label, E> {
        let known = Field::ALL.into_iter().find(|(_, _, known)| *known == Some(label));
        Ok(known.map_or_else(|| Label::Unknown(label.to_string()), |(field, ..)| Label::Known(field)))
    }

    fn visit_u64<E: serde::de::Error>(self, label: u64) -> Result<Label, E> {
        self.visit_i64(i64::try_from(label).unwrap_or(i64::MAX))
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serializer.is_human_readable();
        let fields =
            [self.base_name.is_some(), self.base_time.is_some(), self.name.is_some(), self.content.is_some()];
        let length = fields.into_iter().filter(|present| *present).count();
        let mut map = Fields { map: serializer.serialize_map(Some(length))?, text };
        if let Some(name) = &self.base_name {
            map.put(Field::BaseName, name)?;
        }
        if let Some(time) = self.base_time {
            map.put_time(Field::BaseTime, time)?;
        }
        if let Some(name) = &self.name {
            map.put(Field::Name, name)?;
        }
        match &self.content {
            Some(Content::Integer(number)) => map.put_integer(*number)?,
            Some(Content::Float(number)) => map.put(Field::Value, number)?,
            Some(Content::Boolean(truth)) => map.put(Field::BooleanValue, truth)?,
            Some(Content::Text(string)) => map.put(Field::StringValue, string)?,
            Some(Content::Bytes(bytes)) if text => map.put(Field::DataValue, &to_base64url(bytes))?,
            Some(Content::Bytes(bytes)) => map.put(Field::DataValue, &Bytes(bytes))?,
            Some(Content::ObjectLink(link)) => map.put(Field::ObjectLinkValue, &link.to_string())?,
            None => {}
        }
        map.map.end()
    }
}

/// A map whose keys are labels.
struct Fields<M> {
    map: M,
    text: bool,
}

impl<M: SerializeMap> Fields<M> {
    fn put<T: Serialize + ?Sized>(&mut self, field: Field, value: &T) -> Result<(), M::Error> {
        match field.number() {
            Some(number) if !self.text => self.map.serialize_entry(&number, value),
            _ => self.map.serialize_entry(field.label(), value),
        }
    }

    /// Whole seconds as an integer: shorter, and what devices without floating point read.
    #[expect(clippy::cast_possible_truncation, reason = "times beyond 2^53 are refused before")]
    fn put_time(&mut self, field: Field, seconds: f64) -> Result<(), M::Error> {
        if seconds.fract() == 0.0 { self.put(field, &(seconds as i64)) } else { self.put(field, &seconds) }
    }

    /// Values are of 64 bits, signed or not, so one of the two fits.
    fn put_integer(&mut self, number: i128) -> Result<(), M::Error> {
        match (i64::try_from(number), u64::try_from(number)) {
            (Ok(number), _) => self.put(Field::Value, &number),
            (_, Ok(number)) => self.put(Field::Value, &number),
            _ => self.put(Field::Value, &number),
        }
    }
}
