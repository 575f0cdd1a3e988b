//! Why an operation is refused before anything is sent, in words for whoever asked for it.

use objects::{Attribute, AttributeError, ContentFormat, DataType, Path, Version};

use crate::Target;

/// Why an operation is not even sent: one variant a rule. LwM2M Core 1.1.1 §6.3 and §6.4.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadOperation {
    /// The arguments of an Execute do not have their form.
    #[error(
        "arguments look like 0='a',1: digits from 0 to 9, each at most once, each with a text in quotes or without one"
    )]
    Arguments,
    /// The attributes can't stand together.
    #[error("{0}")]
    Attribute(#[from] AttributeError),
    /// An attribute that this level or version does not know.
    #[error("{attribute} can't be set at {path} of a device that speaks LwM2M {lwm2m}")]
    AttributeLevel {
        /// Which attribute.
        attribute: Attribute,
        /// Where.
        path: Path,
        /// The device's version.
        lwm2m: Version,
    },
    /// An attribute that says nothing about values of this type.
    #[error("{attribute} means nothing for {path}, whose values are of type {data_type}")]
    AttributeType {
        /// Which attribute.
        attribute: Attribute,
        /// Where.
        path: Path,
        /// Of which type.
        data_type: DataType,
    },
    /// A Create of an instance that there is, or of a second one where only one may be.
    #[error("{path} exists already")]
    Exists {
        /// What exists.
        path: Path,
    },
    /// A number that is none.
    #[error("the value of {path} is not a finite number")]
    NotFinite {
        /// Where.
        path: Path,
    },
    /// A format that can't carry this.
    #[error("{format} can't be used for {operation} at {path}")]
    Format {
        /// Which format.
        format: ContentFormat,
        /// The operation.
        operation: &'static str,
        /// Where.
        path: Path,
    },
    /// An operation that is not defined at this level.
    #[error("{operation} is not possible at {path}: it works on {works_on}")]
    Level {
        /// The operation.
        operation: &'static str,
        /// Where.
        path: Path,
        /// What it works on.
        works_on: &'static str,
    },
    /// What is to be written does not belong at the path, or holds nothing.
    #[error("what is to be written does not fit {path}")]
    Node {
        /// Where.
        path: Path,
    },
    /// A Write-Attributes that changes nothing.
    #[error("no attribute is set or unset")]
    NoAttributes,
    /// The model does not allow the operation.
    #[error("{path} ({name}) is {allowed}, it can't be {wanted}")]
    NotAllowed {
        /// Where.
        path: Path,
        /// The resource's name.
        name: String,
        /// What the model allows.
        allowed: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A composite operation that names nothing.
    #[error("no path is given")]
    NoPaths,
    /// A value where several belong, or the other way round.
    #[error("{path} ({name}) {}", if *.multiple { "has resource instances, each with a value" } else { "has one value and no resource instances" })]
    NotMultiple {
        /// Where.
        path: Path,
        /// The resource's name.
        name: String,
        /// Whether the model says that it has several.
        multiple: bool,
    },
    /// A cancel of an observation that is not there.
    #[error("{target} is not observed")]
    NotObserved {
        /// What.
        target: Target,
    },
    /// The device did not register this object or instance.
    #[error("the device has no {path}")]
    NotRegistered {
        /// The object or instance.
        path: Path,
    },
    /// Paths of a composite operation of which one lies within the other.
    #[error("{path} lies within {other}, which is asked for, too")]
    Overlap {
        /// The inner one.
        path: Path,
        /// The outer one.
        other: Path,
    },
    /// One attribute both set and unset.
    #[error("{attribute} is both set and unset")]
    SetAndUnset {
        /// Which.
        attribute: Attribute,
    },
    /// The device speaks a version that does not know this.
    #[error("{what} came with LwM2M {since}, this device speaks {lwm2m}")]
    TooNew {
        /// What was asked for.
        what: &'static str,
        /// Since when it exists.
        since: Version,
        /// The device's version.
        lwm2m: Version,
    },
    /// More paths than a composite operation has.
    #[error("{count} paths are too many: at most {max}", max = crate::Paths::MAX)]
    TooManyPaths {
        /// How many there are.
        count: usize,
    },
    /// A value of another type.
    #[error("{path} ({name}) takes values of type {expected}, not {found}")]
    Type {
        /// Where.
        path: Path,
        /// The resource's name.
        name: String,
        /// By the model.
        expected: DataType,
        /// What was given.
        found: DataType,
    },
}
