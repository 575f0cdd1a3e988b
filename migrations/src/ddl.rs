//! One text of DDL for two databases.
//!
//! The text is SQLite's, in its strict dialect (`STRICT` tables, types `INTEGER`, `TEXT`, `BLOB`), because an integer
//! primary key must be declared exactly so to be the row's own key. PostgreSQL gets the same text with the words changed.

use async_trait::async_trait;
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

/// A step of the schema: statements that make it, and that undo it.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and async_trait wants the same")]
#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.up).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, self.down).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn run(manager: &SchemaManager<'_>, text: &str) -> Result<(), DbErr> {
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
