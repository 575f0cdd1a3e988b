//! `application/vnd.oma.lwm2m+json` of LwM2M 1.0 (1.0.2 §6.4.4), read only: from 1.1 on SenML has its place, and
//! every device that has this format reads TLV.
//!
//! One object with the base fields and an array `e` of entries: SenML records with other labels for some fields.

use serde::{Deserialize, Deserializer};

use super::{
    ContentFormat, DecodeError,
    senml::{Field, Pack, Record, RecordVisitor, read_records},
    senml_json::malformed,
};
use crate::Path;

/// The content of `payload`. Names without a base name count from `path`, unless they start with a slash.
pub(super) fn read(path: &Path, payload: &[u8]) -> Result<Pack, DecodeError> {
    let document: Document = serde_json::from_slice(payload)
        .map_err(|error| malformed(ContentFormat::LWM2M_JSON, payload, &error))?;
    let mut records: Vec<Record> = document.entries.0;
    if document.base_name.is_none() {
        for record in &mut records {
            record.base_name = Some(match record.name.as_deref() {
                None | Some("") => path.to_string(),
                Some(name) if name.starts_with('/') => String::new(),
                Some(_) => format!("{path}/"),
            });
        }
    }
    if let Some(first) = records.first_mut() {
        first.base_name = document.base_name.or_else(|| first.base_name.take());
        first.base_time = document.base_time;
    }
    Ok(Pack { records, opaque_as_text: true })
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "bn")]
    base_name: Option<String>,
    #[serde(rename = "bt")]
    base_time: Option<f64>,
    #[serde(rename = "e")]
    entries: Entries,
}

struct Entries(Vec<Record>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_records(deserializer, RecordVisitor { text: true, field }).map(Self)
    }
}

/// The field with this label in an entry.
fn field(label: &str) -> Option<Field> {
    Some(match label {
        "n" => Field::Name,
        "t" => Field::Time,
        "v" => Field::Value,
        "sv" => Field::StringValue,
        "bv" => Field::BooleanValue,
        "ov" => Field::ObjectLinkValue,
        _ => return None,
    })
}
