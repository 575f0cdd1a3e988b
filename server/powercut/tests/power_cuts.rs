//! Power cuts in the middle of commits: what was acknowledged is there, what was begun is there as a whole or not at all,
//! and nothing else is.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::ops::Range;

use fleet::Store as _;
use futures::future::join_all;
use powercut::Disk;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use server::testing::{Synchronous, open_store};

use common::{Folder, device::Simulated, rows};

/// How many devices commit at the same time.
const DEVICES: i64 = 6;
/// How many cuts a database lives through.
const CUTS: u64 = 10;
/// How many calls that change something go well before a cut, at most.
const CALLS: u64 = 400;

#[derive(Debug, Default)]
struct Outcome {
    cuts: u64,
    acknowledged: u64,
    /// What was not as it must be, and with which seed.
    lost: Vec<String>,
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let outcome = run(Synchronous::Full, 0..6);
    assert_eq!(outcome.cuts, 60);
    assert!(outcome.acknowledged > 1_000, "{outcome:?}");
    assert!(outcome.lost.is_empty(), "{}", outcome.lost.join("\n"));
}

/// The test can fail: with a store that does not wait for the disk, it does.
#[test]
fn a_store_that_does_not_sync_each_commit_is_found_out() {
    let outcome = run(Synchronous::Normal, 0..3);
    assert!(!outcome.lost.is_empty(), "{} cuts and nothing was lost", outcome.cuts);
}

/// `MUSTER_POWER_CUTS` of them, 1 000 if it is not set.
#[test]
#[ignore = "takes minutes"]
fn nothing_acknowledged_is_lost_in_a_thousand_power_cuts() {
    let cuts = std::env::var("MUSTER_POWER_CUTS").map_or(1_000, |cuts| cuts.parse::<u64>().unwrap());
    let outcome = run(Synchronous::Full, 1_000..1_000 + cuts.div_ceil(CUTS));
    println!(
        "{} cuts, {} commits acknowledged, {} lost",
        outcome.cuts,
        outcome.acknowledged,
        outcome.lost.len()
    );
    assert!(outcome.lost.is_empty(), "{}", outcome.lost.join("\n"));
}

fn run(synchronous: Synchronous, seeds: Range<u64>) -> Outcome {
    // Connections that are dropped are closed by a task, while the disk is waited for.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut outcome = Outcome::default();
    for seed in seeds {
        if let Err(lost) = runtime.block_on(life(synchronous, seed, &mut outcome)) {
            outcome.lost.push(format!("seed {seed}: {lost}"));
        }
    }
    outcome
}

/// The life of one database.
async fn life(synchronous: Synchronous, seed: u64, outcome: &mut Outcome) -> Result<(), String> {
    let folder = Folder::new();
    let disk = Disk::under(folder.path()).unwrap();
    let mut luck = StdRng::seed_from_u64(seed);
    let mut devices: Vec<Simulated> = (1..=DEVICES).map(Simulated::new).collect();
    let mut boots = 0;
    for _ in 0..CUTS {
        disk.cut_at(luck.random_range(1..=CALLS));
        // The power may go while it is opened, too: then it is made or migrated half.
        if let Ok(store) = open_store(folder.database(), synchronous).await {
            if let Ok(boot) = store.begin_boot().await {
                if boot <= boots {
                    return Err(format!("start {boot} comes after start {boots}"));
                }
                boots = boot;
            }
            let work = devices.iter_mut().map(|device| {
                let mut luck = StdRng::seed_from_u64(luck.random());
                let (disk, store) = (&disk, &store);
                async move {
                    while !disk.is_cut() && !device.has_doubt() {
                        drop(device.commit(store, luck.random()).await);
                    }
                }
            });
            join_all(work).await;
            store.close().await;
        }
        disk.cut();
        disk.power_on(luck.random()).unwrap();
        outcome.cuts += 1;

        let store = open_store(folder.database(), synchronous).await.map_err(|error| error.to_string())?;
        rows::check(&folder.database()).await?;
        for device in &mut devices {
            device.check(&store).await?;
        }
        let restored = store.restore().await.map_err(|error| error.to_string())?;
        let enrolled = devices.iter().filter(|device| device.acknowledged > 0).count();
        assert_eq!(restored.devices.len(), enrolled, "nothing is invented");
        store.close().await;
    }
    outcome.acknowledged += devices.iter().map(|device| device.acknowledged).sum::<u64>();
    Ok(())
}
