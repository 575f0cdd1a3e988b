//! What peers can make an endpoint hold. Each bound has a counter of what it turned away.

use std::time::Duration;

/// The bounds of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Handshakes under way, of peers whose address was verified.
    pub handshakes: usize,
    /// Handshakes under way from one network: /24 of IPv4, /56 of IPv6.
    pub handshakes_of_network: usize,
    /// How long a handshake may take.
    pub handshake_time: Duration,
    /// Datagrams of one handshake.
    pub datagrams: usize,
    /// Bytes of one handshake.
    pub bytes: usize,
    /// The longest handshake message.
    pub message: usize,
    /// Sessions; the one that was silent longest makes room.
    pub sessions: usize,
    /// Sessions of one tag; the oldest makes room. None: as many as come.
    pub sessions_of_tag: Option<usize>,
    /// How long a session may be silent.
    pub idle: Duration,
    /// How far ahead sequence numbers are reserved.
    pub reserve: u64,
    /// What waits for the caller to be polled.
    pub outputs: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            handshakes: 16_384,
            handshakes_of_network: 1_024,
            handshake_time: Duration::from_secs(60),
            datagrams: 128,
            bytes: 64 << 10,
            message: 16 << 10,
            sessions: 1_000_000,
            sessions_of_tag: Some(4),
            // Longer than the day that is the default lifetime of a registration.
            idle: Duration::from_secs(25 * 3_600),
            reserve: 256,
            outputs: 65_536,
        }
    }
}
