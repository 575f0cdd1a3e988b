//! What goes wrong in a transaction, told apart: a conflict is the caller's, everything else the database's.

use fleet::StoreError;
use sea_orm::{DbErr, SqlErr};

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
