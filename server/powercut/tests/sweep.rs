//! Each call of SQLite to its files fails, once and for ever: nothing is acknowledged that is not there, nothing breaks,
//! and the store that is open works again by itself.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod common;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use fleet::{Store as _, StoreError, Timestamp};
use powercut::{Call, Disk, Lasts};
use server::{
    SqlStore,
    testing::{Synchronous, open_store},
};

use common::{Folder, device::Simulated, rows};

const HEALS_WITHIN: Duration = Duration::from_secs(5);
/// How many commits each device makes: each kind once, and some twice.
const COMMITS: i64 = 18;
/// How many calls are left out in the short sweep.
const STRIDE: usize = 37;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_outlives_calls_that_fail() {
    sweep(STRIDE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "takes minutes"]
async fn a_store_outlives_each_call_that_fails() {
    sweep(1).await;
}

async fn sweep(stride: usize) {
    let (folder, mut devices) = (Folder::new(), devices());
    let disk = Disk::under(folder.path()).unwrap();
    let store = script(&folder, &mut devices).await.unwrap();
    let calls = disk.calls();
    store.close().await;
    assert!(calls > 300, "{calls}");

    let mut failed = 0;
    for number in (1..=calls).step_by(stride) {
        for lasts in [Lasts::Once, Lasts::ForEver] {
            let kinds = [None, Some(Call::Sync), Some(Call::Write)];
            let of = kinds[usize::try_from(number).unwrap() / stride % kinds.len()];
            failed += one(number, lasts, of).await;
        }
    }
    println!("{calls} calls, {failed} failed");
    assert!(failed > 0);
}

/// One life in which one call fails: how many commits were refused.
async fn one(number: u64, lasts: Lasts, of: Option<Call>) -> usize {
    let what = format!("call {number} of {of:?} failed {lasts:?}");
    let (folder, mut devices) = (Folder::new(), devices());
    let disk = Disk::under(folder.path()).unwrap();
    disk.fail_at(number, lasts, of);
    let opened = script(&folder, &mut devices).await;
    let refused = devices.iter().filter(|device| device.has_doubt()).count();
    disk.heal();
    let store = match opened {
        Ok(store) => store,
        // A server that does not start is started again.
        Err(_) => open_store(folder.database(), Synchronous::Full).await.expect(&what),
    };

    soon(&what, async || store.check().await).await;
    for device in &mut devices {
        soon(&what, async || store.device_row(device.id()).await).await;
        device.check(&store).await.expect(&what);
        device.commit(&store, 2).await.expect(&what);
        device.check(&store).await.expect(&what);
    }
    rows::check(&folder.database()).await.expect(&what);
    store.close().await;

    let store = open_store(folder.database(), Synchronous::Full).await.expect(&what);
    for device in &mut devices {
        device.check(&store).await.expect(&what);
    }
    store.close().await;
    refused
}

fn devices() -> Vec<Simulated> {
    (1..=2).map(Simulated::new).collect()
}

/// What a server does with its store. A device whose commit is refused is silent from then on.
async fn script(folder: &Folder, devices: &mut [Simulated]) -> Result<SqlStore, server::OpenError> {
    let store = open_store(folder.database(), Synchronous::Full).await?;
    drop(store.begin_boot().await);
    for step in 0..COMMITS {
        for device in devices.iter_mut().filter(|device| !device.has_doubt()) {
            let answer = device.commit(&store, step).await;
            assert!(
                matches!(answer, Ok(_) | Err(StoreError::Conflict | StoreError::Unavailable)),
                "{answer:?}"
            );
        }
    }
    drop(store.check().await);
    drop(store.purge(Timestamp(1_700_000_900_000)).await);
    drop(store.restore().await);
    drop(store.overview().await);
    drop(store.event_range().await);
    Ok(store)
}

/// It works again, soon and without help.
async fn soon<T, E: Debug>(what: &str, ask: impl AsyncFn() -> Result<T, E>) {
    let started = Instant::now();
    while let Err(error) = ask().await {
        assert!(started.elapsed() < HEALS_WITHIN, "{what}: {error:?} after {:?}", started.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
