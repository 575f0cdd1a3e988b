//! The one task that writes: commits that wait together share a transaction, and are answered once it is durable.

mod connection;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{Committed, NodeId, StoreError, Timestamp};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use tokio::{
    sync::{mpsc, oneshot::Sender},
    time::{Instant, timeout, timeout_at},
};

use super::{
    batch::{Batch, Numbers, Written},
    connect::Connector,
    counters,
    doubt::{Doubt, Undone},
    entity,
    failure::{Failure, within},
    log::Log,
    purge,
    read::Reader,
    recency::Recency,
    retention::{self, Outgrown},
    trouble::Standing,
    work::{Waiting, Work},
};
use crate::seal::Sealer;

pub(super) struct Writer {
    connector: Connector,
    /// None after an error: what a connection is worth then can't be known, so the next attempt makes a new one.
    connection: Option<DatabaseConnection>,
    /// Of a database that is a file.
    log: Option<Log>,
    reader: Arc<Reader>,
    /// Whether the readers were closed too, so that nobody has an earlier log open.
    is_closed: bool,
    node: NodeId,
    boots: i64,
    sealer: Arc<Sealer>,
    /// They never go back, whatever becomes of a transaction.
    numbers: Numbers,
    /// Those whose answer to COMMIT was lost with the last connection.
    doubt: Option<Doubt>,
    /// When a connection is tried again after one could not be made.
    retry_at: Option<Instant>,
    recency: Arc<Mutex<Recency>>,
    /// How long a group waits for those who were in the last one.
    window: Duration,
    /// How many commits the last group held: as many are likely to come again at once.
    company: usize,
    standing: Arc<Standing>,
}

/// What stands open when it begins.
pub(super) struct Opened {
    pub(super) connection: DatabaseConnection,
    pub(super) log: Option<Log>,
    pub(super) reader: Arc<Reader>,
}

/// How many commits wait for the task at most; who comes then waits for room.
pub(crate) const MAX_WAITING: usize = 4_096;
/// How many commits share a transaction at most.
const MAX_GROUP: usize = 512;
/// How long a group waits for those who were in the last one.
pub(super) const WINDOW: Duration = Duration::from_millis(2);
/// How often a database that fails is tried while nobody asks for anything.
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// How often the files of a database that is well are looked at while nobody asks for anything.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many commits of a group that failed are tried one by one with a database that takes none of them.
const MAX_FUTILE: usize = 3;
/// A group that took longer to fail was not failed by one of its commits.
const FAILS_AT_ONCE: Duration = Duration::from_secs(1);
/// How long the database is left alone after it could not be reached.
const RETRY: Duration = Duration::from_millis(250);

impl Writer {
    pub(super) fn new(
        connector: Connector,
        opened: Opened,
        node: &entity::node::Model,
        sealer: Arc<Sealer>,
        recency: Arc<Mutex<Recency>>,
        standing: Arc<Standing>,
        window: Duration,
    ) -> Self {
        Self {
            connector,
            connection: Some(opened.connection),
            log: opened.log,
            reader: opened.reader,
            is_closed: false,
            node: NodeId(node.id),
            boots: node.boots,
            sealer,
            numbers: Numbers { sequence: node.sequence, event: node.event },
            doubt: None,
            retry_at: None,
            recency,
            window,
            company: 1,
            standing,
        }
    }

    /// Works until everybody who could ask for something is gone.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut next = None;
        loop {
            let work = match next.take() {
                Some(work) => work,
                None => match self.next(&mut queue).await {
                    Some(work) => work,
                    None => break,
                },
            };
            match work {
                Work::Commit(first) => {
                    let mut group = vec![first];
                    next = self.gather(&mut group, &mut queue).await;
                    self.commit_group(group).await;
                }
                Work::Boot(reply) => answer(reply, self.boot().await),
                Work::Sessions(ahead, reply) => answer(reply, self.begin_sessions(ahead).await),
                Work::Check(reply) => answer(reply, self.check().await),
                Work::PurgeValues(outgrown, reply) => answer(reply, self.purge_values(outgrown).await),
                Work::Purge(now, reply) => answer(reply, self.purge(now).await),
            }
        }
        if self.doubt.is_some() {
            self.connection = self.connected().await.ok();
        }
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the store did not close well");
        }
    }

    /// What is asked for next. Meanwhile those in doubt are cleared up, a database that fails is tried, and its files are
    /// looked at: nobody needs to ask for something to learn that they are gone or back.
    async fn next(&mut self, queue: &mut mpsc::Receiver<Work>) -> Option<Work> {
        loop {
            let is_well = self.doubt.is_none() && self.standing.trouble().is_none();
            if let Ok(work) = timeout(if is_well { LOOK_EVERY } else { TRY_AGAIN }, queue.recv()).await {
                return work;
            }
            if is_well {
                // As is what comes of this.
                drop(self.in_place().await);
            } else {
                // What comes of it is kept by those who do it.
                drop(self.check().await);
            }
        }
    }

    /// Takes what waits already. Waits for more only while the group is smaller than the last one was: whoever is alone
    /// waits for nobody.
    async fn gather(&mut self, group: &mut Vec<Waiting>, queue: &mut mpsc::Receiver<Work>) -> Option<Work> {
        let deadline = Instant::now() + self.window;
        let mut other = None;
        while group.len() < MAX_GROUP {
            let work = match queue.try_recv() {
                Ok(work) => work,
                Err(_) if group.len() >= self.company => break,
                Err(_) => match timeout_at(deadline, queue.recv()).await {
                    Ok(Some(work)) => work,
                    Ok(None) | Err(_) => break,
                },
            };
            match work {
                Work::Commit(waiting) => group.push(waiting),
                work => {
                    other = Some(work);
                    break;
                }
            }
        }
        self.company = group.len();
        other
    }

    async fn commit_group(&mut self, group: Vec<Waiting>) {
        let started = Instant::now();
        match self.commit(&group).await {
            Ok(committed) => answer_all(group, committed.into_iter().map(Ok)),
            Err(Undone::Unknown((committed, written))) => {
                self.doubt = Some(Doubt { group, committed, written })
            }
            Err(Undone::Refused(error)) if group.len() == 1 || started.elapsed() > FAILS_AT_ONCE => {
                answer_all(group, std::iter::repeat(Err(error)));
            }
            Err(Undone::Refused(_)) => self.commit_one_by_one(group).await,
        }
    }

    /// What a group did not get through together: one that can't be taken must not hurt the others.
    async fn commit_one_by_one(&mut self, group: Vec<Waiting>) {
        let mut futile = 0;
        for waiting in group {
            let group = vec![waiting];
            let done = if futile < MAX_FUTILE {
                self.commit(&group).await
            } else {
                Err(StoreError::Unavailable.into())
            };
            futile =
                if matches!(done, Err(Undone::Refused(StoreError::Unavailable))) { futile + 1 } else { 0 };
            match done {
                Ok(committed) => answer_all(group, committed.into_iter().map(Ok)),
                Err(Undone::Refused(error)) => answer_all(group, std::iter::once(Err(error))),
                Err(Undone::Unknown((committed, written))) => {
                    self.doubt = Some(Doubt { group, committed, written });
                }
            }
        }
    }

    async fn commit(
        &mut self,
        group: &[Waiting],
    ) -> Result<Vec<Committed>, Undone<(Vec<Committed>, Written)>> {
        let started = Instant::now();
        let transaction = self.begin().await?;
        let applied = self.apply(&transaction, group).await;
        let (committed, written) = self.end(transaction, applied).await?;
        self.hear(written);
        counters::group(group.len(), started.elapsed());
        Ok(committed)
    }

    fn hear(&self, written: Written) {
        let mut recency = self.recency.lock().unwrap_or_else(PoisonError::into_inner);
        written.heard.into_iter().for_each(|heard| recency.apply(heard));
    }

    async fn apply(
        &mut self,
        transaction: &DatabaseTransaction,
        group: &[Waiting],
    ) -> Result<(Vec<Committed>, Written), Failure> {
        let applied = async {
            let mut batch = Batch::new(transaction, &self.sealer, self.node, self.numbers);
            let mut committed = Vec::with_capacity(group.len());
            for waiting in group {
                committed.push(batch.apply(&waiting.commit).await?);
            }
            Ok::<_, Failure>((committed, batch.finish().await?))
        };
        let applied = within(self.connector.patience(), applied).await?;
        self.numbers = applied.1.numbers;
        Ok(applied)
    }

    async fn boot(&mut self) -> Result<u64, StoreError> {
        let transaction = self.begin().await?;
        let counted = super::boot(&transaction, self.node).await;
        let boots = self.finish(transaction, counted).await?;
        self.boots = i64::try_from(boots).unwrap_or(i64::MAX);
        Ok(boots)
    }

    async fn begin_sessions(&mut self, ahead: u64) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let begun = super::begin_sessions(&transaction, self.node, ahead).await;
        self.finish(transaction, begun).await
    }

    async fn check(&mut self) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        let written = super::touch(&transaction, self.node).await;
        self.finish(transaction, written).await
    }

    async fn purge_values(&mut self, outgrown: Vec<Outgrown>) -> Result<Vec<Outgrown>, StoreError> {
        let transaction = self.begin().await?;
        let left = retention::step(&transaction, outgrown).await;
        self.finish(transaction, left).await
    }

    async fn purge(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let purged = purge::step(&transaction, now, self.numbers.event).await;
        self.finish(transaction, purged).await
    }

    async fn begin(&mut self) -> Result<DatabaseTransaction, StoreError> {
        let connection = self.connected().await?;
        // Immediate: a lock that is held by somebody else is waited for here, and not run into half way.
        let mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        match within(self.connector.patience(), connection.begin_with_options(options)).await {
            Ok(transaction) => {
                self.connection = Some(connection);
                Ok(transaction)
            }
            Err(error) => Err(self.lost(&error)),
        }
    }

    async fn finish<T>(
        &mut self,
        transaction: DatabaseTransaction,
        done: Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.end(transaction, done).await.map_err(|undone| match undone {
            Undone::Refused(error) => error,
            // It does no harm if it is done twice.
            Undone::Unknown(_) => StoreError::Unavailable,
        })
    }

    async fn end<T>(
        &mut self,
        transaction: DatabaseTransaction,
        done: Result<T, Failure>,
    ) -> Result<T, Undone<T>> {
        let error = match done {
            Ok(done) => {
                if let Err(error) = within(self.connector.patience(), transaction.commit()).await {
                    self.lost(&error);
                    return Err(Undone::Unknown(done));
                }
                if self.in_place().await.is_err() {
                    return Err(Undone::Unknown(done));
                }
                self.standing.worked();
                return Ok(done);
            }
            Err(Failure::Conflict) => StoreError::Conflict,
            Err(Failure::Corrupt(error)) => error,
            Err(Failure::Database(error)) => {
                // SQLite may have rolled back by itself; the connection is given up in any case.
                drop(within(self.connector.patience(), transaction.rollback()).await);
                return Err(self.lost(&error).into());
            }
        };
        match within(self.connector.patience(), transaction.rollback()).await {
            Ok(()) => Err(error.into()),
            Err(error) => Err(self.lost(&error).into()),
        }
    }
}

fn answer_all(group: Vec<Waiting>, outcomes: impl Iterator<Item = Result<Committed, StoreError>>) {
    for (waiting, outcome) in group.into_iter().zip(outcomes) {
        counters::committed(&outcome);
        answer(waiting.reply, outcome);
    }
}

fn answer<T>(reply: Sender<T>, outcome: T) {
    // Whoever asked may have gone.
    drop(reply.send(outcome));
}
