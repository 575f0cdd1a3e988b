//! Drops what is past its time, a little at a time, so that commits are not kept waiting.
//!
//! Histories, timelines, the diary, bootstrap sessions and credentials are not here: they are cut when they are written. So are
//! updates, but for how long they are kept.

use fleet::{
    Delivery, LoggedEvent, SecureSession, Submission, Timestamp,
    store::{ENDED_OPERATION_KEPT, ENDED_TOKEN_KEPT, ENDED_UPDATE_KEPT},
};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction};

use super::{batch::update::UpdateTally, failure::Failure, sql::Sql};

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
    more |= drop_updates(transaction, before(ENDED_UPDATE_KEPT)).await?;
    Ok(drop_silent_sessions(transaction, now).await? || more)
}

/// Drops the updates that ended first, which are counted.
async fn drop_updates(transaction: &DatabaseTransaction, end: i64) -> Result<bool, Failure> {
    let step = step_of(transaction, "device_update", "ended_at", end).await?;
    let mut tally = UpdateTally::default();
    let sql = Sql::new("DELETE FROM device_update WHERE ended_at <= ").bind(step.unwrap_or(end));
    tally.drop_rows(transaction, sql).await?;
    tally.write(transaction).await?;
    transaction.execute_unprepared("DELETE FROM update_tally WHERE count = 0").await?;
    Ok(step.is_some())
}

/// Drops the secure sessions whose peer is silent for too long. Those whose time to be looked at has come and who were heard
/// meanwhile get another time.
async fn drop_silent_sessions(transaction: &DatabaseTransaction, now: Timestamp) -> Result<bool, Failure> {
    let backend = transaction.get_database_backend();
    let kept = i64::try_from(SecureSession::KEPT.as_millis()).unwrap_or(i64::MAX);
    let step = step_of(transaction, "dtls_session", "check_at", now.0).await?;
    let end = step.unwrap_or(now.0);
    let sql = Sql::new("DELETE FROM dtls_session WHERE check_at <= ").bind(end).text(" AND heard_at <= ");
    transaction.execute_raw(sql.bind(now.0.saturating_sub(kept)).statement(backend)).await?;
    let sql =
        Sql::new("UPDATE dtls_session SET check_at = heard_at + ").bind(kept).text(" WHERE check_at <= ");
    transaction.execute_raw(sql.bind(end).statement(backend)).await?;
    Ok(step.is_some())
}

/// Drops the oldest rows of `table` up to and with `end`. `column` has an index.
async fn drop_until(
    transaction: &DatabaseTransaction,
    table: &str,
    column: &str,
    end: i64,
) -> Result<bool, Failure> {
    let step = step_of(transaction, table, column, end).await?;
    let sql = Sql::new(&format!("DELETE FROM {table} WHERE {column} <= ")).bind(step.unwrap_or(end));
    transaction.execute_raw(sql.statement(transaction.get_database_backend())).await?;
    Ok(step.is_some())
}

/// How far a step goes; none if it goes to `end`.
async fn step_of(
    transaction: &DatabaseTransaction,
    table: &str,
    column: &str,
    end: i64,
) -> Result<Option<i64>, Failure> {
    let sql = Sql::new(&format!("SELECT {column} FROM {table} WHERE {column} <= ")).bind(end);
    let sql = sql.text(&format!(" ORDER BY {column} LIMIT 1 OFFSET {STEP_ROWS}"));
    let step = transaction.query_one_raw(sql.statement(transaction.get_database_backend())).await?;
    Ok(step.map(|row| row.try_get_by_index::<i64>(0)).transpose()?)
}
