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
        .await?;
        Ok(())
    }

    /// Gives the state in which it had ended before, if it had.
    pub(super) async fn end_operation(
        &mut self,
        id: OperationId,
        state: OperationState,
        at: Timestamp,
        result: &str,
    ) -> Result<Option<OperationState>, Failure> {
        let changed = self
            .change_open(id, |sql| {
                let sql = sql.text("state = ").bind(state.word()).text(", ended_at = ").bind(at.0);
                sql.text(", result = ").bind(text_column(result))
            })
            .await?;
        if changed {
            return Ok(None);
        }
        let sql = Sql::new("SELECT state FROM operation WHERE id = ").bind(id.0.as_bytes().to_vec());
        let Some(row) = self.query(sql).await?.pop() else { return Ok(None) };
        Ok(OperationState::from_word(&row.try_get_by_index::<String>(0)?))
    }

    /// Changes an operation that has not ended; leaves any other as it is, and gives false. Knows whether it was still queued.
    async fn change_open(&mut self, id: OperationId, set: impl Fn(Sql) -> Sql) -> Result<bool, Failure> {
        for from in [OperationState::Queued, OperationState::Sent] {
            let sql =
                set(Sql::new("UPDATE operation SET ")).text(" WHERE id = ").bind(id.0.as_bytes().to_vec());
            let changed = self.run(sql.text(" AND state = ").bind(from.word())).await?;
            if changed > 0 {
                if from == OperationState::Queued {
                    self.count(tally::QUEUED_OPERATIONS, -signed(changed));
                }
                return Ok(true);
            }
        }
        Ok(false)
    }
}
