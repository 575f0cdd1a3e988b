//! Claims: one credential for a batch of devices, good for one bootstrap of each, within a quota and a window.

use crate::{ClaimId, ClassId, DeviceId, EndpointName, PublicId, Timestamp};

/// What a batch of devices may do with the credential they share (FLEET.md has it as ID-06): enrol themselves, once each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its row.
    pub id: ClaimId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// What people call it, such as the name of a production batch; unique.
    pub name: String,
    /// The class of the devices it enrols.
    pub class: ClassId,
    /// How many devices it may enrol.
    pub quota: u32,
    /// How many it has enrolled.
    pub used: u32,
    /// When it begins to be good.
    pub opens_at: Timestamp,
    /// When it ends to be good.
    pub closes_at: Timestamp,
    /// Whether it was closed by hand before that.
    pub closed: bool,
    /// Who made it, by name.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// One device that enrolled itself by a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// By which claim.
    pub claim: ClaimId,
    /// As which device.
    pub device: DeviceId,
    /// Under which name: the serial number of the batch.
    pub endpoint: EndpointName,
    /// When.
    pub at: Timestamp,
    /// Until when an administrator lets it do so once more.
    pub again_until: Option<Timestamp>,
}

impl Claim {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
    /// The largest quota.
    pub const MAX_QUOTA: u32 = 1_000_000;
    /// For how long an approval of a second claim holds.
    pub const AGAIN_FOR: std::time::Duration = std::time::Duration::from_secs(3_600);
}
