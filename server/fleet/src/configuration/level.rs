//! For whom a baseline is.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::{ClassId, DeviceId, GroupId, PublicId};

/// For whom a baseline is. What a later one of these says overrides what an earlier one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Every device.
    Fleet,
    /// The devices of a class.
    Class(ClassId),
    /// The devices in a group.
    Group(GroupId),
    /// One device.
    Device(DeviceId),
}

impl Level {
    /// A word for its kind, as it is stored and shown.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Class(_) => "class",
            Self::Group(_) => "group",
            Self::Device(_) => "device",
        }
    }

    /// The row it is for; 0 for the fleet.
    pub fn row(self) -> i64 {
        match self {
            Self::Fleet => 0,
            Self::Class(class) => class.0,
            Self::Group(group) => group.0,
            Self::Device(device) => device.0,
        }
    }

    /// The level of a kind and a row, as [`Level::kind`] and [`Level::row`] tell them.
    pub fn of(kind: &str, row: i64) -> Option<Self> {
        Some(match kind {
            "fleet" if row == 0 => Self::Fleet,
            "class" => Self::Class(ClassId(row)),
            "group" => Self::Group(GroupId(row)),
            "device" => Self::Device(DeviceId(row)),
            _ => return None,
        })
    }

    fn order(self) -> (u8, i64) {
        let kind = match self {
            Self::Fleet => 0,
            Self::Class(_) => 1,
            Self::Group(_) => 2,
            Self::Device(_) => 3,
        };
        (kind, self.row())
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// In the order of override; of one kind, by their rows.
impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// A level as people and programs name it: `fleet`, `class:NAME`, `group:…` and `device:…` with a public id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LevelName {
    /// Every device.
    Fleet,
    /// The devices of a class, by its name.
    Class(String),
    /// The devices in a group.
    Group(PublicId),
    /// One device.
    Device(PublicId),
}

/// A text that names no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a level is fleet, class:NAME, group:ID or device:ID")]
pub struct LevelNameError;

impl fmt::Display for LevelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fleet => f.write_str("fleet"),
            Self::Class(class) => write!(f, "class:{class}"),
            Self::Group(group) => write!(f, "group:{group}"),
            Self::Device(device) => write!(f, "device:{device}"),
        }
    }
}

impl FromStr for LevelName {
    type Err = LevelNameError;

    fn from_str(text: &str) -> Result<Self, LevelNameError> {
        let Some((kind, id)) = text.split_once(':') else {
            return if text == "fleet" { Ok(Self::Fleet) } else { Err(LevelNameError) };
        };
        match kind {
            "class" if !id.is_empty() => Ok(Self::Class(id.to_owned())),
            "group" => id.parse().map(Self::Group).map_err(|_| LevelNameError),
            "device" => id.parse().map(Self::Device).map_err(|_| LevelNameError),
            _ => Err(LevelNameError),
        }
    }
}
