//! What is killed in the middle of commits loses nothing that was acknowledged, and keeps nothing that was refused.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use fleet::{Store as _, StoreError};
use pg_cluster::{Cluster, Stop};

use super::{end_writers, postgres};
use crate::store::{
    SqlStore, Synchronous,
    tests::fixture::{assert_tallies_are_true, open, registers, sealer},
};

const WORKERS: usize = 16;
/// RELIABILITY, row 7.
const BACK_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_stopped_where_it_is_loses_nothing_that_was_acknowledged() {
    let Some(cluster) = Cluster::start("a crash of PostgreSQL") else { return };
    survives(cluster, |cluster, _| {
        cluster.stop(Stop::Immediate);
        std::thread::sleep(Duration::from_millis(500));
        cluster.start_again();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_it_that_is_killed_loses_nothing_that_was_acknowledged() {
    let Some(cluster) = Cluster::start("a killed process of PostgreSQL") else { return };
    survives(cluster, |cluster, name| {
        let writer = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'";
        cluster.kill(&cluster.sql(name, writer));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_ended_loses_nothing_that_was_acknowledged() {
    let Some(cluster) = Cluster::start("an ended session of PostgreSQL") else { return };
    survives(cluster, end_writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_waiting_for_the_disk_something_is_lost_so_these_tests_can_fail() {
    let Some(cluster) = Cluster::start("a crash of PostgreSQL without synchronous_commit") else { return };
    let name = cluster.database();
    let mut lost = 0;
    for number in 1..=10 {
        let opened =
            SqlStore::open_synchronous(postgres(&cluster, &name), Synchronous::Normal, sealer()).await;
        let store = opened.unwrap();
        store.commit(registers(number, &format!("node-{number}"))).await.unwrap();
        cluster.stop(Stop::Immediate);
        drop(store);
        cluster.start_again();
        let kept = cluster.sql(&name, &format!("SELECT COUNT(*) FROM device WHERE id = {number}"));
        lost += i32::from(kept == "0");
    }
    assert!(lost > 0, "it acknowledged nothing that was not on the disk");
}

/// Registers devices, many at a time, while `harm` is done three times; then looks at what was kept.
async fn survives(cluster: Cluster, harm: impl Fn(&Cluster, &str) + Send + 'static) {
    let name = cluster.database();
    let store = Arc::new(open(postgres(&cluster, &name)).await);
    let (next, stop) = (Arc::new(AtomicI64::new(1)), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| tokio::spawn(register(Arc::clone(&store), Arc::clone(&next), Arc::clone(&stop))))
        .collect();
    let harmed = {
        let (store, name, first) = (Arc::clone(&store), name.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut cluster = cluster;
            let mut harm = harm;
            for _ in 0..3 {
                let before = first.load(Ordering::Relaxed);
                while first.load(Ordering::Relaxed) < before + 200 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let done = tokio::task::spawn_blocking({
                    let name = name.clone();
                    move || {
                        harm(&cluster, &name);
                        (cluster, harm)
                    }
                });
                (cluster, harm) = done.await.unwrap();
                let back = Instant::now();
                while store.check().await.is_err() {
                    assert!(back.elapsed() < BACK_WITHIN, "it does not come back");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            cluster
        })
    };
    let cluster = harmed.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    for worker in workers {
        acknowledged.extend(worker.await.unwrap());
    }
    let kept = cluster.sql(&name, "SELECT id FROM device");
    let kept: BTreeSet<i64> = kept.lines().map(|id| id.parse().unwrap()).collect();
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    let invented: Vec<_> = kept.difference(&acknowledged).collect();
    assert!(lost.is_empty() && invented.is_empty(), "lost {lost:?}, refused and kept {invented:?}");
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());
    let doubled =
        "SELECT COUNT(*) FROM (SELECT device_id FROM timeline GROUP BY 1 HAVING COUNT(*) <> 1) AS doubled";
    assert_eq!(cluster.sql(&name, doubled), "0");
    assert_tallies_are_true(&store).await;
}

/// Registers one device after the other; those that were acknowledged.
async fn register(store: Arc<SqlStore>, next: Arc<AtomicI64>, stop: Arc<AtomicBool>) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        match store.commit(registers(number, &format!("node-{number}"))).await {
            Ok(_) => acknowledged.push(number),
            Err(StoreError::Unavailable) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{number}: {error}"),
        }
    }
    acknowledged
}
