//! Operations that are taken back.

use futures::future;

use super::*;
use crate::{EventKind, OperationState, Watched};

#[test]
fn a_queued_operation_is_cancelled_and_audited() {
    let bench = Bench::new();
    let id = bench.operate(Role::Operator, write()).unwrap().id;
    let mut watching = block_on(bench.fleet.subscribe(&context(Role::Viewer))).unwrap();
    cancel(&bench, 1, id).unwrap();
    let record = bench.row(id).unwrap();
    assert_eq!((record.state, record.ended_at), (OperationState::Cancelled, Some(START)));
    assert_eq!(record.result.as_deref(), Some("cancelled by operator"));
    assert_eq!(bench.audit().last().unwrap(), "cancel operation · operator · Write /1/0/1");
    let Some(Watched::Event(event)) = block_on(watching.next()) else { panic!("an event") };
    assert_eq!(event.kind, EventKind::Operation { id, state: OperationState::Cancelled, changed: false });
    assert!(matches!(cancel(&bench, 1, id), Err(FleetError::TooLate)), "a second time");
}

#[test]
fn what_was_sent_or_has_ended_is_too_late() {
    let bench = Bench::new();
    let id = bench.operate(Role::Operator, write()).unwrap().id;
    *bench.script.cancels.lock().unwrap() = false;
    assert!(matches!(cancel(&bench, 1, id), Err(FleetError::TooLate)), "the shard has sent it");
    assert_eq!(bench.row(id).unwrap().state, OperationState::Queued);
    *bench.script.cancels.lock().unwrap() = true;
    let sent = Commit { changes: vec![Change::OperationSent { id, at: START }], audit: vec![] };
    block_on(bench.store.commit(sent)).unwrap();
    assert!(matches!(cancel(&bench, 1, id), Err(FleetError::TooLate)));
    assert_eq!(bench.row(id).unwrap().state, OperationState::Sent);
    assert_eq!(bench.audit().len(), 1, "nothing was done, so nothing is written");
}

#[test]
fn an_operation_of_another_device_is_not_found() {
    let bench = Bench::new();
    let id = bench.operate(Role::Operator, write()).unwrap().id;
    assert!(matches!(cancel(&bench, 2, id), Err(FleetError::NotFound("operation"))));
    let unknown = OperationId::new(START, [0xff; 10]);
    assert!(matches!(cancel(&bench, 1, unknown), Err(FleetError::NotFound("operation"))));
    assert_eq!(bench.row(id).unwrap().state, OperationState::Queued);
}

#[test]
fn a_cancel_that_can_not_be_stored_puts_the_operation_back() {
    let bench = Bench::new();
    let id = bench.operate(Role::Operator, write()).unwrap().id;
    bench.store.set_full(true);
    assert!(matches!(cancel(&bench, 1, id), Err(FleetError::Store(_))));
    let orders = bench.orders();
    assert_eq!(orders.len(), 2);
    assert_eq!(orders[0].order, orders[1].order);
    assert_eq!(bench.row(id).unwrap().state, OperationState::Queued);
}

#[test]
fn whoever_waits_for_an_operation_is_told_of_its_cancel_when_that_is_durable() {
    for is_full in [false, true] {
        let bench = Bench::new();
        let (teller, held) = oneshot::channel();
        *bench.script.held.lock().unwrap() = Some(held);
        *bench.script.taken_out.lock().unwrap() = Some(teller);
        let waits = async {
            let context = context(Role::Operator);
            let operated = bench.fleet.operate(&context, public_id(1), write(), None).await.unwrap();
            (operated.outcome, bench.store.operation(operated.id).await.unwrap().unwrap().state)
        };
        let cancels = async {
            let id = bench.orders()[0].order.id;
            bench.store.set_full(is_full);
            bench.fleet.cancel_operation(&context(Role::Operator), public_id(1), id).await
        };
        let ((outcome, state), cancelled) = block_on(future::join(waits, cancels));
        assert_eq!(cancelled.is_err(), is_full);
        if is_full {
            assert_eq!((outcome, state), (None, OperationState::Queued), "it waits again");
        } else {
            let told = Some(Outcome::Failed(Failure::Cancelled));
            assert_eq!((outcome, state), (told, OperationState::Cancelled));
        }
    }
}

fn cancel(bench: &Bench, number: u8, id: OperationId) -> Result<(), FleetError> {
    block_on(bench.fleet.cancel_operation(&context(Role::Operator), public_id(number), id))
}
