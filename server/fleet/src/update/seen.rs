//! What is known of a device when its update is looked at.

use super::{DeviceStage, DownloadDigest, Offered, Update, VersionAt};
use crate::{RegistrationId, Timestamp};

/// What is known of a device when its update is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Its registration.
    pub registered: Option<Registered>,
    /// Whether its registration has ended because its credential was revoked.
    pub is_revoked: bool,
    /// The state of the object.
    pub state: Option<Known<i64>>,
    /// The result.
    pub result: Option<Known<i64>>,
    /// The version of the package.
    pub package_version: Option<Known<String>>,
    /// The version of the firmware, `/3/0/3`.
    pub device_version: Option<Known<String>>,
    /// By what it can fetch; empty if it does not say.
    pub protocols: Vec<i64>,
    /// 0 if it fetches, 1 if it is pushed to, 2 if either.
    pub delivery: Option<i64>,
    /// What became of what was asked last.
    pub asked: Option<Asked>,
    /// Why the artefact may not go there, if so.
    pub misfit: Option<String>,
    /// Until when it rests, having failed so often.
    pub rests_until: Option<Timestamp>,
    /// By what this server lets the device fetch. The addresses are fresh: none was told to anybody.
    pub offered: Offered,
    /// What is to be kept of the unguessable part of these addresses, once one of them is told.
    pub download: Option<DownloadDigest>,
}

/// A registration, as far as an update is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Which.
    pub id: RegistrationId,
    /// Since when.
    pub at: Timestamp,
    /// Whether it lists the object instance.
    pub has_target: bool,
}

/// A value, and when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<T> {
    /// What.
    pub value: T,
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
    /// It did not, or nobody knows.
    Failed(String),
    /// The server was restarted before that was known.
    CutOff,
}

impl Seen {
    /// How far the device is, if it has said so since the update's mark.
    pub(super) fn stage(&self, update: &Update) -> Option<DeviceStage> {
        let state = self.state.as_ref().filter(|known| known.at >= update.mark)?;
        update.target.stage(state.value)
    }

    /// The result that it has told since the update's mark.
    pub(super) fn result(&self, update: &Update) -> Option<i64> {
        self.result.as_ref().filter(|known| known.at >= update.mark).map(|known| known.value)
    }

    /// The version that it runs, by what it has told since `after`.
    pub(super) fn version(&self, at: VersionAt, after: Timestamp) -> Option<&str> {
        let since = |known: &&Known<String>| known.at >= after && !known.value.is_empty();
        let device = self.device_version.as_ref().filter(since);
        let package = self.package_version.as_ref().filter(since);
        let known = match at {
            VersionAt::Any => device.or(package),
            VersionAt::Device => device,
            VersionAt::Package => package,
        };
        known.map(|known| known.value.as_str())
    }
}
