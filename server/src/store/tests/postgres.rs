//! The battery on PostgreSQL, and what only PostgreSQL can do to a store. Each test has a database of its own.

mod crash;
mod cut;
mod outage;

use std::{sync::LazyLock, time::Duration};

use fleet::{
    Store as _, StoreError,
    store::{Trouble, battery::Case},
};
use pg_cluster::Cluster;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::fixture::{assert_tallies_are_true, open, registers, sealer, until};
use crate::store::{CopyError, Database, OpenError, PostgresError, SqlStore, snapshot};

/// With the schema in it, so that it is not made anew for each test.
static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let cluster = Cluster::shared("").expect("whoever needs a template has asked for it");
    let name = cluster.database();
    runtime().block_on(async { open(postgres(cluster, &name)).await.close().await });
    name
});

fn run(case: Case) {
    let Some(cluster) = Cluster::shared("the battery on PostgreSQL") else { return };
    let (template, name) = (TEMPLATE.as_str(), cluster.name());
    cluster.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    runtime().block_on(async {
        let store = open(postgres(cluster, &name)).await;
        case(&store).await;
        assert_tallies_are_true(&store).await;
        store.close().await;
    });
    cluster.sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
}

fleet::store_battery!(run);

#[tokio::test]
async fn a_second_server_is_refused_by_name_until_the_first_is_gone() {
    let Some(cluster) = Cluster::shared("a second server on PostgreSQL") else { return };
    let name = cluster.database();
    let first = open(postgres(cluster, &name)).await;
    let refused = SqlStore::open(postgres(cluster, &name), sealer()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Postgres(PostgresError::InUse { .. })), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("stop that one") && text.contains("on 127.0.0.1, process "), "{text}");
    // Whoever only looks is let in.
    assert!(!SqlStore::holds_secrets(postgres(cluster, &name), None).await.unwrap());
    first.close().await;
    open(postgres(cluster, &name)).await.close().await;
}

#[tokio::test]
async fn of_two_that_start_at_once_on_an_empty_database_one_comes_up() {
    let Some(cluster) = Cluster::shared("two starts on PostgreSQL") else { return };
    let name = cluster.database();
    let start = || SqlStore::open(postgres(cluster, &name), sealer());
    let (one, other) = tokio::join!(start(), start());
    let (up, refused) = match (one, other) {
        (Ok(up), Err(refused)) | (Err(refused), Ok(up)) => (up, refused),
        (Ok(_), Ok(_)) => panic!("both came up"),
        (Err(one), Err(other)) => panic!("neither came up: {one}, {other}"),
    };
    assert!(matches!(refused, OpenError::Postgres(PostgresError::InUse { .. })), "{refused}");
    up.commit(registers(1, "node-1")).await.unwrap();
    up.close().await;
}

#[tokio::test]
async fn who_was_cut_off_while_another_wrote_writes_no_more() {
    let Some(cluster) = Cluster::shared("a server that was overtaken on PostgreSQL") else { return };
    let name = cluster.database();
    let first = open(postgres(cluster, &name)).await;
    first.commit(registers(1, "node-1")).await.unwrap();
    end_writers(cluster, &name);
    let second = open(postgres(cluster, &name)).await;
    second.begin_boot().await.unwrap();
    second.commit(registers(2, "node-2")).await.unwrap();
    assert_eq!(first.commit(registers(3, "node-3")).await, Err(StoreError::Unavailable), "it is in use");
    until(&first, Trouble::Taken).await;
    second.close().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        first.commit(registers(3, "node-3")).await,
        Err(StoreError::Unavailable),
        "it knows too little"
    );
    assert_eq!(first.trouble(), Some(Trouble::Overtaken));
    assert_eq!(cluster.sql(&name, "SELECT endpoint FROM device ORDER BY 1"), "node-1\nnode-2");
    first.close().await;
}

#[tokio::test]
async fn a_database_that_is_not_in_unicode_is_refused() {
    let Some(cluster) = Cluster::shared("another encoding on PostgreSQL") else { return };
    let name = cluster.name();
    cluster
        .sql("postgres", &format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let refused = SqlStore::open(postgres(cluster, &name), sealer()).await.err().unwrap();
    assert!(refused.to_string().contains("is in LATIN1: make one with ENCODING 'UTF8'"), "{refused}");
}

#[tokio::test]
async fn a_database_of_others_is_refused_and_left_as_it_is() {
    let Some(cluster) = Cluster::shared("tables of others on PostgreSQL") else { return };
    let name = cluster.database();
    cluster.sql(&name, "CREATE TABLE visitor (id int)");
    let refused = SqlStore::open(postgres(cluster, &name), sealer()).await.err().unwrap().to_string();
    assert!(refused.contains("(such as `visitor`)") && refused.contains("CREATE DATABASE"), "{refused}");
    assert_eq!(cluster.sql(&name, TABLES), "visitor");
    // Who comes later does no harm.
    cluster.sql(&name, "DROP TABLE visitor");
    open(postgres(cluster, &name)).await.close().await;
    cluster.sql(&name, "CREATE TABLE visitor (id int)");
    open(postgres(cluster, &name)).await.close().await;
}

#[tokio::test]
async fn a_role_that_may_make_no_tables_is_told_what_to_grant() {
    let Some(cluster) = Cluster::shared("a role without rights on PostgreSQL") else { return };
    let name = cluster.database();
    cluster.sql(&name, &format!("CREATE ROLE {name} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
    let url = cluster.url(&name).replace("postgres@", &format!("{name}@"));
    let database = Database::Postgres(url.parse().unwrap());
    let refused = SqlStore::open(database, sealer()).await.err().unwrap().to_string();
    assert!(refused.contains("permission denied") && refused.contains("GRANT CREATE ON SCHEMA"), "{refused}");
    assert!(!refused.contains("at line"), "{refused}");
}

#[tokio::test]
async fn a_backup_of_an_empty_database_makes_nothing_in_it() {
    let Some(cluster) = Cluster::shared("a backup of nothing on PostgreSQL") else { return };
    let (name, folder) = (cluster.database(), tempfile::tempdir().unwrap());
    let taken = snapshot::take(&postgres(cluster, &name), &folder.path().join("copy")).await;
    assert!(matches!(taken, Err(CopyError::Older(_))), "{taken:?}");
    assert_eq!(cluster.sql(&name, TABLES), "");
}

const TABLES: &str =
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";

#[tokio::test]
async fn who_can_not_get_in_is_told_why_and_shown_no_password() {
    let Some(cluster) = Cluster::shared("no database on PostgreSQL") else { return };
    let url = format!("postgres://ada:s3cret@127.0.0.1:{}/nowhere", cluster.port());
    let refused = SqlStore::open(Database::Postgres(url.parse().unwrap()), sealer()).await.err().unwrap();
    let (shown, debugged) = (refused.to_string(), format!("{refused:?}"));
    assert!(shown.contains("postgres://ada@127.0.0.1") && shown.contains("can't be reached"), "{shown}");
    assert!(!shown.contains("s3cret") && !debugged.contains("s3cret"), "{debugged}");
}

#[tokio::test]
async fn what_is_committed_waits_for_the_disk_whatever_the_default_is() {
    let Some(cluster) = Cluster::shared("synchronous_commit on PostgreSQL") else { return };
    let name = cluster.database();
    let store = open(postgres(cluster, &name)).await;
    let show = Statement::from_string(DbBackend::Postgres, "SHOW synchronous_commit");
    let row = store.reader.connection().query_one_raw(show).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "on");
    assert_eq!(cluster.sql(&name, "SHOW synchronous_commit"), "off", "the default of this cluster");
    store.close().await;
}

fn postgres(cluster: &Cluster, name: &str) -> Database {
    Database::Postgres(cluster.url(name).parse().unwrap())
}

/// Ends the session that writes.
fn end_writers(cluster: &Cluster, name: &str) {
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE locktype = 'advisory' AND datname = '{name}'"
    );
    assert_eq!(cluster.sql("postgres", &end), "t");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
