//! Transactions of which it is not known whether they are durable: the answer to COMMIT was lost.
//!
//! They are neither acknowledged nor tried again. As soon as the database can be asked, what it kept says which it was, and
//! those who wait are told the truth.

use fleet::{Committed, NodeId, StoreError};
use sea_orm::{DatabaseConnection, EntityTrait as _};

use super::{OpenError, batch::Written, entity, postgres::PostgresError, work::Waiting};

/// Why a transaction is not known to be durable.
pub(super) enum Undone<T> {
    /// It has changed nothing.
    Refused(StoreError),
    /// It may have done what it was to do.
    Unknown(T),
}

/// Commits whose outcome is not known.
pub(super) struct Doubt {
    pub(super) group: Vec<Waiting>,
    pub(super) committed: Vec<Committed>,
    pub(super) written: Written,
}

/// The last numbers that this writer has given out, by which it knows its own writing again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) node: NodeId,
    pub(super) boots: i64,
    pub(super) sequence: i64,
    pub(super) event: i64,
}

impl Doubt {
    /// Whether it is durable, by the last number that the database has: each transaction has one of its own.
    pub(super) fn is_durable(&self, kept: Mark) -> bool {
        kept.sequence == self.written.numbers.sequence
    }
}

impl<T> From<StoreError> for Undone<T> {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// What the database has. An error if somebody else has written since `mark`: what is known here is then no longer true.
pub(super) async fn kept(connection: &DatabaseConnection, mark: Mark) -> Result<Mark, OpenError> {
    let node = entity::node::Entity::find_by_id(mark.node.0).one(connection).await?;
    let kept = node.as_ref().map(Mark::of).ok_or(StoreError::Corrupt { what: "node" })?;
    if kept.boots != mark.boots || kept.sequence > mark.sequence || kept.event > mark.event {
        return Err(PostgresError::Overtaken.into());
    }
    Ok(kept)
}

impl Mark {
    pub(super) fn of(node: &entity::node::Model) -> Self {
        Self { node: NodeId(node.id), boots: node.boots, sequence: node.sequence, event: node.event }
    }
}
