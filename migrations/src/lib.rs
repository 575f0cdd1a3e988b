//! The database schema, one file a step. [`migrate`] brings a database up to date.
//!
//! A step is frozen once it is released: what follows is a new step with a new file. Steps hold plain DDL, written once
//! for SQLite and translated word by word for PostgreSQL (see [`ddl`]); no entity and no domain type is used, for those
//! change. `schema/` holds a dump of the SQLite schema after each step. Tables of others in the database are left alone; in a
//! PostgreSQL that already has some, the first step is not taken.

mod ddl;
mod found;
mod m0001_fleet;
mod m0002_identity;
mod m0003_secure;
mod m0004_durability;
mod m0005_copied;
mod m0006_notified;
mod m0007_group;
mod m0008_artefact;
mod m0009_class_rule;
mod m0010_update;
mod m0011_configuration;
mod m0012_reporting;
mod m0013_queue;
mod m0014_repair;

use std::fmt::Display;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    MigrationTrait,
    sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr},
};

/// The steps, in order.
pub struct Migrator;

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database refused.
    #[error("{}{}", plain(.0), remedy(.0))]
    Database(#[from] DbErr),
    /// It lacks a step.
    #[error("the database lacks the step `{step}`")]
    Behind {
        /// The first one.
        step: String,
    },
    /// Others keep something there.
    #[error(
        "the database holds tables of others (such as `{table}`): give the server an empty one of its own, by CREATE DATABASE"
    )]
    Foreign {
        /// One of them.
        table: String,
    },
    /// A later version of the server has been here; what it changed is not known to this one.
    #[error(
        "the database was changed by a newer version of this server (step `{step}`); use that version or a backup"
    )]
    NewerSchema {
        /// The first step that is not known.
        step: String,
    },
}

/// Applies the steps that are missing, each in a transaction of its own.
///
/// On PostgreSQL `connection` must be a pool of one connection: a lock is held on it, so that servers that start at the
/// same time take turns.
pub async fn migrate(connection: &DatabaseConnection) -> Result<(), MigrateError> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return migrate_alone(connection).await;
    }
    // A step of a large database takes its time, and so does waiting for somebody else's.
    connection.execute_unprepared("SET statement_timeout = 0; SET lock_timeout = 0").await?;
    connection.execute_unprepared(&format!("SELECT pg_advisory_lock({ADVISORY_LOCK})")).await?;
    let migrated = migrate_alone(connection).await;
    let unlock = format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})");
    let unlocked = connection.execute_unprepared(&unlock).await;
    // Why the steps failed says more than why the connection is gone.
    migrated?;
    unlocked?;
    connection.execute_unprepared("RESET statement_timeout; RESET lock_timeout").await?;
    Ok(())
}

/// The key of PostgreSQL's advisory lock: "muster" in ASCII.
const ADVISORY_LOCK: i64 = 0x6d75_7374_6572;

/// Whether no step is applied that is not known here. Applies none.
pub async fn is_known(connection: &DatabaseConnection) -> Result<(), MigrateError> {
    applied(connection).await.map(drop)
}

/// Whether all steps are applied, and no others. Applies none.
pub async fn is_current(connection: &DatabaseConnection) -> Result<(), MigrateError> {
    let applied = applied(connection).await?;
    let steps = Migrator::get_migration_files();
    let missing = steps.iter().find(|step| applied.iter().all(|version| version != step.name()));
    missing.map_or(Ok(()), |step| Err(MigrateError::Behind { step: step.name().to_owned() }))
}

/// The steps that are applied, all of which are known.
async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>, MigrateError> {
    let known = Migrator::get_migration_files();
    let applied = found::recorded(connection).await?;
    match applied.iter().find(|version| known.iter().all(|step| step.name() != **version)) {
        Some(step) => Err(MigrateError::NewerSchema { step: step.clone() }),
        None => Ok(applied),
    }
}

async fn migrate_alone(connection: &DatabaseConnection) -> Result<(), MigrateError> {
    if applied(connection).await?.is_empty()
        && let Some(table) = found::foreign(connection).await?
    {
        return Err(MigrateError::Foreign { table });
    }
    Ok(Migrator::up(connection, None).await?)
}

/// An error in its words, but for the line of PostgreSQL's own source that it ends with.
pub fn plain(error: &impl Display) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((said, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => said.to_owned(),
        _ => text,
    }
}

/// What to do about what a step was refused for.
fn remedy(error: &DbErr) -> &'static str {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return "";
    };
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        // insufficient_privilege, invalid_schema_name (PostgreSQL's documentation, appendix A).
        Some("42501" | "3F000") => {
            "; the server's role must be allowed to make tables there: GRANT CREATE ON SCHEMA public TO it, or make it the \
             database's owner"
        }
        _ => "",
    }
}

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_fleet::STEP),
            Box::new(m0002_identity::STEP),
            Box::new(m0003_secure::STEP),
            Box::new(m0004_durability::STEP),
            Box::new(m0005_copied::STEP),
            Box::new(m0006_notified::STEP),
            Box::new(m0007_group::STEP),
            Box::new(m0008_artefact::STEP),
            Box::new(m0009_class_rule::STEP),
            Box::new(m0010_update::STEP),
            Box::new(m0011_configuration::STEP),
            Box::new(m0012_reporting::STEP),
            Box::new(m0013_queue::STEP),
            Box::new(m0014_repair::STEP),
        ]
    }
}
