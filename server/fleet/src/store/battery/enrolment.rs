//! Devices that are known before they come, and those that are not to come any more.

use std::collections::BTreeSet;

use super::fixture::*;
use crate::{
    Change, Class, ClassId, CredentialState, Device, DeviceId, DeviceState, EndReason, Registration,
    RegistrationId, Store,
    store::{AuditQuery, DeviceOrder, DeviceQuery, DeviceView, Overview, PageRequest},
};

fn removed(number: i64, keep_data: bool) -> Change {
    Change::DeviceRemoved { device: DeviceId(number), at: at(50), keep_data }
}

fn again(number: i64, class: i64) -> Change {
    Change::DeviceEnrolledAgain { device: DeviceId(number), class: ClassId(class) }
}

fn ends(number: i64, reason: EndReason) -> Change {
    Change::RegistrationEnded { device: DeviceId(number), at: at(40), reason }
}

async fn listed(store: &dyn Store, query: DeviceQuery) -> Vec<i64> {
    let pages = all_pages(2, async |page| store.devices(&DeviceQuery { page, ..query.clone() }).await).await;
    pages.into_iter().map(|summary| summary.device.id.0).collect()
}

fn all(order: DeviceOrder) -> DeviceQuery {
    DeviceQuery { order, ..DeviceQuery::all(PageRequest::first(2)) }
}

/// Known by its row, its public name and its endpoint; in the lists; and nothing of a registration.
pub async fn an_added_device_is_awaited_until_it_registers(store: &dyn Store) {
    commit(store, [Change::DeviceAdded(device(1))]).await;
    let expected = DeviceView {
        device: device(1),
        state: DeviceState::Awaited,
        registration: None,
        seen_at: None,
        secured: false,
        class_name: Class::DEFAULT_NAME.into(),
    };
    assert_eq!(view(store, 1).await, expected);
    assert_eq!(store.device_row(DeviceId(1)).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.device_by_endpoint(&device(1).endpoint).await.unwrap(), Some(expected));
    assert_eq!(store.device_row(DeviceId(2)).await.unwrap(), None);
    assert_eq!(store.device_by_endpoint(&device(2).endpoint).await.unwrap(), None);
    assert_eq!(store.overview().await.unwrap(), Overview { awaited: 1, ..Overview::default() });
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        let found = store.devices(&all(order)).await.unwrap().rows;
        assert_eq!((found[0].state, found[0].registered.as_ref()), (DeviceState::Awaited, None));
    }
    commit(store, [Change::Registered(Box::new(registration(1)))]).await;
    assert_eq!(view(store, 1).await.state, DeviceState::Registered);
    assert_eq!(store.overview().await.unwrap(), Overview { registered: 1, ..Overview::default() });
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.devices, restored.secured), (vec![device(1)], [].into()));
}

/// Each has a state of its own, which lists and counts know.
pub async fn a_registration_may_end_by_what_people_do(store: &dyn Store) {
    register(store, 3).await;
    commit(store, [ends(1, EndReason::Revoked), ends(2, EndReason::Deregistered)]).await;
    assert_eq!(view(store, 1).await.state, DeviceState::Revoked);
    let expected = Overview { registered: 1, revoked: 1, deregistered: 1, ..Overview::default() };
    assert_eq!(store.overview().await.unwrap(), expected);
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        let revoked = DeviceQuery { state: Some(DeviceState::Revoked), ..all(order) };
        assert_eq!(listed(store, revoked).await, [1]);
        assert_eq!(listed(store, all(order)).await.len(), 3);
    }
}

/// What a device had is over with its removal, and nothing of it begins again by itself.
pub async fn the_registration_of_a_removed_device_is_over_and_none_begins(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [removed(1, true)]).await;
    assert_eq!(view(store, 1).await.state, DeviceState::Removed);
    assert_eq!(store.restore().await.unwrap().registrations.len(), 1);
    assert_eq!(store.overview().await.unwrap(), Overview { registered: 1, ..Overview::default() });
    let anew = Registration { epoch: 2, id: RegistrationId(7), updated_at: at(60), ..registration(1) };
    refused(store, [Change::Registered(Box::new(anew.clone()))]).await;
    commit(store, [again(1, 1)]).await;
    commit(store, [Change::Registered(Box::new(anew))]).await;
    assert_eq!(view(store, 1).await.state, DeviceState::Registered);
}

/// It is in no list but that of the removed ones, it lives no more, and its credentials open nothing.
pub async fn a_removed_device_is_out_of_the_way(store: &dyn Store) {
    register(store, 2).await;
    commit(store, [Change::DeviceAdded(device(3)), adds(&credential(1, 1)), adds(&credential(2, 1))]).await;
    commit(store, [Change::ObservationBegan(observation(1, "/3")), ends(1, EndReason::Removed)]).await;
    commit(store, [removed(1, true), removed(3, true)]).await;
    let gone = view(store, 1).await;
    assert_eq!(
        (gone.state, gone.device.removed_at, gone.secured),
        (DeviceState::Removed, Some(at(50)), false)
    );
    assert_eq!(store.device_by_endpoint(&device(1).endpoint).await.unwrap(), Some(gone));
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        assert_eq!(listed(store, all(order)).await, [2]);
        let state = Some(DeviceState::Removed);
        let removed: BTreeSet<i64> =
            listed(store, DeviceQuery { state, ..all(order) }).await.into_iter().collect();
        assert_eq!(removed, [1, 3].into());
    }
    assert_eq!(store.overview().await.unwrap(), Overview { registered: 1, ..Overview::default() });
    for credential in store.credentials(DeviceId(1)).await.unwrap() {
        assert_eq!((credential.state, credential.changed_at), (CredentialState::Revoked, at(50)));
    }
    let restored = store.restore().await.unwrap();
    assert_eq!((restored.registrations.len(), restored.observations.len()), (1, 0));
    assert!(restored.devices.contains(&Device { removed_at: Some(at(50)), ..device(1) }));
    assert!(restored.secured.contains(&DeviceId(1)));
    // Its name is not free for another row, and nobody else's removal is a removal.
    refused(store, [Change::DeviceAdded(named(9, device(1).endpoint.as_str()))]).await;
    refused(store, [removed(9, true)]).await;
}

/// One is enrolled again as if it had just been added, in any class; one that is not removed is not.
pub async fn a_removed_device_is_enrolled_again_under_its_row(store: &dyn Store) {
    register(store, 2).await;
    commit(
        store,
        [Change::ClassAdded(Class {
            id: ClassId(2),
            name: "meters".into(),
            policy: Default::default(),
            retention: Default::default(),
        })],
    )
    .await;
    refused(store, [again(1, 2)]).await;
    refused(store, [again(9, 2)]).await;
    commit(store, [ends(1, EndReason::Removed), removed(1, true)]).await;
    refused(store, [again(1, 9)]).await;
    commit(store, [again(1, 2)]).await;
    refused(store, [again(1, 2)]).await;
    let back = view(store, 1).await;
    assert_eq!((back.state, back.device.removed_at), (DeviceState::Awaited, None));
    assert_eq!((back.class_name.as_str(), back.device.class), ("meters", ClassId(2)));
    let expected = Overview { registered: 1, awaited: 1, ..Overview::default() };
    assert_eq!(store.overview().await.unwrap(), expected);
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        assert_eq!(listed(store, all(order)).await.len(), 2, "{order:?}");
    }
    let anew = Registration { epoch: 2, id: RegistrationId(9), ..registration(1) };
    commit(store, [Change::Registered(Box::new(anew))]).await;
    assert_eq!(store.overview().await.unwrap().registered, 2);
}

/// With its data everything of it goes but what says that there was such a device; without, everything stays to be looked at.
pub async fn a_removal_keeps_or_deletes_what_a_device_left(store: &dyn Store) {
    register(store, 2).await;
    for number in [1, 2] {
        commit(
            store,
            [
                report(number, at(1), vec![reading("/3/0/9", 1)]),
                Change::Timeline(entry(number, 1)),
                queued(&reboot(number, number)),
                adds(&credential(number, number)),
                ends(number, EndReason::Removed),
            ],
        )
        .await;
    }
    commit(store, [removed(1, true), removed(2, false), Change::Timeline(entry(2, 60))]).await;
    for (number, left) in [(1, 1), (2, 0)] {
        let device = DeviceId(number);
        assert_eq!(store.latest(device, path("/")).await.unwrap().len(), left);
        assert_eq!(store.history(device, path("/3/0/9"), 10).await.unwrap().len(), left);
        assert_eq!(store.operations(device, &PageRequest::first(9)).await.unwrap().rows.len(), left);
        assert_eq!(view(store, number).await.registration.is_some(), left == 1);
        assert_eq!(store.credentials(device).await.unwrap().len(), 1, "its identity is remembered");
    }
    let timeline =
        async |number| store.timeline(DeviceId(number), &PageRequest::first(9)).await.unwrap().rows.len();
    assert_eq!((timeline(1).await, timeline(2).await), (1, 1), "what comes afterwards is kept");
    let kept = store.credential_by_name(&identity("identity-1")).await.unwrap().unwrap();
    let blanked = store.credential_by_name(&identity("identity-2")).await.unwrap().unwrap();
    assert_eq!((kept.0.state, blanked.0.state), (CredentialState::Revoked, CredentialState::Revoked));
    assert!(kept.1 == key(1) && blanked.1 != key(2));
    assert_eq!(store.overview().await.unwrap().queued_operations, 1);
    // Its name can be enrolled again, and nothing of what was comes back.
    commit(store, [again(2, 1)]).await;
    let back = view(store, 2).await;
    assert_eq!((back.state, back.registration, back.seen_at), (DeviceState::Awaited, None, None));
}

/// In either order, together with a state and a prefix, page by page.
pub async fn devices_are_filtered_by_class_and_security(store: &dyn Store) {
    commit(
        store,
        [Change::ClassAdded(Class {
            id: ClassId(2),
            name: "meters".into(),
            policy: Default::default(),
            retention: Default::default(),
        })],
    )
    .await;
    register(store, 12).await;
    let classified = |number| Change::DeviceClassified { device: DeviceId(number), class: ClassId(2) };
    commit(store, (1..=12).filter(|number| number % 2 == 0).map(classified)).await;
    commit(store, (1..=12).filter(|number| number % 3 == 0).map(|number| adds(&credential(number, number))))
        .await;
    commit(store, [10, 11, 12].map(|number| ends(number, EndReason::Expired))).await;
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        for class in [None, Some(1), Some(2)] {
            for secured in [None, Some(true), Some(false)] {
                for state in [None, Some(DeviceState::Registered), Some(DeviceState::Expired)] {
                    let query = DeviceQuery { class: class.map(ClassId), secured, state, ..all(order) };
                    let found: BTreeSet<i64> = listed(store, query.clone()).await.into_iter().collect();
                    let expected = (1..=12).filter(|number| {
                        class.is_none_or(|class| (class == 2) == (number % 2 == 0))
                            && secured.is_none_or(|secured| secured == (number % 3 == 0))
                            && state.is_none_or(|state| (state == DeviceState::Expired) == (*number >= 10))
                    });
                    assert_eq!(found, expected.collect(), "{query:?}");
                }
            }
        }
    }
    let prefix =
        DeviceQuery { prefix: Some("node-001".into()), secured: Some(true), ..all(DeviceOrder::Endpoint) };
    assert_eq!(listed(store, prefix).await, [12]);
    let summary =
        &store.devices(&DeviceQuery { class: Some(ClassId(2)), ..all(DeviceOrder::Endpoint) }).await;
    let summary = &summary.as_ref().unwrap().rows[0];
    assert_eq!((summary.class_name.as_str(), summary.secured), ("meters", false));
}

/// A class has one row and one name, and a device is in one that is there.
pub async fn a_class_is_unique_and_there_before_its_devices(store: &dyn Store) {
    let class = |id, name: &str| Class {
        id: ClassId(id),
        name: name.into(),
        policy: Default::default(),
        retention: Default::default(),
    };
    commit(store, [Change::ClassAdded(class(3, "'zähler\0")), Change::ClassAdded(class(2, "meters"))]).await;
    refused(store, [Change::ClassAdded(class(2, "other"))]).await;
    refused(store, [Change::ClassAdded(class(4, "meters"))]).await;
    let classes = store.classes().await.unwrap();
    assert_eq!(classes, [class(3, "'zähler\0"), class(1, Class::DEFAULT_NAME), class(2, "meters")]);
    refused(store, [Change::DeviceAdded(Device { class: ClassId(9), ..device(1) })]).await;
    commit(store, [Change::DeviceAdded(Device { class: ClassId(3), ..device(1) })]).await;
    refused(store, [Change::DeviceClassified { device: DeviceId(1), class: ClassId(9) }]).await;
    refused(store, [Change::DeviceClassified { device: DeviceId(9), class: ClassId(2) }]).await;
    assert_eq!(view(store, 1).await.class_name, "'zähler\0");
    assert_eq!(store.audit(&AuditQuery::all(PageRequest::first(1))).await.unwrap().rows, []);
}
