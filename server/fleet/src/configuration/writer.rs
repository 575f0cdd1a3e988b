//! Who has written last, by the operations of a device.

use std::collections::BTreeMap;

use objects::{Attributes, Path, Value};

use super::{Desired, LineKey, Overwritten, Want, Writer, line::same};
use crate::{Operation, OperationId, OperationRecord, OperationState, WriteMode};

/// Who has written what a device has at a path: the last operation that wrote there, if that is what the device has; else
/// somebody behind the server's back. `operations` is the newest first; none of them says nothing of what was before.
pub fn who_wrote(path: Path, actual: &Value, operations: &[OperationRecord]) -> Writer {
    let wrote = operations.iter().find_map(|record| {
        let done = record.state == OperationState::Done;
        let value = written(&record.operation, path).filter(|_| done)?;
        Some((record.id, &record.requested_by, value))
    });
    match wrote {
        Some((operation, who, value)) if same(&value, actual) => by(operation, who),
        _ => Writer::Unknown,
    }
}

/// What each line was written last, by whomever: `operations` is the newest first.
pub fn overwritten(desired: &Desired, operations: &[OperationRecord]) -> BTreeMap<LineKey, Overwritten> {
    let done = operations.iter().filter(|record| record.state == OperationState::Done);
    let done: Vec<_> = done.filter_map(|record| Some((record, record.ended_at?))).collect();
    let last = |path: Path, want: &Want| {
        done.iter().find_map(|(record, at)| {
            let agrees = overwrites(&record.operation, path, want)?;
            let (operation, who) = (record.id, record.requested_by.clone());
            Some(Overwritten { at: *at, operation, who, agrees })
        })
    };
    let lines = desired.lines.iter();
    lines.filter_map(|(key, wanted)| Some((*key, last(key.path, &wanted.line.want)?))).collect()
}

fn by(operation: OperationId, who: &str) -> Writer {
    Writer::Operation { operation, who: who.to_owned() }
}

/// Whether what an operation writes is what is wanted; none if it leaves that alone.
fn overwrites(operation: &Operation, at: Path, want: &Want) -> Option<bool> {
    let value = match want {
        Want::Attributes(wanted) => return sets(operation, at, wanted),
        Want::Value(value) => value,
        Want::Secret(hidden) => &hidden.value,
    };
    if let Some(written) = written(operation, at) {
        return Some(same(value, &written));
    }
    // What is replaced as a whole, made or deleted may have lost it.
    let whole = match operation {
        Operation::Write { path, mode: WriteMode::Replace, .. } | Operation::Delete { path } => *path,
        Operation::Create { object, instance: Some(instance), .. } => Path::Instance(*object, *instance),
        _ => return None,
    };
    at.is_within(&whole).then_some(false)
}

/// Attributes that are not wanted there may be any.
fn sets(operation: &Operation, at: Path, wanted: &Attributes) -> Option<bool> {
    let Operation::WriteAttributes { path, set, unset } = operation else { return None };
    let touched: Vec<_> = wanted
        .names()
        .filter(|attribute| *path == at && (set.text(*attribute).is_some() || unset.contains(attribute)))
        .collect();
    let is_same = touched.iter().all(|attribute| set.text(*attribute) == wanted.text(*attribute));
    (!touched.is_empty()).then_some(is_same)
}

/// What an operation writes to a path.
fn written(operation: &Operation, at: Path) -> Option<Value> {
    match operation {
        Operation::Write { path, node, .. } => {
            let values = node.values(*path);
            values.into_iter().find(|(path, _)| *path == at).map(|(_, value)| value.clone())
        }
        Operation::WriteComposite { values, .. } => values.get(&at).cloned(),
        _ => None,
    }
}
