//! What the writer writes through: a connection whose files are those that the next start finds, or another one.

use fleet::StoreError;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};
use tokio::time::Instant;

use super::{RETRY, Writer, answer_all};
use crate::{
    OpenError,
    store::{
        batch::Numbers,
        counters,
        doubt::{Doubt, Mark, kept},
        failure::within,
        log::{Astray, Log},
        place::Displaced,
        sql::Sql,
    },
};

impl Writer {
    /// The connection, or another one once the database has said what it kept of the last one's work.
    pub(super) async fn connected(&mut self) -> Result<DatabaseConnection, StoreError> {
        self.in_place().await?;
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(StoreError::Unavailable);
        }
        let (connection, kept) = match self.connect().await {
            Ok(found) => found,
            Err(error) => {
                self.retry_at = Some(Instant::now() + RETRY);
                return Err(self.lost(&error));
            }
        };
        self.retry_at = None;
        if let Some(doubt) = self.doubt.take() {
            self.clear_up(doubt, kept);
        }
        Ok(connection)
    }

    async fn connect(&mut self) -> Result<(DatabaseConnection, Mark), OpenError> {
        let Numbers { sequence, event } = self.numbers;
        let mark = Mark { node: self.node, boots: self.boots, sequence, event };
        let connection = self.connector.writer().await?;
        let kept = within(self.connector.patience(), kept(&connection, mark)).await?;
        if self.is_closed {
            self.reader.reopen(self.connector.readers().await?);
            self.log = self.connector.log()?;
            self.is_closed = false;
        }
        Ok((connection, kept))
    }

    fn clear_up(&mut self, doubt: Doubt, kept: Mark) {
        let is_durable = doubt.is_durable(kept);
        let Doubt { group, committed, written } = doubt;
        if is_durable {
            self.hear(written);
            self.standing.worked();
            answer_all(group, committed.into_iter().map(Ok));
        } else {
            answer_all(group, std::iter::repeat(Err(StoreError::Unavailable)));
        }
    }

    /// Durable is what the next start finds.
    pub(super) async fn in_place(&mut self) -> Result<(), StoreError> {
        if let Err(displaced) = self.standing.in_place() {
            if matches!(displaced, Displaced::Overwritten(_)) {
                // What was put there is not to be mixed with what was written to another.
                self.empty_log();
            }
            return Err(self.lost(&displaced));
        }
        match self.log.as_mut().map_or(Ok(()), Log::check) {
            Ok(()) => Ok(()),
            Err(astray) => self.leave_log(astray).await,
        }
    }

    /// Puts what the log held into the database, as far as it is whole, and gives up all that have it open: the next connections
    /// begin another.
    async fn leave_log(&mut self, astray: Astray) -> Result<(), StoreError> {
        if astray == Astray::Cut {
            // The next start goes on with what is there. SQLite does not know where that ends: whoever closes the database last
            // would write it there with holes, so this one stays open until the process ends.
            std::mem::forget(self.connection.take());
            return Err(self.lost(&astray));
        }
        if astray == Astray::Spoiled {
            self.empty_log();
        }
        if let Some(connection) = self.connection.take() {
            drop(connection.close().await);
        }
        match self.checkpoint().await {
            Ok(true) => {}
            Ok(false) => return Err(self.lost(&Astray::Held)),
            Err(error) if astray == Astray::Gone => return Err(self.lost(&error)),
            Err(_) => return Err(self.lost(&astray)),
        }
        self.reader.close().await;
        self.log = None;
        self.is_closed = true;
        counters::error();
        tracing::error!(
            "{astray}; nothing is lost, all that it held is in the database, and another is begun: leave the files beside \
             the database alone while the server runs"
        );
        Ok(())
    }

    fn empty_log(&self) {
        if let Some(Err(error)) = self.log.as_ref().map(Log::empty) {
            tracing::error!(error = %error, "what is left of muster.db-wal can't be emptied");
        }
    }

    /// Whether all of the log is in the database. Readers are asked, for they have the log open that is known: the writer's
    /// connection may be a later one.
    async fn checkpoint(&self) -> Result<bool, DbErr> {
        let sql = Sql::new("PRAGMA wal_checkpoint(TRUNCATE)").statement(DbBackend::Sqlite);
        let row = self.reader.connection().query_one_raw(sql).await?;
        Ok(row.map_or(Ok(1), |row| row.try_get_by_index::<i64>(0))? == 0)
    }

    pub(super) fn lost(&mut self, error: &(dyn std::error::Error + 'static)) -> StoreError {
        self.connection = None;
        counters::error();
        self.standing.failed(error);
        StoreError::Unavailable
    }
}
