//! Looking at a backup: whether all of it is there and as it was.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write as _},
    path::Path,
};

use super::{
    BackupError, Damage, Manifest, Passphrase, Progress,
    archive::{self, Held, ReadError},
    keys,
};
use crate::{
    data_dir::private,
    seal::{SealKey, Sealer},
    store::snapshot,
};

/// Looks at every byte of a backup, and has SQLite look at its database. With the passphrase the keys are opened, too, and
/// a secret of the database with them.
pub async fn verify(
    file: &Path,
    passphrase: Option<&Passphrase>,
    progress: &dyn Progress,
) -> Result<Manifest, BackupError> {
    // Beside the backup, where something of its size has found room, unless that is a place to read from only.
    let beside =
        file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder = tempfile::tempdir_in(beside).or_else(|_| tempfile::tempdir());
    let folder = folder.map_err(BackupError::io(beside))?;
    let copy = folder.path().join(Manifest::DATABASE);
    let (manifest, _) = unpack(file, &copy, None, passphrase, progress).await?;
    Ok(manifest)
}

/// Verifies a backup, and leaves its database in `database`, a file that this makes, and the files of artefacts in the folder
/// `blobs`, if one is named; gives the key if there is a passphrase to open it with.
pub(super) async fn unpack(
    file: &Path,
    database: &Path,
    blobs: Option<&Path>,
    passphrase: Option<&Passphrase>,
    progress: &dyn Progress,
) -> Result<(Manifest, Option<SealKey>), BackupError> {
    let damaged = BackupError::damaged(file);
    let from = File::open(file).map_err(BackupError::io(file))?;
    if from.metadata().is_ok_and(|file| file.is_dir()) {
        return Err(BackupError::Folder(file.to_owned()));
    }
    let mut from = BufReader::new(from);
    let io_error = BackupError::io(database);
    let to = private(File::options().write(true).create_new(true)).open(database).map_err(&io_error)?;
    let mut to = BufWriter::new(to);
    let Held { manifest, keys } =
        archive::read(&mut from, &mut to, blobs, progress).map_err(|error| match error {
            ReadError::Damage(damage) => damaged(damage),
            ReadError::Io(source) => io_error(source),
        })?;
    to.flush().map_err(&io_error)?;
    to.get_ref().sync_all().map_err(&io_error)?;
    // Before SQLite looks at a database that anybody may have made.
    let key = passphrase.map(|passphrase| keys::open(&keys, passphrase, &manifest.bound())).transpose();
    let key = key.map_err(|error| damaged(Damage::Keys(error)))?;

    progress.begin("Checking the database", 0);
    let contents = snapshot::contents(database).await;
    let contents = contents.map_err(|error| damaged(Damage::Database(error.to_string())))?;
    let contents = contents.map_err(|damage| damaged(Damage::Database(damage)))?;
    if contents.schema != manifest.schema {
        return Err(damaged(Damage::Schema));
    }
    let tables = contents.rows.keys().chain(manifest.rows.keys());
    for table in tables {
        if contents.rows.get(table) != manifest.rows.get(table) {
            return Err(damaged(Damage::Count(table.clone())));
        }
    }
    if let Some(key) = &key {
        snapshot::check_secrets(database, &Sealer::new(key)).await?;
    }
    Ok((manifest, key))
}
