//! How devices are served.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

use super::Addresses;

/// Where and how devices are served over DTLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoapsConfig {
    /// The addresses devices are managed at.
    pub listen: Addresses,
    /// The addresses devices bootstrap at; none means there is no bootstrap server.
    pub bootstrap_listen: Addresses,
    /// The chain of certificates in PEM that devices know the server by, its own first.
    pub certificate: Option<PathBuf>,
    /// The private key of the first certificate in PEM.
    pub key: Option<PathBuf>,
    /// How long a handshake may take, in seconds.
    pub handshake_timeout_s: u32,
    /// How many handshakes may be under way at one time.
    pub max_handshakes: u32,
    /// How many of these may come from one IPv4 /24 or IPv6 /56.
    pub max_handshakes_per_prefix: u32,
    /// How many sessions the server keeps at most.
    pub max_sessions: u32,
}

/// Where devices are served without security, and what holds for CoAP on every listener.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoapConfig {
    /// The addresses devices are managed at without security.
    pub listen: Addresses,
    /// The addresses devices bootstrap at without security.
    pub bootstrap_listen: Addresses,
    /// Whether an Update from another address moves a registration without security there.
    pub follow_address_changes: bool,
    /// How many devices the server takes at most.
    pub max_devices: u32,
    /// The largest body taken from or sent to a device, in bytes.
    pub max_body_bytes: u32,
    /// The largest block offered in a block-wise transfer.
    pub block_size: BlockSize,
}

/// A block size of RFC 7959 §2.2: a power of two from 16 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct BlockSize(u16);

// === impl CoapsConfig ===

impl Default for CoapsConfig {
    fn default() -> Self {
        let everywhere = |port| {
            Addresses(vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            ])
        };
        Self {
            listen: everywhere(5684),
            bootstrap_listen: everywhere(5784),
            certificate: None,
            key: None,
            handshake_timeout_s: 60,
            max_handshakes: 16_384,
            max_handshakes_per_prefix: 1_024,
            // At most 320 bytes each.
            max_sessions: 1_000_000,
        }
    }
}

// === impl CoapConfig ===

impl CoapConfig {
    pub(super) fn lab() -> Self {
        let loopback = |port| Addresses(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
        Self { listen: loopback(5683), bootstrap_listen: loopback(5783), ..Self::default() }
    }
}

impl Default for CoapConfig {
    fn default() -> Self {
        Self {
            listen: Addresses::default(),
            bootstrap_listen: Addresses::default(),
            follow_address_changes: false,
            max_devices: 1_000_000,
            max_body_bytes: 1_048_576,
            block_size: BlockSize(1024),
        }
    }
}

// === impl BlockSize ===

impl BlockSize {
    /// In bytes.
    pub fn bytes(self) -> u16 {
        self.0
    }
}

impl TryFrom<u32> for BlockSize {
    type Error = &'static str;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        match u16::try_from(bytes) {
            Ok(bytes @ (16 | 32 | 64 | 128 | 256 | 512 | 1024)) => Ok(Self(bytes)),
            _ => Err("expected a power of two from 16 to 1024"),
        }
    }
}
