//! Copies a database into an empty one, of either kind: every table, and each row counted and summed on both sides.
//!
//! What is read is one snapshot, and what is written one transaction: a copy is there and as the source was, or not at all. No
//! server starts on it before its source is marked, for at no moment may one start on both.

mod table;

use std::path::PathBuf;

use futures::future::BoxFuture;
use migrations::MigrateError;
use sea_orm::{
    AccessMode, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, TransactionTrait as _,
};

use super::{Database, OpenError, Synchronous, connect::Connector, copied, entity, sql::Sql};
use table::Sum;

/// How a database is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyHow {
    /// Secure sessions, too, for the fleet is to go on with the copy: the source is marked, and no server starts on it again. Two
    /// servers with one session give its keys away.
    pub with_sessions: bool,
    /// The source may be in use by a server: what is copied is how it is at this moment.
    pub in_use: bool,
}

/// What was copied of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// A sum over all of them, the same in the source and in the copy: 64 hexadecimal digits.
    pub checksum: String,
}

/// Why a database was not copied. The destination is as empty as it was, or no server starts on it.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What was written is not what was read.
    #[error("the table {0} is not the same in the copy")]
    Differs(&'static str),
    /// A database that refuses.
    #[error("{}", migrations::plain(.0))]
    Database(#[from] DbErr),
    /// It would be copied onto itself.
    #[error("the source and the destination are the same")]
    Itself,
    /// There is nothing to copy.
    #[error("there is no database {}", .0.display())]
    NoSource(PathBuf),
    /// There is something in the destination already.
    #[error("{place} is not empty: there are rows in its table {table}")]
    NotEmpty {
        /// Which database.
        place: String,
        /// The first table that has rows.
        table: &'static str,
    },
    /// The source is of another version.
    #[error("the source: {0}; start this version on it once")]
    Older(#[source] MigrateError),
    /// One of them can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was copied, and a server would start on the source all the same: none starts on the copy.
    #[error(
        "it is copied, but {place} could not be marked so, and no server starts on the copy: make it again ({})",
        migrations::plain(error)
    )]
    Unmarked {
        /// The source.
        place: String,
        /// Why not.
        error: DbErr,
    },
}

/// Copies one database into another that is empty, or holds a copy that was cut off, and gets the schema first.
///
/// Whoever calls sees to it that no server runs on either; of a PostgreSQL this is made sure of here, unless the source may be
/// in use. `progress` is told the table that is under way, and how many of its rows have been copied.
pub(crate) async fn copy(
    from: &Database,
    to: &Database,
    how: CopyHow,
    mut progress: impl FnMut(&'static str, u64) + Send,
) -> Result<Vec<CopiedTable>, CopyError> {
    if from == to {
        return Err(CopyError::Itself);
    }
    if let Database::File(path) = from
        && !path.exists()
    {
        return Err(CopyError::NoSource(path.clone()));
    }
    let connect = |database: &Database| Connector::new(database.clone(), Synchronous::Full);
    let source = connect(from);
    let source = if how.in_use { source.readers().await? } else { source.writer().await? };
    migrations::is_current(&source).await.map_err(CopyError::Older)?;
    let mark = copied::copied_to(&source).await?;
    if how.with_sessions && mark.is_some_and(|mark| mark != copied::place(to)) {
        copied::refuse(&source, from).await?;
    }
    let destination = connect(to);
    destination.prepare().map_err(|(path, error)| OpenError::File { path, error })?;
    let destination = destination.writer().await?;
    migrations::migrate(&destination).await.map_err(OpenError::from)?;
    let is_unfinished = copied::is_unfinished(&destination).await?;
    if how.with_sessions && !is_unfinished {
        copied::refuse(&source, from).await?;
    }

    let snapshot = snapshot(&source).await?;
    let transaction = destination.begin().await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    }
    if is_unfinished {
        empty(&transaction, TABLES.iter().rev().map(|table| table.name)).await?;
    } else {
        make_room(&transaction, to).await?;
    }
    let mut copied = Vec::new();
    for table in TABLES.iter().filter(|table| how.with_sessions || table.name != super::sealed::SESSION) {
        let sum = (table.copy)(&snapshot, &transaction, &mut |rows| progress(table.name, rows)).await?;
        if (table.sum)(&transaction).await? != sum {
            return Err(CopyError::Differs(table.name));
        }
        copied.push(CopiedTable { table: table.name, rows: sum.rows(), checksum: sum.to_string() });
    }
    if how.with_sessions {
        copied::begin(&transaction).await?;
    }
    transaction.commit().await?;
    snapshot.rollback().await?;
    if how.with_sessions {
        copied::mark(&source, to)
            .await
            .map_err(|error| CopyError::Unmarked { place: from.to_string(), error })?;
        copied::finish(&destination).await?;
    }
    destination.close().await?;
    source.close().await?;
    Ok(copied)
}

async fn snapshot(source: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    if source.get_database_backend() == DbBackend::Sqlite {
        // SQLite's transactions are snapshots.
        return source.begin().await;
    }
    let isolation = Some(IsolationLevel::RepeatableRead);
    let snapshot = source.begin_with_config(isolation, Some(AccessMode::ReadOnly)).await?;
    snapshot.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    Ok(snapshot)
}

/// Refuses a destination with rows in it, and takes out those that come with the schema.
async fn make_room(destination: &DatabaseTransaction, place: &Database) -> Result<(), CopyError> {
    let backend = destination.get_database_backend();
    for table in &TABLES {
        // Some rows come with the schema, and a server that has been started there has counted that.
        let own = match table.name {
            "class" | "domain" => " WHERE id <> 1",
            "tally" => " WHERE count <> 0",
            "node" => " WHERE id <> 1 OR boots <> 0",
            _ => "",
        };
        let sql = Sql::new("SELECT 1 FROM ").text(table.name).text(own).text(" LIMIT 1");
        if destination.query_one_raw(sql.statement(backend)).await?.is_some() {
            return Err(CopyError::NotEmpty { place: place.to_string(), table: table.name });
        }
    }
    Ok(empty(destination, ["tally", "class", "domain", "node"]).await?)
}

async fn empty(
    destination: &DatabaseTransaction,
    tables: impl IntoIterator<Item = &'static str>,
) -> Result<(), DbErr> {
    for table in tables {
        destination.execute_unprepared(&format!("DELETE FROM {table}")).await?;
    }
    Ok(())
}

/// A table, and what is done with all of its rows.
pub(super) struct Table {
    pub(super) name: &'static str,
    copy: CopyRows,
    sum: SumRows,
}

type CopyRows = for<'a> fn(
    &'a DatabaseTransaction,
    &'a DatabaseTransaction,
    &'a mut (dyn FnMut(u64) + Send),
) -> BoxFuture<'a, Result<Sum, DbErr>>;
type SumRows = for<'a> fn(&'a DatabaseTransaction) -> BoxFuture<'a, Result<Sum, DbErr>>;

macro_rules! tables {
    ($($table:ident),+ $(,)?) => {
        [$(Table {
            name: stringify!($table),
            copy: |from, to, progress| Box::pin(table::copy::<entity::$table::Entity>(from, to, progress)),
            sum: |of| Box::pin(table::sum::<entity::$table::Entity>(of)),
        }),+]
    };
}

/// Every table, those first that others refer to.
pub(super) const TABLES: [Table; 51] = tables![
    domain,
    class,
    node,
    device,
    credential,
    claim,
    user_account,
    registration,
    lease,
    operation,
    observation,
    value_latest,
    value_history,
    timeline,
    tally,
    web_session,
    audit,
    seen_certificate,
    authority,
    own_key,
    claimed,
    diary,
    class_plan,
    device_plan,
    bootstrap_session,
    event_log,
    webhook,
    delivery,
    api_token,
    model,
    submission,
    dtls_session,
    artefact,
    update_policy,
    update_key,
    installed,
    device_group,
    group_member,
    device_label,
    class_contested,
    class_rule,
    device_update,
    update_tally,
    class_wish,
    class_awake,
    device_awake,
    device_wish,
    no_composite,
    baseline,
    configured,
    configured_tally,
];
