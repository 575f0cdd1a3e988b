//! What can be wrong with a definition file, and where.

use std::fmt;

use super::{Fault, MAX_DDF_DEPTH, MAX_DDF_OBJECTS, MAX_DDF_RESOURCES, MAX_DDF_TEXT, cut};

/// Why bytes are no definition file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DdfError {
    /// More bytes than [`MAX_DDF_BYTES`](super::MAX_DDF_BYTES).
    #[error("the file has {len} bytes, at most {max} are read")]
    TooLong {
        /// How many there are.
        len: usize,
        /// How many are read.
        max: usize,
    },
    /// Not UTF-8, the only encoding that is read.
    #[error("the file is not UTF-8, at byte {offset}")]
    NotUtf8 {
        /// The first byte that does not fit.
        offset: usize,
    },
    /// Not well-formed XML.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the XML reader says.
        reason: String,
    },
    /// A document type declaration, which no definition needs.
    #[error("{place}: a document type declaration is not read")]
    Doctype {
        /// Where.
        place: Place,
    },
    /// A reference to an entity that XML itself does not have.
    #[error("{place}: unknown entity `&{name};`")]
    Entity {
        /// Where.
        place: Place,
        /// Its name, cut to 64 characters.
        name: String,
    },
    /// The outermost element is not `LWM2M`: another kind of file.
    #[error("the outermost element is <{found}>, a definition has <LWM2M>")]
    Root {
        /// Its name, cut to 64 characters.
        found: String,
    },
    /// A well-formed file that defines no object.
    #[error("no object is defined here")]
    NoObject,
    /// An element without which the definition means nothing.
    #[error("{place}: <{element}> is missing or empty")]
    Missing {
        /// Where.
        place: Place,
        /// Its name.
        element: &'static str,
    },
    /// An element or attribute whose text is not what it has to be.
    #[error("{place}: {element} is `{found}`, expected {expected}")]
    Invalid {
        /// Where.
        place: Place,
        /// Its name.
        element: &'static str,
        /// Its text, cut to 64 characters.
        found: String,
        /// What it can be.
        expected: &'static str,
    },
    /// The same resource id twice in an object.
    #[error("{place}: this resource is defined twice")]
    RepeatedResource {
        /// Where.
        place: Place,
    },
    /// The same object and version twice in the file.
    #[error("{place}: the file defines an object and version twice")]
    RepeatedObject {
        /// Where.
        place: Place,
    },
    /// Deeper than [`MAX_DDF_DEPTH`].
    #[error("{place}: nested deeper than {max} levels")]
    TooDeep {
        /// Where.
        place: Place,
        /// How deep is read.
        max: usize,
    },
    /// Longer than [`MAX_DDF_TEXT`].
    #[error("{place}: the text of <{element}> is longer than {max} bytes")]
    TextTooLong {
        /// Where.
        place: Place,
        /// The element's name, cut to 64 characters.
        element: String,
        /// How much is read.
        max: usize,
    },
    /// More than [`MAX_DDF_RESOURCES`].
    #[error("{place}: more than {max} resources")]
    TooManyResources {
        /// Where.
        place: Place,
        /// How many are read.
        max: usize,
    },
    /// More than [`MAX_DDF_OBJECTS`].
    #[error("{place}: more than {max} objects")]
    TooManyObjects {
        /// Where.
        place: Place,
        /// How many are read.
        max: usize,
    },
}

/// A place in a definition file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The object it is about, where that is known yet.
    pub object: Option<u16>,
    /// The resource it is about, if it is about one.
    pub resource: Option<u16>,
}

impl Fault {
    pub(super) fn at(self, place: Place) -> DdfError {
        match self {
            Self::Syntax(reason) => DdfError::Syntax { place, reason: reason.chars().take(200).collect() },
            Self::Doctype => DdfError::Doctype { place },
            Self::Entity(name) => DdfError::Entity { place, name },
            Self::Root(found) => DdfError::Root { found },
            Self::Missing { element } => DdfError::Missing { place, element },
            Self::Invalid { element, found, expected } => {
                DdfError::Invalid { place, element, found: cut(&found), expected }
            }
            Self::RepeatedResource => DdfError::RepeatedResource { place },
            Self::RepeatedObject => DdfError::RepeatedObject { place },
            Self::TooDeep => DdfError::TooDeep { place, max: MAX_DDF_DEPTH },
            Self::TextTooLong { element } => DdfError::TextTooLong { place, element, max: MAX_DDF_TEXT },
            Self::TooManyResources => DdfError::TooManyResources { place, max: MAX_DDF_RESOURCES },
            Self::TooManyObjects => DdfError::TooManyObjects { place, max: MAX_DDF_OBJECTS },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(object) = self.object {
            write!(f, ", object {object}")?;
        }
        if let Some(resource) = self.resource {
            write!(f, ", resource {resource}")?;
        }
        Ok(())
    }
}
