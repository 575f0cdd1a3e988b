//! What waits for devices, and how long they listen.

use std::time::Duration;

use super::fixture::*;
use crate::{
    Change, Class, ClassId, ClassPolicy, Device, DeviceId, Operation, OperationRecord, OperationState,
    Priority, Retention, Store, StoreError,
    queue::{Awake, AwakeScope, AwakeTimes, Learned, QueueChange},
    store::{PageRequest, Waiting, WaitingQuery},
};

fn waits(number: i64, of_device: i64, priority: Priority) -> OperationRecord {
    let read = Operation::Read { path: path("/3/0"), format: None };
    OperationRecord { priority, ..record(number, of_device, read) }
}

fn waiting(record: &OperationRecord) -> Waiting {
    Waiting { record: record.clone(), device: device(record.device.0) }
}

fn class(number: i64) -> Change {
    let (name, policy) = (format!("class {number}"), ClassPolicy::default());
    Change::ClassAdded(Class { id: ClassId(number), name, policy, retention: Retention::default() })
}

fn said(scope: AwakeScope, seconds: Option<u64>) -> Change {
    Change::Queue(QueueChange::AwakeSet { scope, time: seconds.map(Duration::from_secs) })
}

fn taught(device: i64, learned: Learned) -> Change {
    Change::Queue(QueueChange::AwakeLearned { device: DeviceId(device), learned })
}

fn learned() -> Learned {
    Learned { time: Duration::from_millis(123_456), answers: u32::MAX, silences: 7, at: at(9) }
}

/// Of all devices; not what was sent or has ended.
pub async fn what_waits_is_listed_by_priority_and_age(store: &dyn Store) {
    register(store, 3).await;
    assert_eq!(store.waiting(&WaitingQuery::all(PageRequest::first(9))).await.unwrap().rows, []);
    let priorities = Priority::ALL.into_iter().cycle();
    let records: Vec<_> =
        (1..=12).zip(priorities).map(|(number, priority)| waits(number, 1 + number % 3, priority)).collect();
    for at in [3, 0, 11, 5, 1, 2, 4, 10, 9, 8, 7, 6] {
        commit(store, [queued(&records[at])]).await;
    }
    let sent = Change::OperationSent { id: operation_id(5), at: START };
    commit(store, [sent, ended(7, OperationState::Done, START)]).await;
    let mut expected: Vec<Waiting> =
        records.iter().filter(|record| ![5, 7].map(operation_id).contains(&record.id)).map(waiting).collect();
    expected.sort_by_key(|waiting| (waiting.record.priority, waiting.record.id));
    for limit in [1, 3, 10, 100] {
        let rows = all_pages(limit, async |page| store.waiting(&WaitingQuery::all(page)).await).await;
        assert_eq!(rows, expected, "limit {limit}");
    }
    let page = store.waiting(&WaitingQuery::all(PageRequest::first(1))).await.unwrap();
    let elsewhere = PageRequest { after: page.next, limit: 1 };
    assert_eq!(store.operations(DeviceId(1), &elsewhere).await.unwrap_err(), StoreError::BadCursor);
}

/// By device, class and priority, and by all of them.
pub async fn what_waits_is_filtered(store: &dyn Store) {
    commit(store, [class(2)]).await;
    let of_class = |number, class| Device { class: ClassId(class), ..device(number) };
    for (number, class) in [(1, 1), (2, 2), (3, 2)] {
        let device = Change::DeviceAdded(of_class(number, class));
        commit(store, [device, Change::Registered(Box::new(registration(number)))]).await;
    }
    let mut number = 0;
    for of_device in 1..=3 {
        for priority in [Priority::Background, Priority::Urgent] {
            number += 1;
            commit(store, [queued(&waits(number, of_device, priority))]).await;
        }
    }
    let all = WaitingQuery::all;
    let (device, class) = (|number| Some(DeviceId(number)), |number| Some(ClassId(number)));
    let urgent = Some(Priority::Urgent);
    for limit in [1, 2, 9] {
        let page = PageRequest { after: None, limit };
        for (query, expected) in [
            (WaitingQuery { device: device(2), ..all(page.clone()) }, vec![4, 3]),
            (WaitingQuery { class: class(2), ..all(page.clone()) }, vec![4, 6, 3, 5]),
            (WaitingQuery { class: class(1), ..all(page.clone()) }, vec![2, 1]),
            (WaitingQuery { class: class(3), ..all(page.clone()) }, vec![]),
            (WaitingQuery { priority: urgent, ..all(page.clone()) }, vec![2, 4, 6]),
            (WaitingQuery { priority: Some(Priority::Normal), ..all(page.clone()) }, vec![]),
            (WaitingQuery { class: class(2), priority: urgent, ..all(page.clone()) }, vec![4, 6]),
            (WaitingQuery { device: device(3), class: class(1), ..all(page.clone()) }, vec![]),
            (WaitingQuery { device: device(3), class: class(2), priority: urgent, ..all(page) }, vec![6]),
        ] {
            let next = async |page| store.waiting(&WaitingQuery { page, ..query.clone() }).await;
            let found = all_pages(limit, next).await;
            let found: Vec<_> = found.into_iter().map(|waiting| waiting.record.id).collect();
            let expected: Vec<_> = expected.into_iter().map(operation_id).collect();
            assert_eq!(found, expected, "{query:?}");
        }
    }
}

/// One that has ended before keeps its end, and one that is superseded keeps that.
pub async fn a_superseded_operation_ends_once(store: &dyn Store) {
    register(store, 1).await;
    let before = waits(1, 1, Priority::Normal);
    commit(store, [queued(&before), queued(&waits(2, 1, Priority::Normal))]).await;
    let superseded = |id, by| Change::Queue(QueueChange::Superseded { id, by, at: at(7) });
    commit(
        store,
        [superseded(operation_id(1), operation_id(2)), superseded(operation_id(9), operation_id(2))],
    )
    .await;
    let expected = OperationRecord {
        state: OperationState::Superseded,
        ended_at: Some(at(7)),
        result: Some(format!("superseded by {}", operation_id(2))),
        superseded_by: Some(operation_id(2)),
        ..before
    };
    let late = commit(store, [ended(1, OperationState::Done, at(8))]).await;
    assert_eq!(late.ended_before, Some(OperationState::Superseded));
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.overview().await.unwrap().queued_operations, 1);

    commit(store, [ended(2, OperationState::Done, at(8)), superseded(operation_id(2), operation_id(3))])
        .await;
    let done = store.operation(operation_id(2)).await.unwrap().unwrap();
    assert_eq!((done.state, done.superseded_by), (OperationState::Done, None));
    assert_eq!(store.overview().await.unwrap().queued_operations, 0);
}

/// Of a device, of a class, and what was learned: each by itself.
pub async fn awake_times_are_kept_and_taken_back(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [class(2)]).await;
    let (first, second) = (AwakeScope::Device(DeviceId(1)), AwakeScope::Class(ClassId::DEFAULT));
    assert_eq!(store.awake(DeviceId(1)).await.unwrap(), Awake::default());
    commit(store, [said(first, Some(5)), said(second, Some(86_400)), taught(1, learned())]).await;
    commit(store, [said(AwakeScope::Class(ClassId(2)), Some(1))]).await;
    let (device, class) = (Some(Duration::from_secs(5)), Some(Duration::from_secs(86_400)));
    let all = Awake { device, class, learned: Some(learned()) };
    assert_eq!(store.awake(DeviceId(1)).await.unwrap(), all);
    assert_eq!(store.awake(DeviceId(2)).await.unwrap(), Awake { class, ..Awake::default() });
    let classes = [(ClassId::DEFAULT, class.unwrap()), (ClassId(2), Duration::from_secs(1))];
    assert_eq!(store.class_awake_times().await.unwrap(), classes.into());

    let newer = Learned { time: Duration::from_secs(1), at: at(10), ..learned() };
    commit(store, [taught(1, newer), said(first, None), said(second, None), said(second, None)]).await;
    let expected = Awake { learned: Some(newer), ..Awake::default() };
    assert_eq!(store.awake(DeviceId(1)).await.unwrap(), expected);

    refused(store, [said(AwakeScope::Device(DeviceId(9)), Some(5))]).await;
    refused(store, [said(AwakeScope::Class(ClassId(9)), Some(5))]).await;
    commit(store, [taught(9, learned())]).await;
    let removed = |keep_data| Change::DeviceRemoved { device: DeviceId(1), at: at(20), keep_data };
    commit(store, [removed(true)]).await;
    assert_eq!(store.awake(DeviceId(1)).await.unwrap(), expected);
    commit(
        store,
        [taught(2, learned()), Change::DeviceRemoved { device: DeviceId(2), at: at(20), keep_data: false }],
    )
    .await;
    assert_eq!(store.awake(DeviceId(2)).await.unwrap(), Awake::default());
}

/// A start reads them back, in whatever parts.
pub async fn awake_times_come_back_with_the_fleet(store: &dyn Store) {
    register(store, 3).await;
    commit(store, [said(AwakeScope::Device(DeviceId(1)), Some(5)), taught(3, learned())]).await;
    commit(store, [said(AwakeScope::Class(ClassId::DEFAULT), Some(20))]).await;
    let own = Awake { device: Some(Duration::from_secs(5)), ..Awake::default() };
    let third = Awake { learned: Some(learned()), ..Awake::default() };
    let expected = AwakeTimes {
        devices: [(DeviceId(1), own), (DeviceId(3), third)].into(),
        classes: [(ClassId::DEFAULT, Duration::from_secs(20))].into(),
    };
    assert_eq!(store.restore().await.unwrap().awake, expected);
    let part = store.restore_part(Some(DeviceId(1)), 1).await.unwrap();
    assert_eq!(part.awake, AwakeTimes { devices: [].into(), ..expected });
}
