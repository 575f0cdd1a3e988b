//! The steps make what `schema/` says, undo it, and upgrade each dump of it.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use std::{env, fs, path::PathBuf};

use migrations::{MigrateError, Migrator, migrate};
use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement},
};

#[tokio::test]
async fn each_step_makes_the_schema_that_is_kept() {
    for count in 1..=steps() {
        let database = empty().await;
        Migrator::up(&database, Some(count)).await.unwrap();
        let made = dump(&database).await;
        let file = kept(count);
        // After a new step: `UPDATE_SCHEMA=1 cargo test -p migrations`, then read the diff.
        if env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&file, &made).unwrap();
        }
        assert_eq!(made, fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}

#[tokio::test]
async fn each_step_can_be_undone_and_redone() {
    let database = empty().await;
    for _ in 1..=steps() {
        let before = sorted_dump(&database).await;
        Migrator::up(&database, Some(1)).await.unwrap();
        let after = sorted_dump(&database).await;
        Migrator::down(&database, Some(1)).await.unwrap();
        assert_eq!(sorted_dump(&database).await, before);
        Migrator::up(&database, Some(1)).await.unwrap();
        assert_eq!(sorted_dump(&database).await, after);
    }
}

#[tokio::test]
async fn a_database_of_each_earlier_schema_is_brought_up_to_date() {
    let newest = fs::read_to_string(kept(steps())).unwrap();
    for count in 1..=steps() {
        let database = empty().await;
        database.execute_unprepared(&fs::read_to_string(kept(count)).unwrap()).await.unwrap();
        Migrator::install(&database).await.unwrap();
        for step in Migrator::migrations().iter().take(count as usize) {
            let name = step.name();
            let record = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{name}', 0)");
            database.execute_unprepared(&record).await.unwrap();
        }
        migrate(&database).await.unwrap();
        assert_eq!(dump(&database).await, newest);
    }
}

#[tokio::test]
async fn tables_of_others_are_left_alone() {
    let database = empty().await;
    database
        .execute_unprepared("CREATE TABLE visitor (id INTEGER); INSERT INTO visitor VALUES (7)")
        .await
        .unwrap();
    migrate(&database).await.unwrap();
    Migrator::down(&database, None).await.unwrap();
    let query = Statement::from_string(DbBackend::Sqlite, "SELECT id FROM visitor");
    let row = database.query_one_raw(query).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 7);
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let database = empty().await;
    migrate(&database).await.unwrap();
    let before = dump(&database).await;
    migrate(&database).await.unwrap();
    assert_eq!(dump(&database).await, before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_name() {
    let database = empty().await;
    migrate(&database).await.unwrap();
    let record = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    database.execute_unprepared(record).await.unwrap();
    let error = migrate(&database).await.unwrap_err();
    assert!(matches!(&error, MigrateError::NewerSchema { step } if step == "m9999_future"), "{error}");
}

#[tokio::test]
async fn a_fresh_database_has_a_root_domain_a_default_class_and_one_node() {
    let database = empty().await;
    migrate(&database).await.unwrap();
    for (table, row) in [("domain", "1, root"), ("class", "1, default"), ("node", "1, 0")] {
        let column = if table == "node" { "boots" } else { "name" };
        let sql = format!("SELECT id || ', ' || {column} FROM {table}");
        let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(rows, [row], "{table}");
    }
}

#[tokio::test]
async fn servers_that_migrate_at_the_same_time_take_turns() {
    let Some(cluster) = pg_cluster::Cluster::shared("migrations on PostgreSQL") else { return };
    let name = cluster.database();
    let start = || async {
        let mut options = ConnectOptions::new(cluster.url(&name));
        // What a session of the store has: a step may take longer all the same.
        options.max_connections(1).statement_timeout(std::time::Duration::from_secs(30));
        let connection = Database::connect(options).await.unwrap();
        migrate(&connection).await.unwrap();
        let show = Statement::from_string(DbBackend::Postgres, "SHOW statement_timeout");
        let row = connection.query_one_raw(show).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "30s", "afterwards it is what it was");
    };
    tokio::join!(start(), start(), start());
    assert_eq!(cluster.sql(&name, "SELECT COUNT(*) FROM seaql_migrations"), steps().to_string());
    assert_eq!(cluster.sql(&name, "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

async fn empty() -> DatabaseConnection {
    Database::connect(ConnectOptions::new("sqlite::memory:")).await.unwrap()
}

fn steps() -> u32 {
    Migrator::migrations().len().try_into().unwrap()
}

fn kept(count: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{count:04}.sql"))
}

/// An index that a step drops comes back at the end.
async fn sorted_dump(database: &DatabaseConnection) -> Vec<String> {
    let mut statements: Vec<String> = dump(database).await.split(";\n").map(str::to_owned).collect();
    statements.sort();
    statements
}

/// The statements that make the schema, as SQLite keeps them.
async fn dump(database: &DatabaseConnection) -> String {
    let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND name <> 'seaql_migrations' ORDER BY rowid";
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap() + ";\n").collect()
}
