//! Making a backup.

use std::{
    fs::File,
    io::{self, Seek as _},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{
    BackupError, Damage, Manifest, Passphrase, Progress, archive, artefacts, keys, keys::Cost,
    manifest::Member,
};
use crate::{
    Config, DataDirError, SealKeyError, blobs, clock,
    data_dir::{DataDirLock, restored},
    seal::{SealKey, Sealer},
    seal_variable,
    store::{Database, snapshot},
};

/// Makes a backup of the server of this configuration, which may be running: all that it had acknowledged before this was
/// called is in it. The file is there whole, or not at all.
pub async fn create(
    config: &Config,
    file: &Path,
    passphrase: &Passphrase,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    create_at(config, file, passphrase, Cost::USUAL, progress).await
}

pub(super) async fn create_at(
    config: &Config,
    file: &Path,
    passphrase: &Passphrase,
    cost: Cost,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    let data_dir = &config.data_dir.0;
    let database = config.database();
    take_up_restored(data_dir)?;
    if let Database::File(file) = &database
        && !file.exists()
    {
        return Err(BackupError::NoData(data_dir.clone()));
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let variable = seal_variable();
    let key = SealKey::find(data_dir, variable.as_ref().map(|key| key.as_str()))?;
    let key = key.ok_or_else(|| SealKeyError::lost(data_dir))?;
    // In the data folder, since it is as large and as much for the owner's eyes alone as what lies there.
    restored::clear_backups(data_dir).map_err(BackupError::io(data_dir))?;
    let folder = tempfile::Builder::new().prefix(restored::COPIED).tempdir_in(data_dir);
    let folder = folder.map_err(BackupError::io(data_dir))?;
    let _in_use = restored::hold(folder.path()).map_err(BackupError::io(folder.path()))?;
    let copy = folder.path().join(Manifest::DATABASE);
    crate::data_dir::private(File::options().write(true).create_new(true))
        .open(&copy)
        .map_err(BackupError::io(&copy))?;

    progress.begin("Copying the database", 0);
    let made_at = clock::wall();
    snapshot::take(&database, &copy).await?;
    let contents = snapshot::contents(&copy).await?.map_err(Damage::Database);
    let contents = contents.map_err(BackupError::damaged(&copy))?;
    // A backup whose keys open nothing would be noticed when it is too late.
    snapshot::check_secrets(&copy, &Sealer::new(&key)).await?;

    let io_error = BackupError::io(&copy);
    let mut database = File::open(&copy).map_err(&io_error)?;
    progress.begin("Hashing it", database.metadata().map_err(&io_error)?.len());
    let (bytes, sha256) = archive::digest(&mut database, progress).map_err(&io_error)?;
    database.rewind().map_err(&io_error)?;
    let blobs = folder.path().join(blobs::FOLDER);
    let files = artefacts::gather(data_dir, &blobs, progress).map_err(BackupError::io(data_dir))?;
    let mut manifest = Manifest {
        format: Manifest::FORMAT,
        muster: env!("CARGO_PKG_VERSION").to_owned(),
        schema: contents.schema,
        made_at_ms: made_at.0,
        rows: contents.rows,
        members: std::iter::once(Member { name: Manifest::DATABASE.to_owned(), bytes, sha256 })
            .chain(files)
            .collect(),
        restore: Manifest::HINT.to_owned(),
    };
    let sealed = keys::seal(&key, passphrase, cost, &manifest.bound());
    let (bytes, sha256) = archive::digest(&mut &sealed[..], &()).map_err(&io_error)?;
    manifest.members.insert(0, Member { name: Manifest::KEYS.to_owned(), bytes, sha256 });

    progress.begin("Writing the backup", manifest.bytes());
    write_whole(file, |to| archive::write(to, &manifest, &sealed, &mut database, &blobs, progress))?;
    Ok(manifest)
}

/// Ends a restore that was cut off: what it was to replace is no longer this server's. One that runs has done so when it started.
fn take_up_restored(data_dir: &Path) -> Result<(), BackupError> {
    if !restored::is_waiting(data_dir) {
        return Ok(());
    }
    match DataDirLock::take(data_dir) {
        Ok(_lock) => restored::put_in_place(data_dir).map_err(BackupError::io(data_dir)),
        Err(DataDirError::InUse(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes a file for its owner alone beside its place, and names it only when all of it is on the disk.
fn write_whole(file: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), BackupError> {
    let io_error = BackupError::io(file);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Made with mode 600, and gone again if anything fails.
    let mut aside = NamedTempFile::new_in(folder).map_err(&io_error)?;
    write(aside.as_file_mut()).map_err(&io_error)?;
    aside.as_file().sync_all().map_err(&io_error)?;
    aside.persist_noclobber(file).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
        _ => io_error(error.error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error)
}
