//! Audit entries that are written together.

use super::*;

#[test]
fn entries_that_can_not_be_written_wait_in_their_order() {
    let bench = Bench::new();
    for number in 0..3 {
        bench.answer(ended());
        let read = Operation::Read { path: path(&format!("/3/0/{number}")), format: None };
        bench.operate(Role::Operator, read).unwrap();
        bench.store.set_full(number == 1);
        let flushed = block_on(bench.fleet.flush_audit());
        assert_eq!(flushed.is_err(), number == 1);
    }
    let expected = [0, 1, 2].map(|number| format!("operate · operator · Read /3/0/{number}"));
    assert_eq!(bench.audit(), expected);
}

#[test]
fn when_as_many_wait_as_may_the_next_act_writes_them_first() {
    let bench = Bench::new();
    for _ in 0..AuditTrail::MAX_WAITING {
        bench.answer(ended());
        bench.operate(Role::Operator, read()).unwrap();
    }
    assert!(bench.audit().is_empty());
    bench.store.set_full(true);
    bench.answer(ended());
    assert!(matches!(bench.operate(Role::Operator, read()), Err(FleetError::Store(_))));
    assert_eq!(bench.orders().len(), AuditTrail::MAX_WAITING, "what can not be audited is not sent");
    bench.store.set_full(false);
    bench.operate(Role::Operator, read()).unwrap();
    let page = block_on(bench.store.audit(&AuditQuery::all(PageRequest::first(500)))).unwrap();
    assert!(page.next.is_some());
    block_on(bench.fleet.flush_audit()).unwrap();
}

#[test]
fn to_flush_nothing_writes_nothing() {
    let bench = Bench::new();
    bench.store.set_full(true);
    block_on(bench.fleet.flush_audit()).unwrap();
}
