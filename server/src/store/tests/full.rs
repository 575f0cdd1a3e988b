//! A disk that is full, and has room again.

use std::sync::atomic::Ordering;

use fleet::{Store as _, StoreError, Timestamp};
use objects::Value;

use super::fixture::{assert_tallies_are_true, commit, number, open, path, registers, report, sealer};
use crate::store::{Connector, SqlStore, Synchronous, WINDOW};

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_heals_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.close().await;

    let connector = Connector::new(file.into(), Synchronous::Full);
    let room = connector.max_pages.clone();
    // SQLite takes as many pages as there are for the least.
    room.store(1, Ordering::Relaxed);
    let store = SqlStore::open_with(connector, WINDOW, sealer()).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        match store.commit(commit([report(1, 2_000 + stored, Value::Opaque(vec![7; 2_000]))])).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1_000, "it never fills up");
    };
    assert_eq!(refused, StoreError::Unavailable);
    let history = "SELECT COUNT(*) FROM value_history";
    assert_eq!(number(&store, history).await, stored, "what was refused left nothing");
    assert!(
        store.device(super::fixture::device(1, "node-1").public_id).await.unwrap().is_some(),
        "it can be read"
    );

    room.store(0, Ordering::Relaxed);
    store.check().await.unwrap();
    store.commit(commit([report(1, 9_000, Value::Opaque(vec![7; 2_000]))])).await.unwrap();
    assert_eq!(number(&store, history).await, stored + 1);
    let latest = store.latest(fleet::DeviceId(1), path("/3")).await.unwrap();
    assert_eq!(latest[0].received_at, Timestamp(9_000));
    assert_tallies_are_true(&store).await;
    store.close().await;
}

#[tokio::test]
async fn many_that_wait_for_a_full_disk_are_all_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.close().await;

    let connector = Connector::new(file.into(), Synchronous::Full);
    connector.max_pages.store(1, Ordering::Relaxed);
    let store = SqlStore::open_with(connector, WINDOW, sealer()).await.unwrap();
    let big = |at| store.commit(commit([report(1, at, Value::Opaque(vec![7; 200_000]))]));
    let outcomes = futures::future::join_all((0..50).map(big)).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(StoreError::Unavailable)), "{outcomes:?}");
    store.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    std::fs::write(&file, [7; 8_192]).unwrap();
    let error = SqlStore::open(file, sealer()).await.err().unwrap();
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SqlStore::open(file.join("muster.db"), sealer()).await.err().unwrap();
    assert!(error.to_string().contains("file"), "{error}");
}
