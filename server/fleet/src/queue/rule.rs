//! The rules of the queue of one device: what of it is sent next, and what of it a later operation makes pointless. Pure.
//!
//! What was asked for is a sequence, and the device is to end as if it had got all of it. Of two operations that meet at a
//! node, and of which one changes something there, the earlier one is sent first ([`order_matters`]); the rest goes by
//! priority, and within one by age.

use objects::Path;

use crate::{Operation, Order, WriteMode};

/// Which of those that wait, the oldest first, is sent next. Where something older is in the way of the one whose turn it
/// is, that goes first, at its priority. `may_go` says of one whether it may be sent at the moment.
pub(super) fn next(waiting: &[&Order], may_go: impl Fn(&Order) -> bool) -> Option<usize> {
    let mut by_priority: Vec<usize> = (0..waiting.len()).collect();
    by_priority.sort_by_key(|at| waiting[*at].priority);
    by_priority.into_iter().map(|at| first_in_the_way(waiting, at)).find(|at| may_go(waiting[*at]))
}

/// Which of those that wait a new one makes pointless: earlier Writes of the whole value that it writes, and the same
/// question asked earlier. Neither where something in between meets it, or would have been executed.
///
/// Only by one that is sent no later and waits as long, so that it comes when the earlier one would have.
pub(super) fn superseded_by(new: &Order, waiting: &[&Order]) -> Vec<usize> {
    let mut superseded = Vec::new();
    if !new.stored {
        return superseded;
    }
    for (at, old) in waiting.iter().enumerate().rev() {
        let comes_in_time = new.priority <= old.priority && new.expires_at >= old.expires_at;
        if old.stored && comes_in_time && makes_pointless(&new.operation, &old.operation) {
            superseded.push(at);
        } else if matches!(old.operation, Operation::Execute { .. })
            || order_matters(&old.operation, &new.operation)
        {
            break;
        }
    }
    superseded
}

/// Whether it matters which of two is done first: they meet at a node, and one of them changes something there.
pub(crate) fn order_matters(one: &Operation, other: &Operation) -> bool {
    if one.is_read_only() && other.is_read_only() {
        return false;
    }
    let others = reach(other);
    reach(one).iter().any(|one| others.iter().any(|other| one.is_within(other) || other.is_within(one)))
}

fn first_in_the_way(waiting: &[&Order], mut at: usize) -> usize {
    while let Some(earlier) =
        waiting[..at].iter().position(|other| order_matters(&other.operation, &waiting[at].operation))
    {
        at = earlier;
    }
    at
}

/// Whether nobody needs `old` any more once `new` is done, with nothing between them.
fn makes_pointless(new: &Operation, old: &Operation) -> bool {
    match (new, old) {
        (
            Operation::Write { path, mode: WriteMode::Replace, .. },
            Operation::Write { path: before, mode: WriteMode::Replace, .. },
        ) => path == before && is_whole_value(path),
        (
            Operation::Read { .. }
            | Operation::Discover { .. }
            | Operation::ReadComposite { .. }
            | Operation::WriteAttributes { .. },
            _,
        ) => new == old,
        _ => false,
    }
}

/// Whether what is written there is one value, which is as good written once as twice.
fn is_whole_value(path: &Path) -> bool {
    matches!(path, Path::Resource(..) | Path::ResourceInstance(..)) && !takes_commands(path)
}

/// In Firmware Update and Software Management a Write is a step of a process (LwM2M Core 1.1.1 §E.6: an empty Package resets
/// it), not a value.
fn takes_commands(path: &Path) -> bool {
    matches!(path.object().map(|object| object.0), Some(5 | 9))
}

/// The nodes below which an operation finds or changes something.
fn reach(operation: &Operation) -> Vec<Path> {
    let instance = |path: &Path| match (path.object(), path.instance()) {
        (Some(object), Some(instance)) => Path::Instance(object, instance),
        _ => *path,
    };
    match operation {
        // The resources of an instance act together: what is executed looks at the others.
        Operation::Execute { path, .. } | Operation::Push { path, .. } => vec![instance(path)],
        // Which instance it will be the device may choose.
        Operation::Create { object, .. } => vec![Path::Object(*object)],
        Operation::Write { path, .. } if takes_commands(path) => vec![instance(path)],
        Operation::ReadComposite { paths, .. }
        | Operation::ObserveComposite { paths, .. }
        | Operation::CancelCompositeObservation { paths, .. } => paths.to_vec(),
        Operation::WriteComposite { values, .. } => values.keys().copied().collect(),
        _ => vec![operation.path()],
    }
}

#[cfg(test)]
mod tests;
