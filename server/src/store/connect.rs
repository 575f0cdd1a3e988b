//! Connections: one that writes, some that read, and the file that they open.

use std::{
    fmt,
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::{
    ConnectOptions, DatabaseConnection,
    sqlx::{
        Connection as _,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{
    OpenError,
    log::Log,
    place::{Place, folder, named},
    postgres::{self, PostgresUrl},
};

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite in a file, which is made if it is not there.
    File(PathBuf),
    /// PostgreSQL, by URL.
    Postgres(PostgresUrl),
}

/// When the database waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// At each commit: what was committed survives a power loss.
    Full,
    /// Now and then: what was committed last does not. For tests alone.
    Normal,
}

/// A path is that of an SQLite file.
impl<P: Into<PathBuf>> From<P> for Database {
    fn from(path: P) -> Self {
        Self::File(path.into())
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Opens connections, also again after one was lost.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    database: Database,
    synchronous: Synchronous,
    /// What its sessions are called at PostgreSQL.
    name: Arc<str>,
    /// A disk that is full, for tests: SQLite's `max_page_count`, or 0.
    #[cfg(test)]
    pub(super) max_pages: Arc<std::sync::atomic::AtomicU32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
    /// Changes a copy that is thrown away if that fails.
    Edit,
    /// Reads a copy that somebody else may have made, and leaves it as it is.
    Inspect,
}

/// How many connections read at the same time.
pub(super) const READERS: u32 = 4;
/// How long to wait for a lock that somebody else holds, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the write-ahead log stays after a burst.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;

impl Connector {
    pub(super) fn new(database: Database, synchronous: Synchronous) -> Self {
        Self {
            database,
            synchronous,
            name: postgres::session_name(),
            #[cfg(test)]
            max_pages: Arc::default(),
        }
    }

    /// Makes the database file, for its owner's eyes only. SQLite gives its other files the same mode.
    pub(super) fn prepare(&self) -> Result<(), (PathBuf, io::Error)> {
        let Database::File(path) = &self.database else { return Ok(()) };
        let folder = folder(path);
        if !folder.exists() {
            make_folder(folder).map_err(|error| (folder.to_owned(), error))?;
        }
        let mut options = OpenOptions::new();
        let opened = options.create(true).truncate(false).write(true).mode(0o600).open(path);
        opened.map(drop).map_err(|error| (path.clone(), error))
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// What the database's file is now, if it is one.
    pub(super) fn place(&self) -> Result<Option<Place>, (PathBuf, io::Error)> {
        let Database::File(path) = &self.database else { return Ok(None) };
        Place::of(path).map(Some).map_err(|error| (path.clone(), error))
    }

    /// Its write-ahead log, if it is a file that somebody has open.
    pub(super) fn log(&self) -> Result<Option<Log>, OpenError> {
        let Database::File(path) = &self.database else { return Ok(None) };
        Log::of(path).map(Some).map_err(|error| OpenError::File { path: path.clone(), error })
    }

    /// The one that writes. On PostgreSQL it keeps out everybody else who would.
    pub(super) async fn writer(&self) -> Result<DatabaseConnection, OpenError> {
        self.connect(Purpose::Write).await
    }

    pub(super) async fn readers(&self) -> Result<DatabaseConnection, OpenError> {
        self.connect(Purpose::Read).await
    }

    /// How long a step of a transaction that writes is waited for; a file answers in any case.
    pub(super) fn patience(&self) -> Option<Duration> {
        match &self.database {
            Database::File(_) => None,
            Database::Postgres(_) => Some(postgres::ANSWER_WITHIN),
        }
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> Result<DatabaseConnection, OpenError> {
        let path = match &self.database {
            Database::File(path) => path.clone(),
            Database::Postgres(url) => {
                return postgres::connect(url, purpose, self.synchronous, &self.name).await;
            }
        };
        let mut options = ConnectOptions::new("sqlite::memory:");
        let connections = if purpose == Purpose::Read { READERS } else { 1 };
        options
            .max_connections(connections)
            // All at once: one that was opened later might be of another file by then.
            .min_connections(connections)
            .sqlx_logging(false)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        let this = self.clone();
        options.map_sqlx_sqlite_opts(move |options| this.sqlite(options, &path, purpose));
        // SQLite ends a transaction by itself when the disk fails, and sqlx counts on: whoever began one on that connection
        // would read the same old snapshot for ever.
        options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        });
        Ok(sea_orm::Database::connect(options).await?)
    }

    fn sqlite(&self, options: SqliteConnectOptions, path: &Path, purpose: Purpose) -> SqliteConnectOptions {
        let options = options
            // Clears what the URL said.
            .in_memory(false)
            .shared_cache(false)
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT);
        let options = match purpose {
            Purpose::Write | Purpose::Read => options,
            Purpose::Edit => {
                return options
                    .journal_mode(SqliteJournalMode::Off)
                    .synchronous(SqliteSynchronous::Off)
                    // What is deleted is not found in the file either.
                    .pragma("secure_delete", "ON");
            }
            Purpose::Inspect => {
                return options.read_only(true).immutable(true).pragma("trusted_schema", "OFF");
            }
        };
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match self.synchronous {
                Synchronous::Full => SqliteSynchronous::Full,
                Synchronous::Normal => SqliteSynchronous::Normal,
            })
            .foreign_keys(true)
            .pragma("journal_size_limit", JOURNAL_BYTES.to_string())
            .pragma("query_only", if purpose == Purpose::Read { "ON" } else { "OFF" });
        #[cfg(test)]
        if let pages @ 1.. = self.max_pages.load(std::sync::atomic::Ordering::Relaxed) {
            return options.pragma("max_page_count", pages.to_string());
        }
        options
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // The names of new folders must survive a power loss as the rows in them do; SQLite sees to the file's own.
    for parent in folder.ancestors().skip(1) {
        match File::open(named(parent)).and_then(|folder| folder.sync_all()) {
            // Somebody else's folder, which was there before.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            synced => synced?,
        }
    }
    Ok(())
}
