//! How devices behave, and what has to come of it.

use std::time::Duration;

use coap::{BlockSize, Code};
use device::{Firmware, FirmwareFault, How, Misbehaviour, Mishap, Operation, Profile, UpdateResult};
use fleet::update::UpdatePhase;
use objects::{Path, Version};

/// How a device behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    Good,
    /// The same in queue mode.
    Sleeps,
    /// The same with version 1.0 of the object.
    Old,
    /// The same with blocks of 64 bytes at most.
    Small,
    /// It ends with this result once, and is good then.
    EndsOnce(UpdateResult),
    /// It ends with this result each time.
    Ends(UpdateResult),
    /// The power fails in the middle of the package.
    LosesPower {
        /// Whether it still has what it had.
        remembers: bool,
    },
    /// It answers a block with 4.08 once.
    LosesBlock,
    /// It answers a block with 5.00 once.
    Stumbles,
    /// It stops answering in the middle of the package, once.
    FallsSilent,
    /// Its window closes in the middle of the package.
    FallsAsleep,
    /// Its user puts the update off for some minutes.
    Defers,
    /// The installation never ends.
    Hangs,
    /// It comes back with the old version and says so.
    RollsBack,
    /// It comes back with the old version and says that all is well.
    RollsBackInSecret,
    /// It says that it has the new version, and `/3/0/3` says otherwise.
    Lies,
    /// It comes back with the new version and no result.
    KeepsQuiet,
    /// It starts again and again after the update.
    Flaps,
    /// It registers and answers no request.
    NeverAnswers,
    /// It never comes.
    NeverComes,
    /// It has no object 5.
    HasNoFirmware,
    /// The policy of its class does not let it have the image any more when it comes.
    Forbidden,
}

/// What has to come of the update of a device.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// How it ends.
    pub phase: UpdatePhase,
    /// Whether the device runs the new version then.
    pub runs_new: bool,
    /// What the update says, in part.
    pub why: &'static str,
}

use UpdateResult as R;

impl Behaviour {
    /// In turns; every other one is good.
    pub const ALL: [Self; 41] = [
        Self::Good,
        Self::Sleeps,
        Self::Good,
        Self::Old,
        Self::Good,
        Self::Small,
        Self::Good,
        Self::EndsOnce(R::NoStorage),
        Self::Ends(R::NoStorage),
        Self::EndsOnce(R::NoMemory),
        Self::Ends(R::NoMemory),
        Self::EndsOnce(R::ConnectionLost),
        Self::Ends(R::ConnectionLost),
        Self::Ends(R::Integrity),
        Self::Good,
        Self::Ends(R::PackageType),
        Self::Good,
        Self::EndsOnce(R::UpdateFailed),
        Self::Ends(R::UpdateFailed),
        Self::Good,
        Self::Ends(R::Cancelled),
        Self::Good,
        Self::LosesPower { remembers: true },
        Self::LosesPower { remembers: false },
        Self::LosesBlock,
        Self::Stumbles,
        Self::FallsSilent,
        Self::Good,
        Self::FallsAsleep,
        Self::Good,
        Self::Defers,
        Self::Hangs,
        Self::RollsBack,
        Self::RollsBackInSecret,
        Self::Lies,
        Self::KeepsQuiet,
        Self::Flaps,
        Self::NeverAnswers,
        Self::NeverComes,
        Self::HasNoFirmware,
        Self::Forbidden,
    ];

    /// That of a device, by its number.
    pub fn of(device: usize) -> Self {
        Self::ALL[device % Self::ALL.len()]
    }

    /// What has to come of it.
    pub fn expected(self) -> Expected {
        let to = |phase, runs_new, why| Expected { phase, runs_new, why };
        let fails = |why| to(UpdatePhase::Failed, false, why);
        match self {
            Self::Good
            | Self::Sleeps
            | Self::Old
            | Self::Small
            | Self::EndsOnce(_)
            | Self::LosesPower { .. } => to(UpdatePhase::Succeeded, true, "the device runs 2.0"),
            Self::LosesBlock | Self::Stumbles | Self::FallsSilent | Self::FallsAsleep | Self::Defers => {
                to(UpdatePhase::Succeeded, true, "the device runs 2.0")
            }
            Self::Ends(R::Cancelled) => to(UpdatePhase::Cancelled, false, "the device says 10"),
            Self::Ends(R::Integrity) => fails("the device says 5"),
            Self::Ends(R::PackageType) => fails("the device says 6"),
            Self::Ends(R::NoStorage) => fails("the device says 2"),
            Self::Ends(R::NoMemory) => fails("the device says 3"),
            Self::Ends(R::ConnectionLost) => fails("the device says 4"),
            Self::Ends(R::UpdateFailed) | Self::RollsBack => fails("the device says 8"),
            Self::Ends(R::InvalidUri | R::Protocol | R::Initial | R::Success | R::Deferred) => {
                unreachable!("these are no failures of a push")
            }
            Self::Hangs => fails("for too long"),
            Self::RollsBackInSecret | Self::Lies => fails("runs 1.0 instead of 2.0"),
            Self::KeepsQuiet => to(UpdatePhase::Failed, true, "does not say that the update was a success"),
            Self::Flaps => to(UpdatePhase::Failed, true, "again and again"),
            Self::NeverAnswers => fails("no answer"),
            Self::NeverComes => fails("could not be reached"),
            Self::HasNoFirmware => fails("does not list /5/0"),
            Self::Forbidden => to(UpdatePhase::Refused, false, "not a byte was sent"),
        }
    }

    /// Whether the device ever registers.
    pub(super) fn comes(self) -> bool {
        self != Self::NeverComes
    }

    /// Makes a device that does so, with an image of this length.
    pub(super) fn equip(self, profile: &mut Profile, image: usize) {
        let middle = image / 2;
        let firmware = Firmware { install_time: Duration::from_secs(5), ..Firmware::default() };
        profile.firmware = match self {
            Self::HasNoFirmware => None,
            Self::Old => Some(Firmware { version: Version::V1_0, ..firmware }),
            Self::Small => Some(Firmware { block_size: BlockSize::B64, ..firmware }),
            _ => Some(firmware),
        };
        if matches!(self, Self::Sleeps | Self::FallsAsleep) {
            profile.queue_mode = true;
            profile.awake = Duration::from_secs(93);
        }
        let (once, always) = (FirmwareFault::once, FirmwareFault::always);
        let fault = match self {
            Self::EndsOnce(result) => once(Mishap::Ends(result)),
            Self::Ends(result) => always(Mishap::Ends(result)),
            Self::LosesPower { remembers } => {
                once(Mishap::PowerCut { at: middle, back_after: Duration::from_secs(20), remembers })
            }
            Self::LosesBlock => once(Mishap::Answers { at: middle, code: Code::REQUEST_ENTITY_INCOMPLETE }),
            Self::Stumbles => once(Mishap::Answers { at: middle, code: Code::INTERNAL_SERVER_ERROR }),
            Self::FallsSilent => once(Mishap::FallsSilent { at: middle }),
            Self::FallsAsleep => once(Mishap::FallsAsleep { at: middle }),
            Self::Defers => once(Mishap::Defers(Duration::from_secs(240))),
            Self::Hangs => always(Mishap::Hangs),
            Self::RollsBack => always(Mishap::RollsBack { admits: true }),
            Self::RollsBackInSecret => always(Mishap::RollsBack { admits: false }),
            Self::Lies => always(Mishap::Lies),
            Self::KeepsQuiet => always(Mishap::KeepsQuiet),
            Self::Flaps => always(Mishap::Flaps(Duration::from_secs(40))),
            Self::NeverAnswers => {
                let ignore = |operation| Misbehaviour { operation, within: Path::Root, how: How::Ignore };
                let all = [Operation::Read, Operation::Observe, Operation::Write, Operation::Execute];
                profile.faults.misbehaviours = all.map(ignore).into();
                return;
            }
            _ => return,
        };
        profile.faults.firmware = vec![fault];
    }
}
