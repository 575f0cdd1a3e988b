//! Operations: from the queue to their one end.

use fleet::{OperationId, OperationRecord, OperationState, Timestamp};

use super::{Batch, signed, tally};
use crate::store::{
    encoding::{Word, rows, text_column},
    failure::Failure,
    sql::Sql,
};

impl Batch<'_> {
    pub(super) async fn queue_operation(&mut self, record: &OperationRecord) -> Result<(), Failure> {
        self.insert(rows::operation_row(record)).await?;
        if record.state == OperationState::Queued {
            self.count(tally::QUEUED_OPERATIONS, 1);
        }
        Ok(())
    }

    pub(super) async fn send_operation(&mut self, id: OperationId, at: Timestamp) -> Result<(), Failure> {
        self.change_open(id, |sql| {
            sql.text("state = ").bind(OperationState::Sent.word()).text(", sent_at = ").bind(at.0)
        })
        .await
    }

    pub(super) async fn end_operation(
        &mut self,
        id: OperationId,
        state: OperationState,
        at: Timestamp,
        result: &str,
    ) -> Result<(), Failure> {
        self.change_open(id, |sql| {
            let sql = sql.text("state = ").bind(state.word()).text(", ended_at = ").bind(at.0);
            sql.text(", result = ").bind(text_column(result))
        })
        .await
    }

    /// Changes an operation that has not ended; leaves any other as it is. Knows whether it was still queued.
    async fn change_open(&mut self, id: OperationId, set: impl Fn(Sql) -> Sql) -> Result<(), Failure> {
        for from in [OperationState::Queued, OperationState::Sent] {
            let sql =
                set(Sql::new("UPDATE operation SET ")).text(" WHERE id = ").bind(id.0.as_bytes().to_vec());
            let changed = self.run(sql.text(" AND state = ").bind(from.word())).await?;
            if changed > 0 {
                if from == OperationState::Queued {
                    self.count(tally::QUEUED_OPERATIONS, -signed(changed));
                }
                break;
            }
        }
        Ok(())
    }
}
