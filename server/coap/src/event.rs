//! What an endpoint hands to its caller.

use std::{fmt::Debug, hash::Hash};

use crate::{
    BlockError, MessageId, NotificationId, OptionNumber, Request, Response, Token,
    exchange::{ExchangeId, SendId},
};

/// The other side of an exchange: an address, with whatever else tells two peers apart.
pub trait Peer: Copy + Eq + Ord + Hash + Debug {}

impl<T: Copy + Eq + Ord + Hash + Debug> Peer for T {}

/// Something to send, or something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<P> {
    /// Send these bytes to this peer, as one datagram.
    Transmit {
        /// Where to.
        peer: P,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Take note.
    Event(Event<P>),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<P> {
    /// A peer asks something. The caller answers with `respond`, or leaves it with `drop_exchange`.
    Request {
        /// Who asks.
        peer: P,
        /// Names the exchange in the answer.
        exchange: ExchangeId,
        /// The id of the message; of the last one if the body came block-wise.
        message_id: MessageId,
        /// The token of that message.
        token: Token,
        /// Whether it was a CON.
        confirmable: bool,
        /// The request with its whole body.
        request: Request,
    },
    /// A request of ours has come to its end. Each one does, exactly once.
    Response {
        /// Who was asked.
        peer: P,
        /// Which request.
        request: RequestId,
        /// Its token: the one of the observation where the request started or ended one.
        token: Token,
        /// The response with its whole body, of whatever code; or why there is none.
        outcome: Result<Response, Failure>,
    },
    /// An observed resource has a new state, or an observation has ended. The caller answers with
    /// `accept_notification`, `drop_notification` or `reject_notification`.
    Notification {
        /// Who notifies.
        peer: P,
        /// Names the notification in the verdict.
        id: NotificationId,
        /// The token of the observation.
        token: Token,
        /// The id of the message.
        message_id: MessageId,
        /// Whether it was a CON.
        confirmable: bool,
        /// Whether this is the last one: an error, or a response without Observe (RFC 7641 §3.2, §4.2).
        last: bool,
        /// The notification with its whole body; its sequence number is `response.observe`.
        response: Response,
    },
    /// What became of a notification of ours.
    NotificationSent {
        /// Who was notified.
        peer: P,
        /// Which notification.
        id: SentNotificationId,
        /// The token of the observation.
        token: Token,
        /// Nothing, or why it failed: after a reset or a time-out the observer is to be forgotten, while
        /// [`Failure::Cancelled`] says that a newer one went in its place. A non-confirmable one is heard of only if
        /// it is reset.
        outcome: Result<(), Failure>,
    },
}

/// Names a request of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) SendId);

/// Names a notification of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentNotificationId(pub(crate) SendId);

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing came in time.
    #[error("the peer did not {}", if *.acknowledged { "respond in time after it had acknowledged" } else { "acknowledge" })]
    TimedOut {
        /// Whether the peer had acknowledged the request, and so may have acted on it.
        acknowledged: bool,
    },
    /// The peer does not know what the message is about.
    #[error("the peer reset the message")]
    Reset,
    /// The caller took the request back, or forgot the peer.
    #[error("the request was cancelled")]
    Cancelled,
    /// The response body is larger than this endpoint takes.
    #[error("the body exceeds {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// The block-wise transfer could not be completed.
    #[error(transparent)]
    BlockTransfer(BlockError),
    /// The response has a critical option that is not understood.
    #[error("the response has {0}, which is critical and not understood")]
    BadOption(OptionNumber),
}

/// Why a request or notification was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Too much is waiting for this peer (bound `queue_per_peer`).
    #[error("{max} messages wait for this peer")]
    QueueFull {
        /// The bound.
        max: usize,
    },
    /// Too much is waiting for all peers together (bound `queue_total`).
    #[error("{max} messages wait in all")]
    Overloaded {
        /// The bound.
        max: usize,
    },
    /// The body is too large (bound `body_bytes`), or has more blocks than 20 bits can number.
    #[error("a body of {len} bytes is too large")]
    BodyTooLarge {
        /// Its length.
        len: usize,
    },
    /// An option is longer than RFC 7252 §5.10 allows.
    #[error("{0} is too long")]
    OptionTooLong(OptionNumber),
    /// A request with this token is under way.
    #[error("{0:?} is in use")]
    TokenInUse(Token),
}
