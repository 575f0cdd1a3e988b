//! Drops the values that their class keeps no more: found by a reader, dropped by the writer in steps between commits.

use fleet::{Reading, Retention, StoreError, Timestamp};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, FromQueryResult};

use super::{failure::Failure, read::Reader, sql::Sql};

/// A path of which some values go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outgrown {
    device: i64,
    path: Vec<u8>,
    /// How many stay at most.
    kept: i64,
    /// Before when they go.
    since: Option<i64>,
}

/// A part of the paths that have values.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) outgrown: Vec<Outgrown>,
    /// The path to go on after, if there are more.
    pub(super) last: Option<(i64, Vec<u8>)>,
}

#[derive(FromQueryResult)]
struct Row {
    device_id: i64,
    path: Vec<u8>,
    held: i64,
    oldest: Option<i64>,
    values_days: Option<i64>,
    values_kept: i64,
}

/// How many paths are looked at together.
const PART: usize = 500;
/// About how many values a step drops.
const STEP_ROWS: i64 = 500;
/// What looking at a path costs, in values dropped.
const PATH_ROWS: i64 = 16;

impl Reader {
    /// Whether any class keeps less than is ever kept.
    pub(super) async fn retains(&self) -> Result<bool, StoreError> {
        let bound = i64::try_from(Reading::HISTORY_PER_PATH).unwrap_or(i64::MAX);
        let sql = Sql::new("SELECT 1 FROM class WHERE values_days IS NOT NULL OR values_kept < ").bind(bound);
        let connection = self.connection();
        let sql = sql.text(" LIMIT 1").statement(connection.get_database_backend());
        Ok(self.checked(connection.query_one_raw(sql).await)?.is_some())
    }

    /// What goes, path by path after one of them.
    pub(super) async fn outgrown(
        &self,
        after: Option<(i64, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<Part, StoreError> {
        let (device, path) = after.unwrap_or((i64::MIN, Vec::new()));
        let sql = Sql::new(
            "SELECT l.device_id, l.path, l.held, c.values_days, c.values_kept, (SELECT MIN(h.at) FROM value_history AS h \
             WHERE h.device_id = l.device_id AND h.path = l.path) AS oldest FROM value_latest AS l \
             CROSS JOIN device AS d CROSS JOIN class AS c WHERE d.id = l.device_id AND c.id = d.class_id \
             AND (l.device_id, l.path) > (",
        );
        let sql = sql.bind(device).text(", ").bind(path);
        let sql = sql.text(&format!(") ORDER BY l.device_id, l.path LIMIT {PART}"));
        let rows: Vec<Row> = self.rows(&self.connection(), sql).await?;
        let last = rows.last().filter(|_| rows.len() == PART).map(|row| (row.device_id, row.path.clone()));
        Ok(Part { outgrown: rows.into_iter().filter_map(|row| row.outgrown(now)).collect(), last })
    }
}

/// Takes a step: what is done leaves the list.
pub(super) async fn step(
    transaction: &DatabaseTransaction,
    mut outgrown: Vec<Outgrown>,
) -> Result<Vec<Outgrown>, Failure> {
    let (mut room, mut sum) = (STEP_ROWS, 0);
    while room > 0
        && let Some(path) = outgrown.last()
    {
        let dropped = path.cut(transaction, room).await?;
        sum += dropped;
        if dropped < room {
            outgrown.pop();
        }
        room -= dropped.max(PATH_ROWS);
    }
    metrics::counter!("muster_values_purged_total").increment(sum.unsigned_abs());
    Ok(outgrown)
}

impl Outgrown {
    /// Drops so many of the oldest values at most, and never the newest. Gives how many.
    async fn cut(&self, transaction: &DatabaseTransaction, room: i64) -> Result<i64, Failure> {
        let backend = transaction.get_database_backend();
        let of_path = |sql: Sql| {
            sql.text(" WHERE device_id = ").bind(self.device).text(" AND path = ").bind(self.path.clone())
        };
        let count = async |sql: Sql| -> Result<i64, Failure> {
            let row = transaction.query_one_raw(sql.statement(backend)).await?;
            Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0))
        };
        // More may have come since the reader looked.
        let held = count(of_path(Sql::new("SELECT held FROM value_latest"))).await?;
        let old = match self.since {
            Some(since) => {
                let old = of_path(Sql::new("SELECT COUNT(*) FROM value_history"));
                count(old.text(" AND at < ").bind(since)).await?
            }
            None => 0,
        };
        let dropped = old.max(held - self.kept).min(held - 1).min(room);
        if dropped <= 0 {
            return Ok(0);
        }
        let oldest = of_path(Sql::new("DELETE FROM value_history"));
        let oldest = oldest.text(" AND (at, sequence) IN (SELECT at, sequence FROM value_history");
        let oldest = of_path(oldest).text(" ORDER BY at, sequence LIMIT ").bind(dropped).text(")");
        transaction.execute_raw(oldest.statement(backend)).await?;
        let fewer = of_path(Sql::new("UPDATE value_latest SET held = held - ").bind(dropped));
        transaction.execute_raw(fewer.statement(backend)).await?;
        Ok(dropped)
    }
}

impl Row {
    fn outgrown(self, now: Timestamp) -> Option<Outgrown> {
        let days = self.values_days.map(|days| u32::try_from(days).unwrap_or(Retention::MAX_DAYS));
        let since = Retention { days, ..Retention::default() }.since(now).map(|since| since.0);
        let too_old = since.zip(self.oldest).is_some_and(|(since, oldest)| oldest < since);
        let outgrown = self.held > self.values_kept || (too_old && self.held > 1);
        outgrown.then_some(Outgrown {
            device: self.device_id,
            path: self.path,
            kept: self.values_kept,
            since,
        })
    }
}
