//! A database that no server has been started on yet.

use fleet::NodeId;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, TransactionTrait as _};

use super::{
    Database, OpenError, SqlStore, Synchronous, boot, connect::Connector, copied, failure::Failure,
    sealed::has_table, sql::Sql,
};

impl SqlStore {
    /// Whether there is none, or one that nobody has used. An error if it was copied away.
    pub(crate) async fn is_fresh(database: &Database) -> Result<bool, OpenError> {
        if let Database::File(path) = database
            && path.metadata().map_or_else(|_| !path.exists(), |file| file.len() == 0)
        {
            return Ok(true);
        }
        let connection = Connector::new(database.clone(), Synchronous::Full).readers().await?;
        let used = match copied::refuse(&connection, database).await {
            Ok(()) => is_used(&connection).await,
            Err(refused) => Err(refused),
        };
        connection.close().await?;
        Ok(!used?)
    }

    /// Makes a database, and counts a start in it: from then on it is not fresh.
    pub(crate) async fn make(database: Database) -> Result<(), OpenError> {
        let connector = Connector::new(database, Synchronous::Full);
        connector.prepare().map_err(|(path, error)| OpenError::File { path, error })?;
        let connection = connector.writer().await?;
        migrations::migrate(&connection).await?;
        let transaction = connection.begin().await?;
        match boot(&transaction, NodeId::SINGLE).await {
            Ok(_) => transaction.commit().await?,
            Err(Failure::Conflict) => return Err(fleet::StoreError::Conflict.into()),
            Err(Failure::Corrupt(error)) => return Err(error.into()),
            Err(Failure::Database(error)) => return Err(error.into()),
        }
        Ok(connection.close().await?)
    }
}

async fn is_used(connection: &DatabaseConnection) -> Result<bool, OpenError> {
    if !has_table(connection, "node").await? {
        return Ok(false);
    }
    // Accounts can be made before the first start.
    let sql = "SELECT 1 FROM node WHERE boots > 0 UNION ALL SELECT 1 FROM user_account UNION ALL SELECT 1 FROM device LIMIT 1";
    let row = connection.query_one_raw(Sql::new(sql).statement(connection.get_database_backend())).await?;
    Ok(row.is_some())
}
