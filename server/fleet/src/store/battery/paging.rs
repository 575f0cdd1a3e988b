//! Lists of devices and their pages.

use std::collections::BTreeSet;

use super::fixture::*;
use crate::{
    Change, Device, DeviceId, DeviceState, EndReason, Registration, Store, Timestamp,
    store::{DeviceOrder, DeviceQuery, DeviceSummary, PageRequest, RegisteredSummary},
};

/// Capitals before small letters, and everything beyond ASCII behind it: the order of UTF-8.
pub async fn devices_are_paged_in_the_order_of_the_bytes_of_their_names(store: &dyn Store) {
    let names = [
        " ",
        "%",
        "10",
        "9",
        "A",
        "Z",
        "_",
        "a",
        "a b",
        "a%",
        "aZ",
        "aa",
        "b",
        "urn:imei:1",
        "~",
        "Ä",
        "ß",
        "ä",
        "ż",
        "Ж",
        "漢字",
        "\u{ffee}",
        "🦀",
        "🦀🦀",
        "\u{10fffd}",
    ];
    enrol(store, &names).await;
    for limit in [1, 2, 7, names.len(), 500] {
        let found = names_of(&every_device(store, None, None, DeviceOrder::Endpoint, limit).await);
        assert_eq!(found, names, "limit {limit}");
    }
}

/// No character of it stands for others, and case counts.
pub async fn a_prefix_is_taken_as_it_is_written(store: &dyn Store) {
    let names = [
        "%", "%a", "\\", "\\%a", "_", "_a", "a", "a%b", "a\\b", "a_b", "aXb", "A_b", "ab", "ä", "äb", "*",
        "?",
    ];
    enrol(store, &names).await;
    for prefix in
        ["%", "_", "\\", "\\%", "a", "a%", "a_", "a\\", "A", "ä", "*", "?", "a_b", "a_bc", "'", "x", ""]
    {
        let found: BTreeSet<String> =
            names_of(&every_device(store, Some(prefix), None, DeviceOrder::Endpoint, 2).await)
                .into_iter()
                .collect();
        let expected: BTreeSet<String> =
            names.iter().filter(|name| name.starts_with(prefix)).map(|name| (*name).to_owned()).collect();
        assert_eq!(found, expected, "prefix {prefix}");
        let by_time = every_device(store, Some(prefix), None, DeviceOrder::LastSeen, 2).await;
        assert_eq!(
            names_of(&by_time).into_iter().collect::<BTreeSet<_>>(),
            expected,
            "prefix {prefix} by time"
        );
    }
}

/// Also together with a prefix, and each summary says what its device is.
pub async fn devices_are_filtered_by_state(store: &dyn Store) {
    register(store, 9).await;
    let end = |number, reason| Change::RegistrationEnded { device: DeviceId(number), at: at(50), reason };
    commit(store, [2, 5, 8].map(|number| end(number, EndReason::Deregistered))).await;
    commit(store, [3, 6].map(|number| end(number, EndReason::Expired))).await;
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        for (state, expected) in [
            (DeviceState::Registered, vec![1, 4, 7, 9]),
            (DeviceState::Deregistered, vec![2, 5, 8]),
            (DeviceState::Expired, vec![3, 6]),
        ] {
            let found = every_device(store, None, Some(state), order, 2).await;
            assert!(found.iter().all(|summary| summary.state == state));
            let mut ids: Vec<i64> = found.iter().map(|summary| summary.device.id.0).collect();
            ids.sort_unstable();
            assert_eq!(ids, expected, "{state:?} by {order:?}");
        }
    }
    let found =
        every_device(store, Some("node-0005"), Some(DeviceState::Deregistered), DeviceOrder::Endpoint, 2)
            .await;
    let before = registration(5);
    let expected = DeviceSummary {
        device: device(5),
        state: DeviceState::Deregistered,
        secured: false,
        class_name: "default".into(),
        registered: Some(RegisteredSummary {
            lwm2m: before.lwm2m,
            binding: before.binding,
            source: before.source,
            seen_at: at(50),
            expires_at: at(50),
        }),
    };
    assert_eq!(found, [expected]);
}

/// The last one heard first; who was heard in the same moment is still told apart.
pub async fn devices_are_paged_by_when_they_were_heard(store: &dyn Store) {
    register(store, 12).await;
    let heard = |number: i64| at(number % 4);
    let lease = |number| Change::LeaseRenewed {
        device: DeviceId(number),
        seen_at: heard(number),
        expires_at: at(1_000),
    };
    commit(store, (1..=12).map(lease)).await;
    for limit in [1, 5, 12, 100] {
        let found = every_device(store, None, None, DeviceOrder::LastSeen, limit).await;
        assert!(found.is_sorted_by(|one, other| seen(one) >= seen(other)), "limit {limit}");
        let ids: BTreeSet<i64> = found.iter().map(|summary| summary.device.id.0).collect();
        assert_eq!((found.len(), ids.len()), (12, 12), "limit {limit}");
        assert!(found.iter().all(|summary| seen(summary) == heard(summary.device.id.0)));
    }
}

/// Whoever was there from the beginning and did not change is on exactly one page, whoever else comes in between.
pub async fn pages_are_complete_while_devices_come(store: &dyn Store) {
    for order in [DeviceOrder::Endpoint, DeviceOrder::LastSeen] {
        let offset = if order == DeviceOrder::Endpoint { 0 } else { 1_000 };
        let prefix = format!("{order:?}-");
        let add = async |number: i64, name: String| {
            let device = named(offset + number, &name);
            let seen = Registration { updated_at: at(number), ..registration(offset + number) };
            commit(store, [Change::DeviceAdded(device), Change::Registered(Box::new(seen))]).await;
        };
        for number in (100..120).rev() {
            add(number, format!("{prefix}{number}")).await;
        }
        let mut found = Vec::new();
        let mut request = PageRequest::first(3);
        for round in 0.. {
            let query =
                DeviceQuery { prefix: Some(prefix.clone()), order, ..DeviceQuery::all(request.clone()) };
            let page = store.devices(&query).await.unwrap();
            found.extend(page.rows.into_iter().map(|summary| summary.device));
            let Some(next) = page.next else { break };
            request.after = Some(next);
            // One behind everything, one before everything, by either order.
            add(200 + round, format!("{prefix}{}z", 100 + round)).await;
            add(round, format!("{prefix}{}a", 119 - round)).await;
        }
        let unique: BTreeSet<DeviceId> = found.iter().map(|device| device.id).collect();
        assert_eq!(unique.len(), found.len(), "no device twice, by {order:?}");
        for number in 100..120 {
            assert!(unique.contains(&DeviceId(offset + number)), "{number} by {order:?}");
        }
    }
}

/// What is written meanwhile is newer than the first page, so it is on none of the later ones.
pub async fn pages_of_a_timeline_are_complete_while_it_grows(store: &dyn Store) {
    register(store, 1).await;
    commit(store, (0..20).map(|number| Change::Timeline(entry(1, number)))).await;
    let mut found = Vec::new();
    let mut request = PageRequest::first(3);
    for round in 0.. {
        let page = store.timeline(DeviceId(1), &request).await.unwrap();
        found.extend(page.rows.into_iter().map(|record| record.entry));
        let Some(next) = page.next else { break };
        request.after = Some(next);
        commit(store, [Change::Timeline(entry(1, 100 + round))]).await;
    }
    assert_eq!(found, (0..20).rev().map(|number| entry(1, number)).collect::<Vec<_>>());
}

/// Whatever limit was asked for.
pub async fn a_page_has_at_least_one_row_and_at_most_the_maximum(store: &dyn Store) {
    register(store, 1).await;
    let count = i64::try_from(PageRequest::MAX_LIMIT).unwrap() + 1;
    commit(store, (0..count).map(|number| Change::Timeline(entry(1, number)))).await;
    for (limit, rows) in [(0, 1), (1, 1), (usize::MAX, PageRequest::MAX_LIMIT)] {
        let page = store.timeline(DeviceId(1), &PageRequest { after: None, limit }).await.unwrap();
        assert_eq!(page.rows.len(), rows, "limit {limit}");
        assert!(page.next.is_some());
    }
}

/// Also if it is as long as the others.
pub async fn the_last_page_says_so(store: &dyn Store) {
    register(store, 4).await;
    let query = |after, limit| DeviceQuery::all(PageRequest { after, limit });
    assert_eq!(store.devices(&query(None, 4)).await.unwrap().next, None);
    let first = store.devices(&query(None, 2)).await.unwrap();
    let last = store.devices(&query(first.next, 2)).await.unwrap();
    assert_eq!((last.rows.len(), last.next), (2, None));
}

async fn enrol(store: &dyn Store, names: &[&str]) {
    // From the last to the first, so that the order of the rows is not that of the names.
    let changes = (1..).zip(names.iter().rev()).flat_map(|(number, name)| {
        [Change::DeviceAdded(named(number, name)), Change::Registered(Box::new(registration(number)))]
    });
    commit(store, changes).await;
}

async fn every_device(
    store: &dyn Store,
    prefix: Option<&str>,
    state: Option<DeviceState>,
    order: DeviceOrder,
    limit: usize,
) -> Vec<DeviceSummary> {
    let prefix = prefix.map(str::to_owned);
    all_pages(limit, async |page| {
        store.devices(&DeviceQuery { prefix: prefix.clone(), state, order, ..DeviceQuery::all(page) }).await
    })
    .await
}

fn names_of(summaries: &[DeviceSummary]) -> Vec<String> {
    let name = |device: &Device| device.endpoint.as_str().to_owned();
    summaries.iter().map(|summary| name(&summary.device)).collect()
}

/// When a device was heard, which has registered.
fn seen(summary: &DeviceSummary) -> Timestamp {
    summary.registered.as_ref().unwrap().seen_at
}
