//! Cursors come back from a browser, so they may be anything.

use super::{
    fixture::*,
    update::{begun, software},
};
use crate::{
    AuditEntry, Cause, Change, Commit, DeviceId, DiaryCause, Store, StoreError, Verb,
    store::{AuditQuery, Cursor, DeviceOrder, DeviceQuery, DiaryQuery, Page, PageRequest, UpdateQuery},
};

/// One list after another, told apart by a number.
const LISTS: usize = 8;

async fn page(store: &dyn Store, list: usize, after: Option<Cursor>) -> Result<Page<String>, StoreError> {
    let page = PageRequest { after, limit: 2 };
    let query = |order| DeviceQuery { order, ..DeviceQuery::all(page.clone()) };
    fn text<T: std::fmt::Debug>(page: Page<T>) -> Page<String> {
        Page { rows: page.rows.into_iter().map(|row| format!("{row:?}")).collect(), next: page.next }
    }
    match list {
        0 => store.devices(&query(DeviceOrder::Endpoint)).await.map(text),
        1 => store.devices(&query(DeviceOrder::LastSeen)).await.map(text),
        2 => store.operations(DeviceId(1), &page).await.map(text),
        3 => store.timeline(DeviceId(1), &page).await.map(text),
        4 => store.claims(&page).await.map(text),
        5 => store.diary(&DiaryQuery::all(page)).await.map(text),
        6 => store.updates(&UpdateQuery::all(page)).await.map(text),
        _ => store.audit(&AuditQuery::all(page)).await.map(text),
    }
}

async fn fill(store: &dyn Store) {
    register(store, 5).await;
    for number in 1..=5 {
        let audit = AuditEntry {
            at: START,
            actor: "a".into(),
            cause: Cause::Console,
            request: request(1),
            verb: Verb::LogIn,
            device: None,
            object: String::new(),
        };
        let changes = vec![
            Change::Timeline(entry(1, number)),
            queued(&reboot(number, 1)),
            begun(&software(number, 1)),
            Change::ClaimAdded(claim(number)),
            noted(&note(number, DiaryCause::WrongKey, &format!("node-{number}"))),
        ];
        store.commit(Commit { changes, audit: vec![audit] }).await.unwrap();
    }
}

/// Texts that are no cursors at all, on every list, empty or not.
pub async fn a_cursor_that_no_store_made_is_refused(store: &dyn Store) {
    let hostile: Vec<String> = [
        "",
        "0",
        "00",
        "zz",
        "é",
        "\0",
        "%00",
        "null",
        "-1",
        "1",
        "AAAA",
        "====",
        "../../etc/passwd",
        "' OR 1=1 --",
        "{\"id\":1}",
        "🦀🦀",
        "18446744073709551616",
        "\u{202e}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["f".repeat(100_000), "A".repeat(65_537), "é".repeat(10_000)])
    .collect();
    for round in 0..2 {
        for list in 0..LISTS {
            for text in &hostile {
                let found = page(store, list, Some(Cursor(text.clone()))).await;
                let shown: String = text.chars().take(20).collect();
                assert_eq!(found, Err(StoreError::BadCursor), "list {list}, cursor {shown}");
            }
        }
        if round == 0 {
            fill(store).await;
        }
    }
}

/// A cursor of one list means nothing in another.
pub async fn a_cursor_of_another_list_is_refused(store: &dyn Store) {
    fill(store).await;
    for list in 0..LISTS {
        let cursor = page(store, list, None).await.unwrap().next.unwrap();
        for other in (0..LISTS).filter(|other| *other != list) {
            let found = page(store, other, Some(cursor.clone())).await;
            assert_eq!(found, Err(StoreError::BadCursor), "of list {list} in list {other}");
        }
    }
}

/// Cut or changed in one place, a cursor is refused or leads somewhere in its list, and nothing else happens.
pub async fn a_damaged_cursor_does_no_harm(store: &dyn Store) {
    fill(store).await;
    for list in 0..LISTS {
        let Cursor(good) = page(store, list, None).await.unwrap().next.unwrap();
        let cut = good.char_indices().map(|(index, _)| good[..index].to_owned());
        let changed = good.char_indices().flat_map(|(index, char)| {
            ["0", "f", "Z", "é", ""]
                .map(|new| [&good[..index], new, &good[index + char.len_utf8()..]].concat())
        });
        for text in cut.chain(changed) {
            match page(store, list, Some(Cursor(text.clone()))).await {
                Ok(page) => assert!(page.rows.len() <= 2),
                Err(error) => assert_eq!(error, StoreError::BadCursor, "list {list}, cursor {text}"),
            }
        }
    }
}
