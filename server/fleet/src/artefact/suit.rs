//! SUIT envelopes, as far as they decide who may be given an image: draft-ietf-suit-manifest, revision 37.
//!
//! Read are the authentication wrapper (COSE_Sign1 by ES256 or EdDSA over the digest of the manifest, §8.3), and of the manifest
//! its version, its sequence number, the components, and what the shared sequence, the payload fetch and the
//! installation say of vendor id, class id, digest and size of the one image (§8.4). What follows for a device is its own to
//! decide; what could follow otherwise than it looks here (alternatives by try-each, several images, severed
//! commands, commands and parameters that the draft does not know) is refused, as §6.1 asks of a recipient.
//!
//! An envelope may be as large as the image in it: [`Walk`] finds its parts without reading those it does not need.

mod authentication;
pub use authentication::Authentication;

mod cbor;

mod manifest;
pub use manifest::SuitManifest;

mod walk;
pub use walk::{Outline, Part, Walk};

/// Why something is no envelope that can be decided upon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuitError {
    /// It is not the CBOR that it should be.
    #[error("the SUIT envelope can't be read: {what} is malformed or cut short")]
    Malformed {
        /// What was read.
        what: &'static str,
    },
    /// It is larger, or has more in it, than is read.
    #[error("the SUIT envelope can't be read: more than {max} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is read.
        max: usize,
    },
    /// It lacks something.
    #[error("the SUIT envelope lacks {what}")]
    Lacks {
        /// What.
        what: &'static str,
    },
    /// It holds something that this server does not decide upon.
    #[error("the SUIT envelope has {what}, which this server does not decide upon")]
    Unsupported {
        /// What.
        what: String,
    },
}

impl SuitError {
    fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

#[cfg(test)]
pub(crate) mod tests;
