//! What is known of a device when its configuration is looked at.

use std::{collections::BTreeMap, sync::Arc};

use objects::{Path, Value, Version, link::ObjectLinks};

use super::Writer;
use crate::{RegistrationId, Timestamp};

/// What is known of a device when its configuration is looked at.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its registration.
    pub registered: Option<Listening>,
    /// The latest that it has said, by path; at least that of the paths that are desired.
    pub values: BTreeMap<Path, Known>,
    /// Who but the engine has written to a path last, where that is known.
    pub writers: BTreeMap<Path, Writer>,
    /// What became of what was asked last.
    pub asked: Option<Asked>,
}

/// A registration, as far as configuration is concerned.
#[derive(Clone, Debug)]
pub struct Listening {
    /// Which.
    pub id: RegistrationId,
    /// Its enabler version.
    pub lwm2m: Version,
    /// Whether it answers composite operations, as far as that is known.
    pub composites: bool,
    /// Whether the device listens now.
    pub awake: bool,
    /// What it has.
    pub links: Arc<ObjectLinks>,
    /// The resources that are never read, by their model, of those that are desired.
    pub blind: Vec<Path>,
}

/// A value, and when it arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What.
    pub value: Value,
    /// When.
    pub at: Timestamp,
}

/// What became of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for the device, or is on its way.
    UnderWay,
    /// It did it.
    Done,
    /// It answered with an error, or can't be asked this at all.
    Refused(String),
    /// There was no usable answer.
    Failed(String),
    /// It does not listen any more.
    Away,
}

impl Listening {
    /// Whether it may be asked for several things at once (LwM2M Core 1.1.1 §6.3.8, §6.3.9).
    pub(super) fn has_composites(&self) -> bool {
        self.lwm2m >= Version::V1_1 && self.composites
    }
}

impl Asked {
    /// What the result of an operation that failed means: `4.05 Method Not Allowed` is the device's word.
    pub fn failed(result: String) -> Self {
        // LwM2M Transport 1.1.1 §6.7: 4.xx is what will be so again, 5.xx and silence may not; but what is not implemented
        // (5.01, as Wakaama says of what it can't write) is so until the device is another one.
        let stays = result.starts_with("4.") || result.starts_with("5.01");
        if stays { Self::Refused(result) } else { Self::Failed(result) }
    }
}
