//! The Software Management object (LwM2M Core 1.1.1 §E.10) of a simulated device: one package an instance.
//!
//! Its packages are those of the firmware ([`TestImage`](crate::TestImage)), and so is what goes wrong with them.

use std::time::Duration;

use objects::{InstanceId, ObjectId, Path, ResourceId, Value};

use crate::{
    Delivered, Protocol, Security, TestImage, Tree, UpdateResult,
    firmware::{Package, put},
};

/// What kind of Software Management object a device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// How many instances it begins with; servers may create others. 1.
    pub instances: u16,
    /// By which protocols a package can be fetched. CoAP and CoAPS.
    pub protocols: Vec<Protocol>,
    /// How the device proves who it is where it fetches by CoAPS. As to its management server.
    pub security: Option<Security>,
    /// The largest package there is room for. 1 MiB.
    pub max_bytes: usize,
    /// The largest blocks the device takes. 1024 bytes.
    pub block_size: coap::BlockSize,
    /// After which silence the device gives up a package that is half there. 247 s (EXCHANGE_LIFETIME).
    pub patience: Duration,
    /// How long a package that has come is verified. 1 s.
    pub verify_time: Duration,
    /// From Install to the installed package. 2 s.
    pub install_time: Duration,
}

/// The values of `/9/x/7`, and what they are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoftwareState {
    /// 0: nothing is there.
    #[default]
    Initial,
    /// 1: a package is coming.
    DownloadStarted,
    /// 2: it is there, and not verified.
    Downloaded,
    /// 3: it can be installed.
    Delivered,
    /// 4: it is installed.
    Installed,
}

/// The values of `/9/x/9`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoftwareResult {
    /// 0: there is no result yet.
    #[default]
    Initial,
    /// 1: it is being downloaded.
    Downloading,
    /// 2: it is installed.
    Installed,
    /// 3: it is there, and verified.
    Verified,
    /// 50 to 59: it failed as a firmware update fails with this result.
    Failed(UpdateResult),
}

/// One instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Component {
    pub(crate) state: SoftwareState,
    pub(crate) result: SoftwareResult,
    pub(crate) active: bool,
    pub(crate) package: Option<Box<Package>>,
    pub(crate) pulls: bool,
    pub(crate) delivered: Option<Box<Delivered>>,
    pub(crate) due: Option<(Duration, Step)>,
}

/// What time brings to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Stalled,
    Verified,
    Installed,
}

impl Default for Software {
    fn default() -> Self {
        Self {
            instances: 1,
            protocols: vec![Protocol::Coap, Protocol::Coaps],
            security: None,
            max_bytes: 1 << 20,
            block_size: coap::BlockSize::B1024,
            patience: Duration::from_secs(247),
            verify_time: Duration::from_secs(1),
            install_time: Duration::from_secs(2),
        }
    }
}

impl SoftwareResult {
    /// The value of `/9/x/9`.
    pub fn code(self) -> u8 {
        match self {
            Self::Initial => 0,
            Self::Downloading => 1,
            Self::Installed => 2,
            Self::Verified => 3,
            Self::Failed(UpdateResult::NoStorage) => 50,
            Self::Failed(UpdateResult::NoMemory) => 51,
            Self::Failed(UpdateResult::ConnectionLost) => 52,
            Self::Failed(UpdateResult::Integrity) => 53,
            Self::Failed(UpdateResult::PackageType) => 54,
            // It knows of no protocol that is not supported.
            Self::Failed(UpdateResult::InvalidUri | UpdateResult::Protocol) => 56,
            Self::Failed(UpdateResult::UpdateFailed) => 58,
            // 57: an error of the device's own.
            Self::Failed(_) => 57,
        }
    }
}

impl Component {
    pub(crate) fn begin(&mut self, pulls: bool) {
        *self = Self {
            state: SoftwareState::DownloadStarted,
            result: SoftwareResult::Downloading,
            package: Some(Box::new(Package::new())),
            pulls,
            ..Self::default()
        };
    }

    /// Nothing is left of the package.
    pub(crate) fn end(&mut self, result: SoftwareResult) {
        *self = Self { result, ..Self::default() };
    }

    pub(crate) fn received(&self) -> usize {
        self.package.as_ref().map_or(0, |package| package.len())
    }

    /// What a server sees of it.
    pub(crate) fn shown(&self, instance: InstanceId) -> [(Path, Value); 5] {
        let (name, version) = match &self.delivered {
            Some(delivered) => (TestImage::NAME.to_owned(), delivered.version.clone()),
            None => (String::new(), String::new()),
        };
        [
            (at(instance, NAME), Value::String(name)),
            (at(instance, VERSION), Value::String(version)),
            (at(instance, RESULT), Value::Integer(self.result.code().into())),
            (at(instance, STATE), Value::Integer(self.state as i64)),
            (at(instance, ACTIVE), Value::Boolean(self.active)),
        ]
    }
}

/// Puts an instance into a tree, with what is only written.
pub(crate) fn place(tree: &mut Tree, instance: InstanceId) {
    put(tree, at(instance, PACKAGE), Value::Opaque(Vec::new()));
    put(tree, at(instance, PACKAGE_URI), Value::String(String::new()));
    for (path, value) in Component::default().shown(instance) {
        put(tree, path, value);
    }
}

/// Where a resource of an instance is.
pub(crate) const fn at(instance: InstanceId, resource: u16) -> Path {
    Path::Resource(SOFTWARE, instance, ResourceId(resource))
}

pub(crate) const SOFTWARE: ObjectId = ObjectId(9);

const NAME: u16 = 0;
const VERSION: u16 = 1;
pub(crate) const PACKAGE: u16 = 2;
pub(crate) const PACKAGE_URI: u16 = 3;
pub(crate) const INSTALL: u16 = 4;
pub(crate) const UNINSTALL: u16 = 6;
const STATE: u16 = 7;
const RESULT: u16 = 9;
pub(crate) const ACTIVATE: u16 = 10;
pub(crate) const DEACTIVATE: u16 = 11;
const ACTIVE: u16 = 12;
