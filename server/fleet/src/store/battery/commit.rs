//! Commits as such: all or nothing, in order, also where several are made at one time.

use futures::future::join_all;

use super::fixture::*;
use crate::{
    AuditEntry, Cause, Change, Commit, Committed, DeviceId, PublicId, Restored, Store, StoreError, Verb,
    WebSession,
    store::{AuditQuery, DeviceOrder, DeviceQuery, Overview, PageRequest},
};

/// Each start has a number of its own.
pub async fn boots_are_counted(store: &dyn Store) {
    for count in 1..=3 {
        assert_eq!(store.begin_boot().await.unwrap(), count);
    }
}

/// A store that can be written to is healthy.
pub async fn a_store_that_works_says_so(store: &dyn Store) {
    assert_eq!(store.check().await, Ok(()));
}

/// Nothing is there before something is put there, and to look for it is no error.
pub async fn a_new_store_is_empty(store: &dyn Store) {
    assert_eq!(store.restore().await.unwrap(), Restored::default());
    assert_eq!(store.overview().await.unwrap(), Overview::default());
    assert_eq!(store.device(PublicId::from_random([7; 16])).await.unwrap(), None);
    let page = PageRequest::first(10);
    let query = DeviceQuery { order: DeviceOrder::Endpoint, ..DeviceQuery::all(page.clone()) };
    assert_eq!(store.devices(&query).await.unwrap().rows, []);
    assert_eq!(store.latest(DeviceId(1), path("/")).await.unwrap(), []);
    assert_eq!(store.history(DeviceId(1), path("/3/0/0"), 10).await.unwrap(), []);
    assert_eq!(store.observations(DeviceId(1)).await.unwrap(), []);
    assert_eq!(store.operation(operation_id(1)).await.unwrap(), None);
    assert_eq!(store.operations(DeviceId(1), &page).await.unwrap().rows, []);
    assert_eq!(store.timeline(DeviceId(1), &page).await.unwrap().rows, []);
    assert_eq!(store.audit(&AuditQuery::all(page.clone())).await.unwrap().rows, []);
    assert_eq!(store.user("admin").await.unwrap(), None);
    assert_eq!(store.session(&[0; 32], START).await.unwrap(), None);
    store.purge(START).await.unwrap();
}

/// A commit of nothing succeeds.
pub async fn a_commit_without_content_is_taken(store: &dyn Store) {
    assert_eq!(store.commit(Commit::default()).await, Ok(Committed::default()));
}

/// What comes later in a commit builds on what came before, and undoes it.
pub async fn the_changes_of_a_commit_apply_in_their_order(store: &dyn Store) {
    let number = 1;
    commit(
        store,
        [
            Change::DeviceAdded(device(number)),
            Change::Registered(Box::new(registration(number))),
            Change::ObservationBegan(observation(number, "/3/0/7")),
            Change::ObservationsEnded { device: DeviceId(number) },
            Change::ObservationBegan(observation(number, "/3/0/9")),
            report(number, at(1), vec![reading("/3/0/9", 1), reading("/3/0/9", 2)]),
            report(number, at(1), vec![reading("/3/0/9", 3)]),
        ],
    )
    .await;
    assert_eq!(store.observations(DeviceId(number)).await.unwrap(), [observation(number, "/3/0/9")]);
    let history = store.history(DeviceId(number), path("/3/0/9"), 10).await.unwrap();
    let values: Vec<_> = history.into_iter().map(|stored| stored.reading).collect();
    assert_eq!(values, [3, 2, 1].map(|value| reading("/3/0/9", value)));
}

/// Everything before and after the conflict in the same commit is as if it had not been asked for.
pub async fn a_conflicting_commit_changes_nothing(store: &dyn Store) {
    register(store, 2).await;
    commit(
        store,
        [
            queued(&reboot(1, 1)),
            Change::ObservationBegan(observation(1, "/3/0/7")),
            Change::Timeline(entry(1, 0)),
        ],
    )
    .await;
    let before = picture(store).await;
    let audit = AuditEntry {
        at: START,
        actor: "Zoë".into(),
        cause: Cause::Console,
        request: request(1),
        verb: Verb::Operate,
        device: Some(DeviceId(1)),
        object: String::new(),
    };
    let moved = crate::Registration { updated_at: at(9), ..registration(1) };
    let changes = vec![
        Change::DeviceAdded(device(3)),
        Change::Registered(Box::new(registration(3))),
        Change::Registered(Box::new(moved)),
        Change::LeaseRenewed { device: DeviceId(1), seen_at: at(99), expires_at: at(999) },
        Change::RegistrationEnded { device: DeviceId(2), at: at(5), reason: crate::EndReason::Expired },
        Change::ObservationBegan(observation(2, "/3/0/7")),
        Change::ObservationsEnded { device: DeviceId(1) },
        report(1, at(1), vec![reading("/3/0/9", 1)]),
        Change::Report {
            device: DeviceId(1),
            received_at: at(1),
            delivery: Some(delivery(1)),
            readings: vec![],
        },
        queued(&reboot(2, 1)),
        ended(1, crate::OperationState::Done, at(1)),
        Change::Timeline(entry(1, 1)),
        Change::SessionSaved(WebSession { key: [1; 32], data: vec![], expires_at: at(60) }),
        // The conflict: this device is there.
        Change::DeviceAdded(device(1)),
        Change::Timeline(entry(1, 2)),
    ];
    let refused = store.commit(Commit { changes, audit: vec![audit] }).await;
    assert_eq!(refused, Err(StoreError::Conflict));
    assert_eq!(picture(store).await, before);
    assert_eq!(store.session(&[1; 32], START).await.unwrap(), None);
    // The delivery was not kept either.
    let again = Change::Report {
        device: DeviceId(1),
        received_at: at(1),
        delivery: Some(delivery(1)),
        readings: vec![],
    };
    assert!(!commit(store, [again]).await.duplicate);
}

/// A registration, an observation, a report, an operation and a timeline entry need their device.
pub async fn what_refers_to_no_device_is_a_conflict(store: &dyn Store) {
    register(store, 1).await;
    refused(store, [Change::Registered(Box::new(registration(9)))]).await;
    refused(store, [Change::ObservationBegan(observation(9, "/3"))]).await;
    refused(store, [report(9, START, vec![reading("/3/0/9", 1)])]).await;
    refused(store, [queued(&reboot(1, 9))]).await;
    refused(store, [Change::Timeline(entry(9, 1))]).await;
}

/// Commits that are under way together come out as if one had followed the other.
pub async fn concurrent_commits_apply_in_the_order_they_were_begun(store: &dyn Store) {
    register(store, 1).await;
    let count: u8 = 50;
    let commits = (0..count).map(|number| {
        let session = WebSession { key: [7; 32], data: vec![number], expires_at: at(60) };
        store.commit(of([Change::Timeline(entry(1, number.into())), Change::SessionSaved(session)]))
    });
    for committed in join_all(commits).await {
        assert_eq!(committed, Ok(Committed::default()));
    }
    let timeline = all_pages(20, async |page| store.timeline(DeviceId(1), &page).await).await;
    let found: Vec<_> = timeline.into_iter().rev().map(|record| record.entry).collect();
    assert_eq!(found, (0..count).map(|number| entry(1, number.into())).collect::<Vec<_>>());
    assert_eq!(store.session(&[7; 32], START).await.unwrap().unwrap().data, [count - 1]);
}

/// Who shares a transaction with a conflict is not harmed by it.
pub async fn among_concurrent_commits_a_conflict_fails_alone(store: &dyn Store) {
    register(store, 1).await;
    let count = 20;
    let commits = (0..count).map(|number| {
        let mut changes = vec![Change::Timeline(entry(1, number))];
        changes.extend((number % 7 == 3).then(|| Change::DeviceAdded(device(1))));
        store.commit(of(changes))
    });
    let results = join_all(commits).await;
    let mut expected = Vec::new();
    for (number, result) in (0..count).zip(results) {
        if number % 7 == 3 {
            assert_eq!(result, Err(StoreError::Conflict));
        } else {
            assert_eq!(result, Ok(Committed::default()));
            expected.push(entry(1, number));
        }
    }
    let timeline = store.timeline(DeviceId(1), &PageRequest::first(100)).await.unwrap();
    let found: Vec<_> = timeline.rows.into_iter().rev().map(|record| record.entry).collect();
    assert_eq!(found, expected);
}

/// All that can be seen of devices 1 to 3, as text.
async fn picture(store: &dyn Store) -> Vec<String> {
    let mut seen = vec![
        format!("{:?}", store.restore().await.unwrap()),
        format!("{:?}", store.overview().await.unwrap()),
        format!("{:?}", store.audit(&AuditQuery::all(PageRequest::first(100))).await.unwrap()),
    ];
    for number in 1..=3 {
        let device = DeviceId(number);
        let page = PageRequest::first(100);
        seen.push(format!("{:?}", store.device(public_id(number)).await.unwrap()));
        seen.push(format!("{:?}", store.latest(device, path("/")).await.unwrap()));
        seen.push(format!("{:?}", store.history(device, path("/3/0/9"), 10).await.unwrap()));
        seen.push(format!("{:?}", store.observations(device).await.unwrap()));
        seen.push(format!("{:?}", store.operations(device, &page).await.unwrap()));
        seen.push(format!("{:?}", store.timeline(device, &page).await.unwrap()));
    }
    seen
}
