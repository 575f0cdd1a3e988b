//! What is remembered of a device because its class wishes something.

use std::{collections::BTreeMap, time::Duration};

use objects::{Attributes, Path, Version};

use crate::{Failure, Outcome, RegistrationId, Target, Timestamp};

/// What was asked of a device by the wishes of its class, and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The notification attributes that were written, by where.
    pub written: BTreeMap<Path, Written>,
    /// The observations that were asked for. One that lives and is not among them was begun by somebody else.
    pub owned: BTreeMap<Target, Owned>,
}

/// Attributes that a device was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// All that stand there by wish.
    pub attributes: Attributes,
    /// In which registration it took them: with the next it may have forgotten them.
    pub registration: Option<RegistrationId>,
    /// Why it did not take what was asked last.
    pub trouble: Option<Trouble>,
}

/// An observation that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// In which registration the device began it.
    pub registration: Option<RegistrationId>,
    /// Why it is not there.
    pub trouble: Option<Trouble>,
}

/// What a device did not do, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// How often in a row.
    pub times: u32,
    /// When, the last time.
    pub at: Timestamp,
    /// What came of it, in one line.
    pub reason: String,
}

/// A device that answers no composite operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoComposites {
    /// When it did not.
    pub at: Timestamp,
    /// The version of LwM2M that it spoke.
    pub lwm2m: Version,
    /// What it answered, if at all, in one line.
    pub reason: String,
}

impl NoComposites {
    /// What came of a composite operation says of a device: that it answers none, or that it does (none). Nothing if it says
    /// neither.
    pub fn told_by(outcome: &Outcome, at: Timestamp, lwm2m: Version) -> Option<Option<Self>> {
        let is_unknown = match outcome {
            Outcome::Success { .. } => return Some(None),
            // Wakaama acknowledges what it does not know and leaves it at that. Who acknowledged nothing may not have been there.
            Outcome::Failed(Failure::TimedOut { acknowledged }) => *acknowledged,
            // 4.02 Bad Option, 4.05 Method Not Allowed, 5.01 Not Implemented.
            Outcome::Refused { code, .. } => matches!((code.class, code.detail), (4, 2 | 5) | (5, 1)),
            Outcome::Local | Outcome::Failed(_) => false,
        };
        is_unknown.then(|| Some(Self { at, lwm2m, reason: outcome.result() }))
    }
}

impl Trouble {
    /// How long after the first failure it is tried again; twice as long after each further one.
    pub const FIRST_WAIT: Duration = Duration::from_secs(60);
    /// The longest that becomes.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3_600);

    /// One more failure after those before.
    pub fn after(before: Option<&Self>, at: Timestamp, reason: &str) -> Self {
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        Self { times, at, reason: crate::timeline::one_line(reason, Outcome::MAX_RESULT) }
    }

    /// One more after those before, of a device that did not answer. It may have been out of reach: others are asked ever less.
    pub fn unanswered(before: Option<&Self>, at: Timestamp, reason: &str) -> Self {
        let after = Self::after(before, at, reason);
        Self { times: after.times.min(Self::UNANSWERED), ..after }
    }

    /// As often a device is taken to have refused that has not answered: so long is the longest wait then.
    pub const UNANSWERED: u32 = 3;

    /// When it is tried again, if the device does not register anew before.
    pub fn again_at(&self) -> Timestamp {
        let doubled = 1_u32 << self.times.saturating_sub(1).min(16);
        self.at.after((Self::FIRST_WAIT * doubled).min(Self::LONGEST_WAIT))
    }
}
