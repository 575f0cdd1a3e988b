//! Reads, on connections of their own: they wait for no commit, and see whole commits only.

pub(super) mod artefact;
pub(super) mod configuration;
pub(super) mod devices;
pub(super) mod group;
pub(super) mod identity;
pub(super) mod lists;
pub(super) mod people;
pub(super) mod queue;
pub(super) mod restore;
pub(super) mod secure;
pub(super) mod told;
pub(super) mod update;
pub(super) mod wish;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use fleet::StoreError;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, FromQueryResult,
    IsolationLevel, QueryResult, TransactionTrait as _,
};

use super::{counters, sql::Sql};
use crate::seal::Sealer;

pub(super) struct Reader {
    connection: RwLock<DatabaseConnection>,
    sealer: Arc<Sealer>,
    failing: AtomicBool,
}

impl Reader {
    pub(super) fn new(connection: DatabaseConnection, sealer: Arc<Sealer>) -> Self {
        Self { connection: RwLock::new(connection), sealer, failing: AtomicBool::new(false) }
    }

    pub(super) fn connection(&self) -> DatabaseConnection {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn close(&self) {
        if let Err(error) = self.connection().close().await {
            tracing::warn!(error = %error, "the store did not close well");
        }
    }

    /// With other connections than those that were closed.
    pub(super) fn reopen(&self, connection: DatabaseConnection) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Several queries that see the same state.
    pub(super) async fn snapshot(&self) -> Result<DatabaseTransaction, StoreError> {
        let connection = self.connection();
        let begun = match connection.get_database_backend() {
            // SQLite's transactions are snapshots.
            DbBackend::Sqlite => connection.begin().await,
            _ => {
                let isolation = Some(IsolationLevel::RepeatableRead);
                connection.begin_with_config(isolation, Some(AccessMode::ReadOnly)).await
            }
        };
        self.checked(begun)
    }

    pub(super) async fn rows<T: FromQueryResult>(
        &self,
        connection: &impl ConnectionTrait,
        sql: Sql,
    ) -> Result<Vec<T>, StoreError> {
        let rows = connection.query_all_raw(sql.statement(connection.get_database_backend())).await;
        let rows = rows.and_then(|rows| rows.iter().map(|row| T::from_query_result(row, "")).collect());
        self.checked(rows)
    }

    /// Rows of which one part is a table's and the other is not.
    async fn pairs<T: FromQueryResult, U: FromQueryResult>(
        &self,
        connection: &impl ConnectionTrait,
        sql: Sql,
    ) -> Result<Vec<(T, U)>, StoreError> {
        let rows = connection.query_all_raw(sql.statement(connection.get_database_backend())).await;
        let pair = |row: &QueryResult| Ok((T::from_query_result(row, "")?, U::from_query_result(row, "")?));
        self.checked(rows.and_then(|rows| rows.iter().map(pair).collect()))
    }

    /// Tells the log once what went wrong, and the caller that the store is not available.
    pub(super) fn checked<T>(&self, result: Result<T, DbErr>) -> Result<T, StoreError> {
        let failed = result.is_err();
        let before = self.failing.swap(failed, Ordering::Relaxed);
        result.map_err(|error| {
            counters::error();
            if !before {
                tracing::error!(error = migrations::plain(&error), "the store can't read");
            }
            StoreError::Unavailable
        })
    }
}
