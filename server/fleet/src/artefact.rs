//! Artefacts: the firmware and software that devices are given, and by what it is known that they may be.
//!
//! An [`Artefact`] is a row; its bytes lie in [`Blobs`](crate::Blobs). Its [`Proof`] is either a manifest of ours with a
//! detached signature ([`SignedManifest`]) or a SUIT envelope ([`suit`]). [`Artefact::clearance`] alone decides whether a
//! device may be given it, at the upload and again before each sending, and the [`Cleared`] it gives is the only thing by
//! which bytes for a device can be read: a target that does not match gets none by construction.

use crate::{ArtefactId, ClassId, Fingerprint, PublicId, Timestamp};

mod change;
pub use change::ArtefactChange;

mod clearance;
pub use clearance::{Cleared, Measured, Misfit, Recipient};

mod key;
#[cfg(test)]
pub(crate) mod kit;
pub use key::{KeyAlgorithm, UpdateKey, UpdateKeyError};

mod manifest;
pub use manifest::{Manifest, ManifestError};

mod policy;
pub use policy::UpdatePolicy;

mod signed;
pub use signed::{SignedManifest, SignedManifestError};

pub mod suit;

/// Firmware or software that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// Its name in URLs.
    pub id: ArtefactId,
    /// What it is.
    pub kind: ArtefactKind,
    /// What people call it.
    pub name: String,
    /// Its version, as its maker writes it: see [`crate::version`].
    pub version: String,
    /// The class of the devices that it is for.
    pub class: ClassId,
    /// How long the image is.
    pub size: u64,
    /// SHA-256 of the image.
    pub digest: Fingerprint,
    /// Its sequence number, by which it is told what is newer: zero if nobody has signed one.
    pub sequence: u64,
    /// Until when it may be sent.
    pub not_after: Option<Timestamp>,
    /// By what it is known whose it is.
    pub proof: Proof,
    /// The key that has signed it, by SHA-256 of its SubjectPublicKeyInfo.
    pub key: Option<Fingerprint>,
    /// What devices are sent.
    pub sends: Sends,
    /// Who uploaded it, by name.
    pub uploaded_by: String,
    /// When.
    pub uploaded_at: Timestamp,
    /// When it was withdrawn: it is sent to nobody any more.
    pub withdrawn_at: Option<Timestamp>,
}

/// What an artefact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtefactKind {
    /// Of object 5.
    Firmware,
    /// Of object 9.
    Software,
}

/// By what it is known whose an artefact is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By nothing.
    Unsigned,
    /// By a manifest of ours that was signed: [`SignedManifest`], as it was uploaded.
    Detached(Vec<u8>),
    /// By a SUIT envelope.
    Suit(Box<SuitProof>),
}

/// What is kept of a SUIT envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitProof {
    /// What its authentication wrapper holds.
    pub authentication: Vec<u8>,
    /// Its manifest.
    pub manifest: Vec<u8>,
    /// SHA-256 of the whole envelope.
    pub envelope: Fingerprint,
    /// How long it is.
    pub envelope_size: u64,
    /// Where in the envelope the image begins; none if it lies beside the envelope.
    pub image_at: Option<u64>,
}

/// What devices are sent of an artefact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sends {
    /// The image alone.
    #[default]
    Image,
    /// The SUIT envelope, for devices that process it.
    Envelope,
}

/// What a device runs, by what its updates have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Which device.
    pub device: crate::DeviceId,
    /// Of which kind.
    pub kind: ArtefactKind,
    /// The instance of object 5 or 9.
    pub instance: u16,
    /// Its version, as the device says.
    pub version: String,
    /// The highest sequence number that was installed; none if no artefact of this server was.
    pub sequence: Option<u64>,
    /// The artefact, if it is one of this server's.
    pub artefact: Option<ArtefactId>,
    /// When that was found.
    pub at: Timestamp,
}

/// A device that runs an artefact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsArtefact {
    /// The device's row.
    pub row: crate::DeviceId,
    /// The device, as it is called in URLs.
    pub device: PublicId,
    /// Its endpoint name.
    pub endpoint: crate::EndpointName,
    /// The instance of object 5 or 9.
    pub instance: u16,
    /// Since when.
    pub at: Timestamp,
}

impl Artefact {
    /// How many there may be.
    pub const MAX: usize = 1_000;
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
    /// The longest version, in bytes.
    pub const MAX_VERSION: usize = 64;
    /// The highest sequence number: JSON and the database hold it.
    pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

    /// Where its bytes lie: the image or the envelope that holds it, and the envelope beside it.
    pub fn blobs(&self) -> Vec<Fingerprint> {
        match &self.proof {
            Proof::Suit(suit) if suit.image_at.is_some() => vec![suit.envelope],
            Proof::Suit(suit) => vec![self.digest, suit.envelope],
            Proof::Unsigned | Proof::Detached(_) => vec![self.digest],
        }
    }

    /// What is sent: of which blob, from where on, and how much.
    pub(crate) fn payload(&self) -> (Fingerprint, u64, u64) {
        match (&self.proof, self.sends) {
            (Proof::Suit(suit), Sends::Envelope) => (suit.envelope, 0, suit.envelope_size),
            (Proof::Suit(suit), Sends::Image) => match suit.image_at {
                Some(at) => (suit.envelope, at, self.size),
                None => (self.digest, 0, self.size),
            },
            (Proof::Unsigned | Proof::Detached(_), _) => (self.digest, 0, self.size),
        }
    }
}

impl ArtefactKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Firmware, Self::Software];

    /// A word for it, as it is stored, signed and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Software => "software",
        }
    }
}

impl Proof {
    /// A word for it, as it is shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Detached(_) => "manifest",
            Self::Suit(_) => "suit",
        }
    }
}

impl Sends {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Image, Self::Envelope];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Envelope => "envelope",
        }
    }
}
