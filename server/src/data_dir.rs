//! The folder for everything the server keeps: for the owner alone, and for one server at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{config::DATABASE_FILE, seal::KEY_FILE, store::Database};

pub(crate) mod restored;

/// An open data folder. Its lock lives as long as this.
pub(crate) struct DataDir {
    path: PathBuf,
    seed_is_new: bool,
    _lock: DataDirLock,
}

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another server uses it.
    #[error("{} is in use by another Muster; give this one a `data_dir` of its own", .0.display())]
    InUse(PathBuf),
    /// The system refuses.
    #[error("can't use {}: {source}", .path.display())]
    Io {
        /// What can't be used.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The installation's seed is damaged.
    #[error("{} does not hold 32 bytes; restore it from a backup, or delete it while no device is registered", .0.display())]
    Seed(PathBuf),
}

impl DataDir {
    /// Makes the folder if it is not there, takes its lock, ends a restore that was cut off, clears away what others that were
    /// cut off have left, and reads the installation's seed.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        let lock = DataDirLock::take(path)?;
        let io_error = |source| DataDirError::Io { path: path.to_owned(), source };
        restored::put_in_place(path).map_err(io_error)?;
        restored::clear_leftovers(path).map_err(io_error)?;
        let seed_is_new = seed(&path.join(SEED_FILE))?.is_none();
        Ok(Self { path: path.to_owned(), seed_is_new, _lock: lock })
    }

    /// A secret of this installation, the same for every start: message ids and tokens are derived from it. Made if there is
    /// none, which is not done before there is a database: see [`sign_of_life`].
    pub(crate) fn seed(&self) -> Result<[u8; 32], DataDirError> {
        let path = self.path.join(SEED_FILE);
        match seed(&path)? {
            Some(seed) => Ok(seed),
            None => write_new_seed(&self.path).map_err(|source| DataDirError::Io { path, source }),
        }
    }

    /// Whether there was no seed when it was opened.
    pub(crate) fn seed_is_new(&self) -> bool {
        self.seed_is_new
    }
}

/// A file of a data folder, other than the database itself, that is only there if there was a database once.
pub(crate) fn sign_of_life(data_dir: &Path, database: &Database) -> Option<PathBuf> {
    let mut files = [DATABASE_FILE, KEY_FILE, SEED_FILE].map(|file| data_dir.join(file)).into_iter();
    files.find(|file| {
        // An empty one is what a start has left that was cut off.
        !matches!(database, Database::File(own) if own == file)
            && fs::metadata(file).is_ok_and(|file| file.len() > 0)
    })
}

/// A data folder that nobody else uses.
pub(crate) struct DataDirLock {
    /// What was locked.
    _held: Vec<File>,
}

/// The file with the installation's seed.
const SEED_FILE: &str = "installation.seed";

impl DataDirLock {
    /// Makes the folder if it is not there, and takes its lock.
    pub(crate) fn take(path: &Path) -> Result<Self, DataDirError> {
        let io_error = |path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Io { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))?;
        let lock_path = path.join("lock");
        let file = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&lock_path)
            .map_err(io_error(&lock_path))?;
        let in_use = || DataDirError::InUse(path.to_owned());
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => in_use(),
            TryLockError::Error(source) => io_error(&lock_path)(source),
        })?;
        let mut held = vec![file];
        // The folder, too: the file may be deleted. Not every network's file system locks folders.
        let folder = File::open(path).map_err(io_error(path))?;
        match folder.try_lock() {
            Ok(()) => held.push(folder),
            Err(TryLockError::WouldBlock) => return Err(in_use()),
            Err(TryLockError::Error(_)) => {}
        }
        Ok(Self { _held: held })
    }
}

/// Writes a seed that no start has had.
pub(crate) fn write_new_seed(folder: &Path) -> io::Result<[u8; 32]> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh).map_err(io::Error::other)?;
    write_private(&folder.join(SEED_FILE), &fresh)?;
    Ok(fresh)
}

fn seed(path: &Path) -> Result<Option<[u8; 32]>, DataDirError> {
    let io_error = |source| DataDirError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(33).read_to_end(&mut bytes).map_err(io_error)?;
            let seed = bytes.try_into().map_err(|_| DataDirError::Seed(path.to_owned()))?;
            Ok(Some(seed))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(error)),
    }
}

/// Writes a file for the owner alone: aside, then renamed, so that a crash leaves no half of it.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    // One that was left behind may have been made with other rights.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    // The name, too, must survive a power loss.
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// For the owner alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_seed_outlives_the_start_and_is_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open(&path).unwrap();
        assert!(first.seed_is_new() && !path.join(SEED_FILE).exists(), "no sign of life yet");
        let made = first.seed().unwrap();
        drop(first);
        let next = DataDir::open(&path).unwrap();
        assert!(!next.seed_is_new());
        assert_eq!(next.seed().unwrap(), made);
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("installation.seed"), 0o600);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_second_server_on_the_same_data_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DataDir::open(folder.path()).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::InUse(_))));
        fs::remove_file(folder.path().join("lock")).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::InUse(_))), "nor without the file");
    }

    #[test]
    fn a_damaged_seed_is_named_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("installation.seed"), [1; 31]).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::Seed(_))));
    }
}
