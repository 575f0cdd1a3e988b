//! The one task that writes: commits that wait together share a transaction, and are answered once it is durable.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{Commit, Committed, NodeId, StoreError, Timestamp};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};
use tokio::{
    sync::{mpsc, oneshot::Sender},
    time::{Instant, timeout_at},
};

use super::{
    batch::{Batch, Numbers, Written},
    connect::Connector,
    counters,
    failure::Failure,
    purge,
    recency::Recency,
};
use crate::seal::Sealer;

/// What the task is asked for. An answer that nobody waits for any more is dropped; the work is done all the same.
pub(super) enum Work {
    Commit(Waiting),
    /// Counts a start.
    Boot(Sender<Result<u64, StoreError>>),
    /// Gives the live secure sessions so many numbers more.
    Sessions(u64, Sender<Result<(), StoreError>>),
    /// Writes something that changes nothing.
    Check(Sender<Result<(), StoreError>>),
    /// Takes one step of a purge; true if there is more to do.
    Purge(Timestamp, Sender<Result<bool, StoreError>>),
}

/// A commit that waits for its answer.
pub(super) struct Waiting {
    pub(super) commit: Commit,
    pub(super) reply: Sender<Result<Committed, StoreError>>,
}

pub(super) struct Writer {
    connector: Connector,
    /// None after an error: what a connection is worth then can't be known, so the next attempt makes a new one.
    connection: Option<DatabaseConnection>,
    node: NodeId,
    sealer: Arc<Sealer>,
    /// They never go back, whatever becomes of a transaction.
    numbers: Numbers,
    recency: Arc<Mutex<Recency>>,
    /// How many commits the last group held: as many are likely to come again at once.
    company: usize,
    failing: bool,
}

/// How many commits wait for the task at most; who comes then waits for room.
pub(super) const MAX_WAITING: usize = 4_096;
/// How many commits share a transaction at most.
const MAX_GROUP: usize = 512;
/// How long a group waits for those who were in the last one.
const WINDOW: Duration = Duration::from_millis(2);
/// How many commits of a group that failed are tried one by one with a database that takes none of them.
const MAX_FUTILE: usize = 3;

impl Writer {
    pub(super) fn new(
        connector: Connector,
        connection: DatabaseConnection,
        node: NodeId,
        sealer: Arc<Sealer>,
        numbers: Numbers,
        recency: Arc<Mutex<Recency>>,
    ) -> Self {
        Self {
            connector,
            connection: Some(connection),
            node,
            sealer,
            numbers,
            recency,
            company: 1,
            failing: false,
        }
    }

    /// Works until everybody who could ask for something is gone.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut next = None;
        loop {
            let work = match next.take() {
                Some(work) => work,
                None => match queue.recv().await {
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
                Work::Purge(now, reply) => answer(reply, self.purge(now).await),
            }
        }
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the store did not close well");
        }
    }

    /// Takes what waits already. Waits for more only while the group is smaller than the last one was: whoever is alone
    /// waits for nobody.
    async fn gather(&mut self, group: &mut Vec<Waiting>, queue: &mut mpsc::Receiver<Work>) -> Option<Work> {
        let deadline = Instant::now() + WINDOW;
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
        let commits: Vec<&Commit> = group.iter().map(|waiting| &waiting.commit).collect();
        let outcomes = match self.commit(&commits).await {
            Ok(committed) => committed.into_iter().map(Ok).collect(),
            Err(error) if group.len() == 1 => vec![Err(error)],
            Err(_) => self.commit_one_by_one(&commits).await,
        };
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            counters::committed(&outcome);
            answer(waiting.reply, outcome);
        }
    }

    /// What a group did not get through together: one that can't be taken must not hurt the others.
    async fn commit_one_by_one(&mut self, commits: &[&Commit]) -> Vec<Result<Committed, StoreError>> {
        let mut futile = 0;
        let mut outcomes = Vec::with_capacity(commits.len());
        for commit in commits {
            let outcome = if futile < MAX_FUTILE {
                self.commit(&[commit]).await.map(|committed| committed.first().copied().unwrap_or_default())
            } else {
                Err(StoreError::Unavailable)
            };
            futile = if outcome == Err(StoreError::Unavailable) { futile + 1 } else { 0 };
            outcomes.push(outcome);
        }
        outcomes
    }

    async fn commit(&mut self, commits: &[&Commit]) -> Result<Vec<Committed>, StoreError> {
        let started = Instant::now();
        let transaction = self.begin().await?;
        let applied = self.apply(&transaction, commits).await;
        let (committed, written) = self.finish(transaction, applied).await?;
        let mut recency = self.recency.lock().unwrap_or_else(PoisonError::into_inner);
        written.heard.into_iter().for_each(|heard| recency.apply(heard));
        counters::group(commits.len(), started.elapsed());
        Ok(committed)
    }

    async fn apply(
        &mut self,
        transaction: &DatabaseTransaction,
        commits: &[&Commit],
    ) -> Result<(Vec<Committed>, Written), Failure> {
        let mut batch = Batch::new(transaction, &self.sealer, self.node, self.numbers);
        let mut committed = Vec::with_capacity(commits.len());
        for commit in commits {
            committed.push(batch.apply(commit).await?);
        }
        let written = batch.finish().await?;
        self.numbers = written.numbers;
        Ok((committed, written))
    }

    async fn boot(&mut self) -> Result<u64, StoreError> {
        let transaction = self.begin().await?;
        let counted = super::boot(&transaction, self.node).await;
        self.finish(transaction, counted).await
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

    async fn purge(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let transaction = self.begin().await?;
        let purged = purge::step(&transaction, now, self.numbers.event).await;
        self.finish(transaction, purged).await
    }

    async fn begin(&mut self) -> Result<DatabaseTransaction, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.connector.writer().await {
                Ok(connection) => connection,
                Err(error) => return Err(self.lost(&error)),
            },
        };
        // Immediate: a lock that is held by somebody else is waited for here, and not run into half way.
        let mode = Some(SqliteTransactionMode::Immediate);
        let options = TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
        match connection.begin_with_options(options).await {
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
        let error = match done {
            Ok(done) => match transaction.commit().await {
                Ok(()) => {
                    self.works();
                    return Ok(done);
                }
                Err(error) => return Err(self.lost(&error)),
            },
            Err(Failure::Conflict) => StoreError::Conflict,
            Err(Failure::Corrupt(error)) => error,
            Err(Failure::Database(error)) => {
                // SQLite may have rolled back by itself; the connection is given up in any case.
                drop(transaction.rollback().await);
                return Err(self.lost(&error));
            }
        };
        match transaction.rollback().await {
            Ok(()) => Err(error),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&mut self, error: &DbErr) -> StoreError {
        self.connection = None;
        counters::error();
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(error = %error, "the store can't write; nothing is acknowledged until it can");
        }
        StoreError::Unavailable
    }

    fn works(&mut self) {
        if std::mem::replace(&mut self.failing, false) {
            tracing::info!("the store can write again");
        }
    }
}

fn answer<T>(reply: Sender<T>, outcome: T) {
    // Whoever asked may have gone.
    drop(reply.send(outcome));
}
