//! Operations on their way to a device.

use std::time::Duration;

use super::*;
use crate::{
    BadOperation, CancelMode, EndReason, EventKind, Observation, ObservationToken, OperationState, Watched,
};

#[test]
fn a_read_of_a_device_that_is_awake_leaves_no_row_and_waits_for_no_commit() {
    let bench = Bench::new();
    bench.answer(ended());
    let operated = bench.operate(Role::Operator, read()).unwrap();
    assert_eq!(operated.outcome, Some(success()));
    assert_eq!(operated.trace.unwrap().lines.len(), 1);
    assert_eq!(bench.row(operated.id), None);
    assert!(!bench.orders()[0].order.stored);
    assert!(bench.audit().is_empty());
    block_on(bench.fleet.flush_audit()).unwrap();
    assert_eq!(bench.audit(), ["operate · operator · Read /3/0/9"]);
}

#[test]
fn a_write_is_stored_and_audited_before_it_is_sent() {
    let bench = Bench::new();
    bench.answer(ended());
    let operated = bench.operate(Role::Operator, write()).unwrap();
    assert_eq!(operated.outcome, Some(success()));
    let sent = &bench.orders()[0];
    assert!(sent.order.stored);
    assert_eq!(sent.state, Some(OperationState::Queued));
    assert_eq!(sent.audited, ["operate · operator · Write /1/0/1"]);
    let record = bench.row(operated.id).unwrap();
    assert_eq!((record.requested_by.as_str(), record.request), ("operator", request()));
    assert_eq!((record.operation, record.queued_at), (write(), START));
}

#[test]
fn what_can_not_be_stored_is_not_sent() {
    let bench = Bench::new();
    bench.store.set_full(true);
    let failed = bench.operate(Role::Operator, write());
    assert!(matches!(failed, Err(FleetError::Store(StoreError::Unavailable))), "{failed:?}");
    assert!(bench.orders().is_empty());
}

#[test]
fn a_read_of_a_sleeping_device_is_stored_with_its_audit_entry_and_waits() {
    let bench = Bench::new();
    *bench.script.presence.lock().unwrap() = Presence::Asleep;
    bench.answer(Taken::Queued);
    let operated = bench.operate(Role::Operator, read()).unwrap();
    assert_eq!(operated.outcome, None);
    let orders = bench.orders();
    assert_eq!((orders.len(), orders[0].order.stored), (1, true));
    assert_eq!(orders[0].state, Some(OperationState::Queued));
    assert_eq!(orders[0].audited, ["operate · operator · Read /3/0/9"]);
    block_on(bench.fleet.flush_audit()).unwrap();
    assert_eq!(bench.audit().len(), 1, "it is written once");
    let view = block_on(bench.fleet.operation(&context(Role::Viewer), public_id(1), operated.id)).unwrap();
    assert_eq!((view.record.state, view.outcome), (OperationState::Queued, None));
}

#[test]
fn a_read_of_a_device_that_has_just_fallen_asleep_is_stored_and_audited_once() {
    let bench = Bench::new();
    bench.answer(Taken::Asleep);
    bench.answer(Taken::Queued);
    let operated = bench.operate(Role::Operator, read()).unwrap();
    let orders = bench.orders();
    assert_eq!(orders.iter().map(|sent| sent.order.stored).collect::<Vec<_>>(), [false, true]);
    assert_eq!([orders[0].order.id, orders[1].order.id], [operated.id; 2]);
    assert_eq!(orders[1].audited, ["operate · operator · Read /3/0/9"]);
    block_on(bench.fleet.flush_audit()).unwrap();
    assert_eq!(bench.audit().len(), 1, "it is written once");
}

#[test]
fn what_is_begun_is_stored_under_its_name_before_it_is_sent() {
    let bench = Bench::new();
    let operator = context(Role::Operator);
    let begun = block_on(bench.fleet.begin(&operator, public_id(1), write(), None)).unwrap();
    assert!(bench.orders().is_empty());
    let view = block_on(bench.fleet.operation(&operator, public_id(1), begun.id())).unwrap();
    assert_eq!((view.record.state, &view.record.operation), (OperationState::Queued, begun.operation()));
}

#[test]
fn a_device_that_is_not_registered_gets_nothing() {
    let bench = Bench::new();
    *bench.script.presence.lock().unwrap() = Presence::NotRegistered;
    for operation in [read(), write()] {
        assert!(matches!(bench.operate(Role::Operator, operation), Err(FleetError::NotRegistered)));
    }
    *bench.script.presence.lock().unwrap() = Presence::Awake;
    let end = Change::RegistrationEnded { device: DeviceId(1), at: START, reason: EndReason::Expired };
    block_on(bench.store.commit(Commit { changes: vec![end], audit: vec![] })).unwrap();
    assert!(matches!(bench.operate(Role::Operator, write()), Err(FleetError::NotRegistered)));
    assert!(bench.orders().is_empty());
}

#[test]
fn what_the_shard_turns_away_after_the_commit_is_ended() {
    for (taken, result) in [
        (Taken::QueueFull, "256 operations wait for this device already"),
        (Taken::NotRegistered, "the device is not registered"),
    ] {
        let bench = Bench::new();
        bench.answer(taken);
        bench.operate(Role::Operator, write()).unwrap_err();
        let record = bench.row(bench.orders()[0].order.id).unwrap();
        assert_eq!((record.state, record.result.as_deref()), (OperationState::Failed, Some(result)));
    }
}

#[test]
fn what_the_end_of_the_server_cuts_off_is_no_fault_of_the_device() {
    let bench = Bench::new();
    bench.answer(Taken::Stopping);
    let cut = bench.operate(Role::Operator, read());
    assert!(matches!(cut, Err(FleetError::Store(StoreError::Unavailable))), "{cut:?}");
}

#[test]
fn the_outcome_of_a_read_is_remembered_for_its_page_and_for_a_while_only() {
    let bench = Bench::new();
    bench.answer(ended());
    let first = bench.operate(Role::Operator, read()).unwrap().id;
    let view = || block_on(bench.fleet.operation(&context(Role::Viewer), public_id(1), first));
    let found = view().unwrap();
    assert_eq!((found.record.state, found.record.operation), (OperationState::Done, read()));
    assert_eq!((found.record.result.as_deref(), found.outcome), (Some("2.05 Content"), Some(success())));
    assert!(found.trace.is_some());
    for _ in 0..Recent::MAX {
        bench.answer(ended());
        bench.operate(Role::Operator, read()).unwrap();
    }
    assert!(matches!(view(), Err(FleetError::NotFound("operation"))));
}

#[test]
fn an_operation_is_found_under_its_own_device_only() {
    let bench = Bench::new();
    for operation in [read(), write()] {
        bench.answer(ended());
        let id = bench.operate(Role::Operator, operation).unwrap().id;
        let viewer = context(Role::Viewer);
        assert!(block_on(bench.fleet.operation(&viewer, public_id(1), id)).is_ok());
        let foreign = block_on(bench.fleet.operation(&viewer, public_id(2), id));
        assert!(matches!(foreign, Err(FleetError::NotFound("operation"))));
    }
}

#[test]
fn an_operation_waits_a_week_unless_it_is_told_and_a_month_at_most() {
    let bench = Bench::new();
    let day = Duration::from_secs(86_400);
    for (asked, waits) in [(None, 7 * day), (Some(day), day), (Some(Duration::MAX), 30 * day)] {
        let id =
            block_on(bench.fleet.operate(&context(Role::Operator), public_id(1), write(), asked)).unwrap().id;
        assert_eq!(bench.row(id).unwrap().expires_at, START.after(waits));
        assert_eq!(bench.orders().last().unwrap().order.expires_at, START.after(waits));
    }
}

#[test]
fn the_names_of_operations_grow_even_if_the_clock_does_not() {
    let bench = Bench::new();
    let ids = [0, 0, -3_600_000, 5, 5].map(|offset| {
        let context = Context { now: Timestamp(START.0 + offset), ..context(Role::Operator) };
        block_on(bench.fleet.operate(&context, public_id(1), write(), None)).unwrap().id
    });
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
}

#[test]
fn what_does_not_fit_the_model_is_neither_stored_nor_sent() {
    let bench = Bench::new();
    let reboot = Operation::Execute { path: path("/3/0/9"), arguments: String::new() };
    let refused = bench.operate(Role::Operator, reboot).unwrap_err();
    assert_eq!(refused.to_string(), "/3/0/9 (Battery Level) is only read, it can't be executed");
    block_on(bench.fleet.flush_audit()).unwrap();
    assert!(bench.orders().is_empty() && bench.audit().is_empty());
}

#[test]
fn only_what_is_observed_can_be_cancelled() {
    let bench = Bench::new();
    let cancel = || Operation::CancelObservation { path: path("/3/0/9"), mode: CancelMode::Passive };
    let refused = bench.operate(Role::Operator, cancel()).unwrap_err();
    assert!(matches!(refused, FleetError::BadOperation(BadOperation::NotObserved { .. })));
    let observation = Observation {
        device: DeviceId(1),
        target: path("/3/0/9").into(),
        token: ObservationToken::new(&[1]).unwrap(),
        format: None,
        since: START,
        number: None,
    };
    let began = Commit { changes: vec![Change::ObservationBegan(observation)], audit: vec![] };
    block_on(bench.store.commit(began)).unwrap();
    assert!(bench.operate(Role::Operator, cancel()).is_ok());
}

#[test]
fn whoever_watches_hears_of_a_queued_operation() {
    let bench = Bench::new();
    let mut watching = block_on(bench.fleet.subscribe(&context(Role::Viewer))).unwrap();
    let id = bench.operate(Role::Operator, write()).unwrap().id;
    let Some(Watched::Event(event)) = block_on(watching.next()) else { panic!("an event") };
    assert_eq!((event.device, event.public_id), (DeviceId(1), public_id(1)));
    assert_eq!(event.kind, EventKind::Operation { id, state: OperationState::Queued, changed: false });
}

#[test]
fn a_device_is_shown_with_its_presence_its_observations_and_its_readings() {
    let bench = Bench::new();
    *bench.script.presence.lock().unwrap() = Presence::Asleep;
    let reading = crate::Reading { path: path("/3/0/9"), value: Value::Integer(80), device_time: None };
    let report = Change::Report {
        device: DeviceId(1),
        received_at: START,
        delivery: None,
        readings: vec![reading.clone()],
    };
    block_on(bench.store.commit(Commit { changes: vec![report], audit: vec![] })).unwrap();
    let detail = block_on(bench.fleet.device(&context(Role::Viewer), public_id(1))).unwrap();
    assert_eq!((detail.presence, detail.view.device), (Presence::Asleep, device(1)));
    assert_eq!(detail.readings[0].reading, reading);
    let history =
        block_on(bench.fleet.history(&context(Role::Viewer), public_id(1), path("/3/0/9"), 5)).unwrap();
    assert_eq!(history, detail.readings);
}
