//! The connection diary: groups with a count, bounded.

use super::fixture::*;
use crate::{
    Change, DeviceId, DiaryBounds, DiaryCause, DiaryEntry, DiaryId, DiaryNote, Incident, Store,
    store::{DiaryQuery, PageRequest},
};

fn entry_of(note: &DiaryNote) -> DiaryEntry {
    let DiaryNote { last, first_at, count, id } = note.clone();
    DiaryEntry {
        id,
        cause: last.cause,
        subject: last.subject,
        from: last.from,
        listener: last.listener,
        device: last.device.map(|device| public_id(device.0)),
        detail: last.detail,
        first_at,
        last_at: last.at,
        count,
    }
}

fn all() -> DiaryQuery {
    DiaryQuery::all(PageRequest::first(500))
}

async fn entries(store: &dyn Store, query: DiaryQuery) -> Vec<DiaryEntry> {
    all_pages(3, async |page| store.diary(&DiaryQuery { page, ..query.clone() }).await).await
}

/// Every cause, and whatever a stranger wrote.
pub async fn every_entry_of_the_diary_survives(store: &dyn Store) {
    register(store, 1).await;
    let mut notes: Vec<DiaryNote> =
        (1..).zip(DiaryCause::ALL).map(|(number, cause)| note(number, cause, "node-1")).collect();
    notes[0].last.device = Some(DeviceId(1));
    notes[1].last.subject = "hex:00ff '; -- \\ \0".into();
    notes[1].last.detail = "é".repeat(Incident::MAX_DETAIL / 2);
    notes[2].count = 1_000_000;
    commit(store, notes.iter().map(noted)).await;
    let expected: Vec<DiaryEntry> = notes.iter().rev().map(entry_of).collect();
    assert_eq!(entries(store, all()).await, expected);
    for entry in expected {
        assert_eq!(store.diary_entry(entry.id).await.unwrap(), Some(entry));
    }
    assert_eq!(store.overview().await.unwrap().diary, notes.len() as u64);
}

/// The same cause and subject are one entry with the name it got first; the last incident is shown, the first time stays.
pub async fn incidents_of_one_kind_are_one_entry(store: &dyn Store) {
    register(store, 1).await;
    let first = note(1, DiaryCause::WrongKey, "node-1");
    let mut second = DiaryNote { first_at: at(5), count: 4, ..note(9, DiaryCause::WrongKey, "node-1") };
    second.last.device = Some(DeviceId(1));
    let others = [note(2, DiaryCause::UnknownIdentity, "node-1"), note(3, DiaryCause::WrongKey, "Node-1")];
    commit(store, [noted(&first), noted(&others[0]), noted(&others[1]), noted(&second)]).await;
    let expected = DiaryEntry { id: first.id, first_at: at(1), count: 5, ..entry_of(&second) };
    assert_eq!(store.diary_entry(first.id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.diary_entry(second.id).await.unwrap(), None);
    assert_eq!(entries(store, all()).await.len(), 3);
    // A device that was known once stays named, and one that is not there is not known.
    let mut third = note(10, DiaryCause::WrongKey, "node-1");
    third.last.device = Some(DeviceId(77));
    commit(store, [noted(&third)]).await;
    let found = store.diary_entry(first.id).await.unwrap().unwrap();
    assert_eq!((found.device, found.count), (Some(public_id(1)), 6));
    assert_eq!(store.overview().await.unwrap().diary, 3);
}

/// By cause, by device, and those of nobody known; the last time first.
pub async fn the_diary_is_filtered(store: &dyn Store) {
    register(store, 2).await;
    let causes = [DiaryCause::WrongKey, DiaryCause::UnknownIdentity];
    let notes: Vec<DiaryNote> = (1..=12)
        .map(|number: i64| {
            let mut note = note(number, causes[usize::from(number % 2 == 0)], &format!("subject {number}"));
            note.last.device = (number % 3 == 0).then_some(DeviceId(1 + number % 2));
            note
        })
        .collect();
    commit(store, notes.iter().map(noted)).await;
    for cause in [None, Some(causes[0]), Some(causes[1])] {
        for device in [None, Some(DeviceId(1)), Some(DeviceId(2)), Some(DeviceId(9))] {
            for unmanaged in [false, true] {
                let query = DiaryQuery { cause, device, unmanaged, ..all() };
                let wanted = notes.iter().rev().filter(|note| {
                    cause.is_none_or(|cause| note.last.cause == cause)
                        && device.is_none_or(|device| note.last.device == Some(device))
                        && (!unmanaged || note.last.device.is_none())
                });
                let expected: Vec<DiaryEntry> = wanted.map(entry_of).collect();
                assert_eq!(entries(store, query.clone()).await, expected, "{query:?}");
            }
        }
    }
}

/// One that was dealt with is gone, and begins anew when it comes again.
pub async fn an_entry_of_the_diary_is_cleared(store: &dyn Store) {
    let (one, other) = (note(1, DiaryCause::WrongKey, "a"), note(2, DiaryCause::WrongKey, "b"));
    commit(store, [noted(&one), noted(&other)]).await;
    commit(store, [Change::DiaryCleared(one.id), Change::DiaryCleared(DiaryId::from_random([7; 16]))]).await;
    assert_eq!(entries(store, all()).await, [entry_of(&other)]);
    let again = note(3, DiaryCause::WrongKey, "a");
    commit(store, [noted(&again)]).await;
    assert_eq!(entries(store, all()).await, [entry_of(&again), entry_of(&other)]);
    assert_eq!(store.overview().await.unwrap().diary, 2);
}

/// Those of longest ago go first.
pub async fn the_diary_is_bounded(store: &dyn Store) {
    let bound = i64::try_from(DiaryBounds::ENTRIES).unwrap();
    let notes = |numbers: std::ops::Range<i64>| {
        numbers
            .map(|number| noted(&note(number, DiaryCause::WrongKey, &format!("subject {number}"))))
            .collect::<Vec<_>>()
    };
    commit(store, notes(0..bound)).await;
    // The oldest comes again, so that it is the newest.
    commit(store, [noted(&note(bound, DiaryCause::WrongKey, "subject 0"))]).await;
    commit(store, notes(bound + 1..bound + 4)).await;
    assert_eq!(store.overview().await.unwrap().diary, DiaryBounds::ENTRIES as u64);
    let there =
        async |number| store.diary_entry(note(number, DiaryCause::WrongKey, "").id).await.unwrap().is_some();
    let found = [there(0).await, there(1).await, there(3).await, there(4).await, there(bound + 3).await];
    assert_eq!(found, [true, false, false, true, true]);
}
