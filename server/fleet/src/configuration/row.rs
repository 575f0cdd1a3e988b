//! Where a device stands: the row that a restart goes on from.

use objects::{Attribute, Path};

use super::{AccountTerms, Digest, LineKey};
use crate::{DeviceId, OperationId, PublicId, RegistrationId, Timestamp};

/// Where a device stands: what it is to have, and whether it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Configured {
    /// Which device.
    pub device: DeviceId,
    /// Its public name.
    pub device_public_id: PublicId,
    /// Grows by one when something else is desired.
    pub generation: u64,
    /// The digest of what is desired.
    pub digest: Digest,
    /// The generation that the device had last as a whole; 0 if none.
    pub reported: u64,
    /// Where it stands.
    pub state: ConfiguredState,
    /// Since when.
    pub since: Timestamp,
    /// When to look at it again; it is looked at earlier when it is heard.
    pub due_at: Timestamp,
    /// When all of it is to be read again.
    pub next_check: Timestamp,
    /// Until when it is left alone, having failed.
    pub rests_until: Option<Timestamp>,
    /// When all of it was looked at last.
    pub checked_at: Option<Timestamp>,
    /// What is read counts from here on.
    pub mark: Timestamp,
    /// The registration that it was looked at in.
    pub registration: Option<RegistrationId>,
    /// What that said of the account at this server when it was looked at last.
    pub terms: Option<AccountTerms>,
    /// How it is read.
    pub way: Way,
    /// Its lines are written one by one, for all of them together were refused.
    pub singly: bool,
    /// How often in a row it has failed.
    pub tries: u8,
    /// What is being asked of it.
    pub asking: Option<Asking>,
    /// When a person wanted it to be written to.
    pub repair_at: Option<Timestamp>,
    /// When a person wanted it to go on.
    pub resume_at: Option<Timestamp>,
    /// The last of those wishes that was taken up.
    pub repaired_at: Option<Timestamp>,
    /// Likewise.
    pub resumed_at: Option<Timestamp>,
    /// A person's wish to write is being carried out.
    pub granted: bool,
    /// In the order of the paths; each that is desired.
    pub lines: Vec<LineState>,
    /// The attributes that are still to be taken back, for nobody wants them any more.
    pub leaving: Vec<Leaving>,
    /// What was found to be another than it had been, the oldest first; at most [`Configured::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// What is going on, for a person.
    pub detail: String,
}

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfiguredState {
    /// It waits for the device to register or to wake up, or until it has rested.
    Waiting,
    /// It is being looked at or written to.
    Working,
    /// It has what it is to have.
    InLine,
    /// It has something else, and nobody has said yet that it is to be written to.
    Drifted,
    /// It does not take some of it.
    Refused,
    /// It did not answer, or did not keep what it took, as often as it may.
    Failed,
    /// It was put right too often: a person is to say that it goes on.
    Flapping,
}

/// What is being asked of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// By which operation.
    pub operation: OperationId,
    /// What for.
    pub ask: Ask,
    /// About which lines.
    pub lines: Vec<LineKey>,
}

/// What a device is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// To say what it has.
    Look,
    /// To take values.
    Write,
    /// To take a value that is not shown: no row of that operation is kept.
    Secret,
    /// To take attributes.
    Attributes,
    /// To give attributes up that nobody wants any more.
    TakeBack,
}

/// How a device is read: each way where it does not know the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Several resources at once (LwM2M Core 1.1.1 §6.3.8).
    #[default]
    Composite,
    /// Object instance by object instance.
    Instance,
    /// Resource by resource.
    Resource,
}

/// Where one line stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LineState {
    /// Which line.
    pub key: LineKey,
    /// The digest of what is wanted.
    pub want: Digest,
    /// Where it stands.
    pub standing: Standing,
    /// What the device has, as it is shown: none if that is not known, or it has nothing.
    pub actual: Option<String>,
    /// The device has said, or said that it can't say, what it has: since the mark and since it was written to.
    pub looked: bool,
    /// The device does not tell it: it is known only by what was written.
    pub blind: bool,
    /// It was right since this was wanted: what is written now is a repair.
    pub settled: bool,
    /// It was written, and is still to be seen to be right.
    pub proving: bool,
    /// What was written last.
    pub written: Option<Written>,
    /// Something has told since that it may be otherwise: what is read of it counts from here on.
    pub doubted_at: Option<Timestamp>,
    /// Who has written last what is wrong.
    pub writer: Writer,
    /// When it was put right, within the last day; at most [`LineState::MAX_REPAIRS`].
    pub repairs: Vec<Timestamp>,
    /// Why the device does not take it.
    pub refused: Option<String>,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It is not known yet.
    Unknown,
    /// The device has what is wanted.
    InLine,
    /// It has something else.
    Out,
    /// It does not take it.
    Refused,
    /// It was put right too often.
    Flapping,
}

/// What was written to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The digest of the line.
    pub digest: Digest,
    /// When that was known to have been done.
    pub at: Timestamp,
    /// By which operation; no row of it is kept of a secret.
    pub operation: OperationId,
    /// In which registration: a device may lose its attributes when it starts again.
    pub registration: Option<RegistrationId>,
    /// The attributes that were set, or may have been.
    pub attributes: Vec<Attribute>,
}

/// Notification attributes that were set at a device, and that nobody wants there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Where.
    pub path: Path,
    /// Which.
    pub attributes: Vec<Attribute>,
}

/// A line that had been right and is not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// When it was found.
    pub at: Timestamp,
    /// Which line.
    pub key: LineKey,
    /// What is wanted, as it is shown.
    pub expected: String,
    /// What the device has.
    pub actual: Option<String>,
    /// Who has written last.
    pub writer: Writer,
}

/// Who has written last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Writer {
    /// The device had it so before this server wrote to it.
    #[default]
    Nobody,
    /// Not this server: the device itself, somebody at it, or another server.
    Unknown,
    /// Somebody by an operation of this server.
    Operation {
        /// Which.
        operation: OperationId,
        /// Who asked for it.
        who: String,
    },
}

impl Configured {
    /// The longest detail, in bytes.
    pub const MAX_DETAIL: usize = 300;
    /// How many findings are kept; older ones give way.
    pub const MAX_FINDINGS: usize = 20;

    /// That of a device of which something is wanted for the first time.
    pub fn new(device: DeviceId, device_public_id: PublicId, now: Timestamp) -> Self {
        Self {
            device,
            device_public_id,
            generation: 0,
            digest: Digest::default(),
            reported: 0,
            state: ConfiguredState::Waiting,
            since: now,
            due_at: now,
            next_check: now,
            rests_until: None,
            checked_at: None,
            mark: now,
            registration: None,
            terms: None,
            way: Way::default(),
            singly: false,
            tries: 0,
            asking: None,
            repair_at: None,
            resume_at: None,
            repaired_at: None,
            resumed_at: None,
            granted: false,
            lines: Vec::new(),
            leaving: Vec::new(),
            findings: Vec::new(),
            detail: "begins".to_owned(),
        }
    }

    /// Whether attributes that were set are taken back once nothing is wanted of the device any more.
    pub fn has_to_take_back(&self) -> bool {
        let is_set = |line: &LineState| line.key.attributes && !line.set_attributes().is_empty();
        !self.leaving.is_empty() || self.lines.iter().any(is_set)
    }

    /// The lines that are not as they are to be.
    pub fn out_of_line(&self) -> impl Iterator<Item = &LineState> {
        self.lines.iter().filter(|line| !matches!(line.standing, Standing::InLine | Standing::Unknown))
    }
}

impl LineState {
    /// After so many repairs within [`LineState::REPAIRS_COUNT_FOR`] a line is flapping.
    pub const MAX_REPAIRS: usize = 3;
    /// For how long a repair counts.
    pub const REPAIRS_COUNT_FOR: std::time::Duration = std::time::Duration::from_secs(86_400);

    pub(super) fn new(key: LineKey, want: Digest) -> Self {
        Self {
            key,
            want,
            standing: Standing::Unknown,
            actual: None,
            looked: false,
            blind: false,
            settled: false,
            proving: false,
            written: None,
            doubted_at: None,
            writer: Writer::Nobody,
            repairs: Vec::new(),
            refused: None,
        }
    }

    /// The attributes that were set, or may have been.
    pub(super) fn set_attributes(&self) -> &[Attribute] {
        self.written.as_ref().map_or(&[], |written| &written.attributes)
    }

    /// It may be otherwise: it is read again, if it can be.
    pub(super) fn doubt(&mut self, at: Timestamp) {
        self.doubted_at = Some(at);
        self.looked = false;
    }
}

impl ConfiguredState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Working,
        Self::InLine,
        Self::Drifted,
        Self::Refused,
        Self::Failed,
        Self::Flapping,
    ];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::InLine => "in-line",
            Self::Drifted => "drifted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Flapping => "flapping",
        }
    }
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::InLine, Self::Out, Self::Refused, Self::Flapping];

    /// A word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::InLine => "in-line",
            Self::Out => "out",
            Self::Refused => "refused",
            Self::Flapping => "flapping",
        }
    }
}

impl Ask {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Look, Self::Write, Self::Secret, Self::Attributes, Self::TakeBack];

    /// A word for it, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Write => "write",
            Self::Secret => "secret",
            Self::Attributes => "attributes",
            Self::TakeBack => "take-back",
        }
    }
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Composite, Self::Instance, Self::Resource];

    /// A word for it, as it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Composite => "composite",
            Self::Instance => "instance",
            Self::Resource => "resource",
        }
    }
}
