//! What a start reads back: exactly what was live.

use super::fixture::*;
use crate::{Change, DeviceId, EndReason, OperationState, Registration, RegistrationId, Restored, Store};

/// Every table at once, after everything that can happen to it.
pub async fn restore_gives_exactly_the_live_state(store: &dyn Store) {
    register(store, 4).await;
    let updated = Registration { updated_at: at(50), expires_at: at(350), ..registration(1) };
    let anew = Registration { epoch: 2, id: RegistrationId(1), updated_at: at(60), ..registration(4) };
    let gone = |number, reason| Change::RegistrationEnded { device: DeviceId(number), at: at(40), reason };
    commit(
        store,
        [
            gone(3, EndReason::Deregistered),
            gone(4, EndReason::Expired),
            Change::Registered(Box::new(updated.clone())),
            Change::Registered(Box::new(anew.clone())),
            Change::LeaseRenewed { device: DeviceId(2), seen_at: at(55), expires_at: at(355) },
            Change::ObservationBegan(observation(1, "/3/0/7")),
            Change::ObservationBegan(observation(1, "/4/0")),
            Change::ObservationBegan(observation(2, "/3")),
            Change::ObservationBegan(observation(3, "/3")),
            Change::ObservationEnded { device: DeviceId(1), target: path("/4/0").into() },
            Change::ObservationsEnded { device: DeviceId(3) },
        ],
    )
    .await;
    let leased = Registration { expires_at: at(355), ..registration(2) };
    let expected = Restored {
        devices: (1..=4).map(device).collect(),
        registrations: vec![updated, leased, anew],
        epochs: [(1, 1), (2, 1), (3, 1), (4, 2)].map(|(number, epoch)| (DeviceId(number), epoch)).into(),
        seen: [(1, 50), (2, 55), (3, 40), (4, 60)].map(|(number, seen)| (DeviceId(number), at(seen))).into(),
        observations: vec![observation(1, "/3/0/7"), observation(2, "/3")],
        operations: vec![],
        ..Restored::default()
    };
    // A registration whose time ran out while the server was down is still live: it gets a full lifetime.
    assert_eq!(sorted(store.restore().await.unwrap()), expected);
}

/// Queued and sent ones, as they stand, the oldest first; ended ones not.
pub async fn restore_gives_what_every_operation_waits_for(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [5, 2, 4, 1, 3].map(|number| queued(&reboot(number, 1 + number % 2)))).await;
    commit(store, [Change::OperationSent { id: operation_id(2), at: at(9) }]).await;
    commit(store, [ended(3, OperationState::Done, at(9)), ended(4, OperationState::Unknown, at(9))]).await;
    let mut sent = reboot(2, 1);
    sent.state = OperationState::Sent;
    sent.sent_at = Some(at(9));
    let expected = [reboot(1, 2), sent, reboot(5, 2)];
    assert_eq!(store.restore().await.unwrap().operations, expected);
}

/// An acknowledged Deregister never comes back to life, whatever is written afterwards.
pub async fn what_has_ended_stays_ended(store: &dyn Store) {
    register(store, 1).await;
    let end = Change::RegistrationEnded { device: DeviceId(1), at: at(9), reason: EndReason::Deregistered };
    commit(store, [end, Change::ObservationsEnded { device: DeviceId(1) }]).await;
    commit(
        store,
        [
            Change::LeaseRenewed { device: DeviceId(1), seen_at: at(10), expires_at: at(999) },
            report(1, at(10), vec![reading("/3/0/9", 1)]),
            Change::Timeline(entry(1, 10)),
        ],
    )
    .await;
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.registrations, restored.observations), (vec![], vec![]));
    assert_eq!(restored.devices, [device(1)]);
}

/// However late it comes.
pub async fn a_purge_leaves_the_live_state_alone(store: &dyn Store) {
    register(store, 2).await;
    commit(
        store,
        [
            Change::ObservationBegan(observation(1, "/3")),
            queued(&reboot(1, 1)),
            queued(&reboot(2, 2)),
            Change::OperationSent { id: operation_id(2), at: at(1) },
            report(1, at(1), vec![reading("/3/0/9", 1)]),
        ],
    )
    .await;
    let before = sorted(store.restore().await.unwrap());
    store.purge(at(1_000_000_000)).await.unwrap();
    assert_eq!(sorted(store.restore().await.unwrap()), before);
    assert_eq!(store.latest(DeviceId(1), path("/")).await.unwrap().len(), 1);
    assert_eq!(store.history(DeviceId(1), path("/3/0/9"), 5).await.unwrap().len(), 1);
}

/// Part by part in the order of their ids, and nothing of a device in another part than itself.
pub async fn the_hot_state_is_read_back_in_parts(store: &dyn Store) {
    assert_eq!(store.last_device().await.unwrap(), None);
    register(store, 5).await;
    for number in 1..=5 {
        commit(
            store,
            [Change::ObservationBegan(observation(number, "/3/0/9")), queued(&reboot(10 - number, number))],
        )
        .await;
    }
    assert_eq!(store.last_device().await.unwrap(), Some(DeviceId(5)));
    let whole = store.restore().await.unwrap();
    let (mut after, mut sizes, mut all) = (None, Vec::new(), Restored::default());
    loop {
        let part = store.restore_part(after, 2).await.unwrap();
        sizes.push(part.devices.len());
        let of = |device: DeviceId| part.devices.iter().any(|one| one.id == device);
        assert!(part.registrations.iter().all(|registration| of(registration.device)));
        assert!(part.observations.iter().all(|observation| of(observation.device)));
        assert!(part.operations.iter().all(|record| of(record.device)));
        assert!(part.epochs.keys().chain(part.seen.keys()).chain(&part.secured).all(|device| of(*device)));
        after = part.more_after;
        all.append(part);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    all.operations.sort_by_key(|record| record.id);
    assert_eq!(sorted(all), sorted(whole));
}

/// In an order of ours: a store may give devices, registrations and observations in any.
fn sorted(mut restored: Restored) -> Restored {
    restored.devices.sort_by_key(|device| device.id);
    restored.registrations.sort_by_key(|registration| registration.device);
    restored.observations.sort_by_key(|observation| (observation.device, observation.target.key()));
    restored
}
