//! Drops what is past its time, a little at a time, so that commits are not kept waiting.
//!
//! Histories, timelines, the diary, bootstrap sessions and credentials are not here: they are cut when they are written.

use fleet::{
    Delivery, LoggedEvent, Submission, Timestamp,
    store::{ENDED_OPERATION_KEPT, ENDED_TOKEN_KEPT},
};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction};

use super::{failure::Failure, sql::Sql};

/// About how many rows of a table one step drops.
const STEP_ROWS: u64 = 500;

/// Takes one step; true if there is more to drop. `event` is the last number of the event log.
pub(super) async fn step(
    transaction: &DatabaseTransaction,
    now: Timestamp,
    event: i64,
) -> Result<bool, Failure> {
    let before =
        |kept: std::time::Duration| now.0.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
    let mut more = false;
    for (table, column, end) in [
        ("delivery", "received_at", before(Delivery::KEPT)),
        ("operation", "ended_at", before(ENDED_OPERATION_KEPT)),
        ("web_session", "expires_at", now.0),
        ("submission", "at", before(Submission::KEPT)),
        ("api_token", "ends_at", before(ENDED_TOKEN_KEPT)),
        ("event_log", "at", before(LoggedEvent::KEPT)),
        ("event_log", "sequence", event.saturating_sub(i64::try_from(LoggedEvent::MAX).unwrap_or(i64::MAX))),
    ] {
        more |= drop_until(transaction, table, column, end).await?;
    }
    Ok(more)
}

/// Drops the oldest rows of `table` up to and with `end`. `column` has an index.
async fn drop_until(
    transaction: &DatabaseTransaction,
    table: &str,
    column: &str,
    end: i64,
) -> Result<bool, Failure> {
    let backend = transaction.get_database_backend();
    let sql = Sql::new(&format!("SELECT {column} FROM {table} WHERE {column} <= ")).bind(end);
    let sql = sql.text(&format!(" ORDER BY {column} LIMIT 1 OFFSET {STEP_ROWS}"));
    let step = transaction.query_one_raw(sql.statement(backend)).await?;
    let step = step.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
    let sql = Sql::new(&format!("DELETE FROM {table} WHERE {column} <= ")).bind(step.unwrap_or(end));
    transaction.execute_raw(sql.statement(backend)).await?;
    Ok(step.is_some())
}
