//! What is sealed in a database, and with which key: looked at before a key is made and before a store is opened.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};

use super::{Database, OpenError, SqlStore, connect::Connector, sql::Sql};
use crate::seal::{SealError, Sealer};

impl SqlStore {
    /// Whether a database holds secrets that a new key would not open. An error if `sealer`'s does not.
    pub(crate) async fn holds_secrets(
        database: impl Into<Database>,
        sealer: Option<&Sealer>,
    ) -> Result<bool, OpenError> {
        let database = database.into();
        if matches!(&database, Database::File(path) if !path.exists()) {
            return Ok(false);
        }
        let connection = Connector::new(database).writer().await?;
        let held = holds_any(&connection, sealer).await;
        connection.close().await?;
        held
    }
}

/// Whether anything is sealed in a database whose schema is up to date. An error if `sealer` has another key; something
/// that is damaged keeps nothing else out.
pub(super) async fn check(
    connection: &DatabaseConnection,
    sealer: Option<&Sealer>,
) -> Result<bool, OpenError> {
    let sql = Sql::new(
        "SELECT id, sealed FROM credential WHERE length(sealed) > 0 \
         UNION ALL SELECT 0, sealed FROM webhook LIMIT 1",
    );
    let row = connection.query_one_raw(sql.statement(connection.get_database_backend())).await?;
    let Some(row) = row else { return Ok(false) };
    let (row, sealed): (i64, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    match sealer.map(|sealer| sealer.open(row, &sealed)) {
        Some(Err(error @ SealError::OtherKey { .. })) => Err(OpenError::Sealed(error)),
        _ => Ok(true),
    }
}

/// The same of any database.
async fn holds_any(connection: &DatabaseConnection, sealer: Option<&Sealer>) -> Result<bool, OpenError> {
    // One that is older than the secrets, or new, has no tables of them.
    if has_table(connection).await? { check(connection, sealer).await } else { Ok(false) }
}

async fn has_table(connection: &DatabaseConnection) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'credential'",
        _ => "SELECT 1 FROM information_schema.tables WHERE table_name = 'credential'",
    };
    Ok(connection.query_one_raw(Sql::new(sql).statement(backend)).await?.is_some())
}
