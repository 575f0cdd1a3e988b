//! What an endpoint says to its caller.

use std::{fmt, net::SocketAddr};

use zeroize::Zeroizing;

use crate::{Alert, Failure, Job, Saved, Suite, Untrusted};

/// Something to send, or something that happened.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes, as one datagram.
    Transmit {
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Take note, or answer.
    Event(Event),
}

/// Something that happened. Those that ask say by which call they are answered; a handshake that is not answered ends by its
/// time-out, and an answer to one that has ended is nothing.
#[derive(Debug)]
pub enum Event {
    /// A peer says who it is. Answered by [`Endpoint::identified`](crate::Endpoint::identified).
    Identify {
        /// Names the handshake in the answer.
        handshake: HandshakeId,
        /// From where.
        from: SocketAddr,
        /// Who it says it is. A [`Claim::Psk`] proves nothing yet; the others have proved that they hold their key.
        claim: Claim,
        /// The host name it asked for (RFC 6066 §3).
        server_name: Option<String>,
        /// The suite that was chosen.
        suite: Suite,
    },
    /// A peer wants to go on with a session of old. Answered by [`Endpoint::resumed`](crate::Endpoint::resumed).
    Resume {
        /// Names the handshake in the answer.
        handshake: HandshakeId,
        /// Which.
        session: SessionId,
    },
    /// Public-key work is to be done. Answered by [`Endpoint::computed`](crate::Endpoint::computed).
    Compute(Job),
    /// A peer has proved who it is. Answered by [`Endpoint::admitted`](crate::Endpoint::admitted), once the session is durable:
    /// our last flight leaves then.
    Opened {
        /// Names the handshake in the answer.
        handshake: HandshakeId,
        /// The session, to be kept. It is live once it is admitted.
        session: Saved,
        /// Whether it goes on with the keys of an earlier one; its `tag` is that one's.
        resumed: bool,
        /// Who the peer has proved to be; none of a session that is resumed.
        claim: Option<Claim>,
        /// The host name it asked for (RFC 6066 §3).
        server_name: Option<String>,
    },
    /// A handshake is done, of either role: its session is live. What was [`Event::Opened`] ends in this or in [`Event::Failed`].
    Connected {
        /// Which.
        handshake: HandshakeId,
        /// Its session.
        session: SessionId,
    },
    /// A handshake came to nothing. Each one that asked anything, or whose peer's address was verified, is told of once.
    Failed(Box<Failure>),
    /// Data arrived in a session.
    Received {
        /// Which session.
        session: SessionId,
        /// Whose.
        tag: Tag,
        /// The address the session is known by; see [`Event::Moved`].
        peer: SocketAddr,
        /// Whether its peer was heard there for certain: it is no address to keep otherwise.
        is_certain: bool,
        /// The number below which every record counts as received from now on: to be kept with what the data does.
        received: u64,
        /// The data.
        plaintext: Vec<u8>,
    },
    /// A session is known by another address from now on: its peer was heard there for certain (RFC 9146 §6), or the one before
    /// is another session's by now.
    Moved {
        /// Which.
        session: SessionId,
        /// Whose.
        tag: Tag,
        /// Its address before. Another session may be there by now.
        from: SocketAddr,
        /// Its address now.
        to: SocketAddr,
    },
    /// A session has used half of the sequence numbers it may. To be kept, and then answered by
    /// [`Endpoint::reserved`](crate::Endpoint::reserved).
    Reserve {
        /// Which.
        session: SessionId,
        /// How far it would like to go.
        upto: u64,
    },
    /// A session is over.
    Ended {
        /// Which.
        session: SessionId,
        /// Whose.
        tag: Tag,
        /// The address it was known by.
        peer: SocketAddr,
        /// Why.
        why: Ended,
    },
}

/// Who a peer says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A PSK identity (RFC 4279), 1 to 128 bytes.
    Psk(Vec<u8>),
    /// A raw public key (RFC 7250): a SubjectPublicKeyInfo in DER. The peer holds the private key.
    RawPublicKey(Vec<u8>),
    /// An X.509 certificate. The peer holds its private key.
    Certificate {
        /// The chain in DER, the peer's own first.
        chain: Vec<Vec<u8>>,
        /// Whether a trusted authority vouches for it now, and if not, why.
        trusted: Result<(), Untrusted>,
    },
}

/// What a caller knows of a [`Claim`].
#[derive(Clone)]
pub struct Known {
    /// What its sessions are to be tagged with.
    pub tag: Tag,
    /// The pre-shared key, for a [`Claim::Psk`].
    pub key: Option<Zeroizing<Vec<u8>>>,
    /// Whether many peers prove themselves by the same: [`Bounds::sessions_of_tag`](crate::Bounds::sessions_of_tag) is not
    /// for them.
    pub shared: bool,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("tag", &self.tag).field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its peer said so, by close_notify or a fatal alert.
    ByPeer(Alert),
    /// The caller ended it.
    ByCaller,
    /// Its peer has opened another one: from the same address, or as the caller knows.
    Replaced,
    /// It was silent for longer than [`Bounds::idle`](crate::Bounds::idle).
    Idle,
    /// Its peer has more than [`Bounds::sessions_of_tag`](crate::Bounds::sessions_of_tag), or all have more than
    /// [`Bounds::sessions`](crate::Bounds::sessions): the oldest made room.
    Room,
    /// It has used all sequence numbers there are, or failed to authenticate as often as is safe.
    UsedUp,
}

/// Names a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandshakeId(pub(crate) u64);

/// Names a session, for good: 8 bits of the node, 24 that count, 32 at random. It is the connection id that peers use where
/// they can (RFC 9146), and stands in the session id by which they resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// The caller's number for whoever a session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);
