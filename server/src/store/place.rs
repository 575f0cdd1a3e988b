//! Whether the name of the database's file still leads to the file that is open.
//!
//! A file goes on living for whoever has it open when it is deleted or another is put in its place. What would be
//! acknowledged then is gone with the process.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// The file that was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: (u64, u64),
    /// So that no other file gets its number as long as this lives.
    _held: File,
}

/// It is not what its name leads to any more.
#[derive(Debug, thiserror::Error)]
#[error("{} is not the file any more that was opened", .0.display())]
pub(super) struct Moved(PathBuf);

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let held = held(path)?;
        Ok(Self { path: path.to_owned(), file: number(&held.metadata()?), _held: held })
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    pub(super) fn check(&self) -> Result<(), Moved> {
        match fs::metadata(&self.path) {
            Ok(found) if number(&found) == self.file => Ok(()),
            _ => Err(Moved(self.path.clone())),
        }
    }
}

/// Where a file lies; the parent of a bare name is here.
pub(super) fn folder(file: &Path) -> &Path {
    named(file.parent().unwrap_or(file))
}

/// The folder of that name, which may be none.
pub(super) fn named(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// As a place only: to close a file that was opened to be read would take SQLite's locks away.
pub(super) fn held(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::PATH.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

pub(super) fn number(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
