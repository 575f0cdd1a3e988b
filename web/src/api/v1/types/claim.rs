//! Claims: one credential for a batch of devices.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewPsk, ShownCredential, Time};

/// What a batch of devices may do with the credential they share: enrol themselves, once each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// Its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub id: String,
    /// What people call it.
    #[schema(example = "batch 2026-11")]
    pub name: String,
    /// The name of the class of the devices it enrols.
    #[schema(example = "default")]
    pub class: String,
    /// How many devices it may enrol.
    #[schema(example = 500)]
    pub quota: u32,
    /// How many it has enrolled.
    pub used: u32,
    /// When it begins to be good.
    pub opens_at: Time,
    /// When it ends to be good.
    pub closes_at: Time,
    /// Whether it was closed by hand before that.
    pub closed: bool,
    /// Who made it.
    #[schema(example = "ada")]
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

/// A claim to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClaim {
    /// What people call it: 1 to 64 characters, unique.
    #[schema(example = "batch 2026-11")]
    pub name: String,
    /// The name of the class of the devices it enrols; the class `default` if nothing is said.
    #[schema(example = "default")]
    pub class: Option<String>,
    /// How many devices it may enrol: 1 to 1 000 000.
    #[schema(example = 500)]
    pub quota: u32,
    /// When it begins to be good; now if nothing is said.
    pub opens_at: Option<Time>,
    /// When it ends to be good.
    #[schema(example = "2126-11-22T13:55:40.123Z")]
    pub closes_at: Time,
    /// The credential that the devices share; what is left out is made.
    #[serde(default)]
    pub credential: NewPsk,
}

/// A claim that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedClaim {
    /// The claim.
    pub claim: Claim,
    /// Its credential, with the key.
    pub credential: ShownCredential,
}

impl Claim {
    /// A claim, with the name of its class.
    pub(crate) fn of(claim: fleet::Claim, class: String) -> Self {
        Self {
            id: claim.public_id.to_string(),
            name: claim.name,
            class,
            quota: claim.quota,
            used: claim.used,
            opens_at: claim.opens_at.into(),
            closes_at: claim.closes_at.into(),
            closed: claim.closed,
            created_by: claim.created_by,
            created_at: claim.created_at.into(),
        }
    }
}
