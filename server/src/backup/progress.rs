//! How far a backup is, for whoever watches.

use std::io;

/// Watches something that takes its time, and may end it.
pub trait Progress: Send + Sync {
    /// Something begins that goes over so many bytes; 0 if that is not known.
    fn begin(&self, what: &'static str, bytes: u64);

    /// So many bytes more are done. An error ends it all.
    fn advance(&self, bytes: u64) -> io::Result<()>;
}

/// Nobody watches.
impl Progress for () {
    fn begin(&self, _: &'static str, _: u64) {}

    fn advance(&self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
