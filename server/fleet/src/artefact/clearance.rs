//! The decision whether an artefact may be given to a device.

use uuid::Uuid;

use super::{
    Installed, Proof, SignedManifest, SuitProof,
    suit::{Authentication, SuitManifest},
};
use crate::{
    Artefact, ArtefactId, ArtefactKind, Blob, Class, DeviceId, Fingerprint, Timestamp, UpdateKey,
    UpdatePolicy, version,
};

/// Lets the bytes of an artefact be read for one device. Only `Artefact::clearance` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    device: DeviceId,
    artefact: ArtefactId,
    kind: ArtefactKind,
    version: String,
    sequence: u64,
    blob: Fingerprint,
    at: u64,
    size: u64,
}

/// Whom an artefact is to be given to.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The class of the device, or the one that an upload is for.
    pub class: &'a Class,
    /// What that class takes.
    pub policy: &'a UpdatePolicy,
    /// Whom it takes it from.
    pub keys: &'a [UpdateKey],
    /// What the device runs, as far as is known.
    pub installed: Option<&'a Installed>,
    /// When.
    pub now: Timestamp,
}

/// What lies in the store of bytes, as it was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The image.
    pub image: Blob,
    /// The envelope, if there is one.
    pub envelope: Option<Blob>,
}

/// Why an artefact is given to nobody, or not to this device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// What is sent is not what was signed: SHA-256 differs.
    #[error("the {what} has another SHA-256 than the one it was signed or uploaded with: upload it again")]
    DigestDiffers {
        /// The image or the envelope.
        what: &'static str,
    },
    /// What the device runs is newer.
    #[error("the device runs {installed}, which is newer than {offered}")]
    Downgraded {
        /// What the device runs.
        installed: String,
        /// What it would be given.
        offered: String,
    },
    /// Its time is over.
    #[error("its time is over: it was to be sent until {not_after} (milliseconds since 1970)")]
    Expired {
        /// Until when it was to be sent.
        not_after: Timestamp,
    },
    /// The key that has signed it is revoked.
    #[error("the key {key} that has signed it is revoked")]
    RevokedKey {
        /// Which.
        key: Fingerprint,
    },
    /// What is sent is not as long as what was signed.
    #[error("the {what} has {actual} bytes, not {stated}")]
    SizeDiffers {
        /// The image or the envelope.
        what: &'static str,
        /// How long it should be.
        stated: u64,
        /// How long it is.
        actual: u64,
    },
    /// What was signed is not what is kept of it.
    #[error("it was tampered with: {what} is not what was signed")]
    Tampered {
        /// What.
        what: &'static str,
    },
    /// The key that is said to have signed it is not one of the class.
    #[error("the key {key} is none of the class's update keys")]
    UnknownKey {
        /// Which.
        key: Fingerprint,
    },
    /// Its proof can't be read.
    #[error("{reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// Nobody has signed it.
    #[error("nobody has signed it, and its class takes signed artefacts only")]
    Unsigned,
    /// It was withdrawn.
    #[error("it was withdrawn")]
    Withdrawn,
    /// It is for another class.
    #[error("it is for the class {named}, not for {class}")]
    WrongClass {
        /// For which, by its name or its id in the manifest.
        named: String,
        /// Which class this is.
        class: String,
    },
    /// It is for the devices of another maker.
    #[error("it is for devices of the vendor {named}; the vendor id of the class is {vendor}")]
    WrongVendor {
        /// Whose.
        named: Uuid,
        /// The vendor id of the class.
        vendor: String,
    },
    /// No trusted key of the class has made its signature.
    #[error("its signature was not made by a trusted key of the class over what it states")]
    WronglySigned,
}

impl Misfit {
    /// The names of all of them.
    pub const NAMES: [&str; 13] = [
        "digest differs",
        "downgraded",
        "expired",
        "revoked key",
        "size differs",
        "tampered",
        "unknown key",
        "unreadable",
        "unsigned",
        "withdrawn",
        "wrong class",
        "wrong vendor",
        "wrongly signed",
    ];

    /// A few words for it, as programs and metrics know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DigestDiffers { .. } => "digest differs",
            Self::Downgraded { .. } => "downgraded",
            Self::Expired { .. } => "expired",
            Self::RevokedKey { .. } => "revoked key",
            Self::SizeDiffers { .. } => "size differs",
            Self::Tampered { .. } => "tampered",
            Self::UnknownKey { .. } => "unknown key",
            Self::Unreadable { .. } => "unreadable",
            Self::Unsigned => "unsigned",
            Self::Withdrawn => "withdrawn",
            Self::WrongClass { .. } => "wrong class",
            Self::WrongVendor { .. } => "wrong vendor",
            Self::WronglySigned => "wrongly signed",
        }
    }
}

impl Cleared {
    /// For which device.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// Which artefact.
    pub fn artefact(&self) -> ArtefactId {
        self.artefact
    }

    /// What it is.
    pub fn kind(&self) -> ArtefactKind {
        self.kind
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many bytes the device is sent.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of the file that they are a part of, and which part: from where on, and how much. It is the same for all
    /// devices that are sent the same.
    pub fn part(&self) -> (Fingerprint, u64, u64) {
        (self.blob, self.at, self.size)
    }
}

impl Artefact {
    /// Whether a device may be given it: everything is looked at anew.
    pub(crate) fn clearance(
        &self,
        device: DeviceId,
        measured: &Measured,
        recipient: &Recipient<'_>,
    ) -> Result<Cleared, Misfit> {
        self.check(measured, recipient)?;
        let (blob, at, size) = self.payload();
        Ok(Cleared {
            device,
            artefact: self.id,
            kind: self.kind,
            version: self.version.clone(),
            sequence: self.sequence,
            blob,
            at,
            size,
        })
    }

    /// Whether it fits its class, and the device if one is named. The key that has signed it, if one has.
    pub(crate) fn check(
        &self,
        measured: &Measured,
        recipient: &Recipient<'_>,
    ) -> Result<Option<Fingerprint>, Misfit> {
        if self.withdrawn_at.is_some() {
            return Err(Misfit::Withdrawn);
        }
        if self.class != recipient.class.id {
            let named = format!("with the number {}", self.class.0);
            return Err(Misfit::WrongClass { named, class: recipient.class.name.clone() });
        }
        let key = match &self.proof {
            Proof::Unsigned if recipient.policy.unsigned => None,
            Proof::Unsigned => return Err(Misfit::Unsigned),
            Proof::Detached(signed) => Some(self.check_detached(signed, recipient)?),
            Proof::Suit(suit) => self.check_suit(suit, recipient)?,
        };
        self.check_bytes(measured)?;
        if let Some(not_after) = self.not_after
            && recipient.now > not_after
        {
            return Err(Misfit::Expired { not_after });
        }
        self.check_installed(recipient.installed)?;
        Ok(key)
    }

    fn check_detached(&self, signed: &[u8], recipient: &Recipient<'_>) -> Result<Fingerprint, Misfit> {
        let unreadable = |error: super::SignedManifestError| Misfit::Unreadable { reason: error.to_string() };
        let (signed, manifest) = SignedManifest::parse(signed).map_err(unreadable)?;
        let key = recipient.keys.iter().find(|key| key.id == signed.key);
        let key = key.ok_or(Misfit::UnknownKey { key: signed.key })?;
        if !key.has_signed(&signed.manifest, &signed.signature) {
            return Err(Misfit::WronglySigned);
        }
        if !key.is_trusted() {
            return Err(Misfit::RevokedKey { key: key.id });
        }
        if manifest.class != recipient.class.name {
            return Err(Misfit::WrongClass { named: manifest.class, class: recipient.class.name.clone() });
        }
        let kept = [
            ("the kind", manifest.kind == self.kind),
            ("the version", manifest.version == self.version),
            ("the time", manifest.not_after.is_none_or(|end| self.not_after.is_some_and(|kept| kept <= end))),
        ];
        self.check_stated(kept, manifest.sequence, manifest.digest, manifest.size)?;
        Ok(key.id)
    }

    fn check_suit(&self, suit: &SuitProof, recipient: &Recipient<'_>) -> Result<Option<Fingerprint>, Misfit> {
        let unreadable = |error: super::suit::SuitError| Misfit::Unreadable { reason: error.to_string() };
        let authentication = Authentication::parse(&suit.authentication).map_err(unreadable)?;
        let key = match authentication.signer(recipient.keys) {
            Some(key) if !key.is_trusted() => return Err(Misfit::RevokedKey { key: key.id }),
            Some(key) => Some(key.id),
            None if !authentication.is_signed() && recipient.policy.unsigned => None,
            None if !authentication.is_signed() => return Err(Misfit::Unsigned),
            None => {
                let named = authentication.named();
                let unknown = named.filter(|named| recipient.keys.iter().all(|key| key.id != *named));
                return Err(unknown.map_or(Misfit::WronglySigned, |key| Misfit::UnknownKey { key }));
            }
        };
        if !authentication.is_of(&suit.manifest) {
            return Err(Misfit::Tampered { what: "the manifest" });
        }
        let manifest = SuitManifest::parse(&suit.manifest).map_err(unreadable)?;
        let (vendor_id, class_id) = (recipient.policy.vendor_id, recipient.policy.class_id);
        let ours = |id: Option<Uuid>| id.map_or_else(|| "not set".to_owned(), |id| id.to_string());
        if vendor_id != Some(manifest.vendor_id) {
            return Err(Misfit::WrongVendor { named: manifest.vendor_id, vendor: ours(vendor_id) });
        }
        if class_id != Some(manifest.class_id) {
            let class = format!("{} (class id {})", recipient.class.name, ours(class_id));
            return Err(Misfit::WrongClass { named: manifest.class_id.to_string(), class });
        }
        self.check_stated([], manifest.sequence, manifest.digest, manifest.size)?;
        Ok(key)
    }

    /// Whether what was signed is what is kept.
    fn check_stated<const N: usize>(
        &self,
        kept: [(&'static str, bool); N],
        sequence: u64,
        digest: Fingerprint,
        size: u64,
    ) -> Result<(), Misfit> {
        let mut kept = kept.into_iter().chain([
            ("the sequence number", sequence == self.sequence),
            ("the digest", digest == self.digest),
            ("the size", size == self.size),
        ]);
        kept.find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(Misfit::Tampered { what }))
    }

    /// Whether the bytes are those that were stated.
    fn check_bytes(&self, measured: &Measured) -> Result<(), Misfit> {
        let same = |what: &'static str, stated: Blob, actual: Blob| {
            if stated.size != actual.size {
                return Err(Misfit::SizeDiffers { what, stated: stated.size, actual: actual.size });
            }
            if stated.digest == actual.digest { Ok(()) } else { Err(Misfit::DigestDiffers { what }) }
        };
        if let Proof::Suit(suit) = &self.proof {
            let stated = Blob { digest: suit.envelope, size: suit.envelope_size };
            same("envelope", stated, measured.envelope.ok_or(Misfit::DigestDiffers { what: "envelope" })?)?;
        }
        same("image", Blob { digest: self.digest, size: self.size }, measured.image)
    }

    /// Nothing older than what a device runs: by the sequence number where both have one (RFC 9124 §3.2), which says
    /// more than a version; by the version otherwise.
    fn check_installed(&self, installed: Option<&Installed>) -> Result<(), Misfit> {
        let Some(installed) = installed else { return Ok(()) };
        let is_signed = !matches!(self.proof, Proof::Unsigned);
        let has_older_version = version::compare(&self.version, &installed.version).is_lt();
        let (is_older, offered, runs) = match installed.sequence.filter(|_| is_signed) {
            Some(sequence) => (
                // A higher number is the maker's word that it is newer, whatever the version says.
                self.sequence < sequence || self.sequence == sequence && has_older_version,
                format!("{} (sequence number {})", self.version, self.sequence),
                format!("{} (sequence number {sequence})", installed.version),
            ),
            None => (has_older_version, self.version.clone(), installed.version.clone()),
        };
        if is_older { Err(Misfit::Downgraded { installed: runs, offered }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
