//! SenML records and what they say about a device, in whichever of its two notations (RFC 8428, LwM2M Core 1.1.1
//! §7.4).
//!
//! [`Pack`] and [`Record`] are read and written by serde (`record`); here base fields are resolved, names become
//! paths and records become samples, and back. Units, sums and update times mean nothing to LwM2M and are skipped.

mod record;

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

pub use record::MAX_RECORDS;
pub(super) use record::{Field, Pack, Record, RecordVisitor, read_records};

use super::{
    ContentFormat, DecodeError, EncodeError,
    content::{Content, as_defined, check_node, defined_type, from_base64},
};
use crate::{DataType, Models, Node, Path, Resource, Sample, Value};

/// The newest version of SenML there is (RFC 8428 §4.4).
const VERSION: u64 = 10;

/// Times from here on are absolute, smaller ones relative to now (RFC 8428 §4.5.3), in seconds.
const ABSOLUTE: f64 = 268_435_456.0;

/// The samples of one node, in the order of time.
pub(super) fn samples_at(
    format: ContentFormat,
    base: &Path,
    pack: Pack,
    models: &Models<'_>,
    received_ms: i64,
) -> Result<Vec<Sample>, DecodeError> {
    if *base == Path::Root {
        return Err(DecodeError::Level { format, path: *base });
    }
    let mut times = by_time(pack, models, received_ms)?;
    if times.is_empty() {
        // No record is what a node without values looks like.
        times.insert((received_ms, None, 0), BTreeMap::new());
    }
    let sample = |((_, time_ms, _), values): ((i64, Option<i64>, usize), BTreeMap<Path, Value>)| {
        let node = node_at(base, values, models)?;
        Ok(Sample { time_ms, path: *base, node })
    };
    times.into_iter().map(sample).collect()
}

/// A sample for each value, in the order of time and path.
pub(super) fn samples(pack: Pack, models: &Models<'_>, received_ms: i64) -> Result<Vec<Sample>, DecodeError> {
    let times = by_time(pack, models, received_ms)?;
    let sample = |time_ms, (path, value)| {
        let node = match path {
            Path::ResourceInstance(..) => Node::ResourceInstance(value),
            _ => Node::Resource(Resource::Single(value)),
        };
        Sample { time_ms, path, node }
    };
    let samples = times
        .into_iter()
        .flat_map(|((_, time_ms, _), values)| values.into_iter().map(move |value| sample(time_ms, value)));
    Ok(samples.collect())
}

/// The records of one node, without a time.
pub(super) fn records_at(
    format: ContentFormat,
    path: &Path,
    node: &Node,
    models: &Models<'_>,
) -> Result<Vec<Record>, EncodeError> {
    check_node(path, node)?;
    let mut records = Vec::new();
    let values = node.values(*path).into_iter().map(|(at, value)| {
        let value = as_defined(&at, value, models)?;
        Ok((at, content(format, &at, &value)?))
    });
    let base_name = base_name(path, node);
    push(&mut records, &base_name, values.collect::<Result<Vec<_>, _>>()?);
    Ok(records)
}

/// The records of samples: those without a time first, because a base time holds until the next.
pub(super) fn records(format: ContentFormat, samples: &[Sample]) -> Result<Vec<Record>, EncodeError> {
    let mut records = Vec::new();
    let mut current_base = String::new();
    let mut current_time = None;
    let (untimed, timed): (Vec<_>, Vec<_>) = samples.iter().partition(|sample| sample.time_ms.is_none());
    for sample in untimed.into_iter().chain(timed) {
        check_node(&sample.path, &sample.node)?;
        let values = sample.node.values(sample.path);
        let values = values.into_iter().map(|(at, value)| Ok((at, content(format, &at, value)?)));
        let first = records.len();
        let base_name = base_name(&sample.path, &sample.node);
        push(&mut records, &base_name, values.collect::<Result<Vec<_>, _>>()?);
        let Some(first) = records.get_mut(first) else { continue };
        if base_name == current_base {
            first.base_name = None;
        }
        current_base = base_name;
        if sample.time_ms != current_time {
            first.base_time = sample.time_ms.map(|time_ms| seconds(&sample.path, time_ms)).transpose()?;
            current_time = sample.time_ms;
        }
    }
    Ok(records)
}

/// The records of values that stand anywhere, without a time.
pub(super) fn records_of_values<'v>(
    format: ContentFormat,
    values: impl IntoIterator<Item = (Path, &'v Value)>,
    models: &Models<'_>,
) -> Result<Vec<Record>, EncodeError> {
    let record = |(path, value): (Path, &Value)| {
        if path.resource().is_none() {
            return Err(EncodeError::Mismatch { path });
        }
        let value = as_defined(&path, value, models)?;
        let content = Some(content(format, &path, &value)?);
        Ok(Record { name: Some(path.to_string()), content, ..Record::default() })
    };
    values.into_iter().map(record).collect()
}

/// A record for each path, without a value.
pub(super) fn records_of_paths(paths: &[Path]) -> Vec<Record> {
    paths.iter().map(|path| Record { name: Some(path.to_string()), ..Record::default() }).collect()
}

/// The paths that records name, whatever values they have.
pub(super) fn paths(pack: Pack) -> Result<Vec<Path>, DecodeError> {
    if pack.records.len() > MAX_RECORDS {
        return Err(DecodeError::TooMany { max: MAX_RECORDS });
    }
    let mut base = Base::default();
    let mut paths = Vec::new();
    for (index, record) in pack.records.into_iter().enumerate() {
        if let Some(record) = base.take(index, record)? {
            paths.push(base.node(index, record.name.as_deref().unwrap_or_default())?);
        }
    }
    Ok(paths)
}

/// JSON has no infinite numbers and no not-a-number; CBOR has. The identifier 65535 names nothing in either.
fn content(format: ContentFormat, path: &Path, value: &Value) -> Result<Content, EncodeError> {
    if Path::from_ids(&path.ids()).is_err() {
        return Err(EncodeError::Mismatch { path: *path });
    }
    match Content::of(value) {
        Content::Float(number) if format.of_answer() == ContentFormat::SENML_JSON && !number.is_finite() => {
            Err(EncodeError::NoForm { path: *path, format })
        }
        content => Ok(content),
    }
}

fn push(records: &mut Vec<Record>, base_name: &str, values: Vec<(Path, Content)>) {
    for (index, (path, content)) in values.into_iter().enumerate() {
        let name = path.to_string();
        let name = name.strip_prefix(base_name).unwrap_or(&name);
        records.push(Record {
            base_name: (index == 0).then(|| base_name.to_owned()),
            name: (!name.is_empty()).then(|| name.to_owned()),
            content: Some(content),
            ..Record::default()
        });
    }
}

/// What the names of all values of a node start with.
fn base_name(path: &Path, node: &Node) -> String {
    match node {
        Node::Resource(Resource::Single(_)) | Node::ResourceInstance(_) => path.to_string(),
        _ => format!("{path}/"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the range is checked")]
fn seconds(path: &Path, time_ms: i64) -> Result<f64, EncodeError> {
    const EXACT_MS: i64 = 1 << 52;
    let seconds = time_ms as f64 / 1000.0;
    let carried = time_ms < EXACT_MS && seconds >= ABSOLUTE;
    carried.then_some(seconds).ok_or(EncodeError::Time { path: *path, time_ms })
}

/// By the time that counts, the time given, and which of the moments it is that make the same millisecond.
type Times = BTreeMap<(i64, Option<i64>, usize), BTreeMap<Path, Value>>;

/// Resolves the records (RFC 8428 §4.6) and sorts their values by time and path.
fn by_time(pack: Pack, models: &Models<'_>, received_ms: i64) -> Result<Times, DecodeError> {
    if pack.records.len() > MAX_RECORDS {
        return Err(DecodeError::TooMany { max: MAX_RECORDS });
    }
    let mut times = Times::new();
    // Devices may measure more often than once a millisecond: none of that is lost, and none of it is twice the same.
    let mut moments = BTreeMap::<(Path, i64), BTreeSet<u64>>::new();
    let mut base = Base::default();
    for (index, record) in pack.records.into_iter().enumerate() {
        let Some((path, content, time)) = base.resolve(index, record)? else { continue };
        let time_ms = time.map(|time| instant(index, time, received_ms)).transpose()?;
        let moment = match (time, time_ms) {
            (Some(time), Some(time_ms)) => {
                let moments = moments.entry((path, time_ms)).or_default();
                // Zero has two forms.
                if !moments.insert((time + 0.0).to_bits()) {
                    return Err(DecodeError::Duplicate { path });
                }
                moments.len() - 1
            }
            _ => 0,
        };
        let expected = defined_type(&path, models);
        let content = match content {
            Content::Text(text) if pack.opaque_as_text && expected == Some(DataType::Opaque) => {
                Content::Bytes(from_base64(&text).ok_or(DecodeError::NotBase64 { path })?)
            }
            content => content,
        };
        let value = content.into_value(&path, expected)?;
        let values = times.entry((time_ms.unwrap_or(received_ms), time_ms, moment)).or_default();
        match values.entry(path) {
            Entry::Vacant(vacant) => vacant.insert(value),
            Entry::Occupied(_) => return Err(DecodeError::Duplicate { path }),
        };
    }
    for values in times.values() {
        let both = values.keys().filter_map(Path::parent).find(|parent| values.contains_key(parent));
        if let Some(path) = both {
            return Err(DecodeError::Duplicate { path });
        }
    }
    Ok(times)
}

/// The base fields as they stand at a record.
#[derive(Default)]
struct Base {
    name: String,
    time: Option<f64>,
    value: Option<Content>,
}

impl Base {
    /// The path, content and time of a record; none of a record that sets base fields only.
    fn resolve(
        &mut self,
        index: usize,
        record: Record,
    ) -> Result<Option<(Path, Content, Option<f64>)>, DecodeError> {
        let Some(record) = self.take(index, record)? else { return Ok(None) };
        let path = self.path(index, record.name.as_deref().unwrap_or_default())?;
        let content = match (record.content, &self.value) {
            (Some(content), Some(base)) => sum(content, base),
            (Some(content), None) => content,
            // RFC 8428 §4.5.4: a missing one of the two counts as zero.
            (None, Some(base)) => base.clone(),
            (None, None) => return Err(DecodeError::NoValue { path }),
        };
        let time = match (self.time, record.time) {
            (None, None) => None,
            (base, time) => Some(base.unwrap_or_default() + time.unwrap_or_default()),
        };
        Ok(Some((path, content, time)))
    }

    /// Takes the base fields of a record over, and gives it back if it has others.
    fn take(&mut self, index: usize, mut record: Record) -> Result<Option<Record>, DecodeError> {
        if let Some(fault) = record.fault.take() {
            return Err(fault.at(index));
        }
        if let Some(version) = record.version.filter(|version| *version > VERSION) {
            return Err(DecodeError::SenmlVersion { record: index, version });
        }
        if let Some(name) = record.base_name.take() {
            self.name = name;
        }
        self.time = record.base_time.or(self.time);
        self.value = record.base_value.take().or_else(|| self.value.take());
        Ok(record.regular.then_some(record))
    }

    fn path(&self, record: usize, name: &str) -> Result<Path, DecodeError> {
        match self.node(record, name)? {
            path @ (Path::Resource(..) | Path::ResourceInstance(..)) => Ok(path),
            path => Err(DecodeError::NotAResource { record, path }),
        }
    }

    fn node(&self, record: usize, name: &str) -> Result<Path, DecodeError> {
        let name = format!("{}{name}", self.name);
        let short = || name.chars().take(64).collect();
        name.parse().map_err(|source| DecodeError::Name { record, name: short(), source })
    }
}

/// Value and base value added, if the value is a number (RFC 8428 §4.5.4).
fn sum(content: Content, base: &Content) -> Content {
    match (&content, base) {
        (Content::Integer(a), Content::Integer(b)) => Content::Integer(a.saturating_add(*b)),
        _ => match (content.number(), base.number()) {
            (Some(a), Some(b)) => Content::Float(a + b),
            _ => content,
        },
    }
}

/// Milliseconds since 1970 of a SenML time in seconds (RFC 8428 §4.5.3).
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn instant(record: usize, seconds: f64, received_ms: i64) -> Result<i64, DecodeError> {
    const MAX_MS: f64 = 4_503_599_627_370_496.0;
    let ms = (seconds * 1000.0).round();
    if ms.is_nan() || ms.abs() > MAX_MS {
        return Err(DecodeError::Time { record });
    }
    if seconds >= ABSOLUTE { Ok(ms as i64) } else { Ok(received_ms.saturating_add(ms as i64)) }
}

fn node_at(base: &Path, values: BTreeMap<Path, Value>, models: &Models<'_>) -> Result<Node, DecodeError> {
    if let Some(found) = values.keys().find(|path| !path.is_within(base)) {
        return Err(DecodeError::Outside { base: *base, found: *found });
    }
    let single = models.resource_at(base).is_some_and(|resource| !resource.multiple);
    match (Node::from_values(*base, values).0, base) {
        (Some(node), _) => Ok(node),
        (None, Path::Resource(..)) if !single => Ok(Node::Resource(Resource::Multiple(BTreeMap::new()))),
        (None, _) => Err(DecodeError::NoValue { path: *base }),
    }
}
