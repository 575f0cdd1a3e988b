//! Updates: one artefact for one device, from the first look at it until it has proved that it runs.
//!
//! Start with [`Update`] and [`Update::step`], which says what is next: a pure function of the row, of what was seen of the
//! device and of the time. The row is what a restart goes on from; nothing of an update is only in memory.
//! LwM2M Core 1.1.1 Annex E.6 (Firmware Update), LwM2M-TS-LWM2M_SwMgmt (Software Management).

use crate::{ArtefactId, DeviceId, IdError, OperationId, PublicId, RequestId, Timestamp};

mod terms;
pub use terms::{Delivery, Scheme, UpdateTerms, UpdateTermsError, VersionAt};

mod change;
pub use change::UpdateChange;

mod download;
pub use download::{DownloadDigest, DownloadKey, NotGiven};
pub(crate) use download::{veil, veil_node};

mod result;
pub use result::{ResultClass, UpdateResult};

mod route;
pub use route::{Offered, Route};

mod seen;
pub use seen::{Asked, Known, Registered, Seen};

mod step;
pub use step::Step;

mod target;
pub use target::{DeviceStage, UpdateTarget};

/// Names an update: a UUID that begins with the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateId(pub uuid::Uuid);

/// An update of one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Its name.
    pub id: UpdateId,
    /// Whom it is for. A device has one at a time for each target.
    pub device: DeviceId,
    /// The device's public name.
    pub device_public_id: PublicId,
    /// What is brought there.
    pub artefact: ArtefactId,
    /// The version that the device will have.
    pub version: String,
    /// Of how many bytes what is sent consists.
    pub size: u64,
    /// Which object of the device takes it.
    pub target: UpdateTarget,
    /// How it is to be done.
    pub terms: UpdateTerms,
    /// Who asked for it.
    pub requested_by: String,
    /// The request it came with.
    pub request: RequestId,
    /// The change ticket it belongs to.
    pub ticket: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Where it stands.
    pub phase: UpdatePhase,
    /// Since when it has been in this phase.
    pub since: Timestamp,
    /// When to look at it again; it is looked at earlier when the device is heard.
    pub due_at: Timestamp,
    /// Which try this is, from 1 on.
    pub attempt: u8,
    /// What is seen of the device counts from here on.
    pub mark: Timestamp,
    /// What is being asked of the device.
    pub asking: Option<(OperationId, Ask)>,
    /// How many Reads in a row were not answered.
    pub unanswered: u8,
    /// How much of what comes before the package has been asked: see [`Ask::BEFORE`].
    pub prepared: u8,
    /// The device has all of the package, or knows where to fetch it.
    pub delivered: bool,
    /// How many bytes the device has.
    pub sent: u64,
    /// When it got the last of them.
    pub progress_at: Timestamp,
    /// When it was told to install, in this attempt.
    pub installed_at: Option<Timestamp>,
    /// When its version was looked at, after it was installed.
    pub version_at: Option<Timestamp>,
    /// How often it has started again while it was to prove itself; before that, how often it was told to install, or to drop a
    /// package that is in the way.
    pub restarts: u8,
    /// The version it had before.
    pub version_before: Option<String>,
    /// The last result that it told (`/5/0/5`, `/9/x/9`).
    pub result: Option<u8>,
    /// Somebody wants it to end.
    pub cancelling: bool,
    /// The device need not rest, however often it has failed.
    pub rested: bool,
    /// What is kept of the unguessable part of the address that it fetches from.
    pub download: Option<DownloadDigest>,
    /// What is going on, or how it ended, for a person.
    pub detail: String,
    /// What was done, the oldest first; at most [`Update::MAX_NOTES`].
    pub notes: Vec<UpdateNote>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What an update brings to a device, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// What is brought.
    pub artefact: ArtefactId,
    /// The version that the device will have.
    pub version: String,
    /// Of how many bytes what is sent consists.
    pub size: u64,
    /// Which object of the device takes it.
    pub target: UpdateTarget,
}

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpdatePhase {
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

/// What an update asks of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// To read the object instance.
    Look,
    /// To read the object instance, since a push has failed: why, the device may say.
    Explain,
    /// To read the version of its firmware (`/3/0/3`).
    Version,
    /// To be told when the state changes.
    ObserveState,
    /// To be told when the result changes.
    ObserveResult,
    /// To say how urgent it is.
    Severity,
    /// To say for how long it may be put off.
    Defer,
    /// To drop the package that it has.
    Reset,
    /// To take the package.
    Push,
    /// To fetch the package.
    Fetch,
    /// To install the package.
    Install,
}

/// Something that was done in an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateNote {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

impl Update {
    /// An update that begins: on the default terms, by nobody and without a ticket, until that is said.
    pub fn begins(
        id: UpdateId,
        now: Timestamp,
        request: RequestId,
        (device, device_public_id): (DeviceId, PublicId),
        package: Package,
    ) -> Self {
        let Package { artefact, version, size, target } = package;
        Self {
            id,
            device,
            device_public_id,
            artefact,
            version,
            size,
            target,
            terms: UpdateTerms::default(),
            requested_by: String::new(),
            request,
            ticket: None,
            created_at: now,
            phase: UpdatePhase::Waiting,
            since: now,
            due_at: now,
            attempt: 1,
            mark: now,
            asking: None,
            unanswered: 0,
            prepared: 0,
            delivered: false,
            sent: 0,
            progress_at: now,
            installed_at: None,
            version_at: None,
            restarts: 0,
            version_before: None,
            result: None,
            cancelling: false,
            rested: false,
            download: None,
            detail: "begins".to_owned(),
            notes: Vec::new(),
            ended_at: None,
        }
    }

    /// How many notes are kept: the first ones say how it began, and those before the last give way.
    pub const MAX_NOTES: usize = 40;
    /// The longest ticket, in characters.
    pub const MAX_TICKET: usize = 100;
    /// The longest note or detail, in bytes.
    pub const MAX_TEXT: usize = 300;

    /// Whether the device tells of its state by itself.
    pub fn is_observed(&self) -> bool {
        self.prepared > 0
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.phase.is_final()
    }

    /// Notes what was done, and says so as what is going on.
    pub fn note(&mut self, at: Timestamp, text: impl Into<String>) {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(Self::MAX_TEXT));
        if self.detail == text {
            return;
        }
        self.detail.clone_from(&text);
        if self.notes.len() >= Self::MAX_NOTES {
            self.notes.remove(Self::MAX_NOTES / 2);
        }
        self.notes.push(UpdateNote { at, text });
    }
}

impl UpdatePhase {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Delivering,
        Self::Installing,
        Self::Verifying,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
    ];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivering => "delivering",
            Self::Installing => "installing",
            Self::Verifying => "verifying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    /// Whether nothing will come any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Refused)
    }
}

impl Ask {
    /// What is asked before the package is sent, in this order.
    pub const BEFORE: [Self; 4] = [Self::ObserveState, Self::ObserveResult, Self::Severity, Self::Defer];

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Look,
        Self::Explain,
        Self::Version,
        Self::ObserveState,
        Self::ObserveResult,
        Self::Severity,
        Self::Defer,
        Self::Reset,
        Self::Push,
        Self::Fetch,
        Self::Install,
    ];

    /// A word for it, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Explain => "explain",
            Self::Version => "version",
            Self::ObserveState => "observe-state",
            Self::ObserveResult => "observe-result",
            Self::Severity => "severity",
            Self::Defer => "defer",
            Self::Reset => "reset",
            Self::Push => "push",
            Self::Fetch => "fetch",
            Self::Install => "install",
        }
    }
}

impl UpdateId {
    /// Makes one from the time and random bytes (RFC 9562 §5.7).
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.0).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl std::fmt::Display for UpdateId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

impl std::str::FromStr for UpdateId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().map(Self).map_err(|_| IdError)
    }
}

#[cfg(test)]
mod tests;
