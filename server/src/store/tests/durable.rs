//! What was acknowledged is there afterwards: after a drop, and after a kill.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use fleet::{DeviceId, Store as _};
use objects::Value;

use super::fixture::{assert_tallies_are_true, commit, number, open, path, registers, report};

#[tokio::test]
async fn a_store_that_is_dropped_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    for round in 1..=5 {
        let store = open(file.clone()).await;
        assert_eq!(store.begin_boot().await.unwrap(), u64::try_from(round).unwrap());
        store.commit(registers(round, &format!("node-{round}"))).await.unwrap();
        drop(store);
        let store = open(file.clone()).await;
        let restored = store.restore().await.unwrap();
        assert_eq!(restored.registrations.len(), usize::try_from(round).unwrap());
        drop(store);
    }
}

#[tokio::test]
async fn one_row_that_cannot_be_read_keeps_nobody_else_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let store = open(file.clone()).await;
    store.commit(registers(1, "node-1")).await.unwrap();
    store.commit(registers(2, "node-2")).await.unwrap();
    store.close().await;
    let url = format!("sqlite://{}", file.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let sql = "UPDATE registration SET links = 'junk' WHERE device_id = 1";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.unwrap();
    connection.close().await.unwrap();

    let store = open(file).await;
    let restored = store.restore().await.unwrap();
    assert_eq!(restored.devices.len(), 2);
    let devices: Vec<DeviceId> = restored.registrations.iter().map(|known| known.device).collect();
    assert_eq!(devices, [DeviceId(2)]);
    // Its next registration is above the one that can't be read.
    assert!(restored.epochs.contains_key(&DeviceId(1)));
}

#[tokio::test]
async fn sequence_numbers_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("muster.db");
    let mut last = 0;
    for round in 1..=3 {
        let store = open(file.clone()).await;
        if round == 1 {
            store.commit(registers(1, "node-1")).await.unwrap();
        }
        store.commit(commit([report(1, 2_000 + round, Value::Integer(round))])).await.unwrap();
        let newest = &store.history(DeviceId(1), path("/3/0/9"), 1).await.unwrap()[0];
        assert!(newest.sequence > last);
        last = newest.sequence;
        store.close().await;
    }
}

/// The name of the folder, in the environment of the child that is to be killed.
const FOLDER: &str = "MUSTER_TEST_KILLED_IN";

#[test]
fn what_a_killed_server_acknowledged_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..5 {
        // This test binary itself, told to run nothing but the child's part.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                &format!("{}::the_child_that_is_killed", module()),
                "--nocapture",
                "--include-ignored",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Some(number) =
                line.unwrap().strip_prefix("acknowledged ").map(|number| number.parse::<i64>().unwrap())
            else {
                continue;
            };
            acknowledged = number.max(acknowledged);
            seen += 1;
            if seen == 20 + round * 7 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= 20 + round * 7, "the child ended by itself after {seen}");

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = open(folder.path().join("muster.db")).await;
            let restored = store.restore().await.unwrap();
            let kept: Vec<i64> =
                restored.registrations.iter().map(|registration| registration.device.0).collect();
            let missing: Vec<i64> =
                (1..=acknowledged).filter(|number| kept.binary_search(number).is_err()).collect();
            assert_eq!(missing, [0; 0], "{acknowledged} were acknowledged");
            // A commit is whole: each device has what was committed with it.
            assert_eq!(
                number(&store, "SELECT COUNT(*) FROM device").await,
                i64::try_from(kept.len()).unwrap()
            );
            assert_eq!(
                number(&store, "SELECT COUNT(*) FROM timeline").await,
                i64::try_from(kept.len()).unwrap()
            );
            assert_tallies_are_true(&store).await;
            store.close().await;
        });
    }
}

/// Not a test of its own: it commits and tells, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by what_a_killed_server_acknowledged_is_there"]
async fn the_child_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = open(std::path::PathBuf::from(folder).join("muster.db")).await;
    let mut next = number(&store, "SELECT MAX(id) FROM device").await + 1;
    loop {
        let group = (next..next + 8).map(|number| store.commit(registers(number, &format!("node-{number}"))));
        futures::future::try_join_all(group).await.unwrap();
        for number in next..next + 8 {
            println!("acknowledged {number}");
        }
        next += 8;
    }
}

fn module() -> &'static str {
    // Without the name of the package.
    module_path!().split_once("::").unwrap().1
}
