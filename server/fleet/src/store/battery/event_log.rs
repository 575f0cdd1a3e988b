//! The event log: what happened, in order, in the transaction in which it did.

use objects::Value;

use super::fixture::*;
use crate::{
    Change, DeviceId, EndReason, LoggedEvent, LoggedKind, Reading, Registration, RegistrationId, Store,
    Timestamp,
};

async fn kinds(store: &dyn Store) -> Vec<LoggedKind> {
    store.events(0, 500).await.unwrap().into_iter().map(|event| event.kind).collect()
}

fn ends(number: i64, reason: EndReason) -> Change {
    Change::RegistrationEnded { device: DeviceId(number), at: at(9), reason }
}

/// Each with its device and its time; what changes nothing is not told.
pub async fn what_happens_to_a_device_is_logged(store: &dyn Store) {
    assert_eq!(store.event_range().await.unwrap(), (0, 0));
    register(store, 1).await;
    let updated = Registration { updated_at: at(5), ..registration(1) };
    let anew = Registration { id: RegistrationId(7), epoch: 2, updated_at: at(6), ..registration(1) };
    let readings = vec![
        Reading { path: path("/3/0/9"), value: Value::String("'\0☃".into()), device_time: Some(at(2)) },
        Reading { path: path("/3/0/11/0"), value: Value::Float(0.1), device_time: None },
    ];
    let delivered = Change::Report {
        device: DeviceId(1),
        received_at: at(7),
        delivery: Some(delivery(1)),
        readings: readings.clone(),
    };
    commit(store, [Change::Registered(Box::new(updated)), Change::Registered(Box::new(anew))]).await;
    commit(store, [delivered.clone()]).await;
    assert!(commit(store, [delivered]).await.duplicate);
    let lease = Change::LeaseRenewed { device: DeviceId(1), seen_at: at(8), expires_at: at(999) };
    commit(
        store,
        [lease, Change::Timeline(entry(1, 1)), ends(1, EndReason::Expired), ends(1, EndReason::Expired)],
    )
    .await;
    let expected = [
        (LoggedKind::Registered, START),
        (LoggedKind::Updated, at(5)),
        (LoggedKind::Registered, at(6)),
        (LoggedKind::Values(readings), at(7)),
        (LoggedKind::RegistrationEnded(EndReason::Expired), at(9)),
    ];
    let found = store.events(0, 500).await.unwrap();
    assert!(found.is_sorted_by(|one, other| one.sequence < other.sequence) && found[0].sequence > 0);
    assert!(found.iter().all(|event| (event.device, &event.endpoint) == (public_id(1), &device(1).endpoint)));
    let found: Vec<(LoggedKind, Timestamp)> = found.into_iter().map(|event| (event.kind, event.at)).collect();
    assert_eq!(found, expected);
}

/// Every way to end.
pub async fn every_end_of_a_registration_is_logged(store: &dyn Store) {
    register(store, 4).await;
    let reasons = [EndReason::Deregistered, EndReason::Expired, EndReason::Revoked, EndReason::Removed];
    commit(store, (1..).zip(reasons).map(|(number, reason)| ends(number, reason))).await;
    assert_eq!(kinds(store).await[4..], reasons.map(LoggedKind::RegistrationEnded));
}

/// A commit that is refused tells nothing.
pub async fn a_conflict_is_not_logged(store: &dyn Store) {
    register(store, 1).await;
    let before = store.events(0, 500).await.unwrap();
    refused(store, [ends(1, EndReason::Expired), Change::DeviceAdded(device(1))]).await;
    assert_eq!(store.events(0, 500).await.unwrap(), before);
}

/// From where the reader was, as many as it asks for and no more than the most.
pub async fn the_event_log_is_read_from_where_one_was(store: &dyn Store) {
    register(store, 1).await;
    commit(store, (0..600).map(|number| report(1, at(number), vec![reading("/3/0/9", number)]))).await;
    let (first, last) = store.event_range().await.unwrap();
    let mut read: Vec<LoggedEvent> = Vec::new();
    loop {
        let after = read.last().map_or(0, |event| event.sequence);
        let more = store.events(after, 77).await.unwrap();
        assert!(more.len() <= 77);
        if more.is_empty() {
            break;
        }
        read.extend(more);
    }
    assert_eq!((read.len(), read[0].sequence, read[600].sequence), (601, first, last));
    assert_eq!(store.events(0, usize::MAX).await.unwrap().len(), LoggedEvent::MAX_READ);
    assert_eq!(store.events(last, 9).await.unwrap(), []);
}

/// What is past its time goes; numbers go on from where they were, also when nothing is left.
pub async fn the_event_log_forgets_and_never_counts_back(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [report(1, at(1), vec![]), report(1, at(100), vec![])]).await;
    let (_, last) = store.event_range().await.unwrap();
    store.purge(at(100).after(LoggedEvent::KEPT - std::time::Duration::from_secs(1))).await.unwrap();
    assert_eq!(store.event_range().await.unwrap(), (last, last));
    store.purge(at(101).after(LoggedEvent::KEPT)).await.unwrap();
    assert_eq!(kinds(store).await, []);
    assert_eq!(store.event_range().await.unwrap(), (last, last), "of the last one that there was");
    commit(store, [report(1, at(200_000), vec![])]).await;
    let (first, next) = store.event_range().await.unwrap();
    assert!(first == next && next > last);
}
