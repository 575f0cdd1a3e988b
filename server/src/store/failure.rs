//! What goes wrong in a transaction, told apart: a conflict is the caller's, everything else the database's.

use std::time::Duration;

use fleet::StoreError;
use sea_orm::{DbErr, RuntimeErr, SqlErr};
use tokio::time::timeout;

/// Why a transaction can't go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something must be unique and is not, or a row it refers to is not there.
    Conflict,
    /// A row can't be understood.
    Corrupt(StoreError),
    /// The database can't be reached, is full, or refuses for a reason that no caller can know.
    Database(DbErr),
}

impl From<DbErr> for Failure {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::Conflict
            }
            _ => Self::Database(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            error => Self::Corrupt(error),
        }
    }
}

/// Waits for an answer no longer than `patience`, if there is a limit.
pub(super) async fn within<T, E: From<DbErr>>(
    patience: Option<Duration>,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(limit) = patience else { return answer.await };
    let silent = || DbErr::Conn(RuntimeErr::Internal(format!("no answer within {} s", limit.as_secs())));
    timeout(limit, answer).await.unwrap_or_else(|_| Err(silent().into()))
}
