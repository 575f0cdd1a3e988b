//! What people asked for: I-5, I-6 and I-8.

use fleet::{OperationId, OperationState};

use super::View;

/// The store refused the end of an operation.
pub(super) fn end_refused(view: &mut View<'_>, id: OperationId) {
    view.model.operations.unrecorded.insert(id);
}

/// I-5: the final state of an operation is reached once.
pub(super) fn ended_once(view: &mut View<'_>, id: OperationId, _: OperationState) {
    let stored = view.store.durable(|store| store.operation(id)).ok().flatten();
    let Some(state) = stored.map(|record| record.state).filter(|state| state.is_final()) else { return };
    let before = *view.model.operations.ended.entry(id).or_insert(state);
    if before != state {
        view.bench.violate("I-5", format!("{id} had ended {} and is {}", before.name(), state.name()));
    }
}

/// I-5: what somebody was told of is stored, as it was told, and cancelled if they took it back. I-6: an Execute or Create goes out in one exchange,
/// and is done where it is stored as done. I-8: it goes to the device that it is for.
pub(super) fn kept(view: &mut View<'_>) {
    let ids: Vec<OperationId> = view.model.operations.told.keys().copied().collect();
    for id in ids {
        let Some(record) = view.store.durable(|store| store.operation(id)).ok().flatten() else {
            if !view.model.operations.may_be_purged() {
                view.bench.violate("I-5", format!("{id} was acknowledged and is not stored"));
            }
            continue;
        };
        let outcome = view.model.operations.told[&id].outcome;
        let is_recorded = !view.model.operations.unrecorded.contains(&id);
        if let Some(told) = outcome.filter(|told| is_recorded && *told != record.state) {
            let text = format!("{id} was told to be {} and is {}", told.name(), record.state.name());
            view.bench.violate("I-5", text);
        }
        if view.model.operations.told[&id].taken_back && record.state != OperationState::Cancelled {
            view.bench.violate("I-5", format!("{id} was taken back and is {}", record.state.name()));
        }
        ended_once(view, id, record.state);
    }
    for (device, known) in view.model.devices.iter().enumerate() {
        for (number, exchanges) in &known.commands {
            if view.model.operations.meant_for.get(number) != Some(&device) {
                let text = format!("{}: command {number} is for another device", known.endpoint);
                view.bench.violate("I-8", text);
            }
            if exchanges.len() > 1 {
                let text =
                    format!("{}: command {number} went out in {} exchanges", known.endpoint, exchanges.len());
                view.bench.violate("I-6", text);
            }
        }
    }
    for (id, operation) in &view.model.operations.told {
        if let Some(number) = operation.number
            && view.model.operations.ended.get(id) == Some(&OperationState::Done)
            && !view.model.devices[operation.device].commands.contains_key(&number)
            && !view.model.operations.strayed.contains(&number)
        {
            view.bench.violate("I-6", format!("{id} is done, and its device never heard of it"));
        }
    }
}
