//! Counters: what was turned away, and why. One a bound of [`crate::Bounds`], one a kind of malformed input.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What an endpoint has seen since it was made.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Name and value of each counter, always in the same order.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams taken in.
    datagrams_received,
    /// Datagrams handed out.
    datagrams_sent,
    /// Confirmable messages sent again.
    retransmissions,
    /// Messages that gave up after MAX_RETRANSMIT.
    transmissions_timed_out,
    /// Requests and notifications that were acknowledged and then never answered.
    responses_timed_out,
    /// Duplicates that were answered from memory or with silence.
    duplicates,
    /// Message ids that came again with other content within their lifetime: the peer has started anew.
    message_ids_reused,
    /// Pings answered.
    pings,
    /// Resets sent.
    resets_sent,
    /// Resets received.
    resets_received,
    /// Acknowledgements and resets that match nothing of ours.
    replies_unmatched,
    /// Responses and notifications whose token is unknown: late, or of an observation that was forgotten.
    responses_unmatched,
    /// Notifications older than one seen before (RFC 7641 §3.4).
    notifications_stale,
    /// Notifications that could not be completed block by block.
    notifications_incomplete,
    /// Confirmable notifications met with silence because an older value is just being fetched or committed.
    notifications_deferred,

    /// Shorter than a header.
    malformed_header,
    /// Not version 1.
    malformed_version,
    /// A token length that does not fit.
    malformed_token,
    /// An empty message with content.
    malformed_empty,
    /// A code of a reserved class, or one that its type of message cannot carry.
    malformed_code,
    /// An option whose delta or length does not fit.
    malformed_option,
    /// A payload marker without payload.
    malformed_payload,
    /// Messages refused for a critical option that is not understood.
    critical_options,
    /// Elective options that were ignored.
    elective_options,
    /// Requests with a method that is not registered.
    methods_unknown,
    /// Blocks out of order, of a wrong length or of the reserved size.
    blocks_refused,

    /// Bound `exchanges_per_peer`.
    exchanges_per_peer,
    /// Bound `exchanges_total`.
    exchanges_total,
    /// Bound `remembered_per_peer`.
    remembered_per_peer,
    /// Bound `remembered_total`.
    remembered_total,
    /// Bound `reply_bytes_total`.
    reply_bytes_total,
    /// Bound `queue_per_peer`.
    queue_per_peer,
    /// Bound `queue_total`.
    queue_total,
    /// Bound `body_bytes`.
    body_bytes,
    /// Bound `transfers_per_peer`.
    transfers_per_peer,
    /// Bound `block_bytes_per_peer`.
    block_bytes_per_peer,
    /// Bound `block_bytes_total`.
    block_bytes_total,
    /// Bound `observations_per_peer`.
    observations_per_peer,
    /// Bound `observations_total`.
    observations_total,
    /// Bound `notifications_per_peer`.
    notifications_per_peer,
    /// Bound `message_ids_per_lifetime`.
    message_ids_per_lifetime,
    /// Bound `unverified_reply_bytes`.
    unverified_reply_bytes,
    /// Block-wise transfers forgotten after `block_idle_timeout`.
    block_idle_timeout,
}

impl Counters {
    /// How many datagrams were no CoAP messages.
    pub fn malformed(&self) -> u64 {
        self.malformed_header
            + self.malformed_version
            + self.malformed_token
            + self.malformed_empty
            + self.malformed_code
            + self.malformed_option
            + self.malformed_payload
    }
}
