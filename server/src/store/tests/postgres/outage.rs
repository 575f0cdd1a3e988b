//! A PostgreSQL that is gone for a while, or that somebody else keeps busy.

use std::time::{Duration, Instant};

use fleet::{Store as _, StoreError};
use pg_cluster::{Cluster, Stop};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use super::postgres;
use crate::store::tests::fixture::{device, open, registers};

/// How long it is gone, in seconds, if not eight.
const OUTAGE: &str = "MUSTER_TEST_OUTAGE_S";

#[tokio::test]
async fn while_it_is_gone_nothing_is_acknowledged_and_then_all_is_well() {
    let Some(cluster) = Cluster::start("an outage of PostgreSQL") else { return };
    let name = cluster.database();
    let store = open(postgres(&cluster, &name)).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    let outage = std::env::var(OUTAGE).map_or(8, |seconds| seconds.parse().unwrap());
    cluster.stop(Stop::Fast);
    let (gone, mut number) = (Instant::now(), 1);
    while gone.elapsed() < Duration::from_secs(outage) {
        number += 1;
        let asked = Instant::now();
        let refused = store.commit(registers(number, &format!("node-{number}"))).await;
        assert_eq!(refused, Err(StoreError::Unavailable));
        assert_eq!(store.check().await, Err(StoreError::Unavailable));
        let read = store.device(device(1, "node-1").public_id).await;
        assert_eq!(read.map(drop), Err(StoreError::Unavailable), "reads say so");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    cluster.start_again();
    let back = Instant::now();
    while store.commit(registers(number + 1, "node-after")).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(10), "it does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for _ in 0..8 {
        store.device(device(1, "node-1").public_id).await.unwrap().unwrap();
    }
    assert_eq!(cluster.sql(&name, "SELECT endpoint FROM device ORDER BY id"), "node-1\nnode-after");
    store.close().await;
}

#[tokio::test]
async fn a_table_that_somebody_else_has_locked_is_waited_for_but_not_for_ever() {
    let Some(cluster) = Cluster::shared("a locked table on PostgreSQL") else { return };
    let name = cluster.database();
    let store = open(postgres(cluster, &name)).await;
    let other = sea_orm::Database::connect(cluster.url(&name)).await.unwrap();
    let transaction = other.begin().await.unwrap();
    transaction.execute_unprepared("LOCK TABLE device IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let asked = Instant::now();
    let devices = ["node-1", "node-2", "node-3"].into_iter().zip(1..);
    let commits = devices.map(|(endpoint, number)| store.commit(registers(number, endpoint)));
    let outcomes = futures::future::join_all(commits).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Err(StoreError::Unavailable)), "{outcomes:?}");
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    transaction.rollback().await.unwrap();
    store.commit(registers(1, "node-1")).await.unwrap();
    store.close().await;
}
