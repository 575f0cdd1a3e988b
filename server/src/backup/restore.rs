//! Restoring a backup.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    sync::Arc,
};

use fleet::{Actor, Context, RequestId};

use super::{BackupError, Manifest, Passphrase, Progress, verify::unpack};
use crate::{
    Config, blobs, clock,
    config::DATABASE_FILE,
    data_dir::{self, DataDirLock, restored},
    fill_random,
    seal::{SealKey, Sealer},
    seal_variable,
    store::{Database, snapshot},
};

/// What becomes of data that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It stays, and nothing is restored.
    Never,
    /// It is moved aside.
    MovingAside,
}

/// Restores a backup into the data folder of a server that does not run. Nothing there is changed before the backup has
/// proved whole and its keys are open.
pub async fn restore(
    config: &Config,
    file: &Path,
    passphrase: &Passphrase,
    replace: Replace,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    if let Database::Postgres(_) = config.database() {
        return Err(BackupError::IntoPostgres);
    }
    let data_dir = &config.data_dir.0;
    let _lock = DataDirLock::take(data_dir)?;
    restored::put_in_place(data_dir).map_err(BackupError::io(data_dir))?;
    if replace == Replace::Never && !restored::is_empty(data_dir) {
        return Err(BackupError::NotEmpty(data_dir.clone()));
    }
    let manifest = stage(config, file, passphrase, Actor::COMMAND_LINE, progress).await?;
    restored::put_in_place(data_dir).map_err(BackupError::io(data_dir))?;
    Ok(manifest)
}

/// Makes a backup ready to be put in place under the lock of the data folder, now or at the next start.
pub(crate) async fn stage(
    config: &Config,
    file: &Path,
    passphrase: &Passphrase,
    actor: Actor,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    let data_dir = &config.data_dir.0;
    let io_error = BackupError::io(data_dir);
    let folder =
        tempfile::Builder::new().prefix(restored::UNPACKED).tempdir_in(data_dir).map_err(&io_error)?;
    let database = folder.path().join(DATABASE_FILE);
    let artefacts = folder.path().join(blobs::FOLDER);
    DirBuilder::new().mode(0o700).create(&artefacts).map_err(&io_error)?;
    let (manifest, key) = unpack(file, &database, Some(&artefacts), Some(passphrase), progress).await?;
    if manifest.holds_artefacts() {
        File::open(&artefacts).and_then(|folder| folder.sync_all()).map_err(&io_error)?;
    } else {
        // Made before backups took them along: those that are there stay.
        fs::remove_dir(&artefacts).map_err(&io_error)?;
    }
    let key = key.expect("whoever gives a passphrase gets the key or an error");
    // A file beside a variable would have to hold the same key for ever.
    match seal_variable() {
        None => key.write(folder.path()).map_err(&io_error)?,
        Some(given) => match SealKey::find(folder.path(), Some(given.as_str()))? {
            Some(given) if given.is(&key) => {}
            _ => return Err(BackupError::OtherKey),
        },
    }
    // A seed of its own: the server that was backed up has gone on counting, and the same file may be restored twice.
    // Message ids and tokens that follow from another seed meet none of theirs but by chance (2^-64 for a token).
    data_dir::write_new_seed(folder.path()).map_err(&io_error)?;

    progress.begin("Bringing it up to date", 0);
    let mut request = [0; 16];
    fill_random(&mut request);
    let context = Context { actor, now: clock::wall(), request: RequestId::from_random(request) };
    snapshot::revive(&database, Arc::new(Sealer::new(&key)), manifest.made_at(), &context).await?;
    restored::decide(data_dir, folder.path()).map_err(&io_error)?;
    // It has another name now.
    let _ = folder.keep();
    Ok(manifest)
}
