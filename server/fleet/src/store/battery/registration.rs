//! Devices and their registrations.

use std::sync::Arc;

use objects::{Version, link::ObjectLinks};

use super::fixture::*;
use crate::{
    Binding, Change, Device, DeviceId, DeviceState, EndReason, Lifetime, Registration, RegistrationId, Store,
    Timestamp,
    store::{DeviceView, Overview},
};

/// Every field comes back, whatever is in it.
pub async fn a_registered_device_is_shown_as_it_registered(store: &dyn Store) {
    let plain = Registration {
        lwm2m: Version::V1_0,
        lifetime: Lifetime(u32::MAX),
        binding: Binding { transports: "U".into(), queue_mode: false },
        sms_number: None,
        links: Arc::new(ObjectLinks::default()),
        extra: vec![],
        id: RegistrationId(0),
        expires_at: at(i64::from(u32::MAX)),
        epoch: i64::MAX,
        ..registration(2)
    };
    let hostile = Registration {
        sms_number: Some("\0\r\n\u{202e}'--".into()),
        extra: (0..16).map(|number| (format!("k{number}\0"), "v\"'\\\u{7f}".repeat(20))).collect(),
        ..registration(3)
    };
    let long = "ü".repeat(126);
    let devices = [named(1, "urn:imei:🦀"), named(2, &long), named(3, "' OR ''='")];
    for (device, registration) in devices.into_iter().zip([registration(1), plain, hostile]) {
        let changes =
            [Change::DeviceAdded(device.clone()), Change::Registered(Box::new(registration.clone()))];
        commit(store, changes).await;
        let public_id = device.public_id;
        let expected = view_of(device, DeviceState::Registered, registration, START);
        assert_eq!(store.device(public_id).await.unwrap(), Some(expected));
    }
}

/// One row, one public name, one endpoint in its domain; endpoints that differ in case or form differ.
pub async fn a_device_is_unique_by_row_public_name_and_endpoint(store: &dyn Store) {
    commit(store, [Change::DeviceAdded(named(1, "Zoë"))]).await;
    refused(store, [Change::DeviceAdded(named(1, "other"))]).await;
    refused(store, [Change::DeviceAdded(named(2, "Zoë"))]).await;
    let same_public_id = Device { public_id: public_id(1), ..named(3, "third") };
    refused(store, [Change::DeviceAdded(same_public_id)]).await;
    let distinct = ["zoë", "Zoe", "Zoe\u{308}", "Zoë "];
    commit(store, (4..).zip(distinct).map(|(number, name)| Change::DeviceAdded(named(number, name)))).await;
    assert_eq!(store.restore().await.unwrap().devices.len(), 5);
}

/// An older lifetime, binding or object list is never visible again.
pub async fn an_update_replaces_the_registration(store: &dyn Store) {
    register(store, 2).await;
    let updated = Registration {
        lifetime: Lifetime(60),
        binding: Binding { transports: "U".into(), queue_mode: false },
        sms_number: None,
        links: Arc::new(ObjectLinks { root: None, ..links() }),
        source: source(8),
        updated_at: at(20),
        expires_at: at(80),
        ..registration(1)
    };
    commit(store, [Change::Registered(Box::new(updated.clone()))]).await;
    let view = store.device(public_id(1)).await.unwrap().unwrap();
    assert_eq!((view.registration.as_ref(), view.seen_at), (Some(&updated), Some(at(20))));
    assert_eq!(store.device(public_id(2)).await.unwrap().unwrap().registration, Some(registration(2)));
    let restored = store.restore().await.unwrap().registrations;
    assert!(restored.contains(&updated) && restored.len() == 2);
}

/// Two devices never share a location.
pub async fn a_registration_id_belongs_to_one_device(store: &dyn Store) {
    register(store, 1).await;
    commit(store, [Change::DeviceAdded(device(2))]).await;
    let taken = Registration { id: registration(1).id, ..registration(2) };
    refused(store, [Change::Registered(Box::new(taken))]).await;
    commit(store, [Change::Registered(Box::new(registration(2)))]).await;
}

/// Who owned the device before writes no more.
pub async fn a_stale_registration_is_a_conflict(store: &dyn Store) {
    register(store, 1).await;
    let epoch = |epoch| Registration { id: RegistrationId(0x1234), epoch, ..registration(1) };
    commit(store, [Change::Registered(Box::new(epoch(5)))]).await;
    refused(store, [Change::Registered(Box::new(epoch(4)))]).await;
    refused(store, [Change::Registered(Box::new(registration(1)))]).await;
    commit(store, [Change::Registered(Box::new(epoch(5)))]).await;
    assert_eq!(store.restore().await.unwrap().epochs, [(DeviceId(1), 5)].into());
}

/// An Update that was under way when the registration ended does not bring it back to life; a Register does.
pub async fn an_ended_registration_comes_back_only_anew(store: &dyn Store) {
    register(store, 1).await;
    let end = Change::RegistrationEnded { device: DeviceId(1), at: at(9), reason: EndReason::Expired };
    commit(store, [end]).await;
    refused(store, [Change::Registered(Box::new(Registration { updated_at: at(10), ..registration(1) }))])
        .await;
    assert_eq!(store.device(public_id(1)).await.unwrap().unwrap().state, DeviceState::Expired);
    let anew = Registration { epoch: 2, id: RegistrationId(7), updated_at: at(11), ..registration(1) };
    commit(store, [Change::Registered(Box::new(anew.clone()))]).await;
    let view = store.device(public_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.registration, view.seen_at),
        (DeviceState::Registered, Some(anew), Some(at(11)))
    );
}

/// Last seen and expiry move; last seen never back.
pub async fn a_lease_moves_what_it_names_and_nothing_else(store: &dyn Store) {
    register(store, 2).await;
    let lease = |seen, expires| Change::LeaseRenewed {
        device: DeviceId(1),
        seen_at: at(seen),
        expires_at: at(expires),
    };
    commit(store, [lease(30, 330)]).await;
    let view = store.device(public_id(1)).await.unwrap().unwrap();
    assert_eq!(view.seen_at, Some(at(30)));
    assert_eq!(view.registration, Some(Registration { expires_at: at(330), ..registration(1) }));
    commit(store, [lease(20, 400)]).await;
    let view = store.device(public_id(1)).await.unwrap().unwrap();
    assert_eq!(
        (view.seen_at, view.registration.map(|registration| registration.expires_at)),
        (Some(at(30)), Some(at(400)))
    );
    let other = store.device(public_id(2)).await.unwrap().unwrap();
    assert_eq!((other.seen_at, other.registration), (Some(START), Some(registration(2))));
}

/// A batch of leases holds devices that have gone meanwhile; the others are renewed all the same.
pub async fn a_lease_without_a_registration_changes_nothing(store: &dyn Store) {
    register(store, 2).await;
    let end = Change::RegistrationEnded { device: DeviceId(1), at: at(9), reason: EndReason::Deregistered };
    commit(store, [end]).await;
    let before = store.device(public_id(1)).await.unwrap();
    let lease =
        |number| Change::LeaseRenewed { device: DeviceId(number), seen_at: at(30), expires_at: at(330) };
    commit(store, [1, 77, 2].map(lease)).await;
    assert_eq!(store.device(public_id(1)).await.unwrap(), before);
    assert_eq!(store.device(public_id(77)).await.unwrap(), None);
    assert_eq!(store.device(public_id(2)).await.unwrap().unwrap().seen_at, Some(at(30)));
}

/// By a goodbye, which is also heard, or by silence. The registration stays to be looked at.
pub async fn a_registration_ends_in_two_ways(store: &dyn Store) {
    register(store, 2).await;
    let end = |number, reason| Change::RegistrationEnded { device: DeviceId(number), at: at(400), reason };
    commit(store, [end(1, EndReason::Deregistered), end(2, EndReason::Expired)]).await;
    for (number, state, seen_at) in
        [(1, DeviceState::Deregistered, at(400)), (2, DeviceState::Expired, START)]
    {
        let registration = Registration { expires_at: at(400), ..registration(number) };
        let expected = view_of(device(number), state, registration, seen_at);
        assert_eq!(store.device(public_id(number)).await.unwrap(), Some(expected));
    }
}

/// What has ended does not end again in another way, nor does what never was.
pub async fn a_registration_ends_once(store: &dyn Store) {
    register(store, 1).await;
    let end = |number, seconds, reason| Change::RegistrationEnded {
        device: DeviceId(number),
        at: at(seconds),
        reason,
    };
    commit(store, [end(1, 10, EndReason::Deregistered)]).await;
    let before = store.device(public_id(1)).await.unwrap();
    commit(store, [end(1, 300, EndReason::Expired), end(9, 300, EndReason::Expired)]).await;
    assert_eq!(store.device(public_id(1)).await.unwrap(), before);
}

/// Through every change that moves a count.
pub async fn the_overview_counts(store: &dyn Store) {
    register(store, 5).await;
    let end = |number, reason| Change::RegistrationEnded { device: DeviceId(number), at: at(9), reason };
    commit(
        store,
        [
            end(1, EndReason::Deregistered),
            end(1, EndReason::Expired),
            end(2, EndReason::Expired),
            end(3, EndReason::Expired),
            Change::ObservationBegan(observation(4, "/3")),
            Change::ObservationBegan(observation(4, "/3")),
            Change::ObservationBegan(observation(4, "/4")),
            Change::ObservationBegan(observation(5, "/4")),
            queued(&reboot(1, 4)),
            queued(&reboot(2, 4)),
            queued(&reboot(3, 4)),
            Change::OperationSent { id: operation_id(1), at: at(1) },
            ended(2, crate::OperationState::Done, at(1)),
        ],
    )
    .await;
    let expected = Overview {
        registered: 2,
        deregistered: 1,
        expired: 2,
        queued_operations: 1,
        observations: 3,
        ..Overview::default()
    };
    assert_eq!(store.overview().await.unwrap(), expected);
    let anew = |number| Registration { epoch: 2, id: RegistrationId(number), ..registration(2) };
    commit(
        store,
        [
            Change::Registered(Box::new(anew(1))),
            Change::Registered(Box::new(Registration { epoch: 3, ..anew(2) })),
            Change::ObservationsEnded { device: DeviceId(4) },
            Change::ObservationEnded { device: DeviceId(5), target: path("/4").into() },
            Change::ObservationEnded { device: DeviceId(5), target: path("/4").into() },
            Change::OperationSent { id: operation_id(3), at: at(2) },
            ended(1, crate::OperationState::Failed, at(2)),
        ],
    )
    .await;
    let expected = Overview { registered: 3, deregistered: 1, expired: 1, ..Overview::default() };
    assert_eq!(store.overview().await.unwrap(), expected);
    refused(store, [end(2, EndReason::Expired), Change::DeviceAdded(device(1))]).await;
    store.purge(at(3)).await.unwrap();
    assert_eq!(store.overview().await.unwrap(), expected, "neither a conflict nor a purge moves them");
}

fn view_of(device: Device, state: DeviceState, registration: Registration, seen_at: Timestamp) -> DeviceView {
    DeviceView {
        device,
        state,
        registration: Some(registration),
        seen_at: Some(seen_at),
        secured: false,
        class_name: "default".into(),
    }
}
