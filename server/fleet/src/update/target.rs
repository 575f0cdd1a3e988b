//! Which object of a device takes a package, and what its resources mean.

use objects::{InstanceId, ObjectId, Path, ResourceId};

use super::UpdateResult;

/// Which object of a device takes a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpdateTarget {
    /// `/5/0`, Firmware Update.
    Firmware,
    /// An instance of `/9`, Software Management.
    Software(InstanceId),
}

/// How far a device is with a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceStage {
    /// It has none.
    Idle,
    /// It takes, fetches or checks one.
    Downloading,
    /// It has one that it could install.
    Downloaded,
    /// It installs it.
    Updating,
    /// It has installed one and keeps it; software only.
    Installed,
}

impl UpdateTarget {
    /// The version of the device's firmware.
    pub const DEVICE_VERSION: Path = Path::Resource(ObjectId(3), InstanceId(0), ResourceId(3));

    /// Whether a value there says something of an update.
    pub fn tells(path: Path) -> bool {
        let device_version = Self::DEVICE_VERSION.object();
        matches!(path.object(), Some(ObjectId(5 | 9))) || path.object() == device_version
    }

    /// The object instance.
    pub fn instance(self) -> Path {
        let (object, instance) = self.ids();
        Path::Instance(object, instance)
    }

    /// The number of the instance.
    pub fn instance_id(self) -> u16 {
        self.ids().1.0
    }

    /// Whether a package, or where to fetch one from, is written there.
    pub fn is_brought_by(path: &Path) -> bool {
        let resource = path.resource().map(|resource| resource.0);
        match path.object().map(|object| object.0) {
            Some(5) => matches!(resource, Some(0 | 1)),
            Some(9) => matches!(resource, Some(2 | 3)),
            _ => false,
        }
    }

    /// Where a package is written to.
    pub fn package(self) -> Path {
        self.resource(0, 2)
    }

    /// Where it is written from where to fetch it.
    pub fn uri(self) -> Path {
        self.resource(1, 3)
    }

    /// What installs it.
    pub fn install(self) -> Path {
        self.resource(2, 4)
    }

    /// How far the device is.
    pub fn state(self) -> Path {
        self.resource(3, 7)
    }

    /// How the last update ended.
    pub fn result(self) -> Path {
        self.resource(5, 9)
    }

    /// The version of the package.
    pub fn version(self) -> Path {
        self.resource(7, 1)
    }

    /// By what the device can fetch; firmware only.
    pub fn protocols(self) -> Option<Path> {
        self.of_firmware(8)
    }

    /// Whether the device is pushed to, fetches, or both; firmware only.
    pub fn delivery(self) -> Option<Path> {
        self.of_firmware(9)
    }

    /// What gives an update up; firmware only.
    pub fn cancel(self) -> Option<Path> {
        self.of_firmware(10)
    }

    /// How urgent it is; firmware only.
    pub fn severity(self) -> Option<Path> {
        self.of_firmware(11)
    }

    /// For how long it may be put off; firmware only.
    pub fn defer(self) -> Option<Path> {
        self.of_firmware(13)
    }

    /// What a state means; none for one that is not defined.
    pub fn stage(self, state: i64) -> Option<DeviceStage> {
        Some(match (self, state) {
            (_, 0) => DeviceStage::Idle,
            (_, 1) | (Self::Software(_), 2) => DeviceStage::Downloading,
            (Self::Firmware, 2) | (Self::Software(_), 3) => DeviceStage::Downloaded,
            (Self::Firmware, 3) => DeviceStage::Updating,
            (Self::Software(_), 4) => DeviceStage::Installed,
            _ => return None,
        })
    }

    /// What a result means.
    pub fn explain(self, result: i64) -> UpdateResult {
        match self {
            Self::Firmware => UpdateResult::of_firmware(result),
            Self::Software(_) => UpdateResult::of_software(result),
        }
    }

    fn ids(self) -> (ObjectId, InstanceId) {
        match self {
            Self::Firmware => (ObjectId(5), InstanceId(0)),
            Self::Software(instance) => (ObjectId(9), instance),
        }
    }

    fn resource(self, of_firmware: u16, of_software: u16) -> Path {
        let (object, instance) = self.ids();
        let id = if self == Self::Firmware { of_firmware } else { of_software };
        Path::Resource(object, instance, ResourceId(id))
    }

    fn of_firmware(self, id: u16) -> Option<Path> {
        (self == Self::Firmware).then(|| self.resource(id, id))
    }
}
