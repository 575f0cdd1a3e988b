//! How a restore takes effect: what was restored lies whole in a folder of its own, and is put in place under the lock,
//! file by file. A crash at any point leaves a state from which the next start goes on.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tracing::warn;

use super::SEED_FILE;
use crate::{blobs, clock, config::DATABASE_FILE, seal::KEY_FILE};

/// What is put in place. The database comes last: as long as it is here, what lies in the data folder is the old one.
const FILES: [&str; 4] = [SEED_FILE, KEY_FILE, blobs::FOLDER, DATABASE_FILE];

/// What SQLite keeps beside a database, and would apply to another one of that name.
const BESIDE: [&str; 2] = ["muster.db-wal", "muster.db-shm"];

/// Whether there is anything here that a restore would replace.
pub(crate) fn is_empty(data_dir: &Path) -> bool {
    let is_there = |file: &&str| data_dir.join(file).exists();
    // The folder of artefacts is made by every start; what is in it counts with the database that refers to it.
    !FILES.iter().filter(|file| **file != blobs::FOLDER).chain(&BESIDE).any(is_there)
}

/// Makes a restore hold: what lies whole in `staged`, a folder within the data folder, is put in place now or at the next
/// start.
pub(crate) fn decide(data_dir: &Path, staged: &Path) -> io::Result<()> {
    File::open(staged)?.sync_all()?;
    fs::rename(staged, waiting(data_dir))?;
    File::open(data_dir)?.sync_all()
}

/// Puts in place what was decided on, if anything was. What was there before is moved aside, and never deleted.
pub(crate) fn put_in_place(data_dir: &Path) -> io::Result<()> {
    if !is_waiting(data_dir) {
        return Ok(());
    }
    let waiting = waiting(data_dir);
    let mut aside = None;
    for file in FILES {
        let new = waiting.join(file);
        if !new.exists() {
            continue;
        }
        let beside: &[&str] = if file == DATABASE_FILE { &BESIDE } else { &[] };
        for old in beside.iter().chain(&[file]) {
            move_aside(data_dir, old, &mut aside)?;
        }
        fs::rename(new, data_dir.join(file))?;
        // In this order on the disk, too.
        File::open(data_dir)?.sync_all()?;
    }
    fs::remove_dir(&waiting)?;
    File::open(data_dir)?.sync_all()
}

/// How the names begin of what a restore unpacks, and of what the set-up page is given for one.
pub(crate) const UNPACKED: &str = "restoring-";
pub(crate) const UPLOADED: &str = "upload-";

/// How the names begin of the copies that backups are made of.
pub(crate) const COPIED: &str = "backup-";

/// Takes away what restores, uploads and backups have left that were killed before anything was decided: whole databases, and
/// keys.
pub(crate) fn clear_leftovers(data_dir: &Path) -> io::Result<()> {
    clear_backups(data_dir)?;
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if [UNPACKED, UPLOADED].iter().any(|prefix| name.starts_with(prefix)) {
            let path = entry.path();
            if name.starts_with(UNPACKED) {
                warn!(folder = %path.display(), "a restore was cut off before it had changed anything: run it again if it is wanted");
            }
            if entry.file_type()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Keeps the folder of a backup that is being made from being taken for one that was killed. Locks go with their process.
pub(crate) fn hold(folder: &Path) -> io::Result<File> {
    let held = File::open(folder)?;
    held.try_lock()?;
    Ok(held)
}

/// Takes away what backups have left that were killed, beside those that are being made.
pub(crate) fn clear_backups(data_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(data_dir)? {
        let entry = entry?;
        let is_copy = entry.file_name().to_string_lossy().starts_with(COPIED) && entry.file_type()?.is_dir();
        if is_copy && hold(&entry.path()).is_ok() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Whether there is something to put in place.
pub(crate) fn is_waiting(data_dir: &Path) -> bool {
    waiting(data_dir).exists()
}

fn waiting(data_dir: &Path) -> PathBuf {
    data_dir.join("restored")
}

fn move_aside(data_dir: &Path, file: &str, aside: &mut Option<PathBuf>) -> io::Result<()> {
    if !data_dir.join(file).exists() {
        return Ok(());
    }
    let folder = match aside {
        Some(folder) => folder,
        None => aside.insert(make_aside(data_dir)?),
    };
    fs::rename(data_dir.join(file), folder.join(file))?;
    File::open(folder)?.sync_all()
}

fn make_aside(data_dir: &Path) -> io::Result<PathBuf> {
    let path = data_dir.join(format!("replaced-{}", clock::wall().0));
    fs::create_dir(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        files.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
    }

    fn read(folder: &Path, file: &str) -> Option<String> {
        fs::read_to_string(folder.join(file)).ok()
    }

    #[test]
    fn a_restore_that_was_cut_off_anywhere_ends_at_the_next_start() {
        let old = [
            (SEED_FILE, "old"),
            (KEY_FILE, "old"),
            (blobs::FOLDER, "old"),
            (DATABASE_FILE, "old"),
            (BESIDE[0], "old"),
        ];
        let new = [(SEED_FILE, "new"), (KEY_FILE, "new"), (blobs::FOLDER, "new"), (DATABASE_FILE, "new")];
        // How many files were in place when it was cut off.
        for done in 0..=FILES.len() {
            let folder = tempfile::tempdir().unwrap();
            let (data, staged) = (folder.path(), folder.path().join("restoring"));
            write(data, &old);
            write(&staged, &new);
            assert!(!is_empty(data));
            decide(data, &staged).unwrap();
            for file in &FILES[..done] {
                fs::rename(waiting(data).join(file), data.join(file)).unwrap();
            }
            put_in_place(data).unwrap();
            for file in FILES {
                assert_eq!(read(data, file).as_deref(), Some("new"), "{file} after {done}");
            }
            assert_eq!(read(data, BESIDE[0]).is_some(), done == FILES.len(), "after {done}");
            assert!(!waiting(data).exists());
            let aside = fs::read_dir(data).unwrap().map(Result::unwrap);
            let aside = aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("replaced-"));
            let kept: usize = aside.map(|entry| fs::read_dir(entry.path()).unwrap().count()).sum();
            assert_eq!(kept, if done == FILES.len() { 0 } else { old.len() - done }, "after {done}");
            put_in_place(data).unwrap();
        }
    }

    #[test]
    fn without_a_restore_nothing_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[(DATABASE_FILE, "mine")]);
        put_in_place(folder.path()).unwrap();
        assert_eq!(read(folder.path(), DATABASE_FILE).as_deref(), Some("mine"));
    }

    #[test]
    fn a_backup_that_is_being_made_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("backup-x");
        write(&copied, &[("database.sqlite", "the data")]);
        let held = hold(&copied).unwrap();
        clear_leftovers(folder.path()).unwrap();
        assert!(copied.exists());
        drop(held);
        clear_leftovers(folder.path()).unwrap();
        assert!(!copied.exists());
    }

    #[test]
    fn what_was_cut_off_before_anything_was_decided_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("restoring-x");
        fs::create_dir(&unpacked).unwrap();
        write(&unpacked, &[(KEY_FILE, "a key")]);
        write(folder.path(), &[("upload-y", "half a backup"), (DATABASE_FILE, "the data")]);
        write(&folder.path().join("backup-killed"), &[("database.sqlite", "the data")]);
        clear_leftovers(folder.path()).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [DATABASE_FILE]);
    }
}
