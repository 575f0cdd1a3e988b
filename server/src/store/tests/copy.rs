//! A copy has every row of every table, on either kind of database.

use fleet::{Change, Store as _};
use objects::Value;
use pg_cluster::Cluster;
use sea_orm::ConnectionTrait as _;

use super::fixture::{commit, number, observation, open, operation, registers, report, sealer};
use crate::store::{
    CopiedTable, CopyError, CopyHow, Database, OpenError, SqlStore, Synchronous, connect::Connector, copy,
    copy::TABLES, snapshot, take_back,
};

const MOVED: CopyHow = CopyHow { with_sessions: true, in_use: false };

#[test]
fn every_table_is_copied() {
    let dump = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/schema")).unwrap();
    let newest = dump.map(|file| file.unwrap().path()).max().unwrap();
    let schema = std::fs::read_to_string(newest).unwrap();
    let mut tables: Vec<&str> =
        schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next()).collect();
    let mut copied: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    tables.sort_unstable();
    copied.sort_unstable();
    assert_eq!(copied, tables);
}

#[tokio::test]
async fn a_copy_in_another_file_is_the_same_and_nothing_is_copied_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.db", "to.db"].map(|name| Database::File(folder.path().join(name)));
    fill(&from).await;
    let copied = copy(&from, &to, MOVED, |_, _| {}).await.unwrap();
    assert_eq!(rows(&copied, "device"), DEVICES);
    assert_eq!(rows(&copied, "value_history"), 2);
    take_back(&from).await.unwrap();
    let again = copy(&from, &to, MOVED, |_, _| {}).await.unwrap_err();
    assert!(matches!(again, CopyError::NotEmpty { .. }), "{again}");
    assert!(matches!(copy(&from, &from, MOVED, |_, _| {}).await, Err(CopyError::Itself)));
    let nothing = Database::File(folder.path().join("nothing.db"));
    assert!(matches!(copy(&nothing, &to, MOVED, |_, _| {}).await, Err(CopyError::NoSource(_))));
    let store = open(to).await;
    assert_eq!(store.restore().await.unwrap().registrations.len(), usize::try_from(DEVICES).unwrap());
    store.close().await;
}

#[tokio::test]
async fn a_fleet_moves_to_postgresql_and_back_with_the_same_sums() {
    let Some(cluster) = Cluster::shared("a copy to PostgreSQL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let [from, back] = ["from.db", "back.db"].map(|name| Database::File(folder.path().join(name)));
    fill(&from).await;
    let postgres = Database::Postgres(cluster.url(&cluster.database()).parse().unwrap());
    let there = copy(&from, &postgres, MOVED, |_, _| {}).await.unwrap();
    let returned = copy(&postgres, &back, MOVED, |_, _| {}).await.unwrap();
    assert_eq!(there, returned);
    assert_eq!(rows(&there, "device"), DEVICES);

    take_back(&postgres).await.unwrap();
    let store = open(postgres.clone()).await;
    let refused = copy(&postgres, &Database::File(folder.path().join("other.db")), MOVED, |_, _| {}).await;
    assert!(matches!(refused, Err(CopyError::Open(_))), "a server runs on it: {refused:?}");
    store.commit(registers(5_000, "node-after")).await.unwrap();
    let backup = CopyHow { with_sessions: false, in_use: true };
    let other = Database::File(folder.path().join("backup.db"));
    let backup = copy(&postgres, &other, backup, |_, _| {}).await.unwrap();
    assert_eq!(rows(&backup, "device"), DEVICES + 1);
    assert!(backup.iter().all(|copied| copied.table != "dtls_session"));
    store.close().await;
}

#[tokio::test]
async fn on_a_database_that_was_copied_away_no_server_starts_until_that_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to, other] =
        ["from.db", "to.db", "other.db"].map(|name| Database::File(folder.path().join(name)));
    fill(&from).await;
    assert_eq!(take_back(&from).await.unwrap(), None);
    copy(&from, &to, MOVED, |_, _| {}).await.unwrap();
    let refused = SqlStore::open(from.clone(), sealer()).await.err().unwrap();
    let said = refused.to_string();
    assert!(matches!(refused, OpenError::CopiedAway { .. }) && said.contains("to.db"), "{said}");
    let again = copy(&from, &other, MOVED, |_, _| {}).await.unwrap_err();
    assert!(matches!(again, CopyError::Open(OpenError::CopiedAway { .. })), "{again}");

    // A backup of it is good: it has no sessions.
    let Database::File(backup) = &other else { unreachable!("it is a file") };
    snapshot::take(&from, backup).await.unwrap();
    open(other).await.close().await;

    let place = take_back(&from).await.unwrap().unwrap();
    assert!(place.ends_with("to.db"), "{place}");
    let store = open(from).await;
    assert_eq!(number(&store, "SELECT COUNT(*) FROM dtls_session").await, 0);
    assert_eq!(store.restore().await.unwrap().registrations.len(), usize::try_from(DEVICES).unwrap());
    store.close().await;
    open(to).await.close().await;
}

#[tokio::test]
async fn at_no_moment_of_a_copy_does_a_server_start_on_both() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.db", "to.db"].map(|name| Database::File(folder.path().join(name)));
    fill(&from).await;
    edit(
        &from,
        "CREATE TRIGGER keep BEFORE UPDATE OF copied_to ON node BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    let unmarked = copy(&from, &to, MOVED, |_, _| {}).await.unwrap_err();
    assert!(matches!(unmarked, CopyError::Unmarked { .. }), "{unmarked}");
    let refused = SqlStore::open(to.clone(), sealer()).await.err().unwrap();
    assert!(matches!(refused, OpenError::Unfinished(_)), "{refused}");
    assert!(matches!(take_back(&to).await, Err(OpenError::Unfinished(_))));
    edit(&from, "DROP TRIGGER keep").await;

    let copied = copy(&from, &to, MOVED, |_, _| {}).await.unwrap();
    assert_eq!(rows(&copied, "device"), DEVICES);
    assert!(SqlStore::open(from.clone(), sealer()).await.is_err());
    open(to.clone()).await.close().await;
    // As if the last step had not been done.
    edit(&to, "UPDATE node SET copied_to = ''").await;
    assert!(SqlStore::open(from.clone(), sealer()).await.is_err());
    assert!(SqlStore::open(to.clone(), sealer()).await.is_err());
    let copied = copy(&from, &to, MOVED, |_, _| {}).await.unwrap();
    assert_eq!(rows(&copied, "device"), DEVICES);
    assert!(SqlStore::open(from, sealer()).await.is_err());
    open(to).await.close().await;
}

/// More than a page.
const DEVICES: u64 = 1_203;

async fn fill(database: &Database) {
    let store = open(database.clone()).await;
    let changes = (1..=i64::try_from(DEVICES).unwrap())
        .flat_map(|number| registers(number, &format!("node-{number}")).changes);
    store.commit(commit(changes)).await.unwrap();
    store.commit(commit([report(1, 2_000, Value::Float(f64::NAN))])).await.unwrap();
    store.commit(commit([report(1, 3_000, Value::Opaque(vec![0, 255]))])).await.unwrap();
    let rest = [
        Change::ObservationBegan(observation(2, "/3/0")),
        Change::OperationQueued(Box::new(operation(3, 7))),
    ];
    store.commit(commit(rest)).await.unwrap();
    store.close().await;
}

async fn edit(database: &Database, sql: &str) {
    let connection = Connector::new(database.clone(), Synchronous::Full).writer().await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

fn rows(copied: &[CopiedTable], table: &str) -> u64 {
    copied.iter().find(|copied| copied.table == table).unwrap().rows
}
