//! What is in a database already. Looking makes nothing.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

/// The steps that are recorded as applied.
pub(crate) async fn recorded(connection: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let is_there = match connection.get_database_backend() {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE name = 'seaql_migrations'",
        _ => {
            "SELECT table_name::text FROM information_schema.tables \
             WHERE table_name = 'seaql_migrations' AND table_schema = current_schema()"
        }
    };
    if texts(connection, is_there).await?.is_empty() {
        return Ok(Vec::new());
    }
    texts(connection, "SELECT version FROM seaql_migrations ORDER BY version").await
}

/// A table of somebody else's in the schema that the steps would make theirs in. Those of extensions are nobody's.
pub(crate) async fn foreign(connection: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let tables = "SELECT relname::text FROM pg_class AS c WHERE relnamespace = current_schema()::regnamespace \
                  AND relkind IN ('r', 'p') AND relname <> 'seaql_migrations' \
                  AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e') \
                  ORDER BY relname LIMIT 1";
    Ok(texts(connection, tables).await?.pop())
}

async fn texts(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
