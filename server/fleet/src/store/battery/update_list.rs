//! Updates, as they are looked for, listed and counted.

use std::collections::BTreeMap;

use super::{
    fixture::*,
    update::{artefact, asking, begun, in_phase, saved, software, update},
};
use crate::{
    Change, DeviceId, Store,
    store::{Cursor, ENDED_UPDATE_KEPT, Page, PageRequest, RunningUpdate, StoreError, UpdateQuery},
    update::{Ask, DownloadDigest, Update, UpdatePhase},
};

/// By their names; of all, and of those that were asked for in each way.
pub async fn updates_are_listed_newest_first(store: &dyn Store) {
    let updates = various(store).await;
    let all = UpdateQuery::all(PageRequest::first(1));
    let mut queries = Vec::new();
    for device in [None, Some(DeviceId(2)), Some(DeviceId(9))] {
        for artefact in [None, Some(artefact(1)), Some(artefact(9))] {
            for phase in [None, Some(UpdatePhase::Waiting), Some(UpdatePhase::Failed)] {
                for running in [false, true] {
                    queries.push(UpdateQuery { device, artefact, phase, running, ..all.clone() });
                }
            }
        }
    }
    for query in queries {
        let wanted = |update: &&Update| {
            query.device.is_none_or(|device| update.device == device)
                && query.artefact.is_none_or(|artefact| update.artefact == artefact)
                && query.phase.is_none_or(|phase| update.phase == phase)
                && !(query.running && update.has_ended())
        };
        let expected: Vec<Update> = updates.iter().rev().filter(wanted).cloned().collect();
        for limit in [1, 3, 100] {
            let page = async |page| store.updates(&UpdateQuery { page, ..query.clone() }).await;
            assert_eq!(all_pages(limit, page).await, expected, "limit {limit}, {query:?}");
        }
    }
    for (phase, running) in [(None, false), (Some(UpdatePhase::Failed), true)] {
        let page = PageRequest { after: Some(Cursor("zz".into())), limit: 1 };
        let found: Result<Page<Update>, _> =
            store.updates(&UpdateQuery { phase, running, page, ..all.clone() }).await;
        assert_eq!(found, Err(StoreError::BadCursor));
    }
}

/// The oldest first, from one of them on.
pub async fn running_updates_are_read_part_by_part(store: &dyn Store) {
    let mut updates = various(store).await;
    updates.retain(|update| !update.has_ended());
    let asked = Update { asking: asking(Ask::Look), due_at: at(1_000), ..updates[0].clone() };
    commit(store, [saved(&asked)]).await;
    let RunningUpdate { id, device, due_at, operation } = store.running_updates(None, 1).await.unwrap()[0];
    assert_eq!((id, device, due_at), (asked.id, asked.device, at(1_000)));
    assert_eq!(operation, asking(Ask::Look).map(|(operation, _)| operation));
    updates[0] = asked;
    let expected: Vec<RunningUpdate> = updates.iter().map(RunningUpdate::from).collect();
    for limit in [1, 2, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let part = store.running_updates(after, limit).await.unwrap();
            assert!(part.len() <= limit);
            let Some(last) = part.last() else { break };
            after = Some(last.id);
            found.extend(part);
        }
        assert_eq!(found, expected, "limit {limit}");
    }
}

/// Until it ends.
pub async fn an_update_is_found_by_what_its_device_fetches(store: &dyn Store) {
    register(store, 2).await;
    let [one, other] = [1, 2].map(|number: u8| Update {
        download: Some(DownloadDigest([number; 16])),
        ..update(number.into(), number.into())
    });
    commit(store, [begun(&one), begun(&update(2, 2))]).await;
    let by = async |key: u8| store.update_by_download(&DownloadDigest([key; 16])).await.unwrap();
    assert_eq!((by(1).await, by(2).await), (Some(one.clone()), None));
    commit(store, [saved(&other), saved(&in_phase(one, UpdatePhase::Succeeded))]).await;
    assert_eq!((by(1).await, by(2).await), (None, Some(other)));
    commit(store, [saved(&update(2, 2))]).await;
    assert_eq!(by(2).await, None);
}

/// By when they ended, which is not the order they were begun in.
pub async fn failures_of_a_device_are_told_latest_first(store: &dyn Store) {
    register(store, 2).await;
    for (number, phase, end) in [
        (1, UpdatePhase::Failed, 50),
        (2, UpdatePhase::Failed, 30),
        (3, UpdatePhase::Cancelled, 60),
        (4, UpdatePhase::Failed, 40),
        (5, UpdatePhase::Refused, 61),
        (6, UpdatePhase::Succeeded, 62),
    ] {
        let ended = Update { phase, ended_at: Some(at(end)), ..software(number, 1) };
        commit(store, [begun(&software(number, 1)), saved(&ended)]).await;
    }
    commit(store, [begun(&software(7, 1)), begun(&update(8, 2))]).await;
    let failed =
        async |device, since, limit| store.failed_updates(DeviceId(device), at(since), limit).await.unwrap();
    assert_eq!(failed(1, 0, 9).await, [at(50), at(40), at(30)]);
    assert_eq!(failed(1, 0, 2).await, [at(50), at(40)]);
    assert_eq!(failed(1, 40, 9).await, [at(50), at(40)], "at that time, too");
    assert_eq!(failed(1, 51, 9).await, []);
    assert_eq!(failed(2, 0, 9).await, []);
}

/// Of one artefact, and of all; what is gone is not counted.
pub async fn updates_are_counted_by_their_phases(store: &dyn Store) {
    assert_eq!(store.update_counts(None).await.unwrap(), BTreeMap::new());
    let mut updates = various(store).await;
    assert_counts(store, &updates).await;
    for update in updates.iter_mut().filter(|update| update.phase == UpdatePhase::Waiting) {
        *update = in_phase(update.clone(), UpdatePhase::Verifying);
        commit(store, [saved(update), saved(update)]).await;
    }
    let running = updates.iter_mut().find(|update| !update.has_ended()).unwrap();
    let too_late = in_phase(running.clone(), UpdatePhase::Cancelled);
    *running = in_phase(running.clone(), UpdatePhase::Failed);
    commit(store, [saved(running), saved(&too_late)]).await;
    refused(store, [begun(&update(90, 1)), begun(&update(90, 1))]).await;
    assert_counts(store, &updates).await;
    let removed = Change::DeviceRemoved { device: DeviceId(2), at: at(50), keep_data: false };
    commit(store, [removed]).await;
    updates.retain(|update| update.device != DeviceId(2));
    assert_counts(store, &updates).await;
    store.purge(at(20).after(ENDED_UPDATE_KEPT)).await.unwrap();
    updates.retain(|update| update.ended_at.is_none_or(|ended_at| ended_at > at(20)));
    assert_counts(store, &updates).await;
}

/// In every phase, with two artefacts, on three devices.
async fn various(store: &dyn Store) -> Vec<Update> {
    register(store, 3).await;
    let mut updates = Vec::new();
    for number in 1..=24 {
        let phase = UpdatePhase::ALL[usize::try_from(number).unwrap() * 5 % UpdatePhase::ALL.len()];
        let artefact = artefact(if number % 5 == 0 { 2 } else { 1 });
        let begins = Update { artefact, ..software(number, number % 3 + 1) };
        let became = in_phase(begins.clone(), phase);
        commit(store, [begun(&begins), saved(&became)]).await;
        updates.push(became);
    }
    updates
}

async fn assert_counts(store: &dyn Store, updates: &[Update]) {
    for artefact in [None, Some(artefact(1)), Some(artefact(2)), Some(artefact(3))] {
        let mut counts = BTreeMap::new();
        for update in updates.iter().filter(|update| artefact.is_none_or(|one| update.artefact == one)) {
            *counts.entry(update.phase).or_default() += 1;
        }
        assert_eq!(store.update_counts(artefact).await.unwrap(), counts, "{artefact:?}");
    }
}
