//! PostgreSQL: what a session of ours is like, and the lock that keeps a second server out.
//!
//! The lock belongs to the session that writes and goes with it, however it ends: who holds the lock knows that no
//! transaction of an earlier session is under way any more.

mod url;

use std::{sync::Arc, time::Duration};

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, SqlxPostgresConnector, TryGetable,
    sqlx::{
        self, ConnectOptions as _, Connection as _,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    connect::{Purpose, READERS, Synchronous},
    sql::Sql,
};

pub use url::{PostgresUrl, PostgresUrlError};

/// Why a PostgreSQL can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Text in it is not Unicode.
    #[error("the database {place} is in {encoding}: make one with ENCODING 'UTF8' TEMPLATE template0")]
    Encoding {
        /// Which database.
        place: String,
        /// What it is in.
        encoding: String,
    },
    /// Another server uses it.
    #[error(
        "another Muster uses the database {place} ({holder}): stop that one, or give this one a database of its own"
    )]
    InUse {
        /// Which database.
        place: String,
        /// Whose session it is.
        holder: String,
    },
    /// Another server has written while this one was cut off, which knows nothing of it.
    #[error("another Muster has used the database meanwhile: stop one of the two, and start the other again")]
    Overtaken,
    /// It does not answer.
    #[error("the database {place} does not answer within {} s", CONNECT_WITHIN.as_secs())]
    Silent {
        /// Which database.
        place: String,
    },
    /// It can't be reached, or lets nobody in.
    #[error("the database {place} can't be reached: {}", migrations::plain(source))]
    Unreachable {
        /// Which database.
        place: String,
        /// Why not.
        source: sqlx::Error,
    },
    /// It lacks what is needed.
    #[error("the database {place} is of PostgreSQL {}: 14 or newer is needed", number / 10_000)]
    Version {
        /// Which database.
        place: String,
        /// Its version as PostgreSQL counts.
        number: i64,
    },
}

/// How long connecting may take, and waiting for a connection that is free.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long the lock is waited for: PostgreSQL may not know yet that a session is gone.
const LOCK_WITHIN: Duration = Duration::from_secs(5);
const LOCK_ASKED_EVERY: Duration = Duration::from_millis(100);
/// How long a step of a transaction that writes may take, answer and all.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The key of the lock of whoever writes: "Muster" in ASCII. The one that migrations take is "muster".
const WRITER_LOCK: i64 = 0x4d75_7374_6572;
const OLDEST: i64 = 140_000;

/// What each session is told, whatever the server's defaults are.
const SESSION: [(&str, &str); 6] = [
    ("default_transaction_isolation", "read committed"),
    // How long a table is waited for that somebody else has locked.
    ("lock_timeout", "5s"),
    // Whoever is gone is noticed, so that its locks are free: idle, and while it waits for an answer.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "3"),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "2s"),
];
/// How long one statement may take. Whoever writes keeps everybody waiting; the whole fleet is read in one.
const STATEMENT_TIMEOUT: &str = "statement_timeout";
const WRITE_STATEMENT: &str = "30s";
const READ_STATEMENT: &str = "10min";

/// Connects for a purpose. Whoever is to write has the lock; `name` is that of its sessions, to know them again by.
pub(super) async fn connect(
    url: &PostgresUrl,
    purpose: Purpose,
    synchronous: Synchronous,
    name: &str,
) -> Result<DatabaseConnection, super::OpenError> {
    let options = url.options().disable_statement_logging();
    look(url, &options).await?;
    let commit = match synchronous {
        Synchronous::Full => "on",
        Synchronous::Normal => "off",
    };
    let options = options.application_name(name).options(SESSION).options([("synchronous_commit", commit)]);
    let pool = PgPoolOptions::new()
        .acquire_timeout(CONNECT_WITHIN)
        // Never: it is told once, by whoever waits.
        .acquire_slow_threshold(Duration::MAX)
        .idle_timeout(None)
        .max_lifetime(None);
    if purpose == Purpose::Read {
        let options = options.options([(STATEMENT_TIMEOUT, READ_STATEMENT)]);
        let pool = pool.max_connections(READERS).test_before_acquire(true).connect_lazy_with(options);
        return Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool));
    }
    let options = options.options([(STATEMENT_TIMEOUT, WRITE_STATEMENT)]);
    let pool = pool.max_connections(1).test_before_acquire(false).after_connect(only_once());
    let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool.connect_lazy_with(options));
    lock(&connection, url, name).await?;
    Ok(connection)
}

/// Sees why it would not do, for the pool does not say.
async fn look(url: &PostgresUrl, options: &PgConnectOptions) -> Result<(), PostgresError> {
    let place = || url.to_string();
    let looked = timeout(CONNECT_WITHIN, async {
        let mut connection = options.connect().await?;
        let settings =
            "SELECT current_setting('server_version_num')::int8, current_setting('server_encoding')";
        let settings: (i64, String) = sqlx::query_as(settings).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(settings)
    });
    let looked = looked.await.map_err(|_| PostgresError::Silent { place: place() })?;
    let (number, encoding) =
        looked.map_err(|source| PostgresError::Unreachable { place: place(), source })?;
    if number < OLDEST {
        return Err(PostgresError::Version { place: place(), number });
    }
    if encoding != "UTF8" {
        return Err(PostgresError::Encoding { place: place(), encoding });
    }
    Ok(())
}

type Connected<'c> = futures::future::BoxFuture<'c, Result<(), sqlx::Error>>;

/// A pool would put another connection in the place of one that was lost, and that one would have no lock.
fn only_once()
-> impl for<'c> Fn(&'c mut sqlx::PgConnection, sqlx::pool::PoolConnectionMetadata) -> Connected<'c> + Send + Sync
{
    let connected = std::sync::atomic::AtomicBool::new(false);
    move |_, _| {
        let again = connected.swap(true, std::sync::atomic::Ordering::Relaxed);
        let result = if again { Err(sqlx::Error::PoolClosed) } else { Ok(()) };
        Box::pin(std::future::ready(result))
    }
}

async fn lock(
    connection: &DatabaseConnection,
    url: &PostgresUrl,
    name: &str,
) -> Result<(), super::OpenError> {
    let deadline = Instant::now() + LOCK_WITHIN;
    let try_lock = || Sql::new("SELECT pg_try_advisory_lock(").bind(WRITER_LOCK).text(")");
    while !one::<bool>(connection, try_lock()).await?.unwrap_or(false) {
        // One of our own that we have lost, and that does not know it yet.
        let end = Sql::new("SELECT pg_terminate_backend(pid)").text(HOLDER).bind(high()).text(HOLDER_LOW);
        let end = end.bind(low()).text(" AND application_name = ").bind(name);
        one::<bool>(connection, end).await?;
        if Instant::now() >= deadline {
            let who = "SELECT COALESCE(application_name, '') || COALESCE(' on ' || host(client_addr), '') || ', process ' || pid \
                       || ' of PostgreSQL'";
            let who = Sql::new(who).text(HOLDER).bind(high()).text(HOLDER_LOW).bind(low());
            let holder = one::<String>(connection, who).await?.unwrap_or_else(|| "gone by now".to_owned());
            return Err(PostgresError::InUse { place: url.to_string(), holder }.into());
        }
        sleep(LOCK_ASKED_EVERY).await;
    }
    Ok(())
}

/// Whose session holds the lock; `pg_locks` has the key in two halves.
const HOLDER: &str = " FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted \
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                      AND objsubid = 1 AND classid::int8 = ";
const HOLDER_LOW: &str = " AND objid::int8 = ";

fn high() -> i64 {
    WRITER_LOCK >> 32
}

fn low() -> i64 {
    WRITER_LOCK & 0xffff_ffff
}

async fn one<T: TryGetable>(connection: &DatabaseConnection, sql: Sql) -> Result<Option<T>, DbErr> {
    let row = connection.query_one_raw(sql.statement(DbBackend::Postgres)).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// A name for the sessions of one store: no other has it.
pub(super) fn session_name() -> Arc<str> {
    let mut random = [0; 8];
    crate::fill_random(&mut random);
    format!("muster {:016x}", u64::from_be_bytes(random)).into()
}
