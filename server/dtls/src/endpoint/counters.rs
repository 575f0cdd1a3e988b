//! Counters: what was seen, what was turned away, and why. One a bound of [`crate::Bounds`].

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
    /// ClientHellos answered by a cookie.
    cookies_sent,
    /// Handshakes begun, after the cookie.
    handshakes_begun,
    /// Handshakes that made a session.
    handshakes_done,
    /// Handshakes that came to nothing.
    handshakes_failed,
    /// Flights sent again.
    retransmissions,
    /// Sessions that go on with the keys of an earlier one.
    sessions_resumed,
    /// Sessions taken over from before a restart.
    sessions_restored,
    /// Sessions whose peer was heard at another address for certain.
    sessions_moved,
    /// Alerts sent.
    alerts_sent,

    /// Bytes that are no record.
    records_malformed,
    /// Records of no session and no handshake.
    records_unknown,
    /// Records of a kind or an epoch that has no place where they came.
    records_unexpected,
    /// Records that did not authenticate.
    records_unauthenticated,
    /// Records that came a second time, or too late.
    records_replayed,
    /// Handshake messages that can't be read, and were dropped.
    messages_malformed,
    /// Handshake messages that have no place where they came, and were dropped.
    messages_unexpected,
    /// ClientHellos with a cookie that is none of ours: of another address, too old, or made up.
    cookies_bad,
    /// ClientHellos that came again after their handshake was over.
    hellos_late,
    /// Finished messages that could not be decrypted.
    finished_undecryptable,
    /// Alerts that nothing vouches for, and were dropped.
    alerts_ignored,
    /// Renegotiations refused.
    renegotiations,
    /// Resumptions that were refused and became full handshakes.
    resumptions_refused,

    /// Bound `handshakes`.
    handshakes,
    /// Bound `handshakes_of_network`.
    handshakes_of_network,
    /// Handshakes that were silent and made room for others.
    handshakes_evicted,
    /// Bound `handshake_time`.
    handshake_time,
    /// Bound `datagrams`.
    datagrams,
    /// Bound `bytes`.
    bytes,
    /// Bound `message`.
    message,
    /// Bound `sessions`.
    sessions,
    /// Bound `sessions_of_tag`.
    sessions_of_tag,
    /// Bound `idle`.
    idle,
    /// Bound `reserve`.
    reserve,
    /// Bound `outputs`.
    outputs,
}
