//! Groups: devices that a rule names. Who is in a group is kept, and follows what the rule says of each device.

mod rule;
pub use rule::{Facts, Rule, RuleError, Undecided};

use crate::{ClassId, ClassRule, DeviceId, GroupId, Labels, PublicId, Timestamp};

/// A group of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its row.
    pub id: GroupId,
    /// Its name in URLs.
    pub public_id: PublicId,
    /// What people call it; unique.
    pub name: String,
    /// Which devices are in it, in CEL.
    pub rule: String,
    /// Where a device is in more than one group, what the group of the higher rank says holds; of two of the same rank, that
    /// of the first by name.
    pub rank: i32,
    /// What it is for.
    pub description: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// What becomes of groups and labels; see [`Change::Group`](crate::Change::Group).
#[derive(Clone, Debug, PartialEq)]
pub enum GroupChange {
    /// A group is known from now on, or is another one. A conflict if its name or public id is another one's.
    Saved(Box<Group>),
    /// A group is gone, and nobody is in it.
    Removed(GroupId),
    /// Devices join a group and leave it. Nothing of a device that is removed, of one that is where it should be, and of a
    /// group that is not there.
    Members {
        /// Which.
        group: GroupId,
        /// Who is in it from now on.
        joined: Vec<DeviceId>,
        /// Who is not any more.
        left: Vec<DeviceId>,
    },
    /// Which devices are of a class. A conflict if the class is not there.
    ClassRule {
        /// Which class.
        class: ClassId,
        /// By what; an empty one takes the rule back.
        rule: ClassRule,
    },
    /// A device of the default class may be of any of these; of none any more if there are none. Nothing of a device that is
    /// removed. It ends also when the device is put into a class.
    Contested {
        /// Which.
        device: DeviceId,
        /// In no order.
        classes: Vec<ClassId>,
    },
    /// These are the labels of a device. A conflict if it is not there.
    Labelled {
        /// Which.
        device: DeviceId,
        /// All of them.
        labels: Labels,
    },
}

impl Group {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;
    /// The longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 500;
    /// How many groups there are at most.
    pub const MAX: usize = 200;
}
