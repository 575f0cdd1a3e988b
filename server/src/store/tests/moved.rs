//! A database whose file is deleted, replaced by another or written over, while the store has it open.

use std::fs;

use fleet::{Store as _, StoreError, store::Trouble};

use super::fixture::{number, open, registers, until};
use crate::store::snapshot;

const DEVICES: &str = "SELECT COUNT(*) FROM device";

#[tokio::test]
async fn nothing_is_acknowledged_into_a_file_that_was_deleted_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (file, aside) = (folder.path().join("muster.db"), folder.path().join("aside"));
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    // As `rm` does, for whoever has it open.
    fs::rename(&file, &aside).unwrap();
    assert_eq!(store.commit(registers(2, "node-2")).await.err(), Some(StoreError::Unavailable));
    assert_eq!(store.trouble(), Some(Trouble::Moved));
    assert!(!file.exists(), "no other is made in its place");

    fs::rename(&aside, &file).unwrap();
    store.commit(registers(3, "node-3")).await.unwrap();
    assert_eq!(number(&store, DEVICES).await, 2, "what was refused left nothing");
    store.close().await;
    let store = open(file).await;
    assert_eq!(number(&store, DEVICES).await, 2);
    store.close().await;
}

#[tokio::test]
async fn a_file_that_was_put_in_its_place_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("muster.db"), folder.path().join("other"));
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    // Somebody's copy, from before the next device came.
    snapshot::take(&file.clone().into(), &other).await.unwrap();
    store.commit(registers(2, "node-2")).await.unwrap();
    fs::rename(&other, &file).unwrap();
    let before = fs::read(&file).unwrap();
    for attempt in 0..3 {
        let refused = store.commit(registers(3, "node-3")).await.err();
        assert_eq!(refused, Some(StoreError::Unavailable), "{attempt}");
        assert!(store.check().await.is_err());
    }
    assert_eq!(store.trouble(), Some(Trouble::Moved));
    // Nor is it read, by as many as want to at the same time.
    let counts = futures::future::join_all((0..16).map(|_| number(&store, DEVICES))).await;
    assert_eq!(counts, [2; 16]);
    store.close().await;
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_was_written_over_in_place_is_noticed_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("muster.db"), folder.path().join("other.db"));
    let store = open(other.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.close().await;
    let other = fs::read(other).unwrap();
    for written in [&other[..], &[]] {
        let store = open(file.clone()).await;
        store.commit(registers(2, "node-2")).await.unwrap();
        // The same file, as `cp` does it.
        fs::write(&file, written).unwrap();
        for attempt in 0..3 {
            let refused = store.commit(registers(3, "node-3")).await.err();
            assert_eq!(refused, Some(StoreError::Unavailable), "{attempt}");
        }
        assert_eq!(store.trouble(), Some(Trouble::Corrupt));
        store.close().await;
        assert_eq!(fs::read(&file).unwrap(), written);
        fs::remove_file(&file).unwrap();
    }
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    open(file.clone()).await.close().await;
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    let length = fs::metadata(&file).unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2).unwrap();
    let refused = store.commit(registers(2, "node-2")).await.err();
    assert_eq!((refused, store.trouble()), (Some(StoreError::Unavailable), Some(Trouble::Corrupt)));
    store.close().await;
}

#[tokio::test]
async fn a_store_that_nobody_asks_anything_notices_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    fs::remove_file(&file).unwrap();
    until(&store, Trouble::Moved).await;
    store.close().await;
}
