//! Maps within maps as records, each with its whole path.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::FORMAT;
use crate::{
    Path,
    codec::{
        DecodeError, MAX_RECORDS, cbor,
        content::{Content, ContentVisitor},
        senml::{Pack, Record},
    },
};

/// How many identifiers a path has at most.
const MAX_IDS: usize = 4;
/// A map for each identifier, and an array for a key.
const DEPTH: usize = MAX_IDS + 1;

pub(in crate::codec) fn read(payload: &[u8]) -> Result<Pack, DecodeError> {
    let Entries(records) = cbor::read_with_keys(FORMAT, DEPTH, payload)?;
    Ok(Pack { records, opaque_as_text: false })
}

/// At most one more than [`MAX_RECORDS`].
struct Entries(Vec<Record>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut records = Vec::new();
        let top = Below { ids: &mut Vec::with_capacity(MAX_IDS), is_top: true, records: &mut records };
        top.deserialize(deserializer)?;
        Ok(Self(records))
    }
}

/// What lies below some identifiers: a map, or a value.
struct Below<'r> {
    ids: &'r mut Vec<u16>,
    is_top: bool,
    records: &'r mut Vec<Record>,
}

impl Below<'_> {
    fn keep<E: de::Error>(self, content: Option<Content>) -> Result<(), E> {
        if self.is_top {
            return Err(E::custom("no map"));
        }
        let path = Path::from_ids(self.ids).map_err(E::custom)?;
        // One more is enough to be refused.
        if self.records.len() <= MAX_RECORDS {
            self.records.push(Record::of(path.to_string(), content));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of identifiers, a value or null")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let parents = self.ids.len();
        while let Some(Key(ids)) = map.next_key()? {
            self.ids.extend(ids);
            if self.ids.len() > MAX_IDS {
                return Err(de::Error::custom("a path of more than four identifiers"));
            }
            map.next_value_seed(Below { ids: self.ids, is_top: false, records: self.records })?;
            self.ids.truncate(parents);
        }
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.keep(None)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<(), E> {
        self.keep(Some(Content::Boolean(truth)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.keep(Some(Content::Integer(number.into())))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.keep(Some(Content::Integer(number.into())))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<(), E> {
        self.keep(Some(Content::Integer(number)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        self.keep(Some(Content::Float(number)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.keep(Some(Content::Text(text.to_owned())))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.keep(Some(Content::Bytes(bytes.to_vec())))
    }

    // A decimal fraction: the walk before has let no other array through.
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        let content = ContentVisitor { fractions: true }.visit_seq(seq)?;
        self.keep(Some(content))
    }
}

/// One identifier, or several.
struct Key(Vec<u16>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an identifier, or an array of identifiers")
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<Key, E> {
        let id = u16::try_from(id).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(id), &self))?;
        Ok(Key(vec![id]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Key, A::Error> {
        let mut ids = Vec::with_capacity(MAX_IDS);
        while let Some(id) = seq.next_element()? {
            // One more is enough to be refused.
            if ids.len() > MAX_IDS {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            ids.push(id);
        }
        Ok(Key(ids))
    }
}
