//! Each call of SQLite to its files fails, once and for ever: nothing is acknowledged that is not there, nothing breaks,
//! and the store that is open works again by itself.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod common;

use std::{
    fmt::Debug,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
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
/// How many lives are left out after each in the short sweep.
const STRIDE: usize = 23;
/// How many lives are lived at the same time: most of their time they wait.
const AT_ONCE: usize = 6;

/// What goes wrong in a life.
#[derive(Clone, Copy, Debug)]
struct Fault {
    number: u64,
    of: Option<Call>,
    lasts: Lasts,
}

/// What came of all lives.
#[derive(Debug, Default)]
struct Outcome {
    lives: usize,
    /// In how many no store could be opened at first.
    not_opened: usize,
    /// In how many a commit was not acknowledged.
    refused: usize,
}

#[test]
fn a_store_outlives_calls_that_fail() {
    sweep(STRIDE);
}

#[test]
#[ignore = "takes minutes"]
fn a_store_outlives_each_call_that_fails() {
    sweep(1);
}

/// Each call fails once, and from each on all do, or all syncs, or all writes; of these lives every `stride`th.
fn sweep(stride: usize) {
    let kinds = [None, Some(Call::Sync), Some(Call::Write)];
    let calls = kinds.map(|of| (of, runtime().block_on(undisturbed(of))));
    assert!(calls.iter().all(|(_, calls)| *calls > 30), "{calls:?}");
    let of_kind = |(of, calls): (Option<Call>, u64)| {
        (1..=calls).map(move |number| Fault { number, of, lasts: Lasts::ForEver })
    };
    let once = (1..=calls[0].1).map(|number| Fault { number, of: None, lasts: Lasts::Once });
    let faults: Vec<Fault> = once.chain(calls.into_iter().flat_map(of_kind)).step_by(stride).collect();

    let (next, outcome) = (AtomicUsize::new(0), Mutex::new(Outcome::default()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let runtime = runtime();
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (opened, refused) = runtime.block_on(life(*fault));
                    let mut outcome = outcome.lock().unwrap();
                    outcome.lives += 1;
                    outcome.not_opened += usize::from(!opened);
                    outcome.refused += usize::from(refused);
                }
            });
        }
    });
    let outcome = outcome.into_inner().unwrap();
    println!("{calls:?}: {outcome:?}");
    assert_eq!(outcome.lives, faults.len());
    assert!(outcome.not_opened > 0 && outcome.refused > outcome.lives / 10, "{outcome:?}");
}

/// How many calls of a kind a life makes in which nothing fails.
async fn undisturbed(of: Option<Call>) -> u64 {
    let (folder, mut devices) = (Folder::new(), devices());
    let disk = Disk::under(folder.path()).unwrap();
    let store = script(&folder, &mut devices).await.unwrap();
    let calls = disk.calls(of);
    store.close().await;
    calls
}

/// A life with a fault: whether the store was opened, and whether a commit was not acknowledged.
async fn life(fault: Fault) -> (bool, bool) {
    let what = format!("{fault:?}");
    let (folder, mut devices) = (Folder::new(), devices());
    let disk = Disk::under(folder.path()).unwrap();
    disk.fail_at(fault.number, fault.lasts, fault.of);
    let opened = script(&folder, &mut devices).await;
    let (is_open, refused) = (opened.is_ok(), devices.iter().any(Simulated::has_doubt));
    if let Ok(store) = &opened
        && refused
    {
        assert!(store.trouble().is_some(), "{what}: nobody is told why");
    }
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
    (is_open, refused)
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

fn runtime() -> tokio::runtime::Runtime {
    // Connections that are dropped are closed by a task.
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
