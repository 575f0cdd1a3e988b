//! The connection diary.

use super::*;
use crate::{Bootstrapped, DiaryBounds, DiaryCause, DiaryEntry, Incident, store::DiaryQuery};

#[test]
fn incidents_are_one_entry_with_a_count_and_are_dealt_with() {
    let bench = Bench::new();
    for second in 0..3 {
        bench.fleet.incident(incident("stranger", second));
        flush(&bench, second);
    }
    let [entry] = &diary(&bench)[..] else { panic!("one entry") };
    assert_eq!((entry.count, entry.first_at, entry.last_at), (3, START, at(2)));
    assert_eq!(block_on(bench.fleet.diary_entry(&context(Role::Viewer), entry.id)).unwrap(), *entry);
    block_on(bench.fleet.clear_diary(&context(Role::Operator), entry.id)).unwrap();
    assert!(diary(&bench).is_empty());
    assert_eq!(bench.audit(), ["clear diary · operator · unknown-identity: stranger"]);
    let gone = block_on(bench.fleet.clear_diary(&context(Role::Operator), entry.id));
    assert!(matches!(gone, Err(FleetError::NotFound("diary entry"))));
}

#[test]
fn what_the_store_does_not_take_waits() {
    let bench = Bench::new();
    bench.fleet.incident(incident("stranger", 0));
    bench.store.set_full(true);
    assert!(block_on(bench.fleet.flush_diary(at(0))).is_err());
    bench.store.set_full(false);
    flush(&bench, 1);
    assert_eq!(diary(&bench).len(), 1);
}

#[test]
fn the_diary_is_bounded_and_the_oldest_go_first() {
    let bench = Bench::new();
    let changes = (0..DiaryBounds::ENTRIES + 10).map(|number| {
        let last = incident(&format!("{number:05}"), i64::try_from(number).unwrap());
        let id = crate::DiaryId(uuid::Uuid::from_u128(u128::try_from(number).unwrap()));
        Change::DiaryNoted(Box::new(crate::DiaryNote { first_at: last.at, count: 1, last, id }))
    });
    bench.commit(changes.collect());
    assert_eq!(block_on(bench.store.overview()).unwrap().diary, 10_000);
    assert_eq!(diary(&bench)[0].subject, "10009", "those of the last time first");
    let first = crate::DiaryId(uuid::Uuid::from_u128(9));
    assert_eq!(block_on(bench.store.diary_entry(first)).unwrap(), None);
}

#[test]
fn the_page_can_see_that_a_device_has_got_in_since() {
    let bench = Bench::new();
    let viewer = context(Role::Viewer);
    let since = |entry: &DiaryEntry| block_on(bench.fleet.got_in_since(&viewer, entry)).unwrap();
    bench.fleet.incident(Incident { device: Some(DeviceId(1)), ..incident("node-1", 1) });
    bench.fleet.incident(incident("stranger", 1));
    flush(&bench, 1);
    let entries = diary(&bench);
    assert!(entries.iter().all(|entry| since(entry).is_none()));
    let lease = Change::LeaseRenewed { device: DeviceId(1), seen_at: at(2), expires_at: at(300) };
    bench.commit(vec![lease]);
    let node = entries.iter().find(|entry| entry.subject == "node-1").unwrap();
    assert_eq!(since(node), Some(at(2)), "its entry stays");
    let unmanaged = DiaryQuery { unmanaged: true, ..DiaryQuery::all(PageRequest::first(10)) };
    let unmanaged = block_on(bench.fleet.diary(&viewer, &unmanaged)).unwrap().rows;
    assert_eq!(unmanaged.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["stranger"]);
}

#[test]
fn who_bootstraps_and_never_registers_is_told_once() {
    let bench = Bench::new();
    bench.commit(vec![Change::DeviceAdded(device(3))]);
    let bootstrapped = |number: u8, second| Bootstrapped {
        device: DeviceId(number.into()),
        at: at(second),
        subject: format!("node-{number}"),
        from: "192.0.2.1:5000".parse().unwrap(),
        listener: "coaps://[::]:5784".into(),
    };
    // Device 1 registers after its bootstrap, device 2 has registered before it, device 3 never did.
    bench.fleet.await_registration(bootstrapped(1, 0));
    bench.fleet.await_registration(bootstrapped(2, 1));
    bench.fleet.await_registration(bootstrapped(3, 1));
    for second in [299, 300] {
        flush(&bench, second);
        assert!(diary(&bench).is_empty(), "nobody is late at {second}");
    }
    flush(&bench, 301);
    flush(&bench, 302);
    let mut entries = diary(&bench);
    entries.sort_by(|one, other| one.subject.cmp(&other.subject));
    assert_eq!(entries.iter().map(|entry| entry.subject.as_str()).collect::<Vec<_>>(), ["node-2", "node-3"]);
    assert!(entries.iter().all(|entry| entry.cause == DiaryCause::NeverRegisteredAfterBootstrap));
    assert_eq!(
        entries[1].detail,
        "bootstrap finished on 2023-11-14 22:13:21 UTC and no Register has come since"
    );
    flush(&bench, 2_000);
    assert!(diary(&bench).iter().all(|entry| entry.count == 1));
}

fn at(second: i64) -> Timestamp {
    Timestamp(START.0 + second * 1_000)
}

fn flush(bench: &Bench, second: i64) {
    block_on(bench.fleet.flush_diary(at(second))).unwrap();
}

fn diary(bench: &Bench) -> Vec<DiaryEntry> {
    let query = DiaryQuery::all(PageRequest::first(500));
    block_on(bench.fleet.diary(&context(Role::Viewer), &query)).unwrap().rows
}

fn incident(subject: &str, second: i64) -> Incident {
    Incident {
        at: at(second),
        cause: DiaryCause::UnknownIdentity,
        subject: subject.into(),
        from: "192.0.2.1:5000".parse().unwrap(),
        listener: "coaps://[::]:5684".into(),
        device: None,
        detail: "seen".into(),
    }
}
