//! Where the database is.

use serde::Deserialize;

use crate::store::PostgresUrl;

/// The database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// A PostgreSQL, in place of the SQLite file in the data folder.
    pub url: Option<PostgresUrl>,
}
