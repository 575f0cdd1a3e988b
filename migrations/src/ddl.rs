//! One text of DDL for two databases.
//!
//! The text is SQLite's, in its strict dialect (`STRICT` tables, types `INTEGER`, `TEXT`, `BLOB`), because an integer
//! primary key must be declared exactly so to be the row's own key. PostgreSQL gets the same text with the words changed.

use sea_orm_migration::{
    SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// Runs the statements of `text`.
pub(crate) async fn run(manager: &SchemaManager<'_>, text: &str) -> Result<(), DbErr> {
    let text = match manager.get_database_backend() {
        DbBackend::Postgres => for_postgres(text),
        _ => text.to_owned(),
    };
    manager.get_connection().execute_unprepared(&text).await.map(drop)
}

fn for_postgres(text: &str) -> String {
    text.replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        // Names sort by their bytes, whatever the database's locale.
        .replace(" TEXT", " TEXT COLLATE \"C\"")
        .replace(" WITHOUT ROWID, STRICT", "")
        .replace(" STRICT", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_gets_its_own_words() {
        let text =
            "CREATE TABLE t (a INTEGER NOT NULL, b BLOB, c TEXT, PRIMARY KEY (a)) WITHOUT ROWID, STRICT;";
        let expected = "CREATE TABLE t (a BIGINT NOT NULL, b BYTEA, c TEXT COLLATE \"C\", PRIMARY KEY (a));";
        assert_eq!(for_postgres(text), expected);
    }
}
