//! What waits for devices, and how long they listen.

use std::time::Duration;

use super::*;
use crate::{
    Cancelled, OperationState, Priority, Terms, Verb,
    queue::{AwakeFrom, AwakeScope, AwakeTime, QueueChange},
    store::WaitingQuery,
};

fn urgent() -> Terms {
    Terms { priority: Priority::Urgent, ..Terms::default() }
}

fn waiting(bench: &Bench) -> Vec<(Priority, OperationId)> {
    let query = WaitingQuery::all(PageRequest::first(9));
    let page = block_on(bench.fleet.waiting(&context(Role::Viewer), &query)).unwrap();
    page.rows.iter().map(|waiting| (waiting.record.priority, waiting.record.id)).collect()
}

#[test]
fn a_priority_is_kept_handed_over_and_written_down() {
    let bench = Bench::new();
    let first = bench.operate(Role::Operator, write()).unwrap().id;
    let operator = context(Role::Operator);
    let second = block_on(bench.fleet.operate(&operator, public_id(1), write(), urgent())).unwrap().id;
    assert_eq!(waiting(&bench), [(Priority::Urgent, second), (Priority::Normal, first)]);
    let orders: Vec<Priority> = bench.orders().iter().map(|sent| sent.order.priority).collect();
    assert_eq!(orders, [Priority::Normal, Priority::Urgent]);
    let said = ["operate · operator · Write /1/0/1", "operate · operator · Write /1/0/1 (urgent)"];
    assert_eq!(bench.audit(), said);
}

#[test]
fn an_operation_that_is_put_back_has_its_priority() {
    let bench = Bench::new();
    let operator = context(Role::Operator);
    let id = block_on(bench.fleet.operate(&operator, public_id(1), write(), urgent())).unwrap().id;
    bench.store.set_full(true);
    block_on(bench.fleet.cancel_operation(&operator, public_id(1), id)).unwrap_err();
    assert_eq!(bench.orders()[1].order, bench.orders()[0].order);
}

#[test]
fn all_that_waits_for_a_device_is_cancelled_at_one_time() {
    let bench = Bench::new();
    let operator = context(Role::Operator);
    for _ in 0..3 {
        bench.operate(Role::Operator, write()).unwrap();
    }
    block_on(bench.fleet.operate(&operator, public_id(2), write(), None)).unwrap();
    let report = block_on(bench.fleet.cancel_waiting(&operator, public_id(1))).unwrap();
    assert_eq!(report, Cancelled { cancelled: 3, too_late: 0 });
    assert_eq!(waiting(&bench).len(), 1, "that of the other device");
    for sent in &bench.orders()[..3] {
        let record = bench.row(sent.order.id).unwrap();
        assert_eq!((record.state, record.ended_at), (OperationState::Cancelled, Some(START)));
        assert_eq!(record.result.as_deref(), Some("cancelled by operator"));
    }
    let cancels: Vec<_> = bench.audit().into_iter().filter(|line| line.starts_with("cancel")).collect();
    assert_eq!(cancels, ["cancel operation · operator · all that waits: 3 operations"]);
    *bench.script.cancels.lock().unwrap() = false;
    let report = block_on(bench.fleet.cancel_waiting(&operator, public_id(2))).unwrap();
    assert_eq!(report, Cancelled { cancelled: 0, too_late: 1 });
    assert_eq!(waiting(&bench).len(), 1);
}

#[test]
fn what_could_not_be_cancelled_durably_waits_again() {
    let bench = Bench::new();
    bench.operate(Role::Operator, write()).unwrap();
    bench.operate(Role::Operator, write()).unwrap();
    bench.store.set_full(true);
    block_on(bench.fleet.cancel_waiting(&context(Role::Operator), public_id(1))).unwrap_err();
    let orders = bench.orders();
    assert_eq!(orders.len(), 4);
    assert_eq!((&orders[0].order, &orders[1].order), (&orders[2].order, &orders[3].order));
    assert_eq!(waiting(&bench).len(), 2);
}

#[test]
fn an_awake_time_is_said_followed_and_taken_back() {
    let bench = Bench::new();
    let (operator, administrator) = (context(Role::Operator), context(Role::Administrator));
    let detail = block_on(bench.fleet.awake_time(&operator, public_id(1))).unwrap();
    assert_eq!(detail.time, AwakeTime { time: Presence::AWAKE_FOR, from: AwakeFrom::Default });
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    block_on(bench.fleet.set_class_awake_time(&administrator, ClassId::DEFAULT, seconds(30))).unwrap();
    let detail = block_on(bench.fleet.awake_time(&operator, public_id(1))).unwrap();
    assert_eq!(detail.time.from, AwakeFrom::Class);
    let said = block_on(bench.fleet.set_awake_time(&operator, public_id(1), seconds(20))).unwrap();
    assert_eq!(said.time, AwakeTime { time: Duration::from_secs(20), from: AwakeFrom::Device });
    let followed = bench.script.followed.lock().unwrap().last().cloned().unwrap();
    let scope = AwakeScope::Device(DeviceId(1));
    let time = seconds(20);
    assert_eq!(followed.changes, [Change::Queue(QueueChange::AwakeSet { scope, time })]);
    let said = block_on(bench.fleet.set_awake_time(&operator, public_id(1), None)).unwrap();
    assert_eq!(said.time.from, AwakeFrom::Class);
    assert_eq!(block_on(bench.fleet.class_awake_time(&operator, ClassId::DEFAULT)).unwrap(), seconds(30));
    let verb = Verb::SaveAwakeTime.name();
    let lines = ["administrator · default: 30 s", "operator · 20 s", "operator · as it is learned"];
    assert_eq!(bench.audit(), lines.map(|line| format!("{verb} · {line}")));
}

#[test]
fn an_awake_time_has_bounds() {
    let bench = Bench::new();
    for (time, good) in [(0, false), (1, true), (86_400, true), (86_401, false)] {
        let time = Some(Duration::from_secs(time));
        let said = block_on(bench.fleet.set_awake_time(&context(Role::Operator), public_id(1), time));
        assert_eq!(said.is_ok(), good, "{time:?}");
        let said = said.err();
        assert!(good || matches!(said, Some(FleetError::Invalid { field: "awake_s", .. })), "{said:?}");
    }
}
