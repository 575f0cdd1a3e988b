//! What rows must be like whatever was committed, asked in SQL, past the store.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

/// The database is whole, its counts are those of its rows, and no number was given out twice.
pub(crate) async fn check(database: &Path) -> Result<(), String> {
    let connection = Database::connect(format!("sqlite://{}", database.display())).await.unwrap();
    let checked = look(&connection).await;
    connection.close().await.unwrap();
    checked
}

async fn look(connection: &DatabaseConnection) -> Result<(), String> {
    let integrity: String = one(connection, "PRAGMA integrity_check").await;
    if integrity != "ok" {
        return Err(integrity);
    }
    for (name, rows) in [
        ("registered", "registration WHERE state = 'registered'"),
        ("registered", "lease"),
        ("registered", "device WHERE state = 'registered' AND rested_at IS NULL"),
        ("deregistered", "device WHERE state = 'deregistered' AND rested_at IS NOT NULL"),
        ("queued operations", "operation WHERE state = 'queued'"),
        ("observations", "observation"),
    ] {
        let counted: i64 = one(connection, &format!("SELECT COUNT(*) FROM {rows}")).await;
        let tally = format!("SELECT COALESCE(SUM(count), 0) FROM tally WHERE name = '{name}'");
        let kept: i64 = one(connection, &tally).await;
        if kept != counted {
            return Err(format!("{kept} {name} are counted, and {counted} there in {rows}"));
        }
    }
    for (what, wrong) in [
        ("rows that refer to nothing", "pragma_foreign_key_check"),
        (
            "histories of another length than is kept",
            "value_latest AS l WHERE held <> \
             (SELECT COUNT(*) FROM value_history AS h WHERE h.device_id = l.device_id AND h.path = l.path)",
        ),
        (
            "readings with a number of others",
            "(SELECT 1 FROM value_history GROUP BY sequence HAVING COUNT(*) > 1)",
        ),
        ("numbers beyond the last one", "value_history WHERE sequence > (SELECT sequence FROM node)"),
    ] {
        let count: i64 = one(connection, &format!("SELECT COUNT(*) FROM {wrong}")).await;
        if count != 0 {
            return Err(format!("{count} {what}"));
        }
    }
    Ok(())
}

async fn one<T: sea_orm::TryGetable>(connection: &DatabaseConnection, sql: &str) -> T {
    let row =
        connection.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
