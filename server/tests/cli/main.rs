//! The command line as people and scripts use it: the binary, against a server of its own.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod accounts;
mod artefacts;
mod backup;
mod data;
mod device;
mod families;
mod help;
mod hostile;
mod operations;
mod snapshot;
mod world;
