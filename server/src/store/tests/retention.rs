//! What a purge costs those who commit meanwhile. Run by hand:
//! `cargo test --release -p server retention -- --ignored --nocapture`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fleet::{Change, Class, ClassId, DeviceId, Reading, Retention, Store as _, Timestamp};
use objects::Value;

use super::fixture::{commit, device, number, open, path, report};
use crate::store::SqlStore;

const DEVICES: i64 = 1_000;
const READINGS: i64 = 1_000;
const COMMITTERS: i64 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while, and says how long"]
async fn commits_hardly_feel_that_a_million_values_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path().join("muster.db")).await);
    let devices = (1..=DEVICES + COMMITTERS).map(|n| Change::DeviceAdded(device(n, &format!("node-{n}"))));
    store.commit(commit(devices)).await.unwrap();
    for number in 1..=DEVICES {
        let readings = (0..READINGS).map(|value| Reading {
            path: path("/3303/0/5700"),
            value: Value::Integer(value),
            device_time: None,
        });
        let readings = readings.collect();
        let (device, received_at) = (DeviceId(number), Timestamp(1_000));
        let report = Change::Report { device, received_at, delivery: None, readings };
        store.commit(commit([report])).await.unwrap();
    }
    let retention = Retention { days: Some(1), readings: 1 };
    let name = Class::DEFAULT_NAME.to_owned();
    let class = Class { id: ClassId::DEFAULT, name, policy: Default::default(), retention };
    store.commit(commit([Change::ClassSaved(class)])).await.unwrap();

    let before = committing(&store, async || tokio::time::sleep(Duration::from_secs(5)).await).await;
    let started = Instant::now();
    let during = committing(&store, async || store.purge_values(Timestamp(1 << 40)).await.unwrap()).await;
    println!("a million values went in {:.1?}", started.elapsed());
    println!("commits: p50 and p99 before {before:.1?}, during {during:.1?}");
    let left = "SELECT COUNT(*) FROM value_history AS h WHERE h.device_id <= 1000";
    assert_eq!(number(&store, left).await, DEVICES, "the newest of each");
    assert!(during[1] < 2 * before[1]);
}

/// The p50 and p99 of commits while something is done.
async fn committing(store: &Arc<SqlStore>, work: impl AsyncFnOnce()) -> [Duration; 2] {
    let stop = Arc::new(AtomicBool::new(false));
    let committers = (1..=COMMITTERS).map(|number| {
        let (store, stop) = (Arc::clone(store), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut took = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                let sent = report(DEVICES + number, 1 << 40, Value::Integer(1));
                store.commit(commit([sent])).await.unwrap();
                took.push(began.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            took
        })
    });
    let committers: Vec<_> = committers.collect();
    work().await;
    stop.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    for committer in committers {
        took.extend(committer.await.unwrap());
    }
    took.sort_unstable();
    [took[took.len() / 2], took[took.len() * 99 / 100]]
}
