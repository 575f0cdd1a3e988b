//! Artefacts: firmware and software for devices; and what classes take of them, and from whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Time;

words! {
    /// What an artefact is.
    ArtefactKind = ArtefactKind {
        /// Of object 5.
        Firmware,
        /// Of object 9.
        Software,
    }
}

words! {
    /// What devices are sent of an artefact.
    Sends = Sends {
        /// The image alone.
        Image,
        /// The SUIT envelope, for devices that process it.
        Envelope,
    }
}

words! {
    /// By what it is known whose an artefact is.
    ArtefactProof {
        /// By nothing.
        Unsigned,
        /// By a signed manifest of Muster's own.
        Manifest,
        /// By a SUIT envelope.
        Suit,
    }
}

words! {
    /// How a key signs updates.
    UpdateKeyAlgorithm = KeyAlgorithm {
        /// RFC 8032.
        Ed25519,
        /// ECDSA on P-256 with SHA-256.
        EcdsaP256,
    }
}

/// Firmware or software that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Artefact {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What it is.
    pub kind: ArtefactKind,
    /// What people call it.
    #[schema(example = "gateway firmware")]
    pub name: String,
    /// Its version.
    #[schema(example = "1.4.0")]
    pub version: String,
    /// The name of the class of the devices that it is for.
    #[schema(example = "default")]
    pub class: String,
    /// How many bytes the image has.
    #[schema(example = 262_144)]
    pub size: u64,
    /// SHA-256 of the image.
    #[schema(example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    pub sha256: String,
    /// Its sequence number; 0 if nobody has signed one.
    #[schema(example = 7)]
    pub sequence: u64,
    /// Until when it may be sent.
    pub not_after: Option<Time>,
    /// By what it is known whose it is.
    pub proof: ArtefactProof,
    /// The key that has signed it, by SHA-256 of its SubjectPublicKeyInfo.
    pub key: Option<String>,
    /// What devices are sent.
    pub sends: Sends,
    /// Who uploaded it.
    #[schema(example = "ada")]
    pub uploaded_by: String,
    /// When.
    pub uploaded_at: Time,
    /// When it was withdrawn: it is sent to nobody any more.
    pub withdrawn_at: Option<Time>,
}

/// An artefact, checked anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtefactDetail {
    /// The artefact.
    #[serde(flatten)]
    pub artefact: Artefact,
    /// Why it is given to no device of its class; none if it is.
    pub misfit: Option<Misfit>,
    /// How many devices run it.
    pub devices: u64,
}

/// Why an artefact is given to nobody, or not to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Misfit {
    /// In a few words, which never change.
    #[schema(example = "revoked key")]
    pub reason: String,
    /// For a person.
    pub detail: String,
}

/// A device that runs an artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtefactDevice {
    /// The device's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// Its endpoint name.
    #[schema(example = "node-7")]
    pub endpoint: String,
    /// The instance of object 5 or 9.
    #[schema(example = 0)]
    pub instance: u16,
    /// Since when.
    pub at: Time,
}

/// An upload: `multipart/form-data`, with texts and files in any order.
#[derive(Clone, Debug, ToSchema)]
pub struct ArtefactUpload {
    /// What it is to be called: 1 to 64 characters.
    #[schema(example = "gateway firmware")]
    pub name: String,
    /// What it is; a signed manifest says it itself, and `firmware` is meant if nothing is said.
    pub kind: Option<ArtefactKind>,
    /// Its version; a signed manifest says it itself.
    #[schema(example = "1.4.0")]
    pub version: Option<String>,
    /// The name of the class; `default` if nothing is said.
    #[schema(example = "default")]
    pub class: Option<String>,
    /// Until when it may be sent.
    pub not_after: Option<Time>,
    /// What devices are sent; the image if nothing is said.
    pub sends: Option<Sends>,
    /// The image, as a file.
    #[schema(value_type = String, format = Binary)]
    pub image: Option<Vec<u8>>,
    /// The signed manifest of the image, as `muster artefact sign` writes it, as a file.
    #[schema(value_type = String, format = Binary)]
    pub signature: Option<Vec<u8>>,
    /// A SUIT envelope, as a file, with the image in it or beside it.
    #[schema(value_type = String, format = Binary)]
    pub envelope: Option<Vec<u8>>,
}

/// What a class of devices takes as updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePolicy {
    /// Who makes its devices (a UUID), as SUIT manifests name them.
    #[schema(example = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe")]
    pub vendor_id: Option<String>,
    /// What its devices are (a UUID), as SUIT manifests name them.
    #[schema(example = "1492af14-2569-5e48-bf42-9b2d51f2ab45")]
    pub class_id: Option<String>,
    /// Whether images that nobody has signed are taken.
    pub unsigned: bool,
    /// Whether devices may be told to pull by `coap`, in the clear.
    pub coap: bool,
    /// Whether devices may be told to pull by `http`, in the clear.
    pub http: bool,
}

/// A key that may sign updates of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateKey {
    /// Its id: SHA-256 of its SubjectPublicKeyInfo.
    #[schema(example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    pub id: String,
    /// What people call it.
    #[schema(example = "build server")]
    pub name: String,
    /// How it signs.
    pub algorithm: UpdateKeyAlgorithm,
    /// Its SubjectPublicKeyInfo, in hexadecimal digits.
    pub public_key: String,
    /// Who added it.
    #[schema(example = "ada")]
    pub added_by: String,
    /// When.
    pub added_at: Time,
    /// Since when nothing that it has signed is sent.
    pub revoked_at: Option<Time>,
}

/// A key to trust for the updates of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpdateKey {
    /// What people call it: 1 to 64 characters.
    #[schema(example = "build server")]
    pub name: String,
    /// The public key: PEM, or DER in hexadecimal digits or base64.
    pub public_key: String,
}

impl Artefact {
    pub(crate) fn of(artefact: fleet::Artefact, class: String) -> Self {
        let proof = match artefact.proof {
            fleet::Proof::Unsigned => ArtefactProof::Unsigned,
            fleet::Proof::Detached(_) => ArtefactProof::Manifest,
            fleet::Proof::Suit(_) => ArtefactProof::Suit,
        };
        Self {
            id: artefact.id.to_string(),
            kind: artefact.kind.into(),
            name: artefact.name,
            version: artefact.version,
            class,
            size: artefact.size,
            sha256: artefact.digest.to_string(),
            sequence: artefact.sequence,
            not_after: artefact.not_after.map(Time::from),
            proof,
            key: artefact.key.map(|key| key.to_string()),
            sends: artefact.sends.into(),
            uploaded_by: artefact.uploaded_by,
            uploaded_at: artefact.uploaded_at.into(),
            withdrawn_at: artefact.withdrawn_at.map(Time::from),
        }
    }
}

impl From<fleet::ArtefactDetail> for ArtefactDetail {
    fn from(detail: fleet::ArtefactDetail) -> Self {
        let misfit = detail.check.err();
        Self {
            artefact: Artefact::of(detail.artefact, detail.class),
            misfit: misfit.map(|misfit| Misfit { reason: misfit.name().into(), detail: misfit.to_string() }),
            devices: detail.runs,
        }
    }
}

impl From<fleet::RunsArtefact> for ArtefactDevice {
    fn from(runs: fleet::RunsArtefact) -> Self {
        Self {
            device: runs.device.to_string(),
            endpoint: runs.endpoint.as_str().to_owned(),
            instance: runs.instance,
            at: runs.at.into(),
        }
    }
}

impl From<fleet::UpdatePolicy> for UpdatePolicy {
    fn from(policy: fleet::UpdatePolicy) -> Self {
        Self {
            vendor_id: policy.vendor_id.map(|id| id.to_string()),
            class_id: policy.class_id.map(|id| id.to_string()),
            unsigned: policy.unsigned,
            coap: policy.coap,
            http: policy.http,
        }
    }
}

impl From<fleet::UpdateKey> for UpdateKey {
    fn from(key: fleet::UpdateKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            algorithm: key.algorithm.into(),
            public_key: key.public_key.iter().map(|byte| format!("{byte:02x}")).collect(),
            added_by: key.added_by,
            added_at: key.added_at.into(),
            revoked_at: key.revoked_at.map(Time::from),
        }
    }
}
