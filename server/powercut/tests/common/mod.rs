//! Devices that have commits of every kind made for them and know what must be in the store afterwards, and what the rows
//! must be like.

pub(crate) mod device;
pub(crate) mod rows;

use std::path::{Path, PathBuf};

/// A folder with a database, gone with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("muster.db")
    }
}
