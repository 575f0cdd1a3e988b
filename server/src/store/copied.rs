//! The mark of a database that was copied into another one, where its fleet goes on.
//!
//! Two servers with one secure session give its keys away, and of what devices said to the one the other knows nothing.

use std::path::absolute;

use fleet::NodeId;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, TransactionTrait as _};

use super::{Database, OpenError, Synchronous, connect::Connector, sealed, sql::Sql};

/// Where a copy was made to that is not finished: nowhere, and no server starts on it.
const UNFINISHED: &str = "";

/// Marks a copy as unfinished, until its source is marked.
pub(super) async fn begin(copy: &impl ConnectionTrait) -> Result<(), DbErr> {
    set(copy, Some(UNFINISHED.to_owned())).await
}

pub(super) async fn finish(copy: &impl ConnectionTrait) -> Result<(), DbErr> {
    set(copy, None).await
}

/// Marks a database as copied into another.
pub(super) async fn mark(source: &DatabaseConnection, to: &Database) -> Result<(), DbErr> {
    set(source, Some(place(to))).await
}

/// What a database that is copied into that one is marked with.
pub(super) fn place(to: &Database) -> String {
    match to {
        Database::File(file) => absolute(file).unwrap_or_else(|_| file.clone()).display().to_string(),
        Database::Postgres(url) => url.to_string(),
    }
}

/// Takes the mark out of a backup's copy, which has no sessions to give away.
pub(super) async fn forget(copy: &DatabaseConnection) -> Result<(), DbErr> {
    if has_mark(copy).await? { set(copy, None).await } else { Ok(()) }
}

/// Where a database was copied to, if it was.
pub(super) async fn copied_to(database: &DatabaseConnection) -> Result<Option<String>, DbErr> {
    if !has_mark(database).await? {
        return Ok(None);
    }
    let sql = Sql::new("SELECT copied_to FROM node WHERE id = ").bind(NodeId::SINGLE.0);
    let row = database.query_one_raw(sql.statement(database.get_database_backend())).await?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0))
}

/// Whether it is a copy whose source may not be marked yet.
pub(super) async fn is_unfinished(copy: &DatabaseConnection) -> Result<bool, DbErr> {
    Ok(copied_to(copy).await?.is_some_and(|to| to == UNFINISHED))
}

/// An error if a database was copied away, or is a copy that is not finished.
pub(super) async fn refuse(connection: &DatabaseConnection, database: &Database) -> Result<(), OpenError> {
    match copied_to(connection).await? {
        Some(to) if to == UNFINISHED => Err(OpenError::Unfinished(database.clone())),
        Some(to) => Err(OpenError::CopiedAway { database: database.clone(), to }),
        None => Ok(()),
    }
}

/// Takes the mark away, and the secure sessions with it, for the copy may have gone on with them. Gives where it was copied
/// to, or nothing if it was not. Whoever calls sees to it that no server runs on it.
pub(crate) async fn take_back(database: &Database) -> Result<Option<String>, OpenError> {
    let connection = Connector::new(database.clone(), Synchronous::Full).writer().await?;
    migrations::is_current(&connection).await?;
    let place = copied_to(&connection).await?;
    if place.as_deref() == Some(UNFINISHED) {
        return Err(OpenError::Unfinished(database.clone()));
    }
    if place.is_some() {
        let transaction = connection.begin().await?;
        transaction.execute_unprepared(&format!("DELETE FROM {}", sealed::SESSION)).await?;
        set(&transaction, None).await?;
        transaction.commit().await?;
    }
    connection.close().await?;
    Ok(place)
}

/// One of an earlier schema can't have it.
async fn has_mark(database: &DatabaseConnection) -> Result<bool, DbErr> {
    let backend = database.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "SELECT 1 FROM pragma_table_info('node') WHERE name = 'copied_to'",
        _ => {
            "SELECT 1 FROM information_schema.columns WHERE table_schema = current_schema() \
              AND table_name = 'node' AND column_name = 'copied_to'"
        }
    };
    Ok(database.query_one_raw(Sql::new(sql).statement(backend)).await?.is_some())
}

async fn set(database: &impl ConnectionTrait, place: Option<String>) -> Result<(), DbErr> {
    let sql = Sql::new("UPDATE node SET copied_to = ").bind(place);
    database.execute_raw(sql.statement(database.get_database_backend())).await.map(drop)
}
