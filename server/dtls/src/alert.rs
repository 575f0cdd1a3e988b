//! Alerts (RFC 5246 §7.2).

/// An alert's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alert(pub u8);

impl Alert {
    /// The sender is done.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// A message came where it may not.
    pub const UNEXPECTED_MESSAGE: Self = Self(10);
    /// No set of parameters is acceptable.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A certificate is corrupt or its signature is wrong.
    pub const BAD_CERTIFICATE: Self = Self(42);
    /// A certificate is of a kind that is not taken.
    pub const UNSUPPORTED_CERTIFICATE: Self = Self(43);
    /// A certificate was revoked.
    pub const CERTIFICATE_REVOKED: Self = Self(44);
    /// A certificate is not valid now.
    pub const CERTIFICATE_EXPIRED: Self = Self(45);
    /// A certificate is not acceptable for some other reason.
    pub const CERTIFICATE_UNKNOWN: Self = Self(46);
    /// A field is out of range or contradicts another.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// No trusted authority vouches for a certificate.
    pub const UNKNOWN_CA: Self = Self(48);
    /// The peer is known and not let in.
    pub const ACCESS_DENIED: Self = Self(49);
    /// A message can't be read.
    pub const DECODE_ERROR: Self = Self(50);
    /// A signature or a Finished is wrong.
    pub const DECRYPT_ERROR: Self = Self(51);
    /// The version is not served.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// The endpoint failed for reasons of its own.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// The peer gave up.
    pub const USER_CANCELED: Self = Self(90);
    /// No new handshake within a session.
    pub const NO_RENEGOTIATION: Self = Self(100);
    /// An extension that nobody asked for.
    pub const UNSUPPORTED_EXTENSION: Self = Self(110);
    /// The PSK identity is not known (RFC 4279 §2).
    pub const UNKNOWN_PSK_IDENTITY: Self = Self(115);
}
