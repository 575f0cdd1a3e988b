//! The SQL store: [`SqlStore`] is [`fleet::Store`] on SQLite in a file, or on PostgreSQL by URL.
//!
//! Writes go through one task (`writer`), where commits that wait together share a transaction; `batch` turns their
//! changes into statements. Reads (`read`) have connections of their own. Rows (`entity`) never leave this module:
//! `encoding` makes domain types of them. `port` says which question goes where.

mod batch;
mod connect;
mod copied;
mod copy;
mod counters;
mod cursor;
mod doubt;
mod encoding;
mod entity;
mod failure;
mod fresh;
mod log;
mod place;
mod port;
mod postgres;
mod purge;
mod read;
mod recency;
mod retention;
mod sealed;
pub(crate) mod snapshot;
mod sql;
mod trouble;
mod work;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use fleet::{NodeId, StoreError, store::Trouble};
use migrations::MigrateError;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait as _};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    task::JoinHandle,
};

use connect::Connector;
use encoding::secure::records_column;
use failure::Failure;
use read::Reader;
use recency::{Heard, Recency};
use sql::Sql;
use trouble::Standing;
use work::Work;
use writer::{Opened, WINDOW, Writer};

pub use connect::{Database, Synchronous};
pub(crate) use copied::take_back;
pub(crate) use copy::copy;
pub use copy::{CopiedTable, CopyError, CopyHow};
pub use postgres::{PostgresError, PostgresUrl, PostgresUrlError};
pub(crate) use writer::MAX_WAITING;

use crate::seal::{SealError, Sealer};

/// Keeps the fleet in a database. Must be opened, used and dropped within a tokio runtime.
///
/// Dropping it without [`SqlStore::close`] loses nothing that was acknowledged.
pub struct SqlStore {
    queue: mpsc::Sender<Work>,
    writer: JoinHandle<()>,
    reader: Arc<Reader>,
    recency: Arc<Mutex<Recency>>,
    standing: Arc<Standing>,
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database can't be reached or is none.
    #[error("the database can't be opened: {}", migrations::plain(.0))]
    Connect(#[from] DbErr),
    /// Its fleet goes on in another.
    #[error(
        "{database} was copied to {to}, and the fleet goes on there: start the server on that one. If none has run on it, \
         `muster db take-back` lets one start here again"
    )]
    CopiedAway {
        /// Which.
        database: Database,
        /// Where it was copied to.
        to: String,
    },
    /// The file or its folder can't be made or opened.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its schema can't be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// PostgreSQL does not do.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The secrets that it holds are sealed with another key.
    #[error("the database's secrets can't be opened: {0}")]
    Sealed(SealError),
    /// What it holds can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is a copy, and a server might still start on what it was copied from.
    #[error("{0} is a copy that was cut off at its end: make it again with `muster db copy`")]
    Unfinished(Database),
}

impl OpenError {
    /// What is wrong, if it is something that people know what to do about.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        Some(trouble::trouble(self)).filter(|trouble| matches!(trouble, Trouble::Full | Trouble::Limited))
    }
}

impl SqlStore {
    /// Opens the database: makes the file if there is none, and brings the schema up to date.
    /// Secrets in it are sealed and opened by `sealer`.
    pub(crate) async fn open(database: impl Into<Database>, sealer: Arc<Sealer>) -> Result<Self, OpenError> {
        Self::open_with(Connector::new(database.into(), Synchronous::Full), WINDOW, sealer).await
    }

    /// Like [`SqlStore::open`], for tests that show what `synchronous` is good for.
    pub(crate) async fn open_synchronous(
        database: Database,
        synchronous: Synchronous,
        sealer: Arc<Sealer>,
    ) -> Result<Self, OpenError> {
        Self::open_with(Connector::new(database, synchronous), WINDOW, sealer).await
    }

    async fn open_with(
        connector: Connector,
        window: Duration,
        sealer: Arc<Sealer>,
    ) -> Result<Self, OpenError> {
        counters::describe();
        let file_error = |(path, error)| OpenError::File { path, error };
        connector.prepare().map_err(file_error)?;
        let mut place = connector.place().map_err(file_error)?;
        let connection = connector.writer().await?;
        copied::refuse(&connection, connector.database()).await?;
        migrations::migrate(&connection).await?;
        if let Some(place) = &mut place {
            place.mark(&connection).await?;
        }
        let node = entity::node::Entity::find_by_id(NodeId::SINGLE.0).one(&connection).await?;
        let node = node.ok_or(StoreError::Corrupt { what: "node" })?;

        let reader = Arc::new(Reader::new(connector.readers().await?, Arc::clone(&sealer)));
        sealed::check(&connection, Some(&*sealer)).await?;
        let mut recency = Recency::default();
        for (device, seen_at) in reader.leases().await? {
            recency.apply(Heard::Lives { device, seen_at });
        }
        let recency = Arc::new(Mutex::new(recency));
        let (queue, work) = mpsc::channel(MAX_WAITING);
        let standing = Arc::new(Standing::new(place));
        let (heard, troubled) = (Arc::clone(&recency), Arc::clone(&standing));
        let opened = Opened { connection, log: connector.log()?, reader: Arc::clone(&reader) };
        let writer = Writer::new(connector, opened, &node, sealer, heard, troubled, window);
        Ok(Self { queue, writer: tokio::spawn(writer.run(work)), reader, recency, standing })
    }

    /// Waits until all that was begun is done, and closes the database.
    pub async fn close(self) {
        drop(self.queue);
        if let Err(error) = self.writer.await {
            tracing::error!(error = %error, "the store's writer ended early");
        }
        self.reader.close().await;
    }

    /// Hands work to the writer, and waits for room if too much of it waits, and for the answer.
    async fn ask<T>(
        &self,
        work: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Work,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(work(reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(work)) => {
                counters::queue_full();
                self.queue.send(work).await.map_err(|_| StoreError::Unavailable)?;
            }
            Err(TrySendError::Closed(_)) => return Err(StoreError::Unavailable),
        }
        answer.await.map_err(|_| StoreError::Unavailable)?
    }
}

async fn boot(transaction: &DatabaseTransaction, node: NodeId) -> Result<u64, Failure> {
    let sql = Sql::new("UPDATE node SET boots = boots + 1 WHERE id = ").bind(node.0).text(" RETURNING boots");
    let row = transaction.query_one_raw(sql.statement(transaction.get_database_backend())).await?;
    let boots: i64 = row.ok_or(StoreError::Corrupt { what: "node" })?.try_get_by_index(0)?;
    Ok(u64::try_from(boots).map_err(|_| StoreError::Corrupt { what: "node" })?)
}

/// Raises what is reserved of every live session of the node: each is kept in relation to this number.
async fn begin_sessions(transaction: &DatabaseTransaction, node: NodeId, ahead: u64) -> Result<(), Failure> {
    let sql = Sql::new("UPDATE node SET session_ahead = session_ahead + ").bind(records_column(ahead));
    let sql = sql.text(" WHERE id = ").bind(node.0);
    transaction.execute_raw(sql.statement(transaction.get_database_backend())).await?;
    Ok(())
}

async fn touch(transaction: &DatabaseTransaction, node: NodeId) -> Result<(), Failure> {
    let sql = Sql::new("UPDATE node SET boots = boots WHERE id = ").bind(node.0);
    transaction.execute_raw(sql.statement(transaction.get_database_backend())).await?;
    Ok(())
}
