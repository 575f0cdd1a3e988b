//! The data model of OMA LwM2M and its codecs: what a device is made of, apart from how it is reached.
//!
//! Start with [`Path`] (which thing), [`Value`] (one typed value) and [`Node`] (a tree of them). [`Registry`] knows
//! what each object means; [`codec`] turns nodes into the bytes of a content format and back; [`link`] reads the
//! list of objects a device registers with; [`Attributes`] say when an observed resource is reported.
//!
//! Pure: no clock, no I/O, no async. Bytes in, values out.

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
