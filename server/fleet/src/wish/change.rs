//! What becomes durable of wishes.

use objects::Path;

use super::{NoComposites, Owned, Wishes, Written};
use crate::{ClassId, DeviceId, Target};

/// A change of wishes, or of what came of them.
#[derive(Clone, Debug, PartialEq)]
pub enum WishChange {
    /// What a class wishes, in place of what it wished.
    Saved {
        /// Which class.
        class: ClassId,
        /// What.
        wishes: Wishes,
    },
    /// An observation is about to be asked for by wish. Nothing if it was before.
    Asked {
        /// Of whom.
        device: DeviceId,
        /// Of what.
        target: Target,
    },
    /// What came of it. Nothing if nobody asks for it by wish any more.
    Answered {
        /// Of whom.
        device: DeviceId,
        /// Of what.
        target: Target,
        /// What came of it.
        owned: Owned,
    },
    /// An observation is not one by wish any more: it has ended, or somebody has begun it by hand.
    LetGo {
        /// Of whom.
        device: DeviceId,
        /// Of what.
        target: Target,
    },
    /// What attributes a device has by wish; none for no more.
    Wrote {
        /// Whose.
        device: DeviceId,
        /// Where.
        path: Path,
        /// Which, and what came of it.
        written: Option<Written>,
    },
    /// A device answers no composite operation, or does again.
    Composites {
        /// Who.
        device: DeviceId,
        /// How it is known; none if it answers.
        unanswered: Option<NoComposites>,
    },
}
