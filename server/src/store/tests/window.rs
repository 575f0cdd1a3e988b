//! What the window of a group commit is worth. Run by hand: `cargo test --release -p server window -- --ignored --nocapture`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fleet::{Change, Delivery, DeviceId, Reading, Sender, Store as _, Timestamp};
use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use objects::Value;

use super::fixture::{commit, device, path, sealer, source};
use crate::store::{
    SqlStore,
    connect::{Connector, Database, Synchronous},
};

const COMMITTERS: [i64; 4] = [1, 16, 256, 2_000];
const WINDOWS_MS: [u64; 5] = [0, 1, 2, 5, 10];
const FOR: Duration = Duration::from_secs(3);

/// Each committer is a device that sends a value and waits for its acknowledgement before it sends the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while, and says how long"]
async fn what_each_window_is_worth() {
    let counted = crate::telemetry::start_metrics();
    println!("committers  window  commits/s  a group     p50     p99");
    for committers in COMMITTERS {
        for window in WINDOWS_MS {
            let folder = tempfile::tempdir().unwrap();
            let connector =
                Connector::new(Database::File(folder.path().join("muster.db")), Synchronous::Full);
            let store =
                SqlStore::open_with(connector, Duration::from_millis(window), sealer()).await.unwrap();
            let devices = (1..=committers).map(|n| Change::DeviceAdded(device(n, &format!("node-{n}"))));
            store.commit(commit(devices)).await.unwrap();
            let (store, before) = (Arc::new(store), groups(&counted));
            let sending = (1..=committers).map(|device| tokio::spawn(send(Arc::clone(&store), device)));
            let took = join_all(sending.collect::<Vec<_>>()).await;
            let mut took: Vec<Duration> = took.into_iter().flat_map(Result::unwrap).collect();
            took.sort_unstable();
            let a_group = took.len() as f64 / (groups(&counted) - before);
            println!(
                "{committers:>10} {window:>4} ms {:>10.0} {a_group:>8.1} {:>7.1?} {:>7.1?}",
                took.len() as f64 / FOR.as_secs_f64(),
                took[took.len() / 2],
                took[took.len() * 99 / 100],
            );
            Arc::into_inner(store).unwrap().close().await;
        }
    }
}

async fn send(store: Arc<SqlStore>, device: i64) -> Vec<Duration> {
    let (until, mut took) = (Instant::now() + FOR, Vec::new());
    for message in 0.. {
        let at = Timestamp(1_000 + message);
        let delivery = Delivery {
            sender: Sender::At(source(device)),
            message_id: u16::try_from(message % 65_536).unwrap(),
            token: vec![1, 2, 3],
            observe: None,
        };
        let readings =
            vec![Reading { path: path("/3303/0/5700"), value: Value::Integer(message), device_time: None }];
        let delivery = Some(delivery);
        let sent = Change::Report { device: DeviceId(device), received_at: at, delivery, readings };
        let began = Instant::now();
        store.commit(commit([sent])).await.unwrap();
        took.push(began.elapsed());
        if Instant::now() >= until {
            break;
        }
    }
    took
}

/// How many transactions there were.
fn groups(counted: &PrometheusHandle) -> f64 {
    let counted = counted.render();
    let line = counted.lines().find_map(|line| line.strip_prefix("muster_store_group_commits_count "));
    line.map_or(0.0, |count| count.parse().unwrap())
}
