//! How large a file of this process may grow: `RLIMIT_FSIZE` (setrlimit(2)), or `LimitFSIZE=` of systemd.

use std::io;

use rustix::process::{Resource, Signal, getrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Makes a file that may not grow an error for whoever writes it, and no longer the end of the process. Within a runtime.
pub fn outlive() -> io::Result<()> {
    // Once it is listened for, it does nothing else as long as the process lives.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

/// Whether there is one.
pub(crate) fn is_set() -> bool {
    getrlimit(Resource::Fsize).current.is_some()
}
