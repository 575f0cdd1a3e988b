//! Whether SQLite's write-ahead log is the one that the next start finds, with all that was written to it.
//!
//! Until a checkpoint what was committed stands there and nowhere else. A log that is deleted goes on living for whoever has
//! it open, and one that is cut short is written to behind the hole: SQLite notices neither.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::place::{held, is_name_of};

/// The log that was opened, and the index of it that processes share.
#[derive(Debug)]
pub(super) struct Log {
    database: PathBuf,
    /// SQLite locks the database and the index, and never this.
    log: File,
    index: File,
    head: Head,
    length: u64,
}

/// Why what is in the log is not what the next start finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Astray {
    /// It is shorter than it was; what is there is whole.
    #[error("muster.db-wal was cut short from outside")]
    Cut,
    /// It does not begin as it did, and SQLite has not begun it anew.
    #[error("muster.db-wal was cut short or written over from outside")]
    Spoiled,
    /// Its name, or that of its index, does not lead to it any more. It is whole.
    #[error("muster.db-wal or muster.db-shm was deleted or replaced")]
    Gone,
    /// It is, and somebody who reads keeps it from being put into the database.
    #[error("muster.db-wal was deleted or cut short, and somebody who reads the database keeps it in use")]
    Held,
}

/// Its first bytes, which SQLite changes whenever it begins the log anew (<https://sqlite.org/fileformat2.html#walformat>).
type Head = [u8; 32];

impl Log {
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let [log, index] = names(database)?;
        let log = OpenOptions::new().read(true).write(true).open(log)?;
        let (head, length) = extent(&log)?;
        Ok(Self { database: database.to_owned(), log, index: held(&index)?, head, length })
    }

    /// Takes note of how far it goes, too.
    pub(super) fn check(&mut self) -> Result<(), Astray> {
        let (head, length) = extent(&self.log).map_err(|_| Astray::Gone)?;
        if head == self.head && length < self.length {
            return Err(Astray::Cut);
        }
        if head != self.head && !is_begun(head) {
            return Err(Astray::Spoiled);
        }
        (self.head, self.length) = (head, length);
        if self.is_in_place().unwrap_or(false) { Ok(()) } else { Err(Astray::Gone) }
    }

    /// What is left of one that was spoiled must not get into the database: it is not what was written.
    pub(super) fn empty(&self) -> io::Result<()> {
        self.log.set_len(0)
    }

    fn is_in_place(&self) -> io::Result<bool> {
        let [log, index] = names(&self.database)?;
        // SQLite opens no link by these names.
        Ok(is_name_of(&log, &self.log)? && is_name_of(&index, &self.index)?)
    }
}

/// As SQLite names them, which follows links first.
fn names(database: &Path) -> io::Result<[PathBuf; 2]> {
    let database = database.canonicalize()?;
    Ok(["-wal", "-shm"].map(|end| {
        let mut name = OsString::from(&database);
        name.push(end);
        name.into()
    }))
}

/// How it begins, or zeros if it is shorter than that, and its length.
fn extent(log: &File) -> io::Result<(Head, u64)> {
    let mut head = Head::default();
    match log.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => head = Head::default(),
        read => read?,
    }
    Ok((head, log.metadata()?.len()))
}

fn is_begun(head: Head) -> bool {
    let [a, b, c, d, ..] = head;
    // The last bit says in what order the checksums take bytes.
    u32::from_be_bytes([a, b, c, d]) & !1 == 0x377f_0682
}
