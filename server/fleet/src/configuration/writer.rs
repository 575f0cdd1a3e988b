//! Who has written last, by the operations of a device.

use objects::{Path, Value};

use super::{Writer, line::same};
use crate::{Operation, OperationId, OperationRecord, OperationState};

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

fn by(operation: OperationId, who: &str) -> Writer {
    Writer::Operation { operation, who: who.to_owned() }
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
