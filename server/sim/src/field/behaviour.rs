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

use Behaviour as B;
use UpdateResult as R;

impl Behaviour {
    /// In turns; every other one is good.
    pub const ALL: [Self; 41] = [
        B::Good,
        B::Sleeps,
        B::Good,
        B::Old,
        B::Good,
        B::Small,
        B::Good,
        B::EndsOnce(R::NoStorage),
        B::Ends(R::NoStorage),
        B::EndsOnce(R::NoMemory),
        B::Ends(R::NoMemory),
        B::EndsOnce(R::ConnectionLost),
        B::Ends(R::ConnectionLost),
        B::Ends(R::Integrity),
        B::Good,
        B::Ends(R::PackageType),
        B::Good,
        B::EndsOnce(R::UpdateFailed),
        B::Ends(R::UpdateFailed),
        B::Good,
        B::Ends(R::Cancelled),
        B::Good,
        B::LosesPower { remembers: true },
        B::LosesPower { remembers: false },
        B::LosesBlock,
        B::Stumbles,
        B::FallsSilent,
        B::Good,
        B::FallsAsleep,
        B::Good,
        B::Defers,
        B::Hangs,
        B::RollsBack,
        B::RollsBackInSecret,
        B::Lies,
        B::KeepsQuiet,
        B::Flaps,
        B::NeverAnswers,
        B::NeverComes,
        B::HasNoFirmware,
        B::Forbidden,
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
            B::Good | B::Sleeps | B::Old | B::Small | B::EndsOnce(_) | B::LosesPower { .. } => {
                to(UpdatePhase::Succeeded, true, "the device runs 2.0")
            }
            B::LosesBlock | B::Stumbles | B::FallsSilent | B::FallsAsleep | B::Defers => {
                to(UpdatePhase::Succeeded, true, "the device runs 2.0")
            }
            B::Ends(R::Cancelled) => to(UpdatePhase::Cancelled, false, "the device says 10"),
            B::Ends(R::Integrity) => fails("the device says 5"),
            B::Ends(R::PackageType) => fails("the device says 6"),
            B::Ends(R::NoStorage) => fails("the device says 2"),
            B::Ends(R::NoMemory) => fails("the device says 3"),
            B::Ends(R::ConnectionLost) => fails("the device says 4"),
            B::Ends(R::UpdateFailed) | B::RollsBack => fails("the device says 8"),
            B::Ends(R::InvalidUri | R::Protocol | R::Initial | R::Success | R::Deferred) => {
                unreachable!("these are no failures of a push")
            }
            B::Hangs => fails("for too long"),
            B::RollsBackInSecret | B::Lies => fails("runs 1.0 instead of 2.0"),
            B::KeepsQuiet => to(UpdatePhase::Failed, true, "does not say that the update was a success"),
            B::Flaps => to(UpdatePhase::Failed, true, "again and again"),
            B::NeverAnswers => fails("no answer"),
            B::NeverComes => fails("could not be reached"),
            B::HasNoFirmware => fails("does not list /5/0"),
            B::Forbidden => to(UpdatePhase::Refused, false, "not a byte was sent"),
        }
    }

    /// Whether the device ever registers.
    pub(super) fn comes(self) -> bool {
        self != B::NeverComes
    }

    /// Makes a device that does so, with an image of this length.
    pub(super) fn equip(self, profile: &mut Profile, image: usize) {
        let middle = image / 2;
        let firmware = Firmware { install_time: Duration::from_secs(5), ..Firmware::default() };
        profile.firmware = match self {
            B::HasNoFirmware => None,
            B::Old => Some(Firmware { version: Version::V1_0, ..firmware }),
            B::Small => Some(Firmware { block_size: BlockSize::B64, ..firmware }),
            _ => Some(firmware),
        };
        if matches!(self, B::Sleeps | B::FallsAsleep) {
            profile.queue_mode = true;
            profile.awake = Duration::from_secs(93);
        }
        let (once, always) = (FirmwareFault::once, FirmwareFault::always);
        let fault = match self {
            B::EndsOnce(result) => once(Mishap::Ends(result)),
            B::Ends(result) => always(Mishap::Ends(result)),
            B::LosesPower { remembers } => {
                once(Mishap::PowerCut { at: middle, back_after: Duration::from_secs(20), remembers })
            }
            B::LosesBlock => once(Mishap::Answers { at: middle, code: Code::REQUEST_ENTITY_INCOMPLETE }),
            B::Stumbles => once(Mishap::Answers { at: middle, code: Code::INTERNAL_SERVER_ERROR }),
            B::FallsSilent => once(Mishap::FallsSilent { at: middle }),
            B::FallsAsleep => once(Mishap::FallsAsleep { at: middle }),
            B::Defers => once(Mishap::Defers(Duration::from_secs(240))),
            B::Hangs => always(Mishap::Hangs),
            B::RollsBack => always(Mishap::RollsBack { admits: true }),
            B::RollsBackInSecret => always(Mishap::RollsBack { admits: false }),
            B::Lies => always(Mishap::Lies),
            B::KeepsQuiet => always(Mishap::KeepsQuiet),
            B::Flaps => always(Mishap::Flaps(Duration::from_secs(40))),
            B::NeverAnswers => {
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
