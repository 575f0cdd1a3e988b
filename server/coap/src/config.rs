//! What can be set: the parameters of transmission, the sizes of blocks, and a bound for everything a peer can grow.

use std::time::Duration;

use crate::{BlockSize, Request};

/// The configuration of an endpoint. The default is the one of RFC 7252 §4.8, with bounds for a fleet of small devices.
#[derive(Clone, Debug)]
pub struct Config {
    /// Timers of the message layer.
    pub transmission: Transmission,
    /// How long a confirmable request may stay unanswered before an empty acknowledgement is sent, so that the peer
    /// stops repeating it (RFC 7252 §5.2.2). 1 s; it must be below ACK_TIMEOUT of the peers.
    pub empty_ack_delay: Duration,
    /// How long to wait for a separate response after the empty acknowledgement, or for the response to a
    /// non-confirmable request. 93 s (MAX_TRANSMIT_WAIT).
    pub response_timeout: Duration,
    /// The largest block sent, and asked for. 1024 bytes.
    pub block_size: BlockSize,
    /// After which idle time a half-done block-wise transfer is forgotten. 247 s (EXCHANGE_LIFETIME).
    pub block_idle_timeout: Duration,
    /// Which requests the caller takes block by block, as they come, instead of whole ([`Request::block1`]). None.
    pub is_streamed: fn(&Request) -> bool,
    /// The bounds.
    pub bounds: Bounds,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transmission: Transmission::default(),
            empty_ack_delay: Duration::from_secs(1),
            response_timeout: Duration::from_secs(93),
            block_size: BlockSize::B1024,
            block_idle_timeout: Duration::from_secs(247),
            is_streamed: |_| false,
            bounds: Bounds::default(),
        }
    }
}

/// The transmission parameters of RFC 7252 §4.8.
#[derive(Clone, Debug)]
pub struct Transmission {
    /// ACK_TIMEOUT, 2 s.
    pub ack_timeout: Duration,
    /// ACK_RANDOM_FACTOR, 1.5; from 1 to 10.
    pub ack_random_factor: f64,
    /// MAX_RETRANSMIT, 4; at most 16.
    pub max_retransmit: u32,
    /// NSTART, 1.
    pub nstart: usize,
    /// MAX_LATENCY, 100 s.
    pub max_latency: Duration,
}

impl Default for Transmission {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(2),
            ack_random_factor: 1.5,
            max_retransmit: 4,
            nstart: 1,
            max_latency: Duration::from_secs(100),
        }
    }
}

impl Transmission {
    /// MAX_TRANSMIT_SPAN: from the first transmission of a message to the last (RFC 7252 §4.8.2). 45 s.
    pub fn max_transmit_span(&self) -> Duration {
        self.longest(2_u32.pow(self.max_retransmit.min(16)) - 1)
    }

    /// MAX_TRANSMIT_WAIT: from the first transmission to giving up. 93 s.
    pub fn max_transmit_wait(&self) -> Duration {
        self.longest(2_u32.pow(self.max_retransmit.min(16) + 1) - 1)
    }

    /// EXCHANGE_LIFETIME: how long a message id stays tied to a confirmable message. 247 s.
    pub fn exchange_lifetime(&self) -> Duration {
        // PROCESSING_DELAY is set to ACK_TIMEOUT (RFC 7252 §4.8.2).
        self.max_transmit_span() + 2 * self.max_latency + self.ack_timeout
    }

    /// NON_LIFETIME: how long a message id stays tied to a non-confirmable message. 145 s.
    pub fn non_lifetime(&self) -> Duration {
        self.max_transmit_span() + self.max_latency
    }

    fn longest(&self, timeouts: u32) -> Duration {
        self.ack_timeout.saturating_mul(timeouts).mul_f64(self.random_factor())
    }

    /// ACK_RANDOM_FACTOR within its range, whatever was configured.
    pub(crate) fn random_factor(&self) -> f64 {
        // `max` also replaces what is no number.
        self.ack_random_factor.max(1.0).clamp(1.0, 10.0)
    }
}

/// The bounds. What exceeds one is turned away and counted under the same name in [`crate::Counters`].
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Requests of one peer that wait for the caller's answer. Beyond it: silence, so that the peer tries again. 16.
    pub exchanges_per_peer: usize,
    /// The same over all peers. 20 000.
    pub exchanges_total: usize,
    /// Messages of one peer remembered against duplicates. Beyond it: silence. 32 768, half of all message ids there are.
    pub remembered_per_peer: usize,
    /// The same over all peers. 1 000 000.
    pub remembered_total: usize,
    /// Bytes of replies kept for duplicates, over all peers. Beyond it new requests meet silence. 64 MiB.
    pub reply_bytes_total: usize,
    /// Requests, notifications and separate responses to one peer, queued or under way. 64.
    pub queue_per_peer: usize,
    /// The same over all peers. 200 000.
    pub queue_total: usize,
    /// The body of a request or response, either way. 1 MiB.
    pub body_bytes: usize,
    /// Half-received bodies, and bodies served block by block, of one peer (4 each). The oldest gives way.
    pub transfers_per_peer: usize,
    /// Bytes of bodies of one peer in block-wise transfer. 4 MiB.
    pub block_bytes_per_peer: usize,
    /// The same over all peers. 256 MiB.
    pub block_bytes_total: usize,
    /// Observations of one peer. 256.
    pub observations_per_peer: usize,
    /// The same over all peers. 2 000 000.
    pub observations_total: usize,
    /// Notifications of one peer that wait for the caller's verdict. Beyond it: silence. 32.
    pub notifications_per_peer: usize,
    /// Message ids given out to one peer within EXCHANGE_LIFETIME; then sending waits. At most 24 576, so that
    /// those of two successive starts do not meet. 24 576.
    pub message_ids_per_lifetime: u32,
    /// The longest message sent as an answer to an address that has not yet answered one of ours with its token
    /// (RFC 9175 §2.4). A longer body is handed out in blocks of 64 bytes. 136 bytes; `usize::MAX` where the layer
    /// below has verified every address, and in a client.
    pub unverified_reply_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            exchanges_per_peer: 16,
            exchanges_total: 20_000,
            remembered_per_peer: 32_768,
            remembered_total: 1_000_000,
            reply_bytes_total: 64 << 20,
            queue_per_peer: 64,
            queue_total: 200_000,
            body_bytes: 1 << 20,
            transfers_per_peer: 4,
            block_bytes_per_peer: 4 << 20,
            block_bytes_total: 256 << 20,
            observations_per_peer: 256,
            observations_total: 2_000_000,
            notifications_per_peer: 32,
            message_ids_per_lifetime: 24_576,
            unverified_reply_bytes: 136,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_times_are_those_of_rfc_7252_section_4_8_2() {
        let transmission = Transmission::default();
        assert_eq!(transmission.max_transmit_span(), Duration::from_secs(45));
        assert_eq!(transmission.max_transmit_wait(), Duration::from_secs(93));
        assert_eq!(transmission.exchange_lifetime(), Duration::from_secs(247));
        assert_eq!(transmission.non_lifetime(), Duration::from_secs(145));
    }
}
