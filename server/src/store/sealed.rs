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
        let Some((row, sealed)) = first(connection, table, id).await? else { continue };
        return match sealer.map(|sealer| sealer.open_in(sealed_in, row, &sealed)) {
            Some(Err(error @ SealError::OtherKey { .. })) => Err(OpenError::Sealed(error)),
            _ => Ok(true),
        };
    }
    Ok(false)
}

/// Opens a secret of each table that has any.
pub(super) async fn open_each(connection: &DatabaseConnection, sealer: &Sealer) -> Result<(), OpenError> {
    for (table, id, sealed_in) in TABLES {
        if let Some((row, sealed)) = first(connection, table, id).await? {
            sealer.open_in(sealed_in, row, &sealed).map_err(OpenError::Sealed)?;
        }
    }
    Ok(())
}

/// The first secret of a table with the number of its row.
async fn first(
    connection: &DatabaseConnection,
    table: &str,
    id: &str,
) -> Result<Option<(i64, Vec<u8>)>, DbErr> {
    if !has_table(connection, table).await? {
        return Ok(None);
    }
    let sql = format!("SELECT {id}, sealed FROM {table} WHERE length(sealed) > 0 LIMIT 1");
    let row = connection.query_one_raw(Sql::new(&sql).statement(connection.get_database_backend())).await?;
    row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
}

pub(super) async fn has_table(connection: &DatabaseConnection, table: &str) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = ",
        _ => {
            "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = "
        }
    };
    Ok(connection.query_one_raw(Sql::new(sql).bind(table).statement(backend)).await?.is_some())
}

/// What secrets of the server's own are sealed in.
pub(super) const OWN_KEY: &str = "own_key";
/// What secure sessions are sealed in.
pub(super) const SESSION: &str = "dtls_session";
/// What secrets of baselines are sealed in.
pub(super) const BASELINE: &str = "baseline";

/// Where something is sealed: the table, the number of its rows, and what it is sealed in. The one with most rows that hold
/// nothing comes last.
const TABLES: [(&str, &str, &str); 5] = [
    (OWN_KEY, "id", OWN_KEY),
    ("webhook", "0", ""),
    ("baseline", "number", BASELINE),
    (SESSION, "id", SESSION),
    ("credential", "id", ""),
];
