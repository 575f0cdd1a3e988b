//! The Firmware Update object (LwM2M Core 1.1.1 §E.6) of a simulated device: what it can do, and what goes wrong with it.
//!
//! [`Firmware`] is a part of the [`Profile`](crate::Profile). The packages that a device understands are test images
//! ([`TestImage`]); it keeps their length and digest, not the bytes. `update` is the state machine, without a
//! device around it; `crate::device::firmware` lets it hear requests and time.

mod fault;
pub(crate) use fault::strike;
pub use fault::{FirmwareFault, Mishap};

mod image;
pub use image::{Delivered, TestImage};
pub(crate) use image::{Kind, Package};

mod uri;
pub(crate) use uri::PackageUri;

mod update;
pub(crate) use update::{Due, Update};

use std::time::Duration;

use objects::{ContentFormat, InstanceId, ObjectId, Path, ResourceId, Value, Version};

use crate::{Security, Tree};

/// What kind of Firmware Update object a device has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// The version of the object: 1.0, 1.1 or 1.2. 1.1.
    pub version: Version,
    /// How a package can come (`/5/0/9`). Both ways.
    pub delivery: Delivery,
    /// By which protocols it can be fetched (`/5/0/8`). CoAP and CoAPS.
    pub protocols: Vec<Protocol>,
    /// How the device proves who it is where it fetches by CoAPS. As to its management server.
    pub security: Option<Security>,
    /// The largest package there is room for. 16 MiB.
    pub max_bytes: usize,
    /// The largest blocks the device takes. 1024 bytes.
    pub block_size: coap::BlockSize,
    /// After which silence the device gives up a package that is half there. 247 s (EXCHANGE_LIFETIME).
    pub patience: Duration,
    /// From Update to the reboot. 5 s.
    pub install_time: Duration,
}

/// The values of `/5/0/3`, and what they are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirmwareState {
    /// 0: nothing is going on.
    #[default]
    Idle,
    /// 1: a package is coming.
    Downloading,
    /// 2: a package is there.
    Downloaded,
    /// 3: it is being installed.
    Updating,
}

/// The values of `/5/0/5`, and what they are called. Those from 10 on came with version 1.1 of the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateResult {
    /// 0: there is no result yet.
    #[default]
    Initial,
    /// 1: the new firmware runs.
    Success,
    /// 2: not enough flash memory for the package.
    NoStorage,
    /// 3: out of memory during the download.
    NoMemory,
    /// 4: the connection was lost during the download.
    ConnectionLost,
    /// 5: the integrity check failed.
    Integrity,
    /// 6: the type of the package is not supported.
    PackageType,
    /// 7: the URI is not valid.
    InvalidUri,
    /// 8: the update failed.
    UpdateFailed,
    /// 9: the protocol is not supported.
    Protocol,
    /// 10: it was cancelled.
    Cancelled,
    /// 11: it was put off.
    Deferred,
}

/// The values of `/5/0/9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// 0: the device fetches the package.
    Pull,
    /// 1: the server writes it.
    Push,
    /// 2
    Both,
}

/// The values of `/5/0/8` that a simulated device can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// 0
    Coap,
    /// 1
    Coaps,
    /// 2
    Http,
    /// 3
    Https,
}

impl Default for Firmware {
    fn default() -> Self {
        Self {
            version: Version::V1_1,
            delivery: Delivery::Both,
            protocols: vec![Protocol::Coap, Protocol::Coaps],
            security: None,
            max_bytes: 16 << 20,
            block_size: coap::BlockSize::B1024,
            patience: Duration::from_secs(247),
            install_time: Duration::from_secs(5),
        }
    }
}

impl Firmware {
    /// Puts the object into a tree, idle.
    pub(crate) fn place(&self, tree: &mut Tree) {
        if self.version != Version::V1_0 {
            tree.set_version(FIRMWARE, self.version);
        }
        put(tree, at(NAME), Value::String(TestImage::NAME.to_owned()));
        put(tree, at(PACKAGE), Value::Opaque(Vec::new()));
        put(tree, at(PACKAGE_URI), Value::String(String::new()));
        put(tree, at(DELIVERY), Value::Integer(self.delivery as i64));
        if self.version >= Version::V1_1 {
            put(tree, at(SEVERITY), Value::Integer(1));
            put(tree, at(MAX_DEFER), Value::Unsigned(86_400));
        }
        if self.version > Version::V1_1 {
            put(tree, at(AUTOMATIC), Value::Boolean(false));
        }
        for (instance, protocol) in (0..).zip(&self.protocols) {
            let path = at(PROTOCOLS).child(instance).expect("a resource has instances");
            put(tree, path, Value::Integer(*protocol as i64));
        }
    }
}

/// Where a resource of the object is.
pub(crate) const fn at(resource: u16) -> Path {
    Path::Resource(FIRMWARE, InstanceId(0), ResourceId(resource))
}

/// Puts a value where object 5 has one of its type.
pub(crate) fn put(tree: &mut Tree, path: Path, value: Value) {
    tree.set(path, value).expect("the values of object 5 are of the types that it defines");
}

pub(crate) const FIRMWARE: ObjectId = ObjectId(5);

pub(crate) const PACKAGE: u16 = 0;
pub(crate) const PACKAGE_URI: u16 = 1;
pub(crate) const UPDATE: u16 = 2;
pub(crate) const STATE: u16 = 3;
pub(crate) const RESULT: u16 = 5;
const NAME: u16 = 6;
pub(crate) const VERSION: u16 = 7;
const PROTOCOLS: u16 = 8;
const DELIVERY: u16 = 9;
pub(crate) const CANCEL: u16 = 10;
const SEVERITY: u16 = 11;
pub(crate) const CHANGED_AT: u16 = 12;
pub(crate) const MAX_DEFER: u16 = 13;
pub(crate) const AUTOMATIC: u16 = 14;

/// Whether a request writes a package, which is taken block by block.
pub(crate) fn is_package(request: &coap::Request) -> bool {
    let is_opaque = request.content_format == Some(ContentFormat::OPAQUE.0);
    let [.., object, _, resource] = request.path.as_slice() else { return false };
    is_opaque && matches!((object.as_str(), resource.as_str()), ("5", "0") | ("9", "2"))
}
