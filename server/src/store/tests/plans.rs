//! Every list that a page shows comes through an index, in order: nothing is scanned and nothing sorted.

use fleet::{
    DeviceId, DeviceState, OperationId,
    store::{DeviceOrder, DeviceQuery, PageRequest},
};
use sea_orm::{ConnectionTrait as _, DbBackend, EntityTrait as _, QueryTrait as _, Statement};
use uuid::Uuid;

use super::fixture::path;
use crate::store::{
    SqlStore, entity,
    read::{devices, lists, restore},
    sql::Sql,
};

#[tokio::test]
async fn no_list_of_a_page_scans_or_sorts() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open(folder.path().join("muster.db")).await.unwrap();
    let device = DeviceId(1);
    let id = OperationId(Uuid::from_u128(1));
    let built = [
        ("latest", lists::latest(device, path("/3")).build(DbBackend::Sqlite)),
        ("history", lists::history(device, path("/3/0/9"), 10).build(DbBackend::Sqlite)),
        ("observations", lists::observations(device).build(DbBackend::Sqlite)),
        ("operations", lists::operations(device, None, 10).build(DbBackend::Sqlite)),
        ("operations, next page", lists::operations(device, Some(id), 10).build(DbBackend::Sqlite)),
        ("timeline", lists::timeline(device, None, 10).build(DbBackend::Sqlite)),
        ("timeline, next page", lists::timeline(device, Some(7), 10).build(DbBackend::Sqlite)),
        ("audit, next page", lists::audit(Some(7), 10).build(DbBackend::Sqlite)),
        ("open operations", restore::open_operations().statement(DbBackend::Sqlite)),
        ("devices by number", devices::live_of(&[(1, 1), (2, 2)]).statement(DbBackend::Sqlite)),
        ("one device", entity::device::Entity::find_by_id(1).build(DbBackend::Sqlite)),
    ];
    for (name, statement) in built {
        assert_indexed(&store, name, statement).await;
    }
    let after_name = || Some(("node-5".to_owned(), 5));
    for state in [None, Some(DeviceState::Registered), Some(DeviceState::Expired)] {
        for prefix in [None, Some("node")] {
            let query = query(state, prefix);
            let name = format!("devices, {state:?}, {prefix:?}");
            for sql in [devices::by_endpoint(&query, None), devices::by_endpoint(&query, after_name())] {
                assert_indexed(&store, &name, sql.statement(DbBackend::Sqlite)).await;
            }
        }
    }
    for after in [None, Some((1, 1))] {
        let sql = devices::ended_by_last_seen(&query(None, None), DeviceState::Expired, after);
        assert_indexed(&store, "ended devices", sql.statement(DbBackend::Sqlite)).await;
    }
    store.close().await;
}

/// The one that sorts: the devices of a prefix by when they were heard. It reads no more than the prefix names.
#[tokio::test]
async fn a_prefix_by_last_seen_reads_only_what_the_prefix_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open(folder.path().join("muster.db")).await.unwrap();
    let ended = devices::ended_by_last_seen(&query(None, Some("node")), DeviceState::Expired, None);
    for sql in [devices::live_with_prefix("node", Some((1, 1)), 10), ended] {
        let plan = plan(&store, sql.statement(DbBackend::Sqlite)).await;
        let by_prefix = "registration_by_state (state=? AND endpoint>? AND endpoint<?)";
        assert!(plan.iter().any(|line| line.contains(by_prefix)), "{plan:#?}");
        assert!(plan.iter().all(|line| !line.starts_with("SCAN")), "{plan:#?}");
    }
    store.close().await;
}

/// The audit log's first page reads it from its end; without a condition SQLite calls that a scan.
#[tokio::test]
async fn the_first_page_of_the_audit_log_is_read_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqlStore::open(folder.path().join("muster.db")).await.unwrap();
    for (statement, expected) in [
        (lists::audit(None, 10).build(DbBackend::Sqlite), "SCAN audit"),
        (Sql::new("SELECT MAX(sequence) FROM audit").statement(DbBackend::Sqlite), "SEARCH audit"),
    ] {
        assert_eq!(plan(&store, statement).await, [expected]);
    }
    store.close().await;
}

async fn assert_indexed(store: &SqlStore, name: &str, statement: Statement) {
    let text = statement.sql.clone();
    let plan = plan(store, statement).await;
    // An index read in order from end to end is a scan too, but a LIMIT ends it.
    let in_order = |line: &str| line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
    for line in &plan {
        // The rows that are handed in are walked: `k`.
        let handed_in = line == "MATERIALIZE k" || line == "SCAN k" || line.contains("VALUES CLAUSE");
        let harmless = line.starts_with("SEARCH") || in_order(line) || handed_in;
        assert!(harmless, "{name}: {line}\n{plan:#?}\n{text}");
    }
}

async fn plan(store: &SqlStore, statement: Statement) -> Vec<String> {
    let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", statement.sql), ..statement };
    let rows = store.reader.connection().query_all_raw(explain).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(3).unwrap()).collect()
}

fn query(state: Option<DeviceState>, prefix: Option<&str>) -> DeviceQuery {
    DeviceQuery {
        prefix: prefix.map(str::to_owned),
        state,
        order: DeviceOrder::Endpoint,
        page: PageRequest { after: None, limit: 10 },
    }
}
