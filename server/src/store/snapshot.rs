//! Copies of an SQLite database for backups: taken while a server writes, looked at, and brought back to life.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fleet::{
    AuditEntry, Change, Commit, Context, OperationRecord, OperationState, Store as _, StoreError,
    TimelineEntry, TimelineKind, Timestamp, Verb,
};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr};
use web::api::v1::types::Time;

use super::{
    CopyError, CopyHow, Database, OpenError, SqlStore,
    connect::{Connector, Purpose, Synchronous},
    copied, copy,
    encoding::rows,
    entity::operation,
    read::restore::open_operations,
    sealed,
    sql::Sql,
};
use crate::seal::Sealer;

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The last step of its schema.
    pub(crate) schema: String,
    /// How many rows each table has.
    pub(crate) rows: BTreeMap<String, u64>,
}

/// What no backup carries: whoever restores one must not go on with the numbers of a session that lived on (a key and a
/// nonce would meet twice), nor be logged in by a cookie from before.
const LEFT_OUT: [&str; 2] = ["dtls_session", "web_session"];

/// Copies a database, which others may write meanwhile, to the empty file `into`: all that was committed before this was
/// called, and whole commits only.
pub(crate) async fn take(database: &Database, into: &Path) -> Result<(), CopyError> {
    match database {
        Database::File(file) => vacuum(file, into).await?,
        Database::Postgres(_) => {
            let how = CopyHow { with_sessions: false, in_use: true };
            copy(database, &into.into(), how, |_, _| {}).await?;
        }
    }
    Ok(leave_out(into).await?)
}

async fn vacuum(database: &Path, into: &Path) -> Result<(), OpenError> {
    let connection = connector(database).connect(Purpose::Write).await?;
    migrations::is_known(&connection).await?;
    let sql = Sql::new("VACUUM INTO ").bind(into.to_string_lossy().into_owned());
    let copied = connection.execute_raw(sql.statement(DbBackend::Sqlite)).await;
    connection.close().await?;
    Ok(copied.map(drop)?)
}

async fn leave_out(into: &Path) -> Result<(), OpenError> {
    let copy = connector(into).connect(Purpose::Edit).await?;
    let mut edited = Ok(());
    for table in LEFT_OUT {
        if edited.is_ok() && sealed::has_table(&copy, table).await? {
            edited = copy.execute_unprepared(&format!("DELETE FROM {table}")).await.map(drop);
        }
    }
    if edited.is_ok() {
        edited = copied::forget(&copy).await;
    }
    copy.close().await?;
    Ok(edited?)
}

/// What a copy holds, if it is whole; else what is wrong with it, in SQLite's words.
pub(crate) async fn contents(copy: &Path) -> Result<Result<Contents, String>, OpenError> {
    let connection = connector(copy).connect(Purpose::Inspect).await?;
    let contents = read_contents(&connection).await;
    connection.close().await?;
    Ok(contents?)
}

async fn read_contents(connection: &DatabaseConnection) -> Result<Result<Contents, String>, DbErr> {
    let checked = lines(connection, "PRAGMA integrity_check(1)").await?;
    if checked != ["ok"] {
        return Ok(Err(checked.into_iter().next().unwrap_or_default()));
    }
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut rows = BTreeMap::new();
    for table in lines(connection, tables).await? {
        let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM \"{}\"", table.replace('"', "\"\""));
        let count = lines(connection, &sql).await?;
        rows.insert(table, count.first().and_then(|count| count.parse().ok()).unwrap_or(0));
    }
    let schema = lines(connection, "SELECT MAX(version) FROM seaql_migrations").await?;
    Ok(Ok(Contents { schema: schema.into_iter().next().unwrap_or_default(), rows }))
}

async fn lines(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>, DbErr> {
    let rows = connection.query_all_raw(Sql::new(sql).statement(DbBackend::Sqlite)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Whether a secret of each kind that a copy holds opens. One that holds none is content with any key.
pub(crate) async fn check_secrets(copy: &Path, sealer: &Sealer) -> Result<(), OpenError> {
    let connection = connector(copy).connect(Purpose::Inspect).await?;
    let opened = sealed::open_each(&connection, sealer).await;
    connection.close().await?;
    opened
}

/// Brings the copy of a backup to life: the schema is brought up to date, and what must not happen twice does not.
///
/// - What was asked of devices and changes something may have been done since the backup: it ends as unknown.
/// - Numbers that were given out since then are not given out again: of events, by whose ids receivers of webhooks know
///   what came twice; of readings and of the audit log.
pub(crate) async fn revive(
    copy: &Path,
    sealer: Arc<Sealer>,
    made_at: Timestamp,
    context: &Context,
) -> Result<(), OpenError> {
    let ahead = ahead(made_at, context.now);
    // Opened and closed once for the schema: the numbers are read at the start of a store.
    SqlStore::open(copy, Arc::clone(&sealer)).await?.close().await;
    let connection = connector(copy).connect(Purpose::Write).await?;
    let raised = raise(&connection, ahead).await;
    connection.close().await?;
    raised?;

    let store = SqlStore::open(copy, sealer).await?;
    let revived = end_orders(&store, made_at, context).await;
    store.close().await;
    Ok(revived?)
}

fn connector(file: &Path) -> Connector {
    Connector::new(file.into(), Synchronous::Full)
}

/// How far numbers are raised: more than can have been given out since, also if the same backup is restored again later.
fn ahead(made_at: Timestamp, now: Timestamp) -> i64 {
    const A_MILLISECOND: i64 = 1_000;
    const AT_LEAST: i64 = 1 << 32;
    now.0.saturating_sub(made_at.0).clamp(0, 1 << 40) * A_MILLISECOND + AT_LEAST
}

/// The events that are kept move along, so that none is taken for too old; what was not delivered is, by its new number.
async fn raise(connection: &DatabaseConnection, ahead: i64) -> Result<(), DbErr> {
    for (table, column) in
        [("node", "sequence"), ("node", "event"), ("event_log", "sequence"), ("webhook", "delivered")]
    {
        let sql = Sql::new(&format!("UPDATE {table} SET {column} = {column} + ")).bind(ahead);
        connection.execute_raw(sql.statement(connection.get_database_backend())).await?;
    }
    Ok(())
}

/// How many operations end in one commit.
const ORDERS: usize = 256;

async fn end_orders(store: &SqlStore, made_at: Timestamp, context: &Context) -> Result<(), StoreError> {
    let snapshot = store.reader.snapshot().await?;
    let open: Vec<operation::Model> =
        store.reader.rows(&snapshot, open_operations(i64::MIN, i64::MAX)).await?;
    drop(snapshot);
    for some in open.chunks(ORDERS) {
        let mut changes = Vec::new();
        for row in some {
            // One that can't be understood is left out by the start, too.
            let Ok(record) = rows::operation_record(row.clone()) else { continue };
            if record.operation.changes_the_device() {
                changes.extend(ended(&record, context));
            }
        }
        store.commit(Commit { changes, audit: Vec::new() }).await?;
    }
    let made = format!("backup made at {}", Time::from(made_at));
    let audit = vec![AuditEntry::by(context, Verb::Restore, None, made)];
    store.commit(Commit { changes: Vec::new(), audit }).await.map(drop)
}

fn ended(record: &OperationRecord, context: &Context) -> [Change; 2] {
    let result = "it waited when the backup was made; whether it was done since is not known".to_owned();
    let entry = TimelineEntry {
        device: record.device,
        at: context.now,
        kind: TimelineKind::Operation,
        request: Some(record.request),
        detail: format!("{} {}: {result}", record.operation.name(), record.operation.target()),
    };
    let state = OperationState::Unknown;
    [Change::OperationEnded { id: record.id, state, at: context.now, result }, Change::Timeline(entry)]
}
