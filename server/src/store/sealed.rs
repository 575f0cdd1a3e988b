//! What is sealed in a database, and with which key: looked at before a key is made and before a store is opened.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};

use super::{Database, OpenError, SqlStore, Synchronous, connect::Connector, sql::Sql};
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
        let connection = Connector::new(database, Synchronous::Full).readers().await?;
        let held = check(&connection, sealer).await;
        connection.close().await?;
        held
    }
}

/// Whether anything is sealed in a database. An error if `sealer` has another key; something that is damaged keeps nothing
/// else out. One that is older than a table of secrets, or new, does not have it.
pub(super) async fn check(
    connection: &DatabaseConnection,
    sealer: Option<&Sealer>,
) -> Result<bool, OpenError> {
    for (table, id, sealed_in) in TABLES {
        if !has_table(connection, table).await? {
            continue;
        }
        let sql = format!("SELECT {id}, sealed FROM {table} WHERE length(sealed) > 0 LIMIT 1");
        let row =
            connection.query_one_raw(Sql::new(&sql).statement(connection.get_database_backend())).await?;
        let Some(row) = row else { continue };
        let (row, sealed): (i64, Vec<u8>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        return match sealer.map(|sealer| sealer.open_in(sealed_in, row, &sealed)) {
            Some(Err(error @ SealError::OtherKey { .. })) => Err(OpenError::Sealed(error)),
            _ => Ok(true),
        };
    }
    Ok(false)
}

async fn has_table(connection: &DatabaseConnection, table: &str) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = ",
        _ => "SELECT 1 FROM information_schema.tables WHERE table_name = ",
    };
    Ok(connection.query_one_raw(Sql::new(sql).bind(table).statement(backend)).await?.is_some())
}

/// What secrets of the server's own are sealed in.
pub(super) const OWN_KEY: &str = "own_key";
/// What secure sessions are sealed in.
pub(super) const SESSION: &str = "dtls_session";

/// Where something is sealed: the table, the number of its rows, and what it is sealed in. The one with most rows that hold
/// nothing comes last.
const TABLES: [(&str, &str, &str); 4] =
    [(OWN_KEY, "id", OWN_KEY), ("webhook", "0", ""), (SESSION, "id", SESSION), ("credential", "id", "")];
