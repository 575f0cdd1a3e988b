//! A write-ahead log that is deleted, replaced or cut short while the store has it open.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use fleet::{Store as _, StoreError, store::Trouble};
use sea_orm::ConnectionTrait as _;
use tokio::time::{sleep, timeout};

use super::fixture::{number, open, registers};
use crate::store::SqlStore;

const DEVICES: &str = "SELECT COUNT(*) FROM device";

#[tokio::test]
async fn what_a_deleted_log_held_is_in_the_database_before_anything_else_is_acknowledged() {
    for names in [&["muster.db-wal"][..], &["muster.db-shm"], &["muster.db-wal", "muster.db-shm"]] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path().join("muster.db")).await;
        store.commit(registers(1, "node-1")).await.unwrap();
        names.iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
        store.commit(registers(2, "node-2")).await.unwrap();
        assert_eq!(store.trouble(), None);
        assert_eq!(number(&store, DEVICES).await, 2);
        store.commit(registers(3, "node-3")).await.unwrap();
        assert_eq!(after_a_kill(folder.path()).await, 3, "{names:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_log_that_another_file_replaces_is_not_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (log, aside) = (folder.path().join("muster.db-wal"), folder.path().join("aside"));
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    fs::rename(&log, &aside).unwrap();
    fs::write(&log, "").unwrap();
    store.commit(registers(2, "node-2")).await.unwrap();
    // Back again, and over the one that is in use now.
    fs::rename(&aside, &log).unwrap();
    store.commit(registers(3, "node-3")).await.unwrap();
    assert_eq!(after_a_kill(folder.path()).await, 3);
    store.close().await;
}

#[tokio::test]
async fn a_store_that_nobody_asks_anything_saves_a_deleted_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("muster.db")).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    fs::remove_file(folder.path().join("muster.db-wal")).unwrap();
    let saved = async {
        while after_a_kill(folder.path()).await == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), saved).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_database_that_became_a_link_has_its_log_where_the_link_leads() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("muster.db"), folder.path().join("other.db"));
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    fs::rename(&file, &other).unwrap();
    std::os::unix::fs::symlink("other.db", &file).unwrap();
    store.commit(registers(2, "node-2")).await.unwrap();
    assert_eq!(after_a_kill(folder.path()).await, 2);
    store.close().await;
}

#[tokio::test]
async fn nothing_is_acknowledged_after_a_log_was_cut_short() {
    for length in [0, 31] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("muster.db");
        open(file.clone()).await.close().await;
        let store = open(file.clone()).await;
        for device in 1..30 {
            store.commit(registers(device, &format!("node-{device}"))).await.unwrap();
        }
        cut(&file, length);
        for device in 30..33 {
            let refused = store.commit(registers(device, "node-30")).await.err();
            assert_eq!(refused, Some(StoreError::Unavailable), "{length} {device}");
        }
        assert_eq!(store.trouble(), Some(Trouble::Cut));
        assert_eq!(after_a_kill(folder.path()).await, 0, "as it was at the last checkpoint");
        store.close().await;
        let store = open(file).await;
        store.commit(registers(1, "node-1")).await.unwrap();
        assert_eq!(number(&store, DEVICES).await, 1);
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_left_of_a_log_that_was_cut_short_is_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    for device in 1..30 {
        store.commit(registers(device, &format!("node-{device}"))).await.unwrap();
    }
    let length = fs::metadata(log_of(&file)).unwrap().len();
    // Two pages, and their heads.
    cut(&file, length - 2 * (4096 + 24));
    let refused = store.commit(registers(30, "node-30")).await.err();
    assert_eq!((refused, store.trouble()), (Some(StoreError::Unavailable), Some(Trouble::Cut)));
    store.close().await;
    assert_eq!(after_a_kill(folder.path()).await, 28, "all but the last commit");
}

#[tokio::test]
async fn a_log_that_was_moved_and_linked_to_is_put_into_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    let [log, moved] = ["muster.db-wal", "moved"].map(|name| folder.path().join(name));
    fs::rename(&log, &moved).unwrap();
    std::os::unix::fs::symlink("moved", &log).unwrap();
    store.commit(registers(2, "node-2")).await.unwrap();
    assert_eq!(after_a_kill(folder.path()).await, 2);
    store.close().await;
}

#[tokio::test]
async fn nothing_is_lost_with_a_log_that_is_in_the_database_already() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    for (device, how) in [(1, "PASSIVE"), (2, "TRUNCATE"), (3, "RESTART")] {
        store.commit(registers(device, &format!("node-{device}"))).await.unwrap();
        let checkpoint = format!("PRAGMA wal_checkpoint({how})");
        store.reader.connection().execute_unprepared(&checkpoint).await.unwrap();
        cut(&file, 0);
    }
    store.commit(registers(4, "node-4")).await.unwrap();
    assert_eq!(store.trouble(), None);
    assert_eq!(after_a_kill(folder.path()).await, 4);
    store.close().await;
}

fn log_of(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

fn cut(database: &Path, length: u64) {
    let log = OpenOptions::new().write(true).open(log_of(database));
    log.and_then(|log: File| log.set_len(length)).unwrap();
}

/// How many devices the next start would find.
async fn after_a_kill(folder: &Path) -> i64 {
    let copy = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp").arg("-a").arg(folder.join(".")).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    let store: SqlStore = open(copy.path().join("muster.db")).await;
    let devices = number(&store, DEVICES).await;
    store.close().await;
    devices
}
