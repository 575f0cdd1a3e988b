//! Why there is no backup, or none to rely on.

use std::{
    io,
    path::{Path, PathBuf},
};

use sea_orm::DbErr;

use super::KeysError;
use crate::{CopyError, DataDirError, OpenError, SealKeyError};

/// Why something was not done with a backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The file is no backup to rely on.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The folder for the data.
    #[error(transparent)]
    DataDir(DataDirError),
    /// There is such a file already.
    #[error("{} is there already, and no backup is written over another file", .0.display())]
    Exists(PathBuf),
    /// A backup is a file.
    #[error("{} is a folder: name the backup that is in it", .0.display())]
    Folder(PathBuf),
    /// A backup is restored as a file.
    #[error(
        "a backup is restored into the data folder: do that without `database.url`, then give it again and run `muster db copy`"
    )]
    IntoPostgres,
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// What can't be used.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no data.
    #[error("there is no data in {}: is it the right configuration?", .0.display())]
    NoData(PathBuf),
    /// There is data where a backup was to be restored.
    #[error("there is data in {} already; with --replace it is moved aside, and not deleted", .0.display())]
    NotEmpty(PathBuf),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The variable `MUSTER_KEY` holds another key than the backup.
    #[error("MUSTER_KEY holds another key than the backup: take it away, the backup brings its own")]
    OtherKey,
    /// A server runs on this data.
    #[error("a server runs on {}: stop it first", .0.display())]
    Running(PathBuf),
    /// The key that seals credentials.
    #[error(transparent)]
    SealKey(#[from] SealKeyError),
}

/// What is wrong with a file that should be a backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Other numbers of rows than the manifest says.
    #[error("the table {0} has another number of rows than the manifest says")]
    Count(String),
    /// SQLite does not take the database.
    #[error("the database is damaged: {0}")]
    Database(String),
    /// Something where only zeros should be, or more than should be.
    #[error("there is something in it that does not belong there")]
    End,
    /// A later format, or none.
    #[error("its format is {0}, which this version does not know: restore it with a later one")]
    Format(u32),
    /// The content of a member is not what its sum says.
    #[error("{0} is damaged: its content and its sum differ")]
    Hash(&'static str),
    /// A member is not named, sized or described as it should be.
    #[error("the entry of {0} is damaged, or not there")]
    Header(&'static str),
    /// The keys.
    #[error("{0}")]
    Keys(KeysError),
    /// The manifest is not in its form.
    #[error("manifest.json is damaged")]
    Manifest,
    /// Something else altogether.
    #[error("this is no backup of Muster's")]
    NoBackup,
    /// Other steps of the schema than the manifest says.
    #[error("the database's schema is not the one that the manifest says")]
    Schema,
    /// It ends too early.
    #[error("it ends too early: a part of it is missing")]
    Short,
}

impl BackupError {
    /// Whether another attempt with the same configuration fails in the same way.
    pub fn is_of_the_configuration(&self) -> bool {
        matches!(self, Self::OtherKey | Self::SealKey(_) | Self::Open(OpenError::Sealed(_)))
    }

    /// Whether what was named is not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::NoData(_) => true,
            _ => false,
        }
    }

    /// Whether something is there already, or in use.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Exists(_) | Self::NotEmpty(_) | Self::Running(_))
    }

    /// Whether the passphrase is the wrong one.
    pub fn is_of_the_passphrase(&self) -> bool {
        matches!(self, Self::Damaged { damage: Damage::Keys(KeysError::Passphrase), .. })
    }

    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path) -> impl Fn(Damage) -> Self {
        move |damage| Self::Damaged { path: path.to_owned(), damage }
    }
}

impl From<DataDirError> for BackupError {
    fn from(error: DataDirError) -> Self {
        match error {
            DataDirError::InUse(path) => Self::Running(path),
            error => Self::DataDir(error),
        }
    }
}

impl From<DbErr> for BackupError {
    fn from(error: DbErr) -> Self {
        Self::Open(error.into())
    }
}
