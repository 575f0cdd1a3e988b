//! `muster db`: the database of a server that does not run.

use clap::{Args, Subcommand};
use serde::Serialize;
use server::{
    Config, CopiedTable, Database, PostgresUrl,
    config::ConfigError,
    limit,
    offline::{copy_database, take_back},
};

use super::{
    failure::Failure,
    note,
    output::{Form, Output, Tabular},
};

/// What has no connection to a server.
#[derive(Args)]
pub(crate) struct Db {
    #[command(subcommand)]
    command: DbCommand,
    /// The form of the output [default: table on a terminal, json elsewhere].
    #[arg(short, long, value_name = "FORM", global = true)]
    output: Option<Form>,
}

#[derive(Subcommand)]
enum DbCommand {
    /// Copies the database into one that is empty, such as from SQLite to PostgreSQL, and compares each row. No server may
    /// run on either. Afterwards none starts on the source any more: the sessions of devices have moved, too.
    Copy {
        /// A file or a postgres:// URL [default: the file in the data folder].
        #[arg(long, value_name = "FILE|URL")]
        from: Option<Place>,
        /// A file or a postgres:// URL [default: `database.url`].
        #[arg(long, value_name = "FILE|URL")]
        to: Option<Place>,
    },
    /// Takes back that a database was copied away, so that a server starts on it again: for when none has started on the copy,
    /// or that one is given up with all that was done there. Devices handshake anew.
    TakeBack {
        /// A file or a postgres:// URL [default: the one that the server would start on].
        #[arg(value_name = "FILE|URL")]
        database: Option<Place>,
    },
}

/// A database as it is named on a command line, which others on the machine can read. Not parsed by clap, which repeats what
/// is refused, and with it a password.
#[derive(Clone)]
struct Place(String);

impl Place {
    fn database(self) -> Result<Database, Failure> {
        if !self.0.contains("://") {
            return Ok(Database::File(self.0.into()));
        }
        let url: PostgresUrl = self.0.parse().map_err(Failure::DatabaseUrl)?;
        if url.has_password() {
            return Err(Failure::Usage(
                "others can read a password on a command line: leave it to PGPASSWORD or ~/.pgpass, or give the URL as \
                 MUSTER_DATABASE_URL",
            ));
        }
        Ok(Database::Postgres(url))
    }
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// What was copied of one table.
#[derive(Serialize)]
struct Copied {
    table: &'static str,
    rows: u64,
    checksum: String,
}

pub(super) fn run(db: Db, config: impl FnOnce() -> Result<Config, ConfigError>) -> Result<(), Failure> {
    let config = config()?;
    let or = |place: Option<Place>, default: Database| place.map_or(Ok(default), Place::database);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async { limit::outlive() }).map_err(Failure::Runtime)?;
    let (from, to) = match db.command {
        DbCommand::Copy { from, to } => {
            (or(from, Database::File(config.database_file()))?, or(to, config.database())?)
        }
        DbCommand::TakeBack { database } => {
            let database = or(database, config.database())?;
            let place = runtime.block_on(take_back(&database))?;
            note(&format!("a server starts on {database} again. Start none on {place}."));
            return Ok(());
        }
    };
    let copied = runtime.block_on(copy_database(&from, &to, |_, _| {}))?;
    Output::stdout(db.output).rows(copied.into_iter().map(Copied::from).collect())?;
    note(&format!(
        "each row of {from} is in {to}. Start the server on the copy; none starts on the source any more."
    ));
    Ok(())
}

impl From<CopiedTable> for Copied {
    fn from(CopiedTable { table, rows, checksum }: CopiedTable) -> Self {
        Self { table, rows, checksum }
    }
}

impl Tabular for Copied {
    const COLUMNS: &'static [&'static str] = &["table", "rows", "checksum"];

    fn cells(&self) -> Vec<String> {
        vec![self.table.to_owned(), self.rows.to_string(), self.checksum.clone()]
    }
}
