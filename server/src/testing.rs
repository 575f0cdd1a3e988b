//! What packages that only test need of the inside: a store without a server round it. Nothing of it is stable.

use std::sync::Arc;

use crate::{
    Database, OpenError, SqlStore,
    seal::{SealKey, Sealer},
};

pub use crate::store::Synchronous;

/// Opens the store with a key that is always the same, so that it can be opened again.
pub async fn open_store(
    database: impl Into<Database>,
    synchronous: Synchronous,
) -> Result<SqlStore, OpenError> {
    let sealer = Arc::new(Sealer::new(&SealKey::from_bytes([7; 32])));
    SqlStore::open_synchronous(database.into(), synchronous, sealer).await
}
