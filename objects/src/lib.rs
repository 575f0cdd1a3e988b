//! The data model of OMA LwM2M and its codecs: what a device is made of, apart from how it is reached.
//!
//! Pure: no clock, no I/O, no async. Bytes in, values out.
//!
//! # The model
//!
//! A device has *objects* (3 is Device), an object has *instances*, an instance has *resources*, and a resource has one
//! value or several *resource instances*. A [`Path`] says which of them, `/3/0/7/1`; a [`Node`] is what stands there: a
//! tree that ends in typed [`Value`]s. A [`Sample`] is a node with its path and its time.
//!
//! What a resource means, and of which [`DataType`] its values are, stands in an [`ObjectModel`]. A [`Registry`] holds
//! many, several versions of an object side by side; [`Registry::core`] has the ones this package ships, and published
//! definition files are added with [`Registry::load_ddf`]. [`Models`] is a registry seen by one device, which has one
//! version of each object.
//!
//! # The bytes
//!
//! - [`link::ObjectLinks`]: the objects a device registers with, the payload of a Register or Update;
//! - [`link::Discovered`]: what it answers to a Discover;
//! - [`Attributes`]: when it reports an observed node, the queries of a Write-Attributes;
//! - [`codec`]: nodes in each [`ContentFormat`], the payload of everything else.
//!
//! All readers are total: whatever the bytes, they end within the bounds that their modules name, with a value or with
//! an error that says where and why. Where devices in the field differ from the letter, the module says what is
//! accepted.
//!
//! # A walk through
//!
//! ```
//! use objects::{Attributes, ContentFormat, Models, Path, Registry, Value, Version, codec, link::ObjectLinks};
//!
//! // A device registers, and so says which version of each object it has.
//! let links = ObjectLinks::parse(br#"</>;ct="112 11542",</1/0>,</3>;ver=1.1,</3/0>"#)?;
//! let versions = |object| links.version_of(object, Version::V1_1);
//!
//! // The definitions, as they apply to this device.
//! let registry = Registry::core();
//! let models = Models { registry: &registry, versions: &versions };
//!
//! // It answers a Read of its battery level in TLV, whose bytes alone have no type.
//! let path: Path = "/3/0/9".parse()?;
//! let samples = codec::decode(ContentFormat::TLV, &path, &[0xc1, 0x09, 0x64], &models, 0)?;
//! assert_eq!(samples[0].node.values(path), [(path, &Value::Integer(100))]);
//! assert_eq!(models.resource_at(&path).map(|model| model.units.as_str()), Some("%"));
//!
//! // It is to report the level every hour, and when it falls below 20.
//! let (attributes, _) = Attributes::parse_queries(["pmax=3600", "lt=20"].into_iter())?;
//! attributes.check()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(missing_docs)]

mod attributes;
pub use attributes::{Attribute, AttributeError, Attributes};

pub mod codec;
pub use codec::ContentFormat;

pub mod link;

mod node;
pub use node::{Instance, Node, Object, Resource, Sample};

mod path;
pub use path::{InstanceId, ObjectId, Path, PathError, ResourceId, ResourceInstanceId};

pub mod registry;
pub use registry::{Models, ObjectModel, Operations, Registry, ResourceModel};

mod value;
pub use value::{DataType, ObjectLink, Value, ValueError};

mod version;
pub use version::{Version, VersionError};
