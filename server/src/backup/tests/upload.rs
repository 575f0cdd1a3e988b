//! A backup that is uploaded to a server that nobody has set up.

use std::time::Duration;

use axum::body::Bytes;
use futures::{StreamExt as _, stream};
use tokio::{sync::Notify, time::timeout};

use super::*;
use crate::backup::receiver;

#[tokio::test]
async fn a_backup_that_was_uploaded_is_taken_up_by_the_next_start_and_a_bad_one_changes_nothing() {
    let world = World::new();
    let (data_dir, store) = world.open().await;
    store.commit(commit(vec![added(1)])).await.unwrap();
    store.close().await;
    drop(data_dir);
    world.backup("b").await;
    let whole = fs::read(world.file("b")).unwrap();

    let fresh = world.elsewhere();
    let (data_dir, store) = open(&fresh).await;
    let start_again = Arc::new(Notify::new());
    let restore = receiver(&fresh, Arc::clone(&start_again));
    let upload = |bytes: &[u8], words: &str| {
        let chunks: Vec<_> = bytes.chunks(7_777).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        restore(stream::iter(chunks).boxed(), words.to_owned())
    };
    let good = "correct horse battery";
    for (bytes, words, problem) in [
        (&whole[..], "another passphrase", "The passphrase is not that of this backup"),
        (&whole[..whole.len() / 2], good, "It ends too early"),
        (b"something else altogether", good, "It ends too early"),
    ] {
        let told = upload(bytes, words).await.unwrap_err();
        assert!(told.starts_with(problem), "{told}");
    }
    let broken = stream::iter([Ok(Bytes::copy_from_slice(&whole)), Err(std::io::Error::other("gone"))]);
    let told = restore(broken.boxed(), good.to_owned()).await.unwrap_err();
    assert!(told.starts_with("It did not come whole"), "{told}");
    assert!(timeout(Duration::ZERO, start_again.notified()).await.is_err());
    assert!(store.device_row(DeviceId(1)).await.unwrap().is_none());
    let left = || {
        let entries = fs::read_dir(&fresh.data_dir.0).unwrap().map(|entry| entry.unwrap().file_name());
        let names = entries.map(|name| name.into_string().unwrap());
        names.filter(|name| name.contains('-') && !name.starts_with("muster.db")).collect::<Vec<_>>()
    };
    assert!(left().is_empty(), "{:?}", left());

    upload(&whole, good).await.unwrap();
    timeout(Duration::from_secs(5), start_again.notified()).await.unwrap();
    assert!(store.device_row(DeviceId(1)).await.unwrap().is_none(), "not under a server that runs");
    store.close().await;
    drop(data_dir);
    let (_data_dir, store) = open(&fresh).await;
    assert!(store.device_row(DeviceId(1)).await.unwrap().is_some());
    assert_eq!(left().len(), 1, "what was there is aside: {:?}", left());
}
