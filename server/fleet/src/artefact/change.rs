//! What changes about artefacts, and about whom classes take them from.

use crate::{Artefact, ArtefactId, ClassId, Fingerprint, Installed, Timestamp, UpdateKey, UpdatePolicy};

/// A change of artefacts.
#[derive(Clone, Debug, PartialEq)]
pub enum ArtefactChange {
    /// An artefact was uploaded.
    Added(Box<Artefact>),
    /// It is sent to nobody any more. Nothing if that is so already.
    Withdrawn {
        /// Which.
        id: ArtefactId,
        /// When.
        at: Timestamp,
    },
    /// A withdrawn artefact is forgotten. What devices have installed of it stays known.
    Removed(ArtefactId),
    /// What a class takes; it replaces what was said before. A conflict if the class is not there.
    PolicySaved(UpdatePolicy),
    /// A key is trusted for a class. A conflict if it is there already, revoked or not, or the class is not.
    KeyAdded(UpdateKey),
    /// A key is not trusted any more. Nothing if it is not there, or revoked already.
    KeyRevoked {
        /// By which class.
        class: ClassId,
        /// Which.
        key: Fingerprint,
        /// When.
        at: Timestamp,
    },
    /// What a device runs in an instance; it replaces what was known before.
    Installed(Installed),
}
