//! CoRE Link Format: what a device registers with and answers Discover with.
//!
//! [`ObjectLinks`] is the payload of a Register or Update, [`Discovered`] the answer to a Discover. Both are read
//! leniently, for devices in the field differ, and printed in one canonical form that reads back as the same thing.
//! RFC 6690, LwM2M Core 1.1.1 §6.2.1, §6.3.2 and §7.2.
//!
//! Lenient means: values with and without quotes, blanks and line ends between the parts, empty links and attributes,
//! a missing slash at the start of a target and one too many at its end, the same link twice (the first wins), unknown
//! attributes (kept), links that name nothing of LwM2M (kept apart), no root link. An error are text that can't be cut
//! into links, an object version that is none, and what is beyond a bound.

use std::fmt;

use crate::{ObjectId, Version};

mod discovered;
pub use discovered::{Discovered, DiscoveredLink};

mod object_links;
pub use object_links::{ObjectEntry, ObjectLinks};

mod raw;

/// Longest text that is read. A device of a hundred instances needs 2 kB.
pub const MAX_LINK_BYTES: usize = 64 * 1024;
/// Most links that are read.
pub const MAX_LINKS: usize = 4096;
/// Most attributes that are read of one link.
pub const MAX_LINK_ATTRIBUTES: usize = 32;

/// A link attribute: its name, with its value if it has one.
pub type LinkAttribute = (String, Option<String>);

/// A link as it stands in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// What stands between `<` and `>`.
    pub target: String,
    /// The attributes in their order.
    pub attributes: Vec<LinkAttribute>,
}

/// Why bytes are no links. Offsets are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// More bytes than [`MAX_LINK_BYTES`].
    #[error("{len} bytes of links, at most {max} are read")]
    TooLong {
        /// How many there are.
        len: usize,
        /// How many are read.
        max: usize,
    },
    /// More links than [`MAX_LINKS`].
    #[error("more than {max} links")]
    TooManyLinks {
        /// How many are read.
        max: usize,
    },
    /// More attributes of one link than [`MAX_LINK_ATTRIBUTES`].
    #[error("more than {max} attributes of one link, at byte {offset}")]
    TooManyAttributes {
        /// Where the first one too many starts.
        offset: usize,
        /// How many are read.
        max: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8, at byte {offset}")]
    NotUtf8 {
        /// The first byte that does not fit.
        offset: usize,
    },
    /// A control character other than tabulator and line end: no text means one, and not every store keeps it.
    #[error("a control character, at byte {offset}")]
    ControlCharacter {
        /// Where it stands.
        offset: usize,
    },
    /// Something else than what has to come here.
    #[error("expected {expected}, at byte {offset}")]
    Expected {
        /// What has to come.
        expected: &'static str,
        /// Where.
        offset: usize,
    },
    /// A target or a quoted value without its end.
    #[error("{part} does not end, it starts at byte {offset}")]
    Unterminated {
        /// What it is.
        part: &'static str,
        /// Where it starts.
        offset: usize,
    },
    /// An attribute name with characters that no name has.
    #[error("not the name of an attribute, at byte {offset}")]
    Name {
        /// Where it starts.
        offset: usize,
    },
    /// A `ver` that is no version.
    #[error("the version of object {object} is `{found}`, expected one such as 1.1")]
    Version {
        /// Of which object.
        object: ObjectId,
        /// Its text, cut to 32 characters.
        found: String,
    },
}

fn version(object: ObjectId, text: &str) -> Result<Version, LinkError> {
    let wrong = |_| LinkError::Version { object, found: text.chars().take(32).collect() };
    text.trim().parse().map_err(wrong)
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.target)?;
        raw::write_attributes(f, &self.attributes)
    }
}
