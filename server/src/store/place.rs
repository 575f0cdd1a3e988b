//! Whether the name of the database's file still leads to the file that is open, and that holds what was written to it.
//!
//! A file goes on living for whoever has it open when it is deleted or another is put in its place. What would be
//! acknowledged then is gone with the process.

use std::{
    fs::{self, File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use super::OpenError;

/// The file that was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// So that no other file gets its number as long as this lives. It is closed after the connections, for that takes SQLite's
    /// locks away.
    file: File,
    mark: Mark,
    /// How long it was.
    length: AtomicU64,
}

/// A number that each start writes into the head of the file, as SQLite's application id
/// (<https://sqlite.org/fileformat2.html#application_id>): what was copied there since has another.
#[derive(Debug, Default)]
struct Mark {
    bytes: [u8; 4],
    /// Before a checkpoint it stands in the log alone.
    is_there: AtomicBool,
}

/// It is not what was opened any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Displaced {
    /// The name leads elsewhere.
    #[error("{} is not the file any more that was opened", .0.display())]
    Moved(PathBuf),
    /// The file holds something else.
    #[error("{} was written over from outside", .0.display())]
    Overwritten(PathBuf),
}

/// Where in the head the mark stands (<https://sqlite.org/fileformat2.html#the_database_header>).
const MARK: Range<usize> = 68..72;

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: File::open(path)?,
            mark: Mark::default(),
            length: AtomicU64::new(0),
        })
    }

    /// Marks it as this start's.
    pub(super) async fn mark(&mut self, connection: &DatabaseConnection) -> Result<(), OpenError> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)
            .map_err(|error| OpenError::File { path: self.path.clone(), error: io::Error::other(error) })?;
        let id = i32::from_be_bytes(bytes);
        connection.execute_unprepared(&format!("PRAGMA application_id = {id}")).await?;
        connection.execute_unprepared("PRAGMA wal_checkpoint(PASSIVE)").await?;
        self.mark = Mark { bytes, is_there: AtomicBool::new(false) };
        Ok(())
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    pub(super) fn check(&self) -> Result<(), Displaced> {
        if !leads_to(&self.path, &self.file).unwrap_or(false) {
            return Err(Displaced::Moved(self.path.clone()));
        }
        let mut head = [0; 100];
        let is_read = self.file.read_exact_at(&mut head, 0).is_ok();
        let is_marked = is_read && head[MARK] == self.mark.bytes;
        if is_marked {
            self.mark.is_there.store(true, Ordering::Relaxed);
        }
        let is_spoiled = !is_marked && self.mark.is_there.load(Ordering::Relaxed);
        if is_spoiled || is_read && self.is_cut(&head) {
            return Err(Displaced::Overwritten(self.path.clone()));
        }
        Ok(())
    }

    /// Whether it has become shorter, and than its head says. SQLite writes the head before what it makes it longer by, and after
    /// that where it makes it shorter.
    fn is_cut(&self, head: &[u8; 100]) -> bool {
        let Ok(length) = self.file.metadata().map(|file| file.len()) else { return false };
        let (page, pages) = (u16::from_be_bytes([head[16], head[17]]), &head[28..32]);
        // 1 stands for 65 536 bytes.
        let page = if page == 1 { 1 << 16 } else { u64::from(page) };
        let pages = pages.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if length < self.length.load(Ordering::Relaxed) && length < page * pages {
            return true;
        }
        self.length.store(length, Ordering::Relaxed);
        false
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

/// Whether the name leads to this file, perhaps by links.
fn leads_to(name: &Path, file: &File) -> io::Result<bool> {
    Ok(is_same(&fs::metadata(name)?, &file.metadata()?))
}

/// Whether the name is this file's own.
pub(super) fn is_name_of(name: &Path, file: &File) -> io::Result<bool> {
    Ok(is_same(&fs::symlink_metadata(name)?, &file.metadata()?))
}

fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
