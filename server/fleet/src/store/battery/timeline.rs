//! Timelines.

use super::fixture::*;
use crate::{Change, DeviceId, Store, TimelineEntry, TimelineKind};

/// Every kind, with and without a request, empty and as long as it may be.
pub async fn every_timeline_entry_survives(store: &dyn Store) {
    register(store, 1).await;
    let mut entries = Vec::new();
    for kind in TimelineKind::ALL {
        for request in [None, Some(request(0)), Some(request(u128::MAX))] {
            let detail = match request {
                None => String::new(),
                Some(_) => "é".repeat(TimelineEntry::MAX_DETAIL / 2),
            };
            entries.push(TimelineEntry { kind, request, detail, ..entry(1, -5) });
        }
    }
    commit(store, entries.iter().cloned().map(Change::Timeline)).await;
    let page = store.timeline(DeviceId(1), &crate::store::PageRequest::first(100)).await.unwrap();
    let found: Vec<_> = page.rows.into_iter().rev().map(|record| record.entry).collect();
    assert_eq!(found, entries);
}

/// By the order in which the entries were written, whatever their times say.
pub async fn the_timeline_is_of_one_device_and_newest_first(store: &dyn Store) {
    register(store, 2).await;
    let entries: Vec<TimelineEntry> = (0..20).map(|number| entry(1 + number % 2, 100 - number)).collect();
    for entry in &entries {
        commit(store, [Change::Timeline(entry.clone())]).await;
    }
    for device in [1, 2] {
        for limit in [1, 4, 10, 100] {
            let records = all_pages(limit, async |page| store.timeline(DeviceId(device), &page).await).await;
            assert!(records.is_sorted_by(|one, other| one.sequence > other.sequence));
            let found: Vec<_> = records.into_iter().rev().map(|record| record.entry).collect();
            let expected: Vec<_> =
                entries.iter().filter(|entry| entry.device == DeviceId(device)).cloned().collect();
            assert_eq!(found, expected, "device {device}, limit {limit}");
        }
    }
}

/// The newest of each device stay.
pub async fn the_timeline_is_capped_by_a_purge(store: &dyn Store) {
    register(store, 2).await;
    let cap = i64::try_from(TimelineEntry::PER_DEVICE).unwrap();
    commit(store, [Change::Timeline(entry(2, 0))]).await;
    commit(store, (0..cap + 30).map(|number| Change::Timeline(entry(1, number)))).await;
    store.purge(at(0)).await.unwrap();
    let records = all_pages(500, async |page| store.timeline(DeviceId(1), &page).await).await;
    let found: Vec<_> = records.into_iter().map(|record| record.entry).collect();
    assert_eq!(found, (30..cap + 30).rev().map(|number| entry(1, number)).collect::<Vec<_>>());
    let other = all_pages(500, async |page| store.timeline(DeviceId(2), &page).await).await;
    assert_eq!(other.len(), 1);
}
