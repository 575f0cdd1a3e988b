//! Backups: one file with the database and the keys, made beside a running server or without one.
//!
//! Start with [`create`], [`verify`] and [`restore`]. The file is a plain tar (`archive`) of a manifest, the keys sealed
//! under a passphrase (`keys`), a copy of the database whose secrets stay sealed, the files of artefacts (`artefacts`), and the
//! sums of all that. It carries no
//! DTLS session, for those live on with the server: with a session from a copy, numbers of records would be used twice.

mod archive;
mod artefacts;
mod create;
pub use create::create;

mod error;
pub use error::{BackupError, Damage};

mod keys;
pub use keys::KeysError;

mod manifest;
pub use manifest::{Manifest, Member};

mod passphrase;
pub use passphrase::{Passphrase, PassphraseError};

mod progress;
pub use progress::Progress;

mod restore;

pub use restore::{Replace, restore};

mod upload;
pub(crate) use upload::receiver;

mod verify;
pub use verify::verify;

#[cfg(test)]
mod tests;
