//! Updates of firmware and software.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NodePath, Problem, Time};

words! {
    /// Where an update stands.
    UpdatePhase = fleet::update::UpdatePhase {
        /// It waits for the device, or the device rests.
        Waiting,
        /// The package is on its way.
        Delivering,
        /// The device installs it.
        Installing,
        /// The device says that it is done, and is to prove it for a while.
        Verifying,
        /// The device runs it.
        Succeeded,
        /// It came to nothing.
        Failed,
        /// A person has ended it.
        Cancelled,
        /// The artefact may not go to this device: not a byte of it went.
        Refused,
    }
}

words! {
    /// How a package comes to the device.
    UpdateDelivery = fleet::update::Delivery {
        /// As the device says that it can (`/5/0/9`): pushed, if it leaves the choice.
        Any,
        /// Written to the device, block by block.
        Push,
        /// Fetched by the device.
        Pull,
    }
}

words! {
    /// Where a device says which version it runs.
    UpdateVersionAt = fleet::update::VersionAt {
        /// At `/3/0/3` if it has that, else at the version of the package.
        Any,
        /// At `/3/0/3`.
        Device,
        /// At `/5/0/7` or `/9/x/1`.
        Package,
    }
}

words! {
    /// How urgent an update is (`/5/0/11`).
    UpdateSeverity {
        /// 0.
        Critical,
        /// 1.
        Mandatory,
        /// 2.
        Optional,
    }
}

/// How an update is to be done; what is left out is as it is best for most devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateTerms {
    /// How the package comes to the device.
    pub delivery: UpdateDelivery,
    /// Whether a push that was interrupted goes on where it was, or begins anew.
    #[schema(example = true)]
    pub resume: bool,
    /// The largest block of a push, in bytes: 16, 32, 64, 128, 256, 512 or 1024.
    #[schema(example = 1024)]
    pub block_bytes: u16,
    /// How often it is tried, at most 10.
    #[schema(example = 3)]
    pub attempts: u8,
    /// How urgent it is; the device is told nothing if it is left out.
    pub severity: Option<UpdateSeverity>,
    /// For how long a user of the device may put it off (`/5/0/13`).
    #[schema(example = 86_400)]
    pub defer_up_to_seconds: Option<u64>,
    /// Where the device says which version it runs.
    pub version_at: UpdateVersionAt,
    /// For how long the device is to run the new version before that counts as success.
    #[schema(example = 300)]
    pub quiet_seconds: u64,
    /// How long the device may take from one sign of progress to the next while it gets the package.
    #[schema(example = 900)]
    pub download_within_seconds: u64,
    /// How long the device may take to install.
    #[schema(example = 1_800)]
    pub install_within_seconds: u64,
    /// How long it is waited for the device.
    #[schema(example = 2_592_000)]
    pub give_up_after_seconds: u64,
    /// Whether the device may be given a version that it has, or one that is older.
    #[schema(example = false)]
    pub again: bool,
}

/// Devices to be updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUpdates {
    /// With which artefact: its id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub artefact: String,
    /// For software: the instance of object 9 that takes it. Firmware has none.
    pub instance: Option<u16>,
    /// Their ids, at most 10 000.
    #[schema(example = json!(["5f0c7a52d1f34d5b8d6f2f2a9f3f4c11"]))]
    pub devices: Vec<String>,
    /// How.
    #[serde(default)]
    pub terms: UpdateTerms,
    /// The change ticket it belongs to, at most 100 characters.
    #[schema(example = "CHG-1042")]
    pub ticket: Option<String>,
}

/// What became of each device of a list, in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdatesBegun {
    /// One a device.
    pub devices: Vec<UpdateBegun>,
}

/// What became of one device: an update, or a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateBegun {
    /// The device's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// The id of its update.
    #[schema(example = "01936c3fd8a37c1e9b1f3c55aa0718e2")]
    pub update: Option<String>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

/// How many updates stand where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateCounts {
    /// By phase; one in which there is none is left out.
    #[schema(example = json!({"delivering": 12, "succeeded": 1_988}))]
    pub phases: BTreeMap<UpdatePhase, u64>,
}

/// An update of one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Update {
    /// Its id.
    #[schema(example = "01936c3fd8a37c1e9b1f3c55aa0718e2")]
    pub id: String,
    /// The device's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub device: String,
    /// The artefact's id.
    #[schema(example = "5f0c7a52d1f34d5b8d6f2f2a9f3f4c11")]
    pub artefact: String,
    /// The version that the device will have.
    #[schema(example = "2.4.1")]
    pub version: String,
    /// The object instance that takes it: `/5/0`, or one of `/9`.
    #[schema(example = "/5/0")]
    pub target: NodePath,
    /// How it is done.
    pub terms: UpdateTerms,
    /// Who asked for it.
    #[schema(example = "ada")]
    pub requested_by: String,
    /// The change ticket it belongs to.
    #[schema(example = "CHG-1042")]
    pub ticket: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
    /// Where it stands.
    pub phase: UpdatePhase,
    /// Since when.
    pub since: Time,
    /// What is going on, or how it ended, for a person.
    #[schema(example = "sending the package")]
    pub detail: String,
    /// Which try this is, from 1 on.
    #[schema(example = 1)]
    pub attempt: u8,
    /// How many bytes are sent in all.
    #[schema(example = 262_144)]
    pub size_bytes: u64,
    /// How many of them the device has.
    #[schema(example = 65_536)]
    pub sent_bytes: u64,
    /// When it got the last of them.
    pub progress_at: Time,
    /// Whether the device has all of the package, or knows where to fetch it.
    pub delivered: bool,
    /// When it was told to install, in this try.
    pub installed_at: Option<Time>,
    /// The version it had before.
    #[schema(example = "2.3.0")]
    pub version_before: Option<String>,
    /// The last result that the device told.
    pub result: Option<UpdateResult>,
    /// Somebody wants it to end, which it does as soon as that can be.
    pub cancelling: bool,
    /// Whether the device was let off its rest.
    pub let_off: bool,
    /// What was done, the oldest first.
    pub notes: Vec<UpdateNote>,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// What a device says of how an update ended (`/5/0/5`, `/9/x/9`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateResult {
    /// Its number.
    #[schema(example = 2)]
    pub code: u8,
    /// What it means.
    #[schema(example = "not enough flash memory for the package")]
    pub meaning: String,
    /// What to do about it; empty where nothing is to be done.
    #[schema(example = "free storage on the device, or use a smaller package")]
    pub remedy: String,
}

/// Something that was done in an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateNote {
    /// When.
    pub at: Time,
    /// What.
    #[schema(example = "the device has the package")]
    pub text: String,
}

impl Default for UpdateTerms {
    fn default() -> Self {
        fleet::update::UpdateTerms::default().into()
    }
}

impl From<fleet::update::UpdateTerms> for UpdateTerms {
    fn from(terms: fleet::update::UpdateTerms) -> Self {
        Self {
            delivery: terms.delivery.into(),
            resume: terms.resume,
            block_bytes: terms.block_bytes,
            attempts: terms.attempts,
            severity: terms.severity.and_then(UpdateSeverity::of),
            defer_up_to_seconds: terms.defer_up_to.map(|time| time.as_secs()),
            version_at: terms.version_at.into(),
            quiet_seconds: terms.quiet.as_secs(),
            download_within_seconds: terms.download_within.as_secs(),
            install_within_seconds: terms.install_within.as_secs(),
            give_up_after_seconds: terms.give_up_after.as_secs(),
            again: terms.again,
        }
    }
}

impl From<UpdateTerms> for fleet::update::UpdateTerms {
    fn from(terms: UpdateTerms) -> Self {
        Self {
            delivery: terms.delivery.into(),
            resume: terms.resume,
            block_bytes: terms.block_bytes,
            attempts: terms.attempts,
            severity: terms.severity.map(UpdateSeverity::code),
            defer_up_to: terms.defer_up_to_seconds.map(Duration::from_secs),
            version_at: terms.version_at.into(),
            quiet: Duration::from_secs(terms.quiet_seconds),
            download_within: Duration::from_secs(terms.download_within_seconds),
            install_within: Duration::from_secs(terms.install_within_seconds),
            give_up_after: Duration::from_secs(terms.give_up_after_seconds),
            again: terms.again,
        }
    }
}

impl UpdateSeverity {
    /// Its number in `/5/0/11`.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    fn of(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|severity| severity.code() == code)
    }
}

impl From<fleet::update::Update> for Update {
    fn from(update: fleet::update::Update) -> Self {
        let result = |code: u8| {
            let fleet::update::UpdateResult { meaning, remedy, .. } = update.target.explain(code.into());
            UpdateResult { code, meaning: meaning.to_owned(), remedy: remedy.to_owned() }
        };
        let note = |note: fleet::update::UpdateNote| UpdateNote { at: note.at.into(), text: note.text };
        Self {
            id: update.id.to_string(),
            device: update.device_public_id.to_string(),
            artefact: update.artefact.to_string(),
            version: update.version,
            target: update.target.instance().into(),
            terms: update.terms.into(),
            requested_by: update.requested_by,
            ticket: update.ticket,
            created_at: update.created_at.into(),
            phase: update.phase.into(),
            since: update.since.into(),
            detail: update.detail,
            attempt: update.attempt,
            size_bytes: update.size,
            sent_bytes: update.sent,
            progress_at: update.progress_at.into(),
            delivered: update.delivered,
            installed_at: update.installed_at.map(Time::from),
            version_before: update.version_before,
            result: update.result.map(result),
            cancelling: update.cancelling,
            let_off: update.rested,
            notes: update.notes.into_iter().map(note).collect(),
            ended_at: update.ended_at.map(Time::from),
        }
    }
}

impl Update {
    /// How much of the package the device has, in hundredths.
    pub fn percent(&self) -> u64 {
        percent(self.sent_bytes, self.size_bytes)
    }
}

/// A part of a whole in hundredths, rounded down; all of it if there is nothing to send.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    if whole == 0 {
        100
    } else {
        u64::try_from(u128::from(part.min(whole)) * 100 / u128::from(whole)).unwrap_or(100)
    }
}
